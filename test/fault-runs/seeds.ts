/** Runs through faults of which the world is looked at afterwards. */
import { faultRun, type FaultRunResult, type FaultWorld } from '../../src/testing/network/fault-run.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';

/**
 * Runs one, and gives its world out.
 * @throws FaultRunFailure for a claim that was broken
 */
export async function runOf<World extends FaultWorld>(
  options: FaultRunOptions<World>,
): Promise<{ readonly result: FaultRunResult; readonly world: World }> {
  let world: World | undefined;
  const result = await faultRun({ ...options, world: (network) => (world = options.world(network)) });
  return { result, world: world as World };
}

/**
 * Runs the seeds from 1 to `count`, one after the other.
 * @param look  at what has become of the world
 * @returns the kinds of fault that struck
 * @throws FaultRunFailure for the first claim that was broken
 */
export async function onSeeds<World extends FaultWorld>(
  count: number,
  run: () => FaultRunOptions<World>,
  look: (world: World) => void,
): Promise<ReadonlySet<string>> {
  const struck = new Set<string>();
  for (let seed = 1; seed <= count; seed++) {
    const { result, world } = await runOf({ ...run(), seed });
    for (const fault of Object.keys(result.struck)) struck.add(fault);
    look(world);
  }
  return struck;
}
