import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { eventStoreHandle } from '../../src/event-store/handle.js';
import type { SubscribeOptions } from '../../src/event-store/subscription.js';
import { MemoryLedger } from '../../src/events/memory.js';
import type { StoredEvent } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { exit } from '../../src/supervision/watch.js';
import { good } from '../../src/testing/event-store/looks.js';
import { newFile, removeFiles } from '../events/store-world.js';
import { leaveNothing, storeWorld, turn } from './store-world.js';

afterEach(leaveNothing);

/** Waits for events, one promise for each number of them. */
class Ear {
  readonly heard: StoredEvent[] = [];
  readonly missed: number[] = [];
  #due: { count: number; resolve: () => void }[] = [];

  readonly listen = (events: readonly StoredEvent[], { missedThrough }: { missedThrough: number | null }): void => {
    this.heard.push(...events);
    if (missedThrough !== null) this.missed.push(missedThrough);
    for (const { resolve } of this.#due.filter(({ count }) => this.heard.length >= count)) resolve();
  };

  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#due.push({ count, resolve });
      if (this.heard.length >= count) resolve();
    });
  }

  get types(): string {
    return this.heard.map(({ type }) => type).join(' ');
  }
}

const events = (...types: string[]): { type: string }[] => types.map((type) => ({ type }));

describe('a subscription', () => {
  it('tells what is there and what comes, each once, in order', async () => {
    const { store } = storeWorld();
    await good(store.append('s', events('a', 'b', 'c')));
    const ear = new Ear();
    const subscription = store.subscribe({ limit: 2 }, ear.listen);
    await ear.until(3);
    await Promise.all([store.append('t', events('d')), store.append('s', events('e'))]);
    await ear.until(5);
    expect(ear.types).toBe('a b c d e');
    await turn();
    expect(subscription.position).toBe(5);
    subscription.unsubscribe();
    await good(store.append('s', events('f')));
    await turn();
    expect([ear.types, await subscription.ended]).toEqual(['a b c d e', { reason: 'unsubscribed', position: 5 }]);
  });

  it.each<[string, SubscribeOptions, string]>([
    ['a stream', { stream: 's' }, 'a c e'],
    ['a type', { type: 'b' }, 'b'],
    ['a correlation', { correlation: 'k' }, 'c d'],
    ['all behind a position', { after: 3 }, 'd e'],
    ['what is yet to come', { after: 'head' }, 'e'],
  ])('to %s tells no more', async (_, options, expected) => {
    const { store } = storeWorld();
    await good(store.append('s', events('a')));
    await good(store.append('t', events('b')));
    await good(store.append('s', [{ type: 'c', correlation: 'k' }]));
    await good(store.append('t', [{ type: 'd', correlation: 'k' }]));
    const ear = new Ear();
    const subscription = store.subscribe(options, ear.listen);
    await turn();
    await good(store.append('s', events('e')));
    await turn();
    expect([ear.types, subscription.position]).toEqual([expected, 5]);
  });

  it('reads no further while its listener is at work, and holds up nobody', async () => {
    const { store } = storeWorld();
    await good(store.append('s', events('a', 'b', 'c')));
    let release: () => void = () => {};
    const heard: string[] = [];
    const slow = store.subscribe({ limit: 1 }, ([event]) => {
      heard.push(event?.type ?? '');
      return new Promise<void>((resolve) => (release = resolve));
    });
    const quick = new Ear();
    store.subscribe({}, quick.listen);
    await quick.until(3);
    await turn();
    expect([heard, slow.position]).toEqual([['a'], 0]);
    release();
    await turn();
    await turn();
    expect([heard, slow.position]).toEqual([['a', 'b'], 1]);
    slow.unsubscribe();
    release();
    await turn();
    expect(heard).toEqual(['a', 'b']);
  });

  it('goes on where it was after the engine is lost, and ends with the store', async () => {
    const { store, clock, engine } = storeWorld();
    const ear = new Ear();
    const subscription = store.subscribe({}, ear.listen);
    await good(store.append('s', events('a')));
    await ear.until(1);
    exit(engine(), 'kill');
    clock.advanceBy(50);
    await good(store.append('s', events('b')));
    await ear.until(2);
    expect(ear.types).toBe('a b');
    await turn();
    await store.close();
    expect(await subscription.ended).toEqual({ reason: 'closed', position: 2 });
    expect(await store.subscribe({}, ear.listen).ended).toMatchObject({ reason: 'closed' });
  });

  it('of which the listener throws ends, says from where to go on, and harms nobody', async () => {
    const { store, facts } = storeWorld();
    await good(store.append('s', events('a', 'b')));
    const subscription = store.subscribe({ limit: 1 }, ([event]) => {
      if (event?.type === 'b') throw new Error('cannot');
    });
    expect(await subscription.ended).toMatchObject({ reason: 'failed', position: 1, error: new Error('cannot') });
    expect(facts.at(-1)).toEqual({ type: 'eventStore.subscriptionFailed', position: 1, error: 'cannot' });
    await good(store.append('s', events('c')));
    const ear = new Ear();
    store.subscribe({ after: subscription.position ?? 'head' }, ear.listen);
    await ear.until(2);
    expect(ear.types).toBe('b c');
  });

  it('says once up to where events were pruned before it could tell them', async () => {
    const { store } = storeWorld();
    await good(store.append('s', events('a', 'b', 'c')));
    await good(store.prune({ keep: 1 }));
    const ear = new Ear();
    store.subscribe({}, ear.listen);
    await ear.until(1);
    await good(store.append('s', events('d')));
    await ear.until(2);
    expect([ear.types, ear.missed]).toEqual(['c d', [2]]);
    const later = new Ear();
    store.subscribe({ after: 3 }, later.listen);
    await later.until(1);
    expect(later.missed).toEqual([]);
  });

  it.each([[{}], [{ stream: 's' }], [{ limit: 1 }]])('from behind a position that is yet to come is told nothing before it: %j', async (options) => {
    const { store } = storeWorld();
    await good(store.append('s', events('a', 'b')));
    const ear = new Ear();
    const told: number[] = [];
    const subscription = store.subscribe({ ...options, after: 5 }, (heard, { position, missedThrough }) => {
      told.push(position);
      ear.listen(heard, { missedThrough });
    });
    await turn();
    await good(store.append('s', events('c', 'd')));
    await good(store.append('t', events('other')));
    await turn();
    expect([ear.types, subscription.position]).toEqual(['', 5]);
    await good(store.append('s', events('e')));
    await ear.until(1);
    await good(store.append('s', events('f')));
    await ear.until(2);
    expect([ear.types, told]).toEqual(['e f', [6, 7]]);
  });

  it('from behind a position that is yet to come costs a commit before it no look at the store', async () => {
    const { store, readers } = counting();
    const ear = new Ear();
    store.subscribe({ after: 3 }, ear.listen);
    await store.opened();
    await turn();
    readers.count = 0;
    for (const type of ['a', 'b', 'c']) await good(store.append('s', events(type)));
    await turn();
    expect(readers.count).toBe(0);
    await good(store.append('s', events('d')));
    await ear.until(1);
    expect(ear.types).toBe('d');
  });

  it('ends with its holder and with its signal, and one whose signal has aborted never begins', async () => {
    const { store } = storeWorld();
    await store.opened();
    const holder = createActor(fromCallback(() => undefined)).start();
    const controller = new AbortController();
    const ear = new Ear();
    const [held, signalled] = [store.subscribe({ holder }, ear.listen), store.subscribe({ signal: controller.signal }, ear.listen)];
    exit(holder, 'kill');
    controller.abort();
    expect([await held.ended, await signalled.ended]).toMatchObject([{ reason: 'holderEnded' }, { reason: 'aborted' }]);
    expect(await store.subscribe({ signal: controller.signal }, ear.listen).ended).toMatchObject({ reason: 'aborted' });
    expect(await store.subscribe({ holder }, ear.listen).ended).toMatchObject({ reason: 'holderEnded' });
    await good(store.append('s', events('a')));
    await turn();
    expect(ear.heard).toEqual([]);
  });

  it('to what is yet to come has no position before it has seen where that begins, and says so', async () => {
    const { store } = storeWorld();
    await good(store.append('s', events('a')));
    const early = store.subscribe({ after: 'head' }, () => {});
    expect(early.position).toBeNull();
    early.unsubscribe();
    expect(await early.ended).toEqual({ reason: 'unsubscribed', position: null });
    const later = store.subscribe({ after: 'head' }, () => {});
    await turn();
    expect(later.position).toBe(1);
  });

  it('of a store that does not run has had nothing: it stands where it was to begin', async () => {
    const store = eventStoreHandle(() => undefined);
    const ends = [{}, { after: 7 }, { after: 'head' as const }].map((options) => store.subscribe(options, () => {}));
    expect(ends.map(({ position }) => position)).toEqual([0, 7, null]);
    expect(await Promise.all(ends.map(({ ended }) => ended))).toEqual([0, 7, null].map((position) => ({ reason: 'closed', position })));
  });

  it('refuses what it does not know', async () => {
    const { store } = storeWorld();
    for (const options of [{ strem: 's' }, { after: -1 }, { limit: 0 }, { holder: {} }, { signal: 1 }, { stream: '' }])
      expect(() => store.subscribe(options as never, () => {})).toThrow(expect.objectContaining({ code: 'events/invalid-options' }));
    expect(() => store.subscribe({}, 1 as never)).toThrow(expect.objectContaining({ code: 'events/invalid-options' }));
  });
});

describe('many subscriptions', () => {
  it('to a stream each are not woken by what is added to another, and go on behind it', async () => {
    const { store, readers } = counting();
    const ears = Array.from({ length: 20 }, () => new Ear());
    const all = ears.map((ear, index) => store.subscribe({ stream: `s${index}` }, ear.listen));
    const every = new Ear();
    store.subscribe({}, every.listen);
    await turn();
    readers.count = 0;
    await good(store.append('s7', events('a')));
    await every.until(1);
    await turn();
    // The one of that stream, and the one of all.
    expect([readers.count, ears.map(({ types }) => types).join('')]).toEqual([2, 'a']);
    await good(store.save('key', 1));
    await good(store.fence({ name: 'f', token: 1 }));
    await turn();
    expect(readers.count).toBe(2);
    expect(all.map(({ position }) => position)).toEqual(all.map(() => 1));
    // Where they are told nothing, nothing was missed: what was pruned was none of theirs.
    await good(store.prune({ below: 2 }));
    await good(store.append('s3', events('b')));
    await ears[3]?.until(1);
    expect(ears.flatMap(({ missed }) => missed)).toEqual([]);
  });

  it('are told what another process has written with the next commit, to whatever stream', async () => {
    const path = newFile();
    const { store } = storeWorld({ path });
    await good(store.append('t', events('a')));
    const ear = new Ear();
    store.subscribe({ stream: 's', after: 'head' }, ear.listen);
    await turn();
    const other = await sqliteEvents({ path });
    await good(other.append('s', events('b')));
    await good(store.append('t', events('c')));
    await ear.until(1);
    await good(other.append('s', events('d')));
    await good(store.save('key', 1));
    await ear.until(2);
    expect(ear.types).toBe('b d');
    await other.close();
    await store.close();
    removeFiles();
  });

  it('are as many as may be: one more ends at once, and has its place when another leaves', async () => {
    const { store } = storeWorld({ memory: true, maxSubscribers: 2 });
    const [first] = [store.subscribe({}, () => {}), store.subscribe({}, () => {})];
    const one = store.subscribe({ after: 3 }, () => {});
    expect([await one.ended, one.position]).toEqual([{ reason: 'full', position: 3 }, 3]);
    first?.unsubscribe();
    const next = store.subscribe({}, () => {});
    await turn();
    next.unsubscribe();
    expect(await next.ended).toMatchObject({ reason: 'unsubscribed' });
    await store.close();
    expect(await store.subscribe({}, () => {}).ended).toMatchObject({ reason: 'closed' });
    for (const maxSubscribers of [0, 1.5, Infinity]) expect(() => storeWorld({ memory: true, maxSubscribers })).toThrow(/events\/invalid-options/);
  });
});

/** A store of which the reads are counted. */
function counting(): { readonly store: ReturnType<typeof storeWorld>['store']; readonly readers: { count: number } } {
  const readers = { count: 0 };
  const { page } = MemoryLedger.prototype;
  vi.spyOn(MemoryLedger.prototype, 'page').mockImplementation(function count(this: MemoryLedger, query) {
    readers.count++;
    return page.call(this, query);
  });
  return { store: storeWorld().store, readers };
}
