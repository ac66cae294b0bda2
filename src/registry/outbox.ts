/**
 * Facts that a table has to tell.
 *
 * Whoever is told may do anything: register, unregister, close. So nothing is told in the midst of a change: facts are put here, and told when the outermost
 * change is over, in the order in which they happened. What a listener sets off is told after that, by the same loop.
 */
import type { RegistryEmitted } from '../../machines/registry/registry-events.js';

export class Outbox {
  emit: ((fact: RegistryEmitted) => void) | null = null;
  readonly #due: RegistryEmitted[] = [];
  #changes = 0;
  #isTelling = false;

  /** A change begins; whoever begins one ends it, whatever happens. */
  begin(): void {
    this.#changes++;
  }

  add(fact: RegistryEmitted): void {
    if (this.emit !== null) this.#due.push(fact);
  }

  /** A change is over: tells all that is due. Within another change, or a telling, that is left to the outer one. */
  end(): void {
    this.#changes--;
    if (this.#changes > 0 || this.#isTelling || this.#due.length === 0) return;
    this.#isTelling = true;
    try {
      for (let next = 0; next < this.#due.length; next++) this.emit?.(this.#due[next] as RegistryEmitted);
    } finally {
      this.#due.length = 0;
      this.#isTelling = false;
    }
  }
}
