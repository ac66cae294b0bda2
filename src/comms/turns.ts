/**
 * Turns of comms: first all that is to be changed is changed, and then facts are told and messages delivered, one of each channel after the other.
 *
 * Whoever is told or delivered to may do anything, a call of comms included: that is a turn within the turn, and what it makes due comes after.
 */
import type { CommsEmitted } from '../../machines/comms/comms-events.js';
import type { Lane } from './lane.js';

export class Turns {
  readonly #emit: (fact: CommsEmitted) => void;
  readonly #facts: CommsEmitted[] = [];
  #due: Lane[] = [];
  #depth = 0;
  #isReceiving = false;
  #isAwaited = false;

  constructor(emit: (fact: CommsEmitted) => void) {
    this.#emit = emit;
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

  #finish(): void {
    if (!this.#isReceiving) return this.#carry();
    if (this.#isAwaited || (this.#facts.length === 0 && this.#due.length === 0)) return;
    this.#isAwaited = true;
    void Promise.resolve().then(() => {
      this.#isAwaited = false;
      this.run(() => {});
    });
  }

  #carry(): void {
    while (this.#facts.length > 0 || this.#due.length > 0) {
      for (const fact of this.#facts.splice(0)) this.#emit(fact);
      const due = this.#due;
      this.#due = [];
      for (const lane of due) {
        lane.isDue = false;
        if (lane.step()) this.due(lane);
      }
    }
  }
}
