/**
 * A pool of isolated threads: how many losses it makes good at once, when it waits before the next thread, and when it gives up; and how it closes.
 *
 * States   running(serving → degraded ⇄ recovering) → draining → ending → closed; failed
 * Emits    isolation.threadLost · isolation.degraded · isolation.recovered; and past the chart isolation.started · isolation.ended · isolation.refused
 * Needs    `threads`, who has the queue and the threads — provided by src/isolation/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * Jobs run in the actor `threads`, without a word to this chart. While it is degraded they wait, each at most until its own deadline.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { backoffMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import type { IsolationContext, IsolationEmitted, IsolationEvent, IsolationInput, ThreadsCommand } from './isolation-events.js';

type On<Type extends IsolationEvent['type']> = Extract<IsolationEvent, { type: Type }>;
type Loss = On<'thread.lost'>;

const pauseOf = ({ backoff }: IsolationContext, pauses: number): number => backoffMs(backoff, pauses, 'isolation');

/** The chart of an isolation pool, without its threads: to be looked at, drawn and tested. What runs is `isolation()` of 'espalier'. */
export const isolationMachine = setup({
  types: {
    input: {} as IsolationInput,
    context: {} as IsolationContext,
    events: {} as IsolationEvent,
    emitted: {} as IsolationEmitted,
    tags: {} as 'accepting' | 'degraded',
  },
  actors: {
    threads: fromCallback<ThreadsCommand>(missingActor('isolation', 'threads', "isolation() of 'espalier'")),
  },
  guards: {
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) => exceedsIntensity(losses, (event as Loss).at, intensity, periodMs),
    isOfJob: ({ event }) => (event as Loss).isOfJob,
    trialsSpent: ({ context }) => context.pauses > context.maxTrials,
  },
  delays: {
    pause: ({ context }) => pauseOf(context, context.pauses),
    drainDeadline: ({ context }) => context.orderedDrainMs ?? context.drainMs,
    endDeadline: ({ context }) => context.endMs,
  },
  actions: {
    noteLoss: enqueueActions(({ context, event, enqueue }) => {
      const { at, cause } = event as Loss;
      const losses = addRestart(context.losses, at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'isolation.threadLost', cause, losses: losses.length });
    }),
    notePause: enqueueActions(({ context, event, enqueue }) => {
      const pauses = context.pauses + 1;
      enqueue.assign({ pauses });
      enqueue.emit({ type: 'isolation.degraded', cause: (event as Loss).cause, trial: context.pauses, pauseMs: pauseOf(context, pauses) });
    }),
    noteRecovery: enqueueActions(({ enqueue }) => {
      enqueue.assign({ losses: [], pauses: 0 });
      enqueue.emit({ type: 'isolation.recovered' });
    }),
    noteRefusal: assign({ reason: ({ event }) => ({ crash: (event as On<'threads.refused'>).code }) }),
    noteSpent: assign({ reason: ({ event }) => ({ crash: (event as Loss).cause }) }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
    noteClose: assign({ orderedDrainMs: ({ event }) => (event as On<'isolation.close'>).drainMs ?? null }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    openThreads: sendTo('threads', { type: 'threads.open' }),
    pauseThreads: sendTo('threads', { type: 'threads.pause' }),
    tryThread: sendTo('threads', { type: 'threads.try' }),
    drainThreads: sendTo('threads', { type: 'threads.drain' }),
    endThreads: sendTo('threads', { type: 'threads.end' }),
  },
}).createMachine({
  id: 'isolation',
  description: 'A pool of isolated threads: how often it makes good a loss, when it waits, when it gives up, how it closes.',
  context: ({ input }) => ({ ...input, losses: [], pauses: 0, orderedDrainMs: null, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'up',
  states: {
    up: {
      invoke: {
        id: 'threads',
        src: 'threads',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'threadsCrashed' } } },
      },
      initial: 'running',
      on: {
        'threads.refused': { target: 'failed', actions: 'noteRefusal' },
        'threads.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'threadsLost' } } },
      },
      states: {
        running: {
          tags: 'accepting',
          initial: 'serving',
          on: {
            'isolation.close': { target: 'draining', actions: 'noteClose' },
            'supervisor.shutdown': { target: 'draining', actions: 'noteShutdown' },
          },
          states: {
            serving: {
              on: {
                'threads.opened': { actions: 'openThreads' },
                'thread.lost': [{ guard: 'isLostTooOften', target: 'degraded', actions: ['noteLoss', 'notePause'] }, { actions: 'noteLoss' }],
              },
            },
            degraded: {
              description: 'Too many threads were lost. None is begun; those that run go on, and whoever has none waits.',
              tags: 'degraded',
              entry: 'pauseThreads',
              on: {
                'threads.opened': { actions: 'pauseThreads' },
                'thread.lost': { actions: 'noteLoss' },
              },
              after: { pause: 'recovering' },
            },
            recovering: {
              description: 'One thread, to see whether it serves.',
              tags: 'degraded',
              entry: 'tryThread',
              on: {
                'threads.opened': { actions: 'tryThread' },
                'thread.lost': [
                  // Of what a job does to its thread a trial says nothing; that it could do it, `thread.served` says.
                  { guard: 'isOfJob', actions: 'noteLoss' },
                  { guard: 'trialsSpent', target: '#isolation.failed', actions: ['noteLoss', 'noteSpent'] },
                  { target: 'degraded', actions: ['noteLoss', 'notePause'] },
                ],
                'thread.served': { target: 'serving', actions: ['noteRecovery', 'openThreads'] },
              },
            },
          },
        },
        draining: {
          description: 'Jobs that it has go on, as long as they may. Whoever comes is refused.',
          entry: 'drainThreads',
          on: {
            'threads.opened': { actions: 'drainThreads' },
            'thread.lost': { actions: 'noteLoss' },
            'threads.emptied': '#isolation.closed',
            'isolation.close': {},
            'supervisor.shutdown': { actions: 'noteShutdown' },
          },
          after: { drainDeadline: 'ending' },
        },
        ending: {
          description: 'What is left is ended.',
          entry: 'endThreads',
          on: {
            'threads.opened': { actions: 'endThreads' },
            'threads.emptied': '#isolation.closed',
            'isolation.close': {},
            'supervisor.shutdown': { actions: 'noteShutdown' },
          },
          after: { endDeadline: { target: '#isolation.failed', actions: { type: 'noteFailure', params: { crash: 'endTimeout' } } } },
        },
      },
    },
    closed: { type: 'final', description: 'In order: every job has its outcome, and no thread runs.' },
    failed: { type: 'final', description: 'No thread serves, or one would not end: to its supervisor a crash.' },
  },
});
