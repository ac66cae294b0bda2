/** The kinds of tasks that a desk knows, by what they ask for: for each, who can do it, in order. A few of those that nobody needs now are kept. */
import type { PlaceOrder } from './place-heap.js';
import { Kind, type Seat } from './seat.js';
import { byPriority, type Task } from './task.js';

export class Kinds {
  readonly #most: number;
  readonly #kinds = new Map<string, Kind>();
  #orders: readonly PlaceOrder[];

  constructor(most: number, orders: readonly PlaceOrder[]) {
    this.#most = most;
    this.#orders = orders;
  }

  /** @returns null where there are too many that somebody needs */
  of(capabilities: readonly string[], seats: Iterable<Seat>): Kind | null {
    const name = JSON.stringify(capabilities);
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      if (this.#kinds.size >= this.#most && !this.#forget()) return null;
      kind = new Kind(name, capabilities);
      kind.reorder(this.#orders);
      for (const seat of seats) if (kind.suits(seat)) this.#join(kind, seat);
    } else {
      this.#kinds.delete(name);
    }
    // The one that was asked for last is the last to be forgotten.
    this.#kinds.set(name, kind);
    return kind;
  }

  reorder(orders: readonly PlaceOrder[]): void {
    this.#orders = orders;
    for (const kind of this.#kinds.values()) kind.reorder(orders);
  }

  add(seat: Seat): void {
    for (const kind of this.#kinds.values()) if (kind.suits(seat)) this.#join(kind, seat);
  }

  remove(seat: Seat): void {
    for (const kind of seat.kinds) kind.leave(seat);
    seat.kinds.length = 0;
  }

  /** What waits for somebody like this agent, the most urgent first. */
  nextFor(seat: Seat): Task | undefined {
    let next: Task | undefined;
    for (const { waiting } of seat.kinds) {
      const { first } = waiting;
      if (first !== undefined && (next === undefined || byPriority(first, next) < 0)) next = first;
    }
    return next;
  }

  #forget(): boolean {
    for (const kind of this.#kinds.values()) {
      if (kind.tasks > 0) continue;
      for (const { kinds } of kind.members) kinds.splice(kinds.indexOf(kind), 1);
      return this.#kinds.delete(kind.name);
    }
    return false;
  }

  #join(kind: Kind, seat: Seat): void {
    kind.members.add(seat);
    seat.kinds.push(kind);
    kind.refresh(seat);
  }
}
