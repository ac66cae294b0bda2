/** What a configuration is asked for, checked, and turned into the input of its chart and the plan of its parts. */
import type { Backoff } from '../../machines/backoff.js';
import type { ConfigInput } from '../../machines/config/config-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { isStandardSchema, type StandardSchema } from '../wire/standard-schema.js';
import type { Path } from './paths.js';
import { count, duration, invalid, requireOptions, requirePath } from './refusal.js';
import { Secrets } from './secrets.js';
import { type ConfigSource, requireName } from './sources.js';

export interface ConfigOptions<Value> {
  /** What every candidate must be: a schema of zod 4, or any that speaks Standard Schema; what it makes of the candidate is served. */
  readonly schema: StandardSchema<Value>;
  /** Layers, the weakest first: a later one has its way. Updates have theirs over all of them. Default none. */
  readonly sources?: readonly ConfigSource[];
  /** Paths that may be updated, and all beneath them; `*` is any one name. Default all. */
  readonly updatable?: readonly string[];
  /** Paths of secrets, and all beneath them, beside those whose names say so (key, token, secret, password, credential, private, cookie …). */
  readonly secrets?: readonly string[];
  /** Paths that are no secrets, though their names say so: `limits.tokens`. */
  readonly notSecret?: readonly string[];
  /** How long sources may take to be read, ms; updates wait meanwhile. Default 5 000. */
  readonly readMs?: number;
  /** How long the schema may take with one candidate, ms. Default 5 000. */
  readonly checkMs?: number;
  /** How long after a change of a source it is read, ms; further changes meanwhile are the same. Default 50. */
  readonly settleMs?: number;
  /** Between attempts to read a source that fails. Default 1 s, doubling to 60 s, a quarter by chance. */
  readonly retry?: Partial<Backoff>;
  /** How long an update waits that does not say, ms. Default 10 000. */
  readonly waitMs?: number;
  /** Updates that may wait. One more is refused, `full`. Default 1 000. */
  readonly maxPending?: number;
  /** Versions that one can roll back to, the present one included. Default 20. */
  readonly maxVersions?: number;
  /** Actors that may have subscribed. Default 10 000. */
  readonly maxSubscribers?: number;
  /** The largest configuration, bytes of its JSON. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** What its parts go by. */
export interface ConfigPlan {
  readonly schema: StandardSchema;
  readonly sources: readonly ConfigSource[];
  /** Null: all. */
  readonly updatable: readonly Path[] | null;
  readonly secrets: Secrets;
  readonly waitMs: number;
  readonly maxPending: number;
  readonly maxVersions: number;
  readonly maxSubscribers: number;
  readonly maxBytes: number;
  readonly input: ConfigInput;
}

const known = [
  ...['schema', 'sources', 'updatable', 'secrets', 'notSecret', 'readMs', 'checkMs', 'settleMs', 'retry'],
  ...['waitMs', 'maxPending', 'maxVersions', 'maxSubscribers', 'maxBytes'],
];

/** @throws EspalierError `config/invalid-options` */
export function planConfig(options: ConfigOptions<unknown>): ConfigPlan {
  requireOptions('the options of a configuration', options, known);
  const { schema, sources = [], updatable, secrets, notSecret } = options;
  if (!isStandardSchema(schema)) throw invalid('schema', 'a schema of zod 4, or one that speaks Standard Schema', sortOf(schema));
  if (!Array.isArray(sources)) throw invalid('sources', 'a list of sources, the weakest first', sortOf(sources));
  for (const source of sources) requireSource(source);
  const names = sources.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid('sources', 'a name of its own for each (option `name`)', `two of '${twice}'`);
  return {
    schema,
    sources: [...sources],
    updatable: updatable === undefined ? null : paths('updatable', updatable),
    secrets: new Secrets(paths('secrets', secrets ?? []), paths('notSecret', notSecret ?? [])),
    waitMs: duration('waitMs', options.waitMs, 10_000),
    maxPending: count('maxPending', options.maxPending, 1_000),
    maxVersions: count('maxVersions', options.maxVersions, 20),
    maxSubscribers: count('maxSubscribers', options.maxSubscribers, 10_000),
    maxBytes: count('maxBytes', options.maxBytes, 1_048_576),
    input: {
      readMs: duration('readMs', options.readMs, 5_000),
      checkMs: duration('checkMs', options.checkMs, 5_000),
      settleMs: duration('settleMs', options.settleMs, 50),
      retry: backoffOf(options.retry),
      intensity: 10,
      periodMs: 5_000,
    },
  };
}

function requireSource(source: unknown): asserts source is ConfigSource {
  const expected = 'objectSource(), fileSource(), environmentSource(), or { name, read, watch? }';
  const { name, read, watch } = (source ?? {}) as Partial<ConfigSource>;
  if (typeof read !== 'function' || (watch !== undefined && typeof watch !== 'function')) throw invalid('sources', expected, sortOf(source));
  requireName(name);
}

function paths(name: string, value: unknown): readonly Path[] {
  if (!Array.isArray(value)) throw invalid(name, 'a list of paths', sortOf(value));
  return value.map((path) => requirePath(path, name));
}

function backoffOf(retry: Partial<Backoff> = {}): Backoff {
  if (!isPlainObject(retry)) throw invalid('retry', 'an object', sortOf(retry));
  const { minMs = 1_000, maxMs = 60_000, factor = 2, jitter = 0.25, resetAfterMs = 0, ...more } = retry;
  requireOptions('retry', more, ['seed']);
  const backoff: Backoff = { minMs, maxMs, factor, jitter, resetAfterMs, ...more };
  if (!isBackoff(backoff)) throw invalid('retry', wholeBackoff, 'another');
  return backoff;
}
