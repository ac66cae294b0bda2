import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { EventStoreEmitted } from '../../machines/events/event-store-events.js';
import { eventStore } from '../../src/event-store/event-store.js';
import { createEventStore, type EventStoreHandle, eventStoreHandle } from '../../src/event-store/handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, exitReason, onExit } from '../../src/supervision/watch.js';
import { good, typesOf } from '../../src/testing/event-store/looks.js';
import type { EventStore } from '../../src/events/port.js';
import { newFile, removeFiles } from '../events/store-world.js';
import { leaveNothing, storeWorld, turn } from './store-world.js';

afterEach(async () => {
  await leaveNothing();
  removeFiles();
});

const one = [{ type: 'a' }];

/** The next fact of a type. */
const next = (store: EventStoreHandle, type: EventStoreEmitted['type']): Promise<unknown> =>
  new Promise((resolve) => {
    const heard = store.on(type, (fact) => {
      heard.unsubscribe();
      resolve(fact);
    });
  });

describe('an event store', () => {
  it('has whoever comes before it is open wait, in order', async () => {
    const { store, facts } = storeWorld();
    const outcomes = await Promise.all([store.append('s', one), store.append('s', [{ type: 'b' }]), store.opened()]);
    expect(outcomes).toMatchObject([{ version: 1 }, { version: 2 }, true]);
    expect(facts[0]).toEqual({ type: 'eventStore.opened', head: 0, isDurable: false });
    expect(facts).toContainEqual(expect.objectContaining({ type: 'eventStore.committed', head: 2, events: 2, commands: 2 }));
  });

  it('keeps what is asked before it is open as it was asked, and finds misuse at once', async () => {
    const { store, clock, engine } = storeWorld({ memory: true, backoff: { minMs: 50, maxMs: 50, factor: 1, jitter: 0 } });
    await store.opened();
    exit(engine(), 'kill');
    const data = { list: [1] };
    const given = { events: [{ type: 'a', data }], fence: { name: 'f', token: 1 }, query: { stream: 's' }, policy: { keep: 5 } };
    const asked = [
      store.append('s', given.events, { fence: given.fence }),
      store.save('k', data, { fence: given.fence }),
      store.prune(given.policy),
      store.fence(given.fence),
    ];
    const page = store.read(given.query);
    const misuse = expect.objectContaining({ code: expect.stringMatching(/^events\/invalid/) });
    const wrong = [store.append('', given.events), store.save('k', 1n), store.read({ limit: 0 }), store.fence({ name: 'f', token: -1 })];
    // Of these nobody waits for the store, which is not open yet.
    for (const one of wrong) await expect(one).rejects.toEqual(misuse);
    data.list.push(2);
    given.events.push({ type: 'b', data });
    Object.assign(given.fence, { token: 9 });
    Object.assign(given.query, { stream: 'none' });
    Object.assign(given.policy, { keep: 0 });
    clock.advanceBy(50);
    for (const outcome of asked) await good<{ readonly ok: boolean }>(outcome);
    expect(await good(page)).toMatchObject({ head: 0 });
    expect(await good(store.read({ stream: 's' }))).toMatchObject({ events: [{ type: 'a', data: { list: [1] } }] });
    expect(await good(store.load('k'))).toMatchObject({ document: { value: { list: [1] } } });
    expect(await good(store.fence({ name: 'f', token: 1 }))).toEqual({ ok: true, highest: 1 });
  });

  it('that is not open keeps no more bytes than may wait, and answers the others at once', async () => {
    const { store, clock, engine } = storeWorld({ memory: true, maxEventBytes: 1_000, backoff: { minMs: 50, maxMs: 50, factor: 1, jitter: 0 } });
    await store.opened();
    exit(engine(), 'kill');
    const large = 'x'.repeat(40_000);
    const [first, second, third] = [store.save('a', large), store.save('b', large), store.append('s', one)];
    expect(await second).toEqual({ ok: false, reason: 'closed' });
    clock.advanceBy(50);
    expect([(await first).ok, (await third).ok]).toEqual([true, true]);
    exit(engine(), 'kill');
    const again = store.save('b', large);
    clock.advanceBy(50);
    await good(again);
  });

  it('tells what it refused', async () => {
    const { store, facts } = storeWorld();
    await store.fence({ name: 'leader', token: 2 });
    await store.append('s', one, { fence: { name: 'leader', token: 1 } });
    await store.append('t', one, { expected: 4 });
    expect(facts.filter(({ type }) => type === 'eventStore.refused')).toEqual([
      { type: 'eventStore.refused', reason: 'fenced', name: 's' },
      { type: 'eventStore.refused', reason: 'conflict', name: 't' },
    ]);
  });

  it('answers who waits as it closes, and who comes after', async () => {
    const { store } = storeWorld();
    await store.opened();
    const waiting = store.append('s', one);
    const closing = store.close();
    await Promise.all([expect(waiting).resolves.toMatchObject({ ok: true }), closing]);
    expect(await store.append('s', one)).toEqual({ ok: false, reason: 'closed' });
    expect(await store.opened()).toBe(false);
    await store.close();
  });

  it('that is closed before it is open closes, and answers who waited', async () => {
    const { store } = storeWorld();
    const [waiting, closing] = [store.append('s', one), store.close()];
    await closing;
    expect(await waiting).toEqual({ ok: false, reason: 'closed' });
  });

  it('opens again after its engine is killed, and those who came meanwhile are served', async () => {
    const { store, clock, facts, engine, state } = storeWorld();
    await good(store.append('s', one));
    exit(engine(), 'kill');
    expect(state()).toBe('backingOff');
    const waiting = store.append('s', [{ type: 'b' }]);
    clock.advanceBy(50);
    await good(waiting);
    expect(await typesOf(store as unknown as EventStore)).toBe('a b');
    expect(facts.filter(({ type }) => type === 'eventStore.lost')).toEqual([{ type: 'eventStore.lost', error: 'engineLost', attempt: 1 }]);
  });

  it('lets nobody wait for longer than waitMs', async () => {
    const { store, clock, engine } = storeWorld({ memory: true, waitMs: 20, backoff: { minMs: 1_000, maxMs: 1_000, jitter: 0 } });
    await store.opened();
    exit(engine(), 'kill');
    const waiting = store.append('s', one);
    clock.advanceBy(20);
    expect(await waiting).toEqual({ ok: false, reason: 'closed' });
  });

  it('fails when its engine is lost too often, as a crash to its supervisor', async () => {
    const { store, clock, engine } = storeWorld({ memory: true, intensity: 1 });
    await store.opened();
    const { ref } = store;
    exit(engine(), 'kill');
    clock.advanceBy(50);
    await store.opened();
    exit(engine(), 'kill');
    expect(exitReason(ref as AnyActorRef)).toEqual({ crash: 'engineLost' });
    expect(await store.append('s', one)).toEqual({ ok: false, reason: 'closed' });
  });

  it('whose folder is away when it opens again tries once more, and again, until it is back', async () => {
    const path = newFile();
    const folder = dirname(path);
    const { store, clock, facts, engine, state } = storeWorld({ path, backoff: { minMs: 50, maxMs: 50, factor: 1, jitter: 0 } });
    await good(store.append('s', one));
    const waiting = store.append('s', [{ type: 'b' }]);
    await waiting;
    exit(engine(), 'kill');
    renameSync(folder, `${folder}.away`);
    const late = store.append('s', [{ type: 'c' }]);
    for (let attempt = 0; attempt < 2; attempt++) {
      const lost = next(store, 'eventStore.lost');
      clock.advanceBy(50);
      await lost;
      expect(state()).toBe('backingOff');
    }
    renameSync(`${folder}.away`, folder);
    clock.advanceBy(50);
    await good(late);
    expect(await typesOf(store as unknown as EventStore)).toBe('a b c');
    expect(facts.filter(({ type }) => type === 'eventStore.lost')).toEqual([
      { type: 'eventStore.lost', error: 'engineLost', attempt: 1 },
      { type: 'eventStore.lost', error: 'events/invalid-file', attempt: 2 },
      { type: 'eventStore.lost', error: 'events/invalid-file', attempt: 3 },
    ]);
  });

  it('whose file is gone when it opens again makes no new one, in which all would begin anew', async () => {
    const path = newFile();
    const { store, clock, engine } = storeWorld({ path });
    await good(store.append('s', one));
    exit(engine(), 'kill');
    renameSync(path, `${path}.away`);
    const lost = next(store, 'eventStore.lost');
    clock.advanceBy(50);
    expect(await lost).toMatchObject({ error: 'events/invalid-file', attempt: 2 });
    renameSync(`${path}.away`, path);
    const waiting = store.append('s', [{ type: 'b' }], { expected: 1 });
    clock.advanceBy(100);
    expect(await good(waiting)).toMatchObject({ version: 2, position: 2 });
  });

  it('whose folder stays away is a crash after as many attempts as it may', async () => {
    const path = newFile();
    const { store, clock, engine } = storeWorld({ path, intensity: 2, backoff: { minMs: 50, maxMs: 50, factor: 1, jitter: 0 } });
    await good(store.append('s', one));
    const ref = store.ref as AnyActorRef;
    const ended = new Promise((resolve) => onExit(ref, resolve));
    exit(engine(), 'kill');
    renameSync(dirname(path), `${dirname(path)}.away`);
    const lost = next(store, 'eventStore.lost');
    clock.advanceBy(50);
    await lost;
    clock.advanceBy(50);
    expect(await ended).toEqual({ crash: 'events/invalid-file' });
    renameSync(`${dirname(path)}.away`, dirname(path));
  });

  it('that is closed while it opens again, and cannot, is closed in order', async () => {
    const path = newFile();
    const { store, clock, engine, state } = storeWorld({ path, backoff: { minMs: 50, maxMs: 50, factor: 1, jitter: 0 } });
    await store.opened();
    const ref = store.ref as AnyActorRef;
    exit(engine(), 'kill');
    renameSync(dirname(path), `${dirname(path)}.away`);
    clock.advanceBy(50);
    expect(state()).toEqual({ running: 'opening' });
    await store.close();
    expect(exitReason(ref)).toBe('normal');
    renameSync(`${dirname(path)}.away`, dirname(path));
  });

  it('fails where its file is none of ours', async () => {
    const { store } = storeWorld({ path: '/' });
    const { ref } = store;
    await new Promise<void>((resolve) => onExit(ref as AnyActorRef, () => resolve()));
    expect(exitReason(ref as AnyActorRef)).toEqual({ crash: 'events/invalid-file' });
    expect(await store.load('k')).toEqual({ ok: false, reason: 'closed' });
  });

  it('prunes by its policies when it opens, and then every interval', async () => {
    const wall = { now: 1_000_000 };
    const { store, clock, facts } = storeWorld({
      ...{ memory: true, wallNow: () => wall.now, pruneEveryMs: 1_000 },
      prune: [
        { stream: 'log', keep: 1 },
        { prefix: 'old', olderThanMs: 5_000 },
      ],
    });
    const journal = store as unknown as EventStore;
    await good(store.append('log', [{ type: 'a' }, { type: 'b' }]));
    await good(store.append('old-1', [{ type: 'c' }]));
    await good(store.append('kept', [{ type: 'd' }]));
    clock.advanceBy(1_000);
    await turn();
    await turn();
    expect(await typesOf(journal)).toBe('b c d');
    wall.now += 6_000;
    clock.advanceBy(1_000);
    await turn();
    await turn();
    await turn();
    expect(await typesOf(journal)).toBe('b d');
    expect(facts.filter(({ type }) => type === 'eventStore.pruned')).toEqual([
      { type: 'eventStore.pruned', count: 1, through: 1 },
      { type: 'eventStore.pruned', count: 1, through: 3 },
    ]);
  });

  it('under a supervisor that restarts it, is found again by its handle, with what is in its file', async () => {
    const app = orchestrator({
      actors: { events: eventStore({ path: newFile() }) },
      children: [{ id: 'events', src: 'events' }],
    }).start();
    await app.started();
    const store = eventStoreHandle(() => app.child('events'));
    await good(store.append('s', one));
    const first = app.child('events') as AnyActorRef;
    const restarted = new Promise((resolve) => app.on('child.restarted', resolve));
    exit(first, 'kill');
    await restarted;
    expect(app.child('events')).not.toBe(first);
    await good(store.append('s', [{ type: 'b' }], { expected: 1 }));
    expect((await app.stop()).killed).toEqual([]);
    expect(await store.status()).toEqual({ ok: false, reason: 'closed' });
  });

  it('of a snapshot opens its file again, and closes in order', async () => {
    const path = newFile();
    const first = createEventStore({ path });
    await good(first.append('s', one));
    const snapshot = first.ref?.getPersistedSnapshot();
    await first.close();
    const again = eventStoreHandle(createActor(eventStore({ path }), { snapshot } as never).start());
    expect(await typesOf(again as unknown as EventStore)).toBe('a');
    await again.close();
  });

  it('refuses what it does not know, before anything starts', () => {
    const wrong = [
      {},
      { path: '' },
      { path: 'x', memory: true },
      { memory: true, pathh: 'x' },
      { memory: true, prune: [{}] },
      { memory: true, lockMs: 5 },
    ];
    const tooLong = { memory: true, backoff: { maxMs: 2 ** 31 } };
    for (const options of [
      ...wrong,
      { path: ':memory:' },
      { memory: true, intensity: -1 },
      { memory: true, backoff: { minMs: 9, maxMs: 1 } },
      tooLong,
    ])
      expect(() => eventStore(options as never)).toThrow(expect.objectContaining({ code: 'events/invalid-options' }));
    const stranger = createActor(fromCallback(() => undefined)).start();
    expect(() => eventStoreHandle(stranger)).toThrow(expect.objectContaining({ code: 'events/invalid-options' }));
    stranger.stop();
  });
});

describe('the fault matrix: the engine or the service killed after each step of a story', () => {
  const steps = 6;
  describe.each(['engine', 'service'])('the %s', (who) => {
    it.each(Array.from({ length: steps }, (_, step) => step))(
      'killed after step %i: each command has one outcome, and what was acknowledged is there',
      async (last) => {
        const path = newFile();
        const world = storeWorld({ path });
        const { store, clock, engine } = world;
        const heard: { ok: boolean }[] = [];
        const asked: Promise<unknown>[] = [];
        const note = (outcome: Promise<{ ok: boolean }>): void => void asked.push(outcome.then((settled) => heard.push(settled)));
        let told = 0;
        const story: readonly (() => unknown)[] = [
          () => note(store.append('s', [{ type: 'a', id: 'a' }])),
          () => store.opened(),
          () => store.subscribe({}, (events) => (told += events.length)),
          () => note(store.append('s', [{ type: 'b', id: 'b' }])),
          turn,
          () => note(store.append('s', [{ type: 'c', id: 'c' }])),
        ];
        const { ref } = store;
        for (const [index, step] of story.entries()) {
          await step();
          if (index === last) exit(who === 'engine' ? engine() : (ref as AnyActorRef), 'kill');
          if (who === 'engine' && index === last) clock.advanceBy(50);
        }
        await Promise.all(asked);
        await turn();
        expect(heard).toHaveLength(3);
        await store.close();
        const again = createEventStore({ path });
        const there = (await good(again.status())).events;
        expect(there).toBe(heard.filter(({ ok }) => ok).length);
        // The service goes on behind its engine, and so does who has subscribed; of a service that is killed both are over.
        if (who === 'engine') expect([there, told]).toEqual([3, 3]);
        else expect(await store.append('s', one)).toEqual({ ok: false, reason: 'closed' });
        await again.close();
      },
    );
  });
});
