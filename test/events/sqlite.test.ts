/** What is particular to a store in a file: its indexes, its faults, other files, other processes; and that it does as the one in memory does. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LedgerStore, thisRuntime } from '../../src/events/ledger-store.js';
import { memoryEvents } from '../../src/events/memory.js';
import type { EventStore, PrunePolicy } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { type Driver, findDriver } from '../../src/events/sqlite-drivers.js';
import { SqliteLedger } from '../../src/events/sqlite-ledger.js';
import { prepareFile } from '../../src/events/sqlite-schema.js';
import { allOf, good, typesOf } from '../../src/testing/event-store/looks.js';
import { seed } from '../model/seed.js';
import { drivers, newFile, removeFiles } from './store-world.js';

afterEach(removeFiles);

const writing = { durability: 'full', lockMs: 0 } as const;

/** A driver that fails where it is told to. */
async function faulty(path: string): Promise<{ driver: Driver; fail: { at: RegExp; code: string } | null; seen: string[] }> {
  const real = (await findDriver('libsql'))(path);
  const state: { driver: Driver; fail: { at: RegExp; code: string } | null; seen: string[] } = { driver: real, fail: null, seen: [] };
  const look = (sql: string): void => {
    state.seen.push(sql);
    if (state.fail?.at.test(sql) === true) throw Object.assign(new Error('disk I/O error'), { code: state.fail.code });
  };
  state.driver = {
    ...real,
    exec: (sql) => {
      look(sql);
      real.exec(sql);
    },
    prepare: (sql) => {
      const statement = real.prepare(sql);
      return { all: (...values) => (look(sql), statement.all(...values)), run: (...values) => (look(sql), statement.run(...values)) };
    },
  };
  return state;
}

describe('a store in a file', () => {
  it('answers each kind of question by an index', async () => {
    const path = newFile();
    const state = await faulty(path);
    prepareFile(state.driver, writing);
    const store = new LedgerStore(new SqliteLedger(state.driver), {}, thisRuntime);
    await good(store.append('s', [{ type: 't', id: 'x' }]));
    for (const sought of [
      { stream: 's' },
      { type: 't' },
      { correlation: 'c' },
      { causation: 'x' },
      {},
      { sinceWallAt: 5 },
      { stream: 's', type: 't' },
    ]) {
      state.seen.length = 0;
      await good(store.read(sought));
      for (const sql of state.seen.filter((one) => one.startsWith('SELECT position, stream'))) {
        const values = Array.from({ length: sql.split('?').length - 1 }, () => 1);
        const plan = state.driver.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
        const detail = plan.map((row) => row['detail']).join('; ');
        expect(detail).toMatch(/^SEARCH events USING (?:INDEX events_by_|INTEGER PRIMARY KEY)/);
        expect(detail).not.toMatch(/TEMP B-TREE/);
      }
    }
    await store.close();
  });

  it.each([[{ stream: 's' }], [{ prefix: 's' }], [{}]])('prunes %j by an index, and sorts nothing', async (selection) => {
    const state = await faulty(newFile());
    prepareFile(state.driver, writing);
    const store = new LedgerStore(new SqliteLedger(state.driver), {}, thisRuntime);
    for (const stream of ['s1', 's2', 's']) await good(store.append(stream, [{ type: 't' }, { type: 't' }]));
    state.seen.length = 0;
    await good(store.prune({ ...selection, below: 100 }));
    const seen = state.seen.filter((sql) => /^(?:SELECT .* FROM events WHERE .* < \? ORDER BY|DELETE FROM events)/.test(sql));
    expect(seen.length).toBe(2);
    for (const sql of seen) {
      const values = Array.from({ length: sql.split('?').length - 1 }, () => '[1]');
      const detail = state.driver.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      const steps = detail.map((row) => row['detail']).join('; ');
      expect(steps).toMatch(/^SEARCH events USING (?:COVERING INDEX events_by_stream|INTEGER PRIMARY KEY)/);
      expect(steps).not.toMatch(/TEMP B-TREE/);
    }
    await store.close();
  });

  it('that is pruned by a prefix goes on, in each part, with the stream that the last one ended in', async () => {
    const state = await faulty(newFile());
    prepareFile(state.driver, writing);
    const asked: unknown[] = [];
    const ledger = new SqliteLedger({
      ...state.driver,
      prepare: (sql) => {
        const statement = state.driver.prepare(sql);
        const isSearch = sql.startsWith('SELECT position, stream FROM events');
        return { run: statement.run, all: (...values) => (isSearch && asked.push(values[0]), statement.all(...values)) };
      },
    });
    const store = new LedgerStore(ledger, {}, thisRuntime);
    for (const stream of ['s3', 's1', 's2', 's1', 's2'])
      await good(
        store.append(
          stream,
          Array.from({ length: 1_000 }, () => ({ type: 't' })),
        ),
      );
    expect(await store.prune({ prefix: 's', keep: 0 })).toEqual({ ok: true, pruned: 5_000, through: 5_000 });
    expect(asked).toEqual(['s', 's1', 's2']);
    await store.close();
  });

  it.each([
    ['an insert', /^INSERT INTO events/, 'SQLITE_FULL', 'failed', true],
    ['an insert, by a broken disk', /^INSERT INTO events/, 'SQLITE_IOERR_WRITE', 'failed', false],
    ['the commit, for another process', /^COMMIT/, 'SQLITE_BUSY', 'failed', true],
    ['the commit, on a full disk', /^COMMIT/, 'SQLITE_FULL', 'failed', true],
    ['the commit, by a broken disk', /^COMMIT/, 'SQLITE_IOERR_FSYNC', 'unknown', false],
  ] as const)('of which %s fails says whether it is known to have stored nothing', async (_, at, code, reason, goesOn) => {
    const path = newFile();
    const state = await faulty(path);
    prepareFile(state.driver, writing);
    const store = new LedgerStore(new SqliteLedger(state.driver), {}, thisRuntime);
    await good(store.append('s', [{ type: 'a' }]));
    const faults: boolean[] = [];
    store.listen({ faulted: ({ isBroken }) => faults.push(isBroken) });
    state.fail = { at, code };
    const both = await Promise.all([store.append('s', [{ type: 'b' }]), store.save('k', 1)]);
    expect(both.map((outcome) => !outcome.ok && outcome.reason)).toEqual([reason, reason]);
    state.fail = null;
    expect([faults, (await store.append('s', [{ type: 'c' }])).ok]).toEqual([[!goesOn], goesOn]);
    await store.close();
    const again = await sqliteEvents({ path });
    expect(await typesOf(again)).toBe(goesOn ? 'a c' : 'a');
    expect((await good(again.status())).events).toBe(goesOn ? 2 : 1);
    await again.close();
  });

  it('of which a later part of a pruning fails has the earlier ones done, says that it was not, and does the rest when it is asked again', async () => {
    const state = await faulty(newFile());
    prepareFile(state.driver, writing);
    const store = new LedgerStore(new SqliteLedger(state.driver), {}, thisRuntime);
    const many = Array.from({ length: 1_000 }, () => ({ type: 'a' }));
    for (let n = 0; n < 5; n++) await good(store.append('s', many));
    const listening = store.listen({ committed: () => (state.fail = { at: /^DELETE FROM events/, code: 'SQLITE_FULL' }) });
    expect(await store.prune({ keep: 10 })).toMatchObject({ ok: false, reason: 'failed' });
    listening.unsubscribe();
    state.fail = null;
    expect(await good(store.status())).toMatchObject({ events: 3_000, prunedThrough: 2_000 });
    expect(await store.prune({ keep: 10 })).toEqual({ ok: true, pruned: 2_990, through: 4_990 });
    await store.close();
  });

  it.each(drivers.flatMap((driver) => [[driver, 'full', 2, 1] as const, [driver, 'normal', 1, 0] as const]))(
    'by %s, written %s, waits for the disk as far as that says, on macOS too',
    async (name, durability, synchronous, isFull) => {
      const driver = (await findDriver(name))(newFile());
      prepareFile(driver, { durability, lockMs: 0 });
      const setting = (pragma: string): unknown => Number(driver.prepare(`PRAGMA ${pragma}`).all()[0]?.[pragma]);
      expect(['synchronous', 'fullfsync', 'checkpoint_fullfsync'].map(setting)).toEqual([synchronous, isFull, isFull]);
      driver.close();
    },
  );

  it('refuses files that are none, and makes none where it may not', async () => {
    const path = newFile();
    const folder = dirname(path);
    writeFileSync(join(folder, 'text.db'), 'no database, but long enough to be looked at '.repeat(100));
    const other = (await findDriver())(join(folder, 'other.db'));
    other.exec('CREATE TABLE theirs(a)');
    other.close();
    const newer = (await findDriver())(join(folder, 'newer.db'));
    prepareFile(newer, writing);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    for (const name of ['text.db', 'other.db', 'newer.db', 'missing/events.db'])
      await expect(sqliteEvents({ path: join(folder, name) })).rejects.toMatchObject({ code: 'events/invalid-file' });
    expect(existsSync(join(folder, 'missing'))).toBe(false);
  });

  it('is written by two at once, without a gap and without a lie', async () => {
    const path = newFile();
    const [left, right] = [await sqliteEvents({ path }), await sqliteEvents({ path })];
    for (let n = 0; n < 20; n++) await Promise.all([left.append('s', [{ type: 'left' }]), right.append('s', [{ type: 'right' }])]);
    expect((await good(left.version('s'))).version).toBe(40);
    expect((await allOf(right)).map(({ version }) => version)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    await good(left.fence({ name: 'f', token: 2 }));
    expect(await right.append('s', [{ type: 'late' }], { fence: { name: 'f', token: 1 } })).toMatchObject({ reason: 'fenced', highest: 2 });
    await Promise.all([left.close(), right.close()]);
  });

  it('by one engine is read by the other', async () => {
    const path = newFile();
    for (const [index, driver] of drivers.entries()) {
      const store = await sqliteEvents({ path, driver });
      await good(store.append('s', [{ type: driver, data: { é: [null] } }], { expected: index }));
      await store.close();
    }
    const store = await sqliteEvents({ path });
    expect((await allOf(store)).map(({ type, data }) => [type, data])).toEqual(drivers.map((driver) => [driver, { é: [null] }]));
    await store.close();
  });

  it('needs an engine', async () => {
    const wanted = drivers.includes('node:sqlite') ? undefined : ('node:sqlite' as const);
    if (wanted !== undefined) await expect(sqliteEvents({ path: newFile(), driver: wanted })).rejects.toMatchObject({ code: 'events/missing-peer' });
    await expect(sqliteEvents({ path: ':memory:' })).rejects.toMatchObject({ code: 'events/invalid-options' });
  });
});

describe('whatever is asked, in whatever order', () => {
  const stream = fc.constantFrom('a', 'b', '$own');
  const event = fc.record({ type: fc.constantFrom('x', 'y'), data: fc.jsonValue(), correlation: fc.constantFrom('c', 'd') });
  const fence = fc.record({ name: fc.constant('f'), token: fc.nat(4) });
  const command = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(
        fc.constant('append' as const),
        stream,
        fc.array(event, { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat(6), { nil: undefined }),
        fc.option(fence, { nil: undefined }),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constant('save' as const), fc.constantFrom('k', 'l'), fc.jsonValue(), fc.option(fc.nat(4), { nil: undefined })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant('remove' as const), fc.constantFrom('k', 'l')) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constant('prune' as const),
        fc.oneof(
          fc.record({ stream, keep: fc.nat(2) }),
          fc.record({ below: fc.nat(9) }),
          fc.record({ olderThanMs: fc.nat(30) }),
          fc.record({ prefix: fc.constantFrom('$', 'a', ''), keep: fc.nat(3) }),
        ),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(
        fc.constant('read' as const),
        fc.record(
          {
            stream,
            type: fc.constantFrom('x', 'y'),
            correlation: fc.constantFrom('c', 'd'),
            sinceWallAt: fc.nat(40),
            untilWallAt: fc.nat(60),
            after: fc.nat(12),
            limit: fc.integer({ min: 1, max: 4 }),
            order: fc.constantFrom('forward' as const, 'backward' as const),
          },
          { requiredKeys: [] },
        ),
      ),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant('time' as const), fc.integer({ min: -5, max: 20 })) },
  );

  it(`the store in a file answers as the one in memory (seed ${seed})`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
        let now = 0;
        const wallNow = (): number => now;
        const stores: EventStore[] = [memoryEvents({ wallNow }), await sqliteEvents({ path: newFile(), wallNow, durability: 'normal' })];
        let count = 0;
        for (const one of commands) {
          if (one[0] === 'time') now = Math.max(0, now + one[1]);
          const from = count;
          const answers = await Promise.all(
            stores.map((store): Promise<unknown> => {
              if (one[0] === 'append') {
                const events = one[2].map((given, index) => ({ ...given, id: `e${from + index}` }));
                count = from + events.length;
                const options = { ...(one[3] === undefined ? {} : { expected: one[3] }), ...(one[4] === undefined ? {} : { fence: one[4] }) };
                return store.append(one[1], events, options);
              }
              if (one[0] === 'save') return store.save(one[1], one[2], one[3] === undefined ? {} : { expected: one[3] });
              if (one[0] === 'remove') return store.remove(one[1]);
              if (one[0] === 'prune') {
                const { prefix, ...policy } = one[1] as PrunePolicy;
                return store.prune(prefix === undefined || prefix === '' ? policy : { ...policy, prefix });
              }
              return one[0] === 'read' ? store.read(one[1]) : store.status().then((status) => ({ ...status, isDurable: null }));
            }),
          );
          expect(answers[1]).toEqual(answers[0]);
        }
        const [memory, file] = await Promise.all(stores.map(async (store) => [await allOf(store), await store.list('')]));
        expect(file).toEqual(memory);
        await Promise.all(stores.map((store) => store.close()));
      }),
      { seed, numRuns: 60 },
    );
  });
});
