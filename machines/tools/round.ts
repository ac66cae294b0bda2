/**
 * The calls of one model turn: run side by side, at most `maxParallel` at once, and answered one by one.
 *
 * States   running → done
 * Emits    nothing: what becomes of each call is told to its conversation, as `call.answered`
 * Needs    `execution` (machines/tools/execution.ts with its actor), one for each call that runs
 * Output   { results } — one for each call, in the order in which the model made them
 *
 * It has no deadline of its own: each call that runs has one, and its conversation expires it when the turn's is up.
 */
import { type AnyActorRef, enqueueActions, setup } from 'xstate';
import { executionMachine } from './execution.js';
import {
  answerRows,
  type CallAnswer,
  type CallResult,
  type CallRow,
  executionId,
  failed,
  type ModelCall,
  resultOf,
  rowsOf,
  startNext,
} from './calls.js';

/** What a round is made of. */
export interface RoundInput {
  readonly calls: readonly ModelCall[];
  /** Calls that run at once, at least 1. */
  readonly maxParallel: number;
  /** Calls that are run at all; those beyond are answered with an error. */
  readonly maxCalls: number;
}

/** What a round is told: by its calls, and by its conversation. */
export type RoundEvent =
  | ({ type: 'call.answered'; index: number } & CallAnswer)
  /** The call's actor was ended from outside. */
  | { type: 'call.lost'; index: number; reason: string }
  | { type: 'call.cancel'; index: number; reason: string }
  /** The turn's deadline has passed: whatever is open is answered so. */
  | { type: 'round.expire'; afterMs: number };

/** What a round tells its conversation. */
export interface RoundNews {
  readonly type: 'call.answered';
  readonly result: CallResult;
}

/** What a round knows. */
export interface RoundContext {
  readonly rows: readonly CallRow[];
  readonly maxParallel: number;
}

/** Which open calls an event ends, and with what. */
export interface CallsEnd {
  /** Null for all. */
  readonly index: number | null;
  readonly answer: CallAnswer;
}

/** The chart of one turn's calls. */
export const roundMachine = setup({
  types: {
    input: {} as RoundInput,
    context: {} as RoundContext,
    events: {} as RoundEvent,
    output: {} as { readonly results: readonly CallResult[] },
  },
  actors: { execution: executionMachine },
  guards: {
    isAnswered: ({ context }) => context.rows.every(({ status }) => status === 'answered'),
  },
  actions: {
    begin: enqueueActions(({ context: { maxParallel, rows }, enqueue, self }) => {
      const next = startNext(rows, maxParallel);
      enqueue.assign({ rows: next.rows });
      for (const row of rows)
        if (row.status === 'answered') enqueue.sendTo(self._parent as AnyActorRef, { type: 'call.answered', result: resultOf(row) });
      for (const { status: _, answer: __, ...call } of next.started) enqueue.spawnChild('execution', { id: executionId(call.index), input: call });
    }),
    answer: enqueueActions(({ context: { maxParallel, rows }, enqueue, self }, { index, answer }: CallsEnd) => {
      const open = answerRows(rows, index, answer);
      const next = startNext(open.rows, maxParallel);
      enqueue.assign({ rows: next.rows });
      for (const row of open.answered) {
        // All at once is the round's end, which stops its actors.
        if (index !== null) enqueue.stopChild(executionId(row.index));
        enqueue.sendTo(self._parent as AnyActorRef, { type: 'call.answered', result: resultOf(row) });
      }
      for (const { status: _, answer: __, ...call } of next.started) enqueue.spawnChild('execution', { id: executionId(call.index), input: call });
    }),
  },
}).createMachine({
  id: 'round',
  description: 'The calls of one model turn.',
  context: ({ input: { calls, maxCalls, maxParallel } }) => ({ rows: rowsOf(calls, maxCalls), maxParallel }),
  initial: 'running',
  states: {
    running: {
      entry: 'begin',
      always: { guard: 'isAnswered', target: 'done' },
      on: {
        'call.answered': {
          actions: {
            type: 'answer',
            params: ({ event: { index, response, fault } }) => ({
              index,
              answer: { response, fault },
            }),
          },
        },
        'call.lost': {
          actions: {
            type: 'answer',
            params: ({ event: { index, reason } }) => ({
              index,
              answer: failed('lost', `the call was ended from outside: ${reason}`),
            }),
          },
        },
        'call.cancel': {
          actions: {
            type: 'answer',
            params: ({ event: { index, reason } }) => ({
              index,
              answer: failed('cancelled', reason === '' ? 'the call was cancelled' : `the call was cancelled: ${reason}`),
            }),
          },
        },
        'round.expire': {
          actions: {
            type: 'answer',
            params: ({ event: { afterMs } }) => ({
              index: null,
              answer: failed('turnTimedOut', `the turn did not end within ${afterMs} ms`),
            }),
          },
        },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context: { rows } }) => ({ results: rows.map(resultOf) }),
});
