/**
 * One arrival at a barrier: its lease, its key among those who wait, and the wait until a generation opens with it. It lives as long as somebody waits, and gives
 * its lease back when it ends, however that is.
 */
import type { BarrierEvent, BarrierLoss, BarrierRefusal } from '../../machines/coordination/barrier-events.js';
import { holdLease, type LeaseHold } from '../backend/hold.js';
import type { BackendChange, BackendClock, Refused, Unknown } from '../backend/port.js';
import type { BarrierPlan } from './barrier-options.js';
import { type Arrival, type BarrierLook, countedBy, type Due, lookAt, opened, type Opening } from './barrier-record.js';
import { partiesOf, recordOf, renewed, standingOf } from './barrier-record.js';
import { pause } from './pause.js';

/** What a place tells its chart. */
export type BarrierPlaceNews = Exclude<Extract<BarrierEvent, { type: `place.${string}` }>, { type: 'place.ended' }>;

export class BarrierPlace {
  readonly #plan: BarrierPlan;
  readonly #clock: BackendClock;
  readonly #tell: (news: BarrierPlaceNews) => void;
  /** Aborts when it waits no more. */
  readonly #over = new AbortController();
  /** Settles when nothing of the wait is under way. */
  #isTaken: Promise<void> = Promise.resolve();
  #askedAt = 0;
  #hold: LeaseHold | null = null;
  /** A revision from before its key was made; null: that was never asked for. */
  #since: number | null = null;
  /** Who waits, as far as was seen: the lease, and when its key was made. */
  #seen = new Map<string, number>();
  /** Somebody had left by this revision. */
  #leftAt = 0;
  /** The newest generation that a look has shown. */
  #generation = 0;
  #isLeaving = false;
  #isGivenBack = false;
  #isEnded = false;

  constructor(plan: BarrierPlan, clock: BackendClock, tell: (news: BarrierPlaceNews) => void) {
    this.#plan = plan;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Arrives, and waits until a generation opens with it. Never rejects but for a fault of the backend. */
  take(): Promise<void> {
    this.#askedAt = this.#clock.now();
    this.#isTaken = this.#take();
    return this.#isTaken;
  }

  /**
   * Takes the arrival back, and says what came of it: that a generation counts it, that none does nor will, or that nobody knows, where the backend could not be
   * asked for the time of a lease. Twice is once.
   */
  async withdraw(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#over.abort();
    const endsAt = this.#clock.now() + this.#plan.ttlMs;
    // A lease whose grant is under way is given up as soon as it is heard of.
    await this.#isTaken.catch(() => {});
    const hold = this.#hold;
    const since = this.#since;
    // Without a key nobody can count it.
    if (hold === null || since === null) return this.#tell({ type: 'place.left', isCertain: true });
    const counted = (await this.#isRevoked(hold, endsAt)) ? await this.#settled(hold.lease, since, endsAt) : 'forgotten';
    if (counted !== null && counted !== 'forgotten') return this.#come(counted);
    this.#tell({ type: 'place.left', isCertain: counted === null });
  }

  /** Its actor ends: nobody hears of it any more, and the lease is given back in passing. */
  end(): void {
    this.#isEnded = true;
    this.#over.abort();
    if (!this.#isGivenBack) void this.#hold?.release();
  }

  async #take(): Promise<void> {
    const hold = await this.#lease();
    if (hold === null || !(await this.#join(hold))) return;
    await this.#wait(hold);
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** A lease, asked for until there is one; null: not wanted any more, or refused for good. A grant that nobody heard of ends by itself. */
  async #lease(): Promise<LeaseHold | null> {
    const { backend, ttlMs, renewEveryMs, marginMs } = this.#plan;
    const { signal } = this.#over;
    while (!this.#isOver) {
      const onLost = ({ reason }: { reason: BarrierLoss }): void => void this.#lose(reason);
      const granted = await holdLease(backend, { clock: this.#clock, ttlMs, renewEveryMs, marginMs, onLost, signal });
      if (granted.outcome === 'ok') {
        this.#hold = granted.hold;
        if (!this.#isOver) return granted.hold;
        // Its actor may have ended meanwhile.
        if (this.#isEnded) void granted.hold.release();
        return null;
      }
      if (!(await this.#goesOn(granted))) return null;
    }
    return null;
  }

  /** Its key, named after a lease that no other has: so whoever made it was this one. What stood before is asked first, to know later what cannot count it. */
  async #join({ lease }: LeaseHold): Promise<boolean> {
    const { backend, keys, parties } = this.#plan;
    while (!this.#isOver) {
      const before = this.#since === null ? await backend.get(keys.record, this.#call()) : null;
      if (this.#isOver) return false;
      if (before?.outcome === 'refused') {
        if (await this.#goesOn(before)) continue;
        return false;
      }
      this.#since ??= before?.revision ?? 0;
      const made = await backend.compareAndSet(`${keys.there}${lease}`, 0, { parties }, { lease, ...this.#call() });
      if (this.#isOver) return false;
      if (made.outcome === 'ok') return true;
      if (made.outcome === 'gone') return this.#lose('gone');
      if (made.outcome === 'conflict') return made.entry?.lease === lease || this.#refuse('mismatch');
      if (!(await this.#goesOn(made))) return false;
    }
    return false;
  }

  /** Until a generation counts it, or it cannot wait. */
  async #wait(hold: LeaseHold): Promise<void> {
    const { backend, keys, parties, maxExtras } = this.#plan;
    let isFirst = true;
    while (!this.#isOver) {
      const look = await lookAt(backend, keys, this.#call());
      if (this.#isOver) return;
      if (look.outcome === 'refused') {
        if (await this.#goesOn(look)) continue;
        return;
      }
      if (look.outcome === 'crowded') {
        if (isFirst) return void this.#refuse('extra');
        await this.#pause();
        continue;
      }
      const standing = standingOf(look, { lease: hold.lease, parties, maxExtras, since: this.#since ?? 0 });
      if (standing.is === 'counted') return this.#come(standing.opening);
      if (standing.is === 'gone') return void this.#lose('gone');
      if (standing.is !== 'waiting') return void this.#refuse(standing.is === 'forgotten' ? 'unknown' : standing.is);
      const { others, due } = standing;
      this.#note(look, others);
      const isStale = this.#leftAt > look.recorded;
      // Fewer than before it says only once those who left cannot be counted any more.
      if (isFirst || !isStale) this.#tell({ type: isFirst ? 'place.arrived' : 'place.moved', arrived: others.length });
      isFirst = false;
      if (due !== null || isStale) {
        if (!(await this.#write(hold, look, due))) return;
        continue;
      }
      if (await this.#watch(hold.lease, look.revision + 1)) return;
    }
  }

  #note({ record, recorded, revision }: BarrierLook, others: readonly Arrival[]): void {
    const leases = new Set(others.map(({ lease }) => lease));
    const isMissing = [...this.#seen].some(([lease, created]) => !leases.has(lease) && created > (record?.through ?? 0));
    // Somebody has left whom no generation counts: what was listed before that must not open one.
    if (isMissing) this.#leftAt = Math.max(this.#leftAt, revision);
    this.#seen = new Map(others.map(({ lease, created }) => [lease, created]));
    this.#generation = record?.generation ?? 0;
    // It waits yet, and whoever opens a generation from now on has listed what stands there since the record was written.
    this.#since = Math.max(this.#since ?? 0, recorded - 1);
  }

  /** Opens the generation that is due, or voids what others would open. @returns whether there is more to look at */
  async #write({ lease }: LeaseHold, { record, recorded }: BarrierLook, due: Due | null): Promise<boolean> {
    const { backend, keys } = this.#plan;
    if (record === null) return true;
    const next = due === null ? renewed(record, lease) : opened(record, due, lease);
    const written = await backend.compareAndSet(keys.record, recorded, next, this.#call());
    if (this.#isOver) return false;
    if (written.outcome === 'ok' && due?.opening.members.includes(lease) === true) {
      this.#come(due.opening);
      return false;
    }
    if (written.outcome === 'unknown' || written.outcome === 'refused') return this.#goesOn(written);
    return true;
  }

  /** Until it is worth looking again. @returns true: nobody need look, a generation counts it */
  async #watch(lease: string, from: number): Promise<boolean> {
    const { backend, keys } = this.#plan;
    const begun = await backend.watch(keys.prefix, { from, ...this.#call() });
    if (begun.outcome !== 'ok') {
      // What is too old, or of a backend that began anew, a look tells; one that cannot be asked is asked again.
      if (begun.outcome === 'refused') await this.#pause();
      return false;
    }
    const { watch } = begun;
    try {
      while (!this.#isOver) {
        const heard = await watch.next(this.#call());
        if (heard.outcome === 'quiet') continue;
        if (heard.outcome !== 'changes' || this.#isOver) return false;
        for (const change of heard.changes) {
          const opening = this.#openingIn(change, lease);
          if (opening !== null) {
            this.#come(opening);
            return true;
          }
        }
        if (this.#isNews(heard.changes)) return false;
      }
      return false;
    } finally {
      watch.close();
    }
  }

  #openingIn(change: BackendChange, lease: string): Opening | null {
    if (change.type !== 'set' || change.key !== this.#plan.keys.record) return null;
    const record = recordOf(change.entry);
    const counted = record === null ? null : countedBy(record, lease, this.#since ?? 0);
    return counted === 'forgotten' ? null : counted;
  }

  /** Who comes looks for itself whether it is the last; all others look when somebody leaves or a generation opens. */
  #isNews(changes: readonly BackendChange[]): boolean {
    const { parties, keys } = this.#plan;
    const before = this.#seen.size;
    let isNews = false;
    for (const change of changes) {
      const lease = change.key.slice(keys.there.length);
      if (change.key === keys.record) isNews ||= change.type === 'deleted' || recordOf(change.entry)?.generation !== this.#generation;
      else if (change.type === 'set') {
        if (partiesOf(change.entry) === parties) this.#seen.set(lease, change.entry.created);
      } else if (this.#seen.delete(lease)) {
        this.#leftAt = change.revision;
        isNews = true;
      }
    }
    if (!isNews && this.#seen.size !== before) this.#tell({ type: 'place.moved', arrived: this.#seen.size });
    return isNews;
  }

  /** Has the backend said that its key is gone? */
  async #isRevoked(hold: LeaseHold, endsAt: number): Promise<boolean> {
    for (;;) {
      const revoked = await hold.release();
      this.#isGivenBack = revoked.outcome === 'ok';
      if (this.#isGivenBack) return true;
      if (isClosed(revoked) || !this.#mayAskUntil(endsAt)) return false;
      await pause(this.#clock, this.#plan.retryMs);
    }
  }

  /** Now that its key is gone: who has listed it before may open a generation with it until the record is another. */
  async #settled(lease: string, since: number, endsAt: number): Promise<Opening | null | 'forgotten'> {
    const { backend, keys } = this.#plan;
    const { withinMs } = this.#call();
    let asked: number | null = null;
    for (;;) {
      const there = await backend.get(keys.record, { withinMs });
      if (there.outcome === 'ok') {
        const record = recordOf(there.entry);
        // Where something else stands no generation can open.
        const counted = record === null ? null : countedBy(record, lease, since);
        const revision = there.entry?.revision ?? 0;
        if (record === null || counted !== null || (asked !== null && revision !== asked)) return counted;
        asked = revision;
        const written = await backend.compareAndSet(keys.record, revision, renewed(record, lease), { withinMs });
        if (written.outcome === 'ok') return null;
        if (written.outcome === 'conflict') continue;
      }
      if (isClosed(there) || !this.#mayAskUntil(endsAt)) return 'forgotten';
      await pause(this.#clock, this.#plan.retryMs);
    }
  }

  #mayAskUntil(endsAt: number): boolean {
    return !this.#isEnded && this.#clock.now() + this.#plan.retryMs < endsAt;
  }

  /** How long each call may take; a few fit into a lease. */
  #call(): { readonly signal: AbortSignal; readonly withinMs: number } {
    return { signal: this.#over.signal, withinMs: Math.max(1, this.#plan.ttlMs / 4) };
  }

  #pause(): Promise<void> {
    return pause(this.#clock, this.#plan.retryMs, this.#over.signal);
  }

  /** After an answer that says nothing for good there is another try, a little later. */
  async #goesOn(answer: Refused | Unknown): Promise<boolean> {
    if (this.#isOver) return false;
    if (answer.outcome === 'refused') {
      const { reason } = answer;
      if (isClosed(answer)) return this.#refuse('closed');
      if (reason === 'full' || reason === 'tooLarge') return this.#refuse('full');
    }
    await this.#pause();
    return !this.#isOver;
  }

  #come({ generation, at }: Opening): void {
    this.#over.abort();
    this.#tell({ type: 'place.opened', generation, token: at, waitedMs: this.#clock.now() - this.#askedAt });
  }

  #refuse(reason: BarrierRefusal): false {
    if (!this.#isOver) {
      this.#over.abort();
      this.#tell({ type: 'place.refused', reason });
    }
    return false;
  }

  /** Told once, by whoever knows it first: its own clock, or the backend. */
  #lose(reason: BarrierLoss): false {
    if (!this.#isOver) {
      this.#over.abort();
      this.#tell({ type: 'place.lost', reason });
    }
    return false;
  }
}

/** It never can be asked any more. */
function isClosed(answer: { readonly outcome: string; readonly reason?: string }): boolean {
  return answer.outcome === 'refused' && answer.reason === 'closed';
}
