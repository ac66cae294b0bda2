/**
 * A conversation with a model that may call tools: turn by turn, until the model answers without a call, or the turn limit is reached.
 *
 * States   active(turning(answering(asking → collecting) → runningTools)) → answered | failed | cancelled; every turn enters `turning` anew
 * Emits    {@link ConversationFact}
 * Needs    `tools` (what the functions run on), `subscriber` (whom it is for: an actor, a signal), `turn` (asks the model once) and `round`
 *          (machines/tools/round.ts with its actors), provided by src/tools/; the placeholders here refuse to run
 * Output   how it ended ({@link ConversationOutput}): as a supervised child it exits `normal` when it is answered or cancelled, with a crash when it failed
 *
 * A turn becomes history when it is whole: with the results of all its calls. So the history can be sent again whenever the conversation ends.
 *
 * Restored from a snapshot, its request is gone, and to make it or to run the tools again might do a thing twice: it has failed, `interrupted`.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { wordsOf } from '../live/ending.js';
import type { ExitReason } from '../supervision/exit.js';
import type { CallResult } from './calls.js';
import type { ConversationContext, ConversationEvent, ConversationFact, ConversationInput, TurnAnswer, TurnInput } from './conversation-events.js';
import * as state from './conversation-state.js';
import { type ConversationCancellation, type ConversationFailure, type ConversationOutput, failureAs } from './outcome.js';
import { roundMachine } from './round.js';

/** The chart of a conversation; `conversation()` is it with its actors. */
export const conversationMachine = setup({
  types: {
    input: {} as ConversationInput,
    context: {} as ConversationContext,
    events: {} as ConversationEvent,
    emitted: {} as ConversationFact,
    output: {} as ConversationOutput,
  },
  actors: {
    tools: fromCallback<{ type: 'tools.none' }, undefined>(missingActor('conversation', 'tools', "conversation() of 'espalier'")),
    subscriber: fromCallback<{ type: 'subscriber.none' }, undefined>(missingActor('conversation', 'subscriber', "conversation() of 'espalier'")),
    turn: fromCallback<{ type: 'turn.none' }, TurnInput>(missingActor('conversation', 'turn', "conversation() of 'espalier'")),
    round: roundMachine,
  },
  guards: {
    isRestored: ({ context }) => context.hasBegun,
    exceedsTurns: ({ context }, p: TurnAnswer) => state.exceedsTurns(context, p),
    callsTools: (_, p: TurnAnswer) => p.next === 'calls',
    wantsToGoOn: (_, p: TurnAnswer) => p.next === 'continue',
    runsTools: ({ context }) => context.open !== null,
  },
  delays: {
    turnDeadline: ({ context }) => context.turnMs,
    totalDeadline: ({ context }) => context.totalMs,
  },
  actions: {
    noteBegun: assign({ hasBegun: true }),
    noteCalls: assign({ open: (_, p: TurnAnswer) => p, text: ({ context }, p: TurnAnswer) => context.text + p.text }),
    noteResults: assign({
      history: ({ context }, p: { results: readonly CallResult[] }) => state.withRound(context, p.results),
      open: null,
      text: '',
      turn: ({ context }) => context.turn + 1,
    }),
    notePiece: assign({
      history: ({ context }, p: TurnAnswer) => state.withItems(context, p),
      text: ({ context }, p: TurnAnswer) => context.text + p.text,
      turn: ({ context }) => context.turn + 1,
    }),
    noteAnswer: assign({
      history: ({ context }, p: TurnAnswer) => state.withItems(context, p),
      text: ({ context }, p: TurnAnswer) => context.text + p.text,
      answer: (_, p: TurnAnswer) => p.answer,
    }),
    noteTurnLimit: assign({
      failure: ({ context }, p: TurnAnswer) => state.turnLimit(context, p),
      history: ({ context }, p: TurnAnswer) => (p.next === 'calls' ? context.history : state.withItems(context, p)),
      open: (_, p: TurnAnswer) => (p.next === 'calls' ? p : null),
      text: ({ context }, p: TurnAnswer) => context.text + p.text,
    }),
    noteFailure: assign({ failure: (_, p: ConversationFailure) => p }),
    noteCrash: assign({ failure: (_, p: { error: unknown }) => failureAs('crashed', 'crash', wordsOf(p.error)) }),
    noteToolsFailed: assign({ failure: (_, p: { reason: string }) => failureAs('tools', 'ended', `what the tools run on has ended: ${p.reason}`) }),
    noteLoss: assign({
      failure: (_, p: { worker: string; reason: string }) => failureAs('killed', p.reason, `its actor '${p.worker}' was ended from outside`),
    }),
    noteTurnTimeout: assign({
      failure: ({ context }) => failureAs('turnTimeout', 'timeout', `turn ${context.turn} did not end within ${context.turnMs} ms`),
    }),
    noteTotalTimeout: assign({
      failure: ({ context }) => failureAs('totalTimeout', 'conversation', `the conversation did not end within ${context.totalMs} ms`),
    }),
    noteInterruption: assign({ failure: failureAs('interrupted', 'restored', 'restored from a snapshot: what it did is gone') }),
    noteCancellation: assign({ cancellation: (_, p: ConversationCancellation) => p }),
    noteExit: assign({ exit: (_, p: { reason: ExitReason }) => p.reason }),
    tellTurn: emit(({ context }) => ({ type: 'turn.started', turn: context.turn })),
    tellTurnEnd: enqueueActions(({ context: { turn }, enqueue }, { calls, next }: TurnAnswer) => {
      enqueue.emit({ type: 'turn.ended', turn, next });
      if (next === 'calls') for (const call of calls) enqueue.emit({ type: 'tool.called', turn, call });
    }),
    tellResult: emit(({ context }, p: { result: CallResult }) => ({ type: 'tool.answered', turn: context.turn, result: p.result })),
    tellEnd: emit(({ context }) => state.endOf(context)),
    cancelCall: sendTo('round', (_, p: { index: number; reason: string }) => ({ type: 'call.cancel', index: p.index, reason: p.reason })),
    expireRound: sendTo('round', ({ context }) => ({ type: 'round.expire', afterMs: context.turnMs })),
  },
}).createMachine({
  id: 'conversation',
  description: 'A conversation with a model that may call tools.',
  context: ({ input }) => state.initialContext(input),
  invoke: [
    {
      id: 'tools',
      src: 'tools',
      onError: { target: '.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
    },
    {
      id: 'subscriber',
      src: 'subscriber',
      onError: { target: '.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
    },
  ],
  initial: 'active',
  states: {
    active: {
      on: {
        'tools.began': [{ guard: 'isRestored', target: 'failed', actions: 'noteInterruption' }, { actions: 'noteBegun' }],
        'tools.failed': { target: 'failed', actions: { type: 'noteToolsFailed', params: ({ event }) => ({ reason: event.reason }) } },
        'worker.lost': { target: 'failed', actions: { type: 'noteLoss', params: ({ event: { worker, reason } }) => ({ worker, reason }) } },
        'conversation.cancel': {
          target: 'cancelled',
          actions: { type: 'noteCancellation', params: ({ event: { by, reason } }) => ({ by, reason }) },
        },
        'supervisor.shutdown': {
          target: 'cancelled',
          actions: [
            { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) },
            { type: 'noteCancellation', params: { by: 'supervisor', reason: 'shutdown' } },
          ],
        },
      },
      after: { totalDeadline: { target: 'failed', actions: 'noteTotalTimeout' } },
      initial: 'turning',
      states: {
        turning: {
          description: "One turn: the model's answer, and its calls.",
          entry: 'tellTurn',
          after: {
            turnDeadline: [
              { guard: 'runsTools', actions: 'expireRound' },
              { target: '#conversation.failed', actions: 'noteTurnTimeout' },
            ],
          },
          initial: 'answering',
          states: {
            answering: {
              invoke: {
                id: 'turn',
                src: 'turn',
                input: ({ context: { turn, history } }) => ({ turn, history }),
                onError: { target: '#conversation.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
              },
              on: {
                'turn.failed': { target: '#conversation.failed', actions: { type: 'noteFailure', params: ({ event }) => event.failure } },
                'turn.ended': [
                  {
                    guard: { type: 'exceedsTurns', params: ({ event }) => event.answer },
                    target: '#conversation.failed',
                    actions: { type: 'noteTurnLimit', params: ({ event }) => event.answer },
                  },
                  {
                    guard: { type: 'callsTools', params: ({ event }) => event.answer },
                    target: 'runningTools',
                    actions: [
                      { type: 'tellTurnEnd', params: ({ event }) => event.answer },
                      { type: 'noteCalls', params: ({ event }) => event.answer },
                    ],
                  },
                  {
                    guard: { type: 'wantsToGoOn', params: ({ event }) => event.answer },
                    target: '#conversation.active.turning',
                    reenter: true,
                    actions: [
                      { type: 'tellTurnEnd', params: ({ event }) => event.answer },
                      { type: 'notePiece', params: ({ event }) => event.answer },
                    ],
                  },
                  {
                    target: '#conversation.answered',
                    actions: [
                      { type: 'tellTurnEnd', params: ({ event }) => event.answer },
                      { type: 'noteAnswer', params: ({ event }) => event.answer },
                    ],
                  },
                ],
              },
              initial: 'asking',
              states: {
                asking: {
                  description: 'Nothing of the answer has come.',
                  on: { 'turn.began': 'collecting' },
                },
                collecting: { description: 'Text, thoughts and calls come, and are told; calls are run when all of them are known.' },
              },
            },
            runningTools: {
              invoke: {
                id: 'round',
                src: 'round',
                input: ({ context: { maxCalls, maxParallel, open } }) => ({ calls: open?.calls ?? [], maxCalls, maxParallel }),
                onDone: {
                  target: '#conversation.active.turning',
                  reenter: true,
                  actions: { type: 'noteResults', params: ({ event }) => ({ results: event.output.results }) },
                },
                onError: { target: '#conversation.failed', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
              },
              on: {
                'call.answered': { actions: { type: 'tellResult', params: ({ event }) => ({ result: event.result }) } },
                'call.cancel': { actions: { type: 'cancelCall', params: ({ event: { index, reason } }) => ({ index, reason }) } },
              },
            },
          },
        },
      },
    },
    answered: { type: 'final', entry: 'tellEnd' },
    failed: { type: 'final', entry: 'tellEnd' },
    cancelled: { type: 'final', entry: 'tellEnd' },
  },
  output: ({ context }) => state.outputOf(context),
});
