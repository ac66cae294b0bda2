/** What a recorder can be told, and what it refuses. */
import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { EspalierError } from '../errors.js';
import { keyRule, secretKeys } from '../recording/portable.js';
import { isRedact, redactWords, shownRedact } from '../recording/redact.js';
import type { Secrets } from '../wire/secrets.js';
import { ownSchemas } from './own-schemas.js';

export interface RecorderOptions {
  /**
   * Keys whose values are not recorded, wherever they stand. Default: keys that look like a password, an API key, a token of access. `false`: none;
   * then what the app holds is in the recording. Without case; a flag that would mean something else is refused.
   */
  readonly redact?: RegExp | false;
  /** Texts that are blotted out wherever they stand: in keys, values, names, messages of errors. */
  readonly secrets?: Secrets;
  /** `watched` (the default): births and deaths always, everything only while somebody watches. `always`: everything, as if somebody did. */
  readonly details?: 'watched' | 'always';
  /** Bounds of the history that one who watches later can see: bytes of JSON (default 16 MiB) and lines (default 20 000). */
  readonly history?: { readonly maxBytes?: number; readonly maxLines?: number };
  /**
   * Of the events of machines, by the id of the machine and the type of the event: a zod schema, another Standard Schema that tells its JSON Schema, or a
   * JSON Schema. They go before those of `setup({ schemas: { events } })`. Who looks has a form by them.
   */
  readonly schemas?: SchemasOfMachines;
  /** Told what went wrong in the recorder itself, in a sink or a file. The app is never told. */
  readonly onFault?: (fault: unknown) => void;
}

export interface ResolvedOptions {
  readonly secret: RegExp | null;
  readonly secrets: Secrets;
  readonly details: 'watched' | 'always';
  readonly history: { readonly maxBytes: number; readonly maxLines: number };
  readonly schemas: SchemasOfMachines;
  readonly onFault: (fault: unknown) => void;
}

const keys = ['redact', 'secrets', 'details', 'history', 'schemas', 'onFault'];
const shortestSecret = 4;

/** @throws EspalierError `inspector/invalid-options` */
export function resolveOptions(options: RecorderOptions): ResolvedOptions {
  requireKeys(options, keys, 'the options of recorder()');
  const { redact = secretKeys, secrets = [], details = 'watched', history = {}, schemas, onFault = () => undefined } = options;
  if (!isRedact(redact)) throw wrong(redactWords, shownRedact(redact));
  const areTexts = Array.isArray(secrets) && secrets.every((one) => typeof one === 'string' && one.length >= shortestSecret);
  // What was given is not shown: some of it may be a secret.
  if (!areTexts) throw wrong(`\`secrets\` to be a list of texts of at least ${shortestSecret} characters`, typeof secrets);
  if (details !== 'watched' && details !== 'always') throw wrong("`details` to be 'watched' or 'always'", details);
  requireKeys(history, ['maxBytes', 'maxLines'], '`history`');
  const { maxBytes = 16 * 1024 * 1024, maxLines = 20_000 } = history;
  requireCount('history.maxBytes', maxBytes, 65_536);
  requireCount('history.maxLines', maxLines, 100);
  if (schemas !== undefined && !areSchemas(schemas)) throw wrong('`schemas`: { machine: { event: schema } }', typeof schemas);
  if (typeof onFault !== 'function') throw wrong('`onFault` to be a function', onFault);
  return {
    secret: keyRule(redact),
    secrets: [...secrets],
    details,
    history: { maxBytes, maxLines },
    schemas: { ...ownSchemas, ...schemas },
    onFault,
  };
}

/** Is it `{ machine: { event: schema } }`? */
export function areSchemas(value: unknown): value is SchemasOfMachines {
  const isMap = (one: unknown): one is object => typeof one === 'object' && one !== null && !Array.isArray(one);
  return isMap(value) && Object.values(value).every((events) => isMap(events) && Object.values(events).every(isMap));
}

/** @throws EspalierError `inspector/invalid-options` */
export function requireKeys(options: object, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null) throw wrong(`${what} to be an object`, options);
  const stranger = Object.keys(options).find((key) => !known.includes(key));
  if (stranger !== undefined) throw wrong(`${what} with the keys ${known.join(', ')}`, stranger);
}

/** @throws EspalierError `inspector/invalid-options` */
export function requireCount(name: string, count: unknown, least: number): void {
  if (!Number.isInteger(count) || (count as number) < least) throw wrong(`\`${name}\` to be a whole number of at least ${least}`, count);
}

export function wrong(expected: string, got: unknown): EspalierError {
  return new EspalierError('inspector/invalid-options', { expected, got });
}
