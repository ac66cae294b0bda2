/** The file of a store: what is in it, and whether one that is found is one of ours. */
import { EspalierError } from '../errors.js';
import type { Driver } from './sqlite-drivers.js';

/** 'Espa', in the header of the file. @see https://www.sqlite.org/pragma.html#pragma_application_id */
const applicationId = 0x45737061;
const schemaVersion = 1;

/** The rowid stands at the end of every index, so each of them has its events by position. */
const schema = `
CREATE TABLE events(
  position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, version INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
  correlation TEXT, causation TEXT, wall_at INTEGER NOT NULL, data TEXT NOT NULL);
CREATE UNIQUE INDEX events_by_id ON events(id);
CREATE INDEX events_by_stream ON events(stream);
CREATE INDEX events_by_type ON events(type);
CREATE INDEX events_by_correlation ON events(correlation) WHERE correlation IS NOT NULL;
CREATE INDEX events_by_causation ON events(causation) WHERE causation IS NOT NULL;
CREATE TABLE streams(name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE fences(name TEXT PRIMARY KEY, token INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE documents(key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL, wall_at INTEGER NOT NULL);
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters(name, value) VALUES ('events', 0), ('pruned', 0), ('revision', 0);
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;

/** How a file is written. */
export interface Writing {
  /** `full`: what is acknowledged outlasts a loss of power; `normal`: the end of the process. */
  readonly durability: 'full' | 'normal';
  /** How long to wait for another process that writes, ms; nothing else runs meanwhile. */
  readonly lockMs: number;
}

/**
 * Makes a new file a store, and looks whether an old one is.
 * @throws EspalierError `events/invalid-file` for a file of somebody else's, or of a version that is not known here
 */
export function prepareFile(driver: Driver, { durability, lockMs }: Writing): void {
  try {
    driver.exec(`PRAGMA busy_timeout = ${Math.round(lockMs)}`);
    look(driver);
    // A pragma that has a row for an answer is asked, not executed.
    driver.prepare('PRAGMA journal_mode = WAL').all();
    driver.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    // On macOS what SQLite syncs by default is in the drive's cache, not on its platter. Elsewhere this changes nothing.
    if (durability === 'full') driver.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
    if (numberOf(driver, 'application_id') === applicationId) return;
    driver.exec('BEGIN IMMEDIATE');
    // Somebody else may have made it one meanwhile.
    if (numberOf(driver, 'application_id') === 0) driver.exec(schema);
    driver.exec('COMMIT');
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw invalidFile('a file that SQLite can open and write', (cause as { code?: unknown }).code ?? 'another', cause);
  }
}

/**
 * Closes a store that {@link prepareFile} has made ready, so that the file alone is whole, and refused if it is spoilt.
 *
 * node:sqlite does so by itself. libsql 0.5 lets go of a connection that has prepared anything only once its statements are collected as garbage: until then the
 * log would stay beside the file, with all that was not carried over. So the log is emptied and taken away first.
 * @see https://github.com/tursodatabase/libsql-js/issues/230
 */
export function closeFile(driver: Driver): void {
  if (driver.name === 'libsql') {
    try {
      // Nobody is waited for: where another process has the file open, the log is its own too, and stays.
      driver.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
      driver.exec('PRAGMA journal_mode = DELETE');
    } catch {
      // What was acknowledged is in the file or in the log beside it, as after any other end.
    }
  }
  driver.close();
}

function look(driver: Driver): void {
  const [id, version] = [numberOf(driver, 'application_id'), numberOf(driver, 'user_version')];
  const [tables] = driver.prepare('SELECT count(*) AS count FROM sqlite_master').all();
  if (id === 0 && tables?.['count'] === 0) return;
  if (id !== applicationId) throw invalidFile('an event store of Espalier, or a file that is not there yet', 'a database of another program');
  if (version !== schemaVersion) throw invalidFile(`a store of version ${schemaVersion}`, `version ${version}`);
}

function numberOf(driver: Driver, pragma: 'application_id' | 'user_version'): number {
  const [row] = driver.prepare(`PRAGMA ${pragma}`).all();
  return Number(row?.[pragma]);
}

export function invalidFile(expected: string, got: unknown, cause?: unknown): EspalierError {
  return new EspalierError('events/invalid-file', { expected, got }, { cause });
}
