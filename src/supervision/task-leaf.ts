/**
 * The chart of a task, as its pool runs it: the machine of machines/supervision/task.ts with two short cuts that its being a leaf allows.
 *
 * It has no input, no children and nothing to do on entry, so all of them begin with one and the same snapshot, and to stop one is a change of
 * status. XState would find both out anew for each task, at a third of the task's price.
 */
import { createActor, type SnapshotFrom } from 'xstate';

import { taskMachine } from '../../machines/supervision/task.js';

type TaskSnapshot = SnapshotFrom<typeof taskMachine>;

const machine = taskMachine.provide({});
const { transition } = machine;
const initial: TaskSnapshot = createActor(taskMachine).getSnapshot();

/** XState logic: equal to the task machine in every snapshot, event for event. */
export const taskLeaf: typeof taskMachine = Object.assign(machine, {
  getInitialSnapshot: () => initial,
  transition: ((snapshot, event, scope) =>
    (event.type as string) === 'xstate.stop'
      ? ({ ...snapshot, status: 'stopped' } as unknown as TaskSnapshot)
      : transition(snapshot, event, scope)) as typeof transition,
});
