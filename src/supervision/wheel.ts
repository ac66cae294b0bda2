/**
 * All that waits for a moment of one clock, behind one timer.
 *
 * A wheel of wheels: entries that are due within 32 ms of the wheel's own tick lie in slots of 1 ms, those within a second in slots of 32 ms, and so on for six rounds (12
 * days), with one list for what is farther. To add and to remove is a few writes into tables of numbers, whatever waits. A slot whose time has come is spilt: what is due in
 * it lies in slots of the round below, what is due within the tick in a heap, which has the order: by the moment, then as they were added. Bits say which slots hold anything,
 * so that hours without an entry cost what a millisecond does.
 *
 * The timer is set for no later than the first moment. One that comes too early, since whom it was set for has gone, looks and sets the next.
 */
import type { Clock } from './clock.js';
import type { Deadline } from './deadlines.js';

/** Entries that belong together: how many, and the first of them. The wheel keeps both. */
export class Owner {
  size = 0;
  first = -1;
}

const bits = 5;
const width = 1 << bits;
const rounds = 6;
/** Ticks of 1 ms that the rounds reach. */
const span = 2 ** (bits * rounds);
/** Slots beside the rounds: for what is due beyond them, and for what never is. */
const far = rounds * width;
const never = far + 1;

/** What is known of an entry, in a table of six columns. A slot below 0 is a place in the heap: -1 its top. */
const columns = 6;
const next = 0;
const before = 1;
const ownNext = 2;
const ownBefore = 3;
const slot = 4;
const order = 5;

/** Entries for which there is always room. */
const leastRoom = 16;
/** With room for more than this, most of it is given back when not even an eighth is in use. */
const greatRoom = 1_024;

/** How long entries may hold the event loop, by the clock's own time, before the others wait for another turn; looked at after every so many. */
const turnMs = 4;
const turnCount = 16;

export class Wheel {
  readonly #clock: Clock;
  #timer: unknown;
  #timerAt = Infinity;
  /** The clock's ms at which the rounds begin, and the ticks since: all that is due in the tick or before is in the heap. */
  #base = 0;
  #tick = 0;
  readonly #heap: number[] = [];
  readonly #first = new Int32Array(never + 1).fill(-1);
  /** For each slot a moment before which nothing in it is due. */
  readonly #least = new Float64Array(never + 1).fill(Infinity);
  /** For each round, a bit for each slot that holds anything. */
  readonly #filled = new Int32Array(rounds);
  #table = new Int32Array(leastRoom * columns);
  #due = new Float64Array(leastRoom);
  #entries: (Deadline | undefined)[] = [];
  #owners: (Owner | undefined)[] = [];
  /** Places that have been left, linked by `next`; those from `#used` on have never been taken. */
  #free = -1;
  #used = 0;
  #count = 0;
  /** Those of them that are due at some time. */
  #waiting = 0;
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many entries are in. */
  get size(): number {
    return this.#count;
  }

  /** Adds an entry that is on no wheel. @param at  the clock's ms; Infinity never comes, what is no number comes at once */
  add(entry: Deadline, at: number, owner: Owner): void {
    const place = this.#take();
    entry.dueAt = at;
    entry.place = place;
    const due = at !== at ? -Infinity : at;
    this.#due[place] = due;
    this.#entries[place] = entry;
    this.#owners[place] = owner;
    const table = this.#table;
    const row = place * columns;
    table[row + order] = this.#order++;
    table[row + ownBefore] = -1;
    table[row + ownNext] = owner.first;
    if (owner.first >= 0) table[owner.first * columns + ownBefore] = place;
    owner.first = place;
    owner.size++;
    this.#count++;
    if (due === Infinity) {
      this.#link(place, never);
    } else if (this.#waiting++ === 0) {
      const now = this.#clock.now();
      this.#base = Math.floor(now);
      this.#tick = 0;
      this.#put(place);
      if (due < this.#timerAt) this.#arm(due, now);
    } else {
      this.#put(place);
      if (due < this.#timerAt) this.#arm(due, this.#clock.now());
    }
  }

  /** Takes an entry out; nothing happens to one that is not on this wheel. */
  remove(entry: Deadline): void {
    const { place } = entry;
    if (place >= 0 && this.#entries[place] === entry) this.#drop(place, entry);
  }

  /** Takes out all of an owner. */
  clear(owner: Owner): void {
    while (owner.first >= 0) this.#drop(owner.first, this.#entries[owner.first] as Deadline);
  }

  /** All of an owner, in no order. */
  all(owner: Owner): Deadline[] {
    const all: Deadline[] = [];
    for (let place = owner.first; place >= 0; place = this.#table[place * columns + ownNext] as number) all.push(this.#entries[place] as Deadline);
    return all;
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    this.#advance(now);
    try {
      for (let count = 1; ; count++) {
        const first = this.#heap[0];
        if (first === undefined || (this.#due[first] as number) > now) break;
        const entry = this.#entries[first] as Deadline;
        this.#drop(first, entry);
        entry.expired();
        if (count % turnCount === 0 && this.#clock.now() - now > turnMs) break;
      }
    } finally {
      const at = this.#nextAt();
      if (at < this.#timerAt) this.#arm(at, this.#clock.now());
    }
  };

  #arm(at: number, now: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    let ms = at - now;
    // A sum that is rounded up would come after the moment; the rounding before it costs a look more.
    if (now + ms > at) ms -= Math.abs(at) * Number.EPSILON;
    this.#timer = this.#clock.setTimeout(this.#fire, ms > 0 ? ms : 0);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  /** A moment before which nothing is due; Infinity where nothing waits. */
  #nextAt(): number {
    const first = this.#heap[0];
    if (first !== undefined) return this.#due[first] as number;
    for (let round = 0; round < rounds; round++) {
      const filled = this.#filled[round] as number;
      if (filled !== 0) return this.#least[round * width + lowest(filled)] as number;
    }
    return this.#least[far] as number;
  }

  /** Spills every slot whose time has begun. */
  #advance(now: number): void {
    const to = Math.floor(now) - this.#base;
    const from = this.#tick;
    if (!(to > from)) return;
    if (to >= span) {
      this.#base = Math.floor(now);
      this.#tick = 0;
      for (let round = 0; round < rounds; round++) this.#spillAll(round, this.#filled[round] as number);
      // Those that are still beyond the rounds stay where they are.
      if (!((this.#least[far] as number) - this.#base >= span)) this.#spill(far);
      return;
    }
    this.#tick = to;
    for (let round = 0, shift = 0; round < rounds; round++, shift += bits) {
      const isSame = from >>> (shift + bits) === to >>> (shift + bits);
      // `2 << 31` is 0: less 1, all bits.
      const passed = isSame ? (2 << ((to >>> shift) & (width - 1))) - 1 : -1;
      this.#spillAll(round, (this.#filled[round] as number) & passed);
      // In the rounds above, the wheel stands where it stood.
      if (isSame) break;
    }
  }

  #spillAll(round: number, which: number): void {
    for (let left = which; left !== 0; left &= left - 1) this.#spill(round * width + lowest(left));
  }

  #spill(from: number): void {
    let place = this.#first[from] as number;
    this.#empty(from);
    while (place >= 0) {
      const after = this.#table[place * columns + next] as number;
      this.#put(place);
      place = after;
    }
  }

  #empty(which: number): void {
    this.#first[which] = -1;
    this.#least[which] = Infinity;
    if (which < far) this.#filled[which >>> bits] = (this.#filled[which >>> bits] as number) & ~(1 << (which & (width - 1)));
  }

  /** Puts an entry where it belongs, seen from the tick: by the highest digit in which the two differ. */
  #put(place: number): void {
    const tick = Math.floor(this.#due[place] as number) - this.#base;
    if (!(tick > this.#tick)) {
      this.#up(this.#heap.push(place) - 1, place);
    } else if (tick >= span) {
      this.#link(place, far);
    } else {
      const round = ((31 - Math.clz32(tick ^ this.#tick)) / bits) | 0;
      const digit = (tick >>> (round * bits)) & (width - 1);
      this.#filled[round] = (this.#filled[round] as number) | (1 << digit);
      this.#link(place, round * width + digit);
    }
  }

  #link(place: number, into: number): void {
    const table = this.#table;
    const row = place * columns;
    const first = this.#first[into] as number;
    const due = this.#due[place] as number;
    table[row + slot] = into;
    table[row + before] = -1;
    table[row + next] = first;
    if (first >= 0) table[first * columns + before] = place;
    this.#first[into] = place;
    if (due < (this.#least[into] as number)) this.#least[into] = due;
  }

  #unlink(place: number): void {
    const table = this.#table;
    const row = place * columns;
    const from = table[row + slot] as number;
    if (from < 0) {
      this.#pull(-1 - from);
      return;
    }
    const after = table[row + next] as number;
    const prior = table[row + before] as number;
    if (after >= 0) table[after * columns + before] = prior;
    if (prior >= 0) table[prior * columns + next] = after;
    else if (after >= 0) this.#first[from] = after;
    else this.#empty(from);
  }

  /** An entry leaves. */
  #drop(place: number, entry: Deadline): void {
    const table = this.#table;
    const row = place * columns;
    this.#unlink(place);
    const owner = this.#owners[place] as Owner;
    const after = table[row + ownNext] as number;
    const prior = table[row + ownBefore] as number;
    if (after >= 0) table[after * columns + ownBefore] = prior;
    if (prior >= 0) table[prior * columns + ownNext] = after;
    else owner.first = after;
    owner.size--;
    entry.place = -1;
    this.#entries[place] = undefined;
    this.#owners[place] = undefined;
    table[row + next] = this.#free;
    this.#free = place;
    this.#count--;
    // Those that never are due keep no timer, and no process, alive.
    if (table[row + slot] !== never && --this.#waiting === 0) this.#disarm();
    if (this.#due.length > greatRoom && this.#count * 8 < this.#due.length) this.#shrink();
  }

  // ---- the heap

  #isBefore(one: number, other: number): boolean {
    const a = this.#due[one] as number;
    const b = this.#due[other] as number;
    return a === b ? (((this.#table[one * columns + order] as number) - (this.#table[other * columns + order] as number)) | 0) < 0 : a < b;
  }

  #set(at: number, place: number): void {
    this.#heap[at] = place;
    this.#table[place * columns + slot] = -1 - at;
  }

  #up(from: number, place: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above] as number;
      if (!this.#isBefore(place, parent)) break;
      this.#set(at, parent);
      at = above;
    }
    this.#set(at, place);
  }

  #down(from: number, place: number): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && this.#isBefore(heap[below + 1] as number, heap[below] as number)) below++;
      const child = heap[below] as number;
      if (!this.#isBefore(child, place)) break;
      this.#set(at, child);
      at = below;
    }
    this.#set(at, place);
  }

  /** Takes out whoever is at a place of the heap. */
  #pull(at: number): void {
    const last = this.#heap.pop() as number;
    if (at === this.#heap.length) return;
    this.#up(at, last);
    this.#down(-1 - (this.#table[last * columns + slot] as number), last);
  }

  // ---- room

  #take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.#table[free * columns + next] as number;
      return free;
    }
    if (this.#used === this.#due.length) this.#room(this.#used * 2);
    return this.#used++;
  }

  #room(size: number): void {
    const [table, due] = [this.#table, this.#due];
    this.#table = new Int32Array(size * columns);
    this.#table.set(table);
    this.#due = new Float64Array(size);
    this.#due.set(due);
  }

  /** Moves all together, after a burst, and gives the rest of the room back. */
  #shrink(): void {
    const [table, due, entries, owners] = [this.#table, this.#due, this.#entries, this.#owners];
    const moved = new Int32Array(this.#used).fill(-1);
    let used = 0;
    for (let place = 0; place < this.#used; place++) if (entries[place] !== undefined) moved[place] = used++;
    const to = (place: number): number => (place < 0 ? -1 : (moved[place] as number));
    const size = Math.max(leastRoom, due.length >> 2);
    this.#table = new Int32Array(size * columns);
    this.#due = new Float64Array(size);
    this.#entries = [];
    this.#owners = [];
    for (let place = 0; place < this.#used; place++) {
      const [entry, owner] = [entries[place], owners[place]];
      if (entry === undefined || owner === undefined) continue;
      const at = to(place);
      const [row, old] = [at * columns, place * columns];
      for (const column of [next, before, ownNext, ownBefore]) this.#table[row + column] = to(table[old + column] as number);
      for (const column of [slot, order]) this.#table[row + column] = table[old + column] as number;
      this.#due[at] = due[place] as number;
      this.#entries[at] = entry;
      this.#owners[at] = owner;
      if ((table[old + ownBefore] as number) < 0) owner.first = at;
      entry.place = at;
    }
    for (let which = 0; which <= never; which++) this.#first[which] = to(this.#first[which] as number);
    for (let at = 0; at < this.#heap.length; at++) this.#heap[at] = to(this.#heap[at] as number);
    this.#free = -1;
    this.#used = used;
  }
}

function lowest(filled: number): number {
  return 31 - Math.clz32(filled & -filled);
}
