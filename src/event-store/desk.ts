/**
 * What there is of one event store beside its chart: the store while it is open, who waits for that, and who has subscribed.
 *
 * It begins with the service's actor and ends with it, however it ends; then everybody who waits is answered.
 */
import type { AnyActorRef } from 'xstate';
import type { EventStoreEmitted } from '../../machines/events/event-store-events.js';
import type { LedgerStore } from '../events/ledger-store.js';
import type { Commit } from '../events/port.js';
import { clockOf } from '../supervision/clock.js';
import { onExit } from '../supervision/watch.js';
import { emitFrom, hasStopped } from '../supervision/xstate-internals.js';
import type { EventStorePlan } from './options.js';

const desks = new WeakMap<AnyActorRef, Desk>();

/** Follows the store, through its losses. */
export interface Follower {
  /** The store is open, or open again. */
  wake(): void;
  /** There was a commit: is there anything new? */
  hear(commit: Commit): void;
  /** The service has ended. */
  end(): void;
}

export class Desk {
  readonly #owner: AnyActorRef;
  readonly #plan: EventStorePlan;
  readonly #waiting = new Set<(store: LedgerStore | null) => void>();
  readonly #followers = new Set<Follower>();
  readonly open: () => Promise<LedgerStore>;
  #store: LedgerStore | null = null;
  #waitingBytes = 0;
  #hasServed = false;
  #isOver = false;

  private constructor(owner: AnyActorRef, plan: EventStorePlan) {
    this.#owner = owner;
    this.#plan = plan;
    this.open = plan.opener();
    onExit(owner, () => this.#end());
  }

  /** The desk of a service; the one that it has, where it has one. */
  static of(owner: AnyActorRef, plan: EventStorePlan): Desk {
    let desk = desks.get(owner);
    if (desk === undefined) desks.set(owner, (desk = new Desk(owner, plan)));
    return desk;
  }

  /** Undefined for an actor that never ran. */
  static at(owner: AnyActorRef): Desk | undefined {
    return desks.get(owner);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Was the store open before? Then it may be again, though it cannot be opened just now. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** The store, while it is open. */
  get store(): LedgerStore | null {
    return this.#store;
  }

  /**
   * Calls once with the store, as soon as it is open; with null where it is not in time, where as many wait as may, or never will be. Those who wait are
   * called in order, before anybody who comes later.
   * @param bytes  what it keeps in memory while it waits
   */
  whenOpen(then: (store: LedgerStore | null) => void, bytes = 0): void {
    const isTooMuch = this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#plan.maxWaitingBytes;
    if (this.#store !== null || this.#isOver || this.#waiting.size >= this.#plan.maxWaiting || isTooMuch) {
      then(this.#store);
      return;
    }
    const clock = clockOf(this.#owner.system);
    const settle = (store: LedgerStore | null): void => {
      this.#waiting.delete(settle);
      this.#waitingBytes -= bytes;
      clock.clearTimeout(timer);
      then(store);
    };
    const timer = clock.setTimeout(() => settle(null), this.#plan.waitMs);
    this.#waiting.add(settle);
    this.#waitingBytes += bytes;
  }

  /** The engine has opened it. */
  serve(store: LedgerStore): void {
    this.#store = store;
    this.#hasServed = true;
    store.listen({
      committed: (commit) => {
        const { head, events, commands, tookMs } = commit;
        this.tell({ type: 'eventStore.committed', head, events, commands, tookMs });
        for (const follower of [...this.#followers]) follower.hear(commit);
      },
      refused: (reason, name) => this.tell({ type: 'eventStore.refused', reason, name }),
      faulted: ({ error }) => this.tell({ type: 'eventStore.faulted', error }),
    });
    for (const settle of [...this.#waiting]) settle(store);
    for (const follower of [...this.#followers]) follower.wake();
  }

  /** The engine has it no more. */
  withdraw(store: LedgerStore): void {
    if (this.#store === store) this.#store = null;
  }

  /** Are there as many as may be? */
  get isFull(): boolean {
    return this.#followers.size >= this.#plan.maxSubscribers;
  }

  follow(follower: Follower): void {
    this.#followers.add(follower);
  }

  unfollow(follower: Follower): void {
    this.#followers.delete(follower);
  }

  tell(fact: EventStoreEmitted): void {
    if (!hasStopped(this.#owner)) emitFrom(this.#owner, fact);
  }

  #end(): void {
    this.#isOver = true;
    this.#store = null;
    for (const settle of [...this.#waiting]) settle(null);
    for (const follower of [...this.#followers]) follower.end();
  }
}
