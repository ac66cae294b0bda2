/** Negotiations through faults: whatever happens to the nodes and the links, nothing is agreed but what all others have accepted, and each session ends. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, negotiationRun, restless } from './negotiation-world.js';

describe('a negotiation on a network with faults', () => {
  it.each([
    ['as they come', {}],
    ['where sessions are begun again and again', restless],
  ])('agrees on what all others have accepted, and on nothing else, on 100 seeds %s', { timeout: 240_000 }, async (_, how) => {
    const counts: Record<string, number> = {};
    const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    const run = () => ({ ...negotiationRun(), ...how });
    const struck = await onSeeds(100, run, (world) => {
      for (const { result: end } of world.ended) {
        count(end.outcome === 'failed' ? end.why : end.outcome);
        if (end.outcome === 'decided' && end.value.rounds > 1) count('after several rounds');
        if (end.outcome === 'decided' && end.attempts > 1) count('after a crash');
      }
    });
    // What would hold where nobody agrees, leaves, is late or is asked again is no proof.
    for (const what of ['decided', 'left', 'late', 'invalid', 'noAgreement', 'timeUp', 'after several rounds', 'after a crash'])
      expect([what, (counts[what] ?? 0) > 5]).toEqual([what, true]);
    expect(struck.size).toBe('faults' in how ? 4 : 10);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...negotiationRun(defect), ...restless })).toBe(breaks);
  });
});
