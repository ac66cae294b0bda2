/** How often somebody may do something: a bucket that is full at first, and fills again with time. */
import type { Clock } from '../supervision/clock.js';

/** What a bucket holds. */
export interface RateBounds {
  /** So many at once. */
  readonly atOnce: number;
  /** What flows in, a second. */
  readonly perSecond: number;
}

/** How often one may speak. */
const speech: RateBounds = { atOnce: 200, perSecond: 100 };

export class Rate {
  readonly #clock: Clock;
  readonly #bounds: RateBounds;
  #left: number;
  #at: number;

  constructor(clock: Clock, bounds: RateBounds = speech) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#left = bounds.atOnce;
    this.#at = clock.now();
  }

  /** Is it allowed now? */
  allows(): boolean {
    const { atOnce, perSecond } = this.#bounds;
    const now = this.#clock.now();
    this.#left = Math.min(atOnce, this.#left + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
