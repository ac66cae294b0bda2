/**
 * The chart of a task, as its pool runs it: the machine of machines/supervision/task.ts with the short cuts that its being a leaf allows.
 *
 * It has no input, no children and nothing to do on entry, so all of them begin with one and the same snapshot; to stop one is a change of status; and
 * from its only state that is not final each event leads to an end that follows from the event alone. XState would find all that out anew for each task, which
 * is most of what one costs. It does so still where somebody inspects, for he is told of each step.
 */
import { createActor, transition as pure, type SnapshotFrom } from 'xstate';

import { exitWith, type ExitReason } from '../../machines/supervision/exit.js';
import { taskMachine, type TaskEvent } from '../../machines/supervision/task.js';
import { watchedSystemOf } from './watched-system.js';

export type TaskSnapshot = SnapshotFrom<typeof taskMachine>;

const machine = taskMachine.provide({});
const { transition } = machine;
const initial: TaskSnapshot = createActor(taskMachine).getSnapshot();

/** The end that an event leads to. */
function endOf(event: TaskEvent): TaskSnapshot {
  return pure(taskMachine, initial, event)[0];
}

/** Ends that are the same for every task. */
const succeeded = endOf({ type: 'task.succeeded' });
const timedOut = endOf({ type: 'task.timedOut' });
const stopped = { ...initial, status: 'stopped' } as unknown as TaskSnapshot;

/** Ends that tell a reason. It is the app's own, so each task has its copy, and none is kept here. */
const failed = endOf({ type: 'task.failed', reason: 'normal' });
const cancelled = endOf({ type: 'task.cancelled', reason: 'normal' });

function withReason(snapshot: TaskSnapshot, reason: ExitReason): TaskSnapshot {
  return { ...snapshot, context: { reason }, output: exitWith(reason) } as TaskSnapshot;
}

/** The final snapshot of a task that ran: one object for all that end alike, or a new one at each call where the event has a reason. */
export function finalSnapshot(event: TaskEvent): TaskSnapshot {
  switch (event.type) {
    case 'task.succeeded':
      return succeeded;
    case 'task.timedOut':
      return timedOut;
    case 'task.failed':
      return withReason(failed, event.reason);
    default:
      return withReason(cancelled, event.reason);
  }
}

/** One that was stopped; the same object for all that were stopped while they ran. */
export function stoppedSnapshot(snapshot: TaskSnapshot = initial): TaskSnapshot {
  return snapshot === initial ? stopped : ({ ...snapshot, status: 'stopped' } as unknown as TaskSnapshot);
}

function isEnd(event: { readonly type: string }): event is TaskEvent {
  return event.type === 'task.succeeded' || event.type === 'task.failed' || event.type === 'task.cancelled' || event.type === 'task.timedOut';
}

/** XState logic: equal to the task machine in every snapshot, event for event. */
export const taskLeaf: typeof taskMachine = Object.assign(machine, {
  getInitialSnapshot: () => initial,
  transition: ((snapshot, event, scope) => {
    if ((event.type as string) === 'xstate.stop') return stoppedSnapshot(snapshot);
    if (snapshot === initial && isEnd(event) && !watchedSystemOf(scope.self).isWatched) return finalSnapshot(event);
    return transition(snapshot, event, scope);
  }) as typeof transition,
});
