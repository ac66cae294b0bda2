/**
 * One HTTP request whose answer is read as it comes: tried again before its first byte, ended in exactly one of three ways.
 *
 * States   active(attempting(atGate → requesting → open → reading, or refused) ⇄ backingOff) → done | failed | cancelled
 * Emits    {@link StreamFact}
 * Needs    `request` (one attempt: asks, reads, and hands events to the target beside the chart) and `delivery` (the target: whether it lives, whether
 *          it threw), provided by src/stream/; the placeholders here refuse to run
 * Output   how it ended ({@link outputOf}): as a supervised child it exits `normal` when it is done or cancelled, and with a crash when it failed
 *
 * No event of the stream passes through the chart, and no byte re-arms a delay: when the stall deadline is up, the chart asks how long it has been quiet,
 * and waits for what is left of it.
 *
 * Behind a gate, each attempt is a request that the gate counts: its permit is had before it asks, and is back before the pause that may follow.
 *
 * Restored from a snapshot, its request is gone, and to make it again might do a thing twice: it has failed, `interrupted`.
 */
import { assign, emit, fromCallback, sendTo, setup } from 'xstate';
import { wordsOf } from '../live/ending.js';
import { missingActor } from '../missing-actor.js';
import type { ExitReason } from '../supervision/exit.js';
import { failureOf, outputOf, type StreamCancellation, type StreamFailure, type StreamOutput, type StreamSummary } from './outcome.js';
import type { DeliveryCommand, RequestCommand, RequestInput, StreamContext, StreamEvent, StreamFact, StreamInput } from './stream-events.js';
import * as state from './stream-state.js';

/** The chart of a stream; `httpStream()` is it with its actors. */
export const httpStreamMachine = setup({
  types: {
    input: {} as StreamInput,
    context: {} as StreamContext,
    events: {} as StreamEvent,
    emitted: {} as StreamFact,
    output: {} as StreamOutput,
  },
  actors: {
    delivery: fromCallback<DeliveryCommand, undefined>(missingActor('httpStream', 'delivery', "httpStream() of 'espalier'")),
    request: fromCallback<RequestCommand, RequestInput>(missingActor('httpStream', 'request', "httpStream() of 'espalier'")),
  },
  guards: {
    mayRetry: ({ context }, p: { failure: StreamFailure; isRetryable: boolean }) => state.mayRetry(context, p.failure, p.isRetryable),
    mayRetryRefused: ({ context }) => state.mayRetryRefused(context),
    hasAttempts: ({ context }) => context.attempt < context.maxAttempts,
    isStalled: ({ context }, p: { quietMs: number }) => p.quietMs >= context.stallMs,
    mayTryAgain: ({ context }, p: { quietMs: number }) => p.quietMs >= context.stallMs && context.attempt < context.maxAttempts,
    isRestored: ({ context }) => context.hasBegun,
    isFree: ({ context }) => !context.isBehindGate,
  },
  delays: {
    connectDeadline: ({ context }) => context.connectMs,
    refusalDeadline: ({ context }) => state.refusalDelay(context),
    stallDeadline: ({ context }) => state.stallDelay(context),
    totalDeadline: ({ context }) => context.totalMs,
    backoff: ({ context }) => state.delayOf(context),
  },
  actions: {
    noteBegun: assign({ hasBegun: true }),
    noteFailure: assign({ failure: (_, p: StreamFailure) => p }),
    noteRefusal: assign((_, p: { failure: StreamFailure; isRetryable: boolean }) => ({ failure: p.failure, refusal: p })),
    forgetRefusal: assign({ refusal: null }),
    noteCrash: assign({ failure: (_, p: { error: unknown }) => failureOf('crashed', 'crash', wordsOf(p.error)) }),
    noteConnectTimeout: assign({ failure: ({ context }) => state.connectTimeout(context) }),
    noteStall: assign({ failure: ({ context }) => failureOf('stalled', 'timeout', `no byte within ${context.stallMs} ms`) }),
    noteTotalTimeout: assign({ failure: ({ context }) => state.totalTimeout(context) }),
    noteInterruption: assign({ failure: failureOf('interrupted', 'restored', 'restored from a snapshot: its request is gone') }),
    noteQuiet: assign({ quietMs: (_, p: { quietMs: number }) => p.quietMs }),
    noteBytes: assign({ quietMs: 0 }),
    noteSummary: assign({ summary: (_, p: StreamSummary) => p }),
    noteCancellation: assign({ cancellation: (_, p: StreamCancellation) => p }),
    noteExit: assign({ exit: (_, p: { reason: ExitReason }) => p.reason }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1, quietMs: 0 }),
    askQuiet: sendTo('request', { type: 'request.ask' }),
    passDemand: sendTo('delivery', (_, p: { count: number }) => ({ type: 'delivery.demand', count: p.count })),
    tellOpened: emit(({ context }, p: { status: number }) => ({ type: 'stream.opened', status: p.status, attempt: context.attempt })),
    tellRetrying: emit(({ context }) => ({
      type: 'stream.retrying',
      attempt: context.attempt,
      delayMs: state.delayOf(context),
      failure: context.failure ?? failureOf('crashed', 'crash', 'it failed for no known reason'),
    })),
    tellEnd: emit(({ context }) => state.endOf(context)),
  },
}).createMachine({
  id: 'httpStream',
  description: 'One HTTP request whose answer is read as it comes.',
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
      initial: 'attempting',
      states: {
        attempting: {
          description: 'One request, which lives exactly as long as this state.',
          invoke: {
            id: 'request',
            src: 'request',
            input: ({ context }) => ({ attempt: context.attempt }),
            onError: { target: '#httpStream.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
          },
          on: {
            'request.failed': [
              {
                guard: { type: 'mayRetry', params: ({ event: { failure, isRetryable } }) => ({ failure, isRetryable }) },
                target: 'backingOff',
                actions: { type: 'noteFailure', params: ({ event }) => event.failure },
              },
              { target: '#httpStream.failed', actions: { type: 'noteFailure', params: ({ event }) => event.failure } },
            ],
          },
          initial: 'atGate',
          states: {
            atGate: {
              description: 'Until the gate lets it pass, at most as long as it may wait there. Where there is no gate it passes at once.',
              always: { guard: 'isFree', target: 'requesting' },
              on: { 'permit.granted': 'requesting' },
            },
            requesting: {
              description: 'Until the headers of the answer, at most connectMs.',
              on: {
                'response.opened': { target: 'open', actions: { type: 'tellOpened', params: ({ event }) => ({ status: event.status }) } },
                'response.refused': {
                  target: 'refused',
                  actions: { type: 'noteRefusal', params: ({ event: { failure, isRetryable } }) => ({ failure, isRetryable }) },
                },
              },
              after: {
                connectDeadline: [
                  { guard: 'hasAttempts', target: '#httpStream.active.backingOff', actions: 'noteConnectTimeout' },
                  { target: '#httpStream.failed', actions: 'noteConnectTimeout' },
                ],
              },
            },
            refused: {
              description: 'The server refuses. What it says of that is read, but not for long: its status counts.',
              on: {
                'response.refused': {
                  actions: { type: 'noteRefusal', params: ({ event: { failure, isRetryable } }) => ({ failure, isRetryable }) },
                },
              },
              after: {
                refusalDeadline: [{ guard: 'mayRetryRefused', target: '#httpStream.active.backingOff' }, { target: '#httpStream.failed' }],
              },
            },
            open: {
              description: 'Headers, but no byte of the body yet: it may still be tried again.',
              on: {
                'body.began': { target: 'reading', actions: 'noteBytes' },
                'body.quiet': [
                  {
                    guard: { type: 'mayTryAgain', params: ({ event }) => ({ quietMs: event.quietMs }) },
                    target: '#httpStream.active.backingOff',
                    actions: 'noteStall',
                  },
                  {
                    guard: { type: 'isStalled', params: ({ event }) => ({ quietMs: event.quietMs }) },
                    target: '#httpStream.failed',
                    actions: 'noteStall',
                  },
                  { target: 'open', reenter: true, actions: { type: 'noteQuiet', params: ({ event }) => ({ quietMs: event.quietMs }) } },
                ],
                'body.ended': { target: '#httpStream.done', actions: { type: 'noteSummary', params: ({ event }) => event.summary } },
              },
              after: { stallDeadline: { actions: 'askQuiet' } },
            },
            reading: {
              description: 'The target has, or may have, a part of it: whatever fails now fails for good.',
              on: {
                'body.quiet': [
                  {
                    guard: { type: 'isStalled', params: ({ event }) => ({ quietMs: event.quietMs }) },
                    target: '#httpStream.failed',
                    actions: 'noteStall',
                  },
                  { target: 'reading', reenter: true, actions: { type: 'noteQuiet', params: ({ event }) => ({ quietMs: event.quietMs }) } },
                ],
                'body.ended': { target: '#httpStream.done', actions: { type: 'noteSummary', params: ({ event }) => event.summary } },
                'request.failed': { target: '#httpStream.failed', actions: { type: 'noteFailure', params: ({ event }) => event.failure } },
              },
              after: { stallDeadline: { actions: 'askQuiet' } },
            },
          },
        },
        backingOff: {
          description: 'Until the server wants to be asked again, or for the backoff.',
          entry: ['forgetRefusal', 'tellRetrying'],
          after: { backoff: { target: 'attempting', actions: 'countAttempt' } },
        },
      },
    },
    done: { type: 'final', entry: 'tellEnd' },
    failed: { type: 'final', entry: 'tellEnd' },
    cancelled: { type: 'final', entry: 'tellEnd' },
  },
  output: ({ context }) => outputOf(state.endOf(context), context.exit),
});
