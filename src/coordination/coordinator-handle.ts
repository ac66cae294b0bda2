/**
 * What an app holds of a coordinator: it runs protocols, and finds what came of them.
 *
 * Nothing throws nor rejects but for misuse; a call on a coordinator that has ended is answered, where XState would drop the event.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { dynamicSupervisorMachine } from '../../machines/supervision/dynamic-supervisor.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { coordinator as coordinatorLogic, type CoordinatorRef } from './coordinator.js';
import { type CoordinatorOptions, invalid, planSession, requireOptions, requireText, type SessionOptions } from './coordinator-options.js';
import type { Protocol } from './protocol.js';
import { type CoordinatorEmitted, type Entry, type Ledger, ledgerOf, type RunRefusal, type SessionState } from './session-ledger.js';

type Fact<Type extends CoordinatorEmitted['type']> = Extract<CoordinatorEmitted, { type: Type }>;

/** One session, as whoever began it holds it. */
export interface CoordinationSession<Value = unknown> {
  readonly id: string;
  readonly state: SessionState;
  /** How it ended, once it has. Never rejects. */
  result(): Promise<SessionResult<Value>>;
  /** Ends it; its questions are taken back, and the agents told. Nothing where it has ended. */
  cancel(): void;
}

/** Whether a session was begun; why not. */
export type RunOutcome<Value = unknown> =
  | { readonly ok: true; readonly session: CoordinationSession<Value> }
  | { readonly ok: false; readonly reason: RunRefusal };

/** What is known of a session by its id. */
export type SessionLookup =
  | { readonly state: 'active'; readonly session: CoordinationSession }
  | { readonly state: 'ended'; readonly result: SessionResult }
  /** There was none, its result is not kept any more, or it was of a coordinator that has ended. */
  | { readonly state: 'unknown' };

/** How a coordinator stands. */
export interface CoordinatorStatus {
  readonly state: 'serving' | 'draining' | 'ended';
  /** Sessions that run their protocol, or pause between two attempts. */
  readonly working: number;
  /** Sessions that wait for their turn. */
  readonly waiting: number;
  /** Results that are kept. */
  readonly kept: number;
}

/** A coordinator, as an app holds it. Disposing of it closes it. */
export interface Coordinator extends AsyncDisposable {
  /** The coordinator's actor; undefined while none runs. */
  readonly ref: CoordinatorRef | undefined;
  /**
   * Begins a session: a protocol with these agents. At once, or when its turn comes.
   * @throws EspalierError `coordination/invalid-options`, `coordination/insufficient-agents`; what the protocol throws where so many or these will not do
   */
  run<Value>(protocol: Protocol<Value>, options: SessionOptions): RunOutcome<Value>;
  /** Finds a session, or its result while it is kept. @throws EspalierError `coordination/invalid-options` */
  resultOf(id: string): SessionLookup;
  status(): CoordinatorStatus;
  /** Facts of its sessions, and of each coordinator that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `coordination/invalid-options` */
  on<Type extends CoordinatorEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /**
   * Begins no session any more, and ends with the last one; at the latest after `deadlineMs` (default: never), by which those that run fail, `coordinatorLost`.
   * @returns rejects for misuse only, with EspalierError `coordination/invalid-options`
   */
  drain(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Ends it; sessions that run fail, `coordinatorLost`. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a coordinator that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `coordination/invalid-options` for a reference that runs no coordinator; from each call, for a function that finds one
 */
export function coordinatorHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Coordinator {
  if (typeof ref === 'function') return new Handle(ref);
  requireCoordinator(ref);
  return new Handle(() => ref);
}

/**
 * A coordinator that an app starts by itself, the root of a system of its own. In an app with a tree, {@link coordinatorLogic} is a child of that.
 * @throws EspalierError `coordination/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createCoordinator(options: CoordinatorOptions, where: { readonly clock?: Clock } = {}): Coordinator {
  requireOptions('where the coordinator runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(coordinatorLogic(options), { clock, id: 'coordinator' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isCoordinator(ref: unknown): ref is CoordinatorRef {
  return runsMachine(ref, dynamicSupervisorMachine) && ledgerOf(ref as AnyActorRef) !== undefined;
}

function requireCoordinator(ref: unknown): asserts ref is CoordinatorRef {
  if (!isCoordinator(ref)) throw invalid('ref', 'an actor that runs coordinator()', sortOf(ref));
}

const factTypes = keysOf<Record<CoordinatorEmitted['type'], true>>({
  ...({ 'coordination.started': true, 'coordination.retrying': true, 'coordination.decided': true, 'coordination.failed': true } as const),
  ...({ 'coordination.cancelled': true, 'coordination.expired': true, 'coordination.refused': true } as const),
});

class Handle implements Coordinator {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): CoordinatorRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireCoordinator(ref);
    return ref;
  }

  get #ledger(): Ledger | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : ledgerOf(ref);
  }

  run<Value>(protocol: Protocol<Value>, options: SessionOptions): RunOutcome<Value> {
    const ledger = this.#ledger;
    const input = planSession(protocol, options, ledger?.plan, () => ledger?.newId() ?? '');
    if (ledger === undefined) return { ok: false, reason: 'closed' };
    const begun = ledger.run(input, protocol, options.signal);
    return typeof begun === 'string' ? { ok: false, reason: begun } : { ok: true, session: new Session<Value>(begun) };
  }

  resultOf(id: string): SessionLookup {
    requireText('id', id);
    const ledger = this.#ledger;
    const entry = ledger?.find(id);
    if (entry !== undefined) return { state: 'active', session: new Session(entry) };
    const result = ledger?.kept(id);
    return result === undefined ? { state: 'unknown' } : { state: 'ended', result };
  }

  status(): CoordinatorStatus {
    const { ref } = this;
    const counts = this.#ledger?.counts ?? { working: 0, waiting: 0, kept: 0 };
    if (ref === undefined || hasStopped(ref)) return { state: 'ended', ...counts };
    const snapshot = ref.getSnapshot();
    return { state: snapshot.matches('draining') || snapshot.hasTag('stopping') ? 'draining' : 'serving', ...counts };
  }

  on<Type extends CoordinatorEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isCoordinator);
  }

  async drain(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    requireOptions('the options of a drain', options, ['deadlineMs']);
    const { deadlineMs } = options;
    if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs >= 0))
      throw invalid('deadlineMs', 'ms of at least 0', typeof deadlineMs === 'number' ? deadlineMs : sortOf(deadlineMs));
    const { ref } = this;
    const order = { type: 'supervisor.drain', ...(deadlineMs === undefined ? {} : { deadlineMs }) } as const;
    if (ref !== undefined) await ended(ref, () => ref.send(order));
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'supervisor.stop', reason: 'normal' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

class Session<Value> implements CoordinationSession<Value> {
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
  }

  get id(): string {
    return this.#entry.input.session;
  }

  get state(): SessionState {
    return this.#entry.state;
  }

  result(): Promise<SessionResult<Value>> {
    return this.#entry.result as Promise<SessionResult<Value>>;
  }

  cancel(): void {
    this.#entry.cancel();
  }
}
