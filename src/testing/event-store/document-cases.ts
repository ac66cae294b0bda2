/** Documents: the latest value under a key. */
import { deepEqual, equal } from 'node:assert/strict';
import type { WrittenCase } from './contract.js';
import { good } from './looks.js';

export const documentCases: readonly WrittenCase[] = [
  {
    title: 'the latest value under a key is there, with the time of its saving, and no other',
    check: async ({ store, wall }) => {
      equal((await good(store.load('k'))).document, null);
      const first = await good(store.save('k', { n: 1 }));
      wall.now += 10;
      const second = await good(store.save('k', { n: 2 }));
      equal(second.revision > first.revision, true);
      deepEqual((await good(store.load('k'))).document, { key: 'k', value: { n: 2 }, revision: second.revision, wallAt: wall.now });
    },
  },
  {
    title: 'of two who save over one revision, one does; a revision is not given again after a removal',
    check: async ({ store }) => {
      const { revision } = await good(store.save('k', 'a', { expected: 0 }));
      deepEqual(await store.save('k', 'b', { expected: 0 }), { ok: false, reason: 'conflict', expected: 0, actual: revision });
      const both = await Promise.all(['c', 'd'].map((value) => store.save('k', value, { expected: revision })));
      deepEqual(
        both.map(({ ok }) => ok),
        [true, false],
      );
      equal((await store.remove('k', { expected: revision })).ok, false);
      deepEqual(await store.remove('k'), { ok: true, removed: true });
      deepEqual(await store.remove('k'), { ok: true, removed: false });
      const again = await good(store.save('k', 'e', { expected: 0 }));
      equal(again.revision > revision + 1, true);
    },
  },
  {
    title: 'documents are listed by prefix, in the order of code points, in pages',
    check: async ({ store }) => {
      for (const key of ['t/\uffee', 't/b', 't/a', 't/\u{1f333}', 't', 'u/a']) await good(store.save(key, key));
      const keys: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const page: { documents: readonly { key: string }[]; next: string | null } = await good(store.list('t/', { after, limit: 2 }));
        keys.push(...page.documents.map(({ key }) => key));
        after = page.next;
      }
      deepEqual(keys, ['t/a', 't/b', 't/\uffee', 't/\u{1f333}']);
      equal((await good(store.list(''))).documents.length, 6);
      equal((await good(store.list('', { after: 't/b' }))).documents.length, 3);
    },
  },
  {
    title: 'what begins with a prefix is listed whatever stands behind it, up to the highest code point',
    check: async ({ store }) => {
      const top = '\u{10ffff}';
      const keys = ['p', 'pa', `p${top}`, `p${top}${top}z`, top, `${top}a`];
      for (const key of [...keys, 'q', '\ud7ffa', '\ue000']) await good(store.save(key, 1));
      const listed = async (prefix: string): Promise<string[]> => (await good(store.list(prefix))).documents.map(({ key }) => key);
      deepEqual(await listed('p'), keys.slice(0, 4));
      deepEqual(await listed(`p${top}`), keys.slice(2, 4));
      deepEqual(await listed(top), keys.slice(4));
      deepEqual(await listed('\ud7ff'), ['\ud7ffa']);
      equal((await listed('')).length, 9);
    },
  },
  {
    title: 'a value that is too large is refused, and the old one stays',
    limits: { maxDocumentBytes: 100 },
    check: async ({ store }) => {
      await good(store.save('k', 'small'));
      deepEqual(await store.save('k', 'x'.repeat(99)), { ok: false, reason: 'tooLarge', bytes: 101, maxBytes: 100 });
      equal((await good(store.load('k'))).document?.value, 'small');
    },
  },
];
