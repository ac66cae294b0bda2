/** Iterative consensus through faults: whatever happens to the nodes and the links, only what was really proposed is agreed on, by enough, and in time. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, iterativeRun } from './iterative-consensus-world.js';
import { troubled } from './session-world.js';

describe('an iterative consensus on a network with faults', () => {
  it('is what enough of those have proposed who were there, and ends, on 100 seeds', { timeout: 240_000 }, async () => {
    const counts: Record<string, number> = {};
    const more = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    const struck = await onSeeds(100, iterativeRun, (world) => {
      for (const { result: end } of world.ended) {
        more(end.outcome === 'failed' ? end.why : end.outcome);
        if (end.attempts > 1) more('retried');
        if (end.outcome !== 'decided') continue;
        if (end.value.round > 1) more('later');
        if (end.value.left.length > 0) more('left');
      }
    });
    // What would hold of a network on which nothing goes wrong, or where all agree at once or never, is no proof.
    expect(struck.size).toBe(10);
    for (const what of ['decided', 'noQuorum', 'noAgreement', 'cancelled', 'retried', 'later', 'left'])
      expect([what, (counts[what] ?? 0) > 20]).toEqual([what, true]);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...iterativeRun(defect), ...troubled })).toBe(breaks);
  });
});
