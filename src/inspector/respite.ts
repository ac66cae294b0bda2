/**
 * How often something is done that costs: not again before ten times what it took has passed. So those who ask without end have a tenth of the app's time at most,
 * one or all of them together.
 */
import type { Clock } from '../supervision/clock.js';

/** For so many times what was spent, nothing is. */
const times = 10;

export class Respite {
  readonly #clock: Clock;
  readonly #freeMs: number;
  #until = Number.NEGATIVE_INFINITY;

  /** @param freeMs  so much may be owed: what takes less, now and then, is not waited for; default 0 */
  constructor(clock: Clock, { freeMs = 0 } = {}) {
    this.#clock = clock;
    this.#freeMs = freeMs;
  }

  /** May something be done again? */
  get isOver(): boolean {
    const leftMs = this.#until - this.#clock.now();
    return leftMs <= 0 || leftMs < times * this.#freeMs;
  }

  /** Does it, and rests for as long as it deserves: also for what is still owed. */
  spend(todo: () => void): void {
    const began = this.#clock.now();
    try {
      todo();
    } finally {
      const ended = this.#clock.now();
      this.#until = Math.max(this.#until, ended) + times * (ended - began);
    }
  }
}

/** One respite for many, each in turn: who has waited the longest is next. Whoever waits and could not go on has to be forgotten, or nobody can. */
export class Turns {
  readonly #respite: Respite;
  /** Who waits, the longest first: no more than there are. */
  readonly #waiting = new Set<object>();

  constructor(respite: Respite) {
    this.#respite = respite;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** May it now? If not, it waits from then on. */
  isOf(one: object): boolean {
    const [next = one] = this.#waiting;
    if (next === one && this.#respite.isOver) return true;
    this.#waiting.add(one);
    return false;
  }

  /** It has its turn, and is behind all others when it wants another. */
  spend(one: object, todo: () => void): void {
    this.#waiting.delete(one);
    this.#respite.spend(todo);
  }

  /** It is gone, or could not take its turn. */
  forget(one: object): void {
    this.#waiting.delete(one);
  }
}

/** What those who look share: between answers from what an app holds or held, and between keyframes. */
export interface SharedTurns {
  readonly work: Turns;
  readonly keyframes: Turns;
}

export function sharedTurns(clock: Clock): SharedTurns {
  // A hundred a second of a millisecond each are a tenth of the time already.
  return { work: new Turns(new Respite(clock, { freeMs: 1 })), keyframes: new Turns(new Respite(clock)) };
}
