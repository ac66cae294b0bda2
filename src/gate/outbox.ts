/**
 * What a table has to tell the app: facts, and losses of permits.
 *
 * Whoever is told may do anything: release, acquire, abort, close the gate. So nothing is told in the midst of a change. It is put here, and told when all
 * is in order, in the order in which it happened; what a listener sets off is told after that, by the same loop.
 */
import type { GateEmitted, Loss } from '../../machines/gate/gate-events.js';
import type { Claim } from './claim.js';

interface Lost {
  readonly type: 'lost';
  readonly claim: Claim;
  readonly why: Loss;
}

export class Outbox {
  readonly #emit: (fact: GateEmitted) => void;
  #due: (GateEmitted | Lost)[] = [];
  /** Of those that are due, how many were told. */
  #told = 0;
  #isTelling = false;
  #isHeld = false;

  constructor(emit: (fact: GateEmitted) => void) {
    this.#emit = emit;
  }

  add(fact: GateEmitted): void {
    this.#due.push(fact);
  }

  /** Whoever listens to this permit is to hear that it is lost. */
  addLoss(claim: Claim, why: Loss): void {
    this.#due.push({ type: 'lost', claim, why });
  }

  /** Does a part of a change in which others have a word: what that sets off here is told at the end of the change. */
  hold(part: () => void): void {
    const wasHeld = this.#isHeld;
    this.#isHeld = true;
    try {
      part();
    } finally {
      this.#isHeld = wasHeld;
    }
  }

  /** Tells all that is due. Within a telling it does nothing: that goes on until nothing is left. */
  tell(): void {
    if (!this.#isTelling && !this.#isHeld && this.#due.length > 0) this.tellNow();
  }

  /** The same within a telling too: for the last words of a gate, whose listeners XState lets go with it. */
  tellNow(): void {
    const isOuter = !this.#isTelling;
    this.#isTelling = true;
    try {
      while (this.#told < this.#due.length) {
        const next = this.#due[this.#told++] as GateEmitted | Lost;
        if (next.type === 'lost') next.claim.abort(next.why);
        else this.#emit(next);
      }
    } finally {
      if (isOuter) {
        this.#due = [];
        this.#told = 0;
        this.#isTelling = false;
      }
    }
  }
}
