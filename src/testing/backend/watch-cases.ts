/** Watches: everything once, in order, and no silence where something is lost. */
import { deepEqual, equal, ok as holds, rejects } from 'node:assert/strict';
import type { BackendChange } from '../../backend/port.js';
import type { WrittenBackendCase } from './contract.js';
import { entryAt, headOf, heard, is, isRefused, leaseFor, ok, patienceMs, put, soon, told, valueAt, watchOf, wordOf } from './looks.js';

export const watchCases: readonly WrittenBackendCase[] = [
  {
    title: 'a watch tells what comes after it began, each change once, in order',
    check: async ({ backend, advance }) => {
      const before = await put(backend, 'a', 0, 'before');
      const watch = await watchOf(backend, 'a');
      const set = await put(backend, 'a', before, 'after');
      const gone = await ok(backend.delete('a', set));
      const made = await put(backend, 'a', 0, 'anew');
      deepEqual(await told(advance, watch, 3), [
        { type: 'set', key: 'a', revision: set, entry: { key: 'a', value: 'after', revision: set, created: before, lease: null } },
        { type: 'deleted', key: 'a', revision: gone.revision, created: before, why: 'deleted' },
        { type: 'set', key: 'a', revision: made, entry: { key: 'a', value: 'anew', revision: made, created: made, lease: null } },
      ]);
      const next = watch.next({ withinMs: 1_000 });
      await advance(1_000);
      equal((await is(next, 'quiet')).revision, made);
    },
  },
  {
    title: 'a watch tells of the keys with its prefix, and of no others',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'q/');
      for (const key of ['q', 'q/1', 'p/1', 'q0', 'q/2', 'Q/3', 'q/']) await put(backend, key, 0, key);
      deepEqual((await told(advance, watch, 3)).map(wordOf), ['set q/1', 'set q/2', 'set q/']);
    },
  },
  {
    title: 'a watch from an earlier revision tells what was since, from that one on, and then what comes',
    check: async ({ backend, advance }) => {
      const revisions: number[] = [];
      for (let n = 0; n < 5; n++) revisions.push(await put(backend, `k${n}`, 0, n));
      const watch = await watchOf(backend, 'k', revisions[2]);
      await put(backend, 'k5', 0, 5);
      deepEqual((await told(advance, watch, 4)).map(wordOf), ['set k2', 'set k3', 'set k4', 'set k5']);
    },
  },
  {
    title: 'to watch from behind a list leaves nothing out and tells nothing twice, whatever is written meanwhile',
    check: async ({ backend, advance }) => {
      const writing = Promise.all(Array.from({ length: 40 }, (_, n) => put(backend, `w/${n}`, 0, n)));
      const list = await ok(backend.list('w/', { limit: 1_000 }));
      const watch = await watchOf(backend, 'w/', list.revision + 1);
      await writing;
      const rest = list.entries.length === 40 ? [] : await told(advance, watch, 40 - list.entries.length);
      equal(new Set([...list.entries, ...rest].map(({ key }) => key)).size, 40);
    },
  },
  {
    title: 'what a lease deletes is told with why it ended',
    check: async ({ backend, outlast, advance }) => {
      const watch = await watchOf(backend, '');
      const [short, long] = [await leaseFor(backend, 1_000), await leaseFor(backend, 60_000)];
      const kept = await put(backend, 'c', 0, 1);
      await put(backend, 'a', 0, 1, { lease: short });
      await put(backend, 'b', 0, 1, { lease: long });
      await ok(backend.revoke(long));
      await ok(backend.delete('c', kept));
      await outlast(1_000);
      await ok(backend.status());
      const why = (change: BackendChange): string => `${wordOf(change)}${change.type === 'deleted' ? ` ${change.why}` : ''}`;
      deepEqual((await told(advance, watch, 6)).map(why), ['set c', 'set a', 'set b', 'deleted b revoked', 'deleted c deleted', 'deleted a expired']);
    },
  },
  {
    title: 'who hears of a change sees it when he looks',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'a');
      const next = watch.next({ withinMs: patienceMs });
      const revision = await put(backend, 'a', 0, 1);
      const { changes } = await is(soon(advance, next), 'changes');
      equal(changes[0]?.revision, revision);
      holds((await ok(backend.get('a'))).revision >= revision);
      equal(await valueAt(backend, 'a'), 1);
    },
  },
  {
    title: 'each watch tells all of it, and a copy',
    check: async ({ backend, advance }) => {
      const watches = await Promise.all(Array.from({ length: 5 }, () => watchOf(backend, 'a')));
      await put(backend, 'a', 0, { n: [1] });
      for (const watch of watches) {
        const [change] = await told(advance, watch, 1);
        holds(change?.type === 'set');
        deepEqual(change.entry.value, { n: [1] });
        Object.assign(change.entry.value as object, { n: 2 });
      }
      deepEqual(await valueAt(backend, 'a'), { n: [1] });
    },
  },
  {
    title: 'a watch from a revision that is forgotten is told from where it can begin',
    limits: { maxHistory: 4 },
    check: async ({ backend, advance }) => {
      const first = await put(backend, 'a', 0, 0);
      let last = first;
      for (let n = 1; n < 10; n++) last = await put(backend, 'a', last, n);
      const { oldest } = await is(backend.watch('a', { from: first }), 'tooOld');
      holds(oldest > first && oldest <= last + 1);
      await is(backend.watch('a', { from: oldest - 1 }), 'tooOld');
      const watch = await watchOf(backend, 'a', oldest);
      const changes = await told(advance, watch, last - oldest + 1);
      equal(changes.at(-1)?.revision, last);
    },
  },
  {
    title: 'a watch from a revision that is not there yet is told so',
    check: async ({ backend, advance }) => {
      const head = await put(backend, 'a', 0, 1);
      equal((await is(backend.watch('a', { from: head + 2 }), 'ahead')).revision, head);
      const watch = await watchOf(backend, 'a', head + 1);
      await put(backend, 'b', 0, 1);
      const next = await put(backend, 'a', head, 2);
      equal((await told(advance, watch, 1))[0]?.revision, next);
    },
  },
  {
    title: 'a watch whose owner is too slow is told what it lost, and goes on behind it',
    limits: { maxHistory: 4 },
    check: async ({ backend, advance }) => {
      const first = await put(backend, 'a', 0, 0);
      const watch = await watchOf(backend, 'a');
      let last = first;
      for (let n = 1; n <= 20; n++) last = await put(backend, 'a', last, n);
      const gap = await is(heard(advance, watch), 'gap');
      equal(gap.from, first + 1);
      holds(gap.revision >= gap.from && gap.revision < last);
      const rest = await told(advance, watch, last - gap.revision);
      deepEqual(
        rest.map(({ revision }) => revision),
        Array.from({ length: last - gap.revision }, (_, n) => gap.revision + 1 + n),
      );
      const next = await put(backend, 'a', last, 'more');
      equal((await told(advance, watch, 1))[0]?.revision, next);
    },
  },
  {
    title: 'whoever waits misses nothing by what happens to the keys of others, however much that is',
    limits: { maxHistory: 4 },
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'own');
      const next = watch.next({ withinMs: patienceMs });
      let other = 0;
      for (let n = 0; n < 20; n++) other = await put(backend, 'other', other, n);
      await put(backend, 'own', 0, 1);
      deepEqual((await is(soon(advance, next), 'changes')).changes.map(wordOf), ['set own']);
    },
  },
  {
    title: 'where nothing comes in time the watch says how far it is, and loses nothing',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'a');
      await put(backend, 'b', 0, 1);
      const next = watch.next({ withinMs: 1_000 });
      await advance(1_000);
      equal((await is(next, 'quiet')).revision, await headOf(backend));
      await put(backend, 'a', 0, 1);
      deepEqual((await told(advance, watch, 1)).map(wordOf), ['set a']);
    },
  },
  {
    title: 'whoever waits no longer loses nothing by it',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'a');
      const given = new AbortController();
      const next = watch.next({ signal: given.signal });
      given.abort();
      await is(next, 'cancelled');
      await is(watch.next({ signal: given.signal }), 'cancelled');
      await put(backend, 'a', 0, 1);
      await is(watch.next({ signal: given.signal }), 'cancelled');
      deepEqual((await told(advance, watch, 1)).map(wordOf), ['set a']);
    },
  },
  {
    title: 'a watch that is closed answers whoever waits, and each who comes after',
    check: async ({ backend }) => {
      const watch = await watchOf(backend, 'a');
      const next = watch.next();
      watch.close();
      await is(next, 'ended');
      watch.close();
      await put(backend, 'a', 0, 1);
      await is(watch.next(), 'ended');
      equal((await ok(backend.status())).watches, 0);
    },
  },
  {
    title: 'a watch ends with its backend',
    check: async ({ backend }) => {
      const [waiting, other] = [await watchOf(backend, 'a'), await watchOf(backend, 'a')];
      const next = waiting.next();
      await backend.close();
      await is(next, 'ended');
      await is(other.next(), 'ended');
    },
  },
  {
    title: 'two who read one watch at once are a mistake of the second',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'a');
      const next = watch.next({ withinMs: patienceMs });
      await rejects(watch.next(), { name: 'EspalierError', code: 'backend/already-read' });
      await put(backend, 'a', 0, 1);
      await is(soon(advance, next), 'changes');
    },
  },
  {
    title: 'there are as many watches as may be, and one that is closed makes room',
    limits: { maxWatches: 2 },
    check: async ({ backend }) => {
      const [one] = [await watchOf(backend, 'a'), await watchOf(backend, 'b')];
      await isRefused(backend.watch('c'), 'full', 'maxWatches');
      one.close();
      await watchOf(backend, 'c');
    },
  },
  {
    title: 'more than a thousand changes come in several answers, none left out',
    check: async ({ backend, advance }) => {
      const watch = await watchOf(backend, 'a');
      let last = 0;
      for (let n = 0; n < 1_100; n++) last = await put(backend, 'a', last, n);
      const first = await is(heard(advance, watch), 'changes');
      holds(first.changes.length <= 1_000);
      const rest = await told(advance, watch, 1_100 - first.changes.length);
      deepEqual(
        [...first.changes, ...rest].map((change) => change.type === 'set' && change.entry.value),
        Array.from({ length: 1_100 }, (_, n) => n),
      );
      equal((await entryAt(backend, 'a'))?.revision, last);
    },
  },
];
