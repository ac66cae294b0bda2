/** What outlasts a backend, and that only one may have it. */
import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import type { OpenBackend } from '../../backend/port.js';
import type { BackendBench, WrittenBackendCase } from './contract.js';
import { entryAt, headOf, is, isRefused, leaseFor, ok, put, told, valueAt, watchOf, wordOf } from './looks.js';

const again = ({ reopen }: BackendBench): Promise<OpenBackend> => (reopen as NonNullable<typeof reopen>)();
const taken = ({ takeOver }: BackendBench): Promise<OpenBackend> => (takeOver as NonNullable<typeof takeOver>)();

export const durableCases: readonly WrittenBackendCase[] = [
  {
    title: 'what was acknowledged is there when it is opened again, as it stood',
    needs: 'reopen',
    check: async (bench) => {
      const { backend } = bench;
      const lease = await leaseFor(backend, 60_000);
      const a = await put(backend, 'a', 0, { n: [1, 'ü'] });
      await put(backend, 'a', a, { n: [2, 'ü'] }, { lease });
      const b = await put(backend, 'b', 0, null);
      await put(backend, 'c', 0, '"quoted"');
      await ok(backend.delete('b', b));
      const { entries, revision } = await ok(backend.list(''));
      const opened = await again(bench);
      deepEqual(await ok(opened.list('')), { outcome: 'ok', entries, next: null, revision });
      equal(await entryAt(opened, 'b'), null);
      deepEqual((await ok(opened.status())).leases, 1);
    },
  },
  {
    title: 'no revision is given twice when it is opened again, whatever was the last thing that happened',
    needs: 'reopen',
    check: async (bench) => {
      const there = await put(bench.backend, 'a', 0, 1);
      const gone = await ok(bench.backend.delete('a', there));
      let opened = await again(bench);
      const made = await put(opened, 'a', 0, 2);
      holds(made > gone.revision);
      await ok(opened.revoke(await leaseFor(opened, 1_000)));
      const head = await headOf(opened);
      opened = await again(bench);
      equal(await headOf(opened), head);
      holds((await put(opened, 'b', 0, 1)) > head);
    },
  },
  {
    title: 'leases go on when it is opened again, with their whole time, and end then',
    needs: 'reopen',
    check: async (bench) => {
      const lease = await leaseFor(bench.backend, 1_000);
      const revision = await put(bench.backend, 'a', 0, 1, { lease });
      await bench.advance(900);
      const opened = await again(bench);
      await bench.advance(900);
      deepEqual((await entryAt(opened, 'a'))?.revision, revision);
      await ok(opened.renew(lease));
      await bench.advance(900);
      equal(await valueAt(opened, 'a'), 1);
      await bench.outlast(100);
      equal(await entryAt(opened, 'a'), null);
      await is(opened.renew(lease), 'gone');
    },
  },
  {
    title: 'a lease that has ended has ended when it is opened again',
    needs: 'reopen',
    check: async (bench) => {
      const lease = await leaseFor(bench.backend, 1_000);
      await put(bench.backend, 'a', 0, 1, { lease });
      await bench.outlast(1_000);
      await ok(bench.backend.status());
      const opened = await again(bench);
      await is(opened.renew(lease), 'gone');
      equal(await entryAt(opened, 'a'), null);
      const next = await leaseFor(opened, 1_000);
      holds(next !== lease);
    },
  },
  {
    title: 'who watches on when it is opened again is told all that was since, or that it is forgotten',
    needs: 'reopen',
    check: async (bench) => {
      const first = await put(bench.backend, 'a', 0, 1);
      const second = await put(bench.backend, 'a', first, 2);
      const opened = await again(bench);
      const third = await put(opened, 'a', second, 3);
      const outcome = await opened.watch('a', { from: second });
      if (outcome.outcome === 'ok')
        deepEqual(
          (await told(bench.advance, outcome.watch, 2)).map(({ revision }) => revision),
          [second, third],
        );
      else holds((await is(outcome, 'tooOld')).oldest > second);
    },
  },
  {
    title: 'three thousand changes are there when it is opened again, each where it was',
    needs: 'reopen',
    check: async (bench) => {
      const standing = new Map<string, number>();
      for (let round = 0; round < 30; round++) {
        const keys = Array.from({ length: 100 }, (_, n) => `k${(n * 7 + round) % 130}`);
        const revisions = await Promise.all(
          [...new Set(keys)].map(async (key) => [key, await put(bench.backend, key, standing.get(key) ?? 0, round)] as const),
        );
        for (const [key, revision] of revisions) standing.set(key, revision);
      }
      const opened = await again(bench);
      const { entries } = await ok(opened.list('k', { limit: 1_000 }));
      deepEqual(
        new Map(entries.map(({ key, revision }) => [key, revision])),
        new Map([...standing].sort(([one], [other]) => (one < other ? -1 : 1))),
      );
      const watch = await watchOf(opened, 'k', (await headOf(opened)) - 10);
      equal((await told(bench.advance, watch, 11)).length, 11);
    },
  },
  {
    title: 'one that another has taken over does nothing any more, and says so',
    needs: 'takeOver',
    check: async (bench) => {
      const old = bench.backend;
      const lease = await leaseFor(old, 60_000);
      const there = await put(old, 'a', 0, 1, { lease });
      const now = await taken(bench);
      await ok(now.status());
      await isRefused(old.compareAndSet('a', there, 'late'), 'closed');
      await isRefused(old.renew(lease), 'closed');
      await isRefused(old.get('a'), 'closed');
      deepEqual((await entryAt(now, 'a'))?.revision, there);
      const next = await put(now, 'a', there, 2);
      holds(next > there);
    },
  },
  {
    title: 'a lease that its holder renews at one that was taken over is not renewed: that would be two truths',
    needs: 'takeOver',
    check: async (bench) => {
      const lease = await leaseFor(bench.backend, 1_000);
      await put(bench.backend, 'a', 0, 1, { lease });
      const now = await taken(bench);
      await ok(now.status());
      await bench.advance(900);
      const renewed = await bench.backend.renew(lease);
      holds(renewed.outcome !== 'ok', 'it was renewed where nobody looks');
      await bench.outlast(100);
      equal(await entryAt(now, 'a'), null);
    },
  },
  {
    title: 'those who watch one that was taken over are told that it has ended',
    needs: 'takeOver',
    check: async (bench) => {
      const watch = await watchOf(bench.backend, 'a');
      const now = await taken(bench);
      await ok(now.status());
      const other = await watchOf(now, 'a');
      const next = watch.next();
      await bench.backend.compareAndSet('a', 0, 'late');
      await is(next, 'ended');
      await put(now, 'a', 0, 1);
      deepEqual((await told(bench.advance, other, 1)).map(wordOf), ['set a']);
    },
  },
];
