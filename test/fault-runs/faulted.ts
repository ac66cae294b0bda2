/** A world of the fault runs as the command has it: what runs, what is planted in it, and what must have come of it. */
import type { FaultRunResult, FaultWorld } from '../../src/testing/network/fault-run.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import { type NetworkFaultKind, networkFaultKinds, type Schedule } from '../../src/testing/network/schedule.js';
import { runOf } from './seeds.js';

/** One seed, or one schedule of it. */
export interface Trial {
  readonly seed: number;
  readonly schedule?: Schedule | undefined;
  /** Runs that making a failing schedule short may take; 0 leaves it as it was drawn. */
  readonly mostShrinkRuns?: number | undefined;
}

/** A trial that held. */
export interface Held {
  readonly result: FaultRunResult;
  /** Operations that schedules are drawn of. */
  readonly offered: readonly string[];
  /** What came of it, by name; see {@link Faulting}. */
  readonly told: Readonly<Record<string, number>>;
}

/** @throws FaultRunFailure for a claim that was broken */
export type TryOut = (trial: Trial) => Promise<Held>;

/** One defect that is planted on purpose: the seeds from 1 on must find it. */
export interface Planted {
  /** The claim that its first failure must break. */
  readonly breaks: string;
  /** Seeds, of which one must fail. */
  readonly within: number;
  readonly tryOut: TryOut;
}

/** A world without a fault of its own, of which runs with even seeds are as those with a defect; and the same with each of its defects. */
export interface FaultedWorld {
  readonly tryOut: TryOut;
  /** The kinds of fault that its schedules are drawn of. */
  readonly kinds: readonly NetworkFaultKind[];
  readonly defects: Readonly<Record<string, Planted>>;
}

/** What a world may say beside its run and its defects. */
export interface Faulting<World extends FaultWorld> {
  /** What came of a run that held, in numbers. Over all seeds each must be above 0: a lock that nobody has had proves nothing. */
  readonly tells?: (world: World) => Readonly<Record<string, number>>;
  /** How runs with a defect differ, so that it shows early; sound ones with even seeds, too. Default {@link harsh}. */
  readonly defectsIn?: Partial<FaultRunOptions<World>>;
  /** Seeds, of which one must show a defect. Default 100. */
  readonly within?: number;
}

/** Where most that happens is of the kind that leases and fences are for. */
export const harsh = { faults: { slow: 3, pause: 2, partition: 2, crash: 1, drift: 1 }, faultShare: 0.5 } as const;

/**
 * Makes a world known to the command.
 * @param run  the options of a run; with a defect, of one in which it is planted
 * @param defects  by name, each with the claim that it breaks
 */
export function faulted<World extends FaultWorld, Defect>(
  run: (defect?: Defect) => FaultRunOptions<World>,
  defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>>,
  { tells = () => ({}), defectsIn = harsh, within = 100 }: Faulting<World> = {},
): FaultedWorld {
  const tryOut =
    (optionsOf: (seed: number) => FaultRunOptions<World>): TryOut =>
    async ({ seed, schedule, mostShrinkRuns }) => {
      const { result, world } = await runOf({
        ...optionsOf(seed),
        seed,
        ...(schedule === undefined ? {} : { schedule }),
        ...(mostShrinkRuns === undefined ? {} : { mostShrinkRuns }),
      });
      const offered = Object.entries(world.operations).flatMap(([name, { weight = 1 }]) => (weight > 0 ? [name] : []));
      return { result, offered, told: tells(world) };
    };
  const { faults = networkFaultKinds } = run();
  const weights: readonly (readonly [string, number])[] = Array.isArray(faults)
    ? faults.map((kind: NetworkFaultKind) => [kind, 1] as const)
    : Object.entries(faults);
  return {
    // What finds the defects must find none here: every second run is of that kind.
    tryOut: tryOut((seed) => (seed % 2 === 0 ? { ...run(), ...defectsIn } : run())),
    kinds: networkFaultKinds.filter((kind) => weights.some(([name, weight]) => name === kind && weight > 0)),
    defects: Object.fromEntries(
      Object.entries(defects).map(([name, { defect, breaks }]) => [
        name,
        { breaks, within, tryOut: tryOut(() => ({ ...run(defect), ...defectsIn })) },
      ]),
    ),
  };
}
