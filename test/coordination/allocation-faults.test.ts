/** Allocations through faults: whatever happens to the nodes and the links, what is there is shared by the rule among those who were heard, and by nobody twice. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { harsh } from '../fault-runs/faulted.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { allocationRun, defects } from './allocation-world.js';

describe('an allocation on a network with faults', () => {
  it('shares what is there among those who were heard in time, by the rule, on 100 seeds', { timeout: 240_000 }, async () => {
    const counts: Record<string, number> = {};
    const count = (what: string, more = 1): void => void (counts[what] = (counts[what] ?? 0) + more);
    const struck = await onSeeds(100, allocationRun, (world) => {
      count('resumed', world.resumed.count);
      for (const { ends } of world.sharings.values()) {
        for (const end of ends) {
          count(end.outcome === 'decided' ? end.value.rule : end.why);
          const rows = end.outcome === 'decided' ? end.value.claimants : end.details.claimants;
          for (const { status } of rows) count(status);
        }
      }
    });
    // What would hold where nobody is late, nobody goes without, and no house is started anew, is no proof.
    expect(struck.size).toBe(10);
    const often = ['maxMin', 'proportional', 'priority', 'noDemands', 'granted', 'leastNotMet', 'unserved', 'passed', 'invalid', 'late'];
    for (const what of often) expect([what, (counts[what] ?? 0) > 20]).toEqual([what, true]);
    expect(counts['resumed']).toBeGreaterThan(5);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...allocationRun(defect), ...harsh })).toBe(breaks);
  });
});
