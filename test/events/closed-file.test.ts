/** What is there of a store in a file once it was closed, and what becomes of one whose file is taken away while it is open. */
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqlite, planSqlite, sqliteEvents } from '../../src/events/sqlite.js';
import { findDriver } from '../../src/events/sqlite-drivers.js';
import { allOf, good } from '../../src/testing/event-store/looks.js';
import { drivers, newFile, removeFiles } from './store-world.js';

afterEach(removeFiles);

const large = 'x'.repeat(2_000);

describe.each(drivers)('a store in a file, by %s', (driver) => {
  it('is whole in that file alone once it was closed, with nothing beside it', async () => {
    const path = newFile();
    const store = await sqliteEvents({ path, driver });
    for (let n = 0; n < 50; n++) await good(store.append('s', [{ type: 't', data: large }]));
    await good(store.read({ stream: 's' }));
    await store.close();
    expect(readdirSync(dirname(path))).toEqual(['events.db']);
    copyFileSync(path, join(dirname(path), 'copy.db'));
    const copy = await sqliteEvents({ path: join(dirname(path), 'copy.db'), driver });
    expect(await allOf(copy)).toHaveLength(50);
    await copy.close();
  });

  it('of which another has the file open is closed without waiting, and the other goes on', async () => {
    const path = newFile();
    const [left, right] = [await sqliteEvents({ path, driver, lockMs: 60_000 }), await sqliteEvents({ path, driver })];
    await good(left.append('s', [{ type: 'left' }]));
    await left.close();
    await good(right.append('s', [{ type: 'right' }]));
    expect((await allOf(right)).map(({ type }) => type)).toEqual(['left', 'right']);
    await right.close();
  });

  it('is refused where the file was overwritten after it was closed', async () => {
    const path = newFile();
    const store = await sqliteEvents({ path, driver });
    await good(store.append('s', [{ type: 't', data: large }]));
    await store.close();
    writeFileSync(path, 'no database, but long enough to be looked at '.repeat(100));
    await expect(sqliteEvents({ path, driver })).rejects.toMatchObject({ code: 'events/invalid-file' });
  });

  it('that was open before is refused where its file has been emptied', async () => {
    const path = newFile();
    const plan = planSqlite({ path, driver });
    await (await openSqlite(plan)).close();
    truncateSync(path, 0);
    await expect(openSqlite(plan, true)).rejects.toMatchObject({ code: 'events/invalid-file', message: expect.stringContaining('an empty file') });
  });

  it.each(['removed', 'replaced'])('takes nothing any more once its file was %s, and says so', async (how) => {
    const path = newFile();
    const store = await sqliteEvents({ path, driver });
    await good(store.append('s', [{ type: 't' }]));
    const faults: boolean[] = [];
    store.listen({ faulted: ({ isBroken }) => faults.push(isBroken) });
    if (how === 'removed') rmSync(path);
    else {
      copyFileSync(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    }
    expect(await store.append('s', [{ type: 'lost' }])).toMatchObject({ ok: false, reason: 'failed' });
    expect(faults).toEqual([true]);
    expect(await store.append('s', [{ type: 'lost' }])).toEqual({ ok: false, reason: 'closed' });
    await store.close();
  });

  it('leaves the log of another program as it was', async () => {
    const path = newFile();
    const other = (await findDriver(driver))(path);
    other.exec('PRAGMA journal_mode = WAL');
    other.exec('CREATE TABLE theirs(a)');
    await expect(sqliteEvents({ path, driver })).rejects.toMatchObject({ code: 'events/invalid-file' });
    expect(existsSync(`${path}-wal`)).toBe(true);
    other.close();
    // Bytes 18 and 19 of the header: 2 is the write-ahead log.
    expect([...readFileSync(path).subarray(18, 20)]).toEqual([2, 2]);
  });

  it('in a folder that is not there is refused, with the engine’s word', async () => {
    const path = join(dirname(newFile()), 'missing', 'events.db');
    const refused = sqliteEvents({ path, driver });
    await expect(refused).rejects.toThrow(driver === 'libsql' ? /got: "?SQLITE_CANTOPEN/ : /got: "?\w+/);
  });
});
