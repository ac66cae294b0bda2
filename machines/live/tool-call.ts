/**
 * One call of a tool by the model.
 *
 * States   pending → running → answering → answered; cancelled (by the server) and abandoned (by the session) from all three
 * Emits    nothing: the session tells its calls' fate, as `tool.called`, `tool.answered` …
 * Needs    `execute` — runs the app's function, or lets the app answer by itself; provided by src/live/, the placeholder here refuses to run
 * Output   none: its session knows
 *
 * It begins to run when its session says so, has its own deadline, and hands every answer, whoever made it, to its session by one event. What comes
 * after the first final answer, or after the end, touches nothing.
 */
import { type AnyActorRef, assign, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import type { JsonObject } from './calls.js';
import { wordsOf } from './ending.js';

/** The call that a {@link toolCallMachine} is. */
export interface ToolCallInput {
  /** Its number in its session. */
  readonly key: number;
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
  readonly blocking: boolean;
  /** From `call.run` to its answer, ms. */
  readonly deadlineMs: number;
}

/** An answer as the wire takes it: `response` is an object. `willContinue`: more will come; only of a call that does not block. */
export interface ToolAnswer {
  readonly response: JsonObject;
  /** Media that belong to it: `{ inlineData }` or `{ fileData }` each. */
  readonly parts?: readonly JsonObject[];
  readonly scheduling?: string;
  readonly willContinue?: boolean;
}

/** What a call is told: by its session, by `execute`, and through the session by the app. */
export type ToolCallEvent =
  | { type: 'call.run' }
  /** From `execute`, or from the app: both go the same way. */
  | ({ type: 'call.settled' } & ToolAnswer)
  | ({ type: 'call.progressed' } & Omit<ToolAnswer, 'willContinue'>)
  | { type: 'call.listenerThrew'; reason: string }
  | { type: 'call.written' }
  | { type: 'call.cancel' }
  | { type: 'call.abandon'; reason: string };

/** What a call tells its session. */
export type ToolCallNews = ({ type: 'call.answer'; key: number } & ToolAnswer) | { type: 'call.listenerFailed'; key: number; reason: string };

/** What a call knows of itself. */
export interface ToolCallContext extends ToolCallInput {
  /** Why it was abandoned; null as long as it was not. */
  readonly reason: string | null;
}

/** What `execute` is given. */
export type ExecuteInput = Pick<ToolCallInput, 'id' | 'name' | 'args' | 'blocking' | 'deadlineMs'>;

/** The chart of one call. */
export const toolCallMachine = setup({
  types: {
    input: {} as ToolCallInput,
    context: {} as ToolCallContext,
    events: {} as ToolCallEvent,
  },
  actors: {
    execute: fromCallback<{ type: 'execute.none' }, ExecuteInput>(missingActor('toolCall', 'execute', "liveSession() of 'espalier'")),
  },
  delays: {
    toolDeadline: ({ context }) => context.deadlineMs,
  },
  actions: {
    tellAnswer: sendTo(
      ({ self }) => self._parent as AnyActorRef,
      ({ context }, p: ToolAnswer) => ({ type: 'call.answer', key: context.key, ...p }),
    ),
    tellTimeout: sendTo(
      ({ self }) => self._parent as AnyActorRef,
      ({ context }) => ({
        type: 'call.answer',
        key: context.key,
        response: { error: `tool '${context.name}' did not end within ${context.deadlineMs} ms` },
      }),
    ),
    tellCrash: sendTo(
      ({ self }) => self._parent as AnyActorRef,
      ({ context }, p: { error: unknown }) => ({ type: 'call.answer', key: context.key, response: { error: wordsOf(p.error) } }),
    ),
    tellListenerThrew: sendTo(
      ({ self }) => self._parent as AnyActorRef,
      ({ context }, p: { reason: string }) => ({ type: 'call.listenerFailed', key: context.key, reason: p.reason }),
    ),
    noteReason: assign({ reason: (_, p: { reason: string }) => p.reason }),
  },
}).createMachine({
  id: 'toolCall',
  description: 'One call of a tool by the model.',
  context: ({ input }) => ({ ...input, reason: null }),
  initial: 'pending',
  on: {
    'call.cancel': '.cancelled',
    'call.abandon': { target: '.abandoned', actions: { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) } },
  },
  states: {
    pending: {
      description: 'The setup is not accepted yet: nothing is run. An answer that the app has already waits in the uplink.',
      on: {
        'call.run': 'running',
        'call.settled': {
          target: 'answering',
          actions: { type: 'tellAnswer', params: ({ event: { type: _type, ...answer } }) => answer },
        },
      },
    },
    running: {
      description: 'Until its first final answer, at most deadlineMs.',
      invoke: {
        id: 'execute',
        src: 'execute',
        input: ({ context: { id, name, args, blocking, deadlineMs } }) => ({ id, name, args, blocking, deadlineMs }),
        onError: { target: 'answering', actions: { type: 'tellCrash', params: ({ event }) => ({ error: event.error }) } },
      },
      on: {
        'call.progressed': {
          actions: { type: 'tellAnswer', params: ({ event: { type: _type, ...part } }) => ({ ...part, willContinue: true }) },
        },
        'call.settled': {
          target: 'answering',
          actions: { type: 'tellAnswer', params: ({ event: { type: _type, ...answer } }) => answer },
        },
        'call.listenerThrew': { actions: { type: 'tellListenerThrew', params: ({ event }) => ({ reason: event.reason }) } },
      },
      after: { toolDeadline: { target: 'answering', actions: 'tellTimeout' } },
    },
    answering: {
      description: 'Its answer is with the uplink, which may have to wait for a new socket.',
      on: { 'call.written': 'answered' },
    },
    answered: { type: 'final' },
    cancelled: { type: 'final' },
    abandoned: { type: 'final' },
  },
});
