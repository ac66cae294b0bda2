/** Values as a log line may show them: JSON, within bounds, without secrets. */
import { sortOf } from '../option-checks.js';
import { hideKeyLike } from '../wire/key-like.js';
import { keyRule, secretKeys } from '../wire/secret-keys.js';
import { blot, hideIn, hideInQueries, type Secrets } from '../wire/secrets.js';
import { invalid } from './refusal.js';

export interface Hiding {
  /** Keys whose values are not told; null: none. */
  readonly secret: RegExp | null;
  /** Texts that are blotted out wherever they stand. */
  readonly secrets: Secrets;
}

/**
 * What an app hides.
 * @param redact   the keys; `false`: none
 * @param secrets  the texts, of at least 4 characters each
 * @throws EspalierError `telemetry/invalid-options`
 */
export function planHiding(redact: RegExp | false = secretKeys, secrets: Secrets = []): Hiding {
  if (redact !== false && !(redact instanceof RegExp)) throw invalid('redact', 'a regular expression or false', sortOf(redact));
  const areTexts = Array.isArray(secrets) && secrets.every((one) => typeof one === 'string' && one.length >= 4);
  // What was given is not shown: some of it may be a secret.
  if (!areTexts) throw invalid('secrets', 'texts of at least 4 characters', sortOf(secrets));
  return { secret: keyRule(redact), secrets: [...secrets] };
}

const mostDepth = 6;
const mostItems = 100;
const longestText = 4_096;
/** Of one call: what is shared is written in each place, so that a few lists within lists may come to as many values as there are atoms. */
const mostValues = 1_000;

/** A copy that is being written. */
interface Copying {
  readonly hiding: Hiding;
  /** So many values more may be written. */
  left: number;
}

/**
 * A copy of a value that JSON can write. An error becomes its name, its message and its code; a list or an object is written 6 deep and up to its 100th item, a
 * text up to its 4 096th character; in place of what is deeper, and of each value after the first 1 000, stands `[…]`, and `[circular]` for a circle; a getter
 * that throws says so.
 * @throws never
 */
export function hidden(value: unknown, hiding: Hiding): unknown {
  return write(value, { hiding, left: mostValues }, mostDepth, new Set());
}

/** A text without secrets, and not longer than a line may be. @throws never */
export function hiddenText(text: string, { secrets }: Hiding): string {
  // Hidden before it is cut: what is left of a secret at the cut would not be known for one.
  const clean = hideIn(hideKeyLike(hideInQueries(text)), secrets);
  return clean.length > longestText ? `${clean.slice(0, longestText)}…` : clean;
}

function write(value: unknown, copying: Copying, depth: number, above: ReadonlySet<object>): unknown {
  const { hiding } = copying;
  if (copying.left-- <= 0) return '[…]';
  if (typeof value === 'string') return hiddenText(value, hiding);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (above.has(value)) return '[circular]';
  if (depth === 0) return '[…]';
  const within = new Set([...above, value]);
  try {
    if (value instanceof Error) return errorOf(value, hiding);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (Array.isArray(value)) return value.slice(0, mostItems).map((one: unknown) => write(one, copying, depth - 1, within));
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    return fieldsOf(value, copying, depth, within);
  } catch {
    return '[unreadable]';
  }
}

function fieldsOf(value: object, copying: Copying, depth: number, within: ReadonlySet<object>): object {
  const { hiding } = copying;
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(value).slice(0, mostItems)) {
    const isSecret = hiding.secret?.test(key) ?? false;
    if (isSecret) copying.left--;
    const told = isSecret ? blot : read(value, key, (one) => write(one, copying, depth - 1, within));
    // Defined and not assigned: `__proto__` is a key like any other.
    Object.defineProperty(fields, hiddenText(key, hiding), { value: told, enumerable: true, configurable: true, writable: true });
  }
  return fields;
}

function read(value: object, key: string, then: (one: unknown) => unknown): unknown {
  try {
    return then((value as Record<string, unknown>)[key]);
  } catch {
    return '[unreadable]';
  }
}

function errorOf(error: Error, hiding: Hiding): object {
  const { code } = error as { code?: unknown };
  const told = typeof code === 'string' || typeof code === 'number' ? { code: hidden(code, hiding) } : {};
  return { name: hiddenText(error.name, hiding), message: hiddenText(error.message, hiding), ...told };
}
