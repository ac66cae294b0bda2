/** What the primitives that stand on a backend are asked for alike: the backend, a name that keys are made of, a lease and its times. */
import type { Backend } from '../backend/port.js';
import type { EspalierError } from '../errors.js';
import { isKeepable, isObject, type OptionChecks, shown, sortOf } from '../option-checks.js';

/** How a lease is held, and how soon a backend that could not answer is asked again. */
export interface LeaseTimes {
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  readonly marginMs: number;
  readonly retryMs: number;
}

/** Checks of one primitive: what they refuse is thrown as its error. */
export interface PlanChecks {
  /** It can be asked all of that. */
  requireBackend(backend: unknown, methods: readonly (keyof Backend)[]): void;
  /** A name that a part of a key can be: of at most 200 characters, without slashes. */
  requireName(name: unknown): void;
  /** Times that leave time to renew, with their defaults. */
  leaseTimes(options: Partial<LeaseTimes>): LeaseTimes;
}

/** @param invalid  makes the error, as that of the checks */
export function planChecks(
  { requireText, duration }: Pick<OptionChecks, 'requireText' | 'duration'>,
  invalid: (name: string, expected: string, got: unknown) => EspalierError,
): PlanChecks {
  return {
    requireBackend: (backend, methods) => {
      if (!isObject(backend) || methods.some((method) => typeof backend[method] !== 'function'))
        throw invalid('backend', 'a backend', sortOf(backend));
    },
    requireName: (name) => {
      requireText('name', name);
      // What a key cannot be made of; a slash would make its keys those of another.
      const text = name as string;
      if (text.includes('/') || !isKeepable(text)) throw invalid('name', 'a text without slashes and control characters', `a text of ${text.length}`);
    },
    leaseTimes: (options) => {
      const ttlMs = duration('ttlMs', options.ttlMs, 10_000);
      const renewEveryMs = duration('renewEveryMs', options.renewEveryMs, Math.max(1, ttlMs / 3));
      const { marginMs = ttlMs / 10 } = options;
      if (typeof marginMs !== 'number' || !(marginMs >= 0 && marginMs < ttlMs))
        throw invalid('marginMs', 'ms, at least 0 and less than ttlMs', shown(marginMs));
      if (!(renewEveryMs < ttlMs - marginMs)) throw invalid('renewEveryMs', 'ms, less than is left of ttlMs without marginMs', shown(renewEveryMs));
      return { ttlMs, renewEveryMs, marginMs, retryMs: duration('retryMs', options.retryMs, Math.max(1, ttlMs / 20)) };
    },
  };
}
