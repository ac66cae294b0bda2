/**
 * The gate in front of a service: permits by key, and who waits for them.
 *
 * States   serving(admission: open → draining, watch: watched) → closed; failed
 * Emits    gate.levelChanged · gate.watchersRestarted; and past the chart gate.waited · gate.refused · gate.reclaimed · gate.expired · gate.paused
 * Needs    `permits`, who holds and who waits; `watchers`, who sees holders die — provided by src/gate/; the placeholders here refuse to run
 * Output   the exit reason
 *
 * Permits are granted and returned in the actor `permits`, without a word to this chart: it decides what is slow and visible, which is how many there
 * are, whether any are granted, and what becomes of lost watchers.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import {
  type GateContext,
  type GateEmitted,
  type GateEvent,
  type GateInput,
  levelOf,
  type PermitsCommand,
  policyOf,
  without,
} from './gate-events.js';
import { backedOff, climbed } from './level.js';

type On<Type extends GateEvent['type']> = Extract<GateEvent, { type: Type }>;
type LevelEvent = On<'key.rateLimited' | 'key.succeeded' | 'limit.set'>;

/** The level that an event leads to. */
function levelAfter(context: GateContext, event: LevelEvent): number | null {
  const from = levelOf(context, event.key);
  if (event.type === 'limit.set') return event.permits;
  const { adaptive } = policyOf(context, event.key);
  if (adaptive === null) return from;
  return event.type === 'key.rateLimited' ? backedOff(from, adaptive) : climbed(from, adaptive);
}

const causes = { 'key.rateLimited': 'rateLimited', 'key.succeeded': 'succeeded', 'limit.set': 'set' } as const;

/** The chart of a gate, without permits and watchers: to be looked at, drawn and tested. What runs is `gate()` of 'espalier'. */
export const gateMachine = setup({
  types: {
    input: {} as GateInput,
    context: {} as GateContext,
    events: {} as GateEvent,
    emitted: {} as GateEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    permits: fromCallback<PermitsCommand>(missingActor('gate', 'permits', "gate() of 'espalier'")),
    watchers: fromCallback<{ type: 'watchers.none' }>(missingActor('gate', 'watchers', "gate() of 'espalier'")),
  },
  guards: {
    changesLevel: ({ context, event }) => levelAfter(context, event as LevelEvent) !== levelOf(context, (event as LevelEvent).key),
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) =>
      exceedsIntensity(losses, (event as On<'watchers.ended'>).at, intensity, periodMs),
    hasDeadline: ({ event }) => (event as On<'gate.drain'>).deadlineMs !== undefined,
    drainsInTime: ({ context }) => context.drainMs !== null,
  },
  delays: { drainDeadline: ({ context }) => context.drainMs ?? longestDelayMs },
  actions: {
    changeLevel: enqueueActions(({ context, event, enqueue }) => {
      const change = event as LevelEvent;
      const { key } = change;
      const level = levelAfter(context, change);
      const isSet = change.type === 'limit.set';
      enqueue.assign(
        isSet
          ? { limits: { ...context.limits, [key]: level }, levels: without(context.levels, [key]) }
          : { levels: { ...context.levels, [key]: level } },
      );
      enqueue.sendTo('permits', { type: 'permits.level', key, level, isSet });
      enqueue.emit({ type: 'gate.levelChanged', key, from: levelOf(context, key), level, because: causes[change.type] });
    }),
    noteLimit: enqueueActions(({ context, event, enqueue }) => {
      const { key, permits: level } = event as On<'limit.set'>;
      enqueue.assign({ limits: { ...context.limits, [key]: level }, levels: without(context.levels, [key]) });
      enqueue.sendTo('permits', { type: 'permits.level', key, level, isSet: true });
    }),
    resumePermits: sendTo('permits', ({ context: { levels, limits } }) => ({ type: 'permits.resume', levels, limits })),
    drainPermits: sendTo('permits', { type: 'permits.drain' }),
    forgetKeys: assign({ levels: ({ context, event }) => without(context.levels, (event as On<'keys.forgotten'>).keys) }),
    noteDrain: assign({ drainMs: ({ event }) => (event as On<'gate.drain'>).deadlineMs ?? null }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
    replaceWatchers: enqueueActions(({ context, event, enqueue }) => {
      const losses = addRestart(context.losses, (event as On<'watchers.ended'>).at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'gate.watchersRestarted', attempt: losses.length });
    }),
  },
}).createMachine({
  id: 'gate',
  description: 'The gate in front of a service: permits by key, and who waits for them.',
  context: ({ input }) => ({ ...input, levels: {}, limits: {}, drainMs: null, losses: [], reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'serving',
  states: {
    serving: {
      type: 'parallel',
      invoke: {
        id: 'permits',
        src: 'permits',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'permitsCrashed' } } },
      },
      on: {
        'permits.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'permitsLost' } } },
        'key.rateLimited': { guard: 'changesLevel', actions: 'changeLevel' },
        'key.succeeded': { guard: 'changesLevel', actions: 'changeLevel' },
        'limit.set': [
          { guard: 'changesLevel', actions: 'changeLevel' },
          { description: 'What the app has set stays, also where the level had come there by itself.', actions: 'noteLimit' },
        ],
        'keys.forgotten': { actions: 'forgetKeys' },
        'gate.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
      states: {
        admission: {
          initial: 'open',
          states: {
            open: {
              tags: 'accepting',
              on: { 'permits.opened': { actions: 'resumePermits' }, 'gate.drain': { target: 'draining', actions: 'noteDrain' } },
            },
            draining: {
              description: 'Whoever waits was refused, and whoever comes is. It ends when the last permit is back.',
              entry: 'drainPermits',
              on: {
                'permits.opened': {
                  description: 'Restored from a snapshot: nobody holds anything, and what is left of the deadline is forgotten.',
                  target: 'draining',
                  reenter: true,
                  actions: 'resumePermits',
                },
                'permits.emptied': '#gate.closed',
                'gate.drain': { guard: 'hasDeadline', target: 'draining', reenter: true, actions: 'noteDrain' },
              },
              after: { drainDeadline: { guard: 'drainsInTime', target: '#gate.closed' } },
            },
          },
        },
        watch: {
          initial: 'watched',
          states: {
            watched: {
              description: 'Holders are watched. Lost watchers are replaced, and the new ones look at everybody who holds or waits.',
              invoke: {
                id: 'watchers',
                src: 'watchers',
                onError: { target: '#gate.failed', actions: { type: 'noteFailure', params: { crash: 'watchersCrashed' } } },
              },
              on: {
                'watchers.ended': [
                  { guard: 'isLostTooOften', target: '#gate.failed', actions: { type: 'noteFailure', params: { crash: 'watchersLost' } } },
                  { target: 'watched', reenter: true, actions: 'replaceWatchers' },
                ],
              },
            },
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order. Who waited was refused; permits that were still held are void.' },
    failed: { type: 'final', description: 'A part of it was lost: to its supervisor a crash.' },
  },
});
