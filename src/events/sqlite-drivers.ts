/** The two engines that speak the same SQL and write the same file: `node:sqlite`, where Node has it, and else the package `libsql`. */
import { EspalierError } from '../errors.js';

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

export interface Statement {
  /** @returns rows that it changed, and the rowid of the last one that it put in */
  run(...values: Value[]): { readonly changes: number; readonly lastInsertRowid: number };
  /** Reads to the end: a statement that is left half-read would keep the log from being emptied. */
  all(...values: Value[]): Row[];
}

export interface Driver {
  readonly name: DriverName;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export type DriverName = 'node:sqlite' | 'libsql';

/** What both classes have in common, as far as it is used. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): {
    run(...values: Value[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
    all(...values: Value[]): unknown[];
  };
  close(): void;
}

type OpenDatabase = (path: string) => Database;

/**
 * Finds an engine: the one that is asked for, or the first that there is.
 * @throws EspalierError `events/missing-peer` where there is none
 */
export async function findDriver(wanted?: DriverName): Promise<(path: string) => Driver> {
  for (const [name, find] of [['node:sqlite', nodeSqlite] as const, ['libsql', libsql] as const]) {
    if (wanted !== undefined && wanted !== name) continue;
    const open = await find();
    if (open !== undefined) return (path) => driver(name, open(path));
  }
  throw new EspalierError('events/missing-peer', {
    expected: 'Node 22.13 or newer, which has node:sqlite, or the package libsql (^0.5): npm install libsql',
    got: wanted ?? 'neither',
  });
}

async function nodeSqlite(): Promise<OpenDatabase | undefined> {
  const find = (globalThis.process as { getBuiltinModule?: (name: string) => unknown } | undefined)?.getBuiltinModule;
  const found = find?.('node:sqlite') as { DatabaseSync: new (path: string) => Database } | undefined;
  return found === undefined ? undefined : (path) => new found.DatabaseSync(path);
}

async function libsql(): Promise<OpenDatabase | undefined> {
  // Not written out at the import: who builds a page with Espalier has no such package, and needs none.
  const name = 'libsql';
  try {
    const found = (await import(/* @vite-ignore */ name)) as { default: new (path: string) => Database };
    return (path) => opened(found.default, path);
  } catch {
    return undefined;
  }
}

/** What libsql throws here has no code, but SQLite's number in its words: 14 is SQLITE_CANTOPEN. */
function opened(Libsql: new (path: string) => Database, path: string): Database {
  try {
    return new Libsql(path);
  } catch (cause) {
    const number = /: (\d+)\W*$/.exec((cause as Error).message)?.[1];
    throw Object.assign(new Error('the file cannot be opened', { cause }), {
      code: number === '14' ? 'SQLITE_CANTOPEN' : `SQLITE_${number ?? 'ERROR'}`,
    });
  }
}

function driver(name: DriverName, database: Database): Driver {
  return {
    name,
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        all: (...values) => statement.all(...values) as Row[],
        run: (...values) => {
          const { changes, lastInsertRowid } = statement.run(...values);
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
        },
      };
    },
  };
}
