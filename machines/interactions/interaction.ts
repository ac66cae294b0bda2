/**
 * One interaction, kept hold of over any number of requests: created once, its events read to the end, gone on with where a request breaks.
 *
 * States   active(exchanging(atGate → asking → streaming) ⇄ backingOff → polling(asking ⇄ pausing)) → completed | requiresAction | failed | cancelled
 * Emits    {@link InteractionFact}
 * Needs    `exchange` (one request for events: its creation, or a stream of what came behind the last event), `poll` (one request for its status) and
 *          `delivery` (the target: whether it lives, whether it threw), provided by src/interactions/; the placeholders here refuse to run
 * Output   how it ended: as a supervised child it exits with a crash when it failed; but in order, as else, where a creation is in doubt, which no
 *          restart may repeat
 *
 * Behind a gate, each request for events needs a permit of its own; a question for its status needs none.
 *
 * It goes on from the last event that had an id; where none had one, by asking for its status until it is over. A creation whose outcome is not known is
 * never asked for again: the failure `creationUnknown` says so. An event never passes through the chart, but the first of each request.
 *
 * Restored from a snapshot, its request is gone, and so is whoever read it: it has failed, `interrupted`, or `creationUnknown` where it had no id by then.
 * Id and last event id are in the snapshot, for another one to begin with.
 */
import { assign, emit, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { wordsOf } from '../live/ending.js';
import { failureOf, outputOf, type StreamCancellation, type StreamFailure, type StreamOutput } from '../stream/outcome.js';
import type { ExitReason } from '../supervision/exit.js';
import type {
  Breach,
  Cursor,
  DeliveryCommand,
  ExchangeInput,
  InteractionContext,
  InteractionEvent,
  InteractionFact,
  InteractionInput,
  PollInput,
} from './interaction-events.js';
import * as state from './interaction-state.js';

/** The chart of an interaction; `interactions().logic()` is it with its actors. */
export const interactionMachine = setup({
  types: {
    input: {} as InteractionInput,
    context: {} as InteractionContext,
    events: {} as InteractionEvent,
    emitted: {} as InteractionFact,
    output: {} as StreamOutput,
  },
  actors: {
    delivery: fromCallback<DeliveryCommand, undefined>(missingActor('interaction', 'delivery', "interactions() of 'espalier'")),
    exchange: fromCallback<{ type: 'exchange.none' }, ExchangeInput>(missingActor('interaction', 'exchange', "interactions() of 'espalier'")),
    poll: fromCallback<{ type: 'poll.none' }, PollInput>(missingActor('interaction', 'poll', "interactions() of 'espalier'")),
  },
  guards: {
    isRestored: ({ context }) => context.hasBegun,
    isFree: ({ context }) => !context.isBehindGate,
    polls: ({ context }) => context.ask === 'poll',
    requiresAction: (_, p: { status: string }) => state.verdictOf(p.status) === 'requiresAction',
    isCancelled: (_, p: { status: string }) => state.verdictOf(p.status) === 'cancelled',
    isCompleted: (_, p: { status: string }) => ['completed', 'requiresContinuation', 'running'].includes(state.verdictOf(p.status)),
    /** A status that nobody knows may be one of a long way. */
    goesOn: (_, p: { status: string }) => ['running', 'other'].includes(state.verdictOf(p.status)),
    mayGoOn: ({ context }, p: { breach: Breach; cursor: Cursor }) => state.askAfter(context, p.breach, p.cursor) !== null,
    mayPollAgain: ({ context }, p: { breach: Breach }) => state.mayPollAgain(context, p.breach),
  },
  delays: {
    totalDeadline: ({ context }) => context.totalMs,
    backoff: ({ context }) => state.delayOf(context),
    pause: ({ context }) => state.pauseOf(context),
  },
  actions: {
    noteBegun: assign({ hasBegun: true }),
    noteAsking: assign({ isInDoubt: ({ context }) => context.ask === 'create' && context.id === null }),
    noteRefusal: assign(({ context }, p: { breach: Breach }) => ({
      refusal: p.breach.failure,
      isInDoubt: context.isInDoubt && p.breach.trace === 'unknown',
    })),
    noteKnown: assign({ id: (_, p: { id: string }) => p.id, isInDoubt: false }),
    noteProgress: assign({ attempt: 0, failure: null }),
    noteCursor: assign({ id: (_, p: Cursor) => p.id, lastEventId: (_, p: Cursor) => p.lastEventId, isInDoubt: false }),
    noteBreach: assign(({ context }, p: { breach: Breach; cursor: Cursor }) => ({
      failure: p.breach.failure,
      refusal: null,
      ask: state.askAfter(context, p.breach, p.cursor) ?? context.ask,
      attempt: context.attempt + 1,
    })),
    noteLastBreach: assign({ failure: ({ context }, p: { breach: Breach; cursor: Cursor }) => state.failureAfter(context, p.breach, p.cursor) }),
    noteBadPoll: assign({ failure: (_, p: { breach: Breach }) => p.breach.failure, attempt: ({ context }) => context.attempt + 1 }),
    noteSummary: assign({ summary: (_, p: { status: string; cursor: Cursor }) => state.summaryOf(p.status, p.cursor) }),
    noteBadEnd: assign({ failure: (_, p: { status: string }) => state.failureOfStatus(p.status) }),
    noteFailure: assign({ failure: ({ context }, p: StreamFailure) => state.inDoubt(context, p) }),
    noteCrash: assign({ failure: ({ context }, p: { error: unknown }) => state.inDoubt(context, failureOf('crashed', 'crash', wordsOf(p.error))) }),
    noteTotalTimeout: assign({ failure: ({ context }) => state.totalTimeout(context) }),
    noteInterruption: assign({ failure: ({ context }) => state.interruption(context) }),
    noteCancellation: assign({ cancellation: (_, p: StreamCancellation) => p }),
    noteExit: assign({ exit: (_, p: { reason: ExitReason }) => p.reason }),
    passDemand: sendTo('delivery', (_, p: { count: number }) => ({ type: 'delivery.demand', count: p.count })),
    tellKnown: emit((_, p: { id: string }) => ({ type: 'interaction.known', id: p.id })),
    tellRetrying: emit(({ context }) => ({
      type: 'interaction.retrying',
      ask: context.ask,
      attempt: context.attempt,
      delayMs: state.delayOf(context),
      failure: context.failure ?? state.totalTimeout(context),
    })),
    tellEnd: emit(({ context }) => state.endOf(context)),
  },
}).createMachine({
  id: 'interaction',
  description: 'One interaction, kept hold of over any number of requests.',
  context: ({ input }) => state.initialContext(input),
  invoke: {
    id: 'delivery',
    src: 'delivery',
    onError: { target: '.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
  },
  initial: 'active',
  states: {
    active: {
      on: {
        'delivery.began': [
          { guard: 'isRestored', target: 'failed', actions: 'noteInterruption' },
          { description: 'Its first life.', actions: 'noteBegun' },
        ],
        'target.threw': {
          target: 'failed',
          actions: { type: 'noteFailure', params: ({ event }) => failureOf('targetThrew', 'threw', event.reason) },
        },
        'worker.lost': {
          target: 'failed',
          actions: {
            type: 'noteFailure',
            params: ({ event }) => failureOf('killed', event.reason, `its actor '${event.worker}' was ended from outside`),
          },
        },
        'target.gone': {
          target: 'cancelled',
          actions: { type: 'noteCancellation', params: ({ event }) => ({ by: 'target', reason: event.reason }) },
        },
        'stream.cancel': {
          target: 'cancelled',
          actions: { type: 'noteCancellation', params: ({ event }) => ({ by: event.by ?? 'app', reason: event.reason ?? '' }) },
        },
        'stream.demand': { actions: { type: 'passDemand', params: ({ event }) => ({ count: event.count }) } },
        'supervisor.shutdown': {
          target: 'cancelled',
          actions: [
            { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) },
            { type: 'noteCancellation', params: { by: 'supervisor', reason: 'shutdown' } },
          ],
        },
      },
      after: { totalDeadline: { target: 'failed', actions: 'noteTotalTimeout' } },
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'polls', target: 'polling' }, { target: 'exchanging' }] },
        exchanging: {
          description: 'One request for its events, which lives exactly as long as this state.',
          invoke: {
            id: 'exchange',
            src: 'exchange',
            input: ({ context: { ask, id, lastEventId } }) => ({ ask, id, lastEventId }),
            onError: { target: '#interaction.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
          },
          on: {
            'interaction.known': {
              actions: [
                { type: 'noteKnown', params: ({ event }) => ({ id: event.id }) },
                { type: 'tellKnown', params: ({ event }) => ({ id: event.id }) },
              ],
            },
            'exchange.over': [
              {
                guard: { type: 'requiresAction', params: ({ event }) => ({ status: event.status }) },
                target: '#interaction.requiresAction',
                actions: [
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                  { type: 'noteSummary', params: ({ event }) => ({ status: event.status, cursor: event.cursor }) },
                ],
              },
              {
                guard: { type: 'isCompleted', params: ({ event }) => ({ status: event.status }) },
                target: '#interaction.completed',
                actions: [
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                  { type: 'noteSummary', params: ({ event }) => ({ status: event.status, cursor: event.cursor }) },
                ],
              },
              {
                guard: { type: 'isCancelled', params: ({ event }) => ({ status: event.status }) },
                target: '#interaction.cancelled',
                actions: [
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                  { type: 'noteCancellation', params: ({ event }) => ({ by: 'server', reason: event.status }) },
                ],
              },
              {
                target: '#interaction.failed',
                actions: [
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                  { type: 'noteBadEnd', params: ({ event }) => ({ status: event.status }) },
                ],
              },
            ],
            'exchange.broke': [
              {
                guard: { type: 'mayGoOn', params: ({ event: { breach, cursor } }) => ({ breach, cursor }) },
                target: 'backingOff',
                actions: [
                  { type: 'noteBreach', params: ({ event: { breach, cursor } }) => ({ breach, cursor }) },
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                ],
              },
              {
                target: '#interaction.failed',
                actions: [
                  { type: 'noteLastBreach', params: ({ event: { breach, cursor } }) => ({ breach, cursor }) },
                  { type: 'noteCursor', params: ({ event }) => event.cursor },
                ],
              },
            ],
          },
          initial: 'atGate',
          states: {
            atGate: {
              description: 'Nothing is asked for yet: until the gate lets it pass. Where there is no gate it passes at once.',
              always: { guard: 'isFree', target: 'asking' },
              on: { 'permit.granted': 'asking' },
            },
            asking: {
              description: 'Created, resumed or replayed: until the first event that is new.',
              entry: 'noteAsking',
              on: {
                'exchange.progressed': { target: 'streaming', actions: 'noteProgress' },
                'exchange.refused': { actions: { type: 'noteRefusal', params: ({ event }) => ({ breach: event.breach }) } },
              },
            },
            streaming: { description: 'Its events go to the target, beside the chart.' },
          },
        },
        backingOff: {
          description: 'Until the server wants to be asked again, or for the backoff.',
          entry: 'tellRetrying',
          after: { backoff: 'choosing' },
        },
        polling: {
          description: 'No event has an id: it is asked how it stands, until it is over.',
          initial: 'asking',
          states: {
            asking: {
              invoke: {
                id: 'poll',
                src: 'poll',
                input: ({ context: { id } }) => ({ id }),
                onError: { target: '#interaction.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
              },
              on: {
                'poll.answered': [
                  {
                    guard: { type: 'goesOn', params: ({ event }) => ({ status: event.status }) },
                    target: 'pausing',
                    actions: 'noteProgress',
                  },
                  {
                    guard: { type: 'requiresAction', params: ({ event }) => ({ status: event.status }) },
                    target: '#interaction.requiresAction',
                    actions: { type: 'noteSummary', params: ({ event }) => ({ status: event.status, cursor: event.cursor }) },
                  },
                  {
                    guard: { type: 'isCompleted', params: ({ event }) => ({ status: event.status }) },
                    target: '#interaction.completed',
                    actions: { type: 'noteSummary', params: ({ event }) => ({ status: event.status, cursor: event.cursor }) },
                  },
                  {
                    guard: { type: 'isCancelled', params: ({ event }) => ({ status: event.status }) },
                    target: '#interaction.cancelled',
                    actions: { type: 'noteCancellation', params: ({ event }) => ({ by: 'server', reason: event.status }) },
                  },
                  {
                    target: '#interaction.failed',
                    actions: { type: 'noteBadEnd', params: ({ event }) => ({ status: event.status }) },
                  },
                ],
                'poll.failed': [
                  {
                    guard: { type: 'mayPollAgain', params: ({ event }) => ({ breach: event.breach }) },
                    target: 'pausing',
                    actions: { type: 'noteBadPoll', params: ({ event }) => ({ breach: event.breach }) },
                  },
                  {
                    target: '#interaction.failed',
                    actions: { type: 'noteBadPoll', params: ({ event }) => ({ breach: event.breach }) },
                  },
                ],
              },
            },
            pausing: { after: { pause: 'asking' } },
          },
        },
      },
    },
    completed: { type: 'final', entry: 'tellEnd' },
    requiresAction: { type: 'final', entry: 'tellEnd' },
    failed: { type: 'final', entry: 'tellEnd' },
    cancelled: { type: 'final', entry: 'tellEnd' },
  },
  output: ({ context }) => outputOf(state.endOf(context), context.exit),
});
