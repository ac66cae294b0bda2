/** Things in an order that changes: the first is known at once, and one that has moved, has come or goes costs as many looks as the heap is deep. */

/** Below 0: `a` is before `b`. Of two different ones never 0, so that the order does not depend on how they came. */
export type Order<Item> = (a: Item, b: Item) => number;

export class OrderHeap<Item> {
  readonly #order: Order<Item>;
  readonly #heap: Item[] = [];
  readonly #places = new Map<Item, number>();

  constructor(order: Order<Item>) {
    this.#order = order;
  }

  get size(): number {
    return this.#heap.length;
  }

  get first(): Item | undefined {
    return this.#heap[0];
  }

  /** All of them, in no order. */
  all(): readonly Item[] {
    return this.#heap;
  }

  /** Puts it where it belongs, also one that is in already and has changed. */
  put(item: Item): void {
    const place = this.#places.get(item);
    if (place === undefined) {
      this.#heap.push(item);
      this.#up(item, this.#heap.length - 1);
    } else {
      this.#settle(item, place);
    }
  }

  /** Takes it out; nothing happens to one that is not in. */
  remove(item: Item): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#heap.pop() as Item;
    if (last !== item) this.#settle(last, place);
  }

  #settle(item: Item, place: number): void {
    this.#down(item, this.#up(item, place));
  }

  #set(item: Item, place: number): number {
    this.#heap[place] = item;
    this.#places.set(item, place);
    return place;
  }

  #up(item: Item, from: number): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Item;
      if (this.#order(parent, item) < 0) break;
      this.#set(parent, place);
      place = above;
    }
    return this.#set(item, place);
  }

  #down(item: Item, from: number): number {
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#heap.length) break;
      const right = this.#heap[below + 1];
      if (right !== undefined && this.#order(right, this.#heap[below] as Item) < 0) below++;
      const child = this.#heap[below] as Item;
      if (this.#order(item, child) < 0) break;
      this.#set(child, place);
      place = below;
    }
    return this.#set(item, place);
  }
}
