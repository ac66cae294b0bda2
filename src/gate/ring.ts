/**
 * Who waits for one key, in order.
 *
 * A ring, and no list of links: a collector that walks ten thousand links one after the other takes twice the time. Whoever leaves from the middle leaves a gap,
 * which is passed over; where most places are gaps, the others move up instead of getting more room. So there is room for twice as many as have waited.
 */
import type { WaitingClaim } from './claim.js';

const leastRoom = 16;
/** From here on, room is given back, by half, when all have left that used less than a quarter of it. */
const greatRoom = 1_024;

export class Ring {
  /** How many are in. */
  size = 0;
  #slots: (WaitingClaim | null)[] = [];
  #mask = -1;
  /** The places of the first, and after the last: they count on, their slots go round. */
  #head = 0;
  #tail = 0;
  /** From this place on they are fresh. */
  #fresh = 0;

  get first(): WaitingClaim | null {
    return this.size === 0 ? null : (this.#slots[this.#head & this.#mask] as WaitingClaim);
  }

  push(claim: WaitingClaim): void {
    if (this.#tail - this.#head > this.#mask) this.#makeRoom();
    claim.seat = this.#tail++;
    this.#slots[claim.seat & this.#mask] = claim;
    this.size++;
  }

  /** @param claim  one that is in */
  remove({ seat }: WaitingClaim): void {
    this.#slots[seat & this.#mask] = null;
    this.size--;
    if (this.size === 0) this.#begin();
    else if (seat === this.#head) {
      let head = seat + 1;
      while (this.#slots[head & this.#mask] === null) head++;
      this.#head = head;
    }
  }

  /** Did it come since {@link takeFresh}? */
  isFresh(claim: WaitingClaim): boolean {
    return claim.seat >= this.#fresh;
  }

  /** Calls `see` with those that have come since the last call, in order; from now on they are fresh no more. None may come or leave meanwhile. */
  takeFresh(see: (claim: WaitingClaim) => void): void {
    for (let place = Math.max(this.#fresh, this.#head); place < this.#tail; place++) {
      const claim = this.#slots[place & this.#mask];
      if (claim !== null && claim !== undefined) see(claim);
    }
    this.#fresh = this.#tail;
  }

  #begin(): void {
    const room = this.#slots.length;
    if (room > greatRoom && this.#tail < room / 4) this.#take(room / 2, []);
    this.#head = 0;
    this.#tail = 0;
    this.#fresh = 0;
  }

  #makeRoom(): void {
    const room = this.#slots.length;
    const all: WaitingClaim[] = [];
    let seen = 0;
    for (let place = this.#head; place < this.#tail; place++) {
      const claim = this.#slots[place & this.#mask];
      if (claim === null || claim === undefined) continue;
      if (place < this.#fresh) seen++;
      claim.seat = all.push(claim) - 1;
    }
    this.#head = 0;
    this.#tail = all.length;
    this.#fresh = seen;
    this.#take(this.size * 2 > room ? room * 2 : Math.max(room, leastRoom), all);
  }

  #take(room: number, all: (WaitingClaim | null)[]): void {
    while (all.length < room) all.push(null);
    this.#slots = all;
    this.#mask = room - 1;
  }
}
