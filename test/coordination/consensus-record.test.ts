/** The record of a log, write by write: what votes come to, once, and in no order but that of the writes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConsensusRecord,
  type ConsensusRules,
  type ConsensusVote,
  emptyRecord,
  mostPast,
  standingOf,
  verdictOf,
  withoutProposal,
  withProposal,
  withVote,
} from '../../machines/coordination/consensus-record.js';

const names = ['ann', 'bob', 'eve', 'joe', 'kim'];
const votes = fc.constantFrom<ConsensusVote>('accept', 'reject', 'abstain');

/** Rules as options make them. */
const rules: fc.Arbitrary<ConsensusRules> = fc
  .record({ most: fc.integer({ min: 1, max: 5 }), isNamed: fc.boolean(), more: fc.nat(2), part: fc.integer({ min: 1, max: 5 }) })
  .map(({ most, isNamed, more, part }) => ({
    voters: isNamed ? names.slice(0, most) : most,
    quorum: Math.min(most, Math.floor(most / 2) + 1 + more),
    participation: Math.min(most, part),
  }));

const opened = (given: ConsensusRules, id = 'p'): ConsensusRecord => withProposal(emptyRecord(given), { id, by: 'ann', value: 'v' });
const count = ({ voters }: ConsensusRules): number => (typeof voters === 'number' ? voters : voters.length);

describe('the votes on a proposal', () => {
  it.each([
    [['accept', 'accept'], 'decided'],
    [['accept'], 'open'],
    [['accept', 'reject'], 'open'],
    [['accept', 'abstain'], 'open'],
    [['reject', 'reject'], 'rejected'],
    [['abstain', 'abstain'], 'noQuorum'],
    [['reject', 'abstain'], 'noQuorum'],
    [['accept', 'reject', 'abstain'], 'noQuorum'],
  ] as const)('%j of three come to: %s', (given, verdict) => {
    const ballots = given.map((vote, at) => [names[at] ?? '', vote] as const);
    expect(verdictOf({ voters: names.slice(0, 3), quorum: 2, participation: 2 }, ballots)).toBe(verdict);
  });

  it('decide with a quorum of accepts and enough who took part, and only then; abort when that cannot be had any more, and only then', () => {
    fc.assert(
      fc.property(rules, fc.array(votes, { maxLength: 5 }), (given, cast) => {
        const ballots = cast.slice(0, count(given)).map((vote, at) => [names[at] ?? '', vote] as const);
        const accepts = ballots.filter(([, vote]) => vote === 'accept').length;
        const left = count(given) - ballots.length;
        const verdict = verdictOf(given, ballots);
        expect(verdict === 'decided').toBe(accepts >= given.quorum && ballots.length >= given.participation);
        expect(verdict === 'rejected' || verdict === 'noQuorum').toBe(accepts + left < given.quorum);
        // Nobody is waited for who is not there.
        if (left === 0) expect(verdict).not.toBe('open');
      }),
    );
  });
});

type Write =
  | { readonly kind: 'vote'; readonly voter: string; readonly vote: ConsensusVote; readonly id: string }
  | { readonly kind: 'abort' | 'open'; readonly id: string };

const ids = fc.constantFrom('p', 'q', 'r', 's');
const writes: fc.Arbitrary<Write> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('vote' as const), voter: fc.constantFrom(...names, 'stranger'), vote: votes, id: ids }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('abort' as const, 'open' as const), id: ids }) },
);

describe('a record', () => {
  it('has one value at an index, in order, by those who accepted it; what was aborted is never decided, whatever is written', () => {
    fc.assert(
      fc.property(rules, fc.array(writes, { maxLength: 60 }), (given, all) => {
        let record = emptyRecord(given);
        const [decided, aborted] = [[] as string[], new Set<string>()];
        const accepted = new Map<string, Set<string>>();
        const first = new Set<string>();
        for (const [revision, write] of all.entries()) {
          const before = record;
          if (write.kind === 'open') {
            // Each id is proposed once, as each has a lease of its own.
            if (record.open !== null || first.has(write.id) || aborted.has(write.id)) continue;
            first.add(write.id);
            record = withProposal(record, { id: write.id, by: 'ann', value: write.id });
            continue;
          }
          if (write.kind === 'abort') {
            if (standingOf(record, write.id)?.state === 'decided' || decided.includes(write.id)) continue;
            record = withoutProposal(record, write.id, 'late');
            aborted.add(write.id);
            continue;
          }
          if (write.kind !== 'vote') continue;
          const outcome = withVote(record, { ...write, revision });
          if (outcome.outcome !== 'cast') continue;
          record = outcome.record;
          if (write.vote === 'accept') accepted.set(write.id, (accepted.get(write.id) ?? new Set()).add(write.voter));
          const past = record.past.at(-1);
          if (record.aborted > before.aborted && past !== undefined) aborted.add(past.id);
          if (record.next === before.next) continue;
          expect([record.next, record.last]).toEqual([
            before.next + 1,
            { index: before.next, value: write.id, by: 'ann', id: write.id, token: revision },
          ]);
          expect(accepted.get(write.id)?.size).toBeGreaterThanOrEqual(given.quorum);
          expect([aborted.has(write.id), decided.includes(write.id)]).toEqual([false, false]);
          decided.push(write.id);
        }
      }),
    );
  });

  it('counts the first vote of a voter, none of a stranger, and none on what is not open', () => {
    const given: ConsensusRules = { voters: names.slice(0, 3), quorum: 2, participation: 2 };
    const vote = (record: ConsensusRecord, voter: string, said: ConsensusVote, id = 'p') => withVote(record, { id, voter, vote: said, revision: 1 });
    const once = vote(opened(given), 'ann', 'accept');
    const record = once.outcome === 'cast' ? once.record : opened(given);
    expect(vote(record, 'ann', 'reject')).toEqual({ outcome: 'counted', vote: 'accept' });
    expect(vote(record, 'joe', 'accept')).toEqual({ outcome: 'stranger' });
    expect(vote(record, 'bob', 'accept', 'other')).toEqual({ outcome: 'over' });
    expect(vote(withoutProposal(record, 'p', 'late'), 'bob', 'accept')).toEqual({ outcome: 'over' });
  });

  it('remembers the last aborts, and how many there were', () => {
    let record = emptyRecord({ voters: 1, quorum: 1, participation: 1 });
    for (let at = 0; at < mostPast + 3; at++) record = withoutProposal(record, `p${at}`, 'cancelled');
    expect([record.past.length, record.aborted, record.past[0]?.id]).toEqual([mostPast, mostPast + 3, 'p3']);
    expect(standingOf(record, 'p3')).toEqual({ state: 'aborted', why: 'cancelled' });
    expect(standingOf(record, 'p2')).toBeNull();
  });
});
