/**
 * The table of a Live session's tool calls, and the decisions about it: which calls of a message are new, and which rows an event ends.
 *
 * Every row goes `pending → running → answering → answered`, or ends as `cancelled` (by the server) or `abandoned` (by us, with a reason). Functions
 * here are pure and total: they take messages as they came from the wire.
 *
 * A server's ids are unique by its own word. Where an id comes again, the earlier call with it decides what that means:
 *
 * | the earlier call                              | the later one                                          |
 * |-----------------------------------------------|--------------------------------------------------------|
 * | is open                                       | the same, delivered twice: not run; one answer serves both |
 * | was answered; it had this name and these arguments | the same, delivered twice: not run; its answer goes out again |
 * | was answered; its name or arguments differ    | a new call                                             |
 * | was cancelled or abandoned                    | a new call: who takes a call back and makes it again wants it |
 *
 * Whoever repeats a call waits for its answer, and silence would block the model for ever; to run the tool again would do twice what was asked for
 * once. The price: a server that gives one id to two equal calls, which the protocol forbids, gets the first answer twice. Answers are remembered for
 * as long as their socket is open and their row is in the table; a repeated call that is no longer remembered is a new call.
 */

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: unknown };

/**
 * `pending`: to be run as soon as the setup is accepted, for nothing may be answered before. `answering`: the answer was handed to the socket, which
 * has not yet said that it is written.
 */
export type CallStatus = 'pending' | 'running' | 'answering' | 'answered' | 'cancelled' | 'abandoned';

/** One call, as the inspector shows it. */
export interface CallRow {
  /** Its name in this session: the server's id, or `local:N` where the server gave none (Vertex). */
  readonly id: string;
  /** The id that its answer must bear; null where the server gave none. */
  readonly wireId: string | null;
  readonly name: string;
  readonly args: JsonObject;
  readonly status: CallStatus;
  /** What it is answered with, from `answering` on; null where there is none, or none that may go out again. */
  readonly answer: JsonObject | null;
  /** Why it was abandoned. */
  readonly reason: string | null;
}

/** Rows, oldest first: all that are open, and the last {@link keptRows} that ended. */
export interface CallTable {
  readonly rows: readonly CallRow[];
  /** How many calls came without an id. */
  readonly unnamedCount: number;
}

/** A call to run. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

/** How many ended rows are remembered, arguments and answers too, so that a call delivered again is known; older ones are forgotten. */
export const keptRows = 64;

/** The table of a session that was never called. */
export const noCalls: CallTable = { rows: [], unnamedCount: 0 };

/** What the calls of one message come to. */
export interface EnteredCalls {
  readonly table: CallTable;
  /** New ones, `pending` now. */
  readonly fresh: readonly ToolCall[];
  /** Those that were delivered before, as they are in the table. They are not run; those that have an `answer` and are `answered` get it again. */
  readonly repeated: readonly CallRow[];
}

/**
 * Enters the calls of a server message.
 * @param message  as it came; what is no call in it is passed over
 * @throws  never
 */
export function enterCalls(table: CallTable, message: JsonObject): EnteredCalls {
  let rows: readonly CallRow[] = table.rows;
  const fresh: ToolCall[] = [];
  const repeated: CallRow[] = [];
  let unnamedCount = table.unnamedCount;
  for (const item of listIn(fieldOf(message, 'toolCall'), 'functionCalls')) {
    if (!isObject(item)) continue;
    const wireId = typeof item['id'] === 'string' && item['id'] !== '' ? item['id'] : null;
    const id = wireId ?? `local:${++unnamedCount}`; // no server sends such ids of its own
    const name = typeof item['name'] === 'string' ? item['name'] : '';
    const args = isObject(item['args']) ? item['args'] : {};
    const earlier = rows.find((row) => row.id === id);
    if (earlier !== undefined && isRepeatedBy(earlier, name, args)) repeated.push(earlier);
    else {
      fresh.push({ id, name, args });
      rows = [...rows.filter((row) => row !== earlier), { id, wireId, name, args, status: 'pending', answer: null, reason: null }];
    }
  }
  return { table: fresh.length === 0 ? table : { rows: forget(rows), unnamedCount }, fresh, repeated };
}

/** Is a call with the id of this row the row's own call once more? */
function isRepeatedBy(row: CallRow, name: string, args: JsonObject): boolean {
  return isOpen(row) || (row.status === 'answered' && row.answer !== null && row.name === name && isSameJson(row.args, args));
}

/** The ids that a server message takes back. @throws never */
export function cancelledIds(message: JsonObject): readonly string[] {
  return listIn(fieldOf(message, 'toolCallCancellation'), 'ids').filter((id) => typeof id === 'string');
}

/** What becomes of a row; what is not named stays. */
export type CallChange = { readonly status: Exclude<CallStatus, 'pending'>; readonly answer?: JsonObject | null; readonly reason?: string };

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
  const rows = table.rows.map((row) => {
    if (!isOpen(row) || !pick(row)) return row;
    const next: CallRow = { ...row, ...change };
    moved.push(next);
    return next;
  });
  return moved.length === 0 ? { table, moved } : { table: { ...table, rows: forget(rows) }, moved };
}

/** The table without its answers, as it is when their socket is to be written to no more. @throws never */
export function forgetAnswers(table: CallTable): CallTable {
  return { ...table, rows: table.rows.map((row) => ({ ...row, answer: null })) };
}

/** Is the call still to end? @throws never */
export function isOpen(row: CallRow): boolean {
  return row.status === 'pending' || row.status === 'running' || row.status === 'answering';
}

/** A field of a message; undefined where it, or the object, is absent or null. @throws never */
export function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined;
}

/** Is it a message that an app may send? Setup and tool answers go out by the session alone, once each. @throws never */
export function isForTheApp(message: unknown): boolean {
  return isObject(message) && !Object.hasOwn(message, 'setup') && !Object.hasOwn(message, 'toolResponse');
}

/** The wire message that answers a call with its `answer`. `name` always goes with it: some models read an unnamed answer as failure. @throws never */
export function toolResponse({ wireId, name, answer }: CallRow): JsonObject {
  const response = { name, response: answer ?? {} };
  return { toolResponse: { functionResponses: [wireId === null ? response : { id: wireId, ...response }] } };
}

/** Drops the oldest ended rows beyond {@link keptRows}. */
function forget(rows: readonly CallRow[]): readonly CallRow[] {
  let surplus = rows.reduce((count, row) => (isOpen(row) ? count : count + 1), 0) - keptRows;
  return surplus <= 0 ? rows : rows.filter((row) => isOpen(row) || surplus-- <= 0);
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

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
