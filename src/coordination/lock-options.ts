/** What a lock is asked for, checked before anything happens. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { LeaseBackend } from '../backend/hold.js';
import type { Backend } from '../backend/port.js';
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';
import { planChecks } from './plan-checks.js';

/** Options of a lock, or of a semaphore, which is a lock that several may have. */
export interface LockOptions {
  /** All who name the same lock on the same backend exclude each other. At most 200 characters. */
  readonly name: string;
  /** How many may have it at once: more than 1 makes a semaphore of it. The same for all who use it. Default 1, at most 1 000. */
  readonly permits?: number;
  /** Who may wait beside those who have it; a further one is refused, `full`. Default 100, at most 10 000. */
  readonly maxWaiters?: number;
  /** How often one owner may have it at once: 1 refuses re-entrancy, more counts it. Default 1, at most 1 000. */
  readonly maxGrips?: number;
  /** How long a wish waits that says nothing of it, ms. Default 30 000. */
  readonly withinMs?: number;
  /** The lease: so long after its owner has vanished the next one has it. Ms; default 10 000. */
  readonly ttlMs?: number;
  /** The pause between two renewals, ms. Default: a third of `ttlMs`. */
  readonly renewEveryMs?: number;
  /** So much before the lease's end it counts as lost, ms: for clocks that do not run alike. Default: a tenth of `ttlMs`. */
  readonly marginMs?: number;
  /** The pause before the backend is asked again that could not answer, ms. Default: a twentieth of `ttlMs`, at least 1. */
  readonly retryMs?: number;
}

/** The same with its defaults filled in. */
export interface LockPlan extends Required<LockOptions> {
  readonly backend: Backend;
  /** Of its keys. */
  readonly prefix: string;
}

/** What the backend is to a lock. */
export type LockBackend = LeaseBackend & Pick<Backend, 'compareAndSet' | 'list' | 'watch'>;

/** `lock/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('lock/invalid-options', { expected: `${name}: ${expected}`, got });
}

const checks = optionChecks(invalid);
export const { requireOptions, requireFunction, requireSignal, duration, count } = checks;
const { requireBackend, requireName, leaseTimes } = planChecks(checks, invalid);

const keys = keysOf<LockOptions>({
  ...({ name: true, permits: true, maxWaiters: true, maxGrips: true, withinMs: true } as const),
  ...({ ttlMs: true, renewEveryMs: true, marginMs: true, retryMs: true } as const),
});

/** What a lock asks of its backend. */
const methods = ['grant', 'renew', 'revoke', 'compareAndSet', 'list', 'watch'] as const;

/** @throws EspalierError `lock/invalid-options` */
export function planLock(backend: Backend, options: LockOptions): LockPlan {
  requireBackend(backend, methods);
  requireOptions('the options of a lock', options, keys);
  const { name } = options;
  requireName(name);
  return {
    ...{ backend, name, prefix: `lock/${name}/` },
    ...leaseTimes(options),
    permits: count('permits', options.permits, 1, 1_000),
    maxWaiters: count('maxWaiters', options.maxWaiters, 100, 10_000),
    maxGrips: count('maxGrips', options.maxGrips, 1, 1_000),
    withinMs: duration('withinMs', options.withinMs, 30_000),
  };
}
