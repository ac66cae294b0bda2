/** A lock through faults: whatever happens to the nodes and the links, no two have it at one moment, and once all is well everybody gets it. */
import { describe, expect, it } from 'vitest';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { defects, type LockWorld, lockRun } from './lock-world.js';

/** Where most that happens is of the kind that leases and fences are for, so that what is wrong shows early. */
const harsh = { faults: { slow: 3, pause: 2, partition: 2, crash: 1, drift: 1 }, faultShare: 0.5, mostShrinkRuns: 0 } as const;

/** Where two do not often meet a third, as with a semaphore: more is wanted, and for longer. */
const crowded = { ...harsh, steps: 80, faultShare: 0.25, mostGapMs: 100 } as const;

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

  it('is so where the backend is crashed and stopped, too, and opened again with its store: 60 seeds', { timeout: 120_000 }, async () => {
    let lines: string[] = [];
    for (let seed = 1; seed <= 60; seed++) lines = lines.concat((await faultRun({ ...lockRun({}, 1, true), seed })).trace);
    const struck = ['crash', 'pause'].map((fault) => lines.some((line) => line.includes(` fault ${fault} backend`)));
    expect([...struck, lines.some((line) => line.includes('boot backend#3'))]).toEqual([true, true, true]);
  });

  it('is caught where such a backend has no store', { timeout: 60_000 }, async () => {
    const claims = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      await faultRun({ ...lockRun({ forgets: true }, 1, true), mostShrinkRuns: 0, seed }).catch((error: unknown) => {
        if (!(error instanceof FaultRunFailure)) throw error;
        claims.add(error.claim);
      });
    }
    expect([...claims]).toContain('tokens rise in the order in which it was had');
  });

  it('as a semaphore is had by no more than may, and by everybody in the end, on 100 seeds', { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= 50; seed++) await faultRun({ ...lockRun({}, 2), seed });
    for (let seed = 51; seed <= 100; seed++) await faultRun({ ...lockRun({}, 2), ...crowded, seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect((await found({ ...lockRun(defect), ...harsh }))?.claim).toBe(breaks);
  });

  // Tokens of a semaphore tell no more than the order in which they came: there is no fence to leave out.
  it.each(Object.entries(defects).filter(([, { defect }]) => defect.isFenceless !== true))(
    'is caught as a semaphore where %s',
    { timeout: 60_000 },
    async (_, { defect, breaks }) => {
      expect((await found({ ...lockRun(defect, 2), ...crowded }))?.claim).toBe(breaks);
    },
  );
});

/** The first failure of 50 seeds; null: there was none. */
async function found(run: FaultRunOptions<LockWorld>): Promise<FaultRunFailure | null> {
  for (let seed = 1; seed <= 50; seed++) {
    try {
      await faultRun({ ...run, seed });
    } catch (error) {
      if (error instanceof FaultRunFailure) return error;
      throw error;
    }
  }
  return null;
}
