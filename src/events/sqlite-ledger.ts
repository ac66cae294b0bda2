/** A ledger in one SQLite file, by whichever driver. */
import { type DocumentEntry, type Entry, type Ledger, LedgerFault, type PlannedQuery, type Pruned, type Selection } from './ledger.js';
import type { Driver, Row, Statement, Value } from './sqlite-drivers.js';
import { closeFile } from './sqlite-schema.js';

const columns = 'position, stream, version, id, type, correlation, causation, wall_at, data';
/** Rows read at a time, so that a page of large events is never there twice over. */
const slice = 128;

/** Primary result codes of SQLite. @see https://www.sqlite.org/rescode.html */
const codes = { busy: 5, ioerr: 10, corrupt: 11, full: 13, notadb: 26 };

/** `wallAt`, the time of the newest event that was there when some were pruned, is in a file only once some were. */
type Counter = 'events' | 'pruned' | 'revision' | 'wallAt';

export class SqliteLedger implements Ledger {
  readonly isDurable = true;
  readonly #driver: Driver;
  readonly #isThere: () => boolean;
  readonly #statements = new Map<string, Statement>();
  /** What this commit has added to the number of events. */
  #added = 0;

  /** @param isThere  does the path still lead to the file that is open? */
  constructor(driver: Driver, isThere: () => boolean = () => true) {
    this.#driver = driver;
    this.#isThere = isThere;
  }

  transact(work: () => void): void {
    // SQLite would go on, in a file without a name, and all that it takes would be gone with the process.
    if (!this.#isThere()) throw new LedgerFault('failed', true, new Error('the file was removed, or another is in its place'));
    this.#added = 0;
    try {
      this.#run('BEGIN IMMEDIATE');
      work();
      if (this.#added > 0) this.#count('events', this.#added);
    } catch (error) {
      const isUndone = this.#rollBack();
      throw new LedgerFault('failed', !isUndone || isFatal(error), error);
    }
    try {
      this.#run('COMMIT');
    } catch (error) {
      const code = codeOf(error);
      const isUndone = this.#rollBack() && (code === codes.busy || code === codes.full);
      // What the disk has of it nobody knows: to go on as if it had nothing would be a guess.
      throw isUndone ? new LedgerFault('failed', false, error) : new LedgerFault('unknown', true, error);
    }
  }

  /** @returns is nothing of it there any more? SQLite may have done it by itself, and then complains */
  #rollBack(): boolean {
    try {
      this.#driver.exec('ROLLBACK');
      return true;
    } catch (error) {
      return /no transaction/i.test((error as Error).message);
    }
  }

  close(): void {
    this.#statements.clear();
    closeFile(this.#driver);
  }

  head(): number {
    return Number(this.#first("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?.['seq'] ?? 0);
  }

  prunedThrough(): number {
    return this.#counter('pruned');
  }

  count(): number {
    return this.#counter('events');
  }

  #counter(name: Counter): number {
    return Number(this.#first('SELECT value FROM counters WHERE name = ?', name)?.['value'] ?? 0);
  }

  #count(name: Counter, by: number): void {
    this.#run('UPDATE counters SET value = value + ? WHERE name = ?', by, name);
  }

  lastWallAt(): number {
    const newest = this.#first('SELECT wall_at FROM events ORDER BY position DESC LIMIT 1')?.['wall_at'] ?? 0;
    return Math.max(Number(newest), this.#counter('wallAt'));
  }

  versionOf(stream: string): number {
    return Number(this.#first('SELECT version FROM streams WHERE name = ?', stream)?.['version'] ?? 0);
  }

  setVersion(stream: string, version: number): void {
    this.#run('INSERT INTO streams(name, version) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET version = excluded.version', stream, version);
  }

  entryOf(id: string): Entry | null {
    const row = this.#first(`SELECT ${columns} FROM events WHERE id = ?`, id);
    return row === undefined ? null : entryOf(row);
  }

  add({ stream, version, id, type, correlation, causation, wallAt, data }: Omit<Entry, 'position'>): number {
    this.#added++;
    return this.#run(
      'INSERT INTO events(stream, version, id, type, correlation, causation, wall_at, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[stream, version, id, type, correlation, causation, wallAt, data],
    ).lastInsertRowid;
  }

  page({ limit, isBackward, after, sinceWallAt, untilWallAt, ...sought }: PlannedQuery): Entry[] {
    const { where, values } = conditions(sought);
    let from = sinceWallAt === undefined ? 0 : this.positionSince(sinceWallAt);
    let until = untilWallAt === undefined ? Number.MAX_SAFE_INTEGER : this.positionSince(untilWallAt);
    if (isBackward) until = Math.min(until, after ?? until);
    else from = Math.max(from, (after ?? 0) + 1);
    const order = isBackward ? 'DESC' : 'ASC';
    const sql = `SELECT ${columns} FROM events WHERE ${[...where, 'position >= ?', 'position < ?'].join(' AND ')} ORDER BY position ${order} LIMIT ?`;
    const found: Entry[] = [];
    for (let bytes = 0; found.length < limit && bytes < 16 * 1_048_576; ) {
      const some = Math.min(slice, limit - found.length);
      const rows = this.#statement(sql)
        .all(...values, from, until, some)
        .map(entryOf);
      for (const { data } of rows) bytes += data.length;
      found.push(...rows);
      const [newest] = rows.slice(-1);
      if (newest === undefined || rows.length < some) break;
      if (isBackward) until = newest.position;
      else from = newest.position + 1;
    }
    return found;
  }

  newest(selection: Selection, nth: number): number {
    const { where, values } = selected(selection);
    const sql = `SELECT position FROM events WHERE ${where} ORDER BY position DESC LIMIT 1 OFFSET ?`;
    return Number(this.#first(sql, ...values, nth - 1)?.['position'] ?? 0);
  }

  /** By halves: the times of events never fall, so they need no index of their own. */
  positionSince(wallAt: number): number {
    let [low, high] = [1, this.head() + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#first('SELECT position, wall_at FROM events WHERE position >= ? ORDER BY position LIMIT 1', middle);
      if (row === undefined || Number(row['wall_at']) >= wallAt) high = middle;
      else low = Number(row['position']) + 1;
    }
    return low;
  }

  prune(selection: Selection, below: number, limit: number, from?: string): Pruned {
    const { where, values, order } = selected(selection, from);
    const sought = this.#statement(`SELECT position, stream FROM events WHERE ${where} AND position < ? ORDER BY ${order} LIMIT ?`);
    const rows = sought.all(...values, below, limit);
    const positions = rows.map((row) => row['position'] as number);
    const through = positions.reduce((highest, position) => Math.max(highest, position), 0);
    const count = rows.length;
    if (count === 0) return { count, through };
    const raised = 'ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)';
    this.#run(`INSERT INTO counters(name, value) VALUES ('wallAt', ?) ${raised}`, this.lastWallAt());
    this.#run('DELETE FROM events WHERE position IN (SELECT value FROM json_each(?))', JSON.stringify(positions));
    this.#count('events', -count);
    this.#run("UPDATE counters SET value = max(value, ?) WHERE name = 'pruned'", through);
    return selection.prefix === undefined ? { count, through } : { count, through, last: rows.at(-1)?.['stream'] as string };
  }

  highestToken(fence: string): number {
    return Number(this.#first('SELECT token FROM fences WHERE name = ?', fence)?.['token'] ?? -1);
  }

  setToken(fence: string, token: number): void {
    const raised = 'ON CONFLICT(name) DO UPDATE SET token = excluded.token WHERE excluded.token > fences.token';
    this.#run(`INSERT INTO fences(name, token) VALUES (?, ?) ${raised}`, fence, token);
  }

  documentOf(key: string): DocumentEntry | null {
    const row = this.#first('SELECT key, value, revision, wall_at FROM documents WHERE key = ?', key);
    return row === undefined ? null : documentOf(row);
  }

  documents(prefix: string, after: string, limit: number): DocumentEntry[] {
    const { where, values } = beginning('key', prefix);
    const sql = `SELECT key, value, revision, wall_at FROM documents WHERE ${where} AND key > ? ORDER BY key LIMIT ?`;
    return this.#statement(sql)
      .all(...values, after, limit)
      .map(documentOf);
  }

  putDocument({ key, value, wallAt }: Omit<DocumentEntry, 'revision'>): number {
    this.#count('revision', 1);
    const revision = this.#counter('revision');
    const replaced = 'ON CONFLICT(key) DO UPDATE SET value = excluded.value, revision = excluded.revision, wall_at = excluded.wall_at';
    this.#run(`INSERT INTO documents(key, value, revision, wall_at) VALUES (?, ?, ?, ?) ${replaced}`, key, value, revision, wallAt);
    return revision;
  }

  removeDocument(key: string): void {
    this.#run('DELETE FROM documents WHERE key = ?', key);
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#driver.prepare(sql)));
    return statement;
  }

  #run(sql: string, ...values: Value[]): ReturnType<Statement['run']> {
    return this.#statement(sql).run(...values);
  }

  #first(sql: string, ...values: Value[]): Row | undefined {
    return this.#statement(sql).all(...values)[0];
  }
}

function conditions(sought: Pick<PlannedQuery, 'stream' | 'type' | 'correlation' | 'causation'>): { where: string[]; values: Value[] } {
  const given = (['stream', 'correlation', 'causation', 'type'] as const).flatMap((name) => {
    const value = sought[name];
    return value === undefined ? [] : [{ name, value }];
  });
  return { where: given.map(({ name }) => `${name} = ?`), values: given.map(({ value }) => value) };
}

/**
 * The store's own streams are pruned only where they are named. `order`: as an index has them, so that no part of a pruning sorts all that is left.
 * @param from  of those with a prefix, the stream to begin with: what earlier parts have left is not gone through again
 */
function selected({ stream, prefix }: Selection, from?: string): { readonly where: string; readonly values: Value[]; readonly order: string } {
  if (stream !== undefined) return { where: 'stream = ?', values: [stream], order: 'position' };
  if (prefix === undefined) return { where: "NOT (stream >= '$' AND stream < '%')", values: [], order: 'position' };
  const { where, values } = beginning('stream', prefix);
  return { where, values: [from ?? prefix, ...values.slice(1)], order: 'stream, position' };
}

/** All that begins so: from the prefix on, and before the next text of its length or less. Beyond the highest code point there is none; a blob is behind all. */
function beginning(column: string, prefix: string): { readonly where: string; readonly values: Value[] } {
  const points = Array.from(prefix);
  while (points.at(-1) === '\u{10ffff}') points.pop();
  const point = points.pop()?.codePointAt(0);
  if (point === undefined) return { where: `${column} >= ? AND ${column} < x''`, values: [prefix] };
  // Surrogates are no text by themselves.
  const next = point === 0xd7ff ? 0xe000 : point + 1;
  return { where: `${column} >= ? AND ${column} < ?`, values: [prefix, points.join('') + String.fromCodePoint(next)] };
}

function entryOf(row: Row): Entry {
  return {
    position: row['position'] as number,
    stream: row['stream'] as string,
    version: row['version'] as number,
    id: row['id'] as string,
    type: row['type'] as string,
    correlation: (row['correlation'] ?? null) as string | null,
    causation: (row['causation'] ?? null) as string | null,
    wallAt: row['wall_at'] as number,
    data: row['data'] as string,
  };
}

function documentOf(row: Row): DocumentEntry {
  return { key: row['key'] as string, value: row['value'] as string, revision: row['revision'] as number, wallAt: row['wall_at'] as number };
}

/** node:sqlite says a number, of which the low byte is the primary code; libsql its name. */
function codeOf(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  if (typeof errcode === 'number') return errcode & 0xff;
  const name = Object.keys(codes).find((one) => String(code).toLowerCase().startsWith(`sqlite_${one}`));
  return name === undefined ? undefined : codes[name as keyof typeof codes];
}

/** After this, what the engine holds in memory is not to be trusted. */
function isFatal(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.ioerr || code === codes.corrupt || code === codes.notadb;
}
