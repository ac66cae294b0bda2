/** What was heard so far, and waiting for more of it. */
export class Heard<Item> {
  readonly items: Item[] = [];
  readonly #waiting = new Set<() => void>();

  push(item: Item): void {
    this.items.push(item);
    for (const look of this.#waiting) look();
  }

  /** Resolves with the first item for which it holds, when there is one. */
  until(holds: (item: Item) => boolean): Promise<Item> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.items.find(holds);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
