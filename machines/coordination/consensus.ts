/**
 * One member of a log whose values many agree on: it follows what is decided, votes, and proposes.
 *
 * States   running(following: watching ⇄ pausing, voting: idle → asking → writing ⇄ pausing, proposing: idle ⇄ busy(waiting(queueing → open) → withdrawing)) → closed; failed
 * Emits    consensus.decided · consensus.missed · consensus.proposed · consensus.won · consensus.refused · consensus.voted · consensus.ignored ·
 *          consensus.abandoned · consensus.mismatched · consensus.retrying
 * Needs    `follower`, who sees the log; `voter`, the app's own judgement; `scribe`, who writes a vote, or the end of a dead one's proposal; `proposal`, which has
 *          a lease and is in the log by it — provided by src/coordination/; the placeholders here refuse to run
 * Output   the exit reason
 *
 * Nothing is decided on what was seen: a vote and an abort are writes that name what they were made from, and the vote that completes a quorum decides.
 */
import { assign, emit, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type {
  Ballot,
  ConsensusContext,
  ConsensusEmitted,
  ConsensusEvent,
  ConsensusInput,
  ProposalCommand,
  ScribeOutcome,
  ScribeTask,
  SeenProposal,
} from './consensus-events.js';
import type { AbortReason, ConsensusVote, JsonValue } from './consensus-record.js';

type On<Type extends ConsensusEvent['type']> = Extract<ConsensusEvent, { type: Type }>;

/** What the actor `proposal` is given. */
export interface ProposalInput {
  readonly value: JsonValue;
  readonly index: number | null;
}

const factory = "consensus() of 'espalier'";
const outcomeOf = (event: unknown): ScribeOutcome => (event as { readonly output: ScribeOutcome }).output;
const taskOn = ({ id, index, by }: SeenProposal, rest: Pick<ScribeTask, 'vote' | 'why'>): ScribeTask => ({
  ...{ proposal: id, index, by, tries: 0 },
  ...rest,
});
/** The chart of a member, without a backend: to be looked at, drawn and tested. What runs is `consensus()` of 'espalier'. */
export const consensusMachine = setup({
  types: {
    input: {} as ConsensusInput,
    context: {} as ConsensusContext,
    events: {} as ConsensusEvent,
    emitted: {} as ConsensusEmitted,
    tags: {} as 'following' | 'accepting',
  },
  actors: {
    follower: fromCallback<{ type: 'follower.none' }, { readonly told: number }>(missingActor('consensus', 'follower', factory)),
    voter: fromPromise<ConsensusVote, Ballot>(missingActor('consensus', 'voter', factory)),
    scribe: fromPromise<ScribeOutcome, ScribeTask>(missingActor('consensus', 'scribe', factory)),
    proposal: fromCallback<ProposalCommand, ProposalInput>(missingActor('consensus', 'proposal', factory)),
  },
  guards: {
    isOrphan: ({ context: { open, abandoned } }) => open !== null && !open.isAlive && open.id !== abandoned,
    mustVote: ({ context: { votes, open, voted } }) => votes && open !== null && open.isAlive && !open.hasVoted && open.id !== voted,
    isOver: ({ context: { open, task } }) => open?.id !== task?.proposal,
    isUnanswered: ({ event }) => outcomeOf(event).outcome === 'unanswered',
    isWish: ({ context, event }) => context.wish?.ref === (event as On<'consensus.cancel'>).ref,
    isEnding: ({ context }) => context.isEnding,
  },
  delays: {
    lookPause: ({ context }) => context.retryMs,
    writePause: ({ context }) => context.retryMs,
    judgement: ({ context }) => context.voteMs,
    writeDeadline: ({ context }) => 2 * context.callMs,
    patience: ({ context }) => context.wish?.withinMs ?? longestDelayMs,
  },
  actions: {
    noteSeen: enqueueActions(({ context, event, enqueue }) => {
      const { next, open, isMismatched, news } = event as On<'log.seen'>;
      const { name } = context;
      let { told } = context;
      for (const each of news) {
        // A follower that was restored with its chart begins where it began then.
        const to = each.type === 'missed' ? each.to : each.decision.index;
        if (to <= told) continue;
        if (each.type === 'missed') enqueue.emit({ type: 'consensus.missed', name, from: told + 1, to });
        else {
          const { index, value, by, token } = each.decision;
          enqueue.emit({ type: 'consensus.decided', name, index, value, by, token });
        }
        told = to;
      }
      if (isMismatched && !context.isMismatched) enqueue.emit({ type: 'consensus.mismatched', name });
      enqueue.assign({ next, open, isMismatched, told });
    }),
    tellRetry: emit(({ context: { name } }, { what, why }: { what: 'following' | 'writing'; why: string }) => ({
      type: 'consensus.retrying' as const,
      name,
      what,
      why,
    })),
    noteBallot: assign({ task: ({ context: { open } }) => (open === null ? null : taskOn(open, { vote: 'abstain', why: null })) }),
    noteVote: assign({
      task: ({ context: { task } }, p: { vote: ConsensusVote; why: ScribeTask['why'] }) => (task === null ? null : { ...task, ...p }),
    }),
    noteOrphan: assign({ task: ({ context: { open } }) => (open === null ? null : taskOn(open, { vote: null, why: null })) }),
    noteTry: assign({ task: ({ context: { task } }) => (task === null ? null : { ...task, tries: task.tries + 1 }) }),
    noteWritten: enqueueActions(({ context: { name, task }, event, enqueue }) => {
      const answer = outcomeOf(event);
      if (task === null) return;
      const { proposal, index, by, vote, why } = task;
      if (vote === null) {
        enqueue.assign({ abandoned: proposal });
        if (answer.outcome === 'done') enqueue.emit({ type: 'consensus.abandoned', name, index, by });
        return;
      }
      enqueue.assign({ voted: proposal });
      if (answer.outcome === 'done') enqueue.emit({ type: 'consensus.voted', name, index, by, vote, why });
      if (answer.outcome === 'counted') enqueue.emit({ type: 'consensus.ignored', name, index, vote, counted: answer.vote });
    }),
    dropTask: assign({ task: null }),
    noteWish: assign({
      wish: ({ event }) => {
        const { ref, value, index, withinMs } = event as On<'consensus.propose'>;
        return { ref, value, index, withinMs };
      },
    }),
    refuseBusy: emit(({ context: { name }, event }) => ({
      ...{ type: 'consensus.refused' as const, name, ref: (event as On<'consensus.propose'>).ref },
      ...{ reason: 'busy' as const, winner: null },
    })),
    tellProposed: emit(({ context: { name, wish }, event }) => ({
      ...{ type: 'consensus.proposed' as const, name, ref: wish?.ref ?? '' },
      index: (event as On<'proposal.opened'>).index,
    })),
    tellOutcome: enqueueActions(({ context: { name, wish }, event, enqueue }) => {
      const { outcome } = event as On<'proposal.settled'>;
      const ref = wish?.ref ?? '';
      enqueue.assign({ wish: null });
      if (outcome.ok) enqueue.emit({ type: 'consensus.won', name, ref, decision: outcome.decision });
      else enqueue.emit({ type: 'consensus.refused', name, ref, reason: outcome.reason, winner: outcome.winner });
    }),
    lookAgain: sendTo('proposal', ({ event }) => {
      const { revision, open } = event as On<'log.seen'>;
      return { type: 'proposal.look' as const, revision, open: open?.id ?? null };
    }),
    withdraw: sendTo('proposal', (_, { why }: { why: AbortReason }) => ({ type: 'proposal.withdraw' as const, why })),
    noteClose: assign({ isEnding: true }),
    noteShutdown: assign({ isEnding: true, reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'consensus',
  description: 'One member of a log whose values many agree on: it follows what is decided, votes, and proposes.',
  context: ({ input }) => ({
    ...input,
    ...{ next: input.told + 1, open: null, isMismatched: false, voted: null, abandoned: null, task: null },
    ...{ wish: null, isEnding: false, reason: 'normal' },
  }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      type: 'parallel',
      states: {
        following: {
          initial: 'watching',
          states: {
            watching: {
              tags: 'following',
              description: 'The log is looked at once, and then watched.',
              invoke: {
                id: 'follower',
                src: 'follower',
                input: ({ context }) => ({ told: context.told }),
                onError: { target: '#consensus.failed', actions: { type: 'noteFailure', params: { crash: 'followerCrashed' } } },
              },
              on: {
                'log.seen': { actions: 'noteSeen' },
                'follower.lost': {
                  target: 'pausing',
                  actions: { type: 'tellRetry', params: ({ event }) => ({ what: 'following', why: event.why }) },
                },
              },
            },
            pausing: {
              description: 'It cannot be followed just now. What is known may be over.',
              after: { lookPause: 'watching' },
            },
          },
        },
        voting: {
          initial: 'idle',
          states: {
            idle: {
              description: 'Nothing is open that wants its vote.',
              entry: 'dropTask',
              always: [
                { guard: 'isOrphan', target: 'writing', actions: 'noteOrphan' },
                { guard: 'mustVote', target: 'asking', actions: 'noteBallot' },
              ],
            },
            asking: {
              description: 'Its app judges what is proposed. An app that fails or is late abstains.',
              invoke: {
                id: 'voter',
                src: 'voter',
                input: ({ context: { open } }) => ({
                  ...{ proposal: open?.id ?? '', index: open?.index ?? 0 },
                  ...{ by: open?.by ?? '', value: open?.value ?? null },
                }),
                onDone: { target: 'writing', actions: { type: 'noteVote', params: ({ event }) => ({ vote: event.output, why: null }) } },
                onError: { target: 'writing', actions: { type: 'noteVote', params: { vote: 'abstain', why: 'crashed' } } },
              },
              after: { judgement: { target: 'writing', actions: { type: 'noteVote', params: { vote: 'abstain', why: 'late' } } } },
              always: [
                { guard: 'isOver', target: 'idle' },
                { guard: 'isOrphan', target: 'writing', actions: 'noteOrphan' },
              ],
            },
            writing: {
              description: 'Its vote is written, or the end of a proposal whose proposer is dead.',
              invoke: {
                id: 'scribe',
                src: 'scribe',
                input: ({ context: { task } }) => task as ScribeTask,
                onDone: [
                  {
                    guard: 'isUnanswered',
                    target: 'pausing',
                    actions: [
                      'noteTry',
                      {
                        type: 'tellRetry',
                        params: ({ event: { output } }) => ({
                          what: 'writing',
                          why: output.outcome === 'unanswered' ? output.why : output.outcome,
                        }),
                      },
                    ],
                  },
                  { target: 'idle', actions: 'noteWritten' },
                ],
                onError: { target: '#consensus.failed', actions: { type: 'noteFailure', params: { crash: 'scribeCrashed' } } },
              },
              after: { writeDeadline: { target: 'pausing', actions: ['noteTry', { type: 'tellRetry', params: { what: 'writing', why: 'late' } }] } },
            },
            pausing: {
              description: 'Nobody knows whether it was written: the same is asked again, until it is known, or that proposal is over.',
              after: { writePause: 'writing' },
            },
          },
        },
        proposing: {
          initial: 'idle',
          states: {
            idle: {
              tags: 'accepting',
              description: 'Nothing is proposed here.',
              on: {
                'consensus.propose': { target: 'busy', actions: 'noteWish' },
                'consensus.close': '#consensus.closed',
                'supervisor.shutdown': { target: '#consensus.closed', actions: 'noteShutdown' },
              },
            },
            busy: {
              description: 'A value is to be decided: it has a lease, or asks for one.',
              invoke: {
                id: 'proposal',
                src: 'proposal',
                input: ({ context: { wish } }) => ({ value: wish?.value ?? null, index: wish?.index ?? null }),
                onError: { target: '#consensus.failed', actions: { type: 'noteFailure', params: { crash: 'proposalCrashed' } } },
              },
              on: {
                'consensus.propose': { actions: 'refuseBusy' },
                'consensus.close': { actions: 'noteClose' },
                'supervisor.shutdown': { actions: 'noteShutdown' },
                'log.seen': { actions: 'lookAgain' },
                'proposal.settled': [
                  { guard: 'isEnding', target: '#consensus.closed', actions: 'tellOutcome' },
                  { target: 'idle', actions: 'tellOutcome' },
                ],
                'proposal.ended': {
                  target: '#consensus.failed',
                  actions: { type: 'noteFailure', params: ({ event }) => ({ crash: event.why }) },
                },
              },
              initial: 'waiting',
              states: {
                waiting: {
                  description: 'Until it is settled, its time is over, or it does not want any more.',
                  after: { patience: { target: 'withdrawing', actions: { type: 'withdraw', params: { why: 'late' } } } },
                  on: {
                    'consensus.cancel': {
                      guard: 'isWish',
                      target: 'withdrawing',
                      actions: { type: 'withdraw', params: { why: 'cancelled' } },
                    },
                    'consensus.close': { target: 'withdrawing', actions: ['noteClose', { type: 'withdraw', params: { why: 'closed' } }] },
                    'supervisor.shutdown': { target: 'withdrawing', actions: ['noteShutdown', { type: 'withdraw', params: { why: 'closed' } }] },
                    'proposal.lost': { target: 'withdrawing', actions: { type: 'withdraw', params: { why: 'lost' } } },
                  },
                  initial: 'queueing',
                  states: {
                    queueing: {
                      description: 'Until it has a lease, and nothing else is open.',
                      on: { 'proposal.opened': { target: 'open', actions: 'tellProposed' } },
                    },
                    open: { description: 'It is voted on.' },
                  },
                },
                withdrawing: {
                  description: 'It is aborted, unless it has been decided meanwhile.',
                },
              },
            },
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order, with nothing of its own open.' },
    failed: {
      type: 'final',
      description: 'A part crashed or was taken from it: to its supervisor a crash. What it had open is abandoned, and seen off by the others.',
    },
  },
});
