/**
 * The supervisor of functions: starts them in its pool, restarts those that are to be restarted, ends with all of them.
 *
 * States   running → draining → stopping → stopped; failed from the start
 * Emits    task.restarted · task.lost · supervisor.gaveUp · supervisor.report
 * Needs    `pool` — provided by src/supervision/task-pool.ts; the placeholder here refuses to run
 * Output   the exit reason and who ended how
 *
 * Tasks start and end in the pool without a word to this chart, while it is `running`; it hears only of ends that need a decision.
 * @see Elixir Task.Supervisor, which is a DynamicSupervisor of temporary children
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup, type AnyActorRef } from 'xstate';

import { defaultIntensity, problemOfDynamicSupervisor, problemOfOptions, type Intensity, type Problem } from './child-spec.js';
import { exitWith, failStart, type ExitReason } from './exit.js';
import { keysOf } from './option-keys.js';
import type { EndedChild, PooledEntry } from './pool.js';
import { addRestart, exceedsIntensity as exceeds } from './restart-window.js';
import type { ChildFact, SupervisorReport } from './supervisor-facts.js';
import type { SupervisorCall } from './supervisor-state.js';

/**
 * Input of the task supervisor machine, and what `taskSupervisor()` binds: `intensity` restarts of tasks within `periodMs` ms (default 3 in 5 000), one
 * more and it gives up. It counts only tasks that are to be restarted.
 */
export interface TaskSupervisorInput extends Partial<Intensity> {
  /** Most tasks at a time, a whole number of at least 0; further ones are refused with `maxChildren`. Default `infinity`. */
  readonly maxChildren?: number | 'infinity';
  /**
   * `fast`: the actor of a task is made in part until somebody looks at it, or at the system; `full`: each is made by `createActor`, at some ten times the
   * price. Nothing else differs. Default `fast`.
   */
  readonly lane?: TaskLane;
}

/** How the actors of tasks are made. */
export type TaskLane = 'fast' | 'full';

/** What a task supervisor may be told. */
export const taskSupervisorKeys = keysOf<TaskSupervisorInput>({ intensity: true, periodMs: true, maxChildren: true, lane: true });

/**
 * The first fault of a task supervisor's input; null when there is none.
 * @throws never
 */
export function problemOfTaskSupervisor(input: TaskSupervisorInput): Problem | null {
  const misspelt = problemOfOptions(input, taskSupervisorKeys, 'the options of a task supervisor');
  if (misspelt !== null) return misspelt;
  const { lane = 'fast', ...others } = input;
  if (lane !== 'fast' && lane !== 'full')
    return { code: 'supervision/invalid-options', expected: '`lane` to be fast or full', got: lane, term: ['supervisorData', ['invalidLane', lane]] };
  return problemOfDynamicSupervisor(others);
}

/** What the chart orders of its pool. */
export type TaskPoolCommand =
  | { readonly type: 'pool.restart'; readonly id: string }
  /** Refuse new tasks; say `pool.emptied` when the last has ended. */
  | { readonly type: 'pool.drain' }
  /** Refuse new tasks, end all; say `pool.emptied`. */
  | { readonly type: 'pool.stopAll' }
  | { readonly type: 'pool.list'; readonly call: string; readonly question: 'which' | 'count' };

/** What the pool reports. */
export type TaskPoolFact =
  /** A task that is to be restarted has ended. */
  | { readonly type: 'task.exited'; readonly id: string; readonly reason: ExitReason; readonly at: number }
  /** A restored pool cannot restore a function. */
  | { readonly type: 'task.lost'; readonly id: string; readonly name: string }
  | { readonly type: 'pool.emptied'; readonly ended: readonly EndedChild[] }
  | { readonly type: 'pool.listed'; readonly call: string; readonly question: 'which' | 'count'; readonly which: readonly PooledEntry[] }
  | { readonly type: 'clock.rebased'; readonly offsetMs: number };

export type TaskSupervisorEvent =
  | TaskPoolFact
  | SupervisorCall
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  | { readonly type: 'supervisor.stop'; readonly reason?: ExitReason }
  | { readonly type: 'supervisor.drain'; readonly deadlineMs?: number };

/** What a task supervisor emits. Of a task that starts and ends and is not restarted it says nothing: its outcome does. */
export type TaskSupervisorEmitted =
  /** It runs again. `cause`: why it had ended; `attempt`: restarts within the window. */
  | { readonly type: 'task.restarted'; readonly id: string; readonly cause: ExitReason; readonly attempt: number }
  /** It ran when the tree was saved, and a function cannot be restored. `name`: its own, or else its id. */
  | { readonly type: 'task.lost'; readonly id: string; readonly name: string }
  /** Too many restarts: all tasks are told to end, and it exits `shutdown`. */
  | { readonly type: 'supervisor.gaveUp'; readonly id: string; readonly reason: ExitReason }
  | Extract<ChildFact, { type: 'call.replied' }>
  | SupervisorReport;

export interface TaskSupervisorContext {
  readonly intensity: number;
  readonly periodMs: number;
  readonly maxChildren: number | 'infinity';
  /** Absent: fast. */
  readonly lane?: TaskLane;
  readonly problem: Problem | null;
  /** Restarts within the window, monotonic ms, newest first. */
  readonly restarts: readonly number[];
  readonly drainMs: number | null;
  readonly reason: ExitReason;
  readonly ended: readonly EndedChild[];
}

/** What the pool is created with. */
export interface TaskPoolInput {
  readonly supervisor: AnyActorRef;
  readonly maxChildren: number | 'infinity';
  /** Default `fast`. */
  readonly lane?: TaskLane;
}

type On<Type extends TaskSupervisorEvent['type']> = Extract<TaskSupervisorEvent, { type: Type }>;

/** The answer to whichChildren or countChildren. */
function listed({ call, question, which }: On<'pool.listed'>): Extract<ChildFact, { type: 'call.replied' }> {
  const { length } = which;
  if (question === 'count')
    return { type: 'call.replied', call, result: { ok: true, count: { specs: length, active: length, supervisors: 0, workers: length } } };
  return { type: 'call.replied', call, result: { ok: true, which: which.map((entry) => ({ id: null, ...entry })) } };
}

/**
 * The chart of a task supervisor, without its pool: to be looked at, drawn and tested. What runs is `taskSupervisor()` of 'espalier'.
 * Unprovided, it ends with an error that says so.
 */
export const taskSupervisorMachine = setup({
  types: {
    input: {} as TaskSupervisorInput | undefined,
    context: {} as TaskSupervisorContext,
    events: {} as TaskSupervisorEvent,
    emitted: {} as TaskSupervisorEmitted,
    tags: {} as 'starting' | 'accepting' | 'stopping',
  },
  actors: {
    pool: fromCallback<TaskPoolCommand, TaskPoolInput>(() => {
      throw new Error("this machine needs the actor 'pool': use taskSupervisor() of 'espalier', or machine.provide({ actors: { pool } })");
    }),
  },
  delays: { drainDeadline: ({ context }) => context.drainMs ?? Infinity },
  guards: {
    invalid: ({ context }) => context.problem !== null,
    hasDeadline: ({ event }) => (event as On<'supervisor.drain'>).deadlineMs !== undefined,
    exceedsIntensity: ({ context, event }) => exceeds(context.restarts, (event as On<'task.exited'>).at, context.intensity, context.periodMs),
  },
  actions: {
    noteRestart: assign({ restarts: ({ context, event }) => addRestart(context.restarts, (event as On<'task.exited'>).at, context.periodMs) }),
    restart: sendTo('pool', ({ event }) => ({ type: 'pool.restart', id: (event as On<'task.exited'>).id })),
    tellRestarted: emit(({ context, event }) => {
      const { id, reason } = event as On<'task.exited'>;
      return { type: 'task.restarted', id, cause: reason, attempt: context.restarts.length };
    }),
    giveUp: enqueueActions(({ event, enqueue }) => {
      const { id, reason } = event as On<'task.exited'>;
      enqueue.assign({ reason: 'shutdown' as const });
      enqueue.emit({ type: 'supervisor.report', context: 'shutdown', id, reason: 'reachedMaxRestartIntensity' });
      enqueue.emit({ type: 'supervisor.gaveUp', id, reason });
    }),
    askWhich: sendTo('pool', ({ event }) => ({ type: 'pool.list', call: (event as SupervisorCall).call, question: 'which' })),
    askCount: sendTo('pool', ({ event }) => ({ type: 'pool.list', call: (event as SupervisorCall).call, question: 'count' })),
    answerListed: emit(({ event }) => listed(event as On<'pool.listed'>)),
    refuseCall: emit(({ event }) => ({ type: 'call.replied', call: (event as SupervisorCall).call, result: { ok: false, reason: 'unknownCall' } })),
    tellLost: emit(({ event }) => event as On<'task.lost'>),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteStop: assign({ reason: ({ event }) => (event as On<'supervisor.stop'>).reason ?? 'normal' }),
    noteDrain: assign({ reason: 'shutdown' as const, drainMs: ({ event }) => (event as On<'supervisor.drain'>).deadlineMs ?? null }),
    drainAll: sendTo('pool', { type: 'pool.drain' }),
    stopAll: sendTo('pool', { type: 'pool.stopAll' }),
    noteEnded: assign({ ended: ({ event }) => (event as On<'pool.emptied'>).ended }),
    rebase: assign({ restarts: ({ context, event }) => context.restarts.map((at) => at + (event as On<'clock.rebased'>).offsetMs) }),
  },
}).createMachine({
  id: 'taskSupervisor',
  context: ({ input }) => ({
    intensity: input?.intensity ?? defaultIntensity.intensity,
    periodMs: input?.periodMs ?? defaultIntensity.periodMs,
    maxChildren: input?.maxChildren ?? 'infinity',
    ...(input?.lane === undefined ? {} : { lane: input.lane }),
    problem: problemOfTaskSupervisor(input ?? {}),
    restarts: [],
    drainMs: null,
    reason: 'normal',
    ended: [],
  }),
  invoke: {
    id: 'pool',
    src: 'pool',
    input: ({ context: { maxChildren, lane }, self }) => ({ supervisor: self, maxChildren, ...(lane === undefined ? {} : { lane }) }),
  },
  output: ({ event }) => (event as unknown as { output: unknown }).output,
  initial: 'starting',
  on: {
    'call.whichChildren': { actions: 'askWhich' },
    'call.countChildren': { actions: 'askCount' },
    'call.*': { actions: 'refuseCall' },
    'pool.listed': { actions: 'answerListed' },
    'clock.rebased': { actions: 'rebase' },
    'task.lost': { actions: 'tellLost' },
  },
  states: {
    starting: { tags: 'starting', always: [{ guard: 'invalid', target: 'failed' }, { target: 'running' }] },
    running: {
      tags: 'accepting',
      on: {
        'task.exited': [
          { guard: 'exceedsIntensity', target: 'stopping', actions: 'giveUp' },
          { actions: ['noteRestart', 'restart', 'tellRestarted'] },
        ],
        'supervisor.shutdown': { target: 'stopping', actions: 'noteShutdown' },
        'supervisor.stop': { target: 'stopping', actions: 'noteStop' },
        'supervisor.drain': { target: 'draining', actions: 'noteDrain' },
      },
    },
    draining: {
      description: 'refuses new tasks; ends when the last one has',
      entry: 'drainAll',
      on: {
        'pool.emptied': { target: 'stopped', actions: 'noteEnded' },
        'supervisor.drain': { guard: 'hasDeadline', target: 'draining', reenter: true, actions: 'noteDrain' },
        'supervisor.shutdown': { target: 'stopping', actions: 'noteShutdown' },
        'supervisor.stop': { target: 'stopping', actions: 'noteStop' },
      },
      after: { drainDeadline: 'stopping' },
    },
    stopping: {
      tags: 'stopping',
      description: 'all tasks are told to end at once; each has its own deadline',
      entry: 'stopAll',
      on: {
        'pool.emptied': { target: 'stopped', actions: 'noteEnded' },
        'supervisor.shutdown': { description: 'already on its way' },
      },
    },
    stopped: { type: 'final', output: ({ context }) => ({ ...exitWith(context.reason), children: context.ended }) },
    failed: { type: 'final', tags: 'starting', output: ({ context }) => failStart(context.problem?.term) },
  },
});
