/**
 * Tasks: functions under supervision, with an awaited result.
 *
 * A task that cannot start is a returned error, never a throw; one that ends, however, settles its outcome exactly once.
 * @see Elixir Task.Supervisor
 */
import type { AnyActorRef } from 'xstate';

import {
  problemOfTaskSupervisor,
  taskSupervisorKeys,
  taskSupervisorMachine as bareTaskSupervisor,
  type TaskSupervisorEmitted,
  type TaskSupervisorInput,
} from '../../machines/supervision/task-supervisor.js';
import { EspalierError } from '../errors.js';
import { clockOf, type Clock } from './clock.js';
import type { ExitReport } from './exit-report.js';
import { requireDrain, requireStop, supervisorHandle, type SupervisorHandle } from './handle.js';
import { idOf, kindOf } from './kind.js';
import { refuse, requireListener, requireOptions, withInput } from './supervisors.js';
import {
  requireHow,
  requireStarted,
  requireStream,
  requireTask,
  requireWait,
  type AsyncOptions,
  type StartOptions,
  type TaskOptions,
} from './task-options.js';
import { taskPoolLogic, type TaskPlan, type TaskPool, type TaskRefusal } from './task-pool.js';
import type { TaskFn, TaskOutcome, TaskSlot } from './task-slot.js';
import { streamTasks, type StreamOptions, type StreamOutcome } from './task-stream.js';
import { exitReason, onExit, unlink } from './watch.js';
import { childrenOf } from './xstate-internals.js';

export type { AsyncOptions, StartOptions, TaskOptions } from './task-options.js';
export type { TaskFn, TaskOutcome, TaskScope } from './task-slot.js';
export type { TaskRefusal } from './task-pool.js';
export type { StreamOptions, StreamOutcome } from './task-stream.js';

/**
 * The task supervisor machine with its pool, as XState logic: `createActor`, `invoke` and `spawn` give it {@link TaskSupervisorInput} as input, and
 * {@link taskSupervisorHandle} starts tasks on it. {@link taskSupervisor} has its input bound.
 *
 * It emits {@link TaskSupervisorEmitted}. Its output is the exit reason and who ended how. It throws nothing: an input with a fault fails its start,
 * and the machine is done at once with `failStart(term)`.
 */
export const taskSupervisorMachine = bareTaskSupervisor.provide({ actors: { pool: taskPoolLogic as never } });

/**
 * A task supervisor with its options bound: XState logic.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options
 */
export function taskSupervisor(options: TaskSupervisorInput = {}): typeof taskSupervisorMachine {
  requireOptions(options, taskSupervisorKeys, 'the options of a task supervisor');
  refuse(problemOfTaskSupervisor(options));
  return withInput(taskSupervisorMachine.provide({}), options);
}

/** A task that was started. */
export interface StartedTask {
  /** Unique among the tasks that live. */
  readonly id: string;
  /** Its leaf: a chart that is `running` until the task has ended. */
  readonly ref: AnyActorRef;
}

/** A task whose result is awaited. */
export class Task<Value> implements StartedTask {
  /** Unique among the tasks that live. */
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

  /**
   * Waits for the outcome. A task that is not done in time goes on.
   * @param timeoutMs  how long at most, ms of at least 0; default no limit
   * @returns the outcome, or `timeout`. Rejects with EspalierError `supervision/invalid-task` for a time that is none.
   */
  async await(timeoutMs = Infinity): Promise<TaskOutcome<Value> | { readonly ok: false; readonly reason: 'timeout' }> {
    requireWait(timeoutMs);
    return (await this.#within(timeoutMs)) ?? { ok: false, reason: 'timeout' };
  }

  /** Like {@link Task.await}, with null for a task that is not done; 0 ms asks without waiting. */
  async yield(timeoutMs: number): Promise<TaskOutcome<Value> | null> {
    requireWait(timeoutMs);
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
   * @param how  ms of at least 0 to wait for a task that traps exits (default 5 000; Infinity for as long as it takes), or `brutalKill`
   * @returns null when it ended because of this; its outcome when it had already ended, or ended otherwise (a kill after the wait is `killed`).
   *   Rejects with EspalierError `supervision/invalid-task` for any other `how`, and the task goes on.
   */
  async shutdown(how: number | 'brutalKill' = 5_000): Promise<TaskOutcome<Value> | null> {
    requireHow(how);
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

/**
 * What came of a start: the task, or why none could be started. `maxChildren`: as many run as may; `draining`: the supervisor takes no more; `noproc`:
 * there is no supervisor, or it is about to end.
 */
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

  /** An order to a supervisor that runs takes effect at the call: nothing that comes after is started. */
  async #order(give: (supervisor: SupervisorHandle) => Promise<ExitReport>): Promise<ExitReport> {
    const running = this.#resolve();
    if (running !== undefined && exitReason(running) === null) return give(supervisorHandle(running));
    await this.#ready();
    return give(supervisorHandle(this.ref));
  }

  #start(
    fn: TaskFn<unknown>,
    options: StartOptions & AsyncOptions,
    settled: TaskPlan['settled'],
  ): ReturnType<TaskPool['start']> & { pool?: TaskPool } {
    const { restart = 'temporary', shutdownMs = 5_000, trapExit = false, deadlineMs, signal, name } = options;
    const owner = options.link === false ? undefined : options.owner;
    const pool = this.#pool();
    if (pool === undefined) return { ok: false, reason: 'noproc' };
    return { ...pool.start({ fn, restart, shutdownMs, trapExit, deadlineMs, signal, name, owner, settled }), pool };
  }

  /**
   * Fire and forget.
   * @returns the task, or why none could be started
   * @throws EspalierError `supervision/invalid-task` for what is no function or an option that is out of range, `supervision/invalid-options` for
   *   options that are no object or have a name that nobody knows; in both cases nothing has started
   */
  start(fn: TaskFn<unknown>, options: StartOptions = {}): StartResult<StartedTask> {
    requireTask(fn, options, 'start');
    const started = this.#start(fn, options, undefined);
    return started.ok ? { ok: true, task: { id: started.slot.id, ref: started.ref } } : { ok: false, reason: started.reason };
  }

  /**
   * Starts a task whose outcome is wanted.
   * @returns the task, or why none could be started
   * @throws EspalierError as {@link TaskSupervisor.start} does
   */
  async<Value>(fn: TaskFn<Value>, options: AsyncOptions = {}): StartResult<Task<Value>> {
    requireTask(fn, options, 'async');
    return this.#async(fn, options);
  }

  #async<Value>(fn: TaskFn<Value>, options: AsyncOptions): StartResult<Task<Value>> {
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

  /**
   * Starts a task and waits for its outcome.
   * @returns how it ended, or why it could not start. Rejects for misuse only, with what {@link TaskSupervisor.start} throws.
   */
  async run<Value>(fn: TaskFn<Value>, options: TaskOptions = {}): Promise<TaskOutcome<Value> | { readonly ok: false; readonly reason: TaskRefusal }> {
    requireTask(fn, options, 'run');
    await this.#ready();
    const started = this.#async(fn, options);
    return started.ok ? started.task.outcome : started;
  }

  /**
   * One task per item, at most `maxConcurrency` at a time, each with its own outcome, in the items' order or as they end. Leaving the loop early ends
   * the tasks that run.
   * @throws EspalierError as {@link TaskSupervisor.start} does, at this call; also for items that cannot be iterated
   */
  stream<Item, Value>(
    items: Iterable<Item> | AsyncIterable<Item>,
    fn: (item: Item, scope: Parameters<TaskFn<Value>>[0]) => Value | PromiseLike<Value>,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamOutcome<Value>, void, undefined> {
    requireStream(items, fn, options);
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
    requireListener(listener);
    return this.ref.on(type, listener as never);
  }

  /** How many tasks live. */
  count(): number {
    return this.#pool()?.size ?? 0;
  }

  /**
   * Ends a task. Refused with `notFound` when it is not one of these, or has ended.
   * @throws EspalierError `supervision/invalid-task` for what is no task
   */
  terminate(task: { readonly ref: AnyActorRef }): { readonly ok: true } | { readonly ok: false; readonly reason: 'notFound' } {
    requireStarted(task);
    const pool = this.#pool();
    const key = pool?.keyOf(task.ref);
    const slot = key === undefined ? undefined : pool?.get(key);
    if (pool === undefined || slot === undefined) return { ok: false, reason: 'notFound' };
    pool.ask(slot, slot.plan?.shutdownMs ?? 5_000);
    return { ok: true };
  }

  /**
   * Refuses new tasks, waits for those that run, then ends. Rejects for misuse only: with EspalierError `supervision/invalid-drain` or
   * `supervision/invalid-options`, and `supervision/not-a-supervisor` while none runs.
   * @param options  `deadlineMs`: how long they may take, ms; then they are told to end. Default no limit.
   */
  async drain(options: { deadlineMs?: number } = {}): Promise<ExitReport> {
    requireDrain(options);
    return this.#order((supervisor) => supervisor.drain(options));
  }

  /**
   * Ends all tasks at once, each within its own shutdown time, and tells who ended how. Rejects for misuse only: with EspalierError
   * `supervision/invalid-options`, and `supervision/not-a-supervisor` while none runs.
   * @param options  `reason`: the supervisor's own exit reason, default `normal`
   */
  async stop(options: { reason?: 'normal' | 'shutdown' } = {}): Promise<ExitReport> {
    requireStop(options);
    return this.#order((supervisor) => supervisor.stop(options));
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
