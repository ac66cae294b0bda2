/**
 * Turns of comms: first all that is to be changed is changed, and then facts are told and messages delivered, one of each channel after the other.
 *
 * Whoever is told or delivered to may do anything, a call of comms included: that is a turn within the turn, and what it makes due comes after.
 *
 * Agents that tell each other something for ever would leave the thread no time for anything else, at once or by promises. So after much in one go comms rest,
 * until the clock has gone on: by then timers and sockets had their turn. What is due stays due, in its order.
 */
import type { CommsEmitted } from '../../machines/comms/comms-events.js';
import type { Clock } from '../supervision/clock.js';
import type { Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import type { Lane } from './lane.js';

/** After how many facts, deliveries and answers that were kept the clock is looked at: each time would cost a question a twentieth more. */
const stride = 128;
/** How many there are in one go, at the most, where they take no time; else, for how long there are, ms. */
export const mostInOneGo = 160 * stride;
const longestGoMs = 50;
/** The shortest timer that each runtime has, ms. */
const restMs = 1;

export class Turns implements Deadline {
  dueAt = 0;
  place = -1;
  readonly #clock: Clock;
  readonly #deadlines: DeadlineQueue;
  /** In this go, so far; when the clock is looked at next; when it was first. */
  #spent = 0;
  #lookAt = stride;
  #since = 0;
  #isResting = false;
  #rested: (() => void)[] = [];
  readonly #emit: (fact: CommsEmitted) => void;
  readonly #facts: CommsEmitted[] = [];
  #due: Lane[] = [];
  #depth = 0;
  #isReceiving = false;
  #isAwaited = false;

  constructor(emit: (fact: CommsEmitted) => void, clock: Clock, deadlines: DeadlineQueue) {
    this.#emit = emit;
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  /** Is nothing told or delivered until the thread has done something else? */
  get isResting(): boolean {
    return this.#isResting;
  }

  run(act: () => void): void {
    this.#depth++;
    try {
      act();
    } finally {
      if (this.#depth === 1) this.#finish();
      this.#depth--;
    }
  }

  /** The same with what an agent has sent. Such events wait for each other: so nothing is delivered while one is looked at, or the agent would be sent more before its next is known. */
  receive(act: () => void): void {
    const isOuter = !this.#isReceiving;
    this.#isReceiving = true;
    try {
      this.run(act);
    } finally {
      if (isOuter) this.#isReceiving = false;
    }
  }

  tell(fact: CommsEmitted): void {
    this.#facts.push(fact);
  }

  /** There may be something to deliver. */
  due(lane: Lane): void {
    if (lane.isDue || lane.isOver || lane.queued.size === 0) return;
    lane.isDue = true;
    this.#due.push(lane);
  }

  /**
   * At once, but while comms rest after that: so whoever sends one message after another rests, too, instead of filling a mailbox that does not move, or asking
   * for ever one that is full.
   */
  whenRested(act: () => void): void {
    if (this.#isResting && this.#rested.length < mostInOneGo) this.#rested.push(act);
    else act();
  }

  /** The thread has been elsewhere. */
  expired(): void {
    this.#spent = 0;
    this.#lookAt = stride;
    if (this.#isResting) this.run(() => this.#wake());
  }

  /** There is no rest any more: what is told now is the last. */
  end(): void {
    this.#lookAt = Infinity;
    this.#wake();
  }

  #wake(): void {
    this.#isResting = false;
    for (const act of this.#rested.splice(0)) act();
  }

  /** One more in this go. */
  spend(): void {
    if (++this.#spent >= this.#lookAt) this.#look();
  }

  /**
   * A timer tells that the thread was elsewhere. Where a go has no end it cannot go off, and is over by the time of the rest: then a fresh one is waited for, since
   * Node runs all timers that are over before it looks at any socket.
   */
  #look(): void {
    this.#lookAt += stride;
    const now = this.#clock.now();
    if (this.place < 0) this.#since = now;
    else if (this.#spent < mostInOneGo && now - this.#since < longestGoMs) return;
    else this.#isResting = true;
    this.#deadlines.add(this, restMs);
  }

  #finish(): void {
    if (this.#isResting) {
      // Who does not wait to be answered could make ever more of them.
      if (this.#facts.length >= mostInOneGo) this.#tellFacts();
      return;
    }
    if (!this.#isReceiving) return this.#carry();
    if (this.#isAwaited || (this.#facts.length === 0 && this.#due.length === 0)) return;
    this.#isAwaited = true;
    void Promise.resolve().then(() => {
      this.#isAwaited = false;
      this.run(() => {});
    });
  }

  #step(lane: Lane): void {
    this.spend();
    lane.isDue = false;
    if (lane.step()) this.due(lane);
  }

  #tellFacts(): void {
    for (const fact of this.#facts.splice(0)) {
      this.#emit(fact);
      this.spend();
    }
  }

  #carry(): void {
    while (!this.#isResting && (this.#facts.length > 0 || this.#due.length > 0)) {
      this.#tellFacts();
      const due = this.#due;
      const left: Lane[] = [];
      this.#due = [];
      for (const lane of due) {
        if (this.#isResting) left.push(lane);
        else this.#step(lane);
      }
      if (left.length > 0) this.#due = [...left, ...this.#due];
    }
  }
}
