/** Runs a program on a network of nodes through faults and operations drawn from a seed, and makes a failing run short. */
import { Chance } from '../world/chance.js';
import { refuse } from '../world/options.js';
import type { NetworkCounts } from './counts.js';
import { FaultRunFailure } from './fault-run-failure.js';
import { type FaultRunOptions, requireFaultRun } from './fault-run-options.js';
import { NetworkFailure } from './network-failure.js';
import { SimulatedNetwork } from './network.js';
import { drawSchedule, type FaultOperation, networkFaultKinds, operationText, type Schedule, type ScheduleStep, strike } from './schedule.js';
import { shortened } from './shorten.js';

/** What is put under test: made anew for each run, so nothing of it may outlive one. */
export interface FaultWorld {
  /** What clients do, by name. */
  readonly operations: Readonly<Record<string, FaultOperation>>;
  /** What must come to be once all faults are over. */
  readonly progress?: Progress;
}

/** After the last step everything is healed; from then on this must become true within so many ms of the network. */
export interface Progress {
  readonly withinMs: number;
  /** Begins what shall succeed, on a network that is whole. */
  begin?(): void;
  reached(): boolean;
}

/** A run that held. */
export interface FaultRunResult {
  readonly seed: number;
  readonly schedule: Schedule;
  /** How often each kind of fault struck. */
  readonly struck: Readonly<Record<string, number>>;
  readonly counts: NetworkCounts;
  /** When it ended, ms of the network. */
  readonly endedAtMs: number;
  readonly trace: readonly string[];
}

/** The claim of every run: no program throws, rejects or goes on for ever. */
const nothingThrows = 'nothing throws';

class Broken extends Error {
  readonly claim: string;

  constructor(claim: string, problem: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.claim = claim;
  }
}

/** What a claim says. Where it throws, as an assertion does, it is broken: the seed must be told then, too. */
function asked<Word>(claim: string, ask: () => Word): Word {
  try {
    return ask();
  } catch (error) {
    throw new Broken(claim, String(error), error);
  }
}

/**
 * Runs one schedule: the one that the seed draws, or the one that is given. Invariants are looked at after every event.
 * @returns what happened, when all held
 * @throws FaultRunFailure with the shortest schedule that was found (a given one is left as it is); EspalierError `testing/invalid-options`
 */
export async function faultRun<World extends FaultWorld>(options: FaultRunOptions<World>): Promise<FaultRunResult> {
  requireFaultRun(options);
  const first = new Attempt(options, options.schedule);
  const result = await first.run();
  if (!(result instanceof FaultRunFailure)) return result;
  if (options.schedule !== undefined) throw result;
  const found = result.schedule;
  const again = async (schedule: Schedule): Promise<FaultRunFailure | undefined> => {
    const other = await new Attempt(options, schedule).run();
    return other instanceof FaultRunFailure && other.claim === result.claim ? other : undefined;
  };
  const second = await again(found);
  if (second === undefined || second.trace.join('\n') !== result.trace.join('\n')) {
    const note = 'it did not happen again line by line: something in the world is not deterministic (a clock, chance, a timer of the runtime)';
    const { claim, problem, seed, schedule, trace } = result;
    throw new FaultRunFailure({ claim, problem, seed, schedule, trace, note }, result.cause);
  }
  let best = second;
  const stillFails = async (schedule: Schedule): Promise<boolean> => {
    const failure = await again(schedule);
    if (failure !== undefined) best = failure;
    return failure !== undefined;
  };
  await shortened(found, stillFails, { mostRuns: options.mostShrinkRuns ?? 1_000, operations: first.world.operations });
  throw best;
}

/** One run of one schedule. */
class Attempt<World extends FaultWorld> {
  readonly world: World;
  readonly #options: FaultRunOptions<World>;
  readonly #network: SimulatedNetwork;
  readonly #schedule: Schedule;
  readonly #struck: Record<string, number> = {};

  constructor(options: FaultRunOptions<World>, schedule: Schedule | undefined) {
    const { seed = 1, nodes, steps = 30, faults = networkFaultKinds, faultShare = 0.3, network = {} } = options;
    this.#options = options;
    this.#network = new SimulatedNetwork({ ...network, nodes, seed, isCalm: schedule?.isCalm ?? false });
    this.world = options.world(this.#network);
    this.#schedule =
      schedule ??
      drawSchedule(new Chance(seed, 'schedule'), {
        names: this.#network.names,
        steps,
        faults: Array.isArray(faults) ? faults.map((kind) => [kind, 1] as const) : (Object.entries(faults) as [keyof typeof faults, number][]),
        faultShare,
        spared: options.spared ?? [],
        mostGapMs: options.mostGapMs ?? 200,
        mostFaultMs: options.mostFaultMs ?? 2_000,
        operations: this.world.operations,
      });
  }

  async run(): Promise<FaultRunResult | FaultRunFailure> {
    const network = this.#network;
    try {
      await this.#through();
      return {
        seed: network.seed,
        schedule: this.#schedule,
        struck: this.#struck,
        counts: network.counts,
        endedAtMs: network.now(),
        trace: network.trace.lines,
      };
    } catch (error) {
      if (error instanceof Broken) return this.#failure(error.claim, error.message, error.cause);
      if (error instanceof NetworkFailure) return this.#failure(nothingThrows, error.message, error.cause);
      throw error;
    } finally {
      network.end();
    }
  }

  async #through(): Promise<void> {
    const network = this.#network;
    const check = (): void => this.#check();
    const ends: { readonly atMs: number; readonly end: () => void }[] = [];
    const moments: { readonly atMs: number; readonly act: () => void }[] = [];
    for (const step of this.#schedule.steps) {
      moments.push({ atMs: step.atMs, act: () => this.#take(step, (end, forMs) => ends.push({ atMs: step.atMs + forMs, end })) });
    }
    const reach = async (atMs: number): Promise<void> => {
      for (;;) {
        const [next] = ends.filter((one) => one.atMs <= atMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        ends.splice(ends.indexOf(next), 1);
        await network.run({ forMs: Math.max(0, next.atMs - network.now()), check });
        next.end();
      }
      await network.run({ forMs: Math.max(0, atMs - network.now()), check });
    };
    for (const { atMs, act } of moments) {
      await reach(atMs);
      act();
    }
    await reach(Math.max(network.now(), ...ends.map(({ atMs }) => atMs)));
    network.heal();
    await this.#progress(check);
  }

  async #progress(check: () => void): Promise<void> {
    const { progress } = this.world;
    if (progress === undefined) {
      await this.#network.run({ forMs: this.#options.restMs ?? 1_000, check });
      return;
    }
    asked('progress', () => progress.begin?.());
    const until = (): boolean => asked('progress', () => progress.reached());
    const isReached = await this.#network.run({ until, withinMs: progress.withinMs, check });
    if (!isReached) throw new Broken('progress', `not reached within ${progress.withinMs} ms after everything was healed`);
  }

  #take(step: ScheduleStep, endsLater: (end: () => void, forMs: number) => void): void {
    if ('operation' in step) {
      const operation = this.world.operations[step.operation];
      // A schedule that was kept may be older than the world.
      if (operation === undefined) refuse(`a schedule of the operations ${Object.keys(this.world.operations).join(', ')}`, step.operation);
      this.#network.perform(step.node, operationText(step), (node) => operation.run(node, step.input));
      return;
    }
    this.#struck[step.fault] = (this.#struck[step.fault] ?? 0) + 1;
    const end = strike(this.#network, step);
    if (end !== undefined && 'forMs' in step) endsLater(end, step.forMs);
  }

  #check(): void {
    for (const [claim, holds] of Object.entries(this.#options.invariants)) {
      const problem = asked(claim, () => holds(this.world, this.#network));
      if (problem !== undefined) throw new Broken(claim, problem);
    }
  }

  #failure(claim: string, problem: string, cause?: unknown): FaultRunFailure {
    const [network, schedule] = [this.#network, this.#schedule];
    return new FaultRunFailure({ claim, problem, seed: network.seed, schedule, trace: [...network.trace.lines] }, cause);
  }
}
