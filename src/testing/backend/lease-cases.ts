/** Leases, what is bound to them, and tokens. */
import { deepEqual, equal, notEqual, ok as holds } from 'node:assert/strict';
import { memoryEvents } from '../../events/memory.js';
import type { WrittenBackendCase } from './contract.js';
import { entryAt, is, leaseFor, ok, put, told, valueAt, watchOf } from './looks.js';

export const leaseCases: readonly WrittenBackendCase[] = [
  {
    title: 'leases have names of their own, and live for as long as was asked',
    check: async ({ backend }) => {
      const [one, other] = await Promise.all([ok(backend.grant(1_000)), ok(backend.grant(2_500))]);
      notEqual(one.lease, other.lease);
      deepEqual([one.ttlMs, other.ttlMs], [1_000, 2_500]);
      equal((await ok(backend.status())).leases, 2);
    },
  },
  {
    title: 'what is bound to a lease stands until its time is over, and not a moment longer',
    check: async ({ backend, advance, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      const revision = await put(backend, 'a', 0, 1, { lease });
      await advance(900);
      deepEqual(await entryAt(backend, 'a'), { key: 'a', value: 1, revision, created: revision, lease });
      await outlast(100);
      equal(await entryAt(backend, 'a'), null);
      deepEqual((await ok(backend.list(''))).entries, []);
    },
  },
  {
    title: 'a renewal gives a lease its whole time anew, from then',
    check: async ({ backend, advance, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      await put(backend, 'a', 0, 1, { lease });
      for (let round = 0; round < 3; round++) {
        await advance(800);
        equal((await ok(backend.renew(lease))).ttlMs, 1_000);
      }
      await advance(900);
      equal(await valueAt(backend, 'a'), 1);
      await outlast(100);
      equal(await entryAt(backend, 'a'), null);
    },
  },
  {
    title: 'the end of a lease takes all that is bound to it, and nothing else',
    check: async ({ backend, outlast }) => {
      const [short, long] = [await leaseFor(backend, 1_000), await leaseFor(backend, 60_000)];
      for (const key of ['s/1', 's/2', 's/3']) await put(backend, key, 0, key, { lease: short });
      await put(backend, 'l', 0, 1, { lease: long });
      await put(backend, 'n', 0, 1);
      await outlast(1_000);
      deepEqual(
        (await ok(backend.list(''))).entries.map(({ key }) => key),
        ['l', 'n'],
      );
      deepEqual([(await ok(backend.status())).leases, (await ok(backend.status())).keys], [1, 2]);
    },
  },
  {
    title: 'leases that end at different times end one after the other',
    check: async ({ backend, outlast }) => {
      const ttls = [3_000, 1_000, 5_000, 2_000, 4_000];
      for (const ttl of ttls) await put(backend, `k${ttl}`, 0, 1, { lease: await leaseFor(backend, ttl) });
      for (const left of [4, 3, 2, 1, 0]) {
        await outlast(1_000);
        equal((await ok(backend.list('k'))).entries.length, left);
      }
    },
  },
  {
    title: 'a lease that has ended is gone for good, and one that never was is too',
    check: async ({ backend, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      await outlast(1_000);
      await is(backend.renew(lease), 'gone');
      await is(backend.renew(lease), 'gone');
      await is(backend.renew('never'), 'gone');
      equal((await ok(backend.revoke('never'))).wasThere, false);
    },
  },
  {
    title: 'a write with a lease that has ended is not done, and says so before anything else',
    check: async ({ backend, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      const revision = await put(backend, 'a', 0, 1);
      await outlast(1_000);
      await is(backend.compareAndSet('a', revision, 2, { lease }), 'gone');
      await is(backend.compareAndSet('a', 0, 2, { lease }), 'gone');
      await is(backend.compareAndSet('new', 0, 2, { lease: 'never' }), 'gone');
      deepEqual([await valueAt(backend, 'a'), await entryAt(backend, 'new')], [1, null]);
    },
  },
  {
    title: 'a lease that is revoked ends at once with what is bound to it; once is enough',
    check: async ({ backend }) => {
      const lease = await leaseFor(backend, 60_000);
      await put(backend, 'a', 0, 1, { lease });
      await put(backend, 'b', 0, 1);
      equal((await ok(backend.revoke(lease))).wasThere, true);
      deepEqual([await entryAt(backend, 'a'), await valueAt(backend, 'b')], [null, 1]);
      equal((await ok(backend.revoke(lease))).wasThere, false);
      await is(backend.renew(lease), 'gone');
      await is(backend.compareAndSet('a', 0, 1, { lease }), 'gone');
    },
  },
  {
    title: 'a write without a lease unbinds the key, and one with another moves it there',
    check: async ({ backend, outlast }) => {
      const [one, other] = [await leaseFor(backend, 1_000), await leaseFor(backend, 3_000)];
      const [a, b] = [await put(backend, 'a', 0, 1, { lease: one }), await put(backend, 'b', 0, 1, { lease: one })];
      await put(backend, 'a', a, 2);
      await put(backend, 'b', b, 2, { lease: other });
      deepEqual([(await entryAt(backend, 'a'))?.lease, (await entryAt(backend, 'b'))?.lease], [null, other]);
      await outlast(1_000);
      deepEqual([await valueAt(backend, 'a'), await valueAt(backend, 'b')], [2, 2]);
      await outlast(2_000);
      deepEqual([await valueAt(backend, 'a'), await valueAt(backend, 'b')], [2, undefined]);
    },
  },
  {
    title: 'a write with the lease again keeps the key bound',
    check: async ({ backend, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      const first = await put(backend, 'a', 0, 1, { lease });
      await put(backend, 'a', first, 2, { lease });
      equal(await valueAt(backend, 'a'), 2);
      await outlast(1_000);
      equal(await entryAt(backend, 'a'), null);
    },
  },
  {
    title: 'a key that was deleted and made anew does not end with the lease that it had before',
    check: async ({ backend, outlast }) => {
      const lease = await leaseFor(backend, 1_000);
      const old = await put(backend, 'a', 0, 'old', { lease });
      await ok(backend.delete('a', old));
      await put(backend, 'a', 0, 'new');
      await outlast(1_000);
      equal(await valueAt(backend, 'a'), 'new');
    },
  },
  {
    title: 'the late release of one whose lease has ended takes nothing from whoever came after',
    check: async ({ backend, outlast }) => {
      const first = await leaseFor(backend, 1_000);
      const held = await put(backend, 'lock', 0, 'first', { lease: first });
      await outlast(1_000);
      const second = await put(backend, 'lock', 0, 'second', { lease: await leaseFor(backend, 60_000) });
      await is(backend.delete('lock', held), 'conflict');
      await is(backend.compareAndSet('lock', held, 'again', { lease: first }), 'gone');
      await ok(backend.revoke(first));
      deepEqual((await entryAt(backend, 'lock'))?.revision, second);
    },
  },
  {
    title: 'the end of a lease comes by itself, and its deletions have revisions of their own',
    check: async ({ backend, outlast, advance }) => {
      const watch = await watchOf(backend, 'a');
      const lease = await leaseFor(backend, 1_000);
      const [a1, a2] = [await put(backend, 'a1', 0, 1, { lease }), await put(backend, 'a2', 0, 1, { lease })];
      await told(advance, watch, 2);
      const next = watch.next({ withinMs: 600_000 });
      await outlast(1_000);
      const ended = [...(await is(next, 'changes')).changes];
      if (ended.length < 2) ended.push(...(await told(advance, watch, 1)));
      deepEqual(ended.map(({ key, type }) => `${type} ${key}`).sort(), ['deleted a1', 'deleted a2']);
      equal(new Set(ended.map(({ revision }) => revision)).size, 2);
      for (const change of ended) {
        holds(change.revision > a2);
        equal(change.type === 'deleted' && change.why, 'expired');
        equal(change.type === 'deleted' && change.created, change.key === 'a1' ? a1 : a2);
      }
    },
  },
  {
    title: 'of those who take a key one after the other each has a higher token, and the fence of an event store lets nobody go back',
    check: async ({ backend, outlast }) => {
      const store = memoryEvents();
      const tokens: number[] = [];
      for (let holder = 0; holder < 4; holder++) {
        const token = await put(backend, 'leader', 0, holder, { lease: await leaseFor(backend, 1_000) });
        holds(token > (tokens.at(-1) ?? 0));
        tokens.push(token);
        equal((await store.append('work', [{ type: 'done' }], { fence: { name: 'leader', token } })).ok, true);
        for (const old of tokens.slice(0, -1)) {
          const late = await store.append('work', [{ type: 'late' }], { fence: { name: 'leader', token: old } });
          equal(!late.ok && late.reason, 'fenced');
        }
        await outlast(1_000);
      }
      await store.close();
    },
  },
  {
    title: 'of ten who would take a key whose holder has ended exactly one does',
    check: async ({ backend, outlast }) => {
      await put(backend, 'leader', 0, 'first', { lease: await leaseFor(backend, 1_000) });
      const leases = await Promise.all(Array.from({ length: 10 }, () => leaseFor(backend, 60_000)));
      for (const lease of leases) await is(backend.compareAndSet('leader', 0, lease, { lease }), 'conflict');
      await outlast(1_000);
      const outcomes = await Promise.all(leases.map((lease) => backend.compareAndSet('leader', 0, lease, { lease })));
      equal(outcomes.filter(({ outcome }) => outcome === 'ok').length, 1);
      equal(outcomes.filter(({ outcome }) => outcome === 'conflict').length, 9);
    },
  },
];
