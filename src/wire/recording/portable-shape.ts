/** Values of an app as JSON: what they look like in a line. What they mean is in src/recording/portable.ts, which writes them. */

/** JSON, as it stands in a line. */
export type Portable = null | boolean | number | string | readonly Portable[] | { readonly [key: string]: Portable };

type Check = (held: unknown) => boolean;

const isText: Check = (held) => typeof held === 'string';
const isRecord = (held: unknown): held is Record<string, unknown> => typeof held === 'object' && held !== null && !Array.isArray(held);
const areValues: Check = (held) => Array.isArray(held) && held.every(isPortable);
const isBigInt: Check = (held) => typeof held === 'string' && /^-?\d+$/.test(held);
const isDate: Check = (held) => held === null || (typeof held === 'string' && !Number.isNaN(Date.parse(held)));
const isMap: Check = (held) => Array.isArray(held) && held.every((pair) => areValues(pair) && (pair as unknown[]).length === 2);
const isTrue: Check = (held) => held === true;
const isPlain: Check = (held) => isRecord(held) && Object.values(held).every(isPortable);

const marks: ReadonlyMap<string, Check> = new Map([
  ['$actor', isText],
  ['$error', (held) => isPlain(held) && isRecord(held) && 'name' in held && 'message' in held],
  ['$map', isMap],
  ['$set', areValues],
  ['$date', isDate],
  ['$bigint', isBigInt],
  ['$number', (held) => ['NaN', 'Infinity', '-Infinity', '-0'].includes(held as string)],
  ['$undefined', isTrue],
  ['$bytes', isText],
  ['$object', isPlain],
  ['$function', isText],
  ['$instance', isText],
  ['$symbol', isText],
  ['$circular', isTrue],
  ['$threw', isText],
  ['$cut', isText],
  ['$redacted', isTrue],
  ['$snapshot', isPlain],
]);

/** Plain data, or a mark that this version knows, with what belongs to it. The value must not be deeper than the stack. */
export function isPortable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPortable);
  if (!isRecord(value)) return true;
  const [mark, ...rest] = Object.keys(value);
  if (mark === undefined || !mark.startsWith('$')) return Object.entries(value).every(([key, inner]) => !key.startsWith('$') && isPortable(inner));
  const hasOnlyItself = rest.length === 0 || (mark === '$instance' && rest.length === 1 && 'json' in value && isPortable(value.json));
  return hasOnlyItself && marks.get(mark)?.(value[mark]) === true;
}
