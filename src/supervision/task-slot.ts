/** The place of one task in its pool, used again by the next. */
import type { AnyActorRef } from 'xstate';

import type { ExitReason } from '../../machines/supervision/exit.js';
import type { TaskEvent } from '../../machines/supervision/task.js';
import type { Deadline } from './deadlines.js';
import type { TaskPlan, TaskPool } from './task-pool.js';
import { unlink } from './watch.js';

/** What a task's function is called with. */
export interface TaskScope {
  /** The task's id; unique among the tasks that live. */
  readonly id: string;
  /** Aborted when the task is told to end, times out, or is killed. Made when it is first read. */
  readonly signal: AbortSignal;
}

/**
 * What a task runs: called once per run with its scope, within the call that starts it, as an async function is. What it returns, or the promise that
 * it returns comes to, is the task's value; what it throws or rejects with is its crash, and a thrown `Exit` its reason.
 */
export type TaskFn<Value> = (scope: TaskScope) => Value | PromiseLike<Value>;

/**
 * How a task ended. `timedOut`: its deadline passed · `cancelled`: its signal or its owner said so · `lost`: its supervisor was killed, or could not
 * restore it · else the exit reason, `{ crash: error }` for one that threw.
 */
export type TaskOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: 'timedOut' | 'cancelled' | 'lost' | ExitReason };

/** What a signal is aborted with: made once per reason, for making an error is dear. */
const abortReasons = new Map<string, DOMException>();

/** One slot. Its fields belong to its pool. */
export class TaskSlot implements Deadline {
  readonly id: string;
  readonly #pool: TaskPool;
  /** Which task this is the slot's; a late result brings an older number. */
  run = 0;
  plan: TaskPlan | undefined;
  ref: AnyActorRef | undefined;
  outcome: TaskOutcome<unknown> | undefined;
  ended = false;
  askedAt: number | null = null;
  killed = false;
  dueAt = 0;
  place = -1;
  #controller: AbortController | undefined;
  /** Why this run's signal is aborted; also for a function that looks at it only later. */
  #abortedFor: string | undefined;
  #unfollow: (() => void) | undefined;

  constructor(id: string, pool: TaskPool) {
    this.id = id;
    this.#pool = pool;
  }

  /** What the function of this run is given. */
  scope(run: number): TaskScope {
    return new RunScope(this, run);
  }

  signalOf(run: number): AbortSignal {
    if (run !== this.run || this.ended) return AbortSignal.abort(abortReason('cancelled'));
    if (this.#abortedFor !== undefined) return AbortSignal.abort(abortReason(this.#abortedFor));
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Tells the leaf how it ended; its pool hears of it as the leaf's own end. */
  end(event: TaskEvent): void {
    this.ended = true;
    this.ref?.send(event);
  }

  /** Ended by order of its owner, it must not take its owner with it. @see Elixir Task.shutdown/2, which unlinks first */
  unlink(): void {
    if (this.ref !== undefined && this.plan?.owner !== undefined) unlink(this.ref, this.plan.owner);
  }

  /** Aborts this run's signal. Its listeners are the app's: when they are done, the slot may hold another run, or another task. */
  abort(reason: unknown): void {
    this.#abortedFor ??= typeof reason === 'string' ? reason : 'ended';
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.abort(abortReason(this.#abortedFor));
  }

  /** Cancels the task when the app's own signal aborts. */
  follow(signal: AbortSignal): void {
    const cancel = (): void => {
      this.#pool.ask(this, this.plan?.shutdownMs ?? 'brutalKill', { ok: false, reason: 'cancelled' });
    };
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener('abort', cancel, { once: true });
    this.#unfollow = () => {
      signal.removeEventListener('abort', cancel);
    };
  }

  /** Its deadline passed: a running task has timed out, one that was told to end is killed. */
  expired(): void {
    if (this.askedAt !== null) {
      this.#pool.kill(this);
      return;
    }
    const { run } = this;
    this.unlink();
    this.outcome = { ok: false, reason: 'timedOut' };
    this.abort('timedOut');
    if (this.run === run && !this.ended) this.end({ type: 'task.timedOut' });
  }

  /** The same task runs once more. */
  again(): void {
    this.run++;
    this.ended = false;
    this.outcome = undefined;
    this.#controller = undefined;
    this.#abortedFor = undefined;
  }

  /** Empty for the next task. */
  release(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.again();
    this.plan = undefined;
    this.ref = undefined;
    this.askedAt = null;
    this.killed = false;
  }
}

/** What a task's function is called with; it keeps nothing alive but the slot. */
class RunScope implements TaskScope {
  readonly #slot: TaskSlot;
  readonly #run: number;

  constructor(slot: TaskSlot, run: number) {
    this.#slot = slot;
    this.#run = run;
  }

  get id(): string {
    return this.#slot.id;
  }

  get signal(): AbortSignal {
    return this.#slot.signalOf(this.#run);
  }
}

function abortReason(reason: string): DOMException {
  let known = abortReasons.get(reason);
  if (known === undefined) {
    known = new DOMException(`the task was ended: ${reason}`, reason === 'timedOut' ? 'TimeoutError' : 'AbortError');
    if (abortReasons.size < 16) abortReasons.set(reason, known);
  }
  return known;
}
