/**
 * The chart of a task, as its pool runs it: the machine of machines/supervision/task.ts with the short cuts that its being a leaf allows.
 *
 * It has no input, no children and nothing to do on entry, so all of them begin with one and the same snapshot; to stop one is a change of status; and
 * from its only state that is not final each event leads to an end that follows from the event alone. XState would find all that out anew for each task, at
 * most of the task's price. It does so still where somebody inspects, for he is told of each step.
 */
import { createActor, transition as pure, type SnapshotFrom } from 'xstate';

import { exitWith } from '../../machines/supervision/exit.js';
import { taskMachine, type TaskEvent } from '../../machines/supervision/task.js';
import { watchedSystemOf } from './watched-system.js';

export type TaskSnapshot = SnapshotFrom<typeof taskMachine>;

const machine = taskMachine.provide({});
const { transition } = machine;
const initial: TaskSnapshot = createActor(taskMachine).getSnapshot();

/** By event, each with its last one: those that are all alike are one. */
const ends = new Map<string, { readonly event: TaskEvent; readonly snapshot: TaskSnapshot }>();

/** The final snapshot of a task that ran. */
export function finalSnapshot(event: TaskEvent): TaskSnapshot {
  const known = ends.get(event.type);
  if (known?.event === event) return known.snapshot;
  if (known !== undefined && event.type === 'task.failed') {
    const { reason } = event;
    return { ...known.snapshot, context: { reason }, output: exitWith(reason) } as TaskSnapshot;
  }
  const [snapshot] = pure(taskMachine, initial, event);
  ends.set(event.type, { event, snapshot });
  return snapshot;
}

/** One that was stopped while it ran. */
export function stoppedSnapshot(snapshot: TaskSnapshot = initial): TaskSnapshot {
  return { ...snapshot, status: 'stopped' } as unknown as TaskSnapshot;
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
