/**
 * OTP's supervisor: a list of children, started in order, stopped in reverse, restarted by strategy.
 *
 * States   starting → running ⇄ restarting(stoppingSiblings → startingChildren); running ⇄ startingChild, terminatingChild; → draining → stopping
 *          → stopped; from starting also failed, declined
 * Emits    child.started · child.restarted · child.exited · child.stopped · supervisor.gaveUp · supervisor.report · call.replied …
 * Needs    `pool` — provided by src/supervision/pool.ts; the placeholder here refuses to run
 * Output   the exit reason and who ended how; a start that failed says why
 *
 * One thing at a time: while it starts or stops somebody it serves nothing, and what comes waits in `mailbox`, in order of arrival.
 * @see OTP supervisor.erl
 */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate';

import type { SupervisorInput } from './child-spec.js';
import { declineStart, exitWith, failStart } from './exit.js';
import { unprovidedPool, type ChildExited } from './pool.js';
import { carryOut } from './step.js';
import { countOf, whichOf, type CallResult, type SupervisorEmitted, type SupervisorOutput } from './supervisor-facts.js';
import * as state from './supervisor-state.js';
import { childOf, type ChildRetry, type Message, type SupervisorCall, type SupervisorContext, type SupervisorEvent } from './supervisor-state.js';
import * as steps from './supervisor-steps.js';

type On<Type extends SupervisorEvent['type']> = Extract<SupervisorEvent, { type: Type }>;

/**
 * The chart of a supervisor, without its pool: to be looked at, drawn and tested. What runs is `supervisor()` or `supervisorMachine` of 'espalier'.
 * Unprovided, it ends with an error that says so.
 */
export const supervisorMachine = setup({
  types: {
    input: {} as SupervisorInput | undefined,
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    emitted: {} as SupervisorEmitted,
    output: {} as SupervisorOutput,
    tags: {} as 'starting' | 'accepting' | 'stopping',
  },
  actors: { pool: unprovidedPool },
  delays: {
    startDeadline: ({ context }) => childOf(context, context.toStart[0])?.spec.startMs ?? Infinity,
    shutdownDeadline: ({ context }) => {
      const shutdownMs = childOf(context, context.toStop[0])?.spec.shutdownMs;
      return typeof shutdownMs === 'number' ? shutdownMs : Infinity;
    },
    drainDeadline: ({ context }) => context.drainMs ?? Infinity,
  },
  guards: {
    invalid: ({ context }) => context.problem !== null,
    hasInit: ({ context }) => context.init !== null,
    allStarted: ({ context }) => context.toStart.length === 0,
    allStopped: ({ context }) => context.toStop.length === 0,
    allDrained: ({ context }) => context.draining?.length === 0,
    nextIsBrutal: ({ context }) => childOf(context, context.toStop[0])?.spec.shutdownMs === 'brutalKill',
    hasMail: ({ context }) => context.mailbox.length > 0,
    betweenAttempts: ({ context }) => context.children.some((child) => child.status === 'restarting'),
    isNoCall: ({ event }) => !state.isKnownCall(event),
    mailboxFull: ({ context }) => context.mailbox.filter((message) => state.isCall(message)).length >= context.maxPending,
    mustBackOff: ({ context }) =>
      context.toStop.length === 0 && context.job?.kind === 'restart' && childOf(context, context.job.id)?.status === 'restarting',
    isNextStop: ({ context, event }) => (event as ChildExited).id === context.toStop[0] && state.isCurrentExit(context, event as ChildExited),
    isStale: ({ context, event }) => !state.isCurrentExit(context, event as ChildExited),
    endsSupervisor: ({ context, event }) => state.endsSupervisor(context, event as ChildExited),
    endsAlone: ({ context, event }) => !state.asksForRestart(context, event as ChildExited),
    exceedsBudget: ({ context, event }) => state.exceedsBudget(context, event as ChildExited | ChildRetry),
    exceedsIntensity: ({ context, event }) => state.exceedsIntensity(context, event as ChildExited | ChildRetry),
    isNotRestarting: ({ context, event }) => state.statusOf(context, event) !== 'restarting',
    groupMustWait: ({ context, event }) => steps.groupRetryAt(context, (event as ChildRetry).id) > state.handledAt(context, event as ChildRetry),
    hasDeadline: ({ event }) => (event as On<'supervisor.drain'>).deadlineMs !== undefined,
    isRefused: ({ context, event }) => steps.refusalOfStart(context, event as On<'call.startChild'>) !== undefined,
    isUnknown: ({ context, event }) => state.statusOf(context, event) === 'unknown',
    isRunning: ({ context, event }) => state.statusOf(context, event) === 'running',
    isRestarting: ({ context, event }) => state.statusOf(context, event) === 'restarting',
  },
  actions: {
    defer: assign({ mailbox: ({ context, event }) => [...context.mailbox, event as Message] }),
    takeMail: enqueueActions(({ context, enqueue }) => {
      enqueue.raise(context.mailbox[0] as Message);
      enqueue.assign({ mailbox: context.mailbox.slice(1) });
    }),
    answer: emit(({ event }, params: { result: CallResult }) => steps.replied((event as SupervisorCall).call, params.result)),
    answerRefusal: emit(({ context, event }) => steps.refused(context, event as On<'call.startChild'>)),
    answerSpec: emit(({ context, event }) => steps.specOf(context, event as On<'call.getChildspec'>)),
    answerWhich: emit(({ context, event }) => steps.replied((event as SupervisorCall).call, { ok: true, which: whichOf(context) })),
    answerCount: emit(({ context, event }) => steps.replied((event as SupervisorCall).call, { ok: true, count: countOf(context) })),
    answerTermination: emit(({ context }) => steps.replied((context.job as { call: string }).call, { ok: true })),

    noteProblem: assign({ failure: ({ context }) => context.problem?.term }),
    runInit: sendTo('pool', ({ context }) => ({ type: 'pool.init', init: context.init ?? { src: '' } })),
    noteInitFailure: assign({ failure: ({ event }) => (event as { reason?: unknown }).reason }),
    startNext: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.startNext(context))),
    abandonStart: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.abandonStart(context))),
    noteStarted: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.started(context, event as On<'child.started'>))),
    noteDeclined: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.declined(context, event as On<'child.declined'>))),
    abandonTree: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.abandonTree(context, event as On<'child.startFailed'>))),
    planStart: enqueueActions(({ context, event, enqueue }) =>
      carryOut(enqueue, steps.planStart(context, event as On<'call.startChild' | 'call.restartChild'>)),
    ),
    answerStartFailure: enqueueActions(({ context, event, enqueue }) =>
      carryOut(enqueue, steps.callStartFailed(context, event as On<'child.startFailed'>)),
    ),

    planTermination: enqueueActions(({ context, event, enqueue }) =>
      carryOut(enqueue, steps.planTermination(context, event as On<'call.terminateChild'>)),
    ),
    planStop: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planStop(context, event))),
    passTheDead: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.passTheDead(context))),
    askNext: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.askNext(context))),
    killNext: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.killNext(context))),
    noteStopped: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.stopped(context, event as On<'child.exited'>))),
    forgetRetry: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.forgetRetry(context, event as On<'call.terminateChild'>))),
    deleteChild: assign({ children: ({ context, event }) => state.withoutChild(context, (event as { id: string }).id) }),

    noteExit: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.exited(context, event as On<'child.exited'>))),
    noteBudgetSpent: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.budgetSpent(context, event as On<'child.exited'>))),
    giveUp: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.giveUp(context, event as On<'child.exited' | 'child.retry'>))),
    planRestart: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planRestart(context, event as On<'child.exited'>))),
    planRetry: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planRetry(context, event as On<'child.retry'>))),
    planWithout: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.groupWithout(context, event as ChildRetry))),
    waitForGroup: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.waitForGroup(context, event as On<'child.retry'>))),
    retryLater: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.retryLater(context, event as On<'child.startFailed'>))),

    drainChildren: sendTo('pool', { type: 'pool.drain' }),
    noteDeadline: assign({ drainMs: ({ context, event }) => (event as On<'supervisor.drain'>).deadlineMs ?? context.drainMs }),
    noteDraining: assign({ draining: ({ event }) => (event as Extract<SupervisorEvent, { type: 'pool.draining' }>).ids }),
    rebase: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.rebased(context, (event as On<'clock.rebased'>).offsetMs))),
  },
}).createMachine({
  id: 'supervisor',
  context: ({ input }) => state.initialContext(input),
  invoke: { id: 'pool', src: 'pool', input: ({ self }) => ({ supervisor: self }) },
  output: ({ event }) => (event as unknown as { output: SupervisorOutput }).output,
  initial: 'starting',
  on: {
    'call.*': [
      { guard: 'isNoCall', actions: { type: 'answer', params: { result: { ok: false, reason: 'unknownCall' } } } },
      { guard: 'mailboxFull', actions: { type: 'answer', params: { result: { ok: false, reason: 'overloaded' } } } },
      { actions: 'defer' },
    ],
    'child.exited': { actions: 'defer' },
    'child.retry': { actions: 'defer' },
    'supervisor.shutdown': { actions: 'defer' },
    'supervisor.stop': { actions: 'defer' },
    'supervisor.drain': { actions: 'defer' },
    'clock.rebased': { actions: 'rebase' },
  },
  states: {
    starting: {
      tags: 'starting',
      initial: 'checking',
      states: {
        checking: {
          always: [
            { guard: 'invalid', target: '#supervisor.failed', actions: 'noteProblem' },
            { guard: 'hasInit', target: 'initialising' },
            { target: 'startingChildren' },
          ],
        },
        initialising: {
          description: 'init runs to its end before the first child starts',
          entry: 'runInit',
          on: {
            'init.succeeded': 'startingChildren',
            'init.declined': '#supervisor.declined',
            'init.failed': { target: '#supervisor.failed', actions: 'noteInitFailure' },
          },
        },
        startingChildren: {
          initial: 'choosing',
          states: {
            choosing: { always: [{ guard: 'allStarted', target: '#supervisor.running' }, { target: 'waiting' }] },
            waiting: {
              entry: 'startNext',
              on: {
                'child.started': { target: 'choosing', actions: 'noteStarted' },
                'child.declined': { target: 'choosing', actions: 'noteDeclined' },
                'child.startFailed': { target: '#supervisor.starting.unwinding', actions: 'abandonTree' },
              },
              after: { startDeadline: { actions: 'abandonStart' } },
            },
          },
        },
        unwinding: {
          description: 'a start failed: those that had started are stopped, newest first',
          initial: 'choosing',
          states: {
            choosing: {
              entry: 'passTheDead',
              always: [{ guard: 'allStopped', target: '#supervisor.failed' }, { guard: 'nextIsBrutal', target: 'killing' }, { target: 'asking' }],
            },
            asking: {
              entry: 'askNext',
              on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } },
              after: { shutdownDeadline: 'killing' },
            },
            killing: { entry: 'killNext', on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } } },
          },
        },
      },
    },
    running: {
      tags: 'accepting',
      initial: 'idle',
      on: {
        'child.exited': [
          { guard: 'isStale', target: '.idle' },
          { guard: 'endsSupervisor', target: 'stopping', actions: ['noteExit', 'planStop'] },
          { guard: 'endsAlone', target: '.idle', actions: 'noteExit' },
          { guard: 'exceedsBudget', target: '.idle', actions: 'noteBudgetSpent' },
          { guard: 'exceedsIntensity', target: 'stopping', actions: ['giveUp', 'planStop'] },
          { target: 'restarting', actions: 'planRestart' },
        ],
        'child.retry': [
          { guard: 'isNotRestarting', target: '.idle' },
          { guard: 'groupMustWait', target: '.idle', actions: 'waitForGroup' },
          { guard: 'exceedsBudget', target: 'restarting', actions: 'planWithout' },
          { guard: 'exceedsIntensity', target: 'stopping', actions: ['giveUp', 'planStop'] },
          { target: 'restarting', actions: 'planRetry' },
        ],
        'call.startChild': [
          { guard: 'isRefused', target: '.idle', actions: 'answerRefusal' },
          { target: 'startingChild', actions: 'planStart' },
        ],
        'call.restartChild': [
          { guard: 'isUnknown', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'notFound' } } } },
          { guard: 'isRunning', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'running' } } } },
          { guard: 'isRestarting', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'restarting' } } } },
          { target: 'startingChild', actions: 'planStart' },
        ],
        'call.terminateChild': [
          { guard: 'isUnknown', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'notFound' } } } },
          { guard: 'isRunning', target: 'terminatingChild', actions: 'planTermination' },
          { guard: 'isRestarting', target: '.idle', actions: 'forgetRetry' },
          { target: '.idle', actions: { type: 'answer', params: { result: { ok: true } } } },
        ],
        'call.deleteChild': [
          { guard: 'isUnknown', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'notFound' } } } },
          { guard: 'isRunning', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'running' } } } },
          { guard: 'isRestarting', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'restarting' } } } },
          { target: '.idle', actions: ['deleteChild', { type: 'answer', params: { result: { ok: true } } }] },
        ],
        'call.getChildspec': [
          { guard: 'isUnknown', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'notFound' } } } },
          { target: '.idle', actions: 'answerSpec' },
        ],
        'call.whichChildren': { target: '.idle', actions: 'answerWhich' },
        'call.countChildren': { target: '.idle', actions: 'answerCount' },
        'supervisor.shutdown': { target: 'stopping', actions: 'planStop' },
        'supervisor.stop': { target: 'stopping', actions: 'planStop' },
        'supervisor.drain': { target: 'draining', actions: ['noteDeadline', 'drainChildren'] },
      },
      states: {
        idle: {
          always: [
            { guard: 'hasMail', target: 'serving' },
            { guard: 'betweenAttempts', target: 'awaitingRetry' },
          ],
        },
        awaitingRetry: { description: 'a child is between two attempts; requests are served meanwhile' },
        serving: { entry: 'takeMail' },
      },
    },
    startingChild: {
      description: 'startChild or restartChild: the caller waits for the start',
      entry: 'startNext',
      on: {
        'child.started': { target: 'running', actions: 'noteStarted' },
        'child.declined': { target: 'running', actions: 'noteDeclined' },
        'child.startFailed': { target: 'running', actions: 'answerStartFailure' },
      },
      after: { startDeadline: { actions: 'abandonStart' } },
    },
    terminatingChild: {
      description: 'terminateChild: the caller waits for the end',
      initial: 'choosing',
      states: {
        choosing: {
          entry: 'passTheDead',
          always: [
            { guard: 'allStopped', target: '#supervisor.running', actions: 'answerTermination' },
            { guard: 'nextIsBrutal', target: 'killing' },
            { target: 'asking' },
          ],
        },
        asking: {
          entry: 'askNext',
          on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } },
          after: { shutdownDeadline: 'killing' },
        },
        killing: { entry: 'killNext', on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } } },
      },
    },
    restarting: {
      initial: 'stoppingSiblings',
      states: {
        stoppingSiblings: {
          description: 'oneForAll, restForOne: those that restart with the child are stopped, newest first',
          initial: 'choosing',
          states: {
            choosing: {
              entry: 'passTheDead',
              always: [
                { guard: 'mustBackOff', target: '#supervisor.running' },
                { guard: 'allStopped', target: '#supervisor.restarting.startingChildren' },
                { guard: 'nextIsBrutal', target: 'killing' },
                { target: 'asking' },
              ],
            },
            asking: {
              entry: 'askNext',
              on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } },
              after: { shutdownDeadline: 'killing' },
            },
            killing: { entry: 'killNext', on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } } },
          },
        },
        startingChildren: {
          initial: 'choosing',
          states: {
            choosing: { always: [{ guard: 'allStarted', target: '#supervisor.running' }, { target: 'waiting' }] },
            waiting: {
              entry: 'startNext',
              on: {
                'child.started': { target: 'choosing', actions: 'noteStarted' },
                'child.declined': { target: 'choosing', actions: 'noteDeclined' },
                'child.startFailed': { target: '#supervisor.running', actions: 'retryLater' },
              },
              after: { startDeadline: { actions: 'abandonStart' } },
            },
          },
        },
      },
    },
    draining: {
      description: 'refuses to start anybody; children that handle supervisor.drain finish; then it stops',
      initial: 'idle',
      always: { guard: 'allDrained', target: 'stopping', actions: 'planStop' },
      on: {
        'pool.draining': { actions: 'noteDraining' },
        'child.exited': [
          { guard: 'isStale', target: '.idle' },
          { target: '.idle', actions: 'noteExit' },
        ],
        'child.retry': { target: '.idle' },
        'supervisor.drain': [{ guard: 'hasDeadline', target: 'draining', reenter: true, actions: 'noteDeadline' }, { target: '.idle' }],
        'call.*': { target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'draining' } } } },
        'call.whichChildren': { target: '.idle', actions: 'answerWhich' },
        'call.countChildren': { target: '.idle', actions: 'answerCount' },
        'supervisor.shutdown': { target: 'stopping', actions: 'planStop' },
        'supervisor.stop': { target: 'stopping', actions: 'planStop' },
      },
      states: { idle: { always: { guard: 'hasMail', target: 'serving' } }, serving: { entry: 'takeMail' } },
      after: { drainDeadline: { target: 'stopping', actions: 'planStop' } },
    },
    stopping: {
      tags: 'stopping',
      initial: 'choosing',
      states: {
        choosing: {
          entry: 'passTheDead',
          always: [{ guard: 'allStopped', target: '#supervisor.stopped' }, { guard: 'nextIsBrutal', target: 'killing' }, { target: 'asking' }],
        },
        asking: {
          entry: 'askNext',
          on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } },
          after: { shutdownDeadline: 'killing' },
        },
        killing: { entry: 'killNext', on: { 'child.exited': { guard: 'isNextStop', target: 'choosing', actions: 'noteStopped' } } },
      },
    },
    stopped: { type: 'final', output: ({ context }) => ({ ...exitWith(context.reason), children: context.ended }) },
    failed: { type: 'final', tags: 'starting', output: ({ context }) => ({ ...failStart(context.failure), children: context.ended }) },
    declined: { type: 'final', tags: 'starting', output: () => declineStart() },
  },
});
