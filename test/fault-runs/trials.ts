/** Seeds of one world, tried one after the other: what they add up to, and which of them failed. */
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import type { Schedule } from '../../src/testing/network/schedule.js';
import { type CommandPorts, surfaced } from '../conformance/standalone.js';
import type { FaultedWorld, Held, Trial, TryOut } from './faulted.js';

/** What one thread is to try. All of it is data. */
export interface Assignment {
  /** Id of the world. */
  readonly world: string;
  /** Name of the defect that is planted in it; none: the world as it is. */
  readonly defect?: string;
  /** The first seed. */
  readonly seed: number;
  readonly count: number;
  /** No further seed after one that failed. */
  readonly endsAtFailure: boolean;
  /** Undefined: as many as a fault run takes by itself. */
  readonly mostShrinkRuns?: number;
  /** Instead of what the seed draws. */
  readonly schedule?: Schedule;
}

/** A claim that was broken. */
export interface Violation {
  readonly seed: number;
  readonly claim: string;
  readonly problem: string;
  readonly schedule: Schedule;
  /** Of an assignment of one seed; empty in others, for brevity. */
  readonly trace: readonly string[];
  readonly note?: string;
}

/** What happened in runs that held. */
export interface Sums {
  readonly seeds: number;
  /** Messages, timers and jobs that nodes have handled; after each of them all invariants were looked at. */
  readonly events: number;
  /** Faults, by kind. */
  readonly struck: Readonly<Record<string, number>>;
  /** What clients have done, by name. */
  readonly operations: Readonly<Record<string, number>>;
  /** What came of it, by name. */
  readonly told: Readonly<Record<string, number>>;
}

export interface Finding {
  readonly sums: Sums;
  readonly violations: readonly Violation[];
  /** Why it could not be tried. */
  readonly broken?: string;
}

export const nothingYet: Sums = { seeds: 0, events: 0, struck: {}, operations: {}, told: {} };

type Counts = Readonly<Record<string, number>>;

function plus(left: Counts, right: Counts): Counts {
  const sum: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export function added(left: Sums, right: Sums): Sums {
  return {
    seeds: left.seeds + right.seeds,
    events: left.events + right.events,
    struck: plus(left.struck, right.struck),
    operations: plus(left.operations, right.operations),
    told: plus(left.told, right.told),
  };
}

function sumsOf({ result: { counts, struck, schedule }, offered, told }: Held): Sums {
  const operations: Record<string, number> = Object.fromEntries(offered.map((name) => [name, 0]));
  for (const step of schedule.steps) if ('operation' in step) operations[step.operation] = (operations[step.operation] ?? 0) + 1;
  return { seeds: 1, events: counts.events, struck, operations, told };
}

/**
 * Carries out one assignment.
 * @param takeStray  errors that surfaced outside of every promise since the last call: they fail the seed after which they did
 * @returns what was found; `broken` where the world could not be run at all
 */
export async function carryOut(
  worlds: Readonly<Record<string, FaultedWorld>>,
  { world, defect, seed: first, count, endsAtFailure, mostShrinkRuns, schedule }: Assignment,
  takeStray: CommandPorts['takeStray'],
): Promise<Finding> {
  const faultedWorld = worlds[world];
  const tryOut = defect === undefined ? faultedWorld?.tryOut : faultedWorld?.defects[defect]?.tryOut;
  const violations: Violation[] = [];
  let sums = nothingYet;
  if (tryOut === undefined) return { sums, violations, broken: `${world}: no such world${defect === undefined ? '' : ', or no such defect'}` };
  for (let seed = first; seed < first + count; seed++) {
    try {
      const tried = await tryOne(tryOut, { seed, schedule, mostShrinkRuns }, takeStray);
      if ('claim' in tried) violations.push(count === 1 ? tried : { ...tried, trace: [] });
      else sums = added(sums, tried);
      if ('claim' in tried && endsAtFailure) break;
    } catch (error) {
      return { sums, violations, broken: `${world}, seed ${seed}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  return { sums, violations };
}

async function tryOne(tryOut: TryOut, trial: Trial, takeStray: CommandPorts['takeStray']): Promise<Sums | Violation> {
  const outcome = await tryOut(trial).catch((error: unknown) => {
    if (error instanceof FaultRunFailure) return error;
    throw error;
  });
  const stray = await surfaced(takeStray);
  if (outcome instanceof FaultRunFailure) {
    const { seed, claim, problem, schedule, trace, note } = outcome;
    return { seed, claim, problem, schedule, trace, ...(note === undefined ? {} : { note }) };
  }
  if (stray.length === 0) return sumsOf(outcome);
  const { seed, schedule, trace } = outcome.result;
  const problem = `an error surfaced outside: ${stray.map(String).join('; ')}`;
  return { seed, claim: 'nothing throws', problem, schedule, trace, note: 'no node was told of it, so the schedule is as it was drawn' };
}
