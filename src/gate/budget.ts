/**
 * Requests and tokens within a sliding window.
 *
 * A sliding window, and not a bucket that refills: a bucket lets a full quota go out at once and another while it refills, nearly twice the quota
 * within one window, and a service that counts by the minute answers that with 429. Whoever never exceeds the quota in *any* window of that length is
 * within it however the service cuts its own.
 *
 * What was taken is kept by sixtieths of the window, so memory does not grow with the requests. A slice leaves when its last entry does: up to a sixtieth
 * of the window late, never early.
 *
 * A request that is still to come keeps its place until it goes out, and from then on for a window: who is granted meanwhile might be within one with it.
 */

/** How much of each may be taken within `windowMs`; `Infinity` is no limit. */
export interface RatePolicy {
  readonly requests: number;
  readonly tokens: number;
  readonly windowMs: number;
}

/** What was taken, or will go out, at about one time. */
export interface Slice {
  /** Which sixtieth of a window since the beginning of time; `Infinity` for what nobody knows the time of. */
  readonly number: number;
  /** The time of its last entry, monotonic ms. */
  lastAt: number;
  requests: number;
  tokens: number;
}

const slices = 60;

/** The window of one key. Times are monotonic ms, and never go back. */
export class Budget {
  readonly #policy: RatePolicy;
  /** The earliest first. */
  readonly #slices: Slice[] = [];
  #requests = 0;
  #tokens = 0;

  constructor(policy: RatePolicy) {
    this.#policy = policy;
  }

  /** Could that many tokens never be had, however long one waits? */
  isTooLarge(tokens: number): boolean {
    return tokens > this.#policy.tokens;
  }

  /** What is taken of the present window. */
  used(now: number): { readonly requests: number; readonly tokens: number } {
    this.#forget(now);
    return { requests: this.#requests, tokens: this.#tokens };
  }

  /**
   * How long until one request with that many tokens fits, ms; 0 when it does. Of one that is too large: until the window is empty. `Infinity` where those
   * are in the way of which nobody knows when they will go out.
   */
  waitMs(tokens: number, now: number): number {
    this.#forget(now);
    let [requests, taken] = [this.#requests, this.#tokens];
    const fits = (): boolean => requests + 1 <= this.#policy.requests && taken + tokens <= this.#policy.tokens;
    let leavesAt = now;
    for (const slice of this.#slices) {
      if (fits()) break;
      requests -= slice.requests;
      taken -= slice.tokens;
      leavesAt = slice.lastAt + this.#policy.windowMs;
    }
    return leavesAt - now;
  }

  /** Takes one request with that many tokens, which goes out then: now, later, or, at `Infinity`, nobody knows when. @returns where it is noted */
  take(tokens: number, at: number): Slice {
    const number = Math.floor((at * slices) / this.#policy.windowMs);
    const before = this.#slices.findLastIndex((each) => each.number <= number);
    let slice = this.#slices[before];
    if (slice?.number !== number) {
      slice = { number, lastAt: at, requests: 0, tokens: 0 };
      this.#slices.splice(before + 1, 0, slice);
    }
    slice.lastAt = Math.max(slice.lastAt, at);
    this.#add(slice, 1, tokens);
    return slice;
  }

  /**
   * Corrects what was taken: in the slice where it is noted, or, where that has left the window, not at all for what is given back, and now for what is
   * added, since the service has counted it at some time since.
   */
  correct(slice: Slice, requests: number, tokens: number, now: number): void {
    this.#forget(now);
    const place = this.#slices.indexOf(slice);
    if (place >= 0) {
      this.#add(slice, requests, tokens);
      if (slice.requests === 0 && slice.tokens === 0) this.#slices.splice(place, 1);
    } else if (tokens > 0) {
      const late = this.take(tokens, now);
      this.#add(late, -1, 0);
    }
  }

  #add(slice: Slice, requests: number, tokens: number): void {
    slice.requests += requests;
    slice.tokens += tokens;
    this.#requests += requests;
    this.#tokens += tokens;
  }

  #forget(now: number): void {
    const { windowMs } = this.#policy;
    let gone = 0;
    for (let slice = this.#slices[0]; slice !== undefined && slice.lastAt + windowMs <= now; slice = this.#slices[++gone]) {
      this.#requests -= slice.requests;
      this.#tokens -= slice.tokens;
    }
    if (gone > 0) this.#slices.splice(0, gone);
  }
}
