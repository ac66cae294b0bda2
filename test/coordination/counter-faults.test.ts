/** A counter through faults: whatever happens to the nodes and the links, each key is counted once, and nobody is told what is not so. */
import { describe, expect, it } from 'vitest';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { counterRun, defects, lossy } from './counter-world.js';

describe('a counter on a network with faults', () => {
  it('counts each key once, and says what is so, on 200 seeds', { timeout: 240_000 }, async () => {
    const told = new Map<string, number>();
    let taken = 0;
    const struck = await onSeeds(200, counterRun, (world) => {
      taken += world.taken.keys.size;
      for (const { outcome } of world.told) told.set(outcome.outcome, (told.get(outcome.outcome) ?? 0) + 1);
    });
    // What would hold of a network on which nothing goes wrong, or of a counter that nobody uses, is no proof.
    const ok = told.get('ok') ?? 0;
    const doubts = told.get('unknown') ?? 0;
    expect({ kinds: struck.size, isUsed: taken > 1_000, isDoubted: doubts > 0, isKnown: doubts * 10 < ok }).toEqual({
      ...{ kinds: 10, isUsed: true, isDoubted: true, isKnown: true },
    });
  });

  it('does on a network that is slow throughout', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) await faultRun({ ...counterRun(), ...lossy, seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 240_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...counterRun(defect), ...lossy }, 100)).toBe(breaks);
  });
});
