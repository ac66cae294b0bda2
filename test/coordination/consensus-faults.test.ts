/** A log through faults: whatever happens to the nodes and the links, an index has one value, by a quorum, and once all is well everybody has it. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, doubtful } from './consensus-defects.js';
import { consensusRun } from './consensus-world.js';

describe('a log on a network with faults', () => {
  it('has one value at an index, by a quorum of accepts, and the same for all in the end, on 200 seeds', { timeout: 240_000 }, async () => {
    const endings = new Set<string>();
    let decided = 0;
    const struck = await onSeeds(200, consensusRun, (world) => {
      for (const how of world.endings.keys()) endings.add(how);
      decided += world.decided.size;
    });
    // What would hold of a network on which nothing goes wrong, or of a log in which nothing is ever decided, is no proof.
    expect({ kinds: struck.size, isOftenDecided: decided > 1_000 }).toEqual({ kinds: 10, isOftenDecided: true });
    const all = ['abandoned', 'beaten', 'cancelled', 'decided', 'late', 'rejected', 'noQuorum'];
    expect(all.filter((how) => !endings.has(how))).toEqual([]);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 240_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...consensusRun(defect), ...doubtful })).toBe(breaks);
  });
});
