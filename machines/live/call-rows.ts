/**
 * The rows of a table of calls: how they are found and changed, and how many of those that have ended are kept.
 *
 * A table is a value: whoever changes a row makes another. Many rows are remembered, and few of them are looked at again; so those that ended a while ago
 * lie in chunks beside the others, and no event copies them.
 */
import type { CallRow, CallTable } from './calls.js';

/**
 * How many ended rows are remembered, arguments and answers too, so that a call delivered again is known, and an answer that a resumed conversation has
 * not had is written again. Of more, the oldest are forgotten, answers that are owed so last.
 */
export const keptRows = 1_024;

/** How long answers and arguments may be that are remembered, in all, characters of JSON; the latest are kept, whatever their length. */
export const keptCharacters = 32 * 1_024 * 1_024;

/** Ended rows beside the open ones before they become a chunk. */
const chunkRows = 64;

/** Rows that ended a while ago, and what follows from them. */
export interface OlderCalls {
  /** In the order of their keys; there is one at least. */
  readonly rows: readonly CallRow[];
  /** How long their arguments and answers are, characters. */
  readonly size: number;
  /** How many of them are owed. */
  readonly owedCount: number;
  /** The latest key of each id; also of rows that have been left out since. */
  readonly keyById: Readonly<Record<string, number>>;
}

const noChunks: readonly OlderCalls[] = [];

/** The table with these rows beside its open ones. Most sessions never have a chunk, and their tables say nothing of any. */
function withChunks(table: CallTable, older: readonly OlderCalls[]): CallTable {
  if (older.length > 0) return { ...table, older };
  const bare = { ...table };
  delete bare.older;
  return bare;
}

function chunkOf(rows: readonly CallRow[]): OlderCalls {
  return {
    rows,
    size: rows.reduce((sum, row) => sum + sizeOf(row), 0),
    owedCount: rows.filter(isOwed).length,
    keyById: Object.fromEntries(rows.map(({ id, key }) => [id, key])),
  };
}

/** Is the call still to end? @throws never */
export function isOpen({ status }: Pick<CallRow, 'status'>): boolean {
  return status === 'pending' || status === 'running' || status === 'answering';
}

/** May its answer have to be written again? A resumed conversation would not have had it. @throws never */
export function isOwed({ status, answer, covered }: CallRow): boolean {
  return status === 'answered' && answer !== null && !covered;
}

function sizeOf({ size, argsSize }: CallRow): number {
  return size + argsSize;
}

/** All rows, oldest first. @throws never */
export function allRows({ rows, older = noChunks }: CallTable): readonly CallRow[] {
  return older.length === 0 ? rows : [...older.flatMap((chunk) => chunk.rows), ...rows].sort((one, other) => one.key - other.key);
}

/** The latest call with that id; none with an empty one, which tells no call from another. @throws never */
export function rowOf({ rows, older = noChunks }: CallTable, id: string): CallRow | undefined {
  if (id === '') return undefined;
  let found: CallRow | undefined;
  for (let at = rows.length - 1; at >= 0 && found === undefined; at--) if (rows[at]?.id === id) found = rows[at];
  for (const { rows: ended, keyById } of older) {
    const key = Object.hasOwn(keyById, id) ? (keyById[id] ?? 0) : 0;
    if (key > (found?.key ?? 0)) found = ended.find((row) => row.key === key) ?? found;
  }
  return found;
}

/** The call with that number. @throws never */
export function rowByKey({ rows, older = noChunks }: CallTable, key: number): CallRow | undefined {
  for (let at = rows.length - 1; at >= 0; at--) if (rows[at]?.key === key) return rows[at];
  const isMeant = (row: CallRow): boolean => row.key === key;
  for (const { rows: ended } of older) {
    const isWithin = key >= (ended[0] as CallRow).key && key <= (ended.at(-1) as CallRow).key;
    const row = isWithin ? ended.find(isMeant) : undefined;
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The table with other rows in the place of some: `change` returns the same for those that stay. */
export function mapRows(table: CallTable, change: (row: CallRow) => CallRow): CallTable {
  const mapped = (rows: readonly CallRow[]): readonly CallRow[] => {
    const next = rows.map(change);
    return next.every((row, at) => row === rows[at]) ? rows : next;
  };
  const { older: before = noChunks } = table;
  const older = before.map((chunk) => {
    const ended = mapped(chunk.rows);
    return ended === chunk.rows ? chunk : chunkOf(ended);
  });
  const rows = mapped(table.rows);
  const isSame = rows === table.rows && older.every((chunk, at) => chunk === before[at]);
  return isSame ? table : withChunks({ ...table, rows }, older);
}

/** The table without a row. */
export function withoutRow(table: CallTable, row: CallRow): CallTable {
  const isOther = (other: CallRow): boolean => other !== row;
  if (table.rows.includes(row)) return { ...table, rows: table.rows.filter(isOther) };
  const { older: before = noChunks } = table;
  const place = before.findIndex(({ rows: [first], rows }) => row.key >= (first as CallRow).key && rows.includes(row));
  const chunk = before[place];
  if (chunk === undefined) return table;
  const older = before.slice();
  const size = chunk.size - sizeOf(row);
  older[place] = {
    ...chunk,
    rows: chunk.rows[0] === row ? chunk.rows.slice(1) : chunk.rows.filter(isOther),
    size,
    owedCount: chunk.owedCount - (isOwed(row) ? 1 : 0),
  };
  return withChunks(table, chunk.rows.length > 1 ? older : older.filter((_, at) => at !== place));
}

/** The table, with its open rows counted. */
export function counted(table: CallTable): CallTable {
  let [openCount, blockingCount] = [0, 0];
  for (const row of table.rows) {
    if (!isOpen(row) || row.unasked) continue;
    openCount++;
    if (row.blocking) blockingCount++;
  }
  return { ...table, openCount, blockingCount };
}

/** Drops ended rows beyond {@link keptRows} and {@link keptCharacters}: the oldest, but what is owed last. It goes over all of them at every end of a call. */
export function forget(table: CallTable): CallTable {
  let [count, characters] = [0, 0];
  for (const row of table.rows) {
    if (isOpen(row)) continue;
    count++;
    characters += sizeOf(row);
  }
  let now = table;
  if (count > chunkRows) {
    const ended = table.rows.filter((row) => !isOpen(row));
    now = { ...table, rows: table.rows.filter(isOpen), older: [...(table.older ?? noChunks), chunkOf(ended)] };
  }
  for (const chunk of table.older ?? noChunks) {
    count += chunk.rows.length;
    characters += chunk.size;
  }
  // The last of all is kept, whatever its length.
  while (count > 1 && (count > keptRows || characters > keptCharacters)) {
    const row = oldestOf(now);
    if (row === undefined) break;
    now = { ...withoutRow(now, row), forgottenCount: now.forgottenCount + (isOwed(row) ? 1 : 0) };
    count--;
    characters -= sizeOf(row);
  }
  return now;
}

/** The row that is forgotten next: the oldest that is not owed, or else the oldest. */
function oldestOf({ rows, older = noChunks }: CallTable): CallRow | undefined {
  let free: CallRow | undefined;
  let oldest: CallRow | undefined;
  const look = (ended: readonly CallRow[], hasFree: boolean): void => {
    let isFirst = true;
    for (const row of ended) {
      if (isOpen(row)) continue;
      if (isFirst && row.key < (oldest?.key ?? Infinity)) oldest = row;
      isFirst = false;
      if (!hasFree) return;
      if (isOwed(row)) continue;
      if (row.key < (free?.key ?? Infinity)) free = row;
      return;
    }
  };
  look(rows, true);
  for (const chunk of older) look(chunk.rows, chunk.owedCount < chunk.rows.length);
  return free ?? oldest;
}
