/**
 * Work in slices: what would hold the event loop for long is left to its next turns.
 *
 * Few things are done at once, without a look at the clock. Only who does hundreds within one turn is asked how long that has taken, and what comes when its time
 * is up waits, first come, first served, with all that comes after it.
 */
import { laterTurn, systemClock, type LaterTurn } from './clock.js';

/** The event loop that is not to be held: its turns, and the time that they take, ms. */
export interface Loop {
  now(): number;
  laterTurn(act: () => void): LaterTurn;
}

/** What is done when there is time for it. It must not throw. */
export interface Slice {
  take(): void;
}

/** So many are done in any turn. */
const atOnce = 256;

/** The time is looked at after so many more. */
const stride = 32;

/** How long one turn may take, ms. */
const mostMs = 2;

/** How many calls deep one may set off the next. */
const mostHops = 200;

const runtime: Loop = { now: () => systemClock.now(), laterTurn };

/** The slices of one owner. What waits is bounded by what the owner takes on. */
export class Slices {
  readonly #loop: Loop;
  /** Done in this turn since it was last looked at the clock. */
  #done = 0;
  #room = atOnce;
  #hops = 0;
  #beganAt: number | undefined;
  #turn: LaterTurn | undefined;
  #waiting: Slice[] = [];
  #next = 0;

  /** @param loop  the runtime's, where no test has its own */
  constructor(loop: Loop = runtime) {
    this.#loop = loop;
  }

  /** May one more thing be done now? It counts as done. Whoever is refused calls {@link later}. */
  hasRoom(): boolean {
    return ++this.#done < this.#room && this.#hops < mostHops ? true : this.#look();
  }

  #look(): boolean {
    if (this.#next < this.#waiting.length || this.#hops >= mostHops) return false;
    if (this.#beganAt === undefined) {
      this.#beganAt = this.#loop.now();
      this.#turn ??= this.#loop.laterTurn(this.#begin);
    }
    this.#done = 0;
    this.#room = this.#loop.now() - this.#beganAt < mostMs ? stride : 0;
    return this.#room > 0;
  }

  /** Does it in a later turn, after all that waits. */
  later(slice: Slice): void {
    this.#waiting.push(slice);
    this.#room = 0;
    this.#turn ??= this.#loop.laterTurn(this.#begin);
  }

  /** What is done until {@link shallower} is called is set off by what was done before. */
  deeper(): void {
    this.#hops++;
  }

  shallower(): void {
    this.#hops--;
  }

  /** A new turn of the loop. */
  readonly #begin = (): void => {
    const beganAt = this.#loop.now();
    this.#turn = undefined;
    this.#beganAt = beganAt;
    this.#done = 0;
    this.#room = stride;
    for (let count = 1; this.#next < this.#waiting.length; count++) {
      const slice = this.#waiting[this.#next++] as Slice;
      slice.take();
      if (count % stride === 0 && this.#loop.now() - beganAt >= mostMs) break;
    }
    this.#done = 0;
    if (this.#next < this.#waiting.length) {
      this.#room = 0;
      this.#turn ??= this.#loop.laterTurn(this.#begin);
      this.#compact();
      return;
    }
    this.#waiting.length = 0;
    this.#next = 0;
    this.#beganAt = undefined;
    this.#room = atOnce;
  };

  /** What was taken is let go. */
  #compact(): void {
    if (this.#next < 4_096) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  /** Nothing that waits is done any more. */
  clear(): void {
    this.#turn?.cancel();
    this.#turn = undefined;
    this.#waiting = [];
    this.#next = 0;
    this.#done = 0;
    this.#beganAt = undefined;
    this.#room = atOnce;
  }
}
