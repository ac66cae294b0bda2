/**
 * Requests and tokens within a sliding window.
 *
 * A sliding window, and not a bucket that refills: a bucket lets a full quota go out at once and another while it refills, nearly twice the quota
 * within one window, and a service that counts by the minute answers that with 429. Whoever never exceeds the quota in *any* window of that length is
 * within it however the service cuts its own.
 *
 * What was taken is kept in at most 61 slices, so memory does not grow with the requests. A slice leaves when its last entry does: up to a sixtieth of
 * the window late, never early.
 */

/** How much of each may be taken within `windowMs`; `Infinity` is no limit. */
export interface RatePolicy {
  readonly requests: number;
  readonly tokens: number;
  readonly windowMs: number;
}

/** What was taken at about one time. */
export interface Slice {
  readonly from: number;
  /** When its last entry was taken, monotonic ms. */
  lastAt: number;
  requests: number;
  tokens: number;
}

const slices = 60;

/** The window of one key. Times are monotonic ms, and never go back. */
export class Budget {
  readonly #policy: RatePolicy;
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

  /** How long until one request with that many tokens fits, ms; 0 when it does. Of one that is too large: until the window is empty. */
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

  /** Takes one request with that many tokens. @returns where it is noted */
  take(tokens: number, now: number): Slice {
    const widthMs = this.#policy.windowMs / slices;
    let slice = this.#slices.at(-1);
    if (slice === undefined || now - slice.from >= widthMs) {
      slice = { from: now, lastAt: now, requests: 0, tokens: 0 };
      this.#slices.push(slice);
    }
    slice.lastAt = now;
    this.#add(slice, 1, tokens);
    return slice;
  }

  /**
   * Corrects what was taken: in the slice where it is noted, or, where that has left the window, not at all for what is given back, and now for what is
   * added, since the service has counted it at some time since.
   */
  correct(slice: Slice, requests: number, tokens: number, now: number): void {
    this.#forget(now);
    if (this.#slices.includes(slice)) this.#add(slice, requests, tokens);
    else if (tokens > 0) {
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
