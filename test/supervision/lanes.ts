/** The two lanes of tasks: what is tested of tasks holds in both. */
import { describe } from 'vitest';
import { taskSupervisor, taskSupervisorHandle, type TaskSupervisor, type TaskSupervisorInput } from '../../src/index.js';
import type { Stage } from './stage.js';

/** A task supervisor on a stage. */
export type TasksOn = (here: Stage, options?: TaskSupervisorInput) => TaskSupervisor;

/** `full, seen`: somebody inspects, and hears from XState how each actor is made. In the fast lane that makes every task an actor in full; so there nobody does. */
export const lanes = ['fast', 'full', 'full, seen'] as const;

export const tasksIn =
  (lane: (typeof lanes)[number]): TasksOn =>
  (here, options = {}) =>
    taskSupervisorHandle(
      here.root(taskSupervisor({ ...options, lane: lane === 'fast' ? 'fast' : 'full' }), { id: 'tasks', unwatched: lane !== 'full, seen' }),
    );

/** Tests of tasks, in each lane. */
export function inEachLane(tests: (tasksOn: TasksOn) => void): void {
  describe.each(lanes)('in the lane: %s', (lane) => {
    tests(tasksIn(lane));
  });
}
