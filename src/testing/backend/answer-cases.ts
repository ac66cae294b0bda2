/** Each call is answered once, and in time. */
import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import type { Backend, CallOptions } from '../../backend/port.js';
import type { WrittenBackendCase } from './contract.js';
import { entryAt, headOf, is, isRefused, leaseFor, ok, put, valueAt, watchOf } from './looks.js';

type Call = (backend: Backend, options: CallOptions, lease: string) => Promise<{ readonly outcome: string }>;

const calls: Readonly<Record<string, Call>> = {
  get: (backend, options) => backend.get('a', options),
  list: (backend, options) => backend.list('', options),
  compareAndSet: (backend, options) => backend.compareAndSet('new', 0, 1, options),
  delete: (backend, options) => backend.delete('a', 1, options),
  grant: (backend, options) => backend.grant(1_000, options),
  renew: (backend, options, lease) => backend.renew(lease, options),
  revoke: (backend, options, lease) => backend.revoke(lease, options),
  watch: (backend, options) => backend.watch('', options),
  status: (backend, options) => backend.status(options),
};

export const answerCases: readonly WrittenBackendCase[] = [
  ...Object.entries(calls).map(
    ([name, call]): WrittenBackendCase => ({
      title: `${name}: whose signal has aborted before it was called is refused, and nothing is done`,
      check: async ({ backend }) => {
        const lease = await leaseFor(backend, 60_000);
        await put(backend, 'a', 0, 1, { lease });
        const before = await ok(backend.status());
        await isRefused(call(backend, { signal: AbortSignal.abort() }, lease), 'cancelled');
        deepEqual(await ok(backend.status()), before);
        equal(await valueAt(backend, 'a'), 1);
      },
    }),
  ),
  ...Object.entries(calls).map(
    ([name, call]): WrittenBackendCase => ({
      title: `${name}: asked of a backend that is closed it is refused`,
      check: async ({ backend }) => {
        const lease = await leaseFor(backend, 60_000);
        await backend.close();
        await isRefused(call(backend, {}, lease), 'closed');
        await backend.close();
        await isRefused(call(backend, { withinMs: 1 }, lease), 'closed');
      },
    }),
  ),
  {
    title: 'whoever waits when it is closed is answered: done, not done, or that nobody knows',
    check: async ({ backend }) => {
      const lease = await leaseFor(backend, 60_000);
      const asked = Object.values(calls).map((call) => call(backend, {}, lease));
      const writes = Array.from({ length: 20 }, (_, n) => backend.compareAndSet(`k${n}`, 0, n));
      await backend.close();
      for (const { outcome } of await Promise.all([...asked, ...writes]))
        holds(['ok', 'conflict', 'gone', 'refused', 'unknown'].includes(outcome), outcome);
    },
  },
  {
    title: 'a call that is cancelled on its way says that it was not done only where it was not',
    check: async ({ backend }) => {
      for (let n = 0; n < 20; n++) {
        const given = new AbortController();
        const key = `k${n}`;
        const writing = backend.compareAndSet(key, 0, n, { signal: given.signal });
        if (n % 2 === 0) given.abort();
        else queueMicrotask(() => given.abort());
        const outcome = await writing;
        // What was asked before is done, or not, by the time that a later write is.
        const after = await backend.compareAndSet(key, 0, 'after');
        if (outcome.outcome === 'ok')
          deepEqual([(await is(after, 'conflict')).entry?.value, (await entryAt(backend, key))?.revision], [n, outcome.revision]);
        else if (outcome.outcome === 'refused') await ok(after);
        else await is(outcome, 'unknown');
      }
    },
  },
  {
    title: 'who was answered is not answered again: a signal or a deadline that comes after changes nothing',
    check: async ({ backend, advance }) => {
      const given = new AbortController();
      const written = await ok(backend.compareAndSet('a', 0, 1, { signal: given.signal, withinMs: 1_000 }));
      given.abort();
      await advance(2_000);
      deepEqual([(await entryAt(backend, 'a'))?.revision, await headOf(backend)], [written.revision, written.revision]);
    },
  },
  {
    title: 'a watch lives on when the call that began it is over',
    check: async ({ backend, advance }) => {
      const given = new AbortController();
      const { watch } = await ok(backend.watch('a', { signal: given.signal, withinMs: 1_000 }));
      given.abort();
      await advance(2_000);
      await put(backend, 'a', 0, 1);
      await is(watch.next(), 'changes');
      equal((await ok(backend.status())).watches, 1);
    },
  },
  {
    title: 'who stands says how much there is',
    check: async ({ backend }) => {
      await watchOf(backend, 'a');
      const lease = await leaseFor(backend, 60_000);
      const revision = await put(backend, 'ä', 0, 'x', { lease });
      deepEqual(await ok(backend.status()), { outcome: 'ok', revision, keys: 1, bytes: 5, leases: 1, watches: 1 });
    },
  },
];
