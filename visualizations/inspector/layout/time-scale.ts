/**
 * Where each line of a recording stands on the time bar: in the order of time, with idle gaps compressed, and never two lines on one spot.
 *
 * The way from one line to the next is the time between them, at most {@link idleMs}, and {@link stepMs} more: a burst within one millisecond can be
 * walked through line by line, and a night without news is a short pause. Lines are numbered from 0.
 */

/** Longest pause that is shown at its length, ms. */
export const idleMs = 2_000;
/** What a line takes by itself, ms. */
export const stepMs = 1;

/** A pause that is not shown at its length: before the line `before`. */
export interface Gap {
  readonly before: number;
  readonly ms: number;
}

export class TimeScale {
  #ends = new Float64Array(1024);
  #times = new Float64Array(1024);
  #length = 0;
  #gaps: Gap[] = [];

  get length(): number {
    return this.#length;
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /**
   * The next line.
   * @param at      its time, ms; one that goes back counts as that of the line before
   * @param isNews  false: it tells how things were already, and stands on the spot of the line before
   */
  add(at: number, isNews = true): void {
    if (this.#length === this.#ends.length) this.#grow();
    const index = this.#length++;
    const before = index === 0 ? at : (this.#times[index - 1] ?? at);
    const ms = Math.max(0, at - before);
    if (ms > idleMs) this.#gaps.push({ before: index, ms });
    this.#times[index] = before + ms;
    this.#ends[index] = index === 0 ? 0 : (this.#ends[index - 1] ?? 0) + Math.min(ms, idleMs) + (isNews ? stepMs : 0);
  }

  /** Takes back the oldest lines, as a ring does. The others keep their distances. */
  drop(count: number): void {
    const from = Math.min(count, this.#length);
    const start = this.#ends[from] ?? 0;
    for (let index = from; index < this.#length; index++) this.#ends[index - from] = (this.#ends[index] ?? 0) - start;
    this.#times.copyWithin(0, from, this.#length);
    this.#length -= from;
    this.#gaps = this.#gaps.filter(({ before }) => before > from).map(({ before, ms }) => ({ before: before - from, ms }));
  }

  /** The time of a line, ms. */
  timeOf(index: number): number {
    return this.#times[this.#clamped(index)] ?? 0;
  }

  /** Where a line stands, from 0 to 1. */
  placeOf(index: number): number {
    const whole = this.#ends[this.#length - 1] ?? 0;
    if (this.#length === 0) return 0;
    return whole === 0 ? 1 : (this.#ends[this.#clamped(index)] ?? 0) / whole;
  }

  /** The line nearest to a place from 0 to 1, the last where several stand there; -1 where there is none. */
  lineAt(place: number): number {
    const whole = this.#ends[this.#length - 1] ?? 0;
    const wanted = Math.min(Math.max(place, 0), 1) * whole;
    const after = this.#firstFrom(wanted);
    if (this.#length === 0 || after >= this.#length) return this.#length - 1;
    const before = Math.max(0, after - 1);
    const nearest = wanted - (this.#ends[before] ?? 0) < (this.#ends[after] ?? 0) - wanted ? before : after;
    const end = this.#ends[nearest] ?? 0;
    return firstIndex(this.#length, (index) => (this.#ends[index] ?? 0) > end) - 1;
  }

  /** How many lines stand in each of `count` equal parts of the bar. */
  densities(count: number): number[] {
    const whole = this.#ends[this.#length - 1] ?? 0;
    let before = 0;
    return Array.from({ length: count }, (_, part) => {
      const to = part === count - 1 ? this.#length : this.#firstFrom((whole * (part + 1)) / count);
      const lines = Math.max(0, to - before);
      before = Math.max(before, to);
      return lines;
    });
  }

  /** The first line whose place is at least `wanted`. */
  #firstFrom(wanted: number): number {
    return firstIndex(this.#length, (index) => (this.#ends[index] ?? 0) >= wanted);
  }

  #clamped(index: number): number {
    return Math.min(Math.max(0, index), Math.max(0, this.#length - 1));
  }

  #grow(): void {
    const [ends, times] = [new Float64Array(this.#ends.length * 2), new Float64Array(this.#ends.length * 2)];
    ends.set(this.#ends);
    times.set(this.#times);
    this.#ends = ends;
    this.#times = times;
  }
}

/** The first index below `length` at which something holds, which then holds for all after it; `length` where it never does. */
export function firstIndex(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
