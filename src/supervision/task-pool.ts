/**
 * The pool of a task supervisor: runs functions, and tells their owners how they ended.
 *
 * A task is a row of a table of slots, and its actor is made when somebody asks for it (lean-task.ts), unless somebody looks at the system, or the supervisor was
 * told to make every task an actor in full. Either way it goes through the states of machines/supervision/task.ts, and ends as they say.
 *
 * Slots and their ids are used again, so nothing is kept of a task that has ended; all deadlines share one timer; an abort signal is made when it is
 * read. A late result finds its own run over, and touches nothing. A burst is spread over turns of the event loop (slices.ts).
 */
import type { AnyActorRef } from 'xstate';

import type { ShutdownMs } from '../../machines/supervision/child-spec.js';
import { reasonOfError, type ExitReason } from '../../machines/supervision/exit.js';
import type { EndedChild } from '../../machines/supervision/pool.js';
import { shouldRestart } from '../../machines/supervision/restart-policy.js';
import type { TaskEvent } from '../../machines/supervision/task.js';
import type { TaskLane, TaskPoolCommand, TaskPoolFact, TaskPoolInput } from '../../machines/supervision/task-supervisor.js';
import { clockOf, type Clock } from './clock.js';
import { DeadlineQueue } from './deadlines.js';
import { printFault } from './last-resort.js';
import { canBeLean, isInFull, makeInFull, startInFull } from './lean-task.js';
import { restoreTimers, timersOf } from './persistence.js';
import type { PersistedTaskPool, TaskPoolMode } from './saved-tasks.js';
import { poolActor, type AnyPoolScope, type PoolEnded, type PoolLogic } from './pool-actor.js';
import { Slices } from './slices.js';
import { cancelled, LateEnd, outOfTime, reasonOf, shutDown, succeeded, timedOut, type Then } from './task-ends.js';
import { taskLeaf } from './task-leaf.js';
import { idPrefix, RunScope, type Settled, type TaskFn, type TaskOutcome, type TaskPlan, type TaskRun } from './task-run.js';
import { TaskSlots } from './task-slots.js';
import { exitReason, link, noteOrder, orderOf } from './watch.js';
import { watchedSystemOf, type Unseen, type WatchedSystem } from './watched-system.js';
import { endedChildOf, keepUnlisted, systemOf } from './xstate-internals.js';

export type TaskPoolEvent = TaskPoolCommand | PoolEnded;

/** Why no task could be started. */
export type TaskRefusal = 'maxChildren' | 'draining' | 'noproc';

/** One task pool at work. */
export class TaskPool implements Unseen {
  readonly deadlines: DeadlineQueue;
  readonly self: AnyActorRef;
  readonly #scope: AnyPoolScope;
  readonly #supervisor: AnyActorRef;
  readonly #clock: Clock;
  readonly #maxChildren: number;
  readonly #lane: TaskLane;
  readonly #watched: WatchedSystem;
  readonly #slices = new Slices();
  readonly #slots = new TaskSlots(this);
  #mode: TaskPoolMode = 'open';
  #ended: EndedChild[] = [];
  /** Who ended without the chart's hearing of it: with the pool, or while it was stopping. */
  left: readonly EndedChild[] = [];

  constructor(scope: AnyPoolScope, { supervisor, maxChildren, lane = 'fast' }: TaskPoolInput) {
    this.#scope = scope;
    this.self = scope.self;
    this.#supervisor = supervisor;
    this.#clock = clockOf(supervisor.system);
    this.#maxChildren = maxChildren === 'infinity' ? Infinity : maxChildren;
    this.#lane = lane === 'fast' && !canBeLean() ? 'full' : lane;
    this.#watched = watchedSystemOf(scope.self);
    if (this.#lane === 'fast') this.#watched.join(this);
    this.deadlines = new DeadlineQueue(this.#clock);
    keepUnlisted(systemOf(scope.self), taskLeaf);
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Does it take tasks? */
  get isOpen(): boolean {
    return this.#mode === 'open';
  }

  keyOf(actor: AnyActorRef): string | undefined {
    return this.get(actor.id)?.ref === actor ? actor.id : undefined;
  }

  /** The run of the task that lives under this id. */
  get(id: string): TaskRun | undefined {
    return this.#slots.at(Number(id.slice(idPrefix.length)));
  }

  actors(): readonly AnyActorRef[] {
    return this.#slots.all().flatMap((run) => (run.cause !== undefined ? [] : [run.actor]));
  }

  /** Somebody looks at the system: those that run are actors in full from now on. */
  seen(): void {
    for (const run of this.#slots.all()) if (run.cause === undefined) makeInFull(run.actor);
  }

  /** Starts a task; its function begins in this call, as an async function's does, unless too much has begun in this turn of the event loop. */
  start(fn: TaskFn<unknown>, plan: TaskPlan, settled: Settled | undefined): TaskRun | TaskRefusal {
    if (this.#mode !== 'open') return this.#mode === 'draining' ? 'draining' : 'noproc';
    if (this.#slots.size >= this.#maxChildren) return 'maxChildren';
    const run = this.#slots.open(fn, plan, settled);
    this.#show(run);
    const { deadlineMs, owner, signal } = plan;
    if (deadlineMs !== undefined) this.deadlines.add(run.deadline, deadlineMs);
    if (owner !== undefined && !link(run.actor, owner).ok) this.ask(run, 'brutalKill');
    if (signal !== undefined && run.endedBy === undefined) run.follow(signal);
    this.#begin(run);
    return run;
  }

  /** Makes its actor, where that is to be there in full from the start. */
  #show(run: TaskRun): void {
    const { isWatched } = this.#watched;
    if (this.#lane === 'full' || isWatched) startInFull(run, isWatched);
  }

  #begin(run: TaskRun): void {
    if (run.endedBy !== undefined) return;
    if (this.#slices.hasRoom()) this.begin(run);
    else this.#slices.later(run);
  }

  /** Calls its function, unless it is over by now. */
  begin(run: TaskRun): void {
    const { fn } = run;
    // In a pool that stops, who has not begun is about to be ended.
    if (run.endedBy !== undefined || fn === undefined || this.#mode === 'stopping') return;
    this.#slices.deeper();
    try {
      const result = fn(new RunScope(run));
      const then = (result as { then?: unknown } | null | undefined)?.then;
      if (typeof then !== 'function') {
        this.settle(run, true, result);
        return;
      }
      this.#follow(run, result as object, then as Then);
    } catch (error) {
      this.settle(run, false, error);
    } finally {
      this.#slices.shallower();
    }
  }

  /** In a scope of its own, for what it makes lives as long as the promise. */
  #follow(run: TaskRun, result: object, then: Then): void {
    then.call(
      result,
      (value) => this.#settledWith(run, true, value),
      (error) => this.#settledWith(run, false, error),
    );
  }

  #settledWith(run: TaskRun, ok: boolean, value: unknown): void {
    if (run.endedBy !== undefined) return;
    if (this.#slices.hasRoom()) {
      this.settle(run, ok, value);
      return;
    }
    // It was in time; that it waits for its turn is not its fault.
    if (run.plan.deadlineMs !== undefined && run.askedAt === null) this.deadlines.remove(run.deadline);
    this.#slices.later(new LateEnd(run, ok, value));
  }

  /** Its function has come to a value, or to an error. */
  settle(run: TaskRun, ok: boolean, value: unknown): void {
    if (run.endedBy !== undefined) return;
    if (ok) this.#end(run, succeeded, { ok: true, value });
    else this.#end(run, { type: 'task.failed', reason: reasonOfError(value) }, undefined);
  }

  /** It has ended: by its own actor's word, where that is there in full. */
  #end(run: TaskRun, event: TaskEvent, outcome: TaskOutcome<unknown> | undefined): void {
    const { ref } = run;
    const isShown = ref !== undefined && isInFull(ref);
    run.endedBy = event;
    if (isShown) {
      run.outcome = outcome;
      ref.send(event);
    } else this.#finish(run, reasonOf(event), outcome);
  }

  /** Tells a task to end. One that traps exits has until its shutdown time is over; then it is killed. */
  ask(run: TaskRun, shutdownMs: ShutdownMs, outcome?: TaskOutcome<never>): void {
    if (run.endedBy !== undefined) return;
    if (shutdownMs === 'brutalKill') {
      this.kill(run);
      return;
    }
    const again = run.noteAsked(this.#clock.now());
    if (outcome !== undefined) run.unlink();
    run.abort(outcome?.ok === false ? outcome.reason : 'shutdown');
    if (run.endedBy !== undefined) return;
    if (!run.plan.trapExit || run.cause !== undefined) {
      this.#end(run, cancelled, outcome);
      return;
    }
    const { deadline } = run;
    if (again && deadline.place >= 0 && (shutdownMs === 'infinity' || deadline.dueAt <= this.#clock.now() + shutdownMs)) return;
    this.deadlines.remove(deadline);
    if (shutdownMs !== 'infinity') this.deadlines.add(deadline, shutdownMs);
  }

  kill(run: TaskRun): void {
    if (run.endedBy !== undefined) return;
    run.noteAsked(this.#clock.now());
    run.noteKilled();
    run.abort('killed');
    if (run.endedBy !== undefined) return;
    this.#stop(run, 'killed');
    this.#finish(run, 'killed');
  }

  /** Its deadline passed: a running task has timed out, one that was told to end is killed. */
  expired(run: TaskRun): void {
    if (run.askedAt !== null) {
      this.kill(run);
      return;
    }
    run.unlink();
    run.abort('timedOut');
    if (run.endedBy === undefined) this.#end(run, timedOut, outOfTime);
  }

  /** Stops its actor, whose end nobody is told. */
  #stop(run: TaskRun, reason: ExitReason): void {
    const { ref } = run;
    if (ref !== undefined) noteOrder(ref, reason);
    const isShown = ref !== undefined && isInFull(ref);
    run.endedBy = reason;
    if (isShown) this.#scope.stopChild(ref);
  }

  handle(event: TaskPoolEvent): void {
    switch (event.type) {
      case 'pool.restart':
        this.#restart(this.get(event.id));
        return;
      case 'pool.drain':
        this.#mode = 'draining';
        // Nobody decides on a restart any more.
        for (const run of this.#slots.all()) if (run.cause !== undefined) this.#finish(run, run.cause);
        this.#checkEmptied();
        return;
      case 'pool.stopAll':
        this.#mode = 'stopping';
        this.#stopFrom(0);
        return;
      case 'pool.list': {
        const which = this.#slots.all().map(({ id }) => ({ key: id, status: 'running' as const, type: 'worker' as const }));
        this.#report({ type: 'pool.listed', call: event.call, question: event.question, which });
        return;
      }
      case 'pool.ended': {
        const run = this.get(event.id);
        if (run?.ref === event.actor) this.#finish(run, exitReason(event.actor) ?? 'shutdown');
        return;
      }
      default: {
        const id = endedChildOf(event);
        const run = id === undefined ? undefined : this.get(id);
        const reason = run?.ref === undefined ? null : exitReason(run.ref);
        if (run !== undefined && reason !== null) this.#finish(run, reason);
      }
    }
  }

  #restart(run: TaskRun | undefined): void {
    if (run?.cause === undefined || this.#mode !== 'open') return;
    run.decided();
    this.#show(run);
    const { deadlineMs } = run.plan;
    if (deadlineMs !== undefined) this.deadlines.add(run.deadline, deadlineMs);
    this.#begin(run);
  }

  #finish(run: TaskRun, reason: ExitReason, outcome: TaskOutcome<unknown> = run.outcome ?? { ok: false, reason }): void {
    if (!this.#slots.has(run)) return;
    const { plan, settled } = run;
    if (run.endedBy === undefined) {
      run.abort(reason);
      if (!this.#slots.has(run)) return;
      run.endedBy ??= reason;
    }
    if (plan.restart !== 'temporary' && this.#mode === 'open' && run.askedAt === null && shouldRestart(plan.restart, reason)) {
      this.#slots.replace(run, reason);
      this.#report({ type: 'task.exited', id: run.id, reason, at: this.#clock.now() });
      return;
    }
    if (this.#mode === 'stopping' || this.#mode === 'draining') {
      const tookMs = run.askedAt === null ? 0 : this.#clock.now() - run.askedAt;
      this.#ended.push({ id: plan.name ?? run.id, reason, tookMs, killed: run.killed });
    }
    run.release();
    this.#slots.close(run, this.#mode === 'open');
    if (settled !== undefined) this.#tell(settled, outcome);
    if (this.#slots.size === 0) this.#checkEmptied();
  }

  /** What it does in the same call comes of this end. Its faults are not ours. */
  #tell(settled: Settled, outcome: TaskOutcome<unknown>): void {
    this.#slices.deeper();
    try {
      settled(outcome);
    } catch (error) {
      printFault('`onEnd` of a task', error);
    } finally {
      this.#slices.shallower();
    }
  }

  #report(fact: TaskPoolFact): void {
    systemOf(this.self)._relay(this.self, this.#supervisor, fact);
  }

  /** Ends all from that slot on, as far as there is room in this turn; then the rest. */
  #stopFrom(first: number): void {
    for (let slot = first; slot < this.#slots.length; slot++) {
      const run = this.#slots.at(slot);
      if (run === undefined) continue;
      if (slot > first && !this.#slices.hasRoom()) {
        this.#slices.later({ take: () => this.#stopFrom(slot) });
        return;
      }
      if (run.plan.trapExit && run.cause === undefined && run.endedBy === undefined) this.ask(run, run.plan.shutdownMs);
      else this.#cut(run);
    }
    this.#checkEmptied();
  }

  /** Ends a task that does not trap exits, without a word to its chart: half the price where all are ended. */
  #cut(run: TaskRun): void {
    if (run.plan.shutdownMs === 'brutalKill') {
      this.kill(run);
      return;
    }
    if (run.endedBy === undefined) {
      run.abort('shutdown');
      if (run.endedBy !== undefined) return;
      this.#stop(run, 'shutdown');
    }
    this.#finish(run, 'shutdown', run.outcome ?? shutDown);
  }

  #checkEmptied(): void {
    if (this.#slots.size > 0 || (this.#mode !== 'stopping' && this.#mode !== 'draining')) return;
    this.#mode = 'gone';
    const ended = this.#ended;
    this.#ended = [];
    this.#report({ type: 'pool.emptied', ended });
  }

  /** The pool as JSON; of its tasks only their names. */
  persist(): PersistedTaskPool {
    const at = this.#clock.now();
    const tasks = this.#slots.all().map(({ id, plan }) => ({ id, name: plan.name ?? id }));
    const maxChildren = this.#maxChildren === Infinity ? 'infinity' : this.#maxChildren;
    return { status: 'active', at, mode: this.#mode, maxChildren, lane: this.#lane, tasks, timers: timersOf(this.#supervisor, at) };
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
    this.#watched.leave(this);
    this.#slices.clear();
    this.deadlines.clear();
    const reason = orderOf(this.#supervisor) ?? 'killed';
    for (const run of this.#slots.all()) {
      const { plan, settled } = run;
      const tookMs = run.askedAt === null ? 0 : this.#clock.now() - run.askedAt;
      this.#ended.push({ id: plan.name ?? run.id, reason, tookMs, killed: reason === 'killed' });
      run.abort('killed');
      if (!this.#slots.has(run)) continue;
      if (run.endedBy === undefined) this.#stop(run, reason);
      run.release();
      this.#slots.close(run, false);
      if (settled !== undefined) this.#tell(settled, { ok: false, reason: 'lost' });
    }
    this.left = this.#ended;
  }
}

/** The task pool, as the actor that the task supervisor machine is provided with. */
export const taskPoolLogic: PoolLogic<TaskPool, TaskPoolEvent, TaskPoolInput> = poolActor<TaskPool, TaskPoolEvent, TaskPoolInput, PersistedTaskPool>({
  create: (scope, input) => new TaskPool(scope, input),
  resume: (scope, supervisor, { maxChildren, lane = 'fast' }) => new TaskPool(scope, { supervisor, maxChildren, lane }),
});
