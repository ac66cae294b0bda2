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
import { compile } from '../compiled/compile.js';
import { EspalierError } from '../errors.js';
import { clockOf } from './clock.js';
import type { ExitReport } from './exit-report.js';
import { requireDrain, requireStop, supervisorHandle, type SupervisorHandle } from './handle.js';
import { idOf, kindOf } from './kind.js';
import { refuse, requireListener, requireOptions, withInput } from './supervisors.js';
import {
  isPlain,
  noOptions,
  plainPlan,
  planOf,
  planOfStream,
  requireHow,
  requireStarted,
  requireStream,
  requireTask,
  requireWait,
  type AsyncOptions,
  type StartOptions,
  type TaskOptions,
} from './task-options.js';
import { taskPoolLogic, type TaskPool, type TaskRefusal } from './task-pool.js';
import { cancelRun, type Settled, type TaskFn, type TaskOutcome, type TaskPlan, type TaskRun } from './task-run.js';
import { streamTasks, type StreamOptions, type StreamOutcome } from './task-stream.js';
import { exitReason, onExit, unlink } from './watch.js';
import { childrenOf } from './xstate-internals.js';

export type { AsyncOptions, StartOptions, TaskOptions } from './task-options.js';
export type { TaskFn, TaskOutcome, TaskScope } from './task-run.js';
export type { TaskRefusal } from './task-pool.js';
export type { StreamOptions, StreamOutcome } from './task-stream.js';

/**
 * The task supervisor machine with its pool, as XState logic: `createActor`, `invoke` and `spawn` give it {@link TaskSupervisorInput} as input, and
 * {@link taskSupervisorHandle} starts tasks on it. {@link taskSupervisor} has its input bound.
 *
 * It emits {@link TaskSupervisorEmitted}. Its output is the exit reason and who ended how. It throws nothing: an input with a fault fails its start,
 * and the machine is done at once with `failStart(term)`.
 */
export const taskSupervisorMachine = compile(bareTaskSupervisor.provide({ actors: { pool: taskPoolLogic as never } }));

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

/** A task that was started; its leaf is made when it is asked for. */
class Started implements StartedTask {
  readonly #run: TaskRun;

  constructor(run: TaskRun) {
    this.#run = run;
  }

  get id(): string {
    return this.#run.id;
  }

  get ref(): AnyActorRef {
    return this.#run.actor;
  }
}

/** A task whose result is awaited. */
export class Task<Value> implements StartedTask {
  /** How it ended. Never rejects. */
  readonly outcome: Promise<TaskOutcome<Value>>;
  readonly #run: TaskRun;

  constructor(run: TaskRun, outcome: Promise<TaskOutcome<Value>>) {
    this.outcome = outcome;
    this.#run = run;
  }

  /** Unique among the tasks that live. */
  get id(): string {
    return this.#run.id;
  }

  /** Its leaf: a chart that is `running` until the task has ended. */
  get ref(): AnyActorRef {
    return this.#run.actor;
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
      const clock = clockOf(this.ref.system);
      const timer = clock.setTimeout(() => {
        resolve(null);
      }, timeoutMs);
      void this.outcome.then((outcome) => {
        clock.clearTimeout(timer);
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
    const run = this.#run;
    if (run.endedBy === undefined) {
      run.unlink();
      if (how === 'brutalKill') run.pool.kill(run);
      else run.pool.ask(run, how);
    }
    const outcome = await this.outcome;
    const expected = how === 'brutalKill' ? 'killed' : 'shutdown';
    return !outcome.ok && outcome.reason === expected ? null : outcome;
  }

  /** Tells the task to end; its outcome is `cancelled`, at once unless it traps exits. */
  cancel(): void {
    cancelRun(this.#run);
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
  /** Where the last task was started. One that takes tasks belongs to the supervisor that runs. */
  #known: TaskPool | undefined;

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
    if (this.#known?.isOpen === true) return this.#known;
    const ref = this.#resolve();
    if (ref === undefined || exitReason(ref) !== null) return undefined;
    const pool = childrenOf(ref).find((child) => child.id === 'pool');
    this.#known = (pool?.getSnapshot() as { pool?: TaskPool } | undefined)?.pool;
    return this.#known;
  }

  /** An order to a supervisor that runs takes effect at the call: nothing that comes after is started. */
  async #order(give: (supervisor: SupervisorHandle) => Promise<ExitReport>): Promise<ExitReport> {
    const running = this.#resolve();
    if (running !== undefined && exitReason(running) === null) return give(supervisorHandle(running));
    await this.#ready();
    return give(supervisorHandle(this.ref));
  }

  #start(fn: TaskFn<unknown>, plan: TaskPlan, settled: Settled | undefined): TaskRun | TaskRefusal {
    return this.#pool()?.start(fn, plan, settled) ?? 'noproc';
  }

  /**
   * Fire and forget.
   * @returns the task, or why none could be started
   * @throws EspalierError `supervision/invalid-task` for what is no function or an option that is out of range, `supervision/invalid-options` for
   *   options that are no object or have a name that nobody knows; in both cases nothing has started
   */
  start(fn: TaskFn<unknown>, options: StartOptions = noOptions): StartResult<StartedTask> {
    const isQuick = isPlain(fn, options);
    if (!isQuick) requireTask(fn, options, 'start');
    const run = this.#start(fn, isQuick ? plainPlan : planOf(options), options.onEnd);
    return typeof run === 'string' ? { ok: false, reason: run } : { ok: true, task: new Started(run) };
  }

  /**
   * Starts a task whose outcome is wanted.
   * @returns the task, or why none could be started
   * @throws EspalierError as {@link TaskSupervisor.start} does
   */
  async<Value>(fn: TaskFn<Value>, options: AsyncOptions = noOptions): StartResult<Task<Value>> {
    requireTask(fn, options, 'async');
    return this.#async(fn, options);
  }

  #async<Value>(fn: TaskFn<Value>, options: AsyncOptions): StartResult<Task<Value>> {
    let settle: Settled | undefined;
    const outcome = new Promise<TaskOutcome<Value>>((resolve) => {
      settle = resolve as Settled;
    });
    const run = this.#launch(fn, planOf(options), settle);
    return typeof run === 'string' ? { ok: false, reason: run } : { ok: true, task: new Task(run, outcome) };
  }

  /** Starts a task whose end takes its link to its owner with it. */
  #launch(fn: TaskFn<unknown>, plan: TaskPlan, settled: Settled | undefined): TaskRun | TaskRefusal {
    const run = this.#start(fn, plan, settled);
    const { owner } = plan;
    if (typeof run === 'object' && owner !== undefined && exitReason(run.actor) === null) onExit(run.actor, () => unlink(run.actor, owner));
    return run;
  }

  /**
   * Starts a task and waits for its outcome.
   * @returns how it ended, or why it could not start. Rejects for misuse only, with what {@link TaskSupervisor.start} throws.
   */
  async run<Value>(
    fn: TaskFn<Value>,
    options: TaskOptions = noOptions,
  ): Promise<TaskOutcome<Value> | { readonly ok: false; readonly reason: TaskRefusal }> {
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
    const plan = planOfStream(options);
    return streamTasks((one, settled) => this.#launch(one, plan, settled), items, fn, options);
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
    const run = key === undefined ? undefined : pool?.get(key);
    if (pool === undefined || run === undefined) return { ok: false, reason: 'notFound' };
    pool.ask(run, run.plan.shutdownMs);
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
