/** Iterative consensus through faults: whatever happens to the nodes and the links, only what was really proposed is agreed on, by enough, and in time. */
import { describe, expect, it } from 'vitest';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { defects, God, iterativeRun } from './iterative-consensus-world.js';
import { troubled } from './session-world.js';

describe('an iterative consensus on a network with faults', () => {
  it('is what enough of those have proposed who were there, and ends, on 100 seeds', { timeout: 240_000 }, async () => {
    const counts: Record<string, number> = {};
    const more = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    const struck = await onSeeds(100, iterativeRun, (world) => {
      for (const { result: end } of world.ended) {
        more(end.outcome === 'failed' ? end.why : end.outcome);
        if (end.attempts > 1) more('retried');
        if (end.outcome !== 'decided') continue;
        if (end.value.round > 1) more('later');
        if (end.value.left.length > 0) more('left');
      }
    });
    // What would hold of a network on which nothing goes wrong, or where all agree at once or never, is no proof.
    expect(struck.size).toBe(10);
    for (const what of ['decided', 'noQuorum', 'noAgreement', 'cancelled', 'retried', 'later', 'left'])
      expect([what, (counts[what] ?? 0) > 20]).toEqual([what, true]);
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...iterativeRun(defect), ...troubled })).toBe(breaks);
  });
});

/** What was proposed in a round, by so many of them. */
type Shown = Parameters<God['sawGiven']>[2]['proposals'];

const inn = { at: 20, in: 'inn' } as const;
const den = { at: 9, in: 'den' } as const;
const denOtherwise = { in: 'den', at: 9 } as const;
const shown: Shown = [
  { value: inn, count: 2 },
  { value: den, count: 2 },
];

/** A god that has seen three agents propose the same in round 2, to what is shown above. */
function godOfThree(): God {
  const god = new God();
  for (const agent of ['a1', 'a2', 'a3']) god.sawGiven('e', agent, { round: 2, proposals: shown }, inn);
  return god;
}

/** Another coordinator shows what it has heard in round 1, counts these three, and decides. */
function decide(god: God, proposals: Shown): void {
  const first = proposals.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
  for (const [index, place] of first.entries()) god.sawAsked('c2 1', 'e', `a${index + 1}`, { round: 1, proposals: [] })(place);
  const three = ['a1', 'a2', 'a3'].map((agent) => ({ agent, value: inn }));
  for (const { agent } of three) god.sawAsked('c2 1', 'e', agent, { round: 2, proposals })(inn);
  const value = { value: inn, round: 2, share: 1, proposals: three, left: [] };
  god.sawEnded({ session: 'e', asker: 'c2', process: 'c2 1', result: { outcome: 'decided', value, attempts: 1 } });
}

describe('the god of that network', () => {
  it('takes what only looks otherwise for what was shown', () => {
    const god = godOfThree();
    decide(god, [
      { value: inn, count: 2 },
      { value: denOtherwise, count: 2 },
    ]);
    expect([...god.problems]).toEqual([]);
  });

  it.each<[string, Shown]>([
    ['fewer of one', shown.with(1, { value: den, count: 1 })],
    ['another place', shown.with(1, { value: { at: 14, in: 'hall' }, count: 2 })],
    ['another order', shown.toReversed()],
  ])('sees what was proposed to %s counted', (_, otherwise) => {
    const god = godOfThree();
    decide(god, otherwise);
    expect([...god.problems.keys()]).toEqual(['only what was proposed in the round counts']);
  });

  it('sees an agent propose twice to what only looks otherwise', () => {
    const god = godOfThree();
    god.sawGiven('e', 'a1', { round: 2, proposals: shown.with(1, { value: denOtherwise, count: 2 }) }, inn);
    expect([...god.problems.keys()]).toEqual(['an agent proposes once to what it is shown']);
  });
});
