/**
 * Time that moves when a test says so.
 *
 * Unlike XState's `SimulatedClock`, a timer set while another fires counts from that timer's own moment (chained delays fire in one advance), and
 * timers sit in a heap, so a hundred thousand of them cost no sort.
 */
import type { Clock } from '../supervision/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  live: boolean;
}

/** A {@link Clock} under the test's hand. Starts at 0 ms. Timers due at one moment fire in the order in which they were set. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #pending = 0;
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer: Timer = { at: this.#nowMs + Math.max(0, ms), order: this.#order++, fn, live: true };
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    this.#pending++;
    return timer;
  }

  clearTimeout(id: unknown): void {
    const timer = id as Timer | undefined;
    if (timer?.live !== true) return;
    timer.live = false;
    this.#pending--;
  }

  /** How many timers wait. */
  pending(): number {
    return this.#pending;
  }

  /** When the next timer is due, in ms of this clock; undefined when none waits. */
  nextAt(): number | undefined {
    while (this.#heap[0]?.live === false) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Moves to `ms` (absolute), firing what is due on the way, in order. Never moves back. */
  advanceTo(ms: number): void {
    while (this.#fireNext(ms));
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  /** Moves by `ms`, firing what is due on the way, in order. */
  advanceBy(ms: number): void {
    this.advanceTo(this.#nowMs + ms);
  }

  /** Lets every promise that is ready settle, and all that follows from it: one turn of the event loop, which comes after the last microtask. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Like {@link VirtualClock.advanceTo}, with promises settled before, between and after the timers. */
  async advanceToAsync(ms: number): Promise<void> {
    await this.flush();
    while (this.#fireNext(ms)) await this.flush();
    this.#nowMs = Math.max(this.#nowMs, ms);
    await this.flush();
  }

  /** Like {@link VirtualClock.advanceBy}, with promises settled before, between and after the timers. */
  advanceByAsync(ms: number): Promise<void> {
    return this.advanceToAsync(this.#nowMs + ms);
  }

  #fireNext(limitMs: number): boolean {
    const at = this.nextAt();
    if (at === undefined || at > limitMs) return false;
    const timer = this.#pop() as Timer;
    this.#nowMs = Math.max(this.#nowMs, timer.at);
    timer.live = false;
    this.#pending--;
    timer.fn();
    return true;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    this.#down(0);
    return top;
  }

  #before(left: number, right: number): boolean {
    const a = this.#heap[left] as Timer;
    const b = this.#heap[right] as Timer;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(left: number, right: number): void {
    const heap = this.#heap;
    const kept = heap[left] as Timer;
    heap[left] = heap[right] as Timer;
    heap[right] = kept;
  }

  #up(index: number): void {
    let child = index;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(index: number): void {
    let parent = index;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const least = right < this.#heap.length && this.#before(right, left) ? right : left;
      if (!this.#before(least, parent)) return;
      this.#swap(least, parent);
      parent = least;
    }
  }
}
