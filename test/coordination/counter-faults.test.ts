/** A counter through faults: whatever happens to the nodes and the links, each key is counted once, and nobody is told what is not so. */
import { describe, expect, it } from 'vitest';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { counterRun, type CounterWorld, defects } from './counter-world.js';

/** Where most that happens makes answers late, so that what is wrong shows early. */
const harsh = {
  ...{ faults: { slow: 3, pause: 2, partition: 2, crash: 1 }, faultShare: 0.3, mostShrinkRuns: 0, steps: 40 },
  network: { links: { delay: [1, 90], drop: 0.1, duplicate: 0.02 } },
} as const;

describe('a counter on a network with faults', () => {
  it('counts each key once, and says what is so, on 200 seeds', { timeout: 240_000 }, async () => {
    const struck = new Set<string>();
    const told = new Map<string, number>();
    let taken = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const run = counterRun();
      let world: CounterWorld | undefined;
      const result = await faultRun({ ...run, seed, world: (network) => (world = run.world(network)) });
      for (const fault of Object.keys(result.struck)) struck.add(fault);
      taken += world?.taken.keys.size ?? 0;
      for (const { outcome } of world?.told ?? []) told.set(outcome.outcome, (told.get(outcome.outcome) ?? 0) + 1);
    }
    // What would hold of a network on which nothing goes wrong, or of a counter that nobody uses, is no proof.
    const ok = told.get('ok') ?? 0;
    const doubts = told.get('unknown') ?? 0;
    expect({ kinds: struck.size, isUsed: taken > 1_000, isDoubted: doubts > 0, isKnown: doubts * 10 < ok }).toEqual({
      ...{ kinds: 10, isUsed: true, isDoubted: true, isKnown: true },
    });
  });

  it('does on a network that is slow throughout', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) await faultRun({ ...counterRun(), ...harsh, seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    const found = async (): Promise<FaultRunFailure | null> => {
      for (let seed = 1; seed <= 50; seed++) {
        try {
          await faultRun({ ...counterRun(defect), ...harsh, seed });
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
