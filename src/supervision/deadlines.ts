/** Many deadlines behind one timer: those of all owners lie on the wheel of their clock, and one that is met early leaves at once. */
import { isRuntimeReplaced, type Clock } from './clock.js';
import { Owner, Wheel } from './wheel.js';
import { wheelOf } from './wheels.js';

/** Something with a deadline. The queue owns `place`. */
export interface Deadline {
  /** Monotonic ms. */
  dueAt: number;
  /** Where it is on the wheel; -1 outside. */
  place: number;
  expired(): void;
}

/** The deadlines of one owner. Due at one moment, those of all owners, and delayed events too, come in the order in which they were added. */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #owner = new Owner();
  #wheel: Wheel | undefined;
  #isReplaced = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All that are in the queue, in no order. */
  all(): readonly Deadline[] {
    return this.#wheel?.all(this.#owner) ?? [];
  }

  get size(): number {
    return this.#owner.size;
  }

  /** Adds a deadline, `ms` from now; one that is in the queue is moved: it is there once. */
  add(deadline: Deadline, ms: number): void {
    this.addAt(deadline, this.#clock.now() + ms);
  }

  /** The same by the clock's own time, for whoever has looked at it already. */
  addAt(deadline: Deadline, at: number): void {
    const wheel = this.#wheel !== undefined && this.#isReplaced === isRuntimeReplaced() ? this.#wheel : this.#choose();
    wheel.remove(deadline);
    wheel.add(deadline, at, this.#owner);
  }

  /** Takes a deadline out; nothing happens to one that is not in. */
  remove(deadline: Deadline): void {
    this.#wheel?.remove(deadline);
  }

  /** Drops all, and the timer where nobody else waits. */
  clear(): void {
    this.#wheel?.clear(this.#owner);
  }

  /** The clock's wheel, or one of its own where timers are kept apart or the runtime's are replaced; what is in the queue goes along. */
  #choose(): Wheel {
    const all = this.all();
    this.clear();
    this.#isReplaced = isRuntimeReplaced();
    const wheel = (this.#isReplaced ? undefined : wheelOf(this.#clock)) ?? new Wheel(this.#clock);
    for (const deadline of all) wheel.add(deadline, deadline.dueAt, this.#owner);
    this.#wheel = wheel;
    return wheel;
  }
}
