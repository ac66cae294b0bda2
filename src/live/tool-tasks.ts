/** What a session's tools run on: a task supervisor of their own, a child of the actor `tools`. */
import { wordsOf } from '../../machines/live/ending.js';
import type { AnyActorRef } from 'xstate';
import { taskSupervisor, taskSupervisorHandle } from '../supervision/tasks.js';
import { onExit } from '../supervision/watch.js';
import { createChild, parentOf, stopActor } from '../supervision/xstate-internals.js';
import { houseCalls } from './lean-call.js';
import type { SuperviseTools } from './tools.js';

/**
 * Tasks that do not trap exits: cancelled or past its deadline, a task has ended for everybody at once, however long its function goes on.
 * @param maxCalls  tasks at once; a start beyond is refused with `maxChildren`
 */
export function superviseTools(maxCalls: number): SuperviseTools {
  const logic = taskSupervisor({ maxChildren: maxCalls });
  return (owner, lost) => {
    const ref = createChild(logic, { parent: owner, id: 'tasks' });
    ref.start();
    const leave = houseCalls(parentOf(owner) as AnyActorRef);
    const tasks = taskSupervisorHandle(ref);
    const watch = onExit(ref, (reason) => lost(wordsOf(reason)));
    return {
      start(run, options) {
        const started = tasks.async(run, options);
        if (!started.ok) return started;
        const { task } = started;
        return { ok: true, outcome: task.outcome, cancel: () => task.cancel() };
      },
      end() {
        leave();
        watch.unsubscribe();
        stopActor(ref);
      },
    };
  };
}
