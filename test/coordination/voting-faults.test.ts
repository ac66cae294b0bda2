/** Votes through faults: whatever happens to the nodes and the links, only true votes decide, each session ends once, and in time. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { troubled } from './session-world.js';
import { votingDefects, votingRun } from './voting-world.js';

describe('votes on a network with faults', () => {
  it.each(['majority', 'weighted', 'unanimous', 'plurality', 'byzantine'] as const)(
    'by the rule %s are true, and end, on 100 seeds',
    { timeout: 240_000 },
    async (rule) => {
      const outcomes: Record<string, number> = {};
      let retried = 0;
      const run = () => votingRun(rule);
      const struck = await onSeeds(100, run, (world) => {
        for (const { result: end } of world.ended) {
          outcomes[end.outcome] = (outcomes[end.outcome] ?? 0) + 1;
          if (end.attempts > 1) retried++;
        }
      });
      // What would hold of a network on which nothing goes wrong, or of votes that never decide, is no proof.
      const { decided = 0, failed = 0, cancelled = 0 } = outcomes;
      const isOften = { decided: decided > 200, failed: failed > 50, cancelled: cancelled > 20, retried: retried > 20 };
      expect({ kinds: struck.size, ...isOften }).toEqual({ kinds: 10, decided: true, failed: true, cancelled: true, retried: true });
    },
  );

  it.each(Object.entries(votingDefects))('are caught where %s', { timeout: 60_000 }, async (_, { rule, defect, breaks }) => {
    expect(await brokenClaim({ ...votingRun(rule, defect), ...troubled })).toBe(breaks);
  });
});
