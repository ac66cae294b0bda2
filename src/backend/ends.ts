/** Leases in the order in which they end: a heap with one place for each, which is looked at again when its time has come. */

/** What ends. */
export interface Ending {
  /** Monotonic ms. It may move to later, and nobody needs to say so. */
  endsAt: number;
  isOver: boolean;
}

interface Place<Item> {
  readonly at: number;
  readonly item: Item;
}

export class Ends<Item extends Ending> {
  #heap: Place<Item>[] = [];

  add(item: Item): void {
    this.#put({ at: item.endsAt, item });
  }

  /** The first that ends; undefined where there is none. */
  first(): Item | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      if (!top.item.isOver && top.at === top.item.endsAt) return top.item;
      this.#takeFirst();
      // It was renewed since.
      if (!top.item.isOver) this.#put({ at: top.item.endsAt, item: top.item });
    }
  }

  /** Lets go of those that are over before their time, once they are more than those that live. @param living  how many live */
  tidy(living: number): void {
    if (this.#heap.length <= 2 * living + 64) return;
    const left = new Set(this.#heap.flatMap(({ item }) => (item.isOver ? [] : [item])));
    this.#heap = [];
    for (const item of left) this.add(item);
  }

  #put(place: Place<Item>): void {
    const heap = this.#heap;
    let at = heap.push(place) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above] as Place<Item>;
      if (other.at <= place.at) break;
      heap[at] = other;
      heap[(at = above)] = place;
    }
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && (heap[below + 1] as Place<Item>).at < (heap[below] as Place<Item>).at) below++;
      if (below >= heap.length || (heap[below] as Place<Item>).at >= last.at) break;
      heap[at] = heap[below] as Place<Item>;
      at = below;
    }
    heap[at] = last;
  }
}
