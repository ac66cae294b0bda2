/**
 * The way of a stream's events to its target, beside the chart.
 *
 * What the target can't take waits here. That is never more than the events of one chunk, since the next chunk is read only once nothing waits and the
 * target can take more: that is the back-pressure, down to the socket.
 */
import type { Outlet } from './target.js';

/** See above. */
export class Lane<Value> {
  readonly #outlet: Outlet<Value>;
  #waiting: Value[] = [];
  #next = 0;
  #resolve: (() => void) | null = null;
  #isClosed = false;
  /** Events that the target has been given. */
  givenCount = 0;

  constructor(outlet: Outlet<Value>) {
    this.#outlet = outlet;
  }

  /** Does nothing wait, and can the target take more? */
  get isOpen(): boolean {
    return this.#isEmpty && this.#outlet.canTake();
  }

  get #isEmpty(): boolean {
    return this.#next === this.#waiting.length;
  }

  /** An event; it waits where it must. Nothing is given once the lane is closed. */
  give(value: Value): void {
    if (this.#isClosed) return;
    if (this.isOpen) this.#hand(value);
    else this.#waiting.push(value);
  }

  /** The target may be able to take more: gives it what waits. */
  pump(): void {
    while (!this.#isClosed && !this.#isEmpty && this.#outlet.canTake()) this.#hand(this.#waiting[this.#next++] as Value);
    if (!this.#isEmpty) return;
    this.#waiting = [];
    this.#next = 0;
    this.#settle();
  }

  /** The next one that waits, for a target that fetches; undefined where none does. */
  fetch(): { readonly value: Value } | undefined {
    if (this.#isEmpty) return undefined;
    const value = this.#waiting[this.#next++] as Value;
    this.givenCount++;
    if (this.#isEmpty) this.pump();
    return { value };
  }

  /** Settles when it changes whether something waits, or whether the target can take more: to be looked at again. At once when it is closed. */
  changed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Does nothing wait any more? */
  get isDrained(): boolean {
    return this.#isEmpty;
  }

  /** Nothing more is given; what waits can still be fetched, unless it is dropped. */
  close(rest: 'keep' | 'drop'): void {
    this.#isClosed = true;
    if (rest === 'drop') {
      this.#waiting = [];
      this.#next = 0;
    }
    this.#settle();
  }

  #hand(value: Value): void {
    this.givenCount++;
    this.#outlet.take(value);
  }

  #settle(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }
}
