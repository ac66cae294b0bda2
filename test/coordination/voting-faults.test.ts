/** Votes through faults: whatever happens to the nodes and the links, only true votes decide, each session ends once, and in time. */
import { describe, expect, it } from 'vitest';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { votingDefects, votingRun, type VotingWorld } from './voting-world.js';

/** Where most that happens is of the kind that votes must outlast, so that what is wrong shows early. */
const harsh = { faults: { slow: 2, pause: 1, partition: 2, crash: 2 }, faultShare: 0.3, steps: 30, mostShrinkRuns: 0 } as const;

describe('votes on a network with faults', () => {
  it.each(['majority', 'byzantine'] as const)('by the rule %s are true, and end, on 100 seeds', { timeout: 240_000 }, async (rule) => {
    const struck = new Set<string>();
    const outcomes: Record<string, number> = {};
    let retried = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const run = votingRun(rule);
      let world: VotingWorld | undefined;
      const result = await faultRun({ ...run, seed, world: (network) => (world = run.world(network)) });
      for (const fault of Object.keys(result.struck)) struck.add(fault);
      for (const { result: end } of world?.ended ?? []) {
        outcomes[end.outcome] = (outcomes[end.outcome] ?? 0) + 1;
        if (end.attempts > 1) retried++;
      }
    }
    // What would hold of a network on which nothing goes wrong, or of votes that never decide, is no proof.
    const { decided = 0, failed = 0, cancelled = 0 } = outcomes;
    const isOften = { decided: decided > 200, failed: failed > 50, cancelled: cancelled > 20, retried: retried > 20 };
    expect({ kinds: struck.size, ...isOften }).toEqual({ kinds: 10, decided: true, failed: true, cancelled: true, retried: true });
  });

  it.each(Object.entries(votingDefects))('are caught where %s', { timeout: 60_000 }, async (_, { rule, defect, breaks }) => {
    const found = async (): Promise<FaultRunFailure | null> => {
      for (let seed = 1; seed <= 50; seed++) {
        try {
          await faultRun({ ...votingRun(rule, defect), ...harsh, seed });
        } catch (error) {
          if (error instanceof FaultRunFailure) return error;
          throw error;
        }
      }
      return null;
    };
    expect((await found())?.claim).toBe(breaks);
  });
});
