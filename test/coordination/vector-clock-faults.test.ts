/** Vector clocks through faults: whatever happens to the nodes and the links, they say of each two events what is true. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, forgetful, vectorClockRun } from './vector-clock-world.js';

describe('vector clocks on a network with faults', () => {
  it.each([
    ['of all kinds', {}, 10],
    ['that make nodes forget', forgetful, 6],
  ] as const)('%s say what has caused what, and all come to know of all, on 100 seeds', { timeout: 120_000 }, async (_, faults, kinds) => {
    const sums = { caused: 0, concurrent: 0, afterCrash: 0, gossip: 0 };
    const struck = await onSeeds(
      100,
      () => ({ ...vectorClockRun(), ...faults }),
      ({ counts }) => {
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += counts[name];
      },
    );
    // What would hold of events that all have caused each other, or of nodes that never forget, is no proof.
    const isOften = Object.entries(sums).map(([name, count]) => [name, count > 200]);
    expect({ kinds: struck.size, ...Object.fromEntries(isOften) }).toEqual({ kinds, caused: true, concurrent: true, afterCrash: true, gossip: true });
  });

  it.each(Object.entries(defects))('are caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...vectorClockRun(defect), ...forgetful }, 100)).toBe(breaks);
  });
});
