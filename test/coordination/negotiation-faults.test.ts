/** Negotiations through faults: whatever happens to the nodes and the links, nothing is agreed but what all others have accepted, and each session ends. */
import { describe, expect, it } from 'vitest';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { defects, negotiationRun, type NegotiationWorld, restless } from './negotiation-world.js';

describe('a negotiation on a network with faults', () => {
  it.each([
    ['as they come', {}],
    ['where sessions are begun again and again', restless],
  ])('agrees on what all others have accepted, and on nothing else, on 100 seeds %s', { timeout: 240_000 }, async (_, how) => {
    const struck = new Set<string>();
    const counts: Record<string, number> = {};
    const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    for (let seed = 1; seed <= 100; seed++) {
      const run = negotiationRun();
      let world: NegotiationWorld | undefined;
      const result = await faultRun({ ...run, ...how, seed, world: (network) => (world = run.world(network)) });
      for (const fault of Object.keys(result.struck)) struck.add(fault);
      for (const { result: end } of world?.ended ?? []) {
        count(end.outcome === 'failed' ? end.why : end.outcome);
        if (end.outcome === 'decided' && end.value.rounds > 1) count('after several rounds');
        if (end.outcome === 'decided' && end.attempts > 1) count('after a crash');
      }
    }
    // What would hold where nobody agrees, leaves, is late or is asked again is no proof.
    for (const what of ['decided', 'left', 'late', 'invalid', 'noAgreement', 'timeUp', 'after several rounds', 'after a crash'])
      expect([what, (counts[what] ?? 0) > 5]).toEqual([what, true]);
    expect(struck.size).toBe('faults' in how ? 4 : 10);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...negotiationRun(defect), ...restless })).toBe(breaks);
  });
});
