/** The two lanes of tasks: what is tested of tasks holds in both. */
import { describe } from 'vitest';
import { taskSupervisor, taskSupervisorHandle, type TaskSupervisor, type TaskSupervisorInput } from '../../src/index.js';
import type { Stage } from './stage.js';

/** A task supervisor on a stage. */
export type TasksOn = (here: Stage, options?: TaskSupervisorInput) => TaskSupervisor;

/** Who looks makes every task an actor in full; so in the fast lane nobody does. */
export const tasksIn =
  (lane: 'fast' | 'full'): TasksOn =>
  (here, options = {}) =>
    taskSupervisorHandle(here.root(taskSupervisor({ ...options, lane }), { id: 'tasks', unwatched: lane === 'fast' }));

/** Tests of tasks, in each lane. */
export function inEachLane(tests: (tasksOn: TasksOn) => void): void {
  describe.each(['fast', 'full'] as const)('in the %s lane', (lane) => {
    tests(tasksIn(lane));
  });
}
