/** One coordination under way: what it has asked is taken back with it. */

export class Coordination {
  readonly #stops = new Set<() => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Twice is once. */
  readonly stop = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stop of this.#stops) stop();
  };

  /** Calls it when the coordination is stopped. @returns what takes that back */
  onStop(stop: () => void): () => void {
    this.#stops.add(stop);
    return () => void this.#stops.delete(stop);
  }
}
