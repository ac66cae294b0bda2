/** Auctions through faults: whatever happens to the nodes and the links, who wins has bid, in time and highest, and pays by the rule. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { harsh } from '../fault-runs/faulted.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { auctionRun, defects } from './auction-world.js';

describe('an auction on a network with faults', () => {
  it('is won by who bid highest, in time, and by nobody else, on 100 seeds', { timeout: 240_000 }, async () => {
    const counts: Record<string, number> = {};
    const struck = await onSeeds(100, auctionRun, (world) => {
      for (const { ends } of world.sales) {
        for (const end of ends) {
          const what = end.outcome === 'failed' ? end.why : end.value.tied.length > 0 ? 'drawn' : 'sold';
          counts[what] = (counts[what] ?? 0) + 1;
          const rows = end.outcome === 'failed' ? end.details.bidders : end.value.bidders;
          if (rows.some(({ status }) => status === 'late')) counts['late'] = (counts['late'] ?? 0) + 1;
        }
      }
    });
    // What would hold where nobody bids, nothing is tied and nobody is late is no proof.
    expect(struck.size).toBe(10);
    for (const what of ['sold', 'drawn', 'reserveNotMet', 'noBids', 'late']) expect([what, (counts[what] ?? 0) > 20]).toEqual([what, true]);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...auctionRun(defect), ...harsh })).toBe(breaks);
  });
});
