/** A clock as XState's hosts have it: it sets and clears, and cannot tell the time. It notes what it is asked for, and fires when a test says so. */
export class NotingClock {
  /** Every delay that it was asked for, ms. */
  readonly delays: number[] = [];
  readonly #timers = new Map<number, () => void>();

  setTimeout(fn: () => void, ms: number): number {
    this.#timers.set(this.delays.push(ms), fn);
    return this.delays.length;
  }

  clearTimeout(id: number): void {
    this.#timers.delete(id);
  }

  /** The delays that the runtime's timers would make 1 ms of. */
  tooLong(): number[] {
    return this.delays.filter((ms) => !(ms <= 2 ** 31 - 1));
  }

  /** All that wait, however long they would. */
  fireAll(): void {
    const due = [...this.#timers];
    for (const [id, fn] of due) if (this.#timers.delete(id)) fn();
  }
}
