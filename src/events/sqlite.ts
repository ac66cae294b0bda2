/** The durable store: one SQLite file, in the process, with nothing to install on Node 22.13 and newer. */
import type { BigIntStats } from 'node:fs';
import { delay, invalid, limitKeys, requireKeys } from './event-checks.js';
import { LedgerStore, type Surroundings, thisRuntime } from './ledger-store.js';
import type { EventStore, StoreLimits } from './port.js';
import { type DriverName, findDriver } from './sqlite-drivers.js';
import { SqliteLedger } from './sqlite-ledger.js';
import { invalidFile, prepareFile, type Writing } from './sqlite-schema.js';
import { sortOf } from '../option-checks.js';

export interface SqliteOptions extends StoreLimits {
  /** Where the file is, or is to be; its folder is there. `-wal` and `-shm` stand beside it while it is open. */
  readonly path: string;
  /**
   * `full` (the default): what is acknowledged outlasts a loss of power. `normal`: it outlasts the end of the process, however it ends; a loss of power may
   * take the newest.
   */
  readonly durability?: 'full' | 'normal';
  /** Which engine. Default: `node:sqlite` where it exists, else `libsql`. */
  readonly driver?: DriverName;
  /** How long a commit waits for another process that writes, ms. Nothing else runs meanwhile. Default 1 000. */
  readonly lockMs?: number;
  /** Ms since the epoch. Default `Date.now`. */
  readonly wallNow?: () => number;
}

/** What they come to. */
export interface SqlitePlan {
  readonly path: string;
  readonly driver: DriverName | undefined;
  readonly writing: Writing;
  readonly limits: StoreLimits;
  readonly surroundings: Surroundings;
}

export const sqliteKeys = ['path', 'durability', 'driver', 'lockMs', 'wallNow', ...limitKeys];

/** @throws EspalierError `events/invalid-options` */
export function planSqlite(options: SqliteOptions): SqlitePlan {
  requireKeys('the options of a store', options, sqliteKeys);
  const { path, durability = 'full', driver, lockMs, wallNow = thisRuntime.wallNow, ...limits } = options;
  if (typeof path !== 'string' || path === '') throw invalid('path', 'the path of a file', path === '' ? '' : sortOf(path));
  if (path === ':memory:' || path.startsWith('file:')) throw invalid('path', 'the path of a file; memoryEvents() is a store in memory', 'another');
  if (durability !== 'full' && durability !== 'normal') throw invalid('durability', 'full or normal', sortOf(durability));
  if (driver !== undefined && driver !== 'node:sqlite' && driver !== 'libsql') throw invalid('driver', 'node:sqlite or libsql', sortOf(driver));
  if (typeof wallNow !== 'function') throw invalid('wallNow', 'a function', sortOf(wallNow));
  const writing: Writing = { durability, lockMs: delay('lockMs', lockMs, 1_000, 0) };
  return { path, driver, writing, limits, surroundings: { ...thisRuntime, wallNow } };
}

/**
 * Opens a store in a file, and makes the file where there is none.
 * @returns rejects with EspalierError `events/invalid-options`; `events/missing-peer` where there is no engine; `events/invalid-file` for a file that is no
 *   store, or cannot be opened
 */
export async function sqliteEvents(options: SqliteOptions): Promise<EventStore> {
  return openSqlite(planSqlite(options));
}

/**
 * @param isKnown  it was open before: a file that is not there is not made, for all places would begin anew in it, and SQLite would throw away what it has not
 *   carried over from the `-wal` beside it
 */
export async function openSqlite({ path, driver: wanted, writing, limits, surroundings }: SqlitePlan, isKnown = false): Promise<LedgerStore> {
  const connect = await findDriver(wanted);
  const { statSync } = await import('node:fs');
  const full = await fullPath(path);
  const found = (): BigIntStats | undefined => statSync(full, { bigint: true, throwIfNoEntry: false });
  if (isKnown && (found()?.size ?? 0n) === 0n)
    throw invalidFile('the store that was open before', found() === undefined ? 'no file' : 'an empty file');
  let driver;
  try {
    driver = connect(full);
  } catch (cause) {
    throw invalidFile('a file that SQLite can open and write', (cause as { code?: unknown }).code ?? 'another', cause);
  }
  try {
    prepareFile(driver, writing);
    const own = found();
    const isThere = (): boolean => isSame(found, own);
    return new LedgerStore(new SqliteLedger(driver, isThere), limits, surroundings);
  } catch (fault) {
    driver.close();
    throw fault;
  }
}

/** From where the process stands now: whoever opens a file again keeps what this said, for the process may stand elsewhere by then. */
export async function fullPath(path: string): Promise<string> {
  const { resolve } = await import('node:path');
  return resolve(path);
}

/** A folder that may not be looked into any more has the file no more, as far as anybody can tell. */
function isSame(find: () => BigIntStats | undefined, own: BigIntStats | undefined): boolean {
  try {
    const now = find();
    return now?.ino === own?.ino && now?.dev === own?.dev;
  } catch {
    return false;
  }
}
