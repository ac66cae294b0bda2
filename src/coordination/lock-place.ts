/**
 * One place in the queue of a lock: its lease, its key, and the wait until it is its turn. It lives as long as its owner wants the lock, and gives its lease
 * back when it ends, however that is.
 */
import type { LockEvent, LockLoss, LockRefusal } from '../../machines/coordination/lock-events.js';
import { holdLease, type LeaseHold } from '../backend/hold.js';
import type { BackendClock, BackendEntry, Refused, Unknown } from '../backend/port.js';
import { over } from '../backend/over.js';
import { lookAhead } from './lock-queue.js';
import type { LockPlan } from './lock-options.js';
import { pause } from './pause.js';

/** What a place tells its chart. */
export type PlaceNews = Exclude<Extract<LockEvent, { type: `place.${string}` }>, { type: 'place.ended' }>;

export class Place {
  readonly #plan: LockPlan;
  readonly #clock: BackendClock;
  readonly #tell: (news: PlaceNews) => void;
  /** Aborts when nobody wants it any more. */
  readonly #over = new AbortController();
  /** Settles when nothing of it is under way that could take a lease. */
  #isTaken: Promise<void> = Promise.resolve();
  #hold: LeaseHold | null = null;
  #reachedAt: number | null = null;
  #isLeaving = false;

  constructor(plan: LockPlan, clock: BackendClock, tell: (news: PlaceNews) => void) {
    this.#plan = plan;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The lease, once it is its turn. */
  get hold(): LeaseHold | null {
    return this.#reachedAt === null ? null : this.#hold;
  }

  /** Stands in the queue until it is its turn. Never rejects but for a fault of the backend. */
  take(): Promise<void> {
    this.#isTaken = this.#take();
    return this.#isTaken;
  }

  /** Gives all of it back, and says so: when the backend has confirmed it, or when the lease must have ended by itself. Twice is once. */
  async leave(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const heldMs = this.#reachedAt === null ? 0 : this.#clock.now() - this.#reachedAt;
    const endsAt = this.#clock.now() + this.#plan.ttlMs;
    this.#over.abort(over);
    const done = (isConfirmed: boolean): void => this.#tell({ type: 'place.left', isConfirmed, heldMs });
    // A lease whose grant is under way is given up as soon as it is heard of; it has no key.
    await this.#isTaken.catch(() => {});
    const hold = this.#hold;
    if (hold === null) return done(true);
    for (;;) {
      const { outcome } = await hold.release();
      if (outcome === 'ok') return done(true);
      if (this.#clock.now() + this.#plan.retryMs >= endsAt) return done(false);
      await pause(this.#clock, this.#plan.retryMs);
    }
  }

  /** Its actor ends: nobody hears of it any more, and the lease is given back in passing. */
  end(): void {
    this.#over.abort(over);
    if (!this.#isLeaving) void this.#hold?.release();
    this.#isLeaving = true;
  }

  async #take(): Promise<void> {
    const askedAt = this.#clock.now();
    const hold = await this.#lease();
    if (hold === null) return;
    const key = `${this.#plan.prefix}${hold.lease}`;
    const token = await this.#join(hold, key);
    if (token === null || !(await this.#wait(key))) return;
    // A process that stood still between the answer and now may have nothing any more.
    if (!hold.isHeld() || this.#isOver) return;
    this.#reachedAt = this.#clock.now();
    this.#tell({ type: 'place.reached', token, waitedMs: this.#reachedAt - askedAt });
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** A lease, asked for until there is one; null: not wanted any more, or refused for good. A grant that nobody heard of ends by itself. */
  async #lease(): Promise<LeaseHold | null> {
    const { backend, ttlMs, renewEveryMs, marginMs } = this.#plan;
    const { signal } = this.#over;
    while (!this.#isOver) {
      const onLost = ({ reason }: { reason: LockLoss }): void => void this.#lose(reason);
      const granted = await holdLease(backend, { clock: this.#clock, ttlMs, renewEveryMs, marginMs, onLost, signal });
      if (granted.outcome === 'ok') {
        this.#hold = granted.hold;
        if (!this.#isOver) return granted.hold;
        // Its actor may have ended meanwhile.
        if (this.#isLeaving) void granted.hold.release();
        return null;
      }
      if (!(await this.#goesOn(granted))) return null;
    }
    return null;
  }

  /** Its key: the token; null: it has none. The key is named after a lease that no other has, so whoever made it was this one. */
  async #join(hold: LeaseHold, key: string): Promise<number | null> {
    const { backend, permits } = this.#plan;
    while (!this.#isOver) {
      const value = { lease: hold.lease, permits };
      const made = await backend.compareAndSet(key, 0, value, { lease: hold.lease, ...this.#call() });
      if (this.#isOver) return null;
      if (made.outcome === 'ok') return made.revision;
      if (made.outcome === 'gone') return this.#lose('gone');
      if (made.outcome === 'conflict') {
        if (made.entry?.lease === hold.lease) return made.entry.revision;
        return this.#refuse('mismatch');
      }
      if (!(await this.#goesOn(made))) return null;
    }
    return null;
  }

  /** Until so many are before it as may have it beside it. @returns false: it has no turn */
  async #wait(key: string): Promise<boolean> {
    const { backend, prefix, permits, maxWaiters } = this.#plan;
    let before: number | null = null;
    while (!this.#isOver) {
      const look = await lookAhead(backend, { prefix, key, permits, ...this.#call() });
      if (this.#isOver) return false;
      if (look.outcome === 'gone') {
        this.#lose('gone');
        return false;
      }
      if (look.outcome === 'refused') {
        if (await this.#goesOn(look)) continue;
        return false;
      }
      const { ahead, revision, isMixed, isAnothers } = look;
      if (isAnothers) return this.#refuse('mismatch') !== null;
      if (before === null && ahead.length >= permits + maxWaiters) return this.#refuse('full') !== null;
      if (before === null) this.#tell({ type: 'place.joined', ahead: ahead.length });
      else if (ahead.length !== before) this.#tell({ type: 'place.moved', ahead: ahead.length });
      // Who counts otherwise is refused itself, and gone in a moment: nobody has the lock beside it meanwhile, and nobody is refused for it.
      if (ahead.length < permits && !isMixed) return true;
      before = ahead.length;
      await this.#watch(ahead, revision + 1);
    }
    return false;
  }

  /**
   * Until it is worth looking again. In a lock everybody watches the one before it, so that an end wakes one; in a semaphore anybody's end may give the turn,
   * so all of them are watched.
   */
  async #watch(ahead: readonly BackendEntry[], from: number): Promise<void> {
    const { backend, prefix, permits } = this.#plan;
    const last = ahead.at(-1)?.key ?? prefix;
    const watched = new Set(permits === 1 ? [last] : ahead.map(({ key }) => key));
    const begun = await backend.watch(permits === 1 ? last : prefix, { from, ...this.#call() });
    if (begun.outcome !== 'ok') {
      // What is too old, or of a backend that began anew, a look tells; one that cannot be asked is asked again.
      if (begun.outcome === 'refused') await pause(this.#clock, this.#plan.retryMs, this.#over.signal);
      return;
    }
    const { watch } = begun;
    try {
      while (!this.#isOver) {
        const heard = await watch.next(this.#call());
        if (heard.outcome === 'quiet') continue;
        if (heard.outcome !== 'changes') return;
        if (heard.changes.some(({ type, key }) => type === 'deleted' && watched.has(key))) return;
      }
    } finally {
      watch.close();
    }
  }

  /** How long each call may take; a few fit into a lease. */
  #call(): { readonly signal: AbortSignal; readonly withinMs: number } {
    return { signal: this.#over.signal, withinMs: Math.max(1, this.#plan.ttlMs / 4) };
  }

  /** After an answer that says nothing for good there is another try, a little later. */
  async #goesOn(answer: Refused | Unknown): Promise<boolean> {
    if (this.#isOver) return false;
    if (answer.outcome === 'refused') {
      const { reason } = answer;
      if (reason === 'closed') return this.#refuse('closed') !== null;
      if (reason === 'full' || reason === 'tooLarge') return this.#refuse('full') !== null;
    }
    await pause(this.#clock, this.#plan.retryMs, this.#over.signal);
    return !this.#isOver;
  }

  #refuse(reason: LockRefusal): null {
    if (!this.#isOver) {
      this.#over.abort(over);
      this.#tell({ type: 'place.refused', reason });
    }
    return null;
  }

  /** Told once, by whoever knows it first: its own clock, or the backend. */
  #lose(reason: LockLoss): null {
    if (!this.#isOver) {
      this.#over.abort(over);
      this.#tell({ type: 'place.lost', reason });
    }
    return null;
  }
}
