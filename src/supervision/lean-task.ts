/**
 * The actor of a task that runs in the lane: an actor of XState whose parts are made when somebody touches them.
 *
 * It knows the run that it stands for, and builds its snapshot from how that stands when it is asked. Whatever else is asked of it (an observer, an event, a
 * stop, a part of XState's) makes it an actor in full first, and it is one from then on.
 */
import type { AnyActorRef } from 'xstate';

import type { ExitReason } from '../../machines/supervision/exit.js';
import type { TaskEvent } from '../../machines/supervision/task.js';
import { warnOfFallback } from '../compiled/fallback.js';
import { standInForActor } from './lean-actor.js';
import { finalSnapshot, stoppedSnapshot, taskLeaf, type TaskSnapshot } from './task-leaf.js';
import type { TaskRun } from './task-run.js';
import { noteOrder } from './watch.js';
import { becomeActor, createChild, createLeaf, strangeActor, systemOf } from './xstate-internals.js';

/** Was it stopped, rather than told how it ended? */
function isOrder(endedBy: TaskEvent | ExitReason): endedBy is ExitReason {
  return typeof endedBy !== 'object' || !('type' in endedBy);
}

/** Ends with a reason of their own, of tasks at whose end somebody looked: whoever looks again sees the same object. */
const shown = new WeakMap<TaskEvent, TaskSnapshot>();

function snapshotOf({ endedBy }: TaskRun): TaskSnapshot {
  if (endedBy === undefined) return taskLeaf.getInitialSnapshot(undefined as never);
  if (isOrder(endedBy)) return stoppedSnapshot();
  if (!('reason' in endedBy)) return finalSnapshot(endedBy);
  let snapshot = shown.get(endedBy);
  if (snapshot === undefined) {
    snapshot = finalSnapshot(endedBy);
    shown.set(endedBy, snapshot);
  }
  return snapshot;
}

/** An actor, in part. It has the methods of XState's actors; their fields are made by the first that is touched. */
export class LeanTask {
  _run: TaskRun;
  /** Its session id, once somebody has asked for it. */
  _booked: string | undefined;

  constructor(run: TaskRun) {
    this._run = run;
    this._booked = undefined;
    if (run.endedBy !== undefined && isOrder(run.endedBy)) noteOrder(this as unknown as AnyActorRef, run.endedBy, true);
  }
}

/** They follow from its run. */
const told: Record<string, (task: LeanTask) => unknown> = {
  id: ({ _run }) => _run.id,
  src: () => 'task',
  logic: () => taskLeaf,
  system: ({ _run }) => _run.pool.self.system,
  systemId: () => undefined,
  ref: (task) => task,
  _parent: ({ _run }) => _run.pool.self,
  // As XState numbers them: 1 for one that runs, 2 for one that has stopped.
  _processingStatus: ({ _run }) => (_run.endedBy === undefined ? 1 : 2),
  sessionId: (task) => {
    task._booked ??= systemOf(task._run.pool.self)._bookId();
    return task._booked;
  },
};

/** Makes it an actor in full, who stands where its run does. It has all that it needs then, and lets go of the run. */
function inFull(task: LeanTask): void {
  const { _run: run, _booked: sessionId } = task;
  // Before it has the others: to add those of an actor to these would take twice as long.
  delete (task as Partial<LeanTask>)._booked;
  delete (task as Partial<LeanTask>)._run;
  becomeActor(task, {
    logic: taskLeaf,
    parent: run.pool.self,
    id: run.id,
    src: 'task',
    sessionId,
    snapshot: snapshotOf(run),
    hasStopped: run.endedBy !== undefined,
  });
}

const methods = {
  getSnapshot(this: LeanTask): TaskSnapshot {
    return snapshotOf(this._run);
  },
};

standInForActor(LeanTask.prototype, { told, methods, inFull });

/** Can actors be made in part with this XState? Where they cannot, all are made in full, and the process is warned once (`ESPALIER_FULL_LANE`). */
export function canBeLean(): boolean {
  const obstacle = strangeActor();
  if (obstacle === null) return true;
  warnOfFallback('ESPALIER_FULL_LANE', `tasks run as actors in full: ${obstacle}`);
  return false;
}

/** Makes a run's actor in full, and starts it. Who watches its system sees XState make it below its pool. */
export function startInFull(run: TaskRun, isWatched: boolean): void {
  const made = { parent: run.pool.self, id: run.id, src: 'task' };
  run.ref = isWatched ? createChild(taskLeaf, made) : createLeaf(taskLeaf, made);
  run.ref.start();
}

/** Is it an actor in full? */
export function isInFull(actor: AnyActorRef): boolean {
  return Object.getPrototypeOf(actor) !== LeanTask.prototype;
}

/** Has somebody look at it: from here on all of it is told to whoever inspects. */
export function makeInFull(actor: AnyActorRef): void {
  if (!isInFull(actor)) inFull(actor as unknown as LeanTask);
}
