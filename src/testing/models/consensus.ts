/** The model of a member's chart: what the log brings, what its app judges, what comes of its writes, and what the app and the supervisor want. */
import type { LogNews, ProposalOutcome, ScribeOutcome, SeenProposal } from '../../../machines/coordination/consensus-events.js';
import type { ConsensusVote, Decision } from '../../../machines/coordination/consensus-record.js';
import { consensusMachine } from '../../../machines/coordination/consensus.js';
import type { DoneCase, EventCase, Model } from '../model/model.js';
import {
  close,
  due,
  fails,
  input,
  judge,
  type MemberRun,
  name,
  observe,
  owes,
  passes,
  placesOf,
  see,
  type Since,
  withdraw,
  withinMs,
  writeAgain,
} from './consensus-account.js';
import { same } from './looks.js';

type Case = EventCase<typeof consensusMachine, never>;

const a: SeenProposal = { id: 'a', index: 1, by: 'bob', value: { go: 'north' }, isAlive: true, hasVoted: false };
const b: SeenProposal = { ...a, id: 'b', by: 'eve', value: 'south' };
const decision = (index: number): Decision => ({ index, value: index * 10, by: 'bob', id: `d${index}`, token: 100 + index });
const decided = (index: number): LogNews => ({ type: 'decided', decision: decision(index) });

/** What else the log looks like: news are of what this member was told last. */
interface Look {
  readonly isMismatched?: boolean;
  readonly news?: (told: number) => LogNews[];
}

/** How the log looks. */
function seen(open: SeenProposal | null, { isMismatched = false, news = () => [] }: Look = {}): Case {
  return {
    payload: (({ snapshot }: MemberRun) => {
      const { told } = snapshot.context;
      const fresh = news(told);
      return { revision: 7, next: told + fresh.length + 1, open, isMismatched, news: fresh };
    }) as never,
    owes: (run) => {
      const { told } = run.before.context;
      const fresh = news(told);
      return owes((account) => see(account, told + fresh.length + 1, open, isMismatched, fresh, 7))(run);
    },
  };
}

const says = (vote: ConsensusVote): DoneCase<typeof consensusMachine> => ({ output: vote, owes: owes((account) => judge(account, vote, null)) });

/** What came of a write. */
const written = (output: ScribeOutcome): DoneCase<typeof consensusMachine> => ({
  output,
  owes: owes((account) => {
    const { known, facts } = account;
    const { task } = known;
    if (task === null) return;
    const { proposal, index, by, vote, why } = task;
    if (output.outcome === 'unanswered') return writeAgain(account, output.why);
    known[vote === null ? 'abandoned' : 'voted'] = proposal;
    account.voting = 'idle';
    if (vote === null && output.outcome === 'done') facts.push({ type: 'consensus.abandoned', name, index, by });
    if (vote !== null && output.outcome === 'done') facts.push({ type: 'consensus.voted', name, index, by, vote, why });
    if (vote !== null && output.outcome === 'counted') facts.push({ type: 'consensus.ignored', name, index, vote, counted: output.vote });
  }),
});

/** A wish has the number of its turn. */
const wish = ({ notes }: MemberRun): string => `w${Number(notes['wishes'] ?? 0)}`;

const proposes = (
  index: number | null,
): EventCase<typeof consensusMachine, { ref: string; value: string; index: number | null; withinMs: number }> => ({
  payload: (run) => {
    run.notes['wishes'] = Number(run.notes['wishes'] ?? 0) + 1;
    return { ref: wish(run), value: 'mine', index, withinMs };
  },
  owes: (run) =>
    owes((account) => {
      const ref = wish(run);
      if (account.proposing === 'idle') {
        account.proposing = 'queueing';
        account.known.wish = { ref, value: 'mine', index, withinMs };
      } else account.facts.push({ type: 'consensus.refused', name, ref, reason: 'busy', winner: null });
    })(run),
});

const settled = (outcome: ProposalOutcome): Case => ({
  payload: { outcome } as never,
  owes: owes((account, run) => {
    const ref = account.known.wish?.ref ?? '';
    const { isEnding } = account.known;
    account.proposing = 'idle';
    account.known.wish = null;
    if (outcome.ok) account.facts.push({ type: 'consensus.won', name, ref, decision: outcome.decision });
    else account.facts.push({ type: 'consensus.refused', name, ref, reason: outcome.reason, winner: outcome.winner });
    if (isEnding) account.end = { state: 'closed', reason: run.before.context.reason };
  }),
});

const isBusy = ({ proposing }: ReturnType<typeof placesOf>): boolean => ['queueing', 'open', 'withdrawing'].includes(proposing);

export const consensusModel: Model<typeof consensusMachine> = {
  machine: consensusMachine,
  inputs: { 'a voter': input, 'one who does not vote': { ...input, votes: false } },
  events: {
    'consensus.propose': { 'app: proposes': proposes(null), 'app: proposes there': proposes(4) },
    'consensus.cancel': {
      'app: wants it no more': {
        payload: (run) => ({ ref: run.snapshot.context.wish?.ref ?? 'nobody' }),
        owes: owes((account) => withdraw(account, 'cancelled')),
      },
      'app: somebody else wants it no more': { payload: { ref: 'other' }, owes: owes(() => {}) },
    },
    'consensus.close': { 'app: closes': { weight: 0.2, owes: close('normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.1, owes: close('shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.1, payload: { reason: ['shutdown', 'late'] }, owes: close(['shutdown', 'late']) },
    },
  },
  outcomes: {
    follower: {
      reports: {
        'log.seen': {
          'nothing is open': seen(null),
          'one is open': seen(a),
          'it has voted on that': seen({ ...a, hasVoted: true }),
          'its proposer is dead': seen({ ...a, isAlive: false }),
          'another is open': seen(b),
          'the log is of others': seen(null, { isMismatched: true }),
          'one is decided': seen(null, { news: (told) => [decided(told + 1)] }),
          'some were missed': seen(null, { news: (told) => [{ type: 'missed', from: told + 1, to: told + 2 }, decided(told + 3)] }),
          'what was told is told again': seen(null, {
            news: (told) => [{ type: 'missed', from: 1, to: told - 1 }, decided(told), decided(told + 1)],
          }),
        },
        'follower.lost': {
          'it cannot be followed': {
            payload: { why: 'gap' },
            owes: owes((account) => {
              account.following = 'pausing';
              account.facts.push({ type: 'consensus.retrying', name, what: 'following', why: 'gap' });
            }),
          },
        },
      },
      error: { 'the follower crashes': { error: new Error('no more'), weight: 0.1, owes: fails('followerCrashed') } },
    },
    voter: {
      done: { 'its app accepts': says('accept'), 'its app rejects': says('reject') },
      error: { 'its app throws': { error: new Error('no'), owes: owes((account) => judge(account, 'abstain', 'crashed')) } },
    },
    scribe: {
      done: {
        'it is written': written({ outcome: 'done' }),
        'another vote was counted': written({ outcome: 'counted', vote: 'reject' }),
        'it is over': written({ outcome: 'over' }),
        'nobody knows': written({ outcome: 'unanswered', why: 'unknown, lost' }),
      },
      error: { 'the scribe crashes': { error: new Error('no more'), weight: 0.1, owes: fails('scribeCrashed') } },
    },
    proposal: {
      reports: {
        'proposal.opened': {
          'its own is open': {
            when: (run) => placesOf(run.snapshot).proposing === 'queueing',
            payload: { index: 3 },
            owes: owes((account) => {
              account.proposing = 'open';
              account.facts.push({ type: 'consensus.proposed', name, ref: account.known.wish?.ref ?? '', index: 3 });
            }),
          },
        },
        'proposal.lost': { 'its lease is over': { owes: owes((account) => withdraw(account, 'lost')) } },
        'proposal.settled': {
          'it is decided': settled({ ok: true, decision: decision(3) }),
          'it is beaten': settled({ ok: false, reason: 'beaten', winner: decision(3) }),
          'it is aborted': settled({ ok: false, reason: 'late', winner: null }),
        },
        'proposal.ended': { 'it is taken away': { weight: 0.1, payload: { why: 'proposalLost' }, owes: fails('proposalLost') } },
      },
      error: { 'the proposal crashes': { error: new Error('no more'), weight: 0.1, owes: fails('proposalCrashed') } },
    },
  },
  delays: { '100 ms pass': { ms: 100, owes: passes } },
  key: (run) => {
    const { open, voted, abandoned, task, isMismatched, isEnding, votes } = run.snapshot.context;
    const now = run.clock.now();
    const timers = due(placesOf(run.snapshot), run.notes['since'] as Since);
    const written = task === null ? null : [task.proposal, task.vote, task.why, Math.min(task.tries, 1)];
    return [
      ...[open, voted, abandoned, written, isMismatched, isEnding, votes],
      ...Object.values(timers).map((at) => Math.max(0, Math.min(at - now, 999))),
    ];
  },
  invariants: {
    'each part runs exactly while it is needed, and is given what it needs': (run) => {
      const places = placesOf(run.snapshot);
      const { open, task, wish: wanted } = run.snapshot.context;
      const running = run.running().map(({ src, input: given }) => [src, src === 'follower' ? null : given]);
      const asked = { proposal: open?.id, index: open?.index, by: open?.by, value: open?.value };
      const wanting = [
        ...(places.following === 'watching' ? [['follower', null]] : []),
        ...(places.voting === 'asking' ? [['voter', asked]] : []),
        ...(places.voting === 'writing' ? [['scribe', task]] : []),
        ...(isBusy(places) ? [['proposal', { value: wanted?.value, index: wanted?.index }]] : []),
      ];
      const sorted = (list: readonly unknown[]): string[] => list.map((each) => JSON.stringify(each)).sort();
      return same('running', sorted(running), sorted(wanting));
    },
    'its follower begins where it was': (run) => {
      const [follower] = run.of('follower');
      const begun = (follower?.input as { readonly told: number } | undefined)?.told;
      return begun === undefined || begun <= run.snapshot.context.told ? undefined : `${begun}`;
    },
    'it says that it follows, and takes a proposal, exactly while it does': ({ snapshot }) => {
      const { following, proposing } = placesOf(snapshot);
      return same('tags', [snapshot.hasTag('following'), snapshot.hasTag('accepting')], [following === 'watching', proposing === 'idle']);
    },
    'it waits no longer than it should': ({ snapshot, notes, clock }) =>
      same('next timer', clock.nextAt() ?? null, nextOf(Object.values(due(placesOf(snapshot), notes['since'] as Since)))),
    'a decision is told once, in order': ({ emitted }) => {
      const told = emitted.filter(({ type }) => type === 'consensus.decided').map(({ index }) => Number(index));
      return told.every((index, at) => at === 0 || index > (told[at - 1] ?? 0)) ? undefined : told.join();
    },
    'every wish is answered once': ({ emitted, snapshot, notes }) => {
      const answers = emitted.filter(({ type }) => type === 'consensus.won' || type === 'consensus.refused').map(({ ref }) => ref as string);
      const waiting = snapshot.context.wish === null ? 0 : 1;
      return new Set(answers).size === answers.length && answers.length + waiting === Number(notes['wishes'] ?? 0) ? undefined : answers.join();
    },
  },
  observe,
  finish: (run) => {
    if (isBusy(placesOf(run.snapshot))) run.report('proposal', { type: 'proposal.settled', outcome: { ok: false, reason: 'closed', winner: null } });
    else run.send({ type: 'consensus.close' });
  },
};

function nextOf(timers: readonly number[]): number | null {
  const next = Math.min(...timers);
  return next === Infinity ? null : next;
}
