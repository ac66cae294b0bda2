/**
 * When things happened, without a look at the clock for each of them.
 *
 * A look at the clock costs as much as a grant. Within one turn of the event loop nobody's time can run out, since no timer fires: so a deadline need not be
 * known before the turn is over, and then one look is enough for all. What began meanwhile shares a {@link Moment}, of which both edges are known: a deadline
 * counts from the later one, so nothing ends early; a wait is told from the earlier one. A turn may last, so every moment is short: it is that of a few.
 *
 * Where the clock does not say when a turn is over, as a virtual one does not, each has a moment of its own, without an extent.
 */
import type { Clock } from '../supervision/clock.js';

/** A short stretch of time in which nobody looked at the clock. Both edges are monotonic ms. */
export interface Moment {
  readonly beganAt: number;
  /** `Infinity` while it lasts. */
  endedAt: number;
}

/** Of how many acquisitions and grants one moment is at the most. */
const mostShared = 16;

/** The moments of one table. */
export class Moments {
  readonly #clock: Clock;
  readonly #turnOver: () => void;
  #latest: Moment = { beganAt: 0, endedAt: 0 };
  #left = 0;
  #isTurn = false;

  /** @param turnOver  called when a turn is over in which there was a moment, or somebody has asked for it; all moments are over then */
  constructor(clock: Clock, turnOver: () => void) {
    this.#clock = clock;
    this.#turnOver = turnOver;
  }

  /** May a moment that was just given last until the turn is over? Else each is over as it is given. */
  get isLasting(): boolean {
    return this.#clock.afterTurn !== undefined;
  }

  now(): number {
    return this.#clock.now();
  }

  /** The one that is now. */
  current(): Moment {
    if (this.#left === 0) return this.#look();
    this.#left--;
    return this.#latest;
  }

  /** Sees to it that `turnOver` is called when this turn is over. */
  callWhenOver(): void {
    if (this.#isTurn) return;
    this.#isTurn = true;
    this.#clock.afterTurn?.(this.#endTurn);
  }

  #look(): Moment {
    const now = this.#clock.now();
    if (!this.isLasting) return { beganAt: now, endedAt: now };
    this.#latest.endedAt = Math.min(this.#latest.endedAt, now);
    this.callWhenOver();
    this.#left = mostShared - 1;
    this.#latest = { beganAt: now, endedAt: Infinity };
    return this.#latest;
  }

  readonly #endTurn = (): void => {
    if (this.#latest.endedAt === Infinity) this.#latest.endedAt = this.#clock.now();
    this.#left = 0;
    this.#isTurn = false;
    this.#turnOver();
  };
}
