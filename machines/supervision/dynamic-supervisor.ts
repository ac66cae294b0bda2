/**
 * Children on demand, each on its own: Elixir's DynamicSupervisor and, with a template, OTP's simple_one_for_one.
 *
 * States   starting → running ⇄ startingChild, terminatingChild, restarting; → draining → stopping → stopped; from starting also failed, declined
 * Emits    child.started · child.restarted · child.exited · children.stopped · supervisor.gaveUp · supervisor.report · call.replied …
 * Needs    `pool` — provided by src/supervision/dynamic-pool.ts; the placeholder here refuses to run
 * Output   the exit reason and who ended how; a start that failed says why
 *
 * The chart knows how many children there are, not which: they sit in the pool, so that the cost of one does not depend on the number of the others.
 * @see Elixir DynamicSupervisor; OTP supervisor.erl, simple_one_for_one
 */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate';

import type { DynamicSupervisorInput } from './child-spec.js';
import * as state from './dynamic-state.js';
import type { DynamicContext, DynamicEvent, DynamicExit, DynamicMessage } from './dynamic-state.js';
import * as steps from './dynamic-steps.js';
import { declineStart, exitWith, failStart } from './exit.js';
import { unprovidedPool } from './pool.js';
import { carryOut } from './step.js';
import type { CallResult, DynamicEmitted, SupervisorOutput } from './supervisor-facts.js';
import { isCall, isKnownCall, type ChildRetry, type SupervisorCall } from './supervisor-state.js';
import { replied } from './supervisor-steps.js';

type On<Type extends DynamicEvent['type']> = Extract<DynamicEvent, { type: Type }>;

/**
 * The chart of a dynamic supervisor, without its pool: to be looked at, drawn and tested. What runs is `dynamicSupervisor()` or
 * `dynamicSupervisorMachine` of 'espalier'. Unprovided, it ends with an error that says so.
 */
export const dynamicSupervisorMachine = setup({
  types: {
    input: {} as DynamicSupervisorInput | undefined,
    context: {} as DynamicContext,
    events: {} as DynamicEvent,
    emitted: {} as DynamicEmitted,
    output: {} as SupervisorOutput,
    tags: {} as 'starting' | 'accepting' | 'stopping',
  },
  actors: { pool: unprovidedPool },
  delays: {
    startDeadline: ({ context: { job } }) =>
      (job?.kind === 'startChild' ? job.spec : job?.kind === 'restart' ? job.memory.spec : undefined)?.startMs ?? Infinity,
    shutdownDeadline: ({ context: { job } }) => {
      const shutdownMs = job?.kind === 'terminateChild' ? job.spec?.shutdownMs : undefined;
      return typeof shutdownMs === 'number' ? shutdownMs : Infinity;
    },
    drainDeadline: ({ context }) => context.drainMs ?? Infinity,
  },
  guards: {
    invalid: ({ context }) => context.problem !== null,
    hasInit: ({ context }) => context.init !== null,
    hasMail: ({ context }) => context.mailbox.length > 0,
    betweenAttempts: ({ context }) => Object.keys(context.retrying).length > 0,
    isEmpty: ({ context }) => context.size === 0,
    isTemplated: ({ context }) => context.template !== null,
    isNoCall: ({ event }) => !isKnownCall(event),
    mailboxFull: ({ context }) => context.mailbox.filter((message) => isCall(message)).length >= context.maxPending,
    hasDeadline: ({ event }) => (event as On<'supervisor.drain'>).deadlineMs !== undefined,
    isRefused: ({ context, event }) => steps.refusalOfStart(context, event as On<'call.startChild'>) !== undefined,
    isById: ({ context, event }) => context.template !== null && (event as On<'call.terminateChild'>).by === 'id',
    isDeadStranger: ({ context, event }) => {
      const { id, by } = event as On<'call.terminateChild'>;
      return context.template !== null && id === '' && by === 'deadActor';
    },
    wasInstance: ({ context }) => context.template !== null && context.job?.kind === 'terminateChild' && context.job.run !== null,
    isTemplateId: ({ context, event }) => context.template?.id === (event as On<'call.getChildspec'>).id,
    isDead: ({ context, event }) => steps.waitingExit(context, (event as On<'child.found'>).id) !== undefined,
    isBetweenAttempts: ({ event }) => (event as On<'child.found'>).status === 'restarting',
    isBrutal: ({ event }) => (event as On<'child.found'>).spec.shutdownMs === 'brutalKill',
    isTerminated: ({ context, event }) => context.job?.kind === 'terminateChild' && context.job.id === (event as DynamicExit).id,
    endsAlone: ({ event }) => !state.asksForRestart(event as DynamicExit),
    exceedsBudget: ({ context, event }) => state.exceedsBudget(context, event as DynamicExit | ChildRetry),
    exceedsIntensity: ({ context, event }) => state.exceedsIntensity(context, event as DynamicExit | ChildRetry),
    mustBackOff: ({ event }) => steps.delayOf(event as DynamicExit) > 0,
    isNotRestarting: ({ context, event }) => context.retrying[(event as ChildRetry).id] === undefined,
  },
  actions: {
    defer: assign({ mailbox: ({ context, event }) => [...context.mailbox, event as DynamicMessage] }),
    takeMail: enqueueActions(({ context, enqueue }) => {
      enqueue.raise(context.mailbox[0] as DynamicMessage);
      enqueue.assign({ mailbox: context.mailbox.slice(1) });
    }),
    answer: emit(({ event }, params: { result: CallResult }) => replied((event as SupervisorCall).call, params.result)),
    answerRefusal: emit(({ context, event }) =>
      replied((event as SupervisorCall).call, { ok: false, reason: steps.refusalOfStart(context, event as On<'call.startChild'>) }),
    ),
    answerTemplate: emit(({ context, event }) =>
      replied((event as SupervisorCall).call, context.template === null ? { ok: false, reason: 'notFound' } : { ok: true, spec: context.template }),
    ),
    answerGone: emit(({ context }) => replied((context.job as { call: string }).call, { ok: true })),
    answerMissing: emit(({ context }) => replied((context.job as { call: string }).call, { ok: false, reason: 'notFound' })),

    noteProblem: assign({ failure: ({ context }) => context.problem?.term }),
    runInit: sendTo('pool', ({ context }) => ({ type: 'pool.init', init: context.init ?? { src: '' } })),
    noteInitFailure: assign({ failure: ({ event }) => (event as On<'init.failed'>).reason }),

    planStart: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planStart(context, event as On<'call.startChild'>))),
    abandonStart: sendTo('pool', { type: 'pool.abandon' }),
    noteStarted: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.started(context, event as On<'child.started'>))),
    noteDeclined: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.declined(context, event as On<'child.declined'>))),
    answerStartFailure: enqueueActions(({ context, event, enqueue }) =>
      carryOut(enqueue, steps.callStartFailed(context, event as On<'child.startFailed'>)),
    ),

    noteExit: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.exited(context, event as DynamicExit))),
    noteDrained: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.drained(context, event as DynamicExit))),
    noteBudgetSpent: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.budgetSpent(context, event as DynamicExit))),
    noteRetriesSpent: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.retriesSpent(context, event as ChildRetry))),
    giveUp: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.giveUp(context, event as DynamicExit | ChildRetry))),
    planRestart: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planRestart(context, event as DynamicExit))),
    planDelayedRestart: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planDelayedRestart(context, event as DynamicExit))),
    planRetry: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planRetry(context, event as ChildRetry))),
    retryLater: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.retryLater(context, event as On<'child.startFailed'>))),

    planTermination: enqueueActions(({ context, event, enqueue }) =>
      carryOut(enqueue, steps.planTermination(context, event as On<'call.terminateChild'>)),
    ),
    noteFound: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.noteFound(context, event as On<'child.found'>))),
    forgetRetry: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.forgetRetry(context, event as On<'child.found'>))),
    passTheDead: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.passTheDead(context, event as On<'child.found'>))),
    askChild: sendTo('pool', ({ context }) => ({ type: 'pool.ask', id: (context.job as { id: string }).id })),
    killChild: sendTo('pool', ({ context }) => ({ type: 'pool.kill', id: (context.job as { id: string }).id })),
    noteTerminated: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.stopped(context, event as DynamicExit))),

    planStop: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.planStop(context, event))),
    stopAll: sendTo('pool', { type: 'pool.stopAll' }),
    noteEmptied: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.emptied(context, event as On<'pool.emptied'>))),
    forgetRetries: enqueueActions(({ context, enqueue }) => carryOut(enqueue, steps.forgetRetries(context))),
    drainAll: sendTo('pool', { type: 'pool.drain' }),
    planDrain: assign({ drainMs: ({ event }) => (event as On<'supervisor.drain'>).deadlineMs ?? null }),
    rebase: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.rebased(context, (event as On<'clock.rebased'>).offsetMs))),

    askWhich: sendTo('pool', ({ event }) => ({ type: 'pool.list', call: (event as SupervisorCall).call, question: 'which' })),
    askCount: sendTo('pool', ({ event }) => ({ type: 'pool.list', call: (event as SupervisorCall).call, question: 'count' })),
    answerListed: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, steps.listed(context, event as On<'pool.listed'>))),
  },
}).createMachine({
  id: 'dynamicSupervisor',
  context: ({ input }) => state.initialDynamicContext(input),
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
    'pool.listed': { actions: 'answerListed' },
    'clock.rebased': { actions: 'rebase' },
  },
  states: {
    starting: {
      tags: 'starting',
      initial: 'checking',
      states: {
        checking: {
          always: [
            { guard: 'invalid', target: '#dynamicSupervisor.failed', actions: 'noteProblem' },
            { guard: 'hasInit', target: 'initialising' },
            { target: '#dynamicSupervisor.running' },
          ],
        },
        initialising: {
          description: 'init runs to its end before the supervisor takes any call',
          entry: 'runInit',
          on: {
            'init.succeeded': '#dynamicSupervisor.running',
            'init.declined': '#dynamicSupervisor.declined',
            'init.failed': { target: '#dynamicSupervisor.failed', actions: 'noteInitFailure' },
          },
        },
      },
    },
    running: {
      tags: 'accepting',
      initial: 'idle',
      on: {
        'child.exited': [
          { guard: 'endsAlone', target: '.idle', actions: 'noteExit' },
          { guard: 'exceedsBudget', target: '.idle', actions: 'noteBudgetSpent' },
          { guard: 'exceedsIntensity', target: 'stopping', actions: ['giveUp', 'planStop'] },
          { guard: 'mustBackOff', target: '.idle', actions: 'planDelayedRestart' },
          { target: 'restarting', actions: 'planRestart' },
        ],
        'child.retry': [
          { guard: 'isNotRestarting', target: '.idle' },
          { guard: 'exceedsBudget', target: '.idle', actions: 'noteRetriesSpent' },
          { guard: 'exceedsIntensity', target: 'stopping', actions: ['giveUp', 'planStop'] },
          { target: 'restarting', actions: 'planRetry' },
        ],
        'call.startChild': [
          { guard: 'isRefused', target: '.idle', actions: 'answerRefusal' },
          { target: 'startingChild', actions: 'planStart' },
        ],
        'call.terminateChild': [
          { guard: 'isById', target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'simpleOneForOne' } } } },
          { guard: 'isDeadStranger', target: '.idle', actions: { type: 'answer', params: { result: { ok: true } } } },
          { target: 'terminatingChild', actions: 'planTermination' },
        ],
        'call.restartChild': { target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'simpleOneForOne' } } } },
        'call.deleteChild': { target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'simpleOneForOne' } } } },
        'call.getChildspec': [
          { guard: 'isTemplateId', target: '.idle', actions: 'answerTemplate' },
          { target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'notFound' } } } },
        ],
        'call.whichChildren': { target: '.idle', actions: 'askWhich' },
        'call.countChildren': { target: '.idle', actions: 'askCount' },
        'supervisor.shutdown': { target: 'stopping', actions: 'planStop' },
        'supervisor.stop': { target: 'stopping', actions: 'planStop' },
        'supervisor.drain': { target: 'draining', actions: 'planDrain' },
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
      description: 'startChild: the caller waits for the start',
      on: {
        'child.started': { target: 'running', actions: 'noteStarted' },
        'child.declined': { target: 'running', actions: 'noteDeclined' },
        'child.startFailed': { target: 'running', actions: 'answerStartFailure' },
      },
      after: { startDeadline: { actions: 'abandonStart' } },
    },
    restarting: {
      on: {
        'child.started': { target: 'running', actions: 'noteStarted' },
        'child.declined': { target: 'running', actions: 'noteDeclined' },
        'child.startFailed': { target: 'running', actions: 'retryLater' },
      },
      after: { startDeadline: { actions: 'abandonStart' } },
    },
    terminatingChild: {
      description: 'terminateChild: the caller waits for the end',
      initial: 'finding',
      states: {
        finding: {
          on: {
            'child.missing': [
              { guard: 'wasInstance', target: '#dynamicSupervisor.running', actions: 'answerGone' },
              { target: '#dynamicSupervisor.running', actions: 'answerMissing' },
            ],
            'child.found': [
              { guard: 'isDead', target: '#dynamicSupervisor.running', actions: 'passTheDead' },
              { guard: 'isBetweenAttempts', target: '#dynamicSupervisor.running', actions: 'forgetRetry' },
              { guard: 'isBrutal', target: 'killing', actions: 'noteFound' },
              { target: 'asking', actions: 'noteFound' },
            ],
          },
        },
        asking: {
          entry: 'askChild',
          on: { 'child.exited': { guard: 'isTerminated', target: '#dynamicSupervisor.running', actions: 'noteTerminated' } },
          after: { shutdownDeadline: 'killing' },
        },
        killing: {
          entry: 'killChild',
          on: { 'child.exited': { guard: 'isTerminated', target: '#dynamicSupervisor.running', actions: 'noteTerminated' } },
        },
      },
    },
    draining: {
      description: 'refuses to start anybody; ends when the last child has',
      entry: ['forgetRetries', 'drainAll'],
      initial: 'idle',
      always: { guard: 'isEmpty', target: 'stopping', actions: 'planStop' },
      on: {
        'child.exited': { target: '.idle', actions: 'noteDrained' },
        'child.retry': { target: '.idle' },
        'supervisor.drain': [{ guard: 'hasDeadline', target: 'draining', reenter: true, actions: 'planDrain' }, { target: '.idle' }],
        'call.*': { target: '.idle', actions: { type: 'answer', params: { result: { ok: false, reason: 'draining' } } } },
        'call.whichChildren': { target: '.idle', actions: 'askWhich' },
        'call.countChildren': { target: '.idle', actions: 'askCount' },
        'supervisor.shutdown': { target: 'stopping', actions: 'planStop' },
        'supervisor.stop': { target: 'stopping', actions: 'planStop' },
      },
      states: { idle: { always: { guard: 'hasMail', target: 'serving' } }, serving: { entry: 'takeMail' } },
      after: { drainDeadline: { target: 'stopping', actions: 'planStop' } },
    },
    stopping: {
      tags: 'stopping',
      description: 'all are asked at once; each has its own deadline',
      entry: 'stopAll',
      on: { 'pool.emptied': { target: 'stopped', actions: 'noteEmptied' } },
    },
    stopped: { type: 'final', output: ({ context }) => ({ ...exitWith(context.reason), children: context.ended }) },
    failed: { type: 'final', tags: 'starting', output: ({ context }) => failStart(context.failure) },
    declined: { type: 'final', tags: 'starting', output: () => declineStart() },
  },
});
