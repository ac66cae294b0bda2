/** The rows of a table of calls: finding them, and how many of those that have ended are kept. Of many rows few are open, and few are looked at. */
import type { CallRow, CallTable } from './calls.js';

/**
 * How many ended rows are remembered, arguments and answers too, so that a call delivered again is known, and an answer that a resumed conversation has
 * not had is written again. Of more, the oldest are forgotten, answers that are owed so last.
 */
export const keptRows = 1_024;

/** How long answers and arguments may be that are remembered, in all, characters of JSON; the latest are kept, whatever their length. */
export const keptCharacters = 32 * 1_024 * 1_024;

/** Is the call still to end? @throws never */
export function isOpen({ status }: Pick<CallRow, 'status'>): boolean {
  return status === 'pending' || status === 'running' || status === 'answering';
}

/** May its answer have to be written again? A resumed conversation would not have had it. @throws never */
export function isOwed({ status, answer, covered }: CallRow): boolean {
  return status === 'answered' && answer !== null && !covered;
}

/** The latest call with that id; none with an empty one, which tells no call from another. @throws never */
export function rowOf(rows: readonly CallRow[], id: string): CallRow | undefined {
  const last = id.length - 1;
  if (last < 0) return undefined;
  const end = id.charCodeAt(last);
  // By the last character first: ids of a server are of a length, and begin alike.
  for (let at = rows.length - 1; at >= 0; at--) {
    const row = rows[at] as CallRow;
    if (row.id.charCodeAt(last) === end && row.id === id) return row;
  }
  return undefined;
}

/** The call with that number. Rows are in the order of their keys. @throws never */
export function rowByKey(rows: readonly CallRow[], key: number): CallRow | undefined {
  let [from, to] = [0, rows.length - 1];
  while (from <= to) {
    const at = (from + to) >> 1;
    const row = rows[at] as CallRow;
    if (row.key === key) return row;
    if (row.key < key) from = at + 1;
    else to = at - 1;
  }
  return undefined;
}

/** The table, with its open rows counted. */
export function counted(table: CallTable): CallTable {
  const { rows } = table;
  let [openCount, blockingCount, endedFirst] = [0, 0, rows.length];
  for (let at = rows.length - 1; at >= table.endedFirst; at--) {
    const row = rows[at] as CallRow;
    if (!isOpen(row)) continue;
    endedFirst = at;
    if (row.unasked) continue;
    openCount++;
    if (row.blocking) blockingCount++;
  }
  return { ...table, openCount, blockingCount, endedFirst };
}

/** The table with what it keeps of its rows that have ended told anew: some of them are gone, or are others. */
export function measured(table: CallTable): CallTable {
  let [endedSize, endedFirst] = [0, table.rows.length];
  table.rows.forEach((row, at) => {
    if (!isOpen(row)) endedSize += row.size + row.argsSize;
    else if (endedFirst === table.rows.length) endedFirst = at;
  });
  return { ...table, endedSize, endedFirst };
}

/** The table without some rows, which have ended. */
export function without(table: CallTable, gone: ReadonlySet<CallRow>): CallTable {
  if (gone.size > 1) return measured({ ...table, rows: table.rows.filter((row) => !gone.has(row)) });
  const [row] = gone;
  const place = row === undefined ? -1 : table.rows.indexOf(row);
  if (row === undefined || place === -1) return table;
  const rows = table.rows.slice();
  rows.splice(place, 1);
  return {
    ...table,
    rows,
    endedSize: table.endedSize - row.size - row.argsSize,
    endedFirst: place < table.endedFirst ? table.endedFirst - 1 : table.endedFirst,
  };
}

/** Drops ended rows beyond {@link keptRows} and {@link keptCharacters}: the oldest, but what is owed last. */
export function forget(table: CallTable): CallTable {
  const { rows } = table;
  let endedCount = table.endedFirst;
  for (let at = table.endedFirst; at < rows.length; at++) if (!isOpen(rows[at] as CallRow)) endedCount++;
  let characters = table.endedSize;
  if (endedCount <= keptRows && characters <= keptCharacters) return table;
  const gone = new Set<CallRow>();
  let owedCount = 0;
  for (const isOwedTurn of [false, true]) {
    for (let at = 0; at < rows.length; at++) {
      // The last of all is kept, whatever its length.
      if (endedCount <= 1 || (endedCount <= keptRows && characters <= keptCharacters)) break;
      const row = rows[at] as CallRow;
      if (isOpen(row) || isOwed(row) !== isOwedTurn) continue;
      gone.add(row);
      endedCount--;
      characters -= row.size + row.argsSize;
      if (isOwedTurn) owedCount++;
    }
  }
  return { ...without(table, gone), forgottenCount: table.forgottenCount + owedCount };
}
