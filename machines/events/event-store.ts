/**
 * An event store as a service: an engine that is opened, kept open, pruned by policy, opened again where it broke, and closed in order.
 *
 * States   running(opening → serving → closing) ⇄ backingOff → closed; failed
 * Emits    eventStore.opened · eventStore.lost · eventStore.pruned; and past the chart eventStore.committed · eventStore.refused · eventStore.faulted ·
 *          eventStore.subscriptionFailed
 * Needs    `engine`, who has the file — provided by src/event-store/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * Events are stored and read in the actor `engine`, without a word to this chart. Nor does it count as starting while it opens: whoever asks meanwhile waits.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { backoffMs, longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import type { EngineCommand, EventStoreContext, EventStoreEmitted, EventStoreEvent, EventStoreInput } from './event-store-events.js';

type On<Type extends EventStoreEvent['type']> = Extract<EventStoreEvent, { type: Type }>;
type Loss = On<'engine.faulted' | 'engine.ended'>;

const wordOf = (loss: Loss): string => (loss.type === 'engine.faulted' ? loss.error : 'engineLost');

/** The chart of an event store, without its engine: to be looked at, drawn and tested. What runs is `eventStore()` of 'espalier'. */
export const eventStoreMachine = setup({
  types: {
    input: {} as EventStoreInput,
    context: {} as EventStoreContext,
    events: {} as EventStoreEvent,
    emitted: {} as EventStoreEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    engine: fromCallback<EngineCommand>(missingActor('eventStore', 'engine', "eventStore() of 'espalier'")),
  },
  guards: {
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) => exceedsIntensity(losses, (event as Loss).at, intensity, periodMs),
  },
  delays: {
    openDeadline: ({ context }) => context.openMs,
    closeDeadline: ({ context }) => context.closeMs,
    // An order to prune by no policy does nothing.
    pruneInterval: ({ context }) => context.pruneEveryMs ?? longestDelayMs,
    backoff: ({ context }) => backoffMs(context.backoff, context.losses.length, 'eventStore'),
  },
  actions: {
    tellOpened: emit(({ event }) => {
      const { head, isDurable } = event as On<'engine.opened'>;
      return { type: 'eventStore.opened', head, isDurable };
    }),
    tellPruned: emit(({ event }) => {
      const { count, through } = event as On<'engine.pruned'>;
      return { type: 'eventStore.pruned', count, through };
    }),
    noteLoss: enqueueActions(({ context, event, enqueue }) => {
      const losses = addRestart(context.losses, (event as Loss).at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'eventStore.lost', error: wordOf(event as Loss), attempt: losses.length });
    }),
    noteRefusal: assign({ reason: ({ event }) => ({ crash: (event as On<'engine.refused'>).code }) }),
    noteFault: assign({ reason: ({ event }) => ({ crash: wordOf(event as Loss) }) }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    pruneEngine: sendTo('engine', { type: 'engine.prune' }),
    closeEngine: sendTo('engine', { type: 'engine.close' }),
  },
}).createMachine({
  id: 'eventStore',
  description: 'An event store as a service: opened, kept open, opened again where it broke, closed in order.',
  context: ({ input }) => ({ ...input, losses: [], reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      invoke: {
        id: 'engine',
        src: 'engine',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'engineCrashed' } } },
      },
      initial: 'opening',
      on: {
        'engine.refused': { target: 'failed', actions: 'noteRefusal' },
        'engine.faulted': [
          { guard: 'isLostTooOften', target: 'failed', actions: 'noteFault' },
          { target: 'backingOff', actions: 'noteLoss' },
        ],
        'engine.ended': [
          { guard: 'isLostTooOften', target: 'failed', actions: 'noteFault' },
          { target: 'backingOff', actions: 'noteLoss' },
        ],
        'store.close': '.closing',
        'supervisor.shutdown': { target: '.closing', actions: 'noteShutdown' },
      },
      states: {
        opening: {
          description: 'Whoever asks for something waits.',
          on: { 'engine.opened': { target: 'serving', actions: 'tellOpened' } },
          after: { openDeadline: { target: '#eventStore.failed', actions: { type: 'noteFailure', params: { crash: 'openTimeout' } } } },
        },
        serving: {
          tags: 'accepting',
          on: {
            'engine.opened': {
              description: 'Restored from a snapshot: it was opened again.',
              target: 'serving',
              reenter: true,
              actions: 'tellOpened',
            },
            'engine.pruned': { actions: 'tellPruned' },
          },
          after: { pruneInterval: { target: 'serving', reenter: true, actions: 'pruneEngine' } },
        },
        closing: {
          description: 'What waits is committed. Whoever comes is refused.',
          entry: 'closeEngine',
          on: {
            'engine.opened': {
              description: 'It had not opened when it was told; or it was restored from a snapshot.',
              target: 'closing',
              reenter: true,
            },
            'engine.closed': '#eventStore.closed',
            'engine.refused': '#eventStore.closed',
            'engine.faulted': { target: '#eventStore.failed', actions: 'noteFault' },
            'engine.ended': '#eventStore.closed',
            'store.close': {},
            'supervisor.shutdown': { actions: 'noteShutdown' },
          },
          after: { closeDeadline: { target: '#eventStore.failed', actions: { type: 'noteFailure', params: { crash: 'closeTimeout' } } } },
        },
      },
    },
    backingOff: {
      description: 'The engine was lost. Whoever asks for something waits.',
      on: { 'store.close': 'closed', 'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' } },
      after: { backoff: 'running' },
    },
    closed: { type: 'final', description: 'In order: all that was acknowledged is there, and the file is let go of.' },
    failed: { type: 'final', description: 'It could not be opened, or broke too often: to its supervisor a crash.' },
  },
});
