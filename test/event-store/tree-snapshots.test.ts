import { afterEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { treeSnapshots } from '../../src/event-store/tree-snapshots.js';
import { deadLetters } from '../../src/events/dead-letters.js';
import { memoryEvents } from '../../src/events/memory.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { good } from '../../src/testing/event-store/looks.js';
import { newFile, removeFiles } from '../events/store-world.js';

afterEach(removeFiles);

const counting = (event: 'up' | 'more') =>
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'up' | 'more' } },
    actions: { add: assign({ n: ({ context }) => context.n + 1 }) },
  }).createMachine({
    id: 'counter',
    context: { n: 0 },
    on: { [event]: { actions: 'add' } },
  });

describe('a tree', () => {
  it('goes on after a crash where it was saved', async () => {
    const [path, actors] = [newFile(), { counter: counting('up') }];
    const tree = orchestrator({ actors, children: [{ id: 'c', src: 'counter' }] });
    const first = tree.start();
    await first.started();
    first.child('c')?.send({ type: 'up' });
    const before = await sqliteEvents({ path });
    await good(treeSnapshots(before, { actors }).save(first));
    first.child('c')?.send({ type: 'up' });
    await Promise.all([before.close(), first.stop()]);

    const store = await sqliteEvents({ path });
    const found = await good(treeSnapshots(store, { actors }).load());
    const again = tree.start({ snapshot: found.snapshot });
    await again.started();
    expect(again.child('c')?.getSnapshot()).toMatchObject({ context: { n: 1 } });
    expect(found.savedAt).toBeGreaterThan(0);
    await Promise.all([again.stop(), store.close()]);
  });

  it('that was saved by other machines or another version is refused, by name', async () => {
    const store = memoryEvents();
    const [old, now] = [{ counter: counting('up') }, { counter: counting('more') }];
    const app = { getPersistedSnapshot: () => ({ some: 'tree' }) };
    expect(await treeSnapshots(store, { actors: old }).load()).toEqual({ ok: true, snapshot: null, savedAt: null });
    await good(treeSnapshots(store, { actors: old }).save(app));
    expect(await treeSnapshots(store, { actors: { counter: counting('up') } }).load()).toMatchObject({ ok: true, snapshot: { some: 'tree' } });
    expect(await treeSnapshots(store, { actors: now }).load()).toMatchObject({ ok: false, reason: 'changed', changed: ['actors/counter'] });
    expect(await treeSnapshots(store, { actors: old, version: '2' }).load()).toMatchObject({ ok: false, changed: ['version'] });
    await good(treeSnapshots(store, { actors: now }).forget());
    expect(await treeSnapshots(store, { actors: now }).load()).toMatchObject({ ok: true, snapshot: null });
    await store.close();
  });

  it('is not saved over by the process that lost it', async () => {
    const store = memoryEvents();
    const of = (token: number) => treeSnapshots(store, { actors: {}, fence: { name: 'owner', token } });
    const app = (by: number) => ({ getPersistedSnapshot: () => ({ by }) });
    await good(of(2).save(app(2)));
    expect(await of(1).save(app(1))).toMatchObject({ ok: false, reason: 'fenced' });
    expect(await good(of(1).load())).toMatchObject({ snapshot: { by: 2 } });
    await store.close();
  });
});

describe('dead letters', () => {
  it('are there until somebody has dealt with them, one of several who try', async () => {
    const store = memoryEvents();
    const letters = deadLetters(store);
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push((await good(letters.bury({ to: 'app/worker', event: { type: 'job', n }, reason: 'noproc' }))).id);
    const [, second = ''] = ids;
    const both = await Promise.all([letters.settle(second, 'redelivered'), letters.settle(second, 'discarded')]);
    expect(both).toEqual([{ ok: true }, { ok: false, reason: 'settled' }]);
    expect(await letters.settle('nobody', 'discarded')).toEqual({ ok: false, reason: 'notFound' });
    expect(await letters.settle(`${second}:settled`, 'discarded')).toEqual({ ok: false, reason: 'notFound' });
    // No policy that does not name them takes them away.
    await good(store.prune({ keep: 0 }));
    const open = await good(letters.open());
    expect(open.letters.map(({ id, to, event, reason }) => ({ id, to, event, reason }))).toEqual([
      { id: ids[0], to: 'app/worker', event: { type: 'job', n: 1 }, reason: 'noproc' },
      { id: ids[2], to: 'app/worker', event: { type: 'job', n: 3 }, reason: 'noproc' },
    ]);
    const page = await good(letters.open({ limit: 1 }));
    expect((await good(letters.open({ after: page.next ?? 0 }))).letters).toHaveLength(1);
    await store.close();
    expect(await letters.bury({ to: 'x', event: {}, reason: 'late' })).toEqual({ ok: false, reason: 'closed' });
    expect(await letters.settle('x', 'discarded')).toEqual({ ok: false, reason: 'closed' });
    expect(await letters.open()).toEqual({ ok: false, reason: 'closed' });
  });
});
