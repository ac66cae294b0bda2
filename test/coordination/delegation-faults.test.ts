/** Delegations through faults: whatever happens to the nodes and the links, only what was really done counts, once, and each session ends, in time. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, delegationRun } from './delegation-world.js';
import { troubled } from './session-world.js';

describe('delegations on a network with faults', () => {
  it('count what was really done, once, and end, on 100 seeds', { timeout: 240_000 }, async () => {
    const seen: Record<string, number> = {};
    const note = (what: string): void => void (seen[what] = (seen[what] ?? 0) + 1);
    const struck = await onSeeds(100, delegationRun, (world) => {
      for (const { result: end } of world.ended) {
        note(end.outcome);
        if (end.attempts > 1) note('retried');
        if (end.outcome !== 'decided') continue;
        if (end.value.clusters.some(({ replaced, status }) => status === 'delivered' && replaced.length > 0)) note('replaced');
        if (end.value.clusters.some(({ status }) => status !== 'delivered')) note('without a cluster');
      }
    });
    // What would hold of a network on which nothing goes wrong, or of delegations that never decide, is no proof.
    const often = Object.fromEntries(['decided', 'failed', 'retried', 'replaced', 'without a cluster'].map((what) => [what, (seen[what] ?? 0) > 20]));
    expect({ kinds: struck.size, ...often }).toEqual({
      ...{ kinds: 10, decided: true, failed: true, retried: true, replaced: true },
      'without a cluster': true,
    });
  });

  it.each(Object.entries(defects))('are caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...delegationRun(defect), ...troubled })).toBe(breaks);
  });
});
