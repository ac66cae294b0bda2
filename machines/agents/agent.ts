/**
 * One agent's life, from its registration to its end: started, stopped and changed by its app, restarted by its keeper.
 *
 * States   down ⇄ up(starting(launching → retreating) → running → stopping → leaving) → gone
 * Emits    agent.registered · agent.recovered · agent.started · agent.startFailed · agent.crashed · agent.restarted · agent.stopped · agent.failed
 *          · agent.updated · agent.rolledBack · agent.unregistered · agent.answered
 * Needs    `keeper`, a supervisor with this one child — provided by src/agents/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * The keeper is invoked by `up`, so an agent's actor lives at most as long as its agent is up. Whether it runs or is between two attempts the keeper
 * knows, and nobody else.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup, stateIn } from 'xstate';
import { missingActor } from '../missing-actor.js';
import type { SupervisorOrder } from '../supervision/supervisor-state.js';
import { exitWith, isClean } from '../supervision/exit.js';
import type { AgentContext, AgentEmitted, AgentEvent, AgentInput, AgentJob, AgentRefusal, AgentResult } from './agent-events.js';

type On<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;

/** Most calls that wait for one agent to stop. */
const mostStops = 100;

/** Nobody is answered where nobody asked. */
const answer = (enqueue: { emit(fact: AgentEmitted): void }, context: AgentContext, call: string | null | undefined, outcome: AgentResult): void => {
  if (call !== null && call !== undefined) enqueue.emit(answered(context, call, outcome));
};

const answered = ({ spec: { id } }: AgentContext, call: string, outcome: AgentResult): AgentEmitted => ({
  type: 'agent.answered',
  id,
  call,
  outcome,
});

/** Why it ended, in the words of whoever knows most. */
const whyOf = ({ failure }: AgentContext, event: AgentEvent): unknown => (failure === null ? (event as On<'keeper.ended'>).reason : failure.why);

/** The chart of an agent, without a keeper: to be looked at, drawn and tested. What runs is `agents()` of 'espalier'. */
export const agentMachine = setup({
  types: {
    input: {} as AgentInput,
    context: {} as AgentContext,
    events: {} as AgentEvent,
    emitted: {} as AgentEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    keeper: fromCallback<SupervisorOrder, AgentContext['spec']>(missingActor('agent', 'keeper', "agents() of 'espalier'")),
  },
  guards: {
    hasFormer: ({ context }) => context.job?.kind === 'update',
    wasUp: ({ context }) => context.was === 'up',
    wasLeaving: ({ context }) => context.was === 'leaving',
    hasNext: ({ context }) => context.next !== null,
    isLeaving: ({ context }) => context.isLeaving,
    isAllSaid: ({ context, event }) => context.isLeaving && (context.isKeeperDone || !(event as On<'keeper.ended'>).isDone),
    isOnItsWay: stateIn({ up: 'leaving' }),
    isCrowded: ({ context }) => context.stops.length >= mostStops,
  },
  actions: {
    tellRegistered: enqueueActions(({ context: { spec, was, end }, enqueue }) => {
      const { id, src, capabilities } = spec;
      if (was === null) enqueue.emit({ type: 'agent.registered', id, src, capabilities });
      else enqueue.emit({ type: 'agent.recovered', id, state: was === 'up' ? 'starting' : (end?.status ?? 'registered') });
    }),
    refuse: emit(({ context, event }, p: { reason: AgentRefusal }) =>
      answered(context, (event as On<'agent.start'>).call, { ok: false, reason: p.reason }),
    ),
    beginStart: assign({
      job: ({ event }): AgentJob => ({ kind: 'start', call: (event as On<'agent.start'>).call, former: null, why: null }),
      failure: null,
      end: null,
      isKeeperDone: false,
    }),
    beginAgain: assign({ job: { kind: 'start', call: null, former: null, why: null }, was: null, end: null }),
    beginUpdate: assign({
      job: ({ context: { next, spec } }): AgentJob => ({ kind: 'update', call: next?.call ?? null, former: spec, why: null }),
      spec: ({ context: { next, spec } }) => next?.spec ?? spec,
      next: null,
      failure: null,
      isKeeperDone: false,
    }),
    rollBack: enqueueActions(({ context, event, enqueue }) => {
      const { spec, job } = context;
      const why = whyOf(context, event);
      enqueue.emit({ type: 'agent.startFailed', id: spec.id, why });
      enqueue.assign({
        spec: job?.former ?? spec,
        job: { kind: 'rollBack', call: job?.call ?? null, former: null, why },
        failure: null,
        isKeeperDone: false,
      });
    }),
    noteDone: assign({ isKeeperDone: true }),
    noteCrash: assign({ failure: { why: 'keeperCrashed' } }),
    noteFailure: assign({ failure: ({ event }) => ({ why: (event as On<'keeper.refused'>).why }) }),
    noteStarted: enqueueActions(({ context, enqueue }) => {
      const { spec, job } = context;
      const { id } = spec;
      const { kind = 'start', call = null, why } = job ?? {};
      enqueue.assign({ job: null, failure: null });
      enqueue.emit({ type: 'agent.started', id });
      if (kind === 'update') enqueue.emit({ type: 'agent.updated', id, isRunning: true });
      if (kind === 'rollBack') enqueue.emit({ type: 'agent.rolledBack', id, why });
      answer(enqueue, context, call, kind === 'rollBack' ? { ok: false, reason: 'rolledBack', why } : { ok: true });
    }),
    failStart: enqueueActions(({ context, event, enqueue }) => {
      const { spec, job } = context;
      const why = whyOf(context, event);
      enqueue.assign({ job: null, end: { status: 'failed', why } });
      enqueue.emit({ type: 'agent.startFailed', id: spec.id, why });
      enqueue.emit({ type: 'agent.failed', id: spec.id, why });
      answer(enqueue, context, job?.call, { ok: false, reason: 'failed', why: job?.kind === 'rollBack' ? job.why : why });
    }),
    tellRestartFailed: emit(({ context: { spec }, event }) => ({
      type: 'agent.startFailed' as const,
      id: spec.id,
      why: (event as On<'keeper.startFailed'>).why,
    })),
    tellCrashed: emit(({ context: { spec }, event }) => {
      const { reason, willRestart } = event as On<'keeper.crashed'>;
      return { type: 'agent.crashed' as const, id: spec.id, reason, willRestart };
    }),
    noteRestarted: enqueueActions(({ context: { spec, restarts }, enqueue }) => {
      enqueue.assign({ restarts: restarts + 1 });
      enqueue.emit({ type: 'agent.restarted', id: spec.id, restarts: restarts + 1 });
    }),
    noteEnd: enqueueActions(({ context, event, enqueue }) => {
      const { id } = context.spec;
      const { reason, isSpent } = event as On<'keeper.ended'>;
      const isOver = !isSpent && isClean(reason);
      enqueue.assign({ end: { status: isOver ? 'stopped' : 'failed', why: reason } });
      enqueue.emit(isOver ? { type: 'agent.stopped', id, reason } : { type: 'agent.failed', id, why: reason });
    }),
    noteStopped: enqueueActions(({ context, event, enqueue }) => {
      const { spec, stops, failure } = context;
      const why = whyOf(context, event);
      const { reason } = event as On<'keeper.ended'>;
      enqueue.assign({ stops: [], end: { status: failure === null ? 'stopped' : 'failed', why } });
      enqueue.emit(failure === null ? { type: 'agent.stopped', id: spec.id, reason } : { type: 'agent.failed', id: spec.id, why });
      for (const call of stops) enqueue.emit(answered(context, call, { ok: true }));
    }),
    /** What it was at work on, or was to be next, comes to nothing. */
    abandon: enqueueActions(({ context, enqueue }) => {
      const { spec, job, next } = context;
      const call = job?.call ?? next?.call;
      enqueue.assign({ job: null, next: null, failure: null, spec: job?.former ?? spec });
      answer(enqueue, context, call, { ok: false, reason: 'stopped', ...(job?.kind === 'rollBack' ? { why: job.why } : {}) });
    }),
    noteStop: assign({ stops: ({ context, event }) => [...context.stops, (event as On<'agent.stop'>).call] }),
    noteNext: assign({
      next: ({ context: { spec }, event }) => {
        const { call, changes } = event as On<'agent.update'>;
        return { call, spec: { ...spec, ...changes } };
      },
    }),
    change: enqueueActions(({ context, event, enqueue }) => {
      const { call, changes } = event as On<'agent.update'>;
      enqueue.assign({ spec: { ...context.spec, ...changes } });
      enqueue.emit({ type: 'agent.updated', id: context.spec.id, isRunning: false });
      enqueue.emit(answered(context, call, { ok: true }));
    }),
    noteLeave: assign({
      isLeaving: true,
      reason: ({ context, event }) => (event.type === 'supervisor.shutdown' ? (event.reason ?? 'shutdown') : context.reason),
    }),
    stopKeeper: sendTo('keeper', { type: 'supervisor.shutdown', reason: 'shutdown' }),
    tellUnregistered: emit(({ context: { spec } }) => ({ type: 'agent.unregistered' as const, id: spec.id })),
  },
}).createMachine({
  id: 'agent',
  description: "One agent's life, from its registration to its end: started, stopped and changed by its app, restarted by its keeper.",
  context: ({ input }) => ({
    ...{ spec: input.past?.spec ?? input.spec, job: null, next: null, stops: [], failure: null },
    ...{ restarts: input.past?.restarts ?? 0, end: input.past?.end ?? null },
    ...{ isKeeperDone: false, isLeaving: false, reason: 'normal' },
    was: input.past?.was ?? null,
  }),
  output: ({ context }) => exitWith(context.reason),
  entry: 'tellRegistered',
  initial: 'down',
  states: {
    down: {
      tags: 'accepting',
      description: 'Registered, and nobody runs: never yet, stopped, or given up. After its chart was lost it goes on as it was.',
      always: [
        { guard: 'wasLeaving', target: 'gone' },
        { guard: 'wasUp', target: 'up', actions: 'beginAgain' },
      ],
      on: {
        'agent.start': { target: 'up', actions: 'beginStart' },
        'agent.stop': { actions: { type: 'refuse', params: { reason: 'notRunning' } } },
        'agent.update': { actions: 'change' },
        'agent.unregister': { target: 'gone', actions: 'noteLeave' },
        'supervisor.shutdown': { target: 'gone', actions: 'noteLeave' },
      },
    },
    up: {
      description: 'It has a keeper.',
      invoke: {
        id: 'keeper',
        src: 'keeper',
        input: ({ context }) => context.spec,
        onDone: [{ guard: 'isOnItsWay', target: 'gone' }, { actions: 'noteDone' }],
        onError: [
          { guard: 'isLeaving', target: 'gone', actions: ['noteCrash', 'noteStopped'] },
          { target: 'down', actions: ['abandon', 'noteCrash', 'noteStopped'] },
        ],
      },
      initial: 'starting',
      on: {
        'agent.start': { actions: { type: 'refuse', params: { reason: 'alreadyRunning' } } },
        'agent.update': { actions: { type: 'refuse', params: { reason: 'busy' } } },
        'agent.stop': { target: '.stopping', actions: ['abandon', 'noteStop'] },
        'agent.unregister': { target: '.stopping', actions: ['abandon', 'noteLeave'] },
        'supervisor.shutdown': { target: '.stopping', actions: ['abandon', 'noteLeave'] },
      },
      states: {
        starting: {
          description: 'Its keeper starts it, and gives it its names.',
          initial: 'launching',
          on: {
            'keeper.ended': [
              { guard: 'hasFormer', target: '#agent.up', reenter: true, actions: 'rollBack' },
              { target: '#agent.down', actions: 'failStart' },
            ],
          },
          states: {
            launching: {
              on: {
                'keeper.up': { target: '#agent.up.running', actions: 'noteStarted' },
                'keeper.startFailed': { actions: 'noteFailure' },
                'keeper.refused': { target: 'retreating', actions: 'noteFailure' },
              },
            },
            retreating: { description: 'It was started, and is not to run.', entry: 'stopKeeper' },
          },
        },
        running: {
          description: 'It runs, or its keeper is about to restart it.',
          on: {
            'agent.update': { target: 'stopping', actions: 'noteNext' },
            'keeper.up': { actions: 'noteRestarted' },
            'keeper.crashed': { actions: 'tellCrashed' },
            'keeper.startFailed': { actions: 'tellRestartFailed' },
            'keeper.refused': { target: 'stopping', actions: 'noteFailure' },
            'keeper.ended': { target: '#agent.down', actions: 'noteEnd' },
          },
        },
        stopping: {
          description: 'Its keeper asks it to end, and kills it at its deadline; no restart comes.',
          entry: 'stopKeeper',
          on: {
            'agent.start': { actions: { type: 'refuse', params: { reason: 'stopping' } } },
            'agent.stop': [
              { guard: 'isCrowded', actions: { type: 'refuse', params: { reason: 'overloaded' } } },
              { actions: ['abandon', 'noteStop'] },
            ],
            'agent.unregister': { actions: ['abandon', 'noteLeave'] },
            'supervisor.shutdown': { actions: ['abandon', 'noteLeave'] },
            'keeper.ended': [
              { guard: 'isAllSaid', target: '#agent.gone', actions: 'noteStopped' },
              { guard: 'isLeaving', target: 'leaving', actions: 'noteStopped' },
              { guard: 'hasNext', target: '#agent.up', reenter: true, actions: ['noteStopped', 'beginUpdate'] },
              { target: '#agent.down', actions: 'noteStopped' },
            ],
          },
        },
        leaving: {
          description: 'It has stopped, and its keeper with it, of which XState has only to say so.',
          on: {
            'agent.stop': { actions: { type: 'refuse', params: { reason: 'notRunning' } } },
            'agent.unregister': {},
            'supervisor.shutdown': { actions: 'noteLeave' },
          },
        },
      },
    },
    gone: { type: 'final', description: 'Unregistered.', entry: 'tellUnregistered' },
  },
});
