/**
 * How often something is done that costs: not again before ten times what it took has passed, nor, where several are told together, before the next flush. So one
 * who asks without end has a tenth of the app's time at most.
 */
import type { Clock } from '../supervision/clock.js';

/** For so many times what was spent, nothing is. */
const times = 10;

export class Respite {
  readonly #clock: Clock;
  readonly #waitsForFlush: boolean;
  readonly #freeMs: number;
  #until = Number.NEGATIVE_INFINITY;
  #isFlushDue = false;

  /**
   * @param waitsForFlush  is it done once between two flushes? Default true
   * @param freeMs  after what took no longer it need not rest; default 0
   */
  constructor(clock: Clock, { waitsForFlush = true, freeMs = 0 } = {}) {
    this.#clock = clock;
    this.#waitsForFlush = waitsForFlush;
    this.#freeMs = freeMs;
  }

  /** May something be done again? */
  get isOver(): boolean {
    return !this.#isFlushDue && this.#clock.now() >= this.#until;
  }

  /** Does it, and rests for as long as it deserves. */
  spend(todo: () => void): void {
    const began = this.#clock.now();
    try {
      todo();
    } finally {
      const ended = this.#clock.now();
      this.#until = ended - began > this.#freeMs ? ended + times * (ended - began) : ended;
      this.#isFlushDue = this.#waitsForFlush;
    }
  }

  flushed(): void {
    this.#isFlushDue = false;
  }
}
