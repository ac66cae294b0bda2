/**
 * Tasks: functions under supervision, with an awaited result.
 *
 * A task that cannot start is a returned error, never a throw; one that ends, however, settles its outcome exactly once.
 * @see Elixir Task.Supervisor
 */
import type { AnyActorRef } from 'xstate';

import type { RestartType, ShutdownMs } from '../../machines/supervision/child-spec.js';
import {
  problemOfTaskSupervisor,
  taskSupervisorMachine as bareTaskSupervisor,
  type TaskSupervisorEmitted,
  type TaskSupervisorInput,
} from '../../machines/supervision/task-supervisor.js';
import { EspalierError } from '../errors.js';
import { clockOf, type Clock } from './clock.js';
import type { ExitReport } from './exit-report.js';
import { supervisorHandle, type SupervisorHandle } from './handle.js';
import { idOf, kindOf } from './kind.js';
import { refuse, requireOptions, withInput } from './supervisors.js';
import { taskPoolLogic, type TaskPlan, type TaskPool, type TaskRefusal } from './task-pool.js';
import type { TaskFn, TaskOutcome, TaskSlot } from './task-slot.js';
import { streamTasks, type StreamOptions, type StreamOutcome } from './task-stream.js';
import { exitReason, onExit, unlink } from './watch.js';
import { childrenOf } from './xstate-internals.js';

export type { TaskFn, TaskOutcome, TaskScope } from './task-slot.js';
export type { TaskRefusal } from './task-pool.js';
export type { StreamOptions, StreamOutcome } from './task-stream.js';

/** The task supervisor machine with its pool: takes {@link TaskSupervisorInput} as input. */
export const taskSupervisorMachine = bareTaskSupervisor.provide({ actors: { pool: taskPoolLogic as never } });

/**
 * A task supervisor with its options bound: XState logic.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options
 */
export function taskSupervisor(options: TaskSupervisorInput = {}): typeof taskSupervisorMachine {
  requireOptions(options, ['intensity', 'periodMs', 'maxChildren'], 'the options of a task supervisor');
  refuse(problemOfTaskSupervisor(options));
  return withInput(taskSupervisorMachine.provide({}), options);
}

/** What every task may be told. */
export interface TaskOptions {
  /** From its start, ms; past it the task has timed out and its signal is aborted. Default none. */
  readonly deadlineMs?: number;
  /** Cancels the task when it aborts. */
  readonly signal?: AbortSignal;
  /** How long a task that traps exits may take to settle once told to end. Default 5 000 ms. */
  readonly shutdownMs?: ShutdownMs;
  /** Told to end, does it settle by itself (its signal is aborted), or is it over at once? Default over at once. */
  readonly trapExit?: boolean;
  /** For people: shown by inspectors and exit reports. */
  readonly name?: string;
}

/** Options of {@link TaskSupervisor.async}. */
export interface AsyncOptions extends TaskOptions {
  /** The actor on whose behalf it runs. */
  readonly owner?: AnyActorRef;
  /**
   * Link the two: the crash of the task ends its owner, an end of the owner other than `normal` ends the task. Default true where there is an owner.
   */
  readonly link?: boolean;
}

/** Options of {@link TaskSupervisor.start}. */
export interface StartOptions extends TaskOptions {
  /** Default `temporary`: never restarted. */
  readonly restart?: RestartType;
}

/** A task that was started. */
export interface StartedTask {
  readonly id: string;
  readonly ref: AnyActorRef;
}

/** A task whose result is awaited. */
export class Task<Value> implements StartedTask {
  readonly id: string;
  /** Its leaf: a chart that is `running` until the task has ended. */
  readonly ref: AnyActorRef;
  /** How it ended. Never rejects. */
  readonly outcome: Promise<TaskOutcome<Value>>;
  readonly #pool: TaskPool;
  readonly #slot: TaskSlot;
  readonly #clock: Clock;

  constructor(pool: TaskPool, slot: TaskSlot, ref: AnyActorRef, outcome: Promise<TaskOutcome<Value>>) {
    this.id = slot.id;
    this.ref = ref;
    this.outcome = outcome;
    this.#pool = pool;
    this.#slot = slot;
    this.#clock = clockOf(ref.system);
  }

  /** Waits for the outcome, at most `timeoutMs` (default no limit). A task that is not done then goes on. */
  async await(timeoutMs = Infinity): Promise<TaskOutcome<Value> | { readonly ok: false; readonly reason: 'timeout' }> {
    return (await this.#within(timeoutMs)) ?? { ok: false, reason: 'timeout' };
  }

  /** Like {@link Task.await}, with null for a task that is not done. */
  yield(timeoutMs: number): Promise<TaskOutcome<Value> | null> {
    return this.#within(timeoutMs);
  }

  #within(timeoutMs: number): Promise<TaskOutcome<Value> | null> {
    if (timeoutMs === Infinity) return this.outcome;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => {
        resolve(null);
      }, timeoutMs);
      void this.outcome.then((outcome) => {
        this.#clock.clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  /**
   * Ends the task: tells it to, waits, kills it when its time is up.
   * @param how  ms to wait for a task that traps exits (default 5 000), or `brutalKill`
   * @returns null when it ended because of this; its outcome when it had already ended, or ended otherwise (a kill after the wait is `killed`)
   */
  async shutdown(how: number | 'brutalKill' = 5_000): Promise<TaskOutcome<Value> | null> {
    if (this.#lives()) {
      this.#slot.unlink();
      if (how === 'brutalKill') this.#pool.kill(this.#slot);
      else this.#pool.ask(this.#slot, how);
    }
    const outcome = await this.outcome;
    const expected = how === 'brutalKill' ? 'killed' : 'shutdown';
    return !outcome.ok && outcome.reason === expected ? null : outcome;
  }

  /** Tells the task to end; its outcome is `cancelled`, at once unless it traps exits. */
  cancel(): void {
    if (!this.#lives()) return;
    this.#pool.ask(this.#slot, this.#slot.plan?.shutdownMs ?? 5_000, { ok: false, reason: 'cancelled' });
  }

  #lives(): boolean {
    return this.#slot.ref === this.ref && exitReason(this.ref) === null;
  }
}

export type StartResult<Started> = { readonly ok: true; readonly task: Started } | { readonly ok: false; readonly reason: TaskRefusal };

/** A running task supervisor in the hands of an app. Made by {@link taskSupervisorHandle}. */
export class TaskSupervisor {
  readonly #resolve: () => AnyActorRef | undefined;
  readonly #ready: () => Promise<unknown>;

  /**
   * @param resolve  the supervisor's present incarnation
   * @param ready    settles when there is one to be had; asked by what can wait
   */
  constructor(resolve: () => AnyActorRef | undefined, ready: () => Promise<unknown> = () => Promise.resolve()) {
    this.#resolve = resolve;
    this.#ready = ready;
  }

  /**
   * The supervisor's present incarnation.
   * @throws EspalierError `supervision/not-a-supervisor` while there is none
   */
  get ref(): AnyActorRef {
    const ref = this.#resolve();
    if (ref === undefined) throw new EspalierError('supervision/not-a-supervisor', { expected: 'a task supervisor that runs', got: undefined });
    return ref;
  }

  #pool(): TaskPool | undefined {
    const ref = this.#resolve();
    if (ref === undefined || exitReason(ref) !== null) return undefined;
    const pool = childrenOf(ref).find((child) => child.id === 'pool');
    return (pool?.getSnapshot() as { pool?: TaskPool } | undefined)?.pool;
  }

  async #handle(): Promise<SupervisorHandle> {
    await this.#ready();
    return supervisorHandle(this.ref);
  }

  #start(
    fn: TaskFn<unknown>,
    options: StartOptions & AsyncOptions,
    settled: TaskPlan['settled'],
  ): ReturnType<TaskPool['start']> & { pool?: TaskPool } {
    checkTask(fn, options);
    const { restart = 'temporary', shutdownMs = 5_000, trapExit = false, deadlineMs, signal, name } = options;
    const owner = options.link === false ? undefined : options.owner;
    const pool = this.#pool();
    if (pool === undefined) return { ok: false, reason: 'noproc' };
    return { ...pool.start({ fn, restart, shutdownMs, trapExit, deadlineMs, signal, name, owner, settled }), pool };
  }

  /**
   * Fire and forget.
   * @returns the task, or why none could be started
   * @throws EspalierError `supervision/invalid-task` for what is no function, or for invalid options
   */
  start(fn: TaskFn<unknown>, options: StartOptions = {}): StartResult<StartedTask> {
    const started = this.#start(fn, options, undefined);
    return started.ok ? { ok: true, task: { id: started.slot.id, ref: started.ref } } : { ok: false, reason: started.reason };
  }

  /**
   * Starts a task whose outcome is wanted.
   * @returns the task, or why none could be started
   * @throws EspalierError `supervision/invalid-task` for what is no function, or for invalid options
   */
  async<Value>(fn: TaskFn<Value>, options: AsyncOptions = {}): StartResult<Task<Value>> {
    let settle: (outcome: TaskOutcome<unknown>) => void = () => {};
    const outcome = new Promise<TaskOutcome<Value>>((resolve) => {
      settle = resolve as typeof settle;
    });
    const started = this.#start(fn, options, settle);
    if (!started.ok) return { ok: false, reason: started.reason };
    const { owner } = options;
    if (owner !== undefined && exitReason(started.ref) === null) onExit(started.ref, () => unlink(started.ref, owner));
    return { ok: true, task: new Task(started.pool as TaskPool, started.slot, started.ref, outcome) };
  }

  /** Starts a task and waits for its outcome, which says so when it could not start. */
  async run<Value>(fn: TaskFn<Value>, options: TaskOptions = {}): Promise<TaskOutcome<Value> | { readonly ok: false; readonly reason: TaskRefusal }> {
    checkTask(fn, options);
    await this.#ready();
    const started = this.async(fn, options);
    return started.ok ? started.task.outcome : started;
  }

  /**
   * One task per item, at most `maxConcurrency` at a time, each with its own outcome, in the items' order or as they end. Leaving the loop early ends
   * the tasks that run.
   * @throws EspalierError `supervision/invalid-task` for invalid options, at this call
   */
  stream<Item, Value>(
    items: Iterable<Item> | AsyncIterable<Item>,
    fn: (item: Item, scope: Parameters<TaskFn<Value>>[0]) => Value | PromiseLike<Value>,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamOutcome<Value>, void, undefined> {
    checkTask(fn, options);
    checkStream(items, options);
    return streamTasks(this, items, fn, options);
  }

  /**
   * Listens to what the supervisor's present incarnation emits: `task.restarted`, `task.lost`, `supervisor.gaveUp`, `supervisor.report`.
   * @throws EspalierError `supervision/not-a-supervisor` while there is none
   */
  on<Type extends TaskSupervisorEmitted['type'] | '*'>(
    type: Type,
    listener: (fact: Type extends '*' ? TaskSupervisorEmitted : Extract<TaskSupervisorEmitted, { type: Type }>) => void,
  ): { unsubscribe(): void } {
    return this.ref.on(type, listener as never);
  }

  /** How many tasks live. */
  count(): number {
    return this.#pool()?.size ?? 0;
  }

  /** Ends a task. Refused with `notFound` when it is not one of these, or has ended. */
  terminate(task: { readonly ref: AnyActorRef }): { readonly ok: true } | { readonly ok: false; readonly reason: 'notFound' } {
    const pool = this.#pool();
    const key = pool?.keyOf(task.ref);
    const slot = key === undefined ? undefined : pool?.get(key);
    if (pool === undefined || slot === undefined) return { ok: false, reason: 'notFound' };
    pool.ask(slot, slot.plan?.shutdownMs ?? 5_000);
    return { ok: true };
  }

  /** Refuses new tasks, waits for those that run, then ends. `deadlineMs`: how long they may take; then they are told to end. */
  async drain(options: { deadlineMs?: number } = {}): Promise<ExitReport> {
    return (await this.#handle()).drain(options);
  }

  /** Ends all tasks at once, each within its own shutdown time, and tells who ended how. */
  async stop(options: { reason?: 'normal' | 'shutdown' } = {}): Promise<ExitReport> {
    return (await this.#handle()).stop(options);
  }
}

/**
 * A handle on a running task supervisor: a root, or a child of any machine.
 * @throws EspalierError `supervision/not-a-supervisor` when the actor is none
 */
export function taskSupervisorHandle(ref: AnyActorRef): TaskSupervisor {
  if (kindOf(ref) !== 'taskSupervisor')
    throw new EspalierError('supervision/not-a-supervisor', { expected: 'an actor that runs a task supervisor', got: idOf(ref) });
  return new TaskSupervisor(() => ref);
}

function refuseTask(expected: string, got: unknown): never {
  throw new EspalierError('supervision/invalid-task', { expected, got });
}

function checkTask(fn: unknown, { deadlineMs, shutdownMs, signal, restart, owner }: StartOptions & AsyncOptions): void {
  if (typeof fn !== 'function') refuseTask('a function', fn);
  if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs > 0)) refuseTask('`deadlineMs` above 0', deadlineMs);
  const isTime = typeof shutdownMs === 'number' && shutdownMs >= 0;
  if (shutdownMs !== undefined && !isTime && shutdownMs !== 'infinity' && shutdownMs !== 'brutalKill')
    refuseTask('`shutdownMs` of at least 0, infinity or brutalKill', shutdownMs);
  if (restart !== undefined && !['temporary', 'transient', 'permanent'].includes(restart))
    refuseTask('`restart` to be temporary, transient or permanent', restart);
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function')
    refuseTask('`signal` to be an AbortSignal', signal);
  if (owner !== undefined && typeof (owner as AnyActorRef | null)?.subscribe !== 'function') refuseTask('`owner` to be an actor', owner);
}

function checkStream(items: unknown, { maxConcurrency = 1, onTimeout = 'killTask' }: StreamOptions): void {
  const isIterable = items !== null && items !== undefined && (Symbol.asyncIterator in Object(items) || Symbol.iterator in Object(items));
  if (!isIterable) refuseTask('an iterable or an async iterable', items);
  if (!(Number.isInteger(maxConcurrency) && maxConcurrency > 0)) refuseTask('`maxConcurrency` to be a whole number above 0', maxConcurrency);
  if (onTimeout !== 'killTask' && onTimeout !== 'exit') refuseTask('`onTimeout` to be killTask or exit', onTimeout);
}
