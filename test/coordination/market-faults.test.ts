/** Markets through faults: whatever happens to the nodes and the links, nothing is made or lost, one key is one order, and what is cancelled or closed trades no more. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { harsh } from '../fault-runs/faulted.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { marketDefects, marketRun } from './market-world.js';

describe('a market on a network with faults', () => {
  it('conserves quantity and money, and trades nothing that is cancelled or closed, on 100 seeds', { timeout: 240_000 }, async () => {
    const counts: Record<string, number> = {};
    const struck = await onSeeds(100, marketRun, (world) => {
      for (const [what, much] of Object.entries(world.god.counts)) counts[what] = (counts[what] ?? 0) + much;
    });
    // What would hold where nobody trades, nothing is sent twice and nothing is cancelled is no proof.
    expect(struck.size).toBe(10);
    const cancelled = ['asked', 'closed', 'ownerEnded'].map((reason) => `market.cancelled ${reason}`);
    const told = ['market.traded', 'market.repeated', 'told again', 'told closed', 'confirmed', 'market.refused selfTrade', 'market.closed'];
    for (const what of [...cancelled, ...told]) expect([what, (counts[what] ?? 0) >= 10]).toEqual([what, true]);
  });

  it.each(Object.entries(marketDefects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...marketRun(defect), ...harsh })).toBe(breaks);
  });
});
