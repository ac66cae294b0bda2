/**
 * Who gets the next task, among many agents.
 *
 * States   open → draining → closed; failed
 * Emits    balancer.strategyChanged; and past the chart balancer.agentAdded · balancer.agentLost · balancer.assigned · balancer.moved · balancer.refused ·
 *          balancer.ended · balancer.dropped
 * Needs    `desk`, which has the agents and their tasks — provided by src/agents/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * Tasks are assigned and come back in the actor `desk`, without a word to this chart: it decides what is slow and visible, which is by what strategy, and
 * whether there are any.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { AgentReport, BalancerContext, BalancerEmitted, BalancerEvent, BalancerInput, DeskCommand } from './balancer-events.js';

type On<Type extends BalancerEvent['type']> = Extract<BalancerEvent, { type: Type }>;

/** The chart of a balancer, without its desk: to be looked at, drawn and tested. What runs is `loadBalancer()` of 'espalier'. */
export const balancerMachine = setup({
  types: {
    input: {} as BalancerInput,
    context: {} as BalancerContext,
    events: {} as BalancerEvent,
    emitted: {} as BalancerEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    desk: fromCallback<DeskCommand | AgentReport>(missingActor('balancer', 'desk', "loadBalancer() of 'espalier'")),
  },
  guards: {
    isAnotherStrategy: ({ context, event }) => (event as On<'strategy.set'>).strategy !== context.strategy,
    hasDeadline: ({ event }) => (event as On<'balancer.drain'>).deadlineMs !== undefined,
    drainsInTime: ({ context }) => context.drainMs !== null,
  },
  delays: { drainDeadline: ({ context }) => context.drainMs ?? longestDelayMs },
  actions: {
    changeStrategy: enqueueActions(({ context, event, enqueue }) => {
      const { strategy } = event as On<'strategy.set'>;
      enqueue.assign({ strategy });
      enqueue.sendTo('desk', { type: 'desk.strategy', strategy });
      enqueue.emit({ type: 'balancer.strategyChanged', from: context.strategy, strategy });
    }),
    tellStrategy: sendTo('desk', ({ context: { strategy } }) => ({ type: 'desk.strategy' as const, strategy })),
    drainDesk: sendTo('desk', { type: 'desk.drain' }),
    noteDrain: assign({ drainMs: ({ event }) => (event as On<'balancer.drain'>).deadlineMs ?? null }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'balancer',
  description: 'Who gets the next task, among many agents.',
  context: ({ input }) => ({ ...input, drainMs: null, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'serving',
  states: {
    serving: {
      description: 'Agents and tasks are known to its desk, as long as it runs.',
      invoke: {
        id: 'desk',
        src: 'desk',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'deskCrashed' } } },
      },
      on: {
        'desk.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'deskLost' } } },
        'strategy.set': { guard: 'isAnotherStrategy', actions: 'changeStrategy' },
        'balancer.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
      initial: 'open',
      states: {
        open: {
          tags: 'accepting',
          on: { 'desk.opened': { actions: 'tellStrategy' }, 'balancer.drain': { target: 'draining', actions: 'noteDrain' } },
        },
        draining: {
          description: 'Whoever waits was refused, and whoever comes is. It ends when the last task has.',
          entry: 'drainDesk',
          on: {
            'desk.opened': {
              description: 'Restored from a snapshot: nobody has anything, and what is left of the deadline is forgotten.',
              target: 'draining',
              reenter: true,
              actions: 'tellStrategy',
            },
            'desk.emptied': '#balancer.closed',
            'balancer.drain': { guard: 'hasDeadline', target: 'draining', reenter: true, actions: 'noteDrain' },
          },
          after: { drainDeadline: { guard: 'drainsInTime', target: '#balancer.closed' } },
        },
      },
    },
    closed: { type: 'final', description: 'In order. Tasks that had not ended are told so.' },
    failed: { type: 'final', description: 'Its desk was lost: to its supervisor a crash.' },
  },
});
