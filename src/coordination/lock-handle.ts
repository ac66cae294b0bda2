/**
 * What an app holds of a lock: one owner's part in it. Two who are to exclude each other have one each.
 *
 * Nothing throws nor rejects but for misuse and for what the app's own function throws; a call on a lock that has ended is answered, where XState would drop
 * the event.
 */
import type { AnyActorRef } from 'xstate';
import { lockMachine } from '../../machines/coordination/lock.js';
import type { LockEmitted, LockEvent, LockRefusal } from '../../machines/coordination/lock-events.js';
import type { LeaseHold } from '../backend/hold.js';
import { over } from '../backend/over.js';
import type { Backend } from '../backend/port.js';
import { sortOf } from '../option-checks.js';
import type { Clock } from '../supervision/clock.js';
import { onExit } from '../supervision/watch.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { lock as lockLogic, type LockRef, planOf, placeOf } from './lock.js';
import { duration, invalid, type LockOptions, requireOptions, requireSignal } from './lock-options.js';
import type { Place } from './lock-place.js';
import { finder, PartCalls, PartHandle, type PartKind, startedRoot } from './part-handle.js';

type Fact<Type extends LockEmitted['type']> = Extract<LockEmitted, { type: Type }>;

/** How long somebody wants a lock. */
export interface AcquireOptions {
  /** Gives the wish up, also before it begins. */
  readonly signal?: AbortSignal;
  /** How long it waits, ms. Default: the lock's `withinMs`. */
  readonly withinMs?: number;
}

/** A lock that is had, until it is not. */
export interface LockGrip {
  /** The fencing token: higher than that of whoever had it before. For the `fence` of an event store. */
  readonly token: number;
  /** Until when it is had for certain, monotonic ms of the lock's clock; it moves on with each renewal. */
  readonly until: number;
  /** Aborts when it is lost or given back. */
  readonly signal: AbortSignal;
  /** Is it had for certain? To be asked before each step: a process that was paused hears no. */
  isHeld(): boolean;
  /** Gives it back. @returns false where it had been lost or given back already, which harms nobody; answered when the next one may have it */
  release(): Promise<boolean>;
}

/** Whether the lock was had; why not. */
export type AcquireOutcome = { readonly ok: true; readonly grip: LockGrip } | { readonly ok: false; readonly reason: LockRefusal };

/** How a lock stands, here. */
export interface LockStatus {
  readonly state: 'idle' | 'waiting' | 'holding' | 'leaving' | 'ended';
  /** How many are before it in the queue. */
  readonly ahead: number;
  /** How often its owner has it. */
  readonly grips: number;
}

/** One owner's part in a lock, as an app holds it. Disposing of it closes it. */
export interface Lock extends AsyncDisposable {
  /** The lock's actor; undefined while none runs. */
  readonly ref: LockRef | undefined;
  /**
   * Waits until it is this owner's turn. @returns rejects for misuse only
   * @throws EspalierError `lock/invalid-options`, as rejection
   */
  acquire(options?: AcquireOptions): Promise<AcquireOutcome>;
  status(): LockStatus;
  /** Facts of the lock, as it emits them, and of each that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `lock/invalid-options` */
  on<Type extends LockEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Gives back what it has, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a lock that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `lock/invalid-options` for a reference that runs no lock; from each call, for a function that finds one
 */
export function lockHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Lock {
  return new Handle(kind, finder(kind, ref));
}

/**
 * A lock that an app starts by itself, the root of a system of its own. In an app with a tree, {@link lockLogic} is a child of that.
 * @throws EspalierError `lock/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createLock(backend: Backend, options: LockOptions, where: { readonly clock?: Clock } = {}): Lock {
  return new Handle(
    kind,
    startedRoot(kind, 'lock', where, requireOptions, () => lockLogic(backend, options)),
  );
}

const facts: readonly LockEmitted['type'][] = ['lock.queued', 'lock.acquired', 'lock.refused', 'lock.released', 'lock.lost'];
const kind: PartKind = { id: 'lock', machine: lockMachine, planOf, facts, invalid };
const wishes = new PartCalls<Fact<'lock.acquired' | 'lock.refused'>>('w', ['lock.acquired', 'lock.refused']);

class Handle extends PartHandle<LockRef, LockEmitted> implements Lock {
  async acquire(options: AcquireOptions = {}): Promise<AcquireOutcome> {
    requireOptions('the options of a wish', options, ['signal', 'withinMs']);
    const { signal } = options;
    requireSignal(signal);
    const { ref } = this;
    const withinMs = duration('withinMs', options.withinMs, (ref === undefined ? undefined : planOf(ref)?.withinMs) ?? 1);
    if (ref === undefined || hasStopped(ref)) return { ok: false, reason: 'closed' };
    if (signal?.aborted === true) return { ok: false, reason: 'cancelled' };
    return new Promise((resolve) => wish(ref, withinMs, signal, resolve));
  }

  status(): LockStatus {
    const { ref } = this;
    if (ref === undefined || hasStopped(ref)) return { state: 'ended', ahead: 0, grips: 0 };
    const { value, context } = ref.getSnapshot();
    const { ahead, grips } = context;
    if (typeof value === 'string') return { state: value === 'idle' ? 'idle' : 'ended', ahead, grips: grips.length };
    const state = typeof value.busy === 'object' ? 'waiting' : value.busy === 'holding' ? 'holding' : 'leaving';
    return { state, ahead, grips: grips.length };
  }
}

/** One wish, until it is answered: by the chart, or by its end. */
function wish(owner: LockRef, withinMs: number, signal: AbortSignal | undefined, answer: (outcome: AcquireOutcome) => void): void {
  const begin = (ref: string): LockEvent => ({ type: 'lock.acquire', ref, withinMs });
  const cancel = (ref: string): LockEvent => ({ type: 'lock.cancel', ref });
  wishes.open(owner, { begin, cancel, signal }, (fact, ref) => {
    if (fact === null) answer({ ok: false, reason: 'closed' });
    else if (fact.type === 'lock.refused') answer({ ok: false, reason: fact.reason });
    else answer({ ok: true, grip: new Grip(owner, ref, fact.token, placeOf(owner) as Place) });
  });
}

class Grip implements LockGrip {
  readonly token: number;
  readonly #owner: LockRef;
  readonly #ref: string;
  readonly #hold: LeaseHold;
  readonly #over = new AbortController();

  constructor(owner: LockRef, ref: string, token: number, place: Place) {
    this.token = token;
    this.#owner = owner;
    this.#ref = ref;
    this.#hold = place.hold as LeaseHold;
    const { signal } = this.#hold;
    if (signal.aborted) this.#over.abort(over);
    else signal.addEventListener('abort', () => this.#over.abort(over), { once: true });
  }

  get until(): number {
    return this.#hold.until;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  isHeld(): boolean {
    // Asked first, so that what the clock says is known to the signal too.
    const isHeld = this.#hold.isHeld();
    return isHeld && !this.#over.signal.aborted;
  }

  async release(): Promise<boolean> {
    if (!this.isHeld()) return false;
    this.#over.abort(over);
    const owner = this.#owner;
    owner.send({ type: 'lock.release', ref: this.#ref });
    // Where its owner has it still, by another grip, there is nothing to wait for.
    if (owner.getSnapshot().matches({ busy: 'releasing' })) await givenBack(owner);
    return true;
  }
}

function givenBack(owner: LockRef): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const each of heard) each.unsubscribe();
      resolve();
    };
    const heard: { unsubscribe(): unknown }[] = [owner.on('lock.released', done), onExit(owner, done)];
  });
}

/** What `withLock` gives its function. */
export type LockScope = Pick<LockGrip, 'token' | 'signal' | 'isHeld'>;

/** What came of a function under a lock; `lost`: it has returned, but did not have the lock all the time. */
export type WithLockOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: LockRefusal }
  | { readonly ok: false; readonly reason: 'lostMeanwhile'; readonly value: Value };

/**
 * Waits for a lock, calls a function while it is had, and gives it back, whatever the function does.
 * @param fn  given the token, for fences, and a signal that aborts when the lock is lost or the caller's own signal does
 * @returns rejects with what `fn` throws, after the lock is given back; with EspalierError `lock/invalid-options` for misuse
 */
export async function withLock<Value>(
  lock: Lock,
  fn: (scope: LockScope) => Value | PromiseLike<Value>,
  options: AcquireOptions = {},
): Promise<WithLockOutcome<Value>> {
  if (typeof fn !== 'function') throw invalid('fn', 'a function', sortOf(fn));
  const outcome = await lock.acquire(options);
  if (!outcome.ok) return outcome;
  const { grip } = outcome;
  const signal = options.signal === undefined ? grip.signal : AbortSignal.any([grip.signal, options.signal]);
  try {
    const value = await fn({ token: grip.token, signal, isHeld: () => grip.isHeld() });
    return grip.isHeld() ? { ok: true, value } : { ok: false, reason: 'lostMeanwhile', value };
  } finally {
    await grip.release();
  }
}
