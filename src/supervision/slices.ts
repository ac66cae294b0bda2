/**
 * Work in slices: what would hold the event loop for long is left to its next turns.
 *
 * Few things are done at once, without a look at the clock. Who does dozens is asked how long the turn has taken, by himself and by all others, and what comes when
 * its time is up waits, first come, first served, with all that comes after it. Of several owners whose work waits, each has some of it done in its turn.
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

/** The time is looked at after so many. */
const stride = 32;

/**
 * How long one turn may take, ms. What is called when the slices are done (the ends of what has begun in them) takes about as long again, and a collection of the
 * heap comes on top: together that is to stay below 5.
 */
const mostMs = 1;

/** How many calls deep one may set off the next, whoever they belong to: they stand on one stack. */
const mostHops = 200;

/** The turns of one event loop, whose time is shared by all who work in slices. */
export class Turns {
  readonly #loop: Loop;
  /** When the present turn began, as far as anybody has looked. */
  #beganAt: number | undefined;
  #isOver = false;
  #next: LaterTurn | undefined;
  /** Whose work waits; first is who has waited longest. */
  readonly #waiting = new Set<Slices>();
  /** How many calls deep what is done now was set off. */
  hops = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Is there time left in this turn? */
  hasTime(): boolean {
    if (this.#isOver) return false;
    const now = this.#loop.now();
    if (this.#beganAt === undefined) {
      this.#beganAt = now;
      this.#askForNext();
    }
    this.#isOver = now - this.#beganAt >= mostMs;
    return !this.#isOver;
  }

  await(owner: Slices): void {
    this.#waiting.add(owner);
    this.#askForNext();
  }

  /** Its work waits no longer. Whose did not, leaves the present turn as far gone as it is. */
  leave(owner: Slices): void {
    if (!this.#waiting.delete(owner) || this.#waiting.size > 0) return;
    this.#next?.cancel();
    this.#next = undefined;
    this.#beganAt = undefined;
    this.#isOver = false;
  }

  #askForNext(): void {
    this.#next ??= this.#loop.laterTurn(this.#begin);
  }

  readonly #begin = (): void => {
    this.#next = undefined;
    this.#isOver = false;
    this.#beganAt = this.#waiting.size > 0 ? this.#loop.now() : undefined;
    // Who has more to do comes again, last.
    for (const owner of this.#waiting) {
      this.#waiting.delete(owner);
      owner.takeSome(stride);
      if (owner.isWaiting) this.await(owner);
      if (!this.hasTime()) break;
    }
    // What is called now that this is done is still of this turn.
    if (this.#beganAt !== undefined) this.#askForNext();
  };
}

/** Those of the thread that this module runs on. */
const ofThread = new Turns({ now: () => systemClock.now(), laterTurn });

/** The slices of one owner. What waits is bounded by what the owner takes on. */
export class Slices {
  readonly #turns: Turns;
  /** Done since it last looked at the clock. */
  #done = 0;
  #waiting: Slice[] = [];
  #next = 0;

  /** @param turns  the thread's, where no test has its own */
  constructor(turns: Turns = ofThread) {
    this.#turns = turns;
  }

  get isWaiting(): boolean {
    return this.#next < this.#waiting.length;
  }

  /** Would what is set off now be so many calls deep that it is better done later? */
  get isDeep(): boolean {
    return this.#turns.hops >= mostHops;
  }

  /** May one more thing be done now? It counts as done. Whoever is refused calls {@link later}. */
  hasRoom(): boolean {
    if (this.isWaiting || this.isDeep) return false;
    if (++this.#done < stride) return true;
    if (!this.#turns.hasTime()) return false;
    this.#done = 0;
    return true;
  }

  /** Does it after all that waits: in a later turn, or within the present one where slices are being taken and there is time. */
  later(slice: Slice): void {
    if (!this.isWaiting) this.#turns.await(this);
    this.#waiting.push(slice);
  }

  /** What is done until {@link shallower} is called is set off by what was done before. */
  deeper(): void {
    this.#turns.hops++;
  }

  shallower(): void {
    this.#turns.hops--;
  }

  /** Its turn has come: does as many as that of what waits. */
  takeSome(count: number): void {
    const end = Math.min(this.#next + count, this.#waiting.length);
    while (this.#next < end && this.isWaiting) (this.#waiting[this.#next++] as Slice).take();
    if (this.isWaiting) this.#compact();
    else this.#empty();
  }

  /** What was taken is let go. */
  #compact(): void {
    if (this.#next < 4_096) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  #empty(): void {
    this.#waiting.length = 0;
    this.#next = 0;
  }

  /** Nothing that waits is done any more. */
  clear(): void {
    this.#empty();
    this.#done = 0;
    this.#turns.leave(this);
  }
}
