/** Appends: whole or not at all, in one order, each answered after it is there. */
import { deepEqual, equal } from 'node:assert/strict';
import type { WrittenCase } from './contract.js';
import { allOf, events, good, typesOf } from './looks.js';

const odd = { text: 'é\u0000 \u{1f333} "quoted" \\ \ud800', none: null, list: [1, -0.5, 1e21, true, {}], deep: { a: [[]] } };

export const appendCases: readonly WrittenCase[] = [
  {
    title: 'what is appended is read as it was, with its place in its stream and among all',
    check: async ({ store, wall }) => {
      const first = await good(store.append('order-1', [{ type: 'placed', data: odd, id: 'a', correlation: 'c' }]));
      const second = await good(
        store.append('order-2', [
          { type: 'placed', causation: 'a' },
          { type: 'paid', data: 7 },
        ]),
      );
      deepEqual([first.version, first.ids, second.version, second.ids.length], [1, ['a'], 2, 2]);
      const stored = await allOf(store);
      deepEqual(
        stored.map(({ id: _id, ...event }) => event),
        [
          { position: 1, stream: 'order-1', version: 1, type: 'placed', data: odd, correlation: 'c', causation: null, wallAt: wall.now },
          { position: 2, stream: 'order-2', version: 1, type: 'placed', data: null, correlation: null, causation: 'a', wallAt: wall.now },
          { position: 3, stream: 'order-2', version: 2, type: 'paid', data: 7, correlation: null, causation: null, wallAt: wall.now },
        ],
      );
      deepEqual(
        stored.map(({ id }) => id),
        [...first.ids, ...second.ids],
      );
      equal(second.position, 3);
    },
  },
  {
    title: 'what is read is a copy, and so is what is kept',
    check: async ({ store }) => {
      const data = { list: [1] };
      await good(store.append('s', [{ type: 't', data }]));
      data.list.push(2);
      for (const { data: read } of await allOf(store)) (read as unknown as { list: number[] }).list.push(3);
      deepEqual((await allOf(store))[0]?.data, { list: [1] });
    },
  },
  {
    title: 'of a hundred who append at one version, one does and the others hear the version that there is',
    check: async ({ store }) => {
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => store.append('s', events(`t${n}`), { expected: 0 })));
      equal(outcomes.filter(({ ok }) => ok).length, 1);
      deepEqual(
        outcomes.find(({ ok }) => !ok),
        { ok: false, reason: 'conflict', expected: 0, actual: 1 },
      );
      equal((await allOf(store)).length, 1);
    },
  },
  {
    title: 'an expected version that is too high is a conflict, and the right one is none',
    check: async ({ store }) => {
      deepEqual(await store.append('s', events('a'), { expected: 1 }), { ok: false, reason: 'conflict', expected: 1, actual: 0 });
      await good(store.append('s', events('a', 'b'), { expected: 0 }));
      await good(store.append('s', events('c'), { expected: 2 }));
      deepEqual(await store.version('s'), { ok: true, version: 3 });
      deepEqual(await store.version('never'), { ok: true, version: 0 });
      equal(await typesOf(store), 'a b c');
    },
  },
  {
    title: 'appends at once all get versions without a gap, and positions in the order in which they were asked',
    check: async ({ store }) => {
      const outcomes = await Promise.all(Array.from({ length: 200 }, (_, n) => store.append(`s${n % 3}`, events(`t${n}`))));
      deepEqual(
        (await allOf(store, { limit: 7 })).map(({ type, position }) => [type, position]),
        outcomes.map((_, n) => [`t${n}`, n + 1]),
      );
      for (const stream of ['s0', 's1', 's2']) {
        const versions = (await allOf(store, { stream })).map(({ version }) => version);
        deepEqual(
          versions,
          versions.map((_, index) => index + 1),
        );
      }
    },
  },
  {
    title: 'an id that is there replaces nothing: the whole append is refused, and says where it is',
    check: async ({ store }) => {
      await good(store.append('s', [{ type: 'first', id: 'x' }]));
      const outcome = await store.append('other', [{ type: 'a' }, { type: 'second', id: 'x' }]);
      deepEqual(outcome, { ok: false, reason: 'duplicate', id: 'x', stream: 's', version: 1, position: 1 });
      equal(await typesOf(store), 'first');
      equal((await good(store.version('other'))).version, 0);
      const found = await good(store.find('x'));
      equal(found.event?.type, 'first');
      equal((await good(store.find('y'))).event, null);
    },
  },
  {
    title: 'a token below the highest that a fence has seen is refused, and the highest itself is not',
    check: async ({ store }) => {
      const by = (token: number) => ({ fence: { name: 'leader', token } });
      await good(store.append('s', events('a'), by(5)));
      deepEqual(await store.append('s', events('b'), by(4)), { ok: false, reason: 'fenced', name: 'leader', token: 4, highest: 5 });
      await good(store.append('s', events('c'), by(5)));
      await good(store.fence({ name: 'leader', token: 9 }));
      for (const late of [store.append('s', events('d'), by(5)), store.save('k', 1, by(8)), store.remove('k', by(0))])
        equal(((await late) as { reason?: string }).reason, 'fenced');
      deepEqual(await store.fence({ name: 'leader', token: 8 }), { ok: false, reason: 'fenced', name: 'leader', token: 8, highest: 9 });
      await good(store.append('s', events('e'), { fence: { name: 'another', token: 0 } }));
      equal(await typesOf(store), 'a c e');
    },
  },
  {
    title: 'a token that came with a conflict was seen',
    check: async ({ store }) => {
      equal((await store.append('s', events('a'), { expected: 3, fence: { name: 'f', token: 2 } })).ok, false);
      equal((await store.append('s', events('a'), { fence: { name: 'f', token: 1 } })).ok, false);
      equal(await typesOf(store), '');
    },
  },
  {
    title: 'an event that is too large is refused with its size, and none of its append is stored',
    limits: { maxEventBytes: 1_000 },
    check: async ({ store }) => {
      const outcome = await store.append('s', [{ type: 'a' }, { type: 'b', data: '€'.repeat(400) }]);
      deepEqual(outcome, { ok: false, reason: 'tooLarge', bytes: 1_203, maxBytes: 1_000 });
      const many = await store.append(
        's',
        Array.from({ length: 100 }, () => ({ type: 'c', data: 'x'.repeat(500) })),
      );
      equal((many as { reason?: string }).reason, 'tooLarge');
      equal(await typesOf(store), '');
    },
  },
  {
    title: 'who comes when as many wait as may is refused, and those who wait are not',
    limits: { maxPending: 3 },
    check: async ({ store }) => {
      const outcomes = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((type) => store.append('s', events(type))));
      deepEqual(
        outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.reason)),
        ['ok', 'ok', 'ok', 'full', 'full'],
      );
      await good(store.append('s', events('f')));
      equal(await typesOf(store), 'a b c f');
    },
  },
  {
    title: 'more than one commit holds is stored in several, in order',
    limits: { maxCommitEvents: 10 },
    check: async ({ store }) => {
      const commits: number[] = [];
      store.listen({ committed: ({ events: count }) => commits.push(count) });
      await Promise.all(Array.from({ length: 25 }, (_, n) => store.append('s', events(`t${n}`))));
      await good(
        store.append(
          's',
          Array.from({ length: 40 }, (_, n) => ({ type: `u${n}` })),
        ),
      );
      deepEqual(commits, [10, 10, 5, 40]);
      equal((await allOf(store)).at(24)?.type, 't24');
    },
  },
  {
    title: 'what waits when it is closed is committed, and what comes after is refused',
    check: async ({ store, reopen }) => {
      const waiting = store.append('s', events('a'));
      const closing = store.close();
      deepEqual(await store.append('s', events('b')), { ok: false, reason: 'closed' });
      await closing;
      equal((await waiting).ok, true);
      await store.close();
      for (const outcome of [store.read(), store.find('x'), store.version('s'), store.load('k'), store.list(''), store.status()])
        deepEqual(await outcome, { ok: false, reason: 'closed' });
      const again = await reopen?.();
      if (again !== undefined) equal(await typesOf(again), 'a');
    },
  },
  {
    title: 'a listener hears of each commit, refusal and nothing else',
    check: async ({ store }) => {
      const heard: unknown[] = [];
      const listening = store.listen({
        committed: ({ head, events: count, streams, commands }) => heard.push([head, count, [...streams].sort().join(' '), commands]),
        refused: (reason, name) => heard.push([reason, name]),
      });
      const asked = [store.append('s', events('a', 'b')), store.append('s', events('c'), { expected: 0 }), store.append('r', events('e'))];
      await Promise.all([...asked, store.append('none', events('f'), { expected: 5 }), store.save('key', 1)]);
      listening.unsubscribe();
      await good(store.append('s', events('d')));
      deepEqual(heard, [
        [3, 3, 'r s', 5],
        ['conflict', 's'],
        ['conflict', 'none'],
      ]);
    },
  },
  {
    title: 'all of it is there when it is opened again: places, versions, tokens, documents and what was pruned',
    isOfDurable: true,
    check: async ({ store, wall, reopen }) => {
      await good(store.append('s', events('a', 'b', 'c'), { fence: { name: 'f', token: 7 } }));
      await good(store.append('t', [{ type: 'd', id: 'x', correlation: 'k', data: odd }]));
      await good(store.prune({ stream: 's', keep: 1 }));
      const { revision } = await good(store.save('snapshot', { at: 3 }));
      const [before, status] = [await allOf(store), await good(store.status())];
      wall.now -= 60_000;
      const again = (await reopen?.()) ?? store;
      deepEqual(await allOf(again), before);
      deepEqual(await again.status(), status);
      deepEqual(await good(again.load('snapshot')), {
        ok: true,
        document: { key: 'snapshot', value: { at: 3 }, revision, wallAt: wall.now + 60_000 },
      });
      equal((await again.append('s', events('late'), { fence: { name: 'f', token: 6 } })).ok, false);
      const next = await good(again.append('s', events('e'), { expected: 3 }));
      deepEqual([next.version, next.position], [4, 5]);
      // The clock was put back; the order of events was not.
      equal((await allOf(again)).at(-1)?.wallAt, wall.now + 60_000);
    },
  },
];
