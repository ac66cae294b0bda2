/** Many deadlines behind one timer: a heap that knows where each of its entries is, so that one that is met early leaves at once. */
import type { Clock } from './clock.js';

/** Something with a deadline. The queue owns `place`. */
export interface Deadline {
  /** Monotonic ms. */
  dueAt: number;
  /** Index in the heap; -1 outside. */
  place: number;
  expired(): void;
}

/** The deadlines of one owner; one timer of the clock for the earliest of them. */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #heap: Deadline[] = [];
  #timer: unknown;
  #timerAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All that are in the queue, in no order. */
  all(): readonly Deadline[] {
    return [...this.#heap];
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Adds a deadline, `ms` from now; one that is in the queue is moved: twice in it, the heap would never be empty again. */
  add(deadline: Deadline, ms: number): void {
    this.addAt(deadline, this.#clock.now() + ms);
  }

  /** The same by the clock's own time, for whoever has looked at it already. */
  addAt(deadline: Deadline, at: number): void {
    this.remove(deadline);
    deadline.dueAt = at;
    deadline.place = this.#heap.length;
    this.#heap.push(deadline);
    this.#up(deadline.place);
    this.#arm();
  }

  /** Takes a deadline out; nothing happens to one that is not in. */
  remove(deadline: Deadline): void {
    const { place } = deadline;
    if (place < 0) return;
    deadline.place = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== deadline) {
      this.#put(last, place);
      this.#up(place);
      this.#down(last.place);
    }
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Drops all, and the timer. */
  clear(): void {
    for (const deadline of this.#heap) deadline.place = -1;
    this.#heap.length = 0;
    this.#disarm();
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  /** A timer that is too early is harmless: it looks, and arms the next. */
  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueAt >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = first.dueAt;
    this.#timer = this.#clock.setTimeout(this.#fire, Math.max(0, first.dueAt - this.#clock.now()));
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    try {
      for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
        this.remove(first);
        first.expired();
      }
    } finally {
      this.#arm();
    }
  };

  #put(deadline: Deadline, place: number): void {
    this.#heap[place] = deadline;
    deadline.place = place;
  }

  #up(from: number): void {
    let place = from;
    const moved = this.#heap[place] as Deadline;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Deadline;
      if (parent.dueAt <= moved.dueAt) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(moved, place);
  }

  #down(from: number): void {
    let place = from;
    const moved = this.#heap[place] as Deadline;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#heap.length) break;
      if (below + 1 < this.#heap.length && (this.#heap[below + 1] as Deadline).dueAt < (this.#heap[below] as Deadline).dueAt) below++;
      const child = this.#heap[below] as Deadline;
      if (child.dueAt >= moved.dueAt) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(moved, place);
  }
}
