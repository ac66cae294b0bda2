/**
 * A lease in the hands of whoever has it: renewed, and given up in time.
 *
 * The holder never asks whether it has it still: the answer could be over when it is heard. It counts for itself, by its own monotonic clock, from before each
 * grant and renewal that was done. So it stops before the backend lets anybody else, however late its answers come, and a process that was paused sees that its
 * time is over before it does anything else.
 */
import { isAbortSignal, isObject, shown, sortOf } from '../option-checks.js';
import { invalid, requireClock, requireKeys, requireMs } from './checks.js';
import { over } from './over.js';
import type { Backend, BackendClock, GrantOutcome, RevokeOutcome, Unknown } from './port.js';

export interface HoldOptions {
  /** The holder's own: it is not the backend's, unless they are one process. */
  readonly clock: BackendClock;
  readonly ttlMs: number;
  /** The pause between two renewals, ms: less than `ttlMs` without `marginMs`. Default: a third of `ttlMs`. */
  readonly renewEveryMs?: number;
  /** So much before the end it counts as lost, ms: for clocks that do not run alike. Less than `ttlMs`. Default: a tenth of it. */
  readonly marginMs?: number;
  /** Told once, when it is lost; not where it is released. It must not throw. */
  readonly onLost?: (loss: LeaseLoss) => void;
  /** Told of each renewal that was done: until when it is held, monotonic ms of `clock`. It must not throw. */
  readonly onRenewed?: (until: number) => void;
  /** Of the grant. Default: none. */
  readonly signal?: AbortSignal;
}

/** `expired`: no renewal was heard of in time; `gone`: the backend says so; `closed`: the backend was closed. */
export interface LeaseLoss {
  readonly lease: string;
  readonly reason: 'expired' | 'gone' | 'closed';
  /** When the holder knew, monotonic ms. */
  readonly at: number;
}

export type HoldOutcome = { readonly outcome: 'ok'; readonly hold: LeaseHold } | Exclude<GrantOutcome, { readonly outcome: 'ok' }>;

/** Where leases come from. */
export type LeaseBackend = Pick<Backend, 'grant' | 'renew' | 'revoke'>;

/** How a lease is held, with the defaults filled in. */
export interface HoldPlan extends Required<Pick<HoldOptions, 'ttlMs' | 'renewEveryMs' | 'marginMs' | 'onLost' | 'onRenewed'>> {}

/** @throws EspalierError `backend/invalid-options` */
export function planHold(options: Omit<HoldOptions, 'clock'>): HoldPlan {
  requireKeys('the options of a lease', options, ['ttlMs', 'renewEveryMs', 'marginMs', 'onLost', 'onRenewed', 'signal']);
  const { ttlMs, renewEveryMs = ttlMs / 3, marginMs = ttlMs / 10, onLost = () => {}, onRenewed = () => {}, signal } = options;
  requireMs('ttlMs', ttlMs);
  const isWithin = (value: unknown, least: number): boolean => typeof value === 'number' && value >= least && value < ttlMs;
  if (!isWithin(renewEveryMs, Number.MIN_VALUE)) throw invalid('renewEveryMs', 'ms, more than 0 and less than ttlMs', shown(renewEveryMs));
  if (!isWithin(marginMs, 0)) throw invalid('marginMs', 'ms, at least 0 and less than ttlMs', shown(marginMs));
  // It would be over before its first renewal, again and again.
  if (!(renewEveryMs < ttlMs - marginMs)) throw invalid('renewEveryMs', 'ms, less than is left of ttlMs without marginMs', shown(renewEveryMs));
  for (const [name, value] of Object.entries({ onLost, onRenewed }))
    if (typeof value !== 'function') throw invalid(name, 'a function', sortOf(value));
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', sortOf(signal));
  return { ttlMs, renewEveryMs, marginMs, onLost, onRenewed };
}

/**
 * Asks for a lease, and holds it until it is released or lost. Whoever calls owns it, and releases it when it ends.
 * @throws EspalierError `backend/invalid-options`, as rejection
 */
export async function holdLease(backend: LeaseBackend, options: HoldOptions): Promise<HoldOutcome> {
  if (!isObject(options)) throw invalid('the options of a lease', 'a plain object', sortOf(options));
  const { clock, ...rest } = options;
  requireClock(clock);
  const plan = planHold(rest);
  const { ttlMs, marginMs } = plan;
  const askedAt = clock.now();
  const granted = await backend.grant(ttlMs, { withinMs: ttlMs, ...(rest.signal === undefined ? {} : { signal: rest.signal }) });
  if (granted.outcome !== 'ok') return granted;
  // Its answer came so late that it would be lost at once.
  if (clock.now() >= askedAt + ttlMs - marginMs) {
    void answered(() => backend.revoke(granted.lease, { withinMs: ttlMs }));
    return { outcome: 'refused', reason: 'late' };
  }
  return { outcome: 'ok', hold: new LeaseHold(backend, clock, granted.lease, plan, askedAt) };
}

/** Misuse that only a call can find, such as a handle of what is no backend any more, is like any answer that does not come: nobody waits for this one. */
async function answered<Outcome>(ask: () => Promise<Outcome>): Promise<Outcome | Unknown> {
  try {
    return await ask();
  } catch {
    return { outcome: 'unknown', reason: 'lost' };
  }
}

/** A lease that is held, until it is not. */
export class LeaseHold {
  /** For what is bound to it. */
  readonly lease: string;
  readonly #backend: LeaseBackend;
  readonly #clock: BackendClock;
  readonly #plan: HoldPlan;
  readonly #over = new AbortController();
  #until: number;
  #deadline: unknown;
  #renewal: unknown;

  /** Made by {@link holdLease}. @param askedAt  before the grant, monotonic ms */
  constructor(backend: LeaseBackend, clock: BackendClock, lease: string, plan: HoldPlan, askedAt: number) {
    this.lease = lease;
    this.#backend = backend;
    this.#clock = clock;
    this.#plan = plan;
    this.#until = askedAt + plan.ttlMs - plan.marginMs;
    this.#wait(plan.renewEveryMs);
  }

  /** Until when it is held for certain, monotonic ms; it moves on with each renewal. */
  get until(): number {
    return this.#until;
  }

  /** Aborts when it is lost or released: for what may only go on while it is held. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Is it held for certain? Told by the clock, not by a timer that may be late: a process that was paused hears no. */
  isHeld(): boolean {
    if (this.#over.signal.aborted) return false;
    if (this.#clock.now() < this.#until) return true;
    this.#lose('expired');
    return false;
  }

  /** Gives it up, and all that is bound to it, now. It is not held any more, whatever the answer says. Twice asks twice, and harms nothing. Never rejects. */
  release(): Promise<RevokeOutcome> {
    this.#stop();
    return answered(() => this.#backend.revoke(this.lease, { withinMs: this.#plan.ttlMs }));
  }

  #wait(renewInMs: number): void {
    const clock = this.#clock;
    if (this.#deadline !== undefined) clock.clearTimeout(this.#deadline);
    this.#deadline = clock.setTimeout(() => this.#check(), Math.max(0, this.#until - clock.now()));
    this.#renewal = clock.setTimeout(() => void this.#renew(), renewInMs);
  }

  /** A timer of the runtime may be a moment early. */
  #check(): void {
    const clock = this.#clock;
    if (this.isHeld()) this.#deadline = clock.setTimeout(() => this.#check(), Math.max(1, this.#until - clock.now()));
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    if (!this.isHeld()) return;
    const { ttlMs, marginMs, renewEveryMs, onRenewed } = this.#plan;
    const askedAt = this.#clock.now();
    const answer = await answered(() => this.#backend.renew(this.lease, { signal: this.signal, withinMs: Math.max(1, renewEveryMs) }));
    if (this.signal.aborted) return;
    if (answer.outcome === 'gone') return this.#lose('gone');
    if (answer.outcome === 'refused' && answer.reason === 'closed') return this.#lose('closed');
    if (answer.outcome === 'ok') this.#until = Math.max(this.#until, askedAt + ttlMs - marginMs);
    if (!this.isHeld()) return;
    if (answer.outcome === 'ok') onRenewed(this.#until);
    if (this.signal.aborted) return;
    // Where nobody knows whether it was renewed there is time for a few more tries.
    this.#wait(answer.outcome === 'ok' ? renewEveryMs : renewEveryMs / 4);
  }

  #lose(reason: LeaseLoss['reason']): void {
    if (this.#over.signal.aborted) return;
    this.#stop();
    this.#plan.onLost({ lease: this.lease, reason, at: this.#clock.now() });
    // Nobody needs it any more; whoever waits for what is bound to it need not wait for its end.
    if (reason === 'expired') void answered(() => this.#backend.revoke(this.lease, { withinMs: this.#plan.ttlMs }));
  }

  #stop(): void {
    for (const timer of [this.#deadline, this.#renewal]) if (timer !== undefined) this.#clock.clearTimeout(timer);
    this.#over.abort(over);
  }
}
