/**
 * The calls of one model turn as a table, and the decisions about it: who runs next, what each is answered with. Functions here are pure and total.
 *
 * Every row goes `waiting → running → answered`. Whatever happens, each call is answered exactly once, in the place that it was made in: a tool that fails is
 * a result as well.
 */
import type { JsonObject } from '../live/calls.js';

/** A call that the model wants made. */
export interface ModelCall {
  /** Its place among the calls of its turn, from 0. */
  readonly index: number;
  /** The id that its answer must bear; null where the model gave none. */
  readonly id: string | null;
  readonly name: string;
  readonly args: JsonObject;
  /** Why the arguments could not be read at all: the call is answered with that. */
  readonly unread?: string;
  /** From its start to its answer, ms. */
  readonly deadlineMs: number;
}

/**
 * Why a call's answer is an error.
 *
 * | fault                                | what happened                                                          |
 * |--------------------------------------|------------------------------------------------------------------------|
 * | `unknownTool`, `invalidArguments`    | nothing was run                                                        |
 * | `threw`                              | the function threw, or what it returned is no JSON                     |
 * | `timedOut`, `turnTimedOut`           | its own deadline, or that of the whole turn, passed                    |
 * | `cancelled`                          | the app cancelled this call                                            |
 * | `notStarted`, `tooMany`              | no room for it: among the tasks, or among the calls of one turn        |
 * | `lost`                               | its actor or its task was ended from outside                           |
 */
export type CallFault =
  | ('unknownTool' | 'invalidArguments' | 'threw' | 'timedOut' | 'turnTimedOut')
  | ('cancelled' | 'notStarted' | 'tooMany' | 'lost');

/** An answer: `response` is an object, by convention `{ output }` where the tool's value is none, and `{ error }` where it failed. */
export interface CallAnswer {
  readonly response: JsonObject;
  /** Null for a success. */
  readonly fault: CallFault | null;
}

/** The answer to a call of the model. */
export interface CallResult extends CallAnswer {
  readonly index: number;
  readonly id: string | null;
  readonly name: string;
}

/** One call, as its round knows it. */
export interface CallRow extends ModelCall {
  readonly status: 'waiting' | 'running' | 'answered';
  /** From `answered` on. */
  readonly answer: CallAnswer | null;
}

/** The id of a call's actor. */
export function executionId(index: number): string {
  return `execution.${index}`;
}

/** The rows of new calls. Those beyond `maxCalls` are answered at once. @throws never */
export function rowsOf(calls: readonly ModelCall[], maxCalls: number): readonly CallRow[] {
  return calls.map((call, place) =>
    place < maxCalls
      ? { ...call, status: 'waiting', answer: null }
      : { ...call, status: 'answered', answer: failed('tooMany', `not run: more than ${maxCalls} calls in one turn`) },
  );
}

/** The rows with as many running as may, in order, and those that are new among them. @throws never */
export function startNext(
  rows: readonly CallRow[],
  maxParallel: number,
): { readonly rows: readonly CallRow[]; readonly started: readonly CallRow[] } {
  let free = maxParallel - rows.filter(({ status }) => status === 'running').length;
  const next = rows.map((row): CallRow => (row.status === 'waiting' && free-- > 0 ? { ...row, status: 'running' } : row));
  return { rows: next, started: next.filter((row, place) => row !== rows[place]) };
}

/** The rows with an answer to the open one of this index, or to all that are open (null), and these. @throws never */
export function answerRows(
  rows: readonly CallRow[],
  index: number | null,
  answer: CallAnswer,
): { readonly rows: readonly CallRow[]; readonly answered: readonly CallRow[] } {
  const next = rows.map(
    (row): CallRow => (row.status !== 'answered' && (index === null || row.index === index) ? { ...row, status: 'answered', answer } : row),
  );
  return { rows: next, answered: next.filter((row, place) => row !== rows[place]) };
}

/** What a row was answered with. @throws never */
export function resultOf({ index, id, name, answer }: CallRow): CallResult {
  return { index, id, name, ...(answer ?? failed('lost', 'no answer')) };
}

/** An answer that is an error, in words for the model. @throws never */
export function failed(fault: CallFault, error: string): CallAnswer {
  return { response: { error }, fault };
}
