/** Behind a bad line: what is `unknown` can be found out, and nothing is done twice. */
import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import type { Backend } from '../../backend/port.js';
import type { WrittenBackendCase } from './contract.js';
import { faultyBackend, randomFaults } from './faulty.js';
import { entryAt, is, leaseFor, ok, put, valueAt } from './looks.js';

export const faultCases: readonly WrittenBackendCase[] = [
  {
    title: 'a write whose answer was lost was done: asked again it is a conflict with its own value',
    check: async ({ backend }) => {
      const line = faultyBackend(backend);
      const there = await put(line, 'a', 0, 'before');
      line.next('loseAnswer');
      await is(line.compareAndSet('a', there, { by: 'me' }), 'unknown');
      const { entry } = await is(line.compareAndSet('a', there, { by: 'me' }), 'conflict');
      deepEqual(entry?.value, { by: 'me' });
      holds((entry?.revision ?? 0) > there);
    },
  },
  {
    title: 'a write whose request was lost was not done: asked again it is',
    check: async ({ backend }) => {
      const line = faultyBackend(backend);
      const there = await put(line, 'a', 0, 'before');
      line.next('loseRequest');
      await is(line.compareAndSet('a', there, 'me'), 'unknown');
      await ok(line.compareAndSet('a', there, 'me'));
      equal(await valueAt(backend, 'a'), 'me');
    },
  },
  {
    title: 'a write that comes late, after it was asked for again, is not done a second time',
    check: async ({ backend }) => {
      const line = faultyBackend(backend);
      const there = await put(line, 'a', 0, 'before');
      line.next('delay');
      await is(line.compareAndSet('a', there, 'me'), 'unknown');
      const done = await put(line, 'a', there, 'me');
      const other = await put(line, 'a', done, 'other');
      await line.deliver();
      deepEqual([(await entryAt(backend, 'a'))?.revision, await valueAt(backend, 'a')], [other, 'other']);
    },
  },
  {
    title: 'a deletion that comes late takes nothing that was made anew',
    check: async ({ backend }) => {
      const line = faultyBackend(backend);
      const there = await put(line, 'a', 0, 'same');
      line.next('delay');
      await is(line.delete('a', there), 'unknown');
      await ok(line.delete('a', there));
      const made = await put(line, 'a', 0, 'same');
      await line.deliver();
      equal((await entryAt(backend, 'a'))?.revision, made);
    },
  },
  {
    title: 'a write that comes late with a lease that was revoked, or has ended, is not done, though its key is free',
    check: async ({ backend, outlast }) => {
      const line = faultyBackend(backend);
      for (const how of ['revoked', 'ended']) {
        const lease = await leaseFor(backend, 1_000);
        line.next('delay');
        await is(line.compareAndSet('lock', 0, 'me', { lease }), 'unknown');
        if (how === 'revoked') await ok(line.revoke(lease));
        else await outlast(1_000);
        await line.deliver();
        equal(await entryAt(backend, 'lock'), null);
      }
    },
  },
  {
    title: 'what comes twice is done once',
    check: async ({ backend }) => {
      const line = faultyBackend(backend);
      line.next('duplicate');
      const revision = await put(line, 'a', 0, 1);
      equal((await entryAt(backend, 'a'))?.revision, revision);
      line.next('duplicate');
      await ok(line.delete('a', revision));
      equal(await entryAt(backend, 'a'), null);
      const lease = await leaseFor(backend, 60_000);
      await put(backend, 'b', 0, 1, { lease });
      line.next('duplicate', 'duplicate');
      await ok(line.renew(lease));
      equal((await ok(line.revoke(lease))).wasThere, true);
      equal((await ok(backend.status())).leases, 0);
    },
  },
  {
    title: 'a lease whose grant nobody heard of ends by itself',
    limits: { maxLeases: 1 },
    check: async ({ backend, outlast }) => {
      const line = faultyBackend(backend);
      line.next('loseAnswer');
      await is(line.grant(1_000), 'unknown');
      equal((await ok(backend.status())).leases, 1);
      await outlast(1_000);
      await leaseFor(line, 1_000);
    },
  },
  {
    title: 'a renewal that comes late brings back no lease that has ended',
    check: async ({ backend, outlast }) => {
      const line = faultyBackend(backend);
      const lease = await leaseFor(backend, 1_000);
      await put(backend, 'a', 0, 1, { lease });
      line.next('delay');
      await is(line.renew(lease), 'unknown');
      await outlast(1_000);
      await line.deliver();
      equal(await entryAt(backend, 'a'), null);
      await is(backend.renew(lease), 'gone');
    },
  },
  ...[1, 2, 3, 4, 5].map(
    (seed): WrittenBackendCase => ({
      title: `increments behind bad lines are counted as often as they were done, and not once more (seed ${seed})`,
      check: async ({ backend }) => {
        await put(backend, 'n', 0, []);
        const lines = [0, 1, 2, 3].map((by) => faultyBackend(backend, randomFaults(seed * 10 + by, 0.4)));
        await Promise.all(lines.map((line, by) => addAll(line, `${by}`, 15)));
        for (const line of lines) await line.deliver('newest');
        const entries = (await valueAt(backend, 'n')) as string[];
        equal(new Set(entries).size, 60);
        equal(entries.length, 60);
      },
    }),
  ),
];

/** Adds names of its own to a list, one by one, asking again until it knows that each is there. */
async function addAll(line: Backend, by: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const own = `${by}.${n}`;
    let [revision, entries]: [number, readonly string[]] = [0, []];
    for (let isThere = false; !isThere; ) {
      const outcome = await line.compareAndSet('n', revision, [...entries, own]);
      isThere = outcome.outcome === 'ok';
      if (outcome.outcome !== 'conflict') continue;
      [revision, entries] = [outcome.entry?.revision ?? 0, (outcome.entry?.value ?? []) as string[]];
      isThere = entries.includes(own);
    }
  }
}
