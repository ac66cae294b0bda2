/**
 * One who takes part in an election: follows who leads, and stands for it.
 *
 * States   running(following: watching ⇄ pausing, part: observing ⇄ candidate(entering → waiting → campaigning → leading → resigning) ⇄ backingOff) → closed; failed
 * Emits    leader.elected · leader.lost · leader.resigned · leader.changed · leader.retrying · leader.rejected
 * Needs    `follower`, who sees the election's keys; `candidacy`, who has the lease; `claim`, which asks for the seat; `work`, what runs while it leads —
 *          provided by src/coordination/; the placeholders here refuse to run
 * Output   the exit reason
 *
 * Candidates stand in the order in which they came, and only the first asks for the seat; whoever leads stays the first until its lease is over. So nothing is
 * decided on what was seen: somebody who was first stays it as long as its lease, and the seat is taken by naming its revision.
 */
import { assign, emit, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { backoffMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type {
  CandidacyCommand,
  ClaimOutcome,
  LeaderContext,
  LeaderEmitted,
  LeaderEvent,
  LeaderInput,
  LeadershipInput,
  Resignation,
  Seat,
} from './leader-events.js';

type On<Type extends LeaderEvent['type']> = Extract<LeaderEvent, { type: Type }>;

/** What the actor `claim` is given. */
export interface ClaimInput {
  readonly id: string;
  readonly lease: string;
  /** The revision that is named, and the term that is written. */
  readonly claim: Seat;
}

const factory = "leader() of 'espalier'";
const pauseOf = ({ backoff, election, id }: LeaderContext, attempt: number): number => backoffMs(backoff, attempt, `${election}/${id}`);
const outcomeOf = (event: unknown): ClaimOutcome => (event as { readonly output: ClaimOutcome }).output;
/** Each leader's term is above that of all before it. */
const claimOn = ({ revision, term }: Seat): Seat => ({ revision, term: term + 1 });

/** The chart of a participant, without its backend: to be looked at, drawn and tested. What runs is `leader()` of 'espalier'. */
export const leaderMachine = setup({
  types: {
    input: {} as LeaderInput,
    context: {} as LeaderContext,
    events: {} as LeaderEvent,
    emitted: {} as LeaderEmitted,
    tags: {} as 'following' | 'leading',
  },
  actors: {
    follower: fromCallback<{ type: 'follower.none' }>(missingActor('leader', 'follower', factory)),
    candidacy: fromCallback<CandidacyCommand>(missingActor('leader', 'candidacy', factory)),
    claim: fromPromise<ClaimOutcome, ClaimInput>(missingActor('leader', 'claim', factory)),
    work: fromPromise<unknown, LeadershipInput>(missingActor('leader', 'work', factory)),
  },
  guards: {
    stands: ({ context }) => context.stands,
    isEnding: ({ context }) => context.isEnding,
    mustPause: ({ context }) => context.stands && context.spoils > 0,
    isFirst: ({ context }) => context.first === context.lease,
    seesAnother: ({ context, event }) => {
      const { leader } = event as On<'election.seen'>;
      return leader?.token !== context.leader?.token;
    },
    hasWon: ({ event }) => outcomeOf(event).outcome === 'won',
    isBeaten: ({ event }) => outcomeOf(event).outcome === 'beaten',
  },
  delays: {
    lookPause: ({ context }) => pauseOf(context, context.looks),
    pause: ({ context }) => pauseOf(context, Math.max(context.attempts, context.spoils)),
    claimPause: ({ context }) => pauseOf(context, context.attempts),
    health: ({ context }) => context.backoff.resetAfterMs,
    claimDeadline: ({ context }) => 2 * context.callMs,
    resignDeadline: ({ context }) => context.ttlMs,
  },
  actions: {
    noteSeen: assign(({ event }) => {
      const { seat, leader, first } = event as On<'election.seen'>;
      return { seat, leader, first, looks: 0 };
    }),
    tellChange: emit(({ context, event }) => {
      const { leader, seat } = event as On<'election.seen'>;
      return { type: 'leader.changed' as const, election: context.election, leader: leader?.id ?? null, term: seat.term };
    }),
    noteLook: enqueueActions(({ context, event, enqueue }) => {
      const attempt = context.looks + 1;
      const { why } = event as On<'follower.lost'>;
      enqueue.assign({ looks: attempt });
      enqueue.emit({
        ...{ type: 'leader.retrying', election: context.election, what: 'following' },
        ...{ why, attempt, pauseMs: pauseOf(context, attempt) },
      });
    }),
    noteRetry: enqueueActions(({ context, enqueue }, { what, why }: { what: 'standing' | 'claiming'; why: string }) => {
      const attempt = context.attempts + 1;
      const pauseMs = pauseOf(context, what === 'standing' ? Math.max(attempt, context.spoils) : attempt);
      enqueue.assign({ attempts: attempt });
      enqueue.emit({ type: 'leader.retrying', election: context.election, what, why, attempt, pauseMs });
    }),
    noteEntered: assign({ lease: ({ event }) => (event as On<'candidacy.entered'>).lease, attempts: 0 }),
    forgetLease: assign({ lease: null }),
    noteClaim: assign({ claim: ({ context }) => claimOn(context.seat) }),
    noteBeaten: assign({
      claim: ({ context, event }) => {
        const answer = outcomeOf(event);
        return answer.outcome === 'beaten' ? claimOn(answer.seat) : context.claim;
      },
    }),
    noteWon: enqueueActions(({ context: { election, claim }, event, enqueue }) => {
      const answer = outcomeOf(event);
      if (answer.outcome !== 'won') return;
      const { token } = answer;
      const { term } = claim;
      enqueue.assign({ mine: { revision: token, term }, attempts: 0 });
      enqueue.emit({ type: 'leader.elected', election, term, token });
    }),
    tellLost: enqueueActions(({ context: { election, mine }, enqueue }, { why }: { why: string }) => {
      enqueue.assign({ mine: null });
      enqueue.emit({ type: 'leader.lost', election, term: mine?.term ?? 0, token: mine?.revision ?? 0, why });
    }),
    tellResigned: enqueueActions(({ context: { election, mine }, enqueue }, { because }: { because: Resignation }) => {
      enqueue.assign({ mine: null });
      enqueue.emit({ type: 'leader.resigned', election, term: mine?.term ?? 0, token: mine?.revision ?? 0, because });
    }),
    noteSpoil: enqueueActions(({ context, enqueue }, { why }: { why: Resignation }) => {
      const attempt = context.spoils + 1;
      enqueue.assign({ spoils: attempt });
      enqueue.emit({
        ...{ type: 'leader.retrying', election: context.election, what: 'working' },
        ...{ why, attempt, pauseMs: pauseOf(context, attempt) },
      });
    }),
    noteHealth: assign({ spoils: 0 }),
    tellRejected: emit(({ context }) => ({
      ...{ type: 'leader.rejected' as const, election: context.election },
      ...{ command: 'leader.resign' as const, reason: 'notLeading' as const },
    })),
    watchWork: sendTo('candidacy', { type: 'candidacy.watch' }),
    releaseLease: sendTo('candidacy', { type: 'candidacy.release' }),
    noteStand: assign({ stands: true }),
    noteWithdrawal: assign({ stands: false }),
    noteClose: assign({ isEnding: true }),
    noteShutdown: assign({ isEnding: true, reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'leader',
  description: 'One who takes part in an election: follows who leads, and stands for it.',
  context: ({ input }) => ({
    ...input,
    ...{ seat: { revision: 0, term: 0 }, leader: null, first: null, lease: null, claim: { revision: 0, term: 0 }, mine: null },
    ...{ looks: 0, attempts: 0, spoils: 0, isEnding: false, reason: 'normal' },
  }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      type: 'parallel',
      on: {
        'leader.resign': { actions: 'tellRejected' },
        'leader.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
      states: {
        following: {
          initial: 'watching',
          states: {
            watching: {
              tags: 'following',
              description: 'The election is looked at once, and then watched.',
              invoke: {
                id: 'follower',
                src: 'follower',
                onError: { target: '#leader.failed', actions: { type: 'noteFailure', params: { crash: 'followerCrashed' } } },
              },
              on: {
                'election.seen': [{ guard: 'seesAnother', actions: ['noteSeen', 'tellChange'] }, { actions: 'noteSeen' }],
                'follower.lost': { target: 'pausing', actions: 'noteLook' },
              },
            },
            pausing: {
              description: 'It cannot be followed just now. What is known may be over.',
              after: { lookPause: 'watching' },
            },
          },
        },
        part: {
          initial: 'choosing',
          on: { 'leader.stand': { actions: 'noteStand' } },
          states: {
            choosing: { always: [{ guard: 'stands', target: 'candidate' }, { target: 'observing' }] },
            observing: { on: { 'leader.stand': { target: 'candidate', actions: 'noteStand' } } },
            candidate: {
              description: 'It has a lease, or asks for one. When it is over, so is all that is in here.',
              invoke: {
                id: 'candidacy',
                src: 'candidacy',
                onError: { target: '#leader.failed', actions: { type: 'noteFailure', params: { crash: 'candidacyCrashed' } } },
              },
              exit: 'forgetLease',
              on: {
                'candidacy.opened': '.entering',
                'candidacy.lost': {
                  target: 'backingOff',
                  actions: { type: 'noteRetry', params: ({ event }) => ({ what: 'standing', why: event.why }) },
                },
                'leader.withdraw': { target: '.resigning', actions: 'noteWithdrawal' },
                'leader.close': { target: '.resigning', actions: 'noteClose' },
                'supervisor.shutdown': { target: '.resigning', actions: 'noteShutdown' },
              },
              initial: 'entering',
              states: {
                entering: { on: { 'candidacy.entered': { target: 'waiting', actions: 'noteEntered' } } },
                waiting: {
                  description: 'Others came before it.',
                  always: { guard: 'isFirst', target: 'campaigning', actions: 'noteClaim' },
                },
                campaigning: {
                  description: 'It is its turn: the seat is asked for, by the revision that stands there.',
                  initial: 'asking',
                  states: {
                    asking: {
                      invoke: {
                        id: 'claim',
                        src: 'claim',
                        input: ({ context: { id, lease, claim } }) => ({ id, lease: lease ?? '', claim }),
                        onDone: [
                          { guard: 'hasWon', target: '#leader.running.part.candidate.leading', actions: 'noteWon' },
                          { guard: 'isBeaten', target: 'asking', reenter: true, actions: 'noteBeaten' },
                          {
                            target: 'pausing',
                            actions: {
                              type: 'noteRetry',
                              params: ({ event: { output } }) => ({
                                what: 'claiming',
                                why: output.outcome === 'unanswered' ? output.why : output.outcome,
                              }),
                            },
                          },
                        ],
                        onError: { target: '#leader.failed', actions: { type: 'noteFailure', params: { crash: 'claimCrashed' } } },
                      },
                      after: { claimDeadline: { target: 'pausing', actions: { type: 'noteRetry', params: { what: 'claiming', why: 'late' } } } },
                    },
                    pausing: {
                      description: 'Nobody knows whether it was done: the same is asked again.',
                      after: { claimPause: 'asking' },
                    },
                  },
                },
                leading: {
                  tags: 'leading',
                  description: 'It leads, by its own clock not longer than its lease. What depends on it runs here, and nowhere else.',
                  entry: 'watchWork',
                  invoke: {
                    id: 'work',
                    src: 'work',
                    input: ({ context: { election, id, mine } }) => ({ election, id, term: mine?.term ?? 0, token: mine?.revision ?? 0 }),
                    onDone: {
                      target: 'resigning',
                      actions: [
                        { type: 'tellResigned', params: { because: 'finished' } },
                        { type: 'noteSpoil', params: { why: 'finished' } },
                      ],
                    },
                    onError: {
                      target: 'resigning',
                      actions: [
                        { type: 'tellResigned', params: { because: 'crashed' } },
                        { type: 'noteSpoil', params: { why: 'crashed' } },
                      ],
                    },
                  },
                  on: {
                    'work.ended': {
                      target: 'resigning',
                      actions: [
                        { type: 'tellResigned', params: { because: 'ended' } },
                        { type: 'noteSpoil', params: { why: 'ended' } },
                      ],
                    },
                    'leader.resign': { target: 'resigning', actions: { type: 'tellResigned', params: { because: 'asked' } } },
                    'leader.withdraw': {
                      target: 'resigning',
                      actions: ['noteWithdrawal', { type: 'tellResigned', params: { because: 'withdrawn' } }],
                    },
                    'leader.close': { target: 'resigning', actions: ['noteClose', { type: 'tellResigned', params: { because: 'closed' } }] },
                    'supervisor.shutdown': {
                      target: 'resigning',
                      actions: ['noteShutdown', { type: 'tellResigned', params: { because: 'closed' } }],
                    },
                    'candidacy.lost': {
                      target: '#leader.running.part.backingOff',
                      actions: [
                        { type: 'tellLost', params: ({ event }) => ({ why: event.why }) },
                        { type: 'noteRetry', params: ({ event }) => ({ what: 'standing', why: event.why }) },
                      ],
                    },
                    'candidacy.opened': {
                      description: 'Restored from a snapshot: that lease is not its own any more.',
                      target: 'entering',
                      actions: { type: 'tellLost', params: { why: 'restored' } },
                    },
                  },
                  after: { health: { actions: 'noteHealth' } },
                },
                resigning: {
                  description: 'What ran while it led is stopped, and the lease is given back: the next one need not wait for its end.',
                  entry: 'releaseLease',
                  on: {
                    'candidacy.released': '#leader.running.part.returning',
                    'candidacy.lost': '#leader.running.part.returning',
                    'candidacy.opened': '#leader.running.part.returning',
                    'leader.withdraw': { actions: 'noteWithdrawal' },
                    'leader.close': { actions: 'noteClose' },
                    'supervisor.shutdown': { actions: 'noteShutdown' },
                  },
                  after: { resignDeadline: '#leader.running.part.returning' },
                },
              },
            },
            returning: {
              description: 'Others have their turn now, and its lease is over. Work that does not last is not begun again at once.',
              always: [{ guard: 'isEnding', target: '#leader.closed' }, { guard: 'mustPause', target: 'backingOff' }, { target: 'choosing' }],
            },
            backingOff: {
              description: 'There was no lease to be had, or it was lost, or what ran while it led did not last.',
              on: { 'leader.withdraw': { target: 'observing', actions: 'noteWithdrawal' } },
              after: { pause: 'choosing' },
            },
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order: it leads no more, and its lease is given back, or over by itself.' },
    failed: { type: 'final', description: 'A part of it has crashed: to its supervisor a crash.' },
  },
});
