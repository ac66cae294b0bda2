/** What a desk remembers of what is over: as much of it as its history is long. */
import type { ReportRefusal } from '../../machines/agents/balancer-events.js';
import type { TaskEnd } from './task.js';

/** How often what has happened. */
export interface DeskCounts {
  /** Goes at tasks, moves included. */
  assigned: number;
  done: number;
  /** Ended without their work, for whatever reason. */
  failed: number;
  /** Gone to another agent, by loss or by `rebalance`. */
  moved: number;
  refused: number;
  /** Reports that counted for nothing. */
  readonly dropped: Record<ReportRefusal, number>;
}

/** The last few of something, oldest first. */
class Last<Item> {
  readonly #most: number;
  readonly #items: Item[] = [];
  #oldest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns what had to go for it */
  add(item: Item): Item | undefined {
    if (this.#items.length < this.#most) {
      this.#items.push(item);
      return undefined;
    }
    const former = this.#items[this.#oldest];
    this.#items[this.#oldest] = item;
    this.#oldest = (this.#oldest + 1) % this.#most;
    return former;
  }

  all(): Item[] {
    return [...this.#items.slice(this.#oldest), ...this.#items.slice(0, this.#oldest)];
  }
}

export class DeskRecords {
  readonly counts: DeskCounts = { assigned: 0, done: 0, failed: 0, moved: 0, refused: 0, dropped: { stale: 0, ended: 0, unknown: 0 } };
  #number: number;
  readonly #ends: Last<TaskEnd>;
  readonly #numbers: Last<number>;
  readonly #past = new Map<number, 'stale' | 'ended'>();

  /** @param from  the last number of a go at a task before these */
  constructor(most: number, from = 0) {
    this.#number = from;
    this.#ends = new Last(most);
    this.#numbers = new Last(most);
  }

  /** The number of the last go at a task. */
  get last(): number {
    return this.#number;
  }

  /** The number of the next one. */
  next(): number {
    return ++this.#number;
  }

  /** A go at a task is over: its number, and how. */
  close(number: number, how: 'stale' | 'ended'): void {
    this.#past.set(number, how);
    const forgotten = this.#numbers.add(number);
    if (forgotten !== undefined) this.#past.delete(forgotten);
  }

  /** Why a report of this go counts for nothing; counted. */
  drop(number: unknown): ReportRefusal {
    const reason = this.#past.get(number as number) ?? 'unknown';
    this.counts.dropped[reason]++;
    return reason;
  }

  end(end: TaskEnd): void {
    this.counts[end.ok ? 'done' : 'failed']++;
    this.#ends.add(end);
  }

  history(): TaskEnd[] {
    return this.#ends.all();
  }
}
