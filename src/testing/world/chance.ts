/** Chance that comes from a seed: the same seed draws the same numbers, for ever and everywhere. */
import { hash } from '../../../machines/hash.js';

/** One stream of draws. Streams of one seed and different names do not disturb each other. */
export class Chance {
  #state: number;

  constructor(seed: number, stream: string) {
    this.#state = (seed ^ hash(stream)) | 0;
  }

  /** A number in 0 ≤ x < 1. @see mulberry32, by Tommy Ettinger (public domain) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** One of a list that is not empty. */
  pick<Item>(list: readonly Item[]): Item {
    return list[Math.floor(this.next() * list.length)] as Item;
  }
}
