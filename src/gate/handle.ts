/**
 * What an app holds of a gate.
 *
 * Every promise here has an owner, the gate's actor: when that ends, however it ends, each is settled. None ever rejects but for misuse, and a call on a
 * gate that has ended is answered, where XState would drop the event.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { gateMachine } from '../../machines/gate/gate.js';
import type { GateEmitted } from '../../machines/gate/gate-events.js';
import { isRecord, keysOf } from '../../machines/supervision/option-keys.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { Slices } from '../supervision/slices.js';
import { ended } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { Attempts, type Passable } from './attempts.js';
import { Claim } from './claim.js';
import { gate as gateLogic, type GateRef, tableOf } from './gate.js';
import { type GateOptions, permitsOf } from './options.js';
import type { AcquireOptions, AcquireOutcome, CallReport, EnteredPermit, GateReport, KeyStatus, Permit, Refusal, ReleaseOutcome } from './permit.js';
import type { PermitTable } from './permits.js';
import { isActor, sortOf } from '../option-checks.js';
import { duration, invalid, requireKey, requireOptions } from './refusal.js';
import { requireAcquire, requireEnter } from './requests.js';
import { type CallScope, requireRun, type RunOptions, type RunOutcome } from './run.js';
import { keepShape } from './shapes.js';

/** The facts of a type. */
type Fact<Type extends GateEmitted['type']> = Extract<GateEmitted, { type: Type }>;

/** A gate, as an app holds it. Disposing of it closes the gate. */
export interface Gate extends AsyncDisposable {
  /** The gate's actor; undefined while none runs. */
  readonly ref: GateRef | undefined;
  /**
   * Asks for a permit. One that is free is granted within the call; else it waits its turn, at most `waitMs`.
   * @returns never rejects, but with EspalierError `gate/invalid-options` for misuse, before anything happens
   */
  acquire(options: AcquireOptions): Promise<AcquireOutcome>;
  /**
   * The same for whoever cares what it costs: a permit that is free is given at once, without a promise, and so is a refusal; only who has to wait has one.
   * @returns the permit, with `ok: true`; a promise of it never rejects
   * @throws EspalierError `gate/invalid-options`
   */
  enter(key: string, options?: Omit<AcquireOptions, 'key'>): EnteredPermit | Refusal | Promise<EnteredPermit | Refusal>;
  /** The same without a wait, and without a promise. @throws EspalierError `gate/invalid-options` */
  tryAcquire(options: Omit<AcquireOptions, 'waitMs'>): AcquireOutcome;
  /**
   * Gives a permit back in the name of its holder: with `holder`, only where that holds it. `permit.release()` is for whoever has the permit itself.
   * @throws EspalierError `gate/invalid-options`
   */
  release(permit: Permit, report?: CallReport & { readonly holder?: AnyActorRef }): ReleaseOutcome;
  /**
   * Makes a call behind the gate, and again where it was answered 429 or failed in a way that passes; see {@link RunOptions}.
   * @returns its outcome; rejects for misuse only, before anything starts, or where `classify` or `usage` is at fault
   */
  run<Value>(key: string, fn: (scope: CallScope) => Value | PromiseLike<Value>, options?: RunOptions<Value>): Promise<RunOutcome<Value>>;
  /**
   * Sets how many permits a key has from now on. Where more are held, nothing is granted until there are fewer; 0 shuts the key.
   * @returns false where the gate does not run, or knows the limits of too many keys
   * @throws EspalierError `gate/invalid-options`
   */
  setLimit(key: string, permits: number | 'unlimited'): boolean;
  /** How a key stands; null for one that nobody has used lately. @throws EspalierError `gate/invalid-options` */
  status(key: string): KeyStatus | null;
  /** Facts of the gate, as it emits them, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `gate/invalid-options` */
  on<Type extends GateEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /**
   * Refuses whoever waits and whoever comes, and ends when the last permit is back, at the latest after `deadlineMs` (default: never).
   * @returns what was still held at the end; rejects for misuse only
   */
  drain(options?: { readonly deadlineMs?: number }): Promise<GateReport>;
  /** Ends it at once. @returns what was held and waited. Twice is once. */
  close(): Promise<GateReport>;
}

/**
 * The handle of a gate that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts. What it is asked while
 * no gate runs is refused, `closed`.
 * @throws EspalierError `gate/invalid-options` for a reference that runs no gate
 */
export function gateHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Gate {
  if (typeof ref === 'function') return new Handle(ref);
  if (!isGate(ref)) throw invalid('ref', 'an actor that runs gate()', typeof ref);
  return new Handle(() => ref, ref);
}

/**
 * A gate that an app starts by itself, the root of a system of its own. In an app with a tree, {@link gateLogic} is a child of that.
 * @throws EspalierError `gate/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createGate(options: GateOptions = {}, where: { readonly clock?: Clock } = {}): Gate {
  requireOptions('where the gate runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(gateLogic(options), { clock, id: 'gate' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root, root);
}

function isGate(ref: unknown): ref is GateRef {
  return runsMachine(ref, gateMachine);
}

const factTypes = keysOf<Record<GateEmitted['type'], true>>({
  ...{ 'gate.waited': true, 'gate.refused': true, 'gate.reclaimed': true, 'gate.expired': true, 'gate.paused': true },
  ...{ 'gate.levelChanged': true, 'gate.watchersRestarted': true },
});

const plain: Omit<AcquireOptions, 'key'> = {};

/** What settles the promise that was made last, taken at once: a function of its own for each promise would be a third of its price. */
let resolveLatest: (outcome: EnteredPermit | Refusal) => void;
const keepResolve = (resolve: typeof resolveLatest): void => {
  resolveLatest = resolve;
};

/** Calls that are made within `run`. One that hundreds of others have set off, each within the last, is left to a later turn: the stack has an end. */
const calls = new Slices();

const nothing: GateReport = { held: 0, waiting: 0 };

class Handle implements Gate {
  readonly #find: () => AnyActorRef | undefined;
  readonly #passable: Passable = { table: () => this.#table };
  #runs = 0;
  #last: { readonly ref: AnyActorRef; readonly table: PermitTable } | undefined;

  /** The table of the one gate that this can ever find. */
  readonly #only: PermitTable | undefined;

  /** @param only  the gate, where there will never be another */
  constructor(find: () => AnyActorRef | undefined, only?: AnyActorRef) {
    this.#find = find;
    this.#only = only === undefined ? undefined : tableOf(only);
  }

  get ref(): GateRef | undefined {
    const ref = this.#find();
    if (ref === undefined) return undefined;
    if (!isGate(ref)) throw invalid('ref', 'an actor that runs gate()', typeof ref);
    return ref;
  }

  /** Looked up once for each gate that is found: an acquisition costs little more. */
  get #table(): PermitTable | undefined {
    if (this.#only !== undefined) return this.#only;
    const found = this.#find();
    if (found !== undefined && found === this.#last?.ref) return this.#last.table;
    const { ref } = this;
    const table = ref === undefined ? undefined : tableOf(ref);
    if (ref !== undefined && table !== undefined) this.#last = { ref, table };
    return table;
  }

  acquire(options: AcquireOptions): Promise<AcquireOutcome> {
    try {
      requireAcquire(options);
      const table = this.#table;
      const claim = table?.claim(options.key, options, options.waitMs ?? table.defaultWaitMs) ?? closed(options.key);
      if (!(claim instanceof Claim)) return Promise.resolve(claim);
      if (claim.state === 'held') return Promise.resolve({ ok: true, permit: claim });
      return new Promise((resolve) => (claim.hearer = (heard) => resolve(heard instanceof Claim ? { ok: true, permit: heard } : heard)));
    } catch (misuse) {
      return Promise.reject(misuse instanceof Error ? misuse : new Error(String(misuse)));
    }
  }

  enter(key: string, options?: Omit<AcquireOptions, 'key'>): EnteredPermit | Refusal | Promise<EnteredPermit | Refusal> {
    const table = this.#table;
    if (options === undefined) {
      const free = table?.grantFree(key) ?? null;
      if (free !== null) return free;
    }
    requireEnter(key, options);
    const claim = table?.claim(key, options ?? plain, options?.waitMs ?? table.defaultWaitMs) ?? closed(key);
    if (!(claim instanceof Claim) || claim.state === 'held') return claim;
    const wait = new Promise<EnteredPermit | Refusal>(keepResolve);
    claim.hearer = resolveLatest;
    return wait;
  }

  tryAcquire(options: Omit<AcquireOptions, 'waitMs'>): AcquireOutcome {
    requireAcquire(options);
    const claim = this.#table?.claim(options.key, options, 0) ?? closed(options.key);
    return claim instanceof Claim ? { ok: true, permit: claim } : claim;
  }

  release(permit: Permit, options: CallReport & { readonly holder?: AnyActorRef } = {}): ReleaseOutcome {
    if (!isRecord(options)) throw invalid('the report of a call', 'a plain object', sortOf(options));
    const { holder, ...report } = options;
    if (holder !== undefined && !isActor(holder)) throw invalid('holder', 'an actor', sortOf(holder));
    if (!(permit instanceof Claim) || permit.lane.table !== this.#table) return { ok: false, reason: 'unknown' };
    if (holder !== undefined && permit.isHeld && permit.terms?.holder?.subject !== holder) return { ok: false, reason: 'notHolder' };
    return permit.release(report);
  }

  run<Value>(key: string, fn: (scope: CallScope) => Value | PromiseLike<Value>, options: RunOptions<Value> = {}): Promise<RunOutcome<Value>> {
    return new Promise((resolve, reject) => {
      requireRun(key, fn, options);
      const attempts = new Attempts(this.#passable, key, fn, options, ++this.#runs, resolve, reject);
      if (calls.isDeep) {
        calls.later({ take: () => attempts.begin() });
        return;
      }
      calls.deeper();
      try {
        attempts.begin();
      } finally {
        calls.shallower();
      }
    });
  }

  setLimit(key: string, permits: number | 'unlimited'): boolean {
    requireKey(key);
    if (permits === undefined) throw invalid('permits', "a whole number of at least 0, or 'unlimited'", 'undefined');
    const level = permitsOf('permits', permits);
    const { ref } = this;
    const table = this.#table;
    if (ref === undefined || table === undefined || table.isOver || !table.canLimit(key)) return false;
    ref.send({ type: 'limit.set', key, permits: level });
    return true;
  }

  status(key: string): KeyStatus | null {
    requireKey(key);
    return this.#table?.statusOf(key) ?? null;
  }

  on<Type extends GateEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isGate);
  }

  async drain(options: { readonly deadlineMs?: number } = {}): Promise<GateReport> {
    requireOptions('the options of a drain', options, ['deadlineMs']);
    const { deadlineMs } = options;
    duration('deadlineMs', deadlineMs, 0);
    return this.#end((ref) => ref.send({ type: 'gate.drain', ...(deadlineMs === undefined ? {} : { deadlineMs }) }));
  }

  close(): Promise<GateReport> {
    return this.#end((ref) => ref.send({ type: 'gate.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(order: (ref: GateRef) => void): Promise<GateReport> {
    const { ref } = this;
    if (ref === undefined) return nothing;
    await ended(ref, order);
    return tableOf(ref)?.report ?? nothing;
  }
}

function closed(key: string): Refusal {
  return { ok: false, reason: 'closed', key, waitedMs: 0, retryAfterMs: null };
}

keepShape(new Handle(() => undefined));
