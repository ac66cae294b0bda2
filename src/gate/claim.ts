/** One acquisition from its wait to its return: first it waits, then it is the permit. */
import type { Loss } from '../../machines/gate/gate-events.js';
import type { Deadline } from '../supervision/deadlines.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import type { Slice } from './budget.js';
import type { Lane } from './lane.js';
import type { Owned, Owner } from './owners.js';
import type { AcquireOutcome, CallReport, Permit, ReleaseOutcome } from './permit.js';

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
  signal: Owner | null = null;
  /** Where its tokens are noted, and how many of them. */
  slice: Slice | null = null;
  noted = 0;
  // The queue's.
  before: Claim | null = null;
  after: Claim | null = null;
  settled: ((outcome: AcquireOutcome) => void) | null = null;
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
      if (this.isHeld) this.lane.table.listen(this);
      else if (this.ended !== 'released') this.#lost.abort(this.ended);
    }
    return this.#lost.signal;
  }

  release(report?: CallReport): ReleaseOutcome {
    return this.lane.table.release(this, report);
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

  /** It is lost: whoever listens hears why. */
  abort(why: Loss): void {
    this.#lost?.abort(why);
  }

  expired(): void {
    this.lane.table.expired(this);
  }

  ownerEnded(owner: Owner): void {
    this.lane.table.ownerEnded(this, owner);
  }
}
