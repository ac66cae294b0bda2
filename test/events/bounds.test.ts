/** What a store is held to beside its contract: whose file it is, what its listeners may do, and what a pruning looks at. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEventStore } from '../../src/index.js';
import { LedgerStore } from '../../src/events/ledger-store.js';
import { memoryEvents, MemoryLedger } from '../../src/events/memory.js';
import type { EventQuery, EventStore } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { exit } from '../../src/supervision/watch.js';
import { allOf, good, typesOf } from '../../src/testing/event-store/looks.js';
import { storeWorld, leaveNothing } from '../event-store/store-world.js';
import { newFile, removeFiles } from './store-world.js';

afterEach(async () => {
  await leaveNothing();
  removeFiles();
});

describe('a store in a file', () => {
  it.each([[2 ** 31], [Infinity], [-1], ['5']])('takes no wait for a lock that SQLite does not: %j', async (lockMs) => {
    const misuse = expect.objectContaining({ code: 'events/invalid-options' });
    await expect(sqliteEvents({ path: newFile(), lockMs: lockMs as never })).rejects.toEqual(misuse);
    expect(() => createEventStore({ path: newFile(), lockMs: lockMs as never }, { clock: new VirtualClock() })).toThrow(misuse);
  });

  it('whose engine is lost is opened again where it was, also when the process stands elsewhere', async () => {
    const folder = dirname(newFile());
    const began = process.cwd();
    mkdirSync(join(folder, 'elsewhere'));
    try {
      process.chdir(folder);
      const { store, clock, engine, facts } = storeWorld({ path: 'events.db' });
      await good(store.append('s', [{ type: 'a' }]));
      process.chdir('elsewhere');
      exit(engine(), 'kill');
      clock.advanceBy(50);
      await good(store.append('s', [{ type: 'b' }], { expected: 1 }));
      expect(facts.filter(({ type }) => type === 'eventStore.lost')).toMatchObject([{ error: 'engineLost' }]);
      await store.close();
    } finally {
      process.chdir(began);
    }
    const whole = await sqliteEvents({ path: join(folder, 'events.db') });
    expect(await typesOf(whole)).toBe('a b');
    await whole.close();
  });
});

describe('a listener that throws', () => {
  it('keeps no other from hearing, and no command that is left over from its commit', async () => {
    const due: (() => void)[] = [];
    const store = new LedgerStore(new MemoryLedger(), { maxCommitEvents: 1 }, { wallNow: () => 0, defer: (commit) => void due.push(commit) });
    const heard: unknown[] = [];
    const fail = (): never => {
      throw new Error('cannot');
    };
    store.listen({ committed: fail, refused: fail });
    store.listen({ committed: ({ head }) => heard.push(head), refused: (reason) => heard.push(reason) });
    const outcomes = [store.append('s', [{ type: 'a' }]), store.append('s', [{ type: 'b' }], { expected: 0 }), store.append('s', [{ type: 'c' }])];
    while (due.length > 0) due.shift()?.();
    expect((await Promise.all(outcomes)).map((outcome) => outcome.ok || outcome.reason)).toEqual([true, 'conflict', true]);
    expect(heard).toEqual([1, 1, 'conflict', 2]);
    await store.close();
  });
});

describe('a pruning in memory', () => {
  const kinds = ['x', 'y'];

  it('takes entries out of the lists that they are in, and leaves the rest as it is', async () => {
    const store = memoryEvents();
    for (let batch = 0; batch < 5; batch++) {
      const events = Array.from({ length: 1_000 }, (_, n) => ({
        type: kinds[n % 2] ?? '',
        id: `${batch}.${n}`,
        correlation: `c${n % 3}`,
        causation: `b${batch}`,
      }));
      await good(store.append(`s${batch % 2}`, events));
    }
    const set = vi.spyOn(Map.prototype, 'set');
    await good(store.prune({ stream: 's0', below: 4_500 }));
    // A list each for a stream, a type, three correlations and three causes, in two parts; not one word for each of the thousands that stay.
    expect(set.mock.calls.length).toBeLessThan(100);
    set.mockRestore();
    expect(await good(store.status())).toMatchObject({ events: 2_501, prunedThrough: 4_499 });
    const count = async (query: EventQuery): Promise<number> => (await allOf(store, { ...query, limit: 1_000 })).length;
    const kept = [{ stream: 's0' }, { stream: 's1' }, { type: 'x' }, { type: 'y' }, { causation: 'b0' }, { causation: 'b1' }, { causation: 'b4' }];
    expect(await Promise.all(kept.map(count))).toEqual([501, 2_000, 1_250, 1_251, 0, 1_000, 501]);
    expect([await good(store.find('4.498')), await good(store.find('4.499'))]).toMatchObject([{ event: null }, { event: { position: 4_500 } }]);
    await store.close();
  });
});

describe('a question in memory', () => {
  it('about a time looks at no event from before or after it', async () => {
    let now = 0;
    const store = memoryEvents({ wallNow: () => now });
    for (now = 1; now <= 5; now++)
      await good(
        store.append(
          's',
          Array.from({ length: 1_000 }, () => ({ type: 't', correlation: `c${now}` })),
        ),
      );
    const every = vi.spyOn(Array.prototype, 'every');
    const types = ['t', undefined] as const;
    for (const type of types)
      for (const order of ['forward', 'backward'] as const)
        for (const span of [{ sinceWallAt: 5, limit: 1 }, { untilWallAt: 1 }, { untilWallAt: 2, limit: 1 }, { sinceWallAt: 6 }])
          await good(store.read({ ...span, ...(type === undefined ? {} : { type }), order }));
    // Each of the sixteen has at most two to find; not one word for each of the thousands that it does not ask about.
    expect(every.mock.calls.length).toBeLessThan(50);
    every.mockRestore();
    expect((await allOf(store, { sinceWallAt: 2, untilWallAt: 4, type: 't', limit: 300 })).length).toBe(2_000);
    await store.close();
  });
});

describe('a store in memory', () => {
  it('commits when it is told to, all that was asked for by then at once', async () => {
    const due: (() => void)[] = [];
    const store = memoryEvents({ defer: (commit) => void due.push(commit) });
    const asked = Promise.all([store.append('s', [{ type: 'a' }]), store.append('s', [{ type: 'b' }])]);
    expect([due.length, await good(store.read({}))]).toMatchObject([1, { events: [] }]);
    due.pop()?.();
    expect(await asked).toMatchObject([{ position: 1 }, { position: 2 }]);
    await store.close();
  });

  it('commits within the microtasks of who asks, told to', async () => {
    const store = memoryEvents({ defer: queueMicrotask });
    let isLater = false;
    const later = new Promise<void>((resolve) => {
      setImmediate(() => {
        isLater = true;
        resolve();
      });
    });
    expect([(await store.append('s', [{ type: 'a' }])).ok, isLater]).toEqual([true, false]);
    await later;
    await store.close();
  });

  it('is told by what is no function: refused', () => {
    expect(() => memoryEvents({ defer: 1 as never })).toThrow(/`?defer`?.*a function/);
  });
});

describe('a clock', () => {
  it('that closes the store as it is asked has what waited committed, once', async () => {
    const store: EventStore = memoryEvents({ wallNow: () => (void store.close(), 7) });
    expect(await store.append('s', [{ type: 'a' }])).toMatchObject({ ok: true, position: 1 });
    expect(await store.append('s', [{ type: 'b' }])).toEqual({ ok: false, reason: 'closed' });
  });
});
