/**
 * What somebody has to tell others in the midst of a change: facts, and agents of their tasks. Whoever is told may do anything: report, assign, end. So nothing
 * is told before the change is whole, and what that sets off is told after it, in the order in which it happened.
 */
export class Outbox {
  #due: (() => void)[] = [];
  #isTelling = false;

  add(tell: () => void): void {
    this.#due.push(tell);
  }

  tell(): void {
    if (this.#isTelling) return;
    this.tellNow();
  }

  /** Within a telling too: for last words. */
  tellNow(): void {
    const wasTelling = this.#isTelling;
    this.#isTelling = true;
    try {
      while (this.#due.length > 0) {
        const due = this.#due;
        this.#due = [];
        let told = 0;
        try {
          for (; told < due.length; ) (due[told++] as () => void)();
        } finally {
          // What comes after a fault is told all the same, before what it has set off.
          if (told < due.length) this.#due.unshift(...due.slice(told));
        }
      }
    } finally {
      this.#isTelling = wasTelling;
    }
  }
}
