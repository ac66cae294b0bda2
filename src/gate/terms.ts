/** What there is of a claim beyond its turn: owners, tokens, what is told of it. Most have none of it, and go without. */
import type { Budget, Slice } from './budget.js';
import type { Owner } from './owners.js';

export class Terms {
  tokens = 0;
  /** Null: none; undefined: the gate's. */
  leaseMs: number | null | undefined = undefined;
  /** Which of the lane's periods between two decreases it was granted in. */
  epoch = 0;
  holder: Owner | null = null;
  signal: Owner | null = null;
  /** Its holder had not been started, and so it has a lease until that is seen to run. */
  isStarting = false;
  /** Was it told of an attempt that is followed by another? Then the call was made, whatever becomes of the rest. */
  hasGoneOut = false;
  /** Aborts when the permit is lost; made for whoever looks at it. */
  lost: AbortController | null = null;
  /** Where its tokens are noted, and how many of them. */
  slice: Slice | null = null;
  noted = 0;
  /** The attempt that it was said to make next: where its request is noted, and when it goes out, monotonic ms; `Infinity` where nobody said. */
  next: { readonly slice: Slice; readonly at: number } | null = null;

  /** It is granted: notes when, by the lane's own count and by its window. */
  granted({ budget, epoch }: { readonly budget: Budget | null; readonly epoch: number }, now: () => number): void {
    this.epoch = epoch;
    if (budget === null) return;
    this.slice = budget.take(this.tokens, now());
    this.noted = this.tokens;
  }

  /** Corrects what is noted of it: `tokens` altogether, and requests by so many. */
  note(budget: Budget | null, tokens: number, requests: number, now: () => number): void {
    if (this.slice === null) return;
    budget?.correct(this.slice, requests, tokens - this.noted, now());
    this.noted = tokens;
  }

  /** Its next attempt goes out then, monotonic ms: its place in the window is taken from now on. One before it has gone out by now. */
  goesOut(budget: Budget | null, at: number, now: number): void {
    if (budget === null) return;
    this.goesOutNoMore(budget, true, () => now);
    this.next = { slice: budget.take(0, at), at };
  }

  /** No more attempts will go out than have by now. @param isOut  has the next one? Where not, it has no place in the window any more */
  goesOutNoMore(budget: Budget | null, isOut: boolean, now: () => number): void {
    const { next } = this;
    if (next === null) return;
    this.next = null;
    const at = now();
    if (next.at <= at) return;
    budget?.correct(next.slice, -1, 0, at);
    // Where nobody has said when it would go out, nobody knows that it has not.
    if (isOut || next.at === Infinity) budget?.take(0, at);
  }
}
