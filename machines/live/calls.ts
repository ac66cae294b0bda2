/**
 * The table of a Live session's tool calls, and the decisions about it: which calls of a message are new, and which rows an event ends.
 *
 * Every row goes `pending → running → answering → answered`, or ends as `cancelled` (by the server) or `abandoned` (by us, with a reason). The call
 * itself is an actor (tool-call.ts); a row is what the session knows of it. Functions here are pure and total: they take messages as they came.
 *
 * A server's ids are unique by its own word. Where an id comes again, the earlier call with it decides what that means:
 *
 * | the earlier call                              | the later one                                          |
 * |-----------------------------------------------|--------------------------------------------------------|
 * | is open                                       | the same, delivered twice: not run; one answer serves both |
 * | is open, but its answer was taken back on its way | a new call, beside the earlier, which ends by the word of its socket |
 * | was answered; it had this name and these arguments | the same, delivered twice: not run; its answer goes out again |
 * | was answered; its name or arguments differ    | a new call                                             |
 * | was cancelled or abandoned                    | a new call: who takes a call back and makes it again wants it |
 * | is of a conversation that was lost            | a new call: the server knows none of the former; an open one is abandoned |
 *
 * Whoever repeats a call waits for its answer, and silence would block the model for ever; to run the tool again would do twice what was asked for
 * once. The price: a server that gives one id to two equal calls, which the protocol forbids, gets the first answer twice. Answers are remembered for
 * as long as their row is in the table and the conversation goes on; a repeated call that is no longer remembered, after {@link keptRows} others or
 * {@link keptCharacters} of arguments and answers, is a new call.
 *
 * An answer that nobody here has asked for, to a call from before this process, has a row, too: one that begins as `answering`, and has no actor.
 */

import { allRows, counted, forget, isOpen, mapRows, type OlderCalls, rowByKey, rowOf, withoutRow } from './call-rows.js';

export { allRows, isOpen, isOwed, keptCharacters, keptRows, rowByKey, rowOf } from './call-rows.js';

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: unknown };

/**
 * `pending`: to be run as soon as the setup is accepted, for nothing may be answered before. `answering`: the answer was handed to the uplink, which
 * has not yet said that it is written.
 */
export type CallStatus = 'pending' | 'running' | 'answering' | 'answered' | 'cancelled' | 'abandoned';

/** One call, as the session knows it. */
export interface CallRow {
  /** Its number in this session, from 1: its actor is `call.<key>`. */
  readonly key: number;
  /** Its name in this session: the server's id, or `local:N` where the server gave none (Vertex). */
  readonly id: string;
  /** The id that its answer must bear; null where the server gave none. */
  readonly wireId: string | null;
  readonly name: string;
  readonly args: JsonObject;
  /** Does the model wait for it? Such a call gates the microphone where the model needs that. */
  readonly blocking: boolean;
  readonly status: CallStatus;
  /** What it is answered with, from `answering` on; null where there is none, or none that may go out again. */
  readonly answer: JsonObject | null;
  /** Media that belong to the answer, as the wire has them; null where there are none. */
  readonly parts: readonly JsonObject[] | null;
  /** How long answer and parts are as JSON, characters; 0 where there are none. */
  readonly size: number;
  /** The same of its arguments. */
  readonly argsSize: number;
  /** Of a non-blocking call: `SILENT`, `WHEN_IDLE` or `INTERRUPT`; null for the model's default. */
  readonly scheduling: string | null;
  /** Why it was abandoned. */
  readonly reason: string | null;
  /** Did the server take it back while its answer was on its way to the wire? Nobody gets that answer from then on, and the id may be called again. */
  readonly takenBack: boolean;
  /** Does a resumed conversation know of it? It does of what came before its handle was given, and of what it delivers again. */
  readonly known: boolean;
  /** Has it given one since the answer was written? Then a resumed conversation has had the answer. */
  readonly covered: boolean;
  /** Is the answer on its way to the wire once more? No handle that comes meanwhile stands for it. */
  readonly resending: boolean;
  /** Was the call made before this process began? Then there is an answer to it, and no actor. */
  readonly unasked: boolean;
}

/** Rows: all that are open, and those that ended, as many as are kept ({@link keptRows}). */
export interface CallTable {
  /** Oldest first: the open ones, and the latest that ended. */
  readonly rows: readonly CallRow[];
  /** In chunks, those that ended before: none of them is open. Absent where there are none. */
  readonly older?: readonly OlderCalls[];
  /** How many calls run or wait for their answer to be written, and for how many of these the model waits: guards ask at every step of the chart. */
  readonly openCount: number;
  readonly blockingCount: number;
  /** How many answers were forgotten that no handle covers: a resumed conversation may not have had them, and they cannot be written again. */
  readonly forgottenCount: number;
  /** How many calls came without an id. */
  readonly unnamedCount: number;
  /** The latest {@link CallRow.key}. */
  readonly lastKey: number;
}

/** The table of a session that was never called. */
export const noCalls: CallTable = { rows: [], openCount: 0, blockingCount: 0, forgottenCount: 0, unnamedCount: 0, lastKey: 0 };

/** What the calls of one message come to. */
export interface EnteredCalls {
  readonly table: CallTable;
  /** New ones, `pending` now. */
  readonly fresh: readonly CallRow[];
  /** Those that were delivered before, as they are in the table. They are not run; those that are `answered` get their answer again: `resending` now. */
  readonly repeated: readonly CallRow[];
  /** Those that ended before, and whose id is that of a new one: nothing of them is to be written any more. */
  readonly replaced: readonly CallRow[];
}

/**
 * Enters the calls of a server message: those of `toolCall`, and those among the parts of a model's turn that bear an id, which some servers send
 * beside it.
 * @param message      as it came; what is no call in it is passed over
 * @param nonBlocking  the names of tools that the model does not wait for
 * @param resumedAt    the latest key when the conversation was resumed that delivers this; 0 where it was not
 * @throws  never
 */
export function enterCalls(table: CallTable, message: JsonObject, nonBlocking: readonly string[], resumedAt = 0): EnteredCalls {
  let now = table;
  const fresh: CallRow[] = [];
  const repeated = new Map<number, CallRow>();
  const replaced: CallRow[] = [];
  let { unnamedCount, lastKey } = table;
  for (const item of callsIn(message)) {
    const wireId = idOf(item);
    const id = wireId ?? `local:${++unnamedCount}`; // no server sends such ids of its own
    const name = typeof item['name'] === 'string' ? item['name'] : '';
    const args = isObject(item['args']) ? item['args'] : {};
    if (fresh.some((row) => row.id === id)) continue; // twice in one message
    const earlier = rowOf(now, id);
    if (earlier !== undefined && isRepeatedBy(earlier, name, args)) {
      const known = earlier.known || earlier.key <= resumedAt;
      const again = isOpen(earlier) ? {} : { resending: true, covered: false };
      const row = isOpen(earlier) && known === earlier.known ? earlier : { ...earlier, known, ...again };
      if (row !== earlier) now = mapRows(now, (other) => (other === earlier ? row : other));
      repeated.set(row.key, row);
      continue;
    }
    if (earlier !== undefined && !isOpen(earlier)) replaced.push(earlier);
    const key = ++lastKey;
    const called = { key, id, wireId, name, args, argsSize: lengthOf(args), blocking: !nonBlocking.includes(name) };
    const row = withChange(called, unanswered);
    fresh.push(row);
    if (earlier !== undefined && !isOpen(earlier)) now = withoutRow(now, earlier);
    now = { ...now, rows: [...now.rows, row] };
  }
  return {
    table: now === table ? table : counted({ ...now, unnamedCount, lastKey }),
    fresh,
    repeated: [...repeated.values()],
    replaced,
  };
}

type Standing = Omit<CallRow, keyof Called>;
type Called = Pick<CallRow, 'key' | 'id' | 'wireId' | 'name' | 'args' | 'argsSize' | 'blocking'>;

/** A row with some of it changed. Made so, all rows are alike to an engine, which goes through many of them at every event. */
function withChange(row: CallRow, change: Partial<Standing>): CallRow;
function withChange(row: Called, change: Standing): CallRow;
function withChange(row: Called & Partial<Standing>, change: Partial<Standing>): CallRow {
  return {
    key: row.key,
    id: row.id,
    wireId: row.wireId,
    name: row.name,
    args: row.args,
    argsSize: row.argsSize,
    blocking: row.blocking,
    status: change.status ?? row.status,
    answer: change.answer === undefined ? row.answer : change.answer,
    parts: change.parts === undefined ? row.parts : change.parts,
    size: change.size ?? row.size,
    scheduling: change.scheduling === undefined ? row.scheduling : change.scheduling,
    reason: change.reason === undefined ? row.reason : change.reason,
    takenBack: change.takenBack ?? row.takenBack,
    known: change.known ?? row.known,
    covered: change.covered ?? row.covered,
    resending: change.resending ?? row.resending,
    unasked: change.unasked ?? row.unasked,
  } as CallRow;
}

/** What is not known of a call that has just come. */
const unanswered = {
  ...({ status: 'pending', answer: null, parts: null, size: 0, scheduling: null, reason: null } as const),
  ...({ takenBack: false, known: false, covered: false, resending: false, unasked: false } as const),
};

/** What is left of an answer that must not be written again. */
export const noAnswer = { answer: null, parts: null, size: 0, resending: false } as const;

/** Enters an answer that nobody here has asked for. @param id  empty where the server gave none @throws never */
export function enterUnasked(
  table: CallTable,
  call: { readonly id: string; readonly name: string },
  answer: Pick<CallRow, 'answer' | 'parts' | 'scheduling'>,
): { readonly table: CallTable; readonly row: CallRow } {
  const key = table.lastKey + 1;
  const size = sizeOf(answer.answer ?? {}, answer.parts);
  const wireId = call.id === '' ? null : call.id;
  const is = { status: 'answering', blocking: false, known: true, unasked: true } as const;
  const row: CallRow = { ...unanswered, ...call, ...answer, ...is, key, wireId, size, args: {}, argsSize: 0 };
  return { table: { ...table, rows: [...table.rows, row], lastKey: key }, row };
}

/** The names of functions that are declared `NON_BLOCKING` in the tools of a setup. @param tools  as they came @throws never */
export function nonBlockingIn(tools: unknown): readonly string[] {
  const declared = (Array.isArray(tools) ? (tools as readonly unknown[]) : []).flatMap((tool) => listIn(tool, 'functionDeclarations'));
  return declared.flatMap((one) => {
    const name = fieldOf(one, 'name');
    return fieldOf(one, 'behavior') === 'NON_BLOCKING' && typeof name === 'string' ? [name] : [];
  });
}

function callsIn(message: JsonObject): readonly JsonObject[] {
  const inTurn = listIn(fieldOf(fieldOf(message, 'serverContent'), 'modelTurn'), 'parts').map((part) => fieldOf(part, 'functionCall'));
  const named = inTurn.filter((call) => isObject(call) && idOf(call) !== null);
  return [...listIn(fieldOf(message, 'toolCall'), 'functionCalls'), ...named].filter(isObject);
}

function idOf(call: JsonObject): string | null {
  return typeof call['id'] === 'string' && call['id'] !== '' ? call['id'] : null;
}

/** Is a call with the id of this row the row's own call once more? */
function isRepeatedBy(row: CallRow, name: string, args: JsonObject): boolean {
  if (row.takenBack) return false;
  if (isOpen(row)) return true;
  // With which arguments a call from before this process was made, nobody knows.
  return row.status === 'answered' && row.answer !== null && row.name === name && (row.unasked || isSameJson(row.args, args));
}

/** The ids that a server message calls. @throws never */
export function calledIds(message: JsonObject): readonly string[] {
  return callsIn(message).flatMap((item) => idOf(item) ?? []);
}

/** The ids that a server message takes back. @throws never */
export function cancelledIds(message: JsonObject): readonly string[] {
  return listIn(fieldOf(message, 'toolCallCancellation'), 'ids').filter((id) => typeof id === 'string');
}

/** What becomes of a row; what is not named stays. */
export type CallChange = Partial<Pick<CallRow, 'answer' | 'parts' | 'size' | 'scheduling' | 'reason' | 'covered' | 'resending'>> & {
  readonly status: Exclude<CallStatus, 'pending'>;
};

/**
 * Moves rows on.
 * @param pick  the rows to move; rows that have ended are never among them
 * @returns the new table, and the rows that moved, as they are now
 * @throws  never
 */
export function moveCalls(
  table: CallTable,
  pick: (row: CallRow) => boolean,
  change: CallChange,
): { readonly table: CallTable; readonly moved: readonly CallRow[] } {
  const moved: CallRow[] = [];
  let rows: CallRow[] | undefined;
  for (let at = 0; at < table.rows.length; at++) {
    const row = table.rows[at] as CallRow;
    if (!isOpen(row) || !pick(row)) continue;
    const next = movedOn(row, change);
    moved.push(next);
    (rows ??= table.rows.slice())[at] = next;
  }
  return rows === undefined ? { table, moved } : { table: withMoved(table, rows, moved, change), moved };
}

/** The same of the call with that number alone: those that move are among the latest. @throws never */
export function moveCall(table: CallTable, key: number, pick: (row: CallRow) => boolean, change: CallChange): ReturnType<typeof moveCalls> {
  let at = table.rows.length - 1;
  while (at >= 0 && table.rows[at]?.key !== key) at--;
  const row = table.rows[at];
  if (row === undefined || !isOpen(row) || !pick(row)) return { table, moved: [] };
  const next = movedOn(row, change);
  const rows = table.rows.slice();
  rows[at] = next;
  return { table: withMoved(table, rows, [next], change), moved: [next] };
}

function movedOn(row: CallRow, change: CallChange): CallRow {
  // What the server took back is not written again, though it was written once.
  return withChange(row, row.takenBack && !isOpen(change) ? { ...change, ...noAnswer } : change);
}

function withMoved(table: CallTable, rows: readonly CallRow[], moved: readonly CallRow[], change: CallChange): CallTable {
  if (isOpen(change)) return { ...table, rows };
  let now: CallTable = counted({ ...table, rows });
  for (const row of moved) if (isReplaced(row, now)) now = withoutRow(now, row);
  return forget(now);
}

/** Has a call that was taken back ended, and its id been called again since? */
function isReplaced(row: CallRow, table: CallTable): boolean {
  return row.takenBack && !isOpen(row) && rowOf(table, row.id) !== row;
}

/**
 * The table after the server took calls back whose answers are on their way, or were written: they are not written again.
 * @returns the rows that are concerned, as they were
 * @throws  never
 */
export function takeBackAnswers(table: CallTable, ids: readonly string[]): { readonly table: CallTable; readonly taken: readonly CallRow[] } {
  const hasAnswer = ({ status, answer }: CallRow): boolean => status === 'answering' || (status === 'answered' && answer !== null);
  const taken = allRows(table).filter((row) => ids.includes(row.id) && hasAnswer(row));
  if (taken.length === 0) return { table, taken };
  const after = mapRows(table, (row) => {
    if (!taken.includes(row)) return row;
    return row.status === 'answering' ? { ...row, takenBack: true } : { ...row, ...noAnswer };
  });
  return { table: after, taken };
}

/**
 * The table after the server gave a resumable handle: a conversation resumed with it is as far as every row is now, but for answers that are still to be
 * written once more.
 * @param after  only the calls with a later key: what came before them, the conversation may not have had yet
 * @throws never
 */
export function coverCalls(table: CallTable, after = 0): CallTable {
  const covering = mapRows(table, (row) => {
    const covered = row.covered || !row.resending;
    return row.key <= after || (row.known && row.covered === covered) ? row : { ...row, known: true, covered };
  });
  return after === 0 ? { ...covering, forgottenCount: 0 } : covering;
}

/** The table with those calls' answers on their way once more, or no more. @throws never */
export function markResending(table: CallTable, calls: readonly CallRow[], resending: boolean): CallTable {
  if (calls.length === 0) return table;
  return mapRows(table, (row) => (calls.some(({ key }) => key === row.key) ? { ...row, resending } : row));
}

/** The table after an answer was written once more: only a later handle stands for it. @returns null where none of that call was on its way */
export function confirmResent(table: CallTable, key: number): CallTable | null {
  const meant = rowByKey(table, key);
  return meant?.resending === true ? mapRows(table, (row) => (row === meant ? { ...row, resending: false, covered: false } : row)) : null;
}

/** The table as it is when nothing may be written again: without the answers of calls that have ended, or of some of these. @throws never */
export function forgetAnswers(table: CallTable, pick: (row: CallRow) => boolean = () => true): CallTable {
  return { ...mapRows(table, (row) => (isOpen(row) || !pick(row) ? row : { ...row, ...noAnswer })), forgottenCount: 0 };
}

/** A field of a message; undefined where it, or the object, is absent or null. @throws never */
export function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined;
}

/** The name of a call's actor. */
export function actorOf({ key }: CallRow): string {
  return `call.${key}`;
}

/**
 * The wire message that answers a call. `name` always goes with it: some models read an unnamed answer as failure.
 * @param willContinue  this is a part of the answer, and more will come
 * @throws never
 */
export function toolResponse({ wireId, name, parts, scheduling }: CallRow, response: JsonObject, willContinue = false): JsonObject {
  const answer: { [field: string]: unknown } = wireId === null ? { name, response } : { id: wireId, name, response };
  if (parts !== null) answer['parts'] = parts;
  if (scheduling !== null) answer['scheduling'] = scheduling;
  if (willContinue) answer['willContinue'] = willContinue;
  return { toolResponse: { functionResponses: [answer] } };
}

/** How long an answer is as JSON, with its parts, characters; 0 for one that is none. @throws never */
export function sizeOf(response: JsonObject, parts: readonly JsonObject[] | null): number {
  return lengthOf(response) + (parts === null ? 0 : lengthOf(parts));
}

function lengthOf(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return 0; // too deep: it was refused before it came here
  }
}

/** Equal to the letter: a call that is delivered again has its keys in the same order. What is too deep to be written out equals nothing. */
function isSameJson(one: JsonObject, other: JsonObject): boolean {
  try {
    return JSON.stringify(one) === JSON.stringify(other);
  } catch {
    return false;
  }
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const list = fieldOf(value, key);
  return Array.isArray(list) ? list : [];
}

/** An object of JSON: no list, not null. @throws never */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
