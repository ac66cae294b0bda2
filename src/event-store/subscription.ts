/**
 * A subscription: every event that is asked for, once, in order, from a position on.
 *
 * The store is its buffer: the next page is read when the listener is done with this one, so a slow one costs no memory, and holds up nobody else.
 */
import type { AnyActorRef } from 'xstate';
import type { Commit, EventQuery, StoredEvent } from '../events/port.js';
import { onExit } from '../supervision/watch.js';
import type { Desk, Follower } from './desk.js';

export interface SubscribeOptions extends Pick<EventQuery, 'stream' | 'type' | 'correlation' | 'causation'> {
  /** From behind this position on, also one that is yet to come; `head`: only what is yet to come. Default 0, all that is there. */
  readonly after?: number | 'head';
  /** Events at a time, 1 to 1 000. Default 100. */
  readonly limit?: number;
  /** It ends with this actor. */
  readonly holder?: AnyActorRef;
  /** It ends when this aborts. */
  readonly signal?: AbortSignal;
}

/** What a listener is told with its events. */
export interface Delivery {
  /** Where to go on from when these are done: the `after` of another subscription. */
  readonly position: number;
  /** Up to here some events of any stream were pruned before they could be told, perhaps none that were asked for; null where none can be missing. Told once. */
  readonly missedThrough: number | null;
}

/** Takes events; the next ones come when its promise has settled. What it throws ends the subscription. */
export type EventListener = (events: readonly StoredEvent[], delivery: Delivery) => unknown;

export interface SubscriptionEnd {
  /** `full`: there were as many subscriptions as there may be, and it never began. */
  readonly reason: 'unsubscribed' | 'holderEnded' | 'aborted' | 'failed' | 'closed' | 'full';
  /** Up to where the listener had everything, without a fault; null where it was to begin at the head, and never came to it. */
  readonly position: number | null;
  /** Of `failed`: what the listener threw, or the store's word. */
  readonly error?: unknown;
}

export interface EventSubscription extends Disposable {
  /** Up to where the listener has had everything; null where it is to begin at the head, and has not come to it. */
  readonly position: number | null;
  /** Settles when it has ended, whoever ended it. Never rejects. */
  readonly ended: Promise<SubscriptionEnd>;
  unsubscribe(): void;
}

/** Behind which position it begins; null for the head, wherever that is when it is read. */
export function beginOf({ after = 0 }: { readonly after?: SubscribeOptions['after'] | undefined }): number | null {
  return after === 'head' ? null : after;
}

export class Subscription implements EventSubscription, Follower {
  readonly ended: Promise<SubscriptionEnd>;
  readonly #desk: Desk;
  readonly #query: EventQuery;
  readonly #listener: EventListener;
  readonly #leave: (() => void)[] = [];
  #settle!: (end: SubscriptionEnd) => void;
  #position: number | null;
  #toldMissing = 0;
  #isReading = false;
  #isNews = false;
  #isOver = false;

  constructor(desk: Desk, { after, holder, signal, ...query }: SubscribeOptions, listener: EventListener) {
    this.#desk = desk;
    this.#query = query;
    this.#listener = listener;
    this.#position = beginOf({ after });
    this.ended = new Promise((resolve) => (this.#settle = resolve));
    desk.follow(this);
    if (signal !== undefined) {
      const abort = (): void => this.#end({ reason: 'aborted' });
      signal.addEventListener('abort', abort, { once: true });
      this.#leave.push(() => signal.removeEventListener('abort', abort));
      if (signal.aborted) abort();
    }
    if (holder !== undefined && !this.#isOver) {
      const watch = onExit(holder, () => this.#end({ reason: 'holderEnded' }));
      this.#leave.push(() => void watch.unsubscribe());
    }
    if (desk.isOver) this.end();
    else this.wake();
  }

  get position(): number | null {
    return this.#position;
  }

  unsubscribe(): void {
    this.#end({ reason: 'unsubscribed' });
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  wake(): void {
    this.#isNews = true;
    if (!this.#isReading && !this.#isOver) void this.#read();
  }

  /**
   * A commit that adds nothing to its stream costs it no look at the store, if it had all that was there before; else there is something that it has not read
   * yet, by itself or by another process. Nor does one up to the position behind which it is yet to begin.
   */
  hear({ head, events, streams }: Commit): void {
    const { stream } = this.#query;
    const position = this.#position;
    const isElsewhere = events === 0 || (stream !== undefined && !streams.has(stream));
    const isBehind = position === null || position < head;
    const hasAll = !isBehind || (isElsewhere && position === head - events);
    if (!hasAll || this.#isReading || this.#isNews) this.wake();
    else if (isBehind) this.#position = head;
  }

  end(): void {
    this.#end({ reason: 'closed' });
  }

  /** Page by page until there is no news. Never rejects. */
  async #read(): Promise<void> {
    this.#isReading = true;
    while (this.#isNews && !this.#isOver) {
      this.#isNews = false;
      try {
        await this.#page();
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#isReading = false;
  }

  async #page(): Promise<void> {
    const { store } = this.#desk;
    // Not open: the desk wakes it when it is.
    if (store === null) return;
    const from = this.#position;
    const page = await store.read(from === null ? { limit: 1, order: 'backward' } : { ...this.#query, after: from });
    if (this.#isOver) return;
    if (!page.ok) {
      if (page.reason === 'failed') this.#fail(page.error);
      return;
    }
    if (from === null) {
      this.#position = page.head;
      return;
    }
    const { events, next, head, prunedThrough } = page;
    const position = next ?? Math.max(from, head, events.at(-1)?.position ?? 0);
    const isMissing = prunedThrough > from && prunedThrough > this.#toldMissing;
    if (isMissing) this.#toldMissing = prunedThrough;
    if (events.length > 0 || isMissing) await this.#listener(events, { position, missedThrough: isMissing ? prunedThrough : null });
    if (this.#isOver) return;
    this.#position = position;
    if (next === null) return;
    this.#isNews = true;
    // Others have their turn between two pages.
    await new Promise((resolve) => (typeof setImmediate === 'function' ? setImmediate(resolve) : queueMicrotask(() => resolve(undefined))));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end({ reason: 'failed', error });
    const message = error instanceof Error ? error.message : String(error);
    this.#desk.tell({ type: 'eventStore.subscriptionFailed', position: this.position, error: message });
  }

  #end(end: Omit<SubscriptionEnd, 'position'>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#desk.unfollow(this);
    for (const leave of this.#leave.splice(0)) leave();
    this.#settle({ ...end, position: this.position });
  }
}
