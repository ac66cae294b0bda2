/**
 * One call of a tool by the model: its arguments are read, its function is run, and its round hears exactly one answer.
 *
 * States   active(checking → running) → answered | timedOut
 * Emits    nothing: its conversation tells what becomes of calls
 * Needs    `execute` — reads the arguments and runs the app's function; provided by src/tools/, the placeholder here refuses to run
 * Output   none: its round stops it when it has its answer, or wants none
 *
 * Arguments as the tool's schema reads them may be what JSON is not, and never pass through the chart.
 */
import { type AnyActorRef, assign, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { wordsOf } from '../live/ending.js';
import { type CallAnswer, failed, type ModelCall } from './calls.js';

/** What a call is told by `execute`. */
export type ExecutionEvent =
  /** Its arguments are what the tool wants; the function is being run. */
  { type: 'execution.began' } | ({ type: 'execution.settled' } & CallAnswer);

/** What a call tells its round. */
export type ExecutionNews = { type: 'call.answered'; index: number } & CallAnswer;

/** What a call knows of itself. */
export interface ExecutionContext extends ModelCall {
  /** Null as long as there is none. */
  readonly answer: CallAnswer | null;
}

/** What its function is given. */
function callOf(context: ExecutionContext): ModelCall {
  const { answer: _, ...call } = context;
  return call;
}

/** The chart of one call. */
export const executionMachine = setup({
  types: {
    input: {} as ModelCall,
    context: {} as ExecutionContext,
    events: {} as ExecutionEvent,
  },
  actors: {
    execute: fromCallback<{ type: 'execute.none' }, ModelCall>(missingActor('execution', 'execute', "converse() of 'espalier'")),
  },
  delays: {
    toolDeadline: ({ context }) => context.deadlineMs,
  },
  actions: {
    noteAnswer: assign({ answer: (_, { response, fault }: CallAnswer) => ({ response, fault }) }),
    noteTimeout: assign({ answer: ({ context }) => failed('timedOut', `tool '${context.name}' did not end within ${context.deadlineMs} ms`) }),
    noteCrash: assign({ answer: (_, p: { error: unknown }) => failed('threw', wordsOf(p.error)) }),
    tellAnswer: sendTo(
      ({ self }) => self._parent as AnyActorRef,
      ({ context: { answer, index } }) => ({ type: 'call.answered', index, ...(answer ?? failed('lost', 'no answer')) }),
    ),
  },
}).createMachine({
  id: 'execution',
  description: 'One call of a tool by the model.',
  context: ({ input }) => ({ ...input, answer: null }),
  initial: 'active',
  states: {
    active: {
      description: 'Until its answer, at most deadlineMs.',
      invoke: {
        id: 'execute',
        src: 'execute',
        input: ({ context }) => callOf(context),
        onError: { target: 'answered', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
      },
      on: { 'execution.settled': { target: 'answered', actions: { type: 'noteAnswer', params: ({ event }) => event } } },
      after: { toolDeadline: { target: 'timedOut', actions: 'noteTimeout' } },
      initial: 'checking',
      states: {
        checking: {
          description: 'Is there such a tool, and are these arguments for it?',
          on: { 'execution.began': 'running' },
        },
        running: { description: 'The function of the app runs, as a task.' },
      },
    },
    answered: { description: 'Its round has the answer, and stops it.', entry: 'tellAnswer' },
    timedOut: { description: 'As answered: its round has been told so.', entry: 'tellAnswer' },
  },
});
