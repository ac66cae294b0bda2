/**
 * What a coordinator's actor has in this process: the sessions that have not ended, who of them runs and who waits for a turn, and the results of those that
 * have.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { saidOf } from '../../machines/coordination/said.js';
import type { SessionEmitted, SessionInput, SessionResult } from '../../machines/coordination/session-events.js';
import { clockOf, type Clock } from '../supervision/clock.js';
import { SupervisorHandle } from '../supervision/handle.js';
import { type ExitWatch, onExit } from '../supervision/watch.js';
import { emitFrom, hasStopped, isBeingStopped, logicOf, parentOf } from '../supervision/xstate-internals.js';
import type { CoordinatorPlan } from './coordinator-options.js';
import type { Protocol } from './protocol.js';

/** Where a session is. */
export type SessionState = 'queued' | 'working' | 'pausing' | SessionResult['outcome'];

const plans = new WeakMap<object, CoordinatorPlan>();
const ledgers = new WeakMap<AnyActorRef, Ledger>();

/** Of `coordinator()`: with what it made this logic. */
export function keepPlan(logic: object, plan: CoordinatorPlan): void {
  plans.set(logic, plan);
}

/** The ledger of a coordinator's actor; undefined for what runs no `coordinator()`. */
export function ledgerOf(coordinator: AnyActorRef): Ledger | undefined {
  const plan = plans.get(logicOf(coordinator));
  if (plan === undefined) return undefined;
  const ledger = ledgers.get(coordinator) ?? new Ledger(coordinator, plan);
  ledgers.set(coordinator, ledger);
  return ledger;
}

/** What is known of a session's actor; undefined where it is of another process, or nobody's. */
export function entryOf(session: AnyActorRef): Entry | undefined {
  const pool = parentOf(session);
  const coordinator = pool === undefined ? undefined : parentOf(pool);
  const { context } = session.getSnapshot() as { readonly context: SessionInput };
  return coordinator === undefined ? undefined : ledgerOf(coordinator)?.find(context.session);
}

/** How a session ended that could not say so itself. */
type Loss = Extract<SessionResult, { outcome: 'failed' }>;

/** A session that has not ended. */
export class Entry {
  readonly input: SessionInput;
  readonly protocol: Protocol;
  readonly result: Promise<SessionResult>;
  readonly #ledger: Ledger;
  readonly #signal: AbortSignal | undefined;
  /** Its actor; null before there is one. */
  #ref: AnyActorRef | null = null;
  #end: SessionResult | null = null;
  #isCancelled = false;
  #watch: ExitWatch | undefined;
  readonly #settle: (result: SessionResult) => void;

  constructor(ledger: Ledger, input: SessionInput, protocol: Protocol, signal: AbortSignal | undefined) {
    this.#ledger = ledger;
    this.input = input;
    this.protocol = protocol;
    this.#signal = signal;
    let settle: (result: SessionResult) => void = () => {};
    this.result = new Promise((resolve) => (settle = resolve));
    this.#settle = settle;
    signal?.addEventListener('abort', this.cancel, { once: true });
  }

  get state(): SessionState {
    if (this.#end !== null) return this.#end.outcome;
    const { value } = (this.#ref?.getSnapshot() ?? { value: { open: 'queued' } }) as {
      readonly value: { readonly open: SessionState } | SessionState;
    };
    return typeof value === 'string' ? value : value.open;
  }

  readonly cancel = (): void => {
    this.#isCancelled = true;
    if (this.#end === null) this.#ref?.send({ type: 'session.cancel' });
  };

  /** What its protocol's chart runs. @throws what the protocol throws */
  logic(): AnyActorLogic {
    return this.#ledger.logicOf(this.protocol);
  }

  /**
   * Its actor is about to begin.
   * @param tell  tells that actor of its turn
   * @returns gives the place in the queue back
   */
  begin(ref: AnyActorRef, tell: (event: { readonly type: 'turn.came' | 'session.cancel' }) => void): () => void {
    this.#ref = ref;
    ref.on('*', (fact: unknown) => this.#ledger.emit(fact as SessionEmitted));
    this.#watch = onExit(ref, (reason) => {
      const own = resultOf(ref);
      if (own === null) this.fail(this.#ledger.lossOf(ref, reason));
      else this.end(own);
    });
    if (this.#isCancelled) tell({ type: 'session.cancel' });
    return this.#ledger.queue(this, () => tell({ type: 'turn.came' }));
  }

  /** It ended before its chart could say anything; so that is said for it. */
  fail(loss: Loss): void {
    if (this.#end !== null) return;
    const { session, protocol } = this.input;
    const { attempts, why } = loss;
    this.end(loss);
    this.#ledger.emit({ type: 'coordination.failed', session, protocol, attempts, why });
  }

  /** Once: how it ended. */
  end(result: SessionResult): void {
    if (this.#end !== null) return;
    this.#end = result;
    this.#watch?.unsubscribe();
    this.#signal?.removeEventListener('abort', this.cancel);
    this.#ledger.close(this, result);
    this.#settle(result);
  }
}

/** How a session's own chart says that it ended; null where it has no word of it. */
function resultOf(ref: AnyActorRef): SessionResult | null {
  const { output } = ref.getSnapshot() as { readonly output?: { readonly result?: SessionResult | null } };
  return output?.result ?? null;
}

/** What came of a wish to run a session, apart from the session itself. */
export type RunRefusal =
  /** As many run and wait as may. */
  | 'full'
  /** A session of that id runs, or has ended and its result is kept. */
  | 'taken'
  /** The signal had come before it began. */
  | 'cancelled'
  /** The coordinator has ended, takes nobody any more, or does not run. */
  | 'closed';

/** What a coordinator emits beside what its sessions do. */
export type CoordinatorEmitted =
  | SessionEmitted
  | { readonly type: 'coordination.refused'; readonly session: string; readonly protocol: string; readonly reason: RunRefusal };

export class Ledger {
  readonly #owner: AnyActorRef;
  readonly #plan: CoordinatorPlan;
  readonly #clock: Clock;
  readonly #supervisor: SupervisorHandle;
  /** Those that have not ended, by id. */
  readonly #open = new Map<string, Entry>();
  /** Those that run; and those that wait, in order, with what tells them of their turn. */
  readonly #working = new Set<Entry>();
  readonly #waiting = new Map<Entry, () => void>();
  /** Results by id, oldest first. */
  readonly #kept = new Map<string, { readonly result: SessionResult; readonly at: number }>();
  readonly #logics = new WeakMap<Protocol, AnyActorLogic>();
  readonly #prefix = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  #made = 0;

  constructor(owner: AnyActorRef, plan: CoordinatorPlan) {
    this.#owner = owner;
    this.#plan = plan;
    this.#clock = clockOf(owner.system);
    this.#supervisor = new SupervisorHandle(owner);
  }

  get plan(): CoordinatorPlan {
    return this.#plan;
  }

  get counts(): { readonly working: number; readonly waiting: number; readonly kept: number } {
    this.#forget();
    return { working: this.#working.size, waiting: this.#open.size - this.#working.size, kept: this.#kept.size };
  }

  readonly newId = (): string => `${this.#prefix}.${++this.#made}`;

  find(id: string): Entry | undefined {
    return this.#open.get(id);
  }

  /** The result of a session that has ended, as long as it is kept. */
  kept(id: string): SessionResult | undefined {
    this.#forget();
    return this.#kept.get(id)?.result;
  }

  /** Starts a session, unless that cannot be. */
  run(input: SessionInput, protocol: Protocol, signal: AbortSignal | undefined): Entry | RunRefusal {
    const { session: id } = input;
    const reason = this.#refusalOf(id, signal);
    if (reason !== null) {
      this.emit({ type: 'coordination.refused', session: id, protocol: protocol.name, reason });
      return reason;
    }
    const entry = new Entry(this, input, protocol, signal);
    this.#open.set(id, entry);
    const started = this.#supervisor.startChild({ id, src: 'session', restart: 'temporary', input });
    // Where its supervisor is ending, or has ended meanwhile, there is no actor that could say so; nor where that would not start it.
    void started.then((answer) => answer.ok || entry.fail(this.#lossOf(0, `it was not started: ${saidOf(answer.reason)}`)));
    return entry;
  }

  #refusalOf(id: string, signal: AbortSignal | undefined): RunRefusal | null {
    if (signal?.aborted === true) return 'cancelled';
    if (!this.#isServing()) return 'closed';
    if (this.#open.has(id) || this.kept(id) !== undefined) return 'taken';
    return this.#open.size >= this.#plan.maxSessions + this.#plan.maxWaiting ? 'full' : null;
  }

  #isServing(): boolean {
    const snapshot = this.#owner.getSnapshot() as { status: string; hasTag(tag: string): boolean; matches(state: string): boolean };
    return snapshot.status === 'active' && !snapshot.hasTag('stopping') && !snapshot.matches('draining');
  }

  /** One chart for all sessions of a protocol: to make one costs more than to run it. */
  logicOf(protocol: Protocol): AnyActorLogic {
    const logic = this.#logics.get(protocol) ?? protocol.logic(this.#plan.requests);
    this.#logics.set(protocol, logic);
    return logic;
  }

  /** @returns takes it out of the queue again */
  queue(entry: Entry, tell: () => void): () => void {
    this.#waiting.set(entry, tell);
    this.#next();
    return () => void this.#waiting.delete(entry);
  }

  #next(): void {
    for (const [entry, tell] of this.#waiting) {
      if (this.#working.size >= this.#plan.maxSessions) return;
      this.#waiting.delete(entry);
      this.#working.add(entry);
      tell();
    }
  }

  /** It has ended: its result is kept, and its turn is another's. */
  close(entry: Entry, result: SessionResult): void {
    const { session: id } = entry.input;
    this.#open.delete(id);
    this.#waiting.delete(entry);
    this.#working.delete(entry);
    this.#kept.set(id, { result, at: this.#clock.now() });
    this.#forget();
    this.#next();
  }

  /** How a session ended that was ended before its chart could say anything: with its coordinator, or alone. */
  lossOf(session: AnyActorRef, reason: unknown): Loss {
    const { attempts } = (session.getSnapshot() as { readonly context: { readonly attempts: number } }).context;
    return reason === 'shutdown' ? { outcome: 'failed', why: 'coordinatorLost', attempts } : this.#lossOf(attempts, 'its session was killed');
  }

  #lossOf(attempts: number, details: string): Loss {
    const isAlone = this.#isServing() && !isBeingStopped(this.#owner);
    return isAlone ? { outcome: 'failed', why: 'crashed', details, attempts } : { outcome: 'failed', why: 'coordinatorLost', attempts };
  }

  emit(fact: CoordinatorEmitted): void {
    if (!hasStopped(this.#owner)) emitFrom(this.#owner, fact);
  }

  #forget(): void {
    const { keepMs, keepResults } = this.#plan;
    for (const [id, { at }] of this.#kept) {
      if (this.#kept.size <= keepResults && this.#clock.now() - at < keepMs) return;
      this.#kept.delete(id);
    }
  }
}
