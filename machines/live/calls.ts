/**
 * The table of a Live session's tool calls, and the decisions about it: which calls of a message are new, and which rows an event ends.
 *
 * Every row goes `running → answering → answered`, or ends as `cancelled` (by the server) or `abandoned` (by us, with a reason). Functions here are
 * pure and total: they take messages as they came from the wire.
 */

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: unknown };

/** `answering`: the answer was handed to the socket, which has not yet said that it is written. */
export type CallStatus = 'running' | 'answering' | 'answered' | 'cancelled' | 'abandoned';

/** One call, as the inspector shows it. */
export interface CallRow {
  /** Its name in this session: the server's id, or `local:N` where the server gave none (Vertex). */
  readonly id: string;
  /** The id that its answer must bear; null where the server gave none. */
  readonly wireId: string | null;
  readonly name: string;
  readonly status: CallStatus;
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

/** How many ended rows are remembered, so that a call delivered again is known; older ones are forgotten. */
export const keptRows = 256;

export const noCalls: CallTable = { rows: [], unnamedCount: 0 };

/**
 * Enters the calls of a server message.
 * @param message  as it came; what is no call in it is passed over
 * @returns the new table; `fresh`: the calls to run; `repeated`: ids that the table knows already, not to be run again
 * @throws  never
 */
export function enterCalls(
  table: CallTable,
  message: JsonObject,
): { readonly table: CallTable; readonly fresh: readonly ToolCall[]; readonly repeated: readonly ToolCall[] } {
  const rows = [...table.rows];
  const fresh: ToolCall[] = [];
  const repeated: ToolCall[] = [];
  let unnamedCount = table.unnamedCount;
  for (const item of listIn(fieldOf(message, 'toolCall'), 'functionCalls')) {
    if (!isObject(item)) continue;
    const wireId = typeof item['id'] === 'string' && item['id'] !== '' ? item['id'] : null;
    const id = wireId ?? `local:${++unnamedCount}`; // no server sends such ids of its own
    const name = typeof item['name'] === 'string' ? item['name'] : '';
    const call: ToolCall = { id, name, args: isObject(item['args']) ? item['args'] : {} };
    if (rows.some((row) => row.id === id)) repeated.push(call);
    else {
      fresh.push(call);
      rows.push({ id, wireId, name, status: 'running', reason: null });
    }
  }
  return { table: fresh.length === 0 ? table : { rows: forget(rows), unnamedCount }, fresh, repeated };
}

/** The ids that a server message takes back. @throws never */
export function cancelledIds(message: JsonObject): readonly string[] {
  return listIn(fieldOf(message, 'toolCallCancellation'), 'ids').filter((id) => typeof id === 'string');
}

/**
 * Moves rows on.
 * @param pick  the rows to move; rows that have ended are never among them
 * @returns the new table, and the rows that moved, as they are now
 * @throws  never
 */
export function moveCalls(
  table: CallTable,
  pick: (row: CallRow) => boolean,
  status: Exclude<CallStatus, 'running'>,
  reason: string | null = null,
): { readonly table: CallTable; readonly moved: readonly CallRow[] } {
  const moved: CallRow[] = [];
  const rows = table.rows.map((row) => {
    if (!isOpen(row) || !pick(row)) return row;
    const next: CallRow = { ...row, status, reason };
    moved.push(next);
    return next;
  });
  return moved.length === 0 ? { table, moved } : { table: { ...table, rows: forget(rows) }, moved };
}

/** Is the call still to end? @throws never */
export function isOpen(row: CallRow): boolean {
  return row.status === 'running' || row.status === 'answering';
}

/** A field of a message; undefined where it, or the object, is absent or null. @throws never */
export function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined;
}

/** Is it a message that an app may send? Setup and tool answers go out by the session alone, once each. @throws never */
export function isForTheApp(message: unknown): boolean {
  return isObject(message) && !Object.hasOwn(message, 'setup') && !Object.hasOwn(message, 'toolResponse');
}

/** The wire message that answers a call. `name` always goes with it: some models read an unnamed answer as failure. @throws never */
export function toolResponse(row: CallRow, response: JsonObject): JsonObject {
  const answer = { name: row.name, response };
  return { toolResponse: { functionResponses: [row.wireId === null ? answer : { id: row.wireId, ...answer }] } };
}

/** Drops the oldest ended rows beyond {@link keptRows}. */
function forget(rows: readonly CallRow[]): readonly CallRow[] {
  let surplus = rows.reduce((count, row) => (isOpen(row) ? count : count + 1), 0) - keptRows;
  return surplus <= 0 ? rows : rows.filter((row) => isOpen(row) || surplus-- <= 0);
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const list = fieldOf(value, key);
  return Array.isArray(list) ? list : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
