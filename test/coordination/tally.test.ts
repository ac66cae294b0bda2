/** Counting: whatever is certain before all are heard is what it comes to, in whatever order they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byzantineThreshold, endOf, endsBy, mostFaults, nothingCounted, type Poll, withBallot } from '../../machines/coordination/tally.js';
import type { AgentBallot, Ballot, VotingEnd, VotingRule } from '../../machines/coordination/voting-events.js';

const options = ['x', 'y', 'z'];
const ballots: readonly Ballot[] = [
  ...options.map((option): Ballot => ({ sort: 'vote', option })),
  ...[{ sort: 'abstention' } as const, { sort: 'invalid' } as const, { sort: 'absent', reason: 'late' } as const],
];

/** Every way in which a poll can end. */
function completions(poll: Poll): Poll[] {
  const next = poll.agents.find((agent) => !poll.heard.some((other) => other.agent === agent));
  if (next === undefined) return [poll];
  return ballots.flatMap((ballot) => completions({ ...poll, heard: [...poll.heard, { agent: next, ballot }] }));
}

const wordOf = (end: VotingEnd | null): string | null => (end === null ? null : end.outcome === 'decided' ? end.value.option : end.why);

const polls = fc
  .record({
    count: fc.integer({ min: 1, max: 5 }),
    choices: fc.integer({ min: 1, max: 3 }),
    rule: fc.constantFrom<VotingRule>('majority', 'plurality', 'weighted', 'unanimous', 'byzantine'),
    weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 5 }),
    quorum: fc.constantFrom(0, 0.3, 0.5, 2 / 3, 1),
    ties: fc.constantFrom('fail', 'draw'),
    seed: fc.integer(),
    heard: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 5, maxLength: 5 }),
    silent: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ count, choices, rule, weights, quorum, ties, seed, heard, silent }): Poll => {
    const agents = Array.from({ length: count }, (_, index) => `a${index}`);
    const said = agents.slice(0, Math.max(0, count - silent)).map((agent, index): AgentBallot => {
      const ballot = ballots[heard[index] ?? 0] as Ballot;
      return { agent, ballot: ballot.sort === 'vote' && options.indexOf(ballot.option) >= choices ? { sort: 'invalid' } : ballot };
    });
    return {
      ...{ agents, seed, heard: said, repeated: [], options: options.slice(0, choices), about: null, rule, quorum, faults: null },
      weights: rule === 'weighted' ? Object.fromEntries(agents.map((agent, index) => [agent, weights[index] ?? 1])) : {},
      ...{ abstentions: 'allowed', ties, endsEarly: true, withinMs: 1 },
    };
  });

describe('a count', () => {
  it('that ends early ends as it would in every case', () => {
    let early = 0;
    fc.assert(
      fc.property(polls, (poll) => {
        const now = wordOf(endOf(poll, false));
        if (now === null) return;
        if (poll.heard.length < poll.agents.length) early++;
        const all = completions(poll).filter(({ heard }) =>
          heard.every(({ ballot }) => ballot.sort !== 'vote' || poll.options.includes(ballot.option)),
        );
        expect(new Set(all.map((whole) => wordOf(endOf(whole, true))))).toEqual(new Set([now]));
      }),
      { numRuns: 3_000, seed: 20_251_123 },
    );
    expect(early).toBeGreaterThan(200);
  });

  it('that ends early does so as soon as that is certain', () => {
    let open = 0;
    const exactly = (end: VotingEnd | null): string => `${wordOf(end)} ${end?.outcome === 'decided' && end.value.isDrawn}`;
    fc.assert(
      fc.property(polls, (poll) => {
        if (poll.heard.length === poll.agents.length || endOf(poll, false) !== null) return;
        open++;
        const all = completions(poll).filter(({ heard }) =>
          heard.every(({ ballot }) => ballot.sort !== 'vote' || poll.options.includes(ballot.option)),
        );
        expect(new Set(all.map((whole) => exactly(endOf(whole, true)))).size).toBeGreaterThan(1);
      }),
      { numRuns: 3_000, seed: 20_251_128 },
    );
    expect(open).toBeGreaterThan(200);
  });

  it('that ends early does so when no option can have a majority any more', () => {
    const agents = ['a', 'b', 'c', 'd', 'e'];
    const terms = {
      about: null,
      rule: 'majority',
      weights: {},
      quorum: 0.5,
      faults: null,
      abstentions: 'allowed',
      ties: 'draw',
      withinMs: 1,
    } as const;
    const poll = (voted: readonly string[]): Poll => ({
      ...{ agents: agents.slice(0, voted.length + 1), seed: 1, repeated: [], options, ...terms, endsEarly: true },
      heard: voted.map((option, index) => ({ agent: agents[index] ?? '', ballot: { sort: 'vote', option } })),
    });
    const ends = [
      ['x', 'y', 'z'],
      ['x', 'y'],
      ['x', 'x', 'y', 'z'],
      ['x', 'y', 'y', 'z'],
    ].map((voted) => wordOf(endOf(poll(voted), false)));
    expect(ends).toEqual(['noMajority', null, null, null]);
  });

  it('is the same made with one ballot after the other', () => {
    fc.assert(
      fc.property(polls, fc.boolean(), (given, endsEarly) => {
        const poll = { ...given, endsEarly };
        const count = poll.heard.reduce((sum, one) => withBallot(sum, poll, one), nothingCounted(poll));
        expect(endsBy(poll, count)).toBe(endOf(poll, false)?.outcome ?? null);
      }),
      { numRuns: 1_000, seed: 20_251_129 },
    );
  });

  it('is the same in whatever order they are heard, to the letter', () => {
    fc.assert(
      fc.property(polls, fc.infiniteStream(fc.nat()), (poll, keys) => {
        const order = poll.heard.map((each) => ({ each, key: keys.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        const shuffled = { ...poll, heard: order.map(({ each }) => each) };
        expect(endOf(shuffled, true)).toEqual(endOf(poll, true));
      }),
      { numRuns: 1_000, seed: 20_251_124 },
    );
  });

  it('decides by no abstention: as many more change no winner where there was a quorum', () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 5 }), (poll, more) => {
        if (poll.rule === 'byzantine') return;
        const abstaining = Array.from({ length: more }, (_, index) => `more${index}`);
        const wider: Poll = {
          ...{ ...poll, agents: [...poll.agents, ...abstaining], quorum: 0 },
          heard: [...poll.heard, ...abstaining.map((agent): AgentBallot => ({ agent, ballot: { sort: 'abstention' } }))],
        };
        expect(wordOf(endOf(wider, true))).toBe(wordOf(endOf({ ...poll, quorum: 0 }, true)));
      }),
      { numRuns: 1_000, seed: 20_251_125 },
    );
  });

  it('has byzantine thresholds that those who do not lie reach, and of which two have one such in common', () => {
    for (let agents = 1; agents <= 60; agents++) {
      for (let faults = 0; faults <= mostFaults(agents); faults++) {
        const threshold = byzantineThreshold(agents, faults);
        expect(threshold).toBeLessThanOrEqual(agents - faults);
        expect(2 * threshold - agents).toBeGreaterThan(faults);
        if (agents === 3 * faults + 1) expect(threshold).toBe(2 * faults + 1);
      }
    }
  });
});
