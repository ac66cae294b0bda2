/**
 * One run of one task: what its function is given, how it ended, and the actor that stands for it.
 *
 * A run keeps what most of them need; the rest (its signal, its deadline, its actor) is made when it is first asked for.
 */
import type { AnyActorRef } from 'xstate';

import type { RestartType, ShutdownMs } from '../../machines/supervision/child-spec.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import type { TaskEvent } from '../../machines/supervision/task.js';
import type { Deadline } from './deadlines.js';
import { LeanTask } from './lean-task.js';
import type { Slice } from './slices.js';
import type { TaskPool } from './task-pool.js';
import { unlink } from './watch.js';

/** What a task's function is called with. */
export interface TaskScope {
  /** The task's id; unique among the tasks that live. */
  readonly id: string;
  /** Aborted when the task is told to end, times out, or is killed. Made when it is first read. */
  readonly signal: AbortSignal;
}

/**
 * What a task runs: called once per run with its scope, within the call that starts it, as an async function is; in a burst that would hold the event loop,
 * in one of the loop's next turns. What it returns, or the promise that it returns comes to, is the task's value; what it throws or rejects with is its
 * crash, and a thrown `Exit` its reason.
 */
export type TaskFn<Value> = (scope: TaskScope) => Value | PromiseLike<Value>;

/**
 * How a task ended. `timedOut`: its deadline passed · `cancelled`: its signal or its owner said so · `lost`: its supervisor was killed, or could not
 * restore it · else the exit reason, `{ crash: error }` for one that threw.
 */
export type TaskOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: 'timedOut' | 'cancelled' | 'lost' | ExitReason };

/** How a task is to be run. */
export interface TaskPlan {
  readonly restart: RestartType;
  readonly shutdownMs: ShutdownMs;
  readonly trapExit: boolean;
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly name: string | undefined;
  /** Linked to the task before its function begins. */
  readonly owner: AnyActorRef | undefined;
}

/** Told once, when the task has ended for good. */
export type Settled = (outcome: TaskOutcome<unknown>) => void;

export const idPrefix = 'task#';

/** Ids are put together of texts that are there: to make that of a number costs as much again, and a report has an id for each task. */
const block = 1_000;
const numbers: readonly string[] = Array.from({ length: block }, (_, number) => String(number));
const endings: readonly string[] = numbers.map((number) => number.padStart(3, '0'));
/** With what the ids in a block of slots begin: in the one that was asked for last. */
let blockOfLast = 0;
let beginning = idPrefix;

function idOf(slot: number): string {
  if (slot < block) return idPrefix + (numbers[slot] as string);
  const number = Math.floor(slot / block);
  if (number !== blockOfLast) {
    blockOfLast = number;
    beginning = idPrefix + number;
  }
  return beginning + (endings[slot - number * block] as string);
}

/** What most runs do without. */
interface Extras {
  controller: AbortController | undefined;
  /** Why its signal is aborted; also for a function that looks at it only later. */
  abortedFor: string | undefined;
  unfollow: (() => void) | undefined;
  /** Monotonic ms at which it was told to end. */
  askedAt: number | null;
  killed: boolean;
  /** How the run before it ended, while its supervisor decides whether there is to be this one. */
  cause: ExitReason | undefined;
  /** What it came to, until its actor has said that it has ended. */
  outcome: TaskOutcome<unknown> | undefined;
  deadline: TaskDeadline | undefined;
}

/** Its fields belong to its pool. */
export class TaskRun implements Slice {
  readonly pool: TaskPool;
  /** Of its slot. */
  readonly slot: number;
  /** Nothing once it is over: whoever keeps its actor keeps no function of the app's. */
  fn: TaskFn<unknown> | undefined;
  readonly plan: TaskPlan;
  settled: Settled | undefined;
  /** What its chart was told, or the order by which it was stopped. */
  endedBy: TaskEvent | ExitReason | undefined;
  ref: AnyActorRef | undefined;
  #extras: Extras | undefined;

  constructor(pool: TaskPool, slot: number, fn: TaskFn<unknown>, plan: TaskPlan, settled: Settled | undefined) {
    this.pool = pool;
    this.slot = slot;
    this.fn = fn;
    this.plan = plan;
    this.settled = settled;
    this.endedBy = undefined;
    this.ref = undefined;
    this.#extras = undefined;
  }

  get id(): string {
    return idOf(this.slot);
  }

  /** Its turn has come to begin. */
  take(): void {
    this.pool.begin(this);
  }

  /** Its actor, made in part when nobody has asked for it before. */
  get actor(): AnyActorRef {
    this.ref ??= new LeanTask(this) as unknown as AnyActorRef;
    return this.ref;
  }

  get askedAt(): number | null {
    return this.#extras === undefined ? null : this.#extras.askedAt;
  }

  get killed(): boolean {
    return this.#extras?.killed === true;
  }

  /** Why the run before it ended; undefined once it is its turn to run. */
  get cause(): ExitReason | undefined {
    return this.#extras?.cause;
  }

  /** Its supervisor has decided that it runs. */
  decided(): void {
    this.#rest().cause = undefined;
  }

  get outcome(): TaskOutcome<unknown> | undefined {
    return this.#extras?.outcome;
  }

  set outcome(outcome: TaskOutcome<unknown> | undefined) {
    this.#rest().outcome = outcome;
  }

  #rest(): Extras {
    this.#extras ??= {
      controller: undefined,
      abortedFor: undefined,
      unfollow: undefined,
      askedAt: null,
      killed: false,
      cause: undefined,
      outcome: undefined,
      deadline: undefined,
    };
    return this.#extras;
  }

  /** It was told to end. @returns whether it had been before */
  noteAsked(at: number): boolean {
    const rest = this.#rest();
    const again = rest.askedAt !== null;
    rest.askedAt ??= at;
    return again;
  }

  noteKilled(): void {
    this.#rest().killed = true;
  }

  get deadline(): TaskDeadline {
    const rest = this.#rest();
    rest.deadline ??= new TaskDeadline(this);
    return rest.deadline;
  }

  get signal(): AbortSignal {
    if (this.endedBy !== undefined) return AbortSignal.abort(abortReason('cancelled'));
    const rest = this.#rest();
    if (rest.abortedFor !== undefined) return AbortSignal.abort(abortReason(rest.abortedFor));
    rest.controller ??= new AbortController();
    return rest.controller.signal;
  }

  /** Aborts its signal. Its listeners are the app's: when they are done, it may be over, and another task in its slot. */
  abort(reason: unknown): void {
    // Nobody has read its signal. A task that does not trap exits ends with this, and a signal that is read after the end is aborted from the start.
    if (this.#extras?.controller === undefined && !this.plan.trapExit) return;
    const rest = this.#rest();
    rest.abortedFor ??= typeof reason === 'string' ? reason : 'ended';
    const { controller } = rest;
    rest.controller = undefined;
    controller?.abort(abortReason(rest.abortedFor));
  }

  /** Cancels the task when the app's own signal aborts. */
  follow(signal: AbortSignal): void {
    const cancel = (): void => cancelRun(this);
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener('abort', cancel, { once: true });
    this.#rest().unfollow = () => signal.removeEventListener('abort', cancel);
  }

  /** Ended by order of its owner, it must not take its owner with it. @see Elixir Task.shutdown/2, which unlinks first */
  unlink(): void {
    if (this.ref !== undefined && this.plan.owner !== undefined) unlink(this.ref, this.plan.owner);
  }

  /** The same task, to run once more if its supervisor decides so; what it follows goes with it. */
  successor(cause: ExitReason): TaskRun {
    const next = new TaskRun(this.pool, this.slot, this.fn as TaskFn<unknown>, this.plan, this.settled);
    const rest = next.#rest();
    rest.cause = cause;
    rest.unfollow = this.#extras?.unfollow;
    this.forget();
    return next;
  }

  /** It is over, and so is what it followed. */
  release(): void {
    this.#extras?.unfollow?.();
    this.forget();
  }

  /** Lets go of what only a run that goes on needs: whoever keeps its actor keeps no function of the app's. */
  forget(): void {
    const deadline = this.#extras?.deadline;
    if (deadline !== undefined) this.pool.deadlines.remove(deadline);
    this.#extras = undefined;
    this.fn = undefined;
    this.settled = undefined;
  }
}

/** Tells a run to end; its outcome is `cancelled`, at once unless it traps exits. */
export function cancelRun(run: TaskRun): void {
  run.pool.ask(run, run.plan.shutdownMs, { ok: false, reason: 'cancelled' });
}

/** What a task's function is called with; it shows nothing else of its run. */
export class RunScope implements TaskScope {
  readonly #run: TaskRun;

  constructor(run: TaskRun) {
    this.#run = run;
  }

  get id(): string {
    return this.#run.id;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }
}

/** When a run has taken long enough: to its end, or since it was told to end. */
export class TaskDeadline implements Deadline {
  dueAt = 0;
  place = -1;
  readonly #run: TaskRun;

  constructor(run: TaskRun) {
    this.#run = run;
  }

  expired(): void {
    this.#run.pool.expired(this.#run);
  }
}

/** What a signal is aborted with: made once per reason, for making an error is dear; frozen, for it is everybody's. */
const abortReasons = new Map<string, DOMException>();

function abortReason(reason: string): DOMException {
  let known = abortReasons.get(reason);
  if (known === undefined) {
    known = Object.freeze(new DOMException(`the task was ended: ${reason}`, reason === 'timedOut' ? 'TimeoutError' : 'AbortError'));
    if (abortReasons.size < 16) abortReasons.set(reason, known);
  }
  return known;
}
