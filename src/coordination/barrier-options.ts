/** What a barrier is asked for, checked before anything happens. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Backend } from '../backend/port.js';
import { EspalierError } from '../errors.js';
import { optionChecks, shown } from '../option-checks.js';
import { type BarrierKeys, mostParties } from './barrier-record.js';
import { type LeaseTimes, planChecks } from './plan-checks.js';

/** Options of a barrier. */
export interface BarrierOptions {
  /** All who name the same barrier on the same backend wait for each other. At most 200 characters. */
  readonly name: string;
  /** How many make a generation; who names another number than those who wait is refused. At most 400. */
  readonly parties: number;
  /** How many more may wait at once, for the next generation; a further one is refused, `extra`. 0 refuses each. Default 100, at most 400. */
  readonly maxExtras?: number;
  /** How long an arrival waits that says nothing of it, ms. Default 30 000. */
  readonly withinMs?: number;
  /** The lease: so long after one who waits has vanished it is counted no more. Ms; default 10 000. */
  readonly ttlMs?: number;
  /** The pause between two renewals, ms. Default: a third of `ttlMs`. */
  readonly renewEveryMs?: number;
  /** So much before the lease's end it counts as lost, ms: for clocks that do not run alike. Default: a tenth of `ttlMs`. */
  readonly marginMs?: number;
  /** The pause before the backend is asked again that could not answer, ms. Default: a twentieth of `ttlMs`, at least 1. */
  readonly retryMs?: number;
}

/** The same with its defaults filled in. */
export interface BarrierPlan extends LeaseTimes, Required<Pick<BarrierOptions, 'name' | 'parties' | 'maxExtras' | 'withinMs'>> {
  readonly backend: Backend;
  readonly keys: BarrierKeys;
}

/** `barrier/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('barrier/invalid-options', { expected: `${name}: ${expected}`, got });
}

const checks = optionChecks(invalid);
export const { requireOptions, requireSignal, duration } = checks;
const { requireBackend, requireName, leaseTimes } = planChecks(checks, invalid);

const known = keysOf<BarrierOptions>({
  ...({ name: true, parties: true, maxExtras: true, withinMs: true } as const),
  ...({ ttlMs: true, renewEveryMs: true, marginMs: true, retryMs: true } as const),
});

/** What a barrier asks of its backend. */
const methods = ['grant', 'renew', 'revoke', 'get', 'compareAndSet', 'list', 'watch'] as const;

/** @throws EspalierError `barrier/invalid-options` */
export function planBarrier(backend: Backend, options: BarrierOptions): BarrierPlan {
  requireBackend(backend, methods);
  requireOptions('the options of a barrier', options, known);
  const { name, parties, maxExtras = 100 } = options;
  requireName(name);
  requireWhole('parties', parties, 1);
  requireWhole('maxExtras', maxExtras, 0);
  const prefix = `barrier/${name}/`;
  return {
    ...{ backend, name, parties, maxExtras },
    ...leaseTimes(options),
    withinMs: duration('withinMs', options.withinMs, 30_000),
    keys: { prefix, record: `${prefix}record`, there: `${prefix}there/` },
  };
}

function requireWhole(name: string, value: unknown, least: number): void {
  const isWhole = Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= mostParties;
  if (!isWhole) throw invalid(name, `a whole number, ${least} to ${mostParties}`, shown(value));
}
