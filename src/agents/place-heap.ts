/** Agents in an order that changes, by their places in the columns: the first is known at once, and one that has changed costs as many looks as the heap is deep. */

/** Below 0: the agent at `a` is before that at `b`. Of two different ones never 0, so that the order does not depend on how they came. */
export type PlaceOrder = (a: number, b: number) => number;

/** The same array, or one that is long enough for this index. */
function reaching(array: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  if (index < array.length) return array;
  const longer = new Int32Array(Math.max(16, 2 * array.length, index + 1));
  longer.set(array);
  return longer;
}

export class PlaceHeap {
  readonly #order: PlaceOrder;
  #heap = new Int32Array(0);
  /** Where in the heap each is, counted from 1; 0: nowhere. */
  #ranks = new Int32Array(0);
  #size = 0;

  constructor(order: PlaceOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#size;
  }

  get first(): number | undefined {
    return this.#size === 0 ? undefined : this.#heap[0];
  }

  has(place: number): boolean {
    return (this.#ranks[place] ?? 0) > 0;
  }

  /** Puts it where it belongs, also one that is in already and has changed. */
  put(place: number): void {
    const rank = this.#ranks[place] ?? 0;
    if (rank > 0) return this.#settle(place, rank - 1);
    this.#heap = reaching(this.#heap, this.#size);
    this.#ranks = reaching(this.#ranks, place);
    this.#up(place, this.#size++);
  }

  /** Takes it out; nothing happens to one that is not in. */
  remove(place: number): void {
    const rank = this.#ranks[place] ?? 0;
    if (rank === 0) return;
    this.#ranks[place] = 0;
    const last = this.#heap[--this.#size] as number;
    if (last !== place) this.#settle(last, rank - 1);
  }

  #settle(place: number, from: number): void {
    this.#down(place, this.#up(place, from));
  }

  #up(place: number, from: number): number {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as number;
      if (this.#order(parent, place) < 0) break;
      heap[at] = parent;
      this.#ranks[parent] = at + 1;
      at = above;
    }
    heap[at] = place;
    this.#ranks[place] = at + 1;
    return at;
  }

  #down(place: number, from: number): void {
    const heap = this.#heap;
    const size = this.#size;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      let child = heap[below] as number;
      if (below + 1 < size) {
        const right = heap[below + 1] as number;
        if (this.#order(right, child) < 0) {
          child = right;
          below++;
        }
      }
      if (this.#order(place, child) < 0) break;
      heap[at] = child;
      this.#ranks[child] = at + 1;
      at = below;
    }
    heap[at] = place;
    this.#ranks[place] = at + 1;
  }
}
