/**
 * Variables that many share.
 *
 * States   open → closed; failed
 * Emits    past the chart: variables.defined · variables.changed · variables.deleted · variables.refused · variables.subscriberLost · variables.coordinated
 * Needs    `shelf`, which has the variables — provided by src/agents/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * What is read and written passes this chart by: it has their life, and says what the loss of them is.
 */
import { assign, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { VariablesContext, VariablesEmitted, VariablesEvent } from './variables-events.js';

type On<Type extends VariablesEvent['type']> = Extract<VariablesEvent, { type: Type }>;

/** The chart of shared variables, without a shelf: to be looked at, drawn and tested. What runs is `variables()` of 'espalier'. */
export const variablesMachine = setup({
  types: {
    context: {} as VariablesContext,
    events: {} as VariablesEvent,
    emitted: {} as VariablesEmitted,
    tags: {} as 'accepting',
  },
  actors: { shelf: fromCallback<EventObject>(missingActor('variables', 'shelf', "variables() of 'espalier'")) },
  actions: {
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'variables',
  description: 'Variables that many share.',
  context: { reason: 'normal' },
  output: ({ context }) => exitWith(context.reason),
  initial: 'open',
  states: {
    open: {
      tags: 'accepting',
      description: 'They are read and written, and whoever subscribes is told.',
      invoke: {
        id: 'shelf',
        src: 'shelf',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'shelfCrashed' } } },
      },
      on: {
        'shelf.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'shelfLost' } } },
        'variables.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    closed: { type: 'final', description: 'In order. What is under way with agents is taken back.' },
    failed: { type: 'final', description: 'The shelf was lost: to its supervisor a crash.' },
  },
});
