/** What a defect that is planted in a world breaks. */
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import { faultRun, type FaultWorld } from '../../src/testing/network/fault-run.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';

/** The claim that the first failing one of so many seeds breaks; null: none fails. */
export async function brokenClaim<World extends FaultWorld>(run: FaultRunOptions<World>, seeds = 50): Promise<string | null> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await faultRun({ ...run, mostShrinkRuns: 0, seed });
    } catch (error) {
      if (error instanceof FaultRunFailure) return error.claim;
      throw error;
    }
  }
  return null;
}
