/** A lock through faults: whatever happens to the nodes and the links, no two have it at one moment, and once all is well everybody gets it. */
import { describe, expect, it } from 'vitest';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { defects, type LockWorld, lockRun } from './lock-world.js';

/** Where most that happens is of the kind that leases and fences are for, so that what is wrong shows early. */
const harsh = { faults: { slow: 3, pause: 2, partition: 2, crash: 1, drift: 1 }, faultShare: 0.5, mostShrinkRuns: 0 } as const;

describe('a lock on a network with faults', () => {
  it('is had by one at a time, with rising tokens, and by everybody in the end, on 200 seeds', { timeout: 240_000 }, async () => {
    const struck = new Set<string>();
    let [had, fenced] = [0, 0];
    for (let seed = 1; seed <= 200; seed++) {
      const run = lockRun();
      let world: LockWorld | undefined;
      const result = await faultRun({ ...run, seed, world: (network) => (world = run.world(network)) });
      for (const fault of Object.keys(result.struck)) struck.add(fault);
      had += world?.holders.length ?? 0;
      fenced += world?.fenced ?? 0;
    }
    // What would hold of a network on which nothing goes wrong, or of a lock that nobody ever has, is no proof.
    expect({ kinds: struck.size, isOftenHad: had > 1_000, isFenced: fenced > 0 }).toEqual({ kinds: 10, isOftenHad: true, isFenced: true });
  });

  it('as a semaphore is had by no more than may', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) await faultRun({ ...lockRun({}, 2), seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    const found = async (): Promise<FaultRunFailure | null> => {
      for (let seed = 1; seed <= 50; seed++) {
        try {
          await faultRun({ ...lockRun(defect), ...harsh, seed });
        } catch (error) {
          if (error instanceof FaultRunFailure) return error;
          throw error;
        }
      }
      return null;
    };
    expect((await found())?.claim).toBe(breaks);
  });
});
