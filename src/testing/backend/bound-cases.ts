/** Bounds: who comes beyond is refused by the bound's name, and nothing that is there gives way. */
import { deepEqual, equal } from 'node:assert/strict';
import type { WrittenBackendCase } from './contract.js';
import { entryAt, isRefused, leaseFor, ok, put, valueAt } from './looks.js';

export const boundCases: readonly WrittenBackendCase[] = [
  {
    title: 'there are as many keys as may be: those that are there can be written still, and one that goes makes room',
    limits: { maxKeys: 3 },
    check: async ({ backend }) => {
      const a = await put(backend, 'a', 0, 1);
      const b = await put(backend, 'b', 0, 1);
      await put(backend, 'c', 0, 1);
      await isRefused(backend.compareAndSet('d', 0, 1), 'full', 'maxKeys');
      await put(backend, 'a', a, 2);
      await ok(backend.delete('b', b));
      await put(backend, 'd', 0, 1);
      deepEqual(
        (await ok(backend.list(''))).entries.map(({ key }) => key),
        ['a', 'c', 'd'],
      );
    },
  },
  {
    title: 'of writes at once beyond the bound only so many are done as there is room for',
    limits: { maxKeys: 5 },
    check: async ({ backend }) => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => backend.compareAndSet(`k${n}`, 0, n)));
      equal(outcomes.filter(({ outcome }) => outcome === 'ok').length, 5);
      equal((await ok(backend.status())).keys, 5);
    },
  },
  {
    title: 'a value that is too large is refused, and what was there stays',
    limits: { maxValueBytes: 100 },
    check: async ({ backend }) => {
      const there = await put(backend, 'a', 0, 'x'.repeat(98));
      await isRefused(backend.compareAndSet('a', there, 'x'.repeat(99)), 'tooLarge');
      await isRefused(backend.compareAndSet('b', 0, 'ä'.repeat(50)), 'tooLarge');
      deepEqual([(await entryAt(backend, 'a'))?.revision, await entryAt(backend, 'b')], [there, null]);
    },
  },
  {
    title: 'all keys and values together have a bound, and what goes gives back what it took',
    limits: { maxBytes: 1_000 },
    check: async ({ backend }) => {
      const a = await put(backend, 'a', 0, 'x'.repeat(400));
      const b = await put(backend, 'b', 0, 'x'.repeat(400));
      await isRefused(backend.compareAndSet('c', 0, 'x'.repeat(400)), 'full', 'maxBytes');
      await isRefused(backend.compareAndSet('a', a, 'x'.repeat(800)), 'full', 'maxBytes');
      const smaller = await put(backend, 'a', a, 'x');
      await put(backend, 'c', 0, 'x'.repeat(400));
      await ok(backend.delete('b', b));
      await put(backend, 'a', smaller, 'x'.repeat(400));
      equal((await ok(backend.status())).bytes, 2 * 403);
    },
  },
  {
    title: 'there are as many leases as may be, and one that ends, in whatever way, makes room',
    limits: { maxLeases: 2 },
    check: async ({ backend, outlast }) => {
      const [, long] = [await leaseFor(backend, 1_000), await leaseFor(backend, 60_000)];
      await isRefused(backend.grant(1_000), 'full', 'maxLeases');
      await outlast(1_000);
      await leaseFor(backend, 60_000);
      await isRefused(backend.grant(1_000), 'full', 'maxLeases');
      await ok(backend.revoke(long));
      await leaseFor(backend, 60_000);
    },
  },
  {
    title: 'a lease has as many keys as may be: those that it has can be written still',
    limits: { maxLeaseKeys: 2 },
    check: async ({ backend }) => {
      const [one, other] = [await leaseFor(backend, 60_000), await leaseFor(backend, 60_000)];
      const a = await put(backend, 'a', 0, 1, { lease: one });
      await put(backend, 'b', 0, 1, { lease: one });
      await isRefused(backend.compareAndSet('c', 0, 1, { lease: one }), 'full', 'maxLeaseKeys');
      const again = await put(backend, 'a', a, 2, { lease: one });
      await put(backend, 'a', again, 3, { lease: other });
      await put(backend, 'c', 0, 1, { lease: one });
      equal(await valueAt(backend, 'c'), 1);
    },
  },
];
