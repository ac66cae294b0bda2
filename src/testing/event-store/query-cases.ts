/** Questions: by stream, type, correlation, cause and time, in pages, either way. */
import { deepEqual, equal } from 'node:assert/strict';
import type { EventQuery, EventStore } from '../../events/port.js';
import type { WrittenCase } from './contract.js';
import { allOf, good, typesOf } from './looks.js';

/** Twelve events in three streams, a second apart. */
async function filled(store: EventStore, wall: { now: number }): Promise<void> {
  for (let n = 0; n < 12; n++) {
    const cause = n >= 3 ? { causation: `id${n - 3}` } : {};
    await good(store.append(`s${n % 3}`, [{ type: n % 2 === 0 ? 'even' : 'odd', data: n, id: `id${n}`, correlation: `c${n % 4}`, ...cause }]));
    wall.now += 1_000;
  }
}

async function numbers(store: EventStore, query: EventQuery): Promise<string> {
  return (await allOf(store, query)).map(({ data }) => data as number).join(' ');
}

export const queryCases: readonly WrittenCase[] = [
  {
    title: 'each kind of question finds its events, in the order of their positions, and all that is asked must hold',
    check: async ({ store, wall }) => {
      const from = wall.now;
      await filled(store, wall);
      const answers: readonly (readonly [EventQuery, string])[] = [
        [{}, '0 1 2 3 4 5 6 7 8 9 10 11'],
        [{ stream: 's1' }, '1 4 7 10'],
        [{ type: 'odd' }, '1 3 5 7 9 11'],
        [{ correlation: 'c3' }, '3 7 11'],
        [{ causation: 'id4' }, '7'],
        [{ sinceWallAt: from + 9_000 }, '9 10 11'],
        [{ untilWallAt: from + 2_000 }, '0 1'],
        [{ sinceWallAt: from + 3_000, untilWallAt: from + 5_001 }, '3 4 5'],
        [{ sinceWallAt: from + 99_000 }, ''],
        [{ stream: 's0', type: 'even' }, '0 6'],
        [{ type: 'even', correlation: 'c2', sinceWallAt: from + 3_000 }, '6 10'],
        [{ stream: 's2', type: 'odd', correlation: 'c3', causation: 'id8' }, '11'],
        [{ stream: 'none' }, ''],
      ];
      for (const [query, expected] of answers) {
        const backwards = expected.split(' ').reverse().join(' ');
        for (const limit of [1, 2, 3, 100]) {
          equal(await numbers(store, { ...query, limit }), expected, JSON.stringify({ ...query, limit }));
          equal(await numbers(store, { ...query, limit, order: 'backward' }), backwards, JSON.stringify({ ...query, limit, order: 'backward' }));
        }
      }
    },
  },
  {
    title: 'a page says where the next one begins, and that there is none',
    check: async ({ store, wall }) => {
      await filled(store, wall);
      const page = await good(store.read({ limit: 5, after: 2 }));
      deepEqual([page.events.map(({ position }) => position), page.next, page.head, page.prunedThrough], [[3, 4, 5, 6, 7], 7, 12, 0]);
      equal((await good(store.read({ limit: 5, after: 7 }))).next, null);
      equal((await good(store.read({ limit: 6, after: 12 }))).next, null);
      const back = await good(store.read({ limit: 5, after: 7, order: 'backward' }));
      deepEqual([back.events.map(({ position }) => position), back.next], [[6, 5, 4, 3, 2], 2]);
      equal((await good(store.read())).events.length, 12);
    },
  },
  {
    title: 'what is appended between two pages moves none of them',
    check: async ({ store, wall }) => {
      await filled(store, wall);
      const first = await good(store.read({ stream: 's0', limit: 2 }));
      await good(store.append('s0', [{ type: 'late' }]));
      equal((await allOf(store, { stream: 's0', after: first.next ?? 0 })).map(({ type }) => type).join(' '), 'even odd late');
    },
  },
  {
    title: 'a page of large events has fewer, and at least one',
    limits: { maxEventBytes: 6 * 1_048_576 },
    check: async ({ store }) => {
      for (const type of ['a', 'b', 'c']) await good(store.append('s', [{ type, data: 'x'.repeat(5 * 1_048_576) }]));
      equal((await good(store.read())).events.length, 2);
      equal(await typesOf(store), 'a b c');
    },
  },
  {
    title: 'times never fall, whatever the clock does',
    check: async ({ store, wall }) => {
      const from = wall.now;
      for (const [type, at] of [
        ['a', 10],
        ['b', 5],
        ['c', 7],
        ['d', 20],
      ] as const) {
        wall.now = from + at;
        await good(store.append('s', [{ type }]));
      }
      deepEqual(
        (await allOf(store)).map(({ wallAt }) => wallAt - from),
        [10, 10, 10, 20],
      );
      equal(await typesOf(store, { sinceWallAt: from + 11 }), 'd');
    },
  },
  {
    title: 'a clock that says no time, or throws, stops nobody: it is as late as it was',
    check: async ({ store, wall }) => {
      const from = wall.now;
      await good(store.append('s', [{ type: 'a' }]));
      for (const now of [NaN, Infinity, 1e300, -5, 'later' as unknown as number]) {
        wall.now = now;
        await good(store.append('s', [{ type: 'b' }]));
      }
      Object.defineProperty(wall, 'now', {
        configurable: true,
        get: () => {
          throw new Error('no clock');
        },
      });
      await good(store.append('s', [{ type: 'c' }]));
      await good(store.save('k', 1));
      Object.defineProperty(wall, 'now', { value: from + 1, writable: true });
      await good(store.append('s', [{ type: 'd' }]));
      deepEqual(
        (await allOf(store, { sinceWallAt: 0 })).map(({ wallAt }) => wallAt - from),
        [0, 0, 0, 0, 0, 0, 0, 1],
      );
    },
  },
];
