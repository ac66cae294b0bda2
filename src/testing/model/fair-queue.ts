/** Whose turn it is in a search: one busy corner must not hide the others. */

/** Items in groups: the next comes from the group that has given least, the oldest of it. */
export class FairQueue<Item> {
  readonly #groups = new Map<string, { readonly items: Item[]; given: number }>();

  push(group: string, item: Item): void {
    const found = this.#groups.get(group);
    if (found === undefined) this.#groups.set(group, { items: [item], given: 0 });
    else found.items.push(item);
  }

  shift(): Item | undefined {
    const [least] = [...this.#groups.values()].filter(({ items }) => items.length > 0).sort((left, right) => left.given - right.given);
    if (least !== undefined) least.given++;
    return least?.items.shift();
  }

  get size(): number {
    return [...this.#groups.values()].reduce((sum, { items }) => sum + items.length, 0);
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }
}
