/** What results come to: health with hysteresis, and whether it flaps. Pure functions, called from the probe's chart. */

/** What one check said. */
export type Outcome = 'ok' | 'degraded' | 'failed';

/** How something is, by the results so far. */
export type Health = 'unknown' | 'healthy' | 'degraded' | 'unhealthy';

/** How many results it takes; all whole numbers of at least 1. */
export interface Thresholds {
  /** Results in a row that are not ok, until a healthy one is degraded. */
  readonly degradedAfter: number;
  /** Failures in a row, until it is unhealthy. */
  readonly unhealthyAfter: number;
  /** Results in a row that are ok, until one that was not healthy is so again; and that are no failures, until an unhealthy one is degraded. */
  readonly healthyAfter: number;
  /** Results that are looked at for flapping. */
  readonly flapOf: number;
  /** Changes among them from which on it flaps. */
  readonly flapsAt: number;
  /** Changes among them with which it flaps no more; fewer than `flapsAt`. */
  readonly calmAt: number;
}

/** What is remembered of the results. Counts stop at the highest threshold: beyond it they mean nothing. */
export interface Standing {
  readonly health: Health;
  /** In a row: ok; not ok; failed; not failed. */
  readonly ok: number;
  readonly notOk: number;
  readonly failed: number;
  readonly unfailed: number;
  /** The latest results, newest first, at most `flapOf`. */
  readonly recent: readonly Outcome[];
  readonly isFlapping: boolean;
}

/** Nothing is known yet. */
export const unknownStanding: Standing = { health: 'unknown', ok: 0, notOk: 0, failed: 0, unfailed: 0, recent: [], isFlapping: false };

/**
 * The standing after one more result.
 * @throws never
 */
export function judged(before: Standing, outcome: Outcome, thresholds: Thresholds): Standing {
  const most = Math.max(thresholds.degradedAfter, thresholds.unhealthyAfter, thresholds.healthyAfter);
  const count = (isSo: boolean, before: number): number => (isSo ? Math.min(before + 1, most) : 0);
  const recent = [outcome, ...before.recent].slice(0, thresholds.flapOf);
  const changes = recent.filter((one, index) => index > 0 && one !== recent[index - 1]).length;
  const counted: Standing = {
    health: before.health,
    ok: count(outcome === 'ok', before.ok),
    notOk: count(outcome !== 'ok', before.notOk),
    failed: count(outcome === 'failed', before.failed),
    unfailed: count(outcome !== 'failed', before.unfailed),
    recent,
    isFlapping: before.isFlapping ? changes > thresholds.calmAt : changes >= thresholds.flapsAt,
  };
  return { ...counted, health: healthAfter(counted, thresholds) };
}

function healthAfter({ health, ok, notOk, failed, unfailed }: Standing, { degradedAfter, unhealthyAfter, healthyAfter }: Thresholds): Health {
  if (failed >= unhealthyAfter) return 'unhealthy';
  if (ok >= (health === 'unknown' ? 1 : healthyAfter)) return 'healthy';
  if (health === 'unhealthy') return unfailed >= healthyAfter ? 'degraded' : 'unhealthy';
  return health !== 'degraded' && notOk >= degradedAfter ? 'degraded' : health;
}

const ranks: readonly Health[] = ['healthy', 'degraded', 'unknown', 'unhealthy'];

/** The worst of some; `unknown` of none. What is not known is worse than what is degraded: that serves. @throws never */
export function worstOf(all: Iterable<Health>): Health {
  let worst: Health | undefined;
  for (const one of all) if (worst === undefined || ranks.indexOf(one) > ranks.indexOf(worst)) worst = one;
  return worst ?? 'unknown';
}
