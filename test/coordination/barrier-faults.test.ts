/** A barrier through faults: whatever happens to the nodes and the links, it opens with those who were there, and nobody is told what is not so. */
import { describe, expect, it } from 'vitest';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { barrierRun, defects, slowThroughout } from './barrier-world.js';

describe('a barrier on a network with faults', () => {
  it('opens with those who were there, tells each what is so, and goes on once all is well, on 200 seeds', { timeout: 240_000 }, async () => {
    const told = new Map<string, number>();
    let openings = 0;
    const struck = await onSeeds(200, barrierRun, (world) => {
      openings += world.openings.length;
      for (const { outcome } of world.told) {
        const word = outcome.ok ? 'ok' : outcome.reason;
        told.set(word, (told.get(word) ?? 0) + 1);
      }
    });
    // What would hold of a network on which nothing goes wrong, or of a barrier that never opens, is no proof.
    expect({ kinds: struck.size, opensOften: openings > 500, doubts: (told.get('unknown') ?? 0) * 10 < (told.get('ok') ?? 0) }).toEqual({
      ...{ kinds: 10, opensOften: true, doubts: true },
    });
    expect([...told.keys()]).toEqual(expect.arrayContaining(['ok', 'late', 'cancelled', 'lost', 'unknown']));
  });

  it('tells each what is so on a network that is slow throughout', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 40; seed++) await faultRun({ ...barrierRun(), ...slowThroughout, mostShrinkRuns: 0, seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 240_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...barrierRun(defect), ...slowThroughout })).toBe(breaks);
  });
});
