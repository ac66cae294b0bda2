/**
 * What somebody has to tell others in the midst of a change: facts, and agents of their tasks. Whoever is told may do anything: report, assign, end. So nothing
 * is told before the change is whole, and what that sets off is told after it, in the order in which it happened.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import { printFault } from '../supervision/last-resort.js';
import { hasStopped } from '../supervision/xstate-internals.js';

export class Outbox {
  readonly #due: (() => void)[] = [];
  /** How many of them have been told. */
  #told = 0;
  #isTelling = false;

  add(tell: () => void): void {
    this.#due.push(tell);
  }

  /** An actor, if it is there still then. What it throws that is sent something is its own fault: one of another system may. */
  send(ref: AnyActorRef, news: EventObject, name: string): void {
    this.add(() => {
      try {
        if (!hasStopped(ref)) (ref as { send(event: EventObject): void }).send(news);
      } catch (error) {
        printFault(`the actor '${name}'`, error);
      }
    });
  }

  tell(): void {
    if (this.#isTelling) return;
    this.tellNow();
  }

  /** Within a telling too, what is left of that first: for last words. @throws the first fault of those that told, when all has been told */
  tellNow(): void {
    const wasTelling = this.#isTelling;
    this.#isTelling = true;
    let fault: { readonly error: unknown } | null = null;
    while (this.#told < this.#due.length) {
      const tell = this.#due[this.#told++] as () => void;
      // What sets off more for ever must not keep what it was.
      if (this.#told >= 1_000) this.#forget();
      try {
        tell();
      } catch (error) {
        fault ??= { error };
      }
    }
    this.#forget();
    this.#isTelling = wasTelling;
    if (fault !== null) throw fault.error;
  }

  #forget(): void {
    this.#due.splice(0, this.#told);
    this.#told = 0;
  }
}
