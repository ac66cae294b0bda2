/**
 * What an app holds of an event store.
 *
 * Every call has one outcome. One that comes while the store is being opened waits for that, at most `waitMs`; one on a store that has ended is answered,
 * where XState would drop the event. Nothing rejects but for misuse.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { eventStoreMachine } from '../../machines/events/event-store.js';
import type { EventStoreEmitted } from '../../machines/events/event-store-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { invalid, plannedQuery, requireKeys } from '../events/event-checks.js';
import type { LedgerStore } from '../events/ledger-store.js';
import type { EventJournal } from '../events/port.js';
import { requests } from '../events/requests.js';
import { isAbortSignal, isActor, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { Desk } from './desk.js';
import { eventStore, type EventStoreRef } from './event-store.js';
import type { EventStoreOptions } from './options.js';
import { beginOf, type EventListener, type EventSubscription, type SubscribeOptions, Subscription } from './subscription.js';

type Fact<Type extends EventStoreEmitted['type']> = Extract<EventStoreEmitted, { type: Type }>;

/** An event store, as an app holds it. Disposing of it closes the store. */
export interface EventStoreHandle extends EventJournal, AsyncDisposable {
  /** The store's actor; undefined while none runs. */
  readonly ref: EventStoreRef | undefined;
  /** Settles when the store is open: true; false where it is not in time, or has ended. */
  opened(): Promise<boolean>;
  /**
   * Tells every event that is asked for, once, in order. It goes on through losses of the engine, and ends with the store's actor; at once, `full`, where there
   * are `maxSubscribers`.
   * @throws EspalierError `events/invalid-options`
   */
  subscribe(options: SubscribeOptions, listener: EventListener): EventSubscription;
  /** Facts of the store, as it emits them, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `events/invalid-options` */
  on<Type extends EventStoreEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Commits what waits, answers whoever did, and ends it. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of an event store that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `events/invalid-options` for a reference that runs no event store
 */
export function eventStoreHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): EventStoreHandle {
  if (typeof ref === 'function') return new Handle(ref);
  if (!isEventStore(ref)) throw invalid('ref', 'an actor that runs eventStore()', sortOf(ref));
  return new Handle(() => ref);
}

/**
 * An event store that an app starts by itself, the root of a system of its own. In an app with a tree, {@link eventStore} is a child of that.
 * @throws EspalierError `events/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createEventStore(options: EventStoreOptions, where: { readonly clock?: Clock } = {}): EventStoreHandle {
  requireKeys('where the store runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(eventStore(options), { clock, id: 'eventStore' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isEventStore(ref: unknown): ref is EventStoreRef {
  return runsMachine(ref, eventStoreMachine);
}

const factTypes = keysOf<Record<EventStoreEmitted['type'], true>>({
  ...{ 'eventStore.opened': true, 'eventStore.lost': true, 'eventStore.pruned': true, 'eventStore.committed': true },
  ...{ 'eventStore.refused': true, 'eventStore.faulted': true, 'eventStore.subscriptionFailed': true },
});

const closed = { ok: false, reason: 'closed' } as const;
const subscribeKeys = ['stream', 'type', 'correlation', 'causation', 'after', 'limit', 'holder', 'signal'];

class Handle implements EventStoreHandle {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): EventStoreRef | undefined {
    const ref = this.#find();
    if (ref === undefined) return undefined;
    if (!isEventStore(ref)) throw invalid('ref', 'an actor that runs eventStore()', sortOf(ref));
    return ref;
  }

  get #desk(): Desk | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : Desk.at(ref);
  }

  opened(): Promise<boolean> {
    const desk = this.#desk;
    return new Promise((resolve) => (desk === undefined ? resolve(false) : desk.whenOpen((store) => resolve(store !== null))));
  }

  append(...call: Parameters<EventJournal['append']>): ReturnType<EventJournal['append']> {
    return this.#ask(() => requests.append(...call));
  }

  read(...call: Parameters<EventJournal['read']>): ReturnType<EventJournal['read']> {
    return this.#ask(() => requests.read(...call));
  }

  find(...call: Parameters<EventJournal['find']>): ReturnType<EventJournal['find']> {
    return this.#ask(() => requests.find(...call));
  }

  version(...call: Parameters<EventJournal['version']>): ReturnType<EventJournal['version']> {
    return this.#ask(() => requests.version(...call));
  }

  fence(...call: Parameters<EventJournal['fence']>): ReturnType<EventJournal['fence']> {
    return this.#ask(() => requests.fence(...call));
  }

  prune(...call: Parameters<EventJournal['prune']>): ReturnType<EventJournal['prune']> {
    return this.#ask(() => requests.prune(...call));
  }

  save(...call: Parameters<EventJournal['save']>): ReturnType<EventJournal['save']> {
    return this.#ask(() => requests.save(...call));
  }

  load(...call: Parameters<EventJournal['load']>): ReturnType<EventJournal['load']> {
    return this.#ask(() => requests.load(...call));
  }

  list(...call: Parameters<EventJournal['list']>): ReturnType<EventJournal['list']> {
    return this.#ask(() => requests.list(...call));
  }

  remove(...call: Parameters<EventJournal['remove']>): ReturnType<EventJournal['remove']> {
    return this.#ask(() => requests.remove(...call));
  }

  status(): ReturnType<EventJournal['status']> {
    return this.#ask(() => ({ bytes: 0, carryTo: (store) => store.status() }));
  }

  subscribe(given: SubscribeOptions, listener: EventListener): EventSubscription {
    requireKeys('the options of a subscription', given, subscribeKeys);
    const options = { ...given };
    const { after, holder, signal, ...query } = options;
    plannedQuery(after === undefined || after === 'head' ? query : { ...query, after });
    if (holder !== undefined && !isActor(holder)) throw invalid('holder', 'an actor', sortOf(holder));
    if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', sortOf(signal));
    requireListener(listener);
    const desk = this.#desk;
    if (desk === undefined) return never(beginOf(options), 'closed');
    if (desk.isFull && !desk.isOver) return never(beginOf(options), 'full');
    return new Subscription(desk, options, listener);
  }

  on<Type extends EventStoreEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    requireListener(listener);
    return onFact(() => this.ref, type, listener, isEventStore);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'store.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * What is asked is checked and copied within the call, and what is open is asked within it: so commands come in the order in which they were given, as they
   * were then.
   */
  #ask<Outcome>(prepare: () => { readonly bytes: number; carryTo(store: LedgerStore): Promise<Outcome> }): Promise<Outcome | typeof closed> {
    const desk = this.#desk;
    return new Promise((resolve) => {
      const { bytes, carryTo } = prepare();
      if (desk === undefined) resolve(closed);
      else desk.whenOpen((store) => resolve(store === null ? closed : carryTo(store)), bytes);
    });
  }
}

/** Of a store that does not run, or has as many as may be. */
function never(position: number | null, reason: 'closed' | 'full'): EventSubscription {
  return { position, ended: Promise.resolve({ reason, position }), unsubscribe: () => {}, [Symbol.dispose]: () => {} };
}

function requireListener(listener: unknown): void {
  if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
}
