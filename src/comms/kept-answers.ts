/** Questions with a key: those that are open, and the answers of those that are not, as long as they are kept. An error is no answer. */
import type { Clock } from '../supervision/clock.js';
import type { Message } from './message.js';

interface Kept {
  readonly value: unknown;
  readonly until: number;
}

export class KeptAnswers {
  /** The question that is open, by its key. */
  readonly open = new Map<string, Message>();
  readonly #clock: Clock;
  readonly #most: number;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The answer, in a box; undefined where none is kept. */
  get(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || this.#clock.now() < kept.until) return kept;
    this.#kept.delete(key);
    return undefined;
  }

  /** Of more than may be, the oldest goes. No timer waits for the end of each: those whose time is over go as others come. */
  keep(key: string, value: unknown, ms: number): void {
    const now = this.#clock.now();
    for (const [oldest, { until }] of this.#kept) {
      if (now < until) break;
      this.#kept.delete(oldest);
    }
    this.#kept.delete(key);
    this.#kept.set(key, { value, until: now + ms });
    if (this.#kept.size <= this.#most) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}
