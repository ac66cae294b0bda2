/** One acquisition from its wait to its return: first it waits, then it is the permit. */
import type { Loss } from '../../machines/gate/gate-events.js';
import type { Deadline } from '../supervision/deadlines.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import { isUnstarted } from '../supervision/xstate-internals.js';
import type { Slice } from './budget.js';
import type { Lane } from './lane.js';
import { isOver, type Owned, type Owner } from './owners.js';
import type { AcquireOutcome, AttemptReport, CallReport, Permit, Refusal, ReleaseOutcome } from './permit.js';
import { requireReport } from './requests.js';

/** Whoever is told of a claim by calls. None of them is the app's: they may come in the midst of a change. */
export interface ClaimRun {
  granted(claim: Claim): void;
  refused(refusal: Refusal): void;
  lost(claim: Claim): void;
}

/** A wait, and then a permit. Its fields are the table's; apps see {@link Permit}. */
export class Claim implements Permit, Deadline, Owned {
  readonly lane: Lane;
  readonly tokens: number;
  /** Null: no lease. */
  leaseMs: number | null;
  state: 'new' | 'waiting' | 'held' | 'ended' = 'new';
  end: 'released' | Loss | null = null;
  /** Monotonic ms of the beginning of the wait, then of the lease; only where there is one. */
  since = 0;
  waitedMs = 0;
  /** Which of the lane's periods between two decreases it was granted in. */
  epoch = 0;
  holder: Owner | null = null;
  /** Its holder had not been started, and so it has a lease until that is seen to run. */
  isStarting = false;
  signal: Owner | null = null;
  /** Was it told of an attempt that is followed by another? Then the call was made, whatever becomes of the rest. */
  hasGoneOut = false;
  /** Where its tokens are noted, and how many of them. */
  slice: Slice | null = null;
  noted = 0;
  /** The attempt that it was said to make next: where its request is noted, and when it goes out, monotonic ms; `Infinity` where nobody said. */
  next: { readonly slice: Slice; readonly at: number } | null = null;
  // The queue's.
  before: Claim | null = null;
  after: Claim | null = null;
  settled: ((outcome: AcquireOutcome) => void) | null = null;
  /** The run that it is of, where it is of one: told instead, and for less than a promise and a signal cost. */
  run: ClaimRun | null = null;
  // The deadline's.
  dueAt = 0;
  place = -1;
  #lost: AbortController | null = null;

  constructor(lane: Lane, tokens: number, leaseMs: number | null) {
    this.lane = lane;
    this.tokens = tokens;
    this.leaseMs = leaseMs;
  }

  get key(): string {
    return this.lane.key;
  }

  get isHeld(): boolean {
    return this.state === 'held' && !this.lane.table.isOver;
  }

  get ended(): 'released' | Loss | null {
    return this.state === 'held' && this.lane.table.isOver ? 'closed' : this.end;
  }

  get lost(): AbortSignal {
    if (this.#lost === null) {
      this.#lost = new AbortController();
      guardedSignal(this.#lost.signal, (error) => printFault('an abort listener of a permit', error));
      if (!this.isHeld && this.ended !== 'released') this.#lost.abort(this.ended);
    }
    return this.#lost.signal;
  }

  release(report?: CallReport): ReleaseOutcome {
    if (report !== undefined) requireReport(report);
    return this.lane.table.release(this, report);
  }

  again(report: AttemptReport): boolean {
    return this.lane.table.again(this, report);
  }

  settle(usage: { readonly tokensUsed: number }): boolean {
    return this.lane.table.settle(this, usage);
  }

  renew(leaseMs?: number): boolean {
    return this.lane.table.renew(this, leaseMs);
  }

  [Symbol.dispose](): void {
    if (this.isHeld) this.lane.table.release(this);
  }

  /** The wait is over. */
  granted(): void {
    if (this.run === null) this.settled?.({ ok: true, permit: this });
    else this.run.granted(this);
  }

  /** The wait was in vain. */
  refused(refusal: Refusal): void {
    if (this.run === null) this.settled?.(refusal);
    else this.run.refused(refusal);
  }

  /** Does anybody want to hear of its loss? */
  get isHeardOf(): boolean {
    return this.run !== null || this.#lost !== null;
  }

  /** It is lost: whoever listens hears why. */
  abort(why: Loss): void {
    this.run?.lost(this);
    this.#lost?.abort(why);
  }

  /** Was its holder started since? Then its end will be told, and the lease is over. */
  get isWatchedByNow(): boolean {
    const subject = this.isStarting ? this.holder?.subject : undefined;
    return subject !== undefined && !('aborted' in subject) && !isUnstarted(subject) && !isOver(subject);
  }

  /** Corrects what is noted of it: `tokens` altogether, and requests by so many. */
  note(tokens: number, requests: number, now: () => number): void {
    if (this.slice === null) return;
    this.lane.budget?.correct(this.slice, requests, tokens - this.noted, now());
    this.noted = tokens;
  }

  /** Its next attempt goes out then, monotonic ms: its place in the window is taken from now on. One before it has gone out by now. */
  goesOut(at: number, now: number): void {
    const { budget } = this.lane;
    if (budget === null) return;
    this.goesOutNoMore(true, () => now);
    this.next = { slice: budget.take(0, at), at };
  }

  /** No more attempts will go out than have by now. @param isOut  has the next one? Where not, it has no place in the window any more */
  goesOutNoMore(isOut: boolean, now: () => number): void {
    const { next } = this;
    if (next === null) return;
    this.next = null;
    const at = now();
    if (next.at <= at) return;
    this.lane.budget?.correct(next.slice, -1, 0, at);
    // Where nobody has said when it would go out, nobody knows that it has not.
    if (isOut || next.at === Infinity) this.lane.budget?.take(0, at);
  }

  expired(): void {
    this.lane.table.expired(this);
  }

  ownerEnded(owner: Owner): void {
    this.lane.table.ownerEnded(this, owner);
  }
}
