/** How often somebody may speak: a bucket that is full at first, and fills again with time. */
import type { Clock } from '../supervision/clock.js';

/** What it holds: so many at once. */
const capacity = 200;
/** What flows in, a second. */
const perSecond = 100;

export class Rate {
  readonly #clock: Clock;
  #left = capacity;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** May it speak now? */
  allows(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(capacity, this.#left + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
