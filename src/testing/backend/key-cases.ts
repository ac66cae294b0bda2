/** Keys, revisions, and compare-and-set. */
import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import type { WrittenBackendCase } from './contract.js';
import { deep, entryAt, headOf, is, ok, put, valueAt } from './looks.js';

export const keyCases: readonly WrittenBackendCase[] = [
  {
    title: 'a key that is not there is nothing, and a write that names 0 makes it',
    check: async ({ backend }) => {
      equal(await entryAt(backend, 'a'), null);
      const revision = await put(backend, 'a', 0, { n: 1 });
      deepEqual(await entryAt(backend, 'a'), { key: 'a', value: { n: 1 }, revision, created: revision, lease: null });
    },
  },
  {
    title: 'a write that names the revision that stands is done: it has a higher one, and the key is as old as it was',
    check: async ({ backend }) => {
      const first = await put(backend, 'a', 0, 1);
      const second = await put(backend, 'a', first, 2);
      holds(second > first);
      deepEqual(await entryAt(backend, 'a'), { key: 'a', value: 2, revision: second, created: first, lease: null });
    },
  },
  {
    title: 'a write that names another revision is a conflict that says what stands there, and changes nothing',
    check: async ({ backend }) => {
      const first = await put(backend, 'a', 0, 1);
      const second = await put(backend, 'a', first, 2);
      const entry = { key: 'a', value: 2, revision: second, created: first, lease: null };
      for (const named of [0, first, second + 1, second + 1_000]) {
        deepEqual(await is(backend.compareAndSet('a', named, 'other'), 'conflict'), { outcome: 'conflict', entry });
        deepEqual(await entryAt(backend, 'a'), entry);
      }
    },
  },
  {
    title: 'a value that is 1 000 deep is kept, and brackets in a text are not counted',
    check: async ({ backend }) => {
      for (const [key, value] of Object.entries({ lists: deep(1_000), text: ['"\\', '['.repeat(3_000)] })) {
        await put(backend, key, 0, value);
        equal(JSON.stringify(await valueAt(backend, key)), JSON.stringify(value));
      }
    },
  },
  {
    title: 'a write that names a revision where nothing stands is a conflict with nothing',
    check: async ({ backend }) => {
      deepEqual(await backend.compareAndSet('a', 7, 1), { outcome: 'conflict', entry: null });
      equal(await entryAt(backend, 'a'), null);
    },
  },
  {
    title: 'of twenty writes at once that name one revision exactly one is done, and the others hear of it',
    check: async ({ backend }) => {
      const before = await put(backend, 'a', 0, 'before');
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => backend.compareAndSet('a', before, n)));
      const done = outcomes.flatMap((outcome, n) => (outcome.outcome === 'ok' ? [{ n, revision: outcome.revision }] : []));
      equal(done.length, 1);
      equal(outcomes.filter(({ outcome }) => outcome === 'conflict').length, 19);
      const entry = await entryAt(backend, 'a');
      deepEqual([entry?.value, entry?.revision], [done[0]?.n, done[0]?.revision]);
      for (const outcome of outcomes) if (outcome.outcome === 'conflict') deepEqual(outcome.entry, entry);
    },
  },
  {
    title: 'of twenty that would make a key at once exactly one does',
    check: async ({ backend }) => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => backend.compareAndSet('a', 0, n)));
      equal(outcomes.filter(({ outcome }) => outcome === 'ok').length, 1);
      equal(outcomes.filter(({ outcome }) => outcome === 'conflict').length, 19);
    },
  },
  {
    title: 'a hundred increments by compare-and-set, ten at a time, lose none',
    check: async ({ backend }) => {
      await put(backend, 'n', 0, 0);
      const add = async (): Promise<void> => {
        for (;;) {
          const entry = await entryAt(backend, 'n');
          const outcome = await backend.compareAndSet('n', entry?.revision ?? 0, Number(entry?.value) + 1);
          if (outcome.outcome === 'ok') return;
          await is(outcome, 'conflict');
        }
      };
      for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 10 }, add));
      equal(await valueAt(backend, 'n'), 100);
    },
  },
  {
    title: 'a deletion that names the revision takes the key away, and has a revision of its own',
    check: async ({ backend }) => {
      const first = await put(backend, 'a', 0, 1);
      await put(backend, 'b', 0, 1);
      const { revision } = await ok(backend.delete('a', first));
      holds(revision > first);
      equal(await entryAt(backend, 'a'), null);
      equal(await valueAt(backend, 'b'), 1);
      equal((await ok(backend.get('a'))).revision, revision);
    },
  },
  {
    title: 'a deletion that names another revision is a conflict, and takes nothing away',
    check: async ({ backend }) => {
      const first = await put(backend, 'a', 0, 1);
      const second = await put(backend, 'a', first, 2);
      for (const named of [first, second + 1]) equal((await is(backend.delete('a', named), 'conflict')).entry?.revision, second);
      equal(await valueAt(backend, 'a'), 2);
      equal((await is(backend.delete('none', 1), 'conflict')).entry, null);
    },
  },
  {
    title: 'of ten deletions at once that name one revision exactly one is done',
    check: async ({ backend }) => {
      const there = await put(backend, 'a', 0, 1);
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => backend.delete('a', there)));
      equal(outcomes.filter(({ outcome }) => outcome === 'ok').length, 1);
      equal(outcomes.filter(({ outcome }) => outcome === 'conflict').length, 9);
    },
  },
  {
    title: 'a key that is made anew is new: nobody who knew the old one can change it',
    check: async ({ backend }) => {
      const old = await put(backend, 'a', 0, 'same');
      const gone = await ok(backend.delete('a', old));
      const made = await put(backend, 'a', 0, 'same');
      holds(made > gone.revision);
      equal((await entryAt(backend, 'a'))?.created, made);
      await is(backend.compareAndSet('a', old, 'late'), 'conflict');
      await is(backend.delete('a', old), 'conflict');
      equal(await valueAt(backend, 'a'), 'same');
    },
  },
  {
    title: 'revisions are whole numbers that rise over all keys, writes and deletions, and none is given twice',
    check: async ({ backend }) => {
      const given: number[] = [];
      const standing = new Map<string, number>();
      for (let n = 0; n < 30; n++) {
        const key = `k${n % 4}`;
        const there = standing.get(key) ?? 0;
        const isDeletion = n % 5 === 4 && there > 0;
        const { revision } = isDeletion ? await ok(backend.delete(key, there)) : await ok(backend.compareAndSet(key, there, n));
        standing.set(key, isDeletion ? 0 : revision);
        given.push(revision);
      }
      for (const [at, revision] of given.entries())
        holds(Number.isSafeInteger(revision) && revision > (given[at - 1] ?? 0), `revisions: ${given.join(' ')}`);
      equal(await headOf(backend), given.at(-1));
    },
  },
  {
    title: 'writes at once to different keys are all done, each with a revision of its own',
    check: async ({ backend }) => {
      const revisions = await Promise.all(Array.from({ length: 50 }, (_, n) => put(backend, `k${n}`, 0, n)));
      equal(new Set(revisions).size, 50);
      for (let n = 0; n < 50; n++) equal((await entryAt(backend, `k${n}`))?.revision, revisions[n]);
    },
  },
  {
    title: 'what is done is seen by whoever asks after it, and one who asks before it is answered sees it or not, never half',
    check: async ({ backend }) => {
      const revision = await put(backend, 'a', 0, [1, 1]);
      const [written, during] = await Promise.all([ok(backend.compareAndSet('a', revision, [2, 2])), ok(backend.get('a'))]);
      holds(['[1,1]', '[2,2]'].includes(JSON.stringify(during.entry?.value)));
      equal(during.entry?.revision, JSON.stringify(during.entry?.value) === '[1,1]' ? revision : written.revision);
      const after = await ok(backend.get('a'));
      deepEqual([after.entry?.value, after.revision >= written.revision], [[2, 2], true]);
    },
  },
  {
    title: 'a value is what JSON makes of it, and a copy, on the way in and on the way out',
    check: async ({ backend }) => {
      const value = { list: [1, { deep: 'ü😀' }], none: undefined, nothing: null, when: new Date(0) };
      const writing = backend.compareAndSet('a', 0, value);
      value.list.push(2);
      const { revision } = await ok(writing);
      const expected = { list: [1, { deep: 'ü😀' }], nothing: null, when: '1970-01-01T00:00:00.000Z' };
      const got = await valueAt(backend, 'a');
      deepEqual(got, expected);
      (got as { list: unknown[] }).list.push('spoilt');
      const shown = (await is(backend.compareAndSet('a', 0, 1), 'conflict')).entry;
      deepEqual(shown?.value, expected);
      Object.assign(shown?.value ?? {}, { list: 'spoilt' });
      deepEqual(await entryAt(backend, 'a'), { key: 'a', value: expected, revision, created: revision, lease: null });
      for (const [n, plain] of [null, false, 0, '', [], {}].entries()) {
        await put(backend, `plain${n}`, 0, plain);
        deepEqual(await valueAt(backend, `plain${n}`), plain);
      }
    },
  },
  {
    title: 'keys are listed by prefix, in the order of their code points, and no others',
    check: async ({ backend }) => {
      const keys = ['q/b', 'q/a', 'q/ä', 'q/\u{1f600}', 'q/\uffee', 'q/a/1', 'q', 'q0', 'r/a', 'Q/a'];
      for (const key of keys) await put(backend, key, 0, key);
      const listed = async (prefix: string): Promise<string[]> => (await ok(backend.list(prefix))).entries.map(({ key }) => key);
      deepEqual(await listed('q/'), ['q/a', 'q/a/1', 'q/b', 'q/ä', 'q/\uffee', 'q/\u{1f600}']);
      deepEqual(await listed('q/a'), ['q/a', 'q/a/1']);
      deepEqual(await listed('none'), []);
      equal((await listed('')).length, keys.length);
      const all = await ok(backend.list('q/b'));
      deepEqual(all.entries[0], await entryAt(backend, 'q/b'));
      deepEqual([all.next, all.revision], [null, await headOf(backend)]);
    },
  },
  {
    title: 'a list has pages, each behind the one before, and ends',
    check: async ({ backend }) => {
      for (let n = 0; n < 7; n++) await put(backend, `p/${n}`, 0, n);
      await put(backend, 'q', 0, 0);
      const pages: string[] = [];
      for (let after: string | null = ''; after !== null && pages.length < 9; ) {
        const page: { entries: readonly { key: string }[]; next: string | null } = await ok(backend.list('p/', { limit: 3, after }));
        pages.push(page.entries.map(({ key }) => key).join(' '));
        after = page.next;
      }
      deepEqual(pages, ['p/0 p/1 p/2', 'p/3 p/4 p/5', 'p/6']);
      deepEqual((await ok(backend.list('p/', { after: 'p/6' }))).entries, []);
      equal((await ok(backend.list('p/', { limit: 7 }))).next, null);
    },
  },
  {
    title: 'a deleted key is not listed, and the order of making is told by `created`',
    check: async ({ backend }) => {
      const [a, b, c] = [await put(backend, 'l/z', 0, 1), await put(backend, 'l/y', 0, 1), await put(backend, 'l/x', 0, 1)];
      await put(backend, 'l/z', a, 2);
      await ok(backend.delete('l/y', b));
      const { entries } = await ok(backend.list('l/'));
      deepEqual(
        [...entries].sort((one, other) => one.created - other.created).map(({ key, created }) => [key, created]),
        [
          ['l/z', a],
          ['l/x', c],
        ],
      );
    },
  },
];
