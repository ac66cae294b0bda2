/**
 * A registry of names: who goes by which.
 *
 * States   serving → closed; failed
 * Emits    registry.recovered · registry.restarted; and past the chart registry.registered · registry.unregistered · registry.refused ·
 *          registry.vacated · registry.succeeded
 * Needs    `names`, which keeps the names and sees owners die — provided by src/registry/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * Names are given, found and taken away in the actor `names`, without a word to this chart: it decides what becomes of a registry that has lost its watch
 * over owners. The names outlive that actor: the next one looks at every owner again.
 */
import { assign, emit, enqueueActions, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import type { RegistryContext, RegistryEmitted, RegistryEvent, RegistryInput } from './registry-events.js';

type On<Type extends RegistryEvent['type']> = Extract<RegistryEvent, { type: Type }>;

/** The chart of a registry, without names: to be looked at, drawn and tested. What runs is `registry()` of 'espalier'. */
export const registryMachine = setup({
  types: {
    input: {} as RegistryInput,
    context: {} as RegistryContext,
    events: {} as RegistryEvent,
    emitted: {} as RegistryEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    names: fromCallback<{ type: 'names.none' }>(missingActor('registry', 'names', "registry() of 'espalier'")),
  },
  guards: {
    knewSomebody: ({ event }) => (event as On<'names.opened'>).kept + (event as On<'names.opened'>).gone > 0,
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) =>
      exceedsIntensity(losses, (event as On<'names.ended'>).at, intensity, periodMs),
  },
  actions: {
    tellRecovery: emit(({ event }) => {
      const { kept, gone } = event as On<'names.opened'>;
      return { type: 'registry.recovered' as const, kept, gone };
    }),
    replaceNames: enqueueActions(({ context, event, enqueue }) => {
      const losses = addRestart(context.losses, (event as On<'names.ended'>).at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'registry.restarted', attempt: losses.length });
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'registry',
  description: 'A registry of names: who goes by which.',
  context: ({ input }) => ({ ...input, losses: [], reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'serving',
  states: {
    serving: {
      tags: 'accepting',
      description: 'Names are given and found, and owners are watched. A lost watch is replaced, and the new one looks at every owner.',
      invoke: {
        id: 'names',
        src: 'names',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'namesCrashed' } } },
      },
      on: {
        'names.opened': { guard: 'knewSomebody', actions: 'tellRecovery' },
        'names.ended': [
          { guard: 'isLostTooOften', target: 'failed', actions: { type: 'noteFailure', params: { crash: 'namesLost' } } },
          { target: 'serving', reenter: true, actions: 'replaceNames' },
        ],
        'registry.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    closed: {
      type: 'final',
      description: 'In order. Asked by the app, every name is forgotten; by its supervisor, they wait for the next incarnation.',
    },
    failed: { type: 'final', description: 'Its watch was lost too often: to its supervisor a crash.' },
  },
});
