/**
 * One acquisition from its wait to its return: first it waits, then it is the permit.
 *
 * There may be many of them, and most are short: so it has what all have, and nothing that could be made when it is needed.
 */
import type { Loss } from '../../machines/gate/gate-events.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import { isUnstarted } from '../supervision/xstate-internals.js';
import type { Due } from './due.js';
import type { Lane } from './lane.js';
import type { Moment } from './moments.js';
import { isOver, type Owned, type Owner } from './owners.js';
import type { AttemptReport, CallReport, EnteredPermit, Refusal, ReleaseOutcome } from './permit.js';
import { requireReport } from './requests.js';
import { keepShape } from './shapes.js';
import { Terms } from './terms.js';

/** Whoever is told of a claim by calls. None of them is the app's: they may come in the midst of a change. */
export interface ClaimRun {
  granted(claim: Claim): void;
  refused(refusal: Refusal): void;
  lost(claim: Claim): void;
}

/** A permit, from the moment it was granted. Its fields are the table's; apps see {@link EnteredPermit}. */
export class Claim implements EnteredPermit, Owned {
  readonly lane: Lane;
  state: 'waiting' | 'held' | 'refused' | 'released' | Loss = 'held';
  /** Of its wait, where it is over before that of somebody ahead of it; and then of its lease, where the turn is over in which that began. */
  due: Due | null = null;
  /** Its place among those that are held, and whose lease began in this turn; -1 where it is none of them. */
  place = -1;
  /** Who waits for it; or the run that it is of, which is told of its loss too, for less than a signal costs. */
  hearer: ((outcome: Claim | Refusal) => void) | ClaimRun | null = null;
  terms: Terms | null = null;

  constructor(lane: Lane) {
    this.lane = lane;
  }

  get ok(): true {
    return true;
  }

  get permit(): this {
    return this;
  }

  get key(): string {
    return this.lane.key;
  }

  get waitedMs(): number {
    return 0;
  }

  get isHeld(): boolean {
    return this.state === 'held' && !this.lane.table.isOver;
  }

  get ended(): 'released' | Loss | null {
    const { state } = this;
    if (state === 'held') return this.lane.table.isOver ? 'closed' : null;
    return state === 'waiting' || state === 'refused' ? null : state;
  }

  get lost(): AbortSignal {
    const terms = this.withTerms();
    if (terms.lost === null) {
      terms.lost = new AbortController();
      guardedSignal(terms.lost.signal, (error) => printFault('an abort listener of a permit', error));
      if (!this.isHeld && this.ended !== 'released') terms.lost.abort(this.ended);
    }
    return terms.lost.signal;
  }

  withTerms(): Terms {
    this.terms ??= new Terms();
    return this.terms;
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
    const { hearer } = this;
    if (typeof hearer !== 'function') {
      hearer?.granted(this);
      return;
    }
    this.hearer = null;
    hearer(this);
  }

  /** The wait was in vain. */
  refused(refusal: Refusal): void {
    const { hearer } = this;
    if (typeof hearer === 'function') hearer(refusal);
    else hearer?.refused(refusal);
  }

  /** Does anybody want to hear of its loss? */
  get isHeardOf(): boolean {
    return this.hearer !== null || (this.terms !== null && this.terms.lost !== null);
  }

  /** It is lost: whoever listens hears why. */
  abort(why: Loss): void {
    const { hearer } = this;
    if (hearer !== null && typeof hearer !== 'function') hearer.lost(this);
    this.terms?.lost?.abort(why);
  }

  /** Was its holder started since? Then its end will be told, and the lease is over. */
  get isWatchedByNow(): boolean {
    const subject = this.terms?.isStarting === true ? this.terms.holder?.subject : undefined;
    return subject !== undefined && !('aborted' in subject) && !isUnstarted(subject) && !isOver(subject);
  }

  ownerEnded(owner: Owner): void {
    this.lane.table.ownerEnded(this, owner);
  }
}

/** One that had to wait first. */
export class WaitingClaim extends Claim {
  /** When the wait began. */
  readonly moment: Moment;
  /** How long it waits at most, ms. */
  readonly waitMs: number;
  /** When it was granted. */
  until: Moment | null = null;
  /** Its place in the queue, which owns this. */
  seat = -1;

  constructor(lane: Lane, moment: Moment, waitMs: number) {
    super(lane);
    this.state = 'waiting';
    this.moment = moment;
    this.waitMs = waitMs;
  }

  override get waitedMs(): number {
    return this.until === null ? 0 : this.until.beganAt - this.moment.beganAt;
  }

  /** When its wait is over, monotonic ms; `Infinity` while its moment lasts. */
  get waitsUntil(): number {
    return this.moment.endedAt + this.waitMs;
  }
}

keepShape(new Claim(null as never));
keepShape(new WaitingClaim(null as never, { beganAt: 0, endedAt: 0 }, 0));
