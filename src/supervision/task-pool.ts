/**
 * The pool of a task supervisor: runs functions, one leaf actor each, and tells the leaf how its function ended.
 *
 * Slots and their ids are used again, so nothing is kept of a task that has ended; all deadlines share one timer; an abort signal is made when it is
 * read. A late result finds another run in its slot and touches nothing.
 */
import type { AnyActorRef } from 'xstate';

import type { RestartType, ShutdownMs } from '../../machines/supervision/child-spec.js';
import { childOfEvent, reasonOfError, reasonOfEvent, type ExitReason } from '../../machines/supervision/exit.js';
import type { EndedChild } from '../../machines/supervision/pool.js';
import { shouldRestart } from '../../machines/supervision/restart-policy.js';
import type { TaskPoolCommand, TaskPoolFact, TaskPoolInput } from '../../machines/supervision/task-supervisor.js';
import { clockOf, type Clock } from './clock.js';
import { DeadlineQueue } from './deadlines.js';
import { restoreTimers, timersOf, type PersistedTimer } from './persistence.js';
import { poolActor, type AnyPoolScope, type PoolEnded, type PoolLogic } from './pool-actor.js';
import { taskLeaf } from './task-leaf.js';
import { TaskSlot, type TaskFn, type TaskOutcome } from './task-slot.js';
import { exitReason, link, noteOrder, orderOf } from './watch.js';
import { createChild, systemOf } from './xstate-internals.js';

export type TaskPoolEvent = TaskPoolCommand | PoolEnded;

/** How a task is to be run. */
export interface TaskPlan {
  readonly fn: TaskFn<unknown>;
  readonly restart: RestartType;
  readonly shutdownMs: ShutdownMs;
  readonly trapExit: boolean;
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly name: string | undefined;
  /** Linked to the task before its function begins. */
  readonly owner: AnyActorRef | undefined;
  /** Told once, when the task has ended for good. */
  readonly settled: ((outcome: TaskOutcome<unknown>) => void) | undefined;
}

type Mode = 'open' | 'draining' | 'stopping' | 'gone';

/** Why no task could be started. */
export type TaskRefusal = 'maxChildren' | 'draining' | 'noproc';

const idPrefix = 'task#';

/** Free slots kept for use again; a burst beyond it gives its memory back. */
const mostFreeSlots = 1_024;

/** One task pool at work. */
export class TaskPool {
  readonly deadlines: DeadlineQueue;
  readonly #scope: AnyPoolScope;
  readonly #supervisor: AnyActorRef;
  readonly #clock: Clock;
  readonly #maxChildren: number;
  /** By the number in their id. An array, for a Map whose keys are deleted and set again is searched through all their former places. */
  readonly #slots: (TaskSlot | undefined)[] = [];
  /** Numbers that are free. */
  readonly #free: number[] = [];
  #size = 0;
  #kept = 0;
  #mode: Mode = 'open';
  #ended: EndedChild[] = [];
  /** Who ended without the chart's hearing of it: with the pool, or while it was stopping. */
  left: readonly EndedChild[] = [];

  constructor(scope: AnyPoolScope, { supervisor, maxChildren }: TaskPoolInput) {
    this.#scope = scope;
    this.#supervisor = supervisor;
    this.#clock = clockOf(supervisor.system);
    this.#maxChildren = maxChildren === 'infinity' ? Infinity : maxChildren;
    this.deadlines = new DeadlineQueue(this.#clock);
  }

  get size(): number {
    return this.#size;
  }

  now(): number {
    return this.#clock.now();
  }

  keyOf(actor: AnyActorRef): string | undefined {
    return this.get(actor.id)?.ref === actor ? actor.id : undefined;
  }

  /** The task that lives under this id. */
  get(id: string): TaskSlot | undefined {
    const slot = this.#slots[Number(id.slice(idPrefix.length))];
    return slot?.plan === undefined ? undefined : slot;
  }

  #all(): TaskSlot[] {
    return this.#slots.filter((slot): slot is TaskSlot => slot?.plan !== undefined);
  }

  actors(): readonly AnyActorRef[] {
    return this.#all().flatMap(({ ref }) => ref ?? []);
  }

  /** An empty slot, used before or new. */
  #take(): TaskSlot {
    const number = this.#free.pop() ?? this.#slots.length;
    const known = this.#slots[number];
    if (known !== undefined) {
      this.#kept--;
      return known;
    }
    const slot = new TaskSlot(`${idPrefix}${number}`, this);
    this.#slots[number] = slot;
    return slot;
  }

  #giveBack(slot: TaskSlot): void {
    const number = Number(slot.id.slice(idPrefix.length));
    this.#size--;
    this.#free.push(number);
    if (this.#kept < mostFreeSlots) this.#kept++;
    else this.#slots[number] = undefined;
  }

  /** Starts a task; its function begins in this call, as an async function's does. */
  start(plan: TaskPlan): { ok: true; slot: TaskSlot; run: number; ref: AnyActorRef } | { ok: false; reason: TaskRefusal } {
    if (this.#mode !== 'open') return { ok: false, reason: this.#mode === 'draining' ? 'draining' : 'noproc' };
    if (this.#size >= this.#maxChildren) return { ok: false, reason: 'maxChildren' };
    const slot = this.#take();
    slot.plan = plan;
    this.#size++;
    const ref = this.#spawn(slot);
    const { run } = slot;
    if (plan.deadlineMs !== undefined) this.deadlines.add(slot, plan.deadlineMs);
    if (plan.owner !== undefined && !link(ref, plan.owner).ok) this.ask(slot, 'brutalKill');
    if (plan.signal !== undefined && slot.run === run) slot.follow(plan.signal);
    if (slot.run === run && !slot.ended) this.#run(slot, plan.fn);
    return { ok: true, slot, run, ref };
  }

  #spawn(slot: TaskSlot): AnyActorRef {
    const ref = createChild(taskLeaf, { parent: this.#scope.self, id: slot.id, src: 'task' });
    slot.ref = ref;
    ref.start();
    return ref;
  }

  #run(slot: TaskSlot, fn: TaskFn<unknown>): void {
    const { run } = slot;
    try {
      const result = fn(slot.scope(run));
      const then = (result as { then?: unknown } | null | undefined)?.then;
      if (typeof then !== 'function') {
        this.succeeded(slot, run, result);
        return;
      }
      then.call(
        result,
        (value: unknown) => {
          this.succeeded(slot, run, value);
        },
        (error: unknown) => {
          this.failed(slot, run, error);
        },
      );
    } catch (error) {
      this.failed(slot, run, error);
    }
  }

  succeeded(slot: TaskSlot, run: number, value: unknown): void {
    if (slot.run !== run || slot.ended) return;
    slot.outcome = { ok: true, value };
    slot.end({ type: 'task.succeeded' });
  }

  failed(slot: TaskSlot, run: number, error: unknown): void {
    if (slot.run === run && !slot.ended) slot.end({ type: 'task.failed', reason: reasonOfError(error) });
  }

  /** Tells a task to end. One that traps exits has until its shutdown time is over; then it is killed. */
  ask(slot: TaskSlot, shutdownMs: ShutdownMs, outcome?: TaskOutcome<never>): void {
    if (slot.ended) return;
    if (shutdownMs === 'brutalKill') {
      this.kill(slot);
      return;
    }
    const { run } = slot;
    const again = slot.askedAt !== null;
    slot.askedAt ??= this.#clock.now();
    if (outcome !== undefined) slot.unlink();
    slot.abort(outcome?.ok === false ? outcome.reason : 'shutdown');
    if (slot.run !== run || slot.ended) return;
    if (slot.plan?.trapExit !== true) {
      slot.outcome = outcome;
      slot.end({ type: 'task.cancelled', reason: 'shutdown' });
      return;
    }
    if (again && slot.place >= 0 && (shutdownMs === 'infinity' || slot.dueAt <= this.#clock.now() + shutdownMs)) return;
    this.deadlines.remove(slot);
    if (shutdownMs !== 'infinity') this.deadlines.add(slot, shutdownMs);
  }

  kill(slot: TaskSlot): void {
    const { ref, run } = slot;
    if (ref === undefined || slot.ended) return;
    slot.askedAt ??= this.#clock.now();
    slot.killed = true;
    slot.abort('killed');
    if (slot.run !== run || slot.ended) return;
    noteOrder(ref, 'killed');
    this.#scope.stopChild(ref);
    this.#finish(slot, 'killed');
  }

  handle(event: TaskPoolEvent): void {
    switch (event.type) {
      case 'pool.restart':
        this.#restart(this.get(event.id));
        return;
      case 'pool.drain':
        this.#mode = 'draining';
        this.#checkEmptied();
        return;
      case 'pool.stopAll':
        this.#stopAll();
        return;
      case 'pool.list': {
        const which = this.#all().map(({ id }) => ({ key: id, status: 'running' as const, type: 'worker' as const }));
        this.#report({ type: 'pool.listed', call: event.call, question: event.question, which });
        return;
      }
      case 'pool.ended': {
        const slot = this.get(event.id);
        if (slot !== undefined && slot.ref === event.actor) this.#finish(slot, exitReason(event.actor) ?? 'shutdown');
        return;
      }
      default: {
        const reason = reasonOfEvent(event);
        const slot = reason === undefined ? undefined : this.get(childOfEvent(event));
        if (reason !== undefined && slot?.ref !== undefined && exitReason(slot.ref) !== null) this.#finish(slot, reason);
      }
    }
  }

  #restart(slot: TaskSlot | undefined): void {
    if (slot?.plan === undefined || this.#mode !== 'open') return;
    this.#spawn(slot);
    this.deadlines.remove(slot);
    if (slot.plan.deadlineMs !== undefined) this.deadlines.add(slot, slot.plan.deadlineMs);
    this.#run(slot, slot.plan.fn);
  }

  #finish(slot: TaskSlot, reason: ExitReason): void {
    const { plan, run } = slot;
    if (plan === undefined) return;
    if (!slot.ended) slot.abort(reason);
    if (slot.run !== run) return;
    if (this.#mode === 'open' && slot.askedAt === null && shouldRestart(plan.restart, reason)) {
      slot.again();
      this.#report({ type: 'task.exited', id: slot.id, reason, at: this.#clock.now() });
      return;
    }
    const outcome = slot.outcome ?? { ok: false, reason };
    if (this.#mode === 'stopping' || this.#mode === 'draining') {
      const tookMs = slot.askedAt === null ? 0 : this.#clock.now() - slot.askedAt;
      this.#ended.push({ id: plan.name ?? slot.id, reason, tookMs, killed: slot.killed });
    }
    this.deadlines.remove(slot);
    slot.release();
    this.#giveBack(slot);
    plan.settled?.(outcome);
    this.#checkEmptied();
  }

  #report(fact: TaskPoolFact): void {
    systemOf(this.#scope.self)._relay(this.#scope.self, this.#supervisor, fact);
  }

  #stopAll(): void {
    this.#mode = 'stopping';
    for (const slot of this.#all()) {
      if (slot.plan?.trapExit === true && slot.ref !== undefined && exitReason(slot.ref) === null) this.ask(slot, slot.plan.shutdownMs);
      else this.#cut(slot);
    }
    this.#checkEmptied();
  }

  /** Ends a task that does not trap exits, without a word to its leaf: half the price where all are ended. */
  #cut(slot: TaskSlot): void {
    if (slot.plan?.shutdownMs === 'brutalKill') {
      this.kill(slot);
      return;
    }
    const { run } = slot;
    slot.abort('shutdown');
    if (slot.run !== run) return;
    if (slot.ref !== undefined) this.#scope.stopChild(slot.ref);
    this.#finish(slot, 'shutdown');
  }

  #checkEmptied(): void {
    if (this.#size > 0 || (this.#mode !== 'stopping' && this.#mode !== 'draining')) return;
    this.#mode = 'gone';
    const ended = this.#ended;
    this.#ended = [];
    this.#report({ type: 'pool.emptied', ended });
  }

  /** The pool as JSON; of its tasks only their names. */
  persist(): PersistedTaskPool {
    const at = this.#clock.now();
    const tasks = this.#all().map(({ id, plan }) => ({ id, name: plan?.name ?? id }));
    const maxChildren = this.#maxChildren === Infinity ? 'infinity' : this.#maxChildren;
    return { status: 'active', at, mode: this.#mode, maxChildren, tasks, timers: timersOf(this.#supervisor, at) };
  }

  /** Goes on where a saved pool was, without the tasks that it had: each is told as lost, once the app has had a chance to listen. */
  resume({ at, mode, tasks, timers }: PersistedTaskPool): void {
    this.#mode = mode;
    this.#report({ type: 'clock.rebased', offsetMs: this.#clock.now() - at });
    queueMicrotask(() => {
      for (const { id, name } of tasks) this.#report({ type: 'task.lost', id, name });
    });
    restoreTimers(this.#supervisor, timers);
    this.#checkEmptied();
  }

  /** The chart is gone: so is every task; its owner learns that it is lost. */
  leave(): void {
    this.#mode = 'gone';
    this.deadlines.clear();
    const reason = orderOf(this.#supervisor) ?? 'killed';
    for (const slot of this.#all()) {
      const { plan, ref } = slot;
      const tookMs = slot.askedAt === null ? 0 : this.#clock.now() - slot.askedAt;
      if (plan !== undefined) this.#ended.push({ id: plan.name ?? slot.id, reason, tookMs, killed: reason === 'killed' });
      slot.abort('killed');
      if (ref !== undefined) {
        noteOrder(ref, reason);
        this.#scope.stopChild(ref);
      }
      slot.release();
      this.#giveBack(slot);
      plan?.settled?.({ ok: false, reason: 'lost' });
    }
    this.left = this.#ended;
  }
}

/** A task pool, saved: functions cannot be, so only who they were. */
export interface PersistedTaskPool {
  readonly status: 'active';
  /** Monotonic ms, on the clock of the tree that was saved. */
  readonly at: number;
  readonly mode: Mode;
  readonly maxChildren: number | 'infinity';
  readonly tasks: readonly { readonly id: string; readonly name: string }[];
  readonly timers: readonly PersistedTimer[];
}

/** The task pool, as the actor that the task supervisor machine is provided with. */
export const taskPoolLogic: PoolLogic<TaskPool, TaskPoolEvent, TaskPoolInput> = poolActor<TaskPool, TaskPoolEvent, TaskPoolInput, PersistedTaskPool>({
  create: (scope, input) => new TaskPool(scope, input),
  resume: (scope, supervisor, { maxChildren }) => new TaskPool(scope, { supervisor, maxChildren }),
});
