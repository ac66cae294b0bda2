/** One key of a gate: how many permits are out, who waits, and what keeps the next from being granted. */
import type { Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import { Budget } from './budget.js';
import type { WaitingClaim } from './claim.js';
import { Due } from './due.js';
import type { LanePolicy } from './options.js';
import type { CallReport, KeyStatus } from './permit.js';
import type { PermitTable } from './permits.js';
import { Ring } from './ring.js';
import { keepShape } from './shapes.js';

/** When the wait of the first in a queue is over, or of one who was. */
class Patience implements Deadline {
  readonly #lane: Lane;
  dueAt = 0;
  place = -1;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  expired(): void {
    this.#lane.lostPatience();
  }
}

export class Lane implements Deadline {
  readonly table: PermitTable;
  readonly key: string;
  readonly policy: LanePolicy;
  readonly budget: Budget | null;
  /** Permits that there are; null is no limit. The chart's word. */
  level: number | null;
  held = 0;
  /** Those are fresh that began to wait in this turn, and are not among the deadlines yet. */
  readonly #queue = new Ring();
  #hasFresh = false;
  /** Counts the decreases: a 429 of a call that was granted before the last one says nothing new. */
  epoch = 0;
  /** Calls of this epoch that have succeeded since the level was changed. */
  successes = 0;
  /** Nothing is granted before, monotonic ms. */
  pausedUntil = 0;
  // A deadline: when the pause or the budget lets the next one pass.
  dueAt = 0;
  place = -1;
  readonly #deadlines: DeadlineQueue;
  /** For whoever is first, and not among the deadlines itself. Never later than that, and earlier where another was first when it was set. */
  readonly #patience: Patience = new Patience(this);
  /** Until when that of those waits who waits longest, of all since the queue was empty, and is not among the deadlines, monotonic ms. */
  #longest = -Infinity;

  constructor(table: PermitTable, key: string, policy: LanePolicy, level: number | null, deadlines: DeadlineQueue) {
    this.table = table;
    this.#deadlines = deadlines;
    this.key = key;
    this.policy = policy;
    this.level = level;
    this.budget = policy.rate === null ? null : new Budget(policy.rate);
  }

  expired(): void {
    this.table.wake(this);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Who waits, and comes next. */
  get first(): WaitingClaim | null {
    return this.#queue.first;
  }

  get hasPermit(): boolean {
    return this.level === null || this.held < this.level;
  }

  /** How long until the pause and the budget let a call with that many tokens pass, ms. `now` is asked only where one of them may not. */
  waitMs(tokens: number, now: () => number): number {
    if (this.pausedUntil === 0 && this.budget === null) return 0;
    const at = now();
    if (this.pausedUntil <= at) this.pausedUntil = 0;
    return Math.max(this.pausedUntil === 0 ? 0 : this.pausedUntil - at, this.budget?.waitMs(tokens, at) ?? 0);
  }

  /** Nothing is granted before that time. @returns whether it is later than what was known */
  pause(until: number): boolean {
    if (until <= this.pausedUntil) return false;
    this.pausedUntil = until;
    return true;
  }

  /** What came of a call that was granted in that epoch. @returns what the chart has to know */
  learn(epoch: number, outcome: CallReport['outcome']): 'key.rateLimited' | 'key.succeeded' | null {
    if (this.policy.adaptive === null || epoch !== this.epoch) return null;
    if (outcome === 'rateLimited') {
      this.epoch++;
      this.successes = 0;
      return 'key.rateLimited';
    }
    if (outcome !== 'ok' || ++this.successes < (this.level ?? Infinity)) return null;
    this.successes = 0;
    return 'key.succeeded';
  }

  status(now: number): KeyStatus {
    const { held, waiting, level, pausedUntil, budget } = this;
    return { held, waiting, permits: level ?? 'unlimited', pauseMs: Math.max(0, pausedUntil - now), used: budget?.used(now) ?? null };
  }

  /** Does nobody use it, and would a new one be the same? Its level may differ: that is the chart's to remember. */
  isIdle(now: number): boolean {
    return this.held === 0 && this.waiting === 0 && this.pausedUntil <= now && (this.budget?.used(now).requests ?? 0) === 0;
  }

  /** Would a call that asks for nothing but a permit have one at once, whatever time it is? */
  get isFree(): boolean {
    return this.#queue.size === 0 && this.pausedUntil === 0 && this.budget === null && this.policy.adaptive === null && this.hasPermit;
  }

  /**
   * Puts a claim at the end of the queue.
   * @returns is it the first of this turn? Then {@link watch} must be called when that is over
   */
  push(claim: WaitingClaim): boolean {
    this.#queue.push(claim);
    const hadFresh = this.#hasFresh;
    this.#hasFresh = true;
    return !hadFresh;
  }

  /**
   * The turn is over: looks after those who began to wait in it. Only whoever waits less long than somebody ahead of him is among the deadlines himself. Of the
   * others none is over before whoever is ahead, so one deadline is enough, for the first; it stays where it is while they are granted.
   */
  watch(): void {
    this.#hasFresh = false;
    this.#queue.takeFresh(this.#watch);
    this.#watchFirst();
  }

  readonly #watch = (claim: WaitingClaim): void => {
    const { waitsUntil } = claim;
    if (waitsUntil >= this.#longest) {
      this.#longest = waitsUntil;
      return;
    }
    claim.due = new Due(claim, claim.moment.beganAt, waitsUntil);
    this.#deadlines.addAt(claim.due, waitsUntil);
  };

  #watchFirst(): void {
    const { first } = this;
    if (first === null || first.due !== null || this.#queue.isFresh(first)) return;
    const { dueAt, place } = this.#patience;
    const { waitsUntil } = first;
    if (place < 0 || waitsUntil < dueAt) this.#deadlines.addAt(this.#patience, waitsUntil);
  }

  /** It has come for one who was first: is it the first one's that is now? One at a time, so that many that are over at once share the loop with others. */
  lostPatience(): void {
    const { first } = this;
    if (first !== null && first.due === null && first.waitsUntil <= this.#patience.dueAt) this.table.expired(first);
    else this.#watchFirst();
  }

  /** Takes a claim out of the queue. The deadline of the next goes in before its own goes, so that the timer stays. */
  remove(claim: WaitingClaim): void {
    const { due } = claim;
    const wasFirst = claim === this.#queue.first;
    this.#queue.remove(claim);
    if (this.#queue.size === 0) {
      // Nobody waits: nor does a timer.
      this.#deadlines.remove(this.#patience);
      this.#longest = -Infinity;
    } else if (wasFirst) this.#watchFirst();
    if (due === null) return;
    this.#deadlines.remove(due);
    claim.due = null;
  }
}

keepShape(new Lane(null as never, '', { permits: 0, adaptive: null, rate: null, maxWaiting: 0 }, 0, null as never));
