/**
 * One function run once, on behalf of an owner who wants to know how it ended.
 *
 * States   running → succeeded | failed | cancelled | timedOut
 * Emits    nothing: its supervisor's pool tells the owner
 * Needs    nothing: the pool runs the function and tells this chart how it ended, so a task costs one actor, not two
 * Output   the exit reason
 *
 * A task that was told to stop and traps exits stays `running` until its function has settled or its time is up.
 */
import { assign, setup } from 'xstate';

import { exitWith, type ExitReason } from './exit.js';

export type TaskEvent =
  | { readonly type: 'task.succeeded' }
  | { readonly type: 'task.failed'; readonly reason: ExitReason }
  | { readonly type: 'task.cancelled'; readonly reason: ExitReason }
  | { readonly type: 'task.timedOut' };

export interface TaskContext {
  readonly reason: ExitReason;
}

/**
 * The chart of one task: `running` until its pool says how its function ended, by one `task.…` event. Needs no input and no actor; its output is the
 * exit reason (`exitWith`): `normal`, what it failed with, what it was cancelled with, or `['shutdown', 'timedOut']`.
 */
export const taskMachine = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    output: {} as ReturnType<typeof exitWith>,
  },
  actions: {
    noteReason: assign({ reason: ({ event }) => (event as { reason: ExitReason }).reason }),
    noteTimeout: assign({ reason: ['shutdown', 'timedOut'] as const }),
  },
}).createMachine({
  id: 'task',
  context: { reason: 'normal' },
  initial: 'running',
  output: ({ context }) => exitWith(context.reason),
  states: {
    running: {
      on: {
        'task.succeeded': 'succeeded',
        'task.failed': { target: 'failed', actions: 'noteReason' },
        'task.cancelled': { target: 'cancelled', actions: 'noteReason' },
        'task.timedOut': { target: 'timedOut', actions: 'noteTimeout' },
      },
    },
    succeeded: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
    timedOut: { type: 'final' },
  },
});
