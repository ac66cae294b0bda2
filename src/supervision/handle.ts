/**
 * What an app holds of a running supervisor: calls with answers, its end with a report.
 *
 * Calls are queued by the supervisor while it is busy, as OTP's are. One to a dead supervisor answers `noproc`; one that waits when the supervisor
 * ends answers with its exit reason. Both carry `exit: true`. Nothing here throws but for misuse.
 */
import type { AnyActorRef } from 'xstate';

import { problemOfSpec, type ChildSpec, type ResolvedSpec } from '../../machines/supervision/child-spec.js';
import { isExitReason, startOfOutput, type ExitReason } from '../../machines/supervision/exit.js';
import type { CallResult, ChildCount, DynamicEmitted, SupervisorEmitted } from '../../machines/supervision/supervisor-facts.js';
import type { SupervisorCall, SupervisorOrder } from '../../machines/supervision/supervisor-state.js';
import type { TaskSupervisorEmitted } from '../../machines/supervision/task-supervisor.js';
import { EspalierError } from '../errors.js';
import type { ChildName } from './children.js';
import { clockOf } from './clock.js';
import { reportOf, type ExitReport } from './exit-report.js';
import { idOf, kindOf } from './kind.js';
import { refuse, requireListener, requireOptions, srcsOf } from './supervisors.js';
import { exitReason, onExit } from './watch.js';
import { childrenOf, providedActors } from './xstate-internals.js';

/** Refused, and why; `exit`: the supervisor was or went away. */
export interface Refused {
  readonly ok: false;
  readonly reason: unknown;
  readonly exit?: true;
}

/** The answer to a start. `ref` is null when the child declined; `info` is what it said with `supervisor.ready`. */
export type StartChildResult =
  | { readonly ok: true; readonly ref: AnyActorRef | null; readonly info?: unknown }
  | (Refused & { readonly child?: ChildSpec });

/** The answer to a call that has nothing to tell but that it was done, or why not. */
export type Done = { readonly ok: true } | Refused;

/** One child, as `whichChildren` lists it. */
export interface ListedChild {
  /** Null for the children of a dynamic supervisor. */
  readonly id: string | null;
  /** Null while it is down. */
  readonly ref: AnyActorRef | null;
  /** Is it between two attempts? */
  readonly restarting: boolean;
  readonly type: 'worker' | 'supervisor';
}

/** What came of a supervisor's own start. */
export type StartedResult = { readonly ok: true; readonly declined?: true } | { readonly ok: false; readonly reason: unknown };

/** What supervisors of any kind emit. */
export type AnySupervisorEmitted = SupervisorEmitted | DynamicEmitted | TaskSupervisorEmitted;

type EmittedOf<Type extends string> = Extract<AnySupervisorEmitted, { type: Type }>;

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
type Answer = CallResult & { readonly exit?: true };
/** Of this process: a restored tree may still answer calls of another. In the form of `randomUUID`, which a page without TLS does not have. */
const callPrefix = [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, '0'))
  .join('')
  .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
let callCount = 0;

/** A name for a call that no other has, of this process or of one whose tree was restored here. */
export function nextCall(): string {
  return `${callPrefix}.${++callCount}`;
}

function done(answer: Answer): Done {
  return answer.ok ? { ok: true } : answer;
}

/** A running supervisor in the hands of an app. Made by {@link supervisorHandle}. */
export class SupervisorHandle {
  readonly ref: AnyActorRef;
  readonly #pending = new Map<string, (answer: Answer) => void>();
  #listening = false;

  constructor(ref: AnyActorRef) {
    this.ref = ref;
  }

  /** Settles once the supervisor's own start has: all children up, or declined, or failed with OTP's reason. Never rejects. */
  started(): Promise<StartedResult> {
    return new Promise((resolve) => {
      const settled = startResult(this.ref);
      if (settled !== undefined) {
        resolve(settled);
        return;
      }
      const look = (): void => {
        const result = startResult(this.ref);
        if (result === undefined) return;
        subscription.unsubscribe();
        resolve(result);
      };
      const subscription = this.ref.subscribe({ next: look, error: look, complete: look });
    });
  }

  /**
   * Adds a child and starts it.
   * @returns the actor, or null when it declined; refused with `alreadyPresent`, `['alreadyStarted', ref]`, `maxChildren`, `draining`, or the reason
   *   of the failed start, and then nothing is kept of it
   * @throws EspalierError for an invalid spec
   */
  async startChild(spec: Partial<ChildSpec> = {}): Promise<StartChildResult> {
    if (exitReason(this.ref) !== null) return { ok: false, reason: 'noproc', exit: true };
    const { autoShutdown = 'never', template } = (this.ref.getSnapshot() as { context: { autoShutdown?: 'never'; template?: ChildSpec | null } })
      .context;
    const whole = (template ? { ...template, ...(spec as ChildSpec | undefined) } : spec) as ChildSpec;
    refuse(problemOfSpec(whole, autoShutdown, srcsOf(providedActors(this.ref))));
    const present = whole.id === undefined ? undefined : this.child(whole.id);
    return this.#call({ type: 'call.startChild', spec: spec as ChildSpec }, (result) => this.#startResult(result, present));
  }

  /** Stops a child; its spec stays, a temporary one's does not. Refused with `notFound`. Of a dynamic supervisor, by key or by actor. */
  terminateChild(child: string | AnyActorRef): Promise<Done> {
    return this.#call({ type: 'call.terminateChild', ...this.#named(child) }, done);
  }

  /** Starts a child that is down. Refused with `running`, `restarting`, `notFound`, or the reason of the failed start. */
  restartChild(id: string): Promise<StartChildResult> {
    return this.#call({ type: 'call.restartChild', id }, (result) => this.#startResult(result));
  }

  /** Forgets a child that is down. Refused with `running`, `restarting`, `notFound`. */
  deleteChild(id: string): Promise<Done> {
    return this.#call({ type: 'call.deleteChild', id }, done);
  }

  /** A child's spec with its defaults filled in. Refused with `notFound`. */
  childSpec(id: string): Promise<{ readonly ok: true; readonly spec: ResolvedSpec } | Refused> {
    return this.#call({ type: 'call.getChildspec', id }, (result) =>
      result.ok ? { ok: true, spec: (result as { spec: ResolvedSpec }).spec } : result,
    );
  }

  /** All children, newest first; of a dynamic supervisor in no promised order. Empty once the supervisor is gone. */
  whichChildren(): Promise<ListedChild[]> {
    return this.#call({ type: 'call.whichChildren' }, (result) => {
      const which = result.ok && 'which' in result ? result.which : [];
      return which.map(({ id, key, status, type }) => ({ id, type, restarting: status === 'restarting', ref: this.child(key) ?? null }));
    });
  }

  /** How many specs, live children, supervisors and workers. All zero once the supervisor is gone. */
  countChildren(): Promise<ChildCount> {
    const none = { specs: 0, active: 0, supervisors: 0, workers: 0 };
    return this.#call({ type: 'call.countChildren' }, (result) => (result.ok && 'count' in result ? result.count : none));
  }

  /** The actor that runs under this id (or, of a dynamic supervisor, this key) now. */
  child(id: string): AnyActorRef | undefined {
    return poolOf(this.ref)?.get(id)?.ref;
  }

  /**
   * Queued like a call: stops the children in order, exits, and tells who ended how. Rejects for misuse only, with EspalierError
   * `supervision/invalid-options`.
   * @param options  `reason`: its own exit reason, default `normal`
   */
  async stop(options: { reason?: ExitReason } = {}): Promise<ExitReport> {
    requireStop(options);
    return this.#endAfter({ type: 'supervisor.stop', reason: options.reason ?? 'normal' });
  }

  /**
   * Refuses to start anybody, lets the old finish, then stops. A static supervisor waits for the children that handle `supervisor.drain`; a dynamic
   * one waits for every child to end by itself, so give it a deadline where some never do.
   * Rejects for misuse only, with EspalierError `supervision/invalid-drain` or `supervision/invalid-options`.
   * @param options  `deadlineMs`: how long they may take, ms of at least 0; asked again, the deadline given last holds
   */
  async drain(options: { deadlineMs?: number } = {}): Promise<ExitReport> {
    requireDrain(options);
    return this.#endAfter({ type: 'supervisor.drain', ...options });
  }

  /**
   * The parent's exit order: stops the children in order and exits with `reason`. {@link SupervisorHandle.ended} tells when it has.
   * @throws EspalierError `supervision/invalid-options` for what is no exit reason
   */
  shutdown(reason: ExitReason = 'shutdown'): void {
    requireReason(reason);
    this.ref.send({ type: 'supervisor.shutdown', reason });
  }

  /** Settles when the supervisor has ended, whoever ended it. */
  ended(): Promise<ExitReport> {
    return this.#endAfter(undefined);
  }

  #endAfter(order: SupervisorOrder | undefined): Promise<ExitReport> {
    const clock = clockOf(this.ref.system);
    const askedAt = clock.now();
    return new Promise((resolve) => {
      onExit(this.ref, () => {
        resolve(reportOf(this.ref, clock.now() - askedAt));
      });
      if (order !== undefined && exitReason(this.ref) === null) this.ref.send(order);
    });
  }

  /** Listens to what the supervisor emits. A listener that throws ends nothing: the error is rethrown to the process on a fresh stack, by XState. */
  on<Type extends AnySupervisorEmitted['type'] | '*'>(
    type: Type,
    listener: (fact: Type extends '*' ? AnySupervisorEmitted : EmittedOf<Type>) => void,
  ): { unsubscribe(): void } {
    requireListener(listener);
    return this.ref.on(type, listener as never);
  }

  /** By which id the pool knows it; none of its own is the empty id. */
  #named(child: string | AnyActorRef): { id: string; by: 'id' | 'actor' | 'deadActor'; run?: number } {
    if (typeof child === 'string') return { id: child, by: 'id' };
    if (typeof child?.getSnapshot !== 'function')
      throw new EspalierError('supervision/missing-id', { expected: 'the id of a child, or its actor', got: child });
    return { id: '', ...poolOf(this.ref)?.nameOf?.(child), by: exitReason(child) === null ? 'actor' : 'deadActor' };
  }

  /** @param present  who ran under the id when the call was made: a busy supervisor may not know yet that it is dead */
  #startResult(result: Answer, present?: AnyActorRef): StartChildResult {
    if (!result.ok) {
      const { reason } = result;
      const running =
        Array.isArray(reason) && reason[0] === 'alreadyStarted' ? ['alreadyStarted', this.child(reason[1] as string) ?? present] : reason;
      return { ...result, reason: running };
    }
    const { id, info } = result as { id?: string; info?: unknown };
    return { ok: true, ref: id === undefined ? null : (this.child(id) ?? null), ...(info === undefined ? {} : { info }) };
  }

  /** The answer is read when it comes, not when its promise is: what it names may be gone by then. */
  #call<Result>(call: DistributiveOmit<SupervisorCall, 'call'>, read: (answer: Answer) => Result): Promise<Result> {
    if (exitReason(this.ref) !== null) return Promise.resolve(read({ ok: false, reason: 'noproc', exit: true }));
    this.#listen();
    const id = nextCall();
    return new Promise((resolve) => {
      this.#pending.set(id, (answer) => {
        resolve(read(answer));
      });
      this.ref.send({ ...call, call: id });
    });
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.ref.on('call.replied', ({ call, result }: EmittedOf<'call.replied'>) => {
      const resolve = this.#pending.get(call);
      this.#pending.delete(call);
      resolve?.(result);
    });
    onExit(this.ref, (reason) => {
      for (const resolve of this.#pending.values()) resolve({ ok: false, reason, exit: true });
      this.#pending.clear();
    });
  }
}

/**
 * A handle on any running supervisor actor: a root, or a child of any machine.
 * @throws EspalierError `supervision/not-a-supervisor` when the actor is none
 */
export function supervisorHandle(ref: AnyActorRef): SupervisorHandle {
  if (!isSupervisor(ref)) throw new EspalierError('supervision/not-a-supervisor', { expected: 'an actor that runs a supervisor', got: idOf(ref) });
  return new SupervisorHandle(ref);
}

/** Does the actor run one of the supervisor machines? */
export function isSupervisor(ref: AnyActorRef): boolean {
  return kindOf(ref) !== undefined;
}

/** Refuses what a drain cannot be told. @throws EspalierError `supervision/invalid-drain` or `supervision/invalid-options` */
export function requireDrain(options: { readonly deadlineMs?: number }): void {
  requireOptions(options, ['deadlineMs'], 'the options of a drain');
  const { deadlineMs } = options;
  if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs >= 0))
    throw new EspalierError('supervision/invalid-drain', { expected: '`deadlineMs` of at least 0', got: deadlineMs });
}

/** Refuses what a stop cannot be told. @throws EspalierError `supervision/invalid-options` */
export function requireStop(options: { readonly reason?: ExitReason }): void {
  requireOptions(options, ['reason'], 'the options of a stop');
  if (options.reason !== undefined) requireReason(options.reason);
}

function requireReason(reason: unknown): void {
  if (isExitReason(reason)) return;
  throw new EspalierError('supervision/invalid-options', {
    expected: "the reason to be normal, shutdown, killed, ['shutdown', term] or { crash: term }",
    got: reason,
  });
}

/** What a handle asks of a pool. */
interface ChildIndex {
  get(id: string): { readonly ref: AnyActorRef; readonly run?: number } | undefined;
  /** A pool of tasks has none: nobody is terminated there by a call. */
  nameOf?(actor: AnyActorRef): ChildName | undefined;
}

/** How often a child has been started, by who runs under the id now; undefined while nobody does. @throws never */
export function incarnationOf(supervisor: AnyActorRef, id: string): number | undefined {
  return poolOf(supervisor)?.get(id)?.run;
}

function poolOf(supervisor: AnyActorRef): ChildIndex | undefined {
  const pool = childrenOf(supervisor).find((child) => child.id === 'pool');
  return (pool?.getSnapshot() as { pool?: ChildIndex } | undefined)?.pool;
}

function startResult(ref: AnyActorRef): StartedResult | undefined {
  const snapshot = ref.getSnapshot() as { status: string; output?: unknown; error?: unknown; hasTag?(tag: string): boolean };
  if (snapshot.status === 'error') return { ok: false, reason: ['EXIT', snapshot.error] };
  const outcome = snapshot.status === 'done' ? startOfOutput(snapshot.output) : undefined;
  if (outcome?.kind === 'failed') return { ok: false, reason: outcome.reason };
  if (outcome?.kind === 'declined') return { ok: true, declined: true };
  if (snapshot.status === 'stopped') return { ok: false, reason: exitReason(ref) };
  return snapshot.status === 'active' && snapshot.hasTag?.('starting') === true ? undefined : { ok: true };
}
