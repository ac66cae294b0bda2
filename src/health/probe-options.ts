/** What a health monitor is asked for, checked, and turned into the plans of its probes. */
import type { AnyActorRef } from 'xstate';
import { hash } from '../../machines/hash.js';
import type { Thresholds } from '../../machines/health/verdict.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { isObject, sortOf } from '../option-checks.js';
import type { Said } from './answer.js';
import { count, duration, invalid, requireFunction, requireText, requireOptions } from './refusal.js';

/** What a check is given. */
export interface CheckScope {
  /** Aborts at the deadline, and when the probe is taken away. A check that goes on nevertheless keeps the next from beginning. */
  readonly signal: AbortSignal;
  readonly id: string;
}

/** What may be said for all probes, and of single ones. */
export interface ProbeTiming {
  /** From the beginning of one check to that of the next, ms; of results that are brought, how often they should come. Default 10 000. */
  readonly everyMs?: number;
  /** How long one check may take, ms. Default: the interval, at most 5 000. */
  readonly deadlineMs?: number;
  /** After so many intervals without any result it is silent. Default 3. */
  readonly silentAfter?: number;
  /** Results in a row that are not ok, until it is degraded. Default 1. */
  readonly degradedAfter?: number;
  /** Failures in a row, until it is unhealthy. Default 3. */
  readonly unhealthyAfter?: number;
  /** Results in a row that are ok, until it is healthy again. Default 2. */
  readonly healthyAfter?: number;
  /** Among the latest `of` results (default 10), `starts` changes (6) are flapping, and `ends` changes (2) are not. */
  readonly flapping?: { readonly of?: number; readonly starts?: number; readonly ends?: number };
}

/** One probe: with `check`, a function; with `ask`, an actor that answers `health.check`; with neither, results are brought by `report`. */
export interface ProbeOptions extends ProbeTiming {
  readonly id: string;
  readonly check?: (scope: CheckScope) => Said | PromiseLike<Said>;
  /** Finds the actor to ask, for each check anew, so that it follows restarts. */
  readonly ask?: () => AnyActorRef | undefined;
  /** Until the first check, ms. Default: somewhere within the interval, by the id, so that checks are spread. */
  readonly firstMs?: number;
  /** Where it is not critical, the whole is degraded by it at worst. Default true. */
  readonly isCritical?: boolean;
}

/** Options of a health monitor; each may be left out. A name that is not here is refused. */
export interface HealthOptions extends ProbeTiming {
  readonly probes?: readonly ProbeOptions[];
  /** How many probes there may be; one more is refused, `full`. Default 10 000. */
  readonly maxProbes?: number;
}

/** The numbers of one probe; times in ms. */
export interface ProbePace extends Thresholds {
  readonly id: string;
  /** From the beginning of one check to that of the next. */
  readonly everyMs: number;
  /** How long one may take. */
  readonly deadlineMs: number;
  /** How long there may be no result. */
  readonly silentMs: number;
  /** Until the first check. */
  readonly firstMs: number;
  /** It checks nothing, and waits for results that are brought. */
  readonly isPassive: boolean;
}

/** One probe, as it is run. */
export interface ProbePlan {
  readonly input: ProbePace;
  readonly check: ProbeOptions['check'];
  readonly ask: ProbeOptions['ask'];
  readonly isCritical: boolean;
}

export interface HealthPlan {
  readonly probes: readonly ProbePlan[];
  readonly maxProbes: number;
  /** @throws EspalierError `health/invalid-options` */
  plan(probe: ProbeOptions): ProbePlan;
}

const timingKeys = keysOf<Required<ProbeTiming>>({
  ...{ everyMs: true, deadlineMs: true, silentAfter: true },
  ...{ degradedAfter: true, unhealthyAfter: true, healthyAfter: true, flapping: true },
});
const probeKeys = [...timingKeys, 'id', 'check', 'ask', 'firstMs', 'isCritical'];
const healthKeys = [...timingKeys, 'probes', 'maxProbes'];

/** @throws EspalierError `health/invalid-options`, with the option's name */
export function planHealth(options: HealthOptions): HealthPlan {
  requireOptions('the options of a health monitor', options, healthKeys);
  const { probes = [], maxProbes, ...timing } = options;
  // Checked by itself, so that a fault in what is for all is not told of the first probe.
  planTiming('', timing);
  if (!Array.isArray(probes)) throw invalid('probes', 'a list', sortOf(probes));
  const most = count('maxProbes', maxProbes, 10_000);
  if (probes.length > most) throw invalid('probes', `at most ${most}`, probes.length);
  const plan = (probe: ProbeOptions): ProbePlan => planProbe(probe, timing);
  const planned = (probes as readonly ProbeOptions[]).map(plan);
  const seen = new Set<string>();
  for (const { input } of planned) {
    if (seen.has(input.id)) throw invalid('probes', 'an id of its own for each', input.id);
    seen.add(input.id);
  }
  return { probes: planned, maxProbes: most, plan };
}

function planProbe(probe: ProbeOptions, timing: ProbeTiming): ProbePlan {
  requireOptions('a probe', probe, probeKeys);
  const { id, check, ask, firstMs, isCritical = true, ...own } = probe;
  requireText("a probe's id", id);
  const at = `probe '${id}': `;
  requireFunction(`${at}check`, check);
  requireFunction(`${at}ask`, ask);
  if (check !== undefined && ask !== undefined) throw invalid(`${at}check`, 'no `ask` beside it', 'both');
  if (typeof isCritical !== 'boolean') throw invalid(`${at}isCritical`, 'true or false', sortOf(isCritical));
  const planned = planTiming(at, { ...timing, ...own });
  const first = firstMs === 0 ? 0 : duration(`${at}firstMs`, firstMs, hash(id) % Math.ceil(planned.everyMs));
  return { input: { id, ...planned, firstMs: first, isPassive: check === undefined && ask === undefined }, check, ask, isCritical };
}

function planTiming(at: string, timing: ProbeTiming): Omit<ProbePace, 'id' | 'firstMs' | 'isPassive'> {
  const { flapping = {} } = timing;
  if (!isObject(flapping)) throw invalid(`${at}flapping`, 'an object', sortOf(flapping));
  requireOptions(`${at}flapping`, flapping, ['of', 'starts', 'ends']);
  const everyMs = duration(`${at}everyMs`, timing.everyMs, 10_000);
  const flapOf = count(`${at}flapping.of`, flapping.of, 10, 1_000);
  const flapsAt = count(`${at}flapping.starts`, flapping.starts, 6, 999);
  const calmAt = flapping.ends === 0 ? 0 : count(`${at}flapping.ends`, flapping.ends, 2, 998);
  if (!(calmAt < flapsAt && flapsAt < flapOf)) throw invalid(`${at}flapping`, 'ends < starts < of', { of: flapOf, starts: flapsAt, ends: calmAt });
  const silentAfter = count(`${at}silentAfter`, timing.silentAfter, 3, 1_000);
  return {
    everyMs,
    deadlineMs: duration(`${at}deadlineMs`, timing.deadlineMs, Math.min(everyMs, 5_000)),
    silentMs: duration(`${at}everyMs × silentAfter`, everyMs * silentAfter, everyMs * silentAfter),
    degradedAfter: count(`${at}degradedAfter`, timing.degradedAfter, 1, 1_000),
    unhealthyAfter: count(`${at}unhealthyAfter`, timing.unhealthyAfter, 3, 1_000),
    healthyAfter: count(`${at}healthyAfter`, timing.healthyAfter, 2, 1_000),
    flapOf,
    flapsAt,
    calmAt,
  };
}
