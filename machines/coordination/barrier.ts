/**
 * One participant in a barrier that many share: it arrives, waits until all have, and comes through with them.
 *
 * States   idle ⇄ busy(waiting(joining → gathered) → withdrawing) → closed; failed
 * Emits    barrier.arrived · barrier.opened · barrier.refused
 * Needs    `place`, which has the lease, the key among those who wait and the watch over them — provided by src/coordination/; the placeholder here refuses
 *          to run
 * Output   the exit reason
 *
 * The place is invoked by `busy`, so a lease lives exactly as long as somebody waits, and one that dies takes its arrival along. Who gives up is not answered
 * before it is certain that nobody counts it: a generation may have opened with it meanwhile, and then it has come through.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { BarrierContext, BarrierEmitted, BarrierEvent, BarrierInput, BarrierPlaceCommand, BarrierRefusal } from './barrier-events.js';

type On<Type extends BarrierEvent['type']> = Extract<BarrierEvent, { type: Type }>;

/** The chart of a barrier, without a backend: to be looked at, drawn and tested. What runs is `barrier()` of 'espalier'. */
export const barrierMachine = setup({
  types: {
    input: {} as BarrierInput,
    context: {} as BarrierContext,
    events: {} as BarrierEvent,
    emitted: {} as BarrierEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    place: fromCallback<BarrierPlaceCommand>(missingActor('barrier', 'place', "barrier() of 'espalier'")),
  },
  guards: {
    isClaim: ({ context, event }) => context.claim?.ref === (event as On<'barrier.cancel'>).ref,
    isEnding: ({ context }) => context.isEnding,
  },
  delays: { patience: ({ context }) => context.claim?.withinMs ?? longestDelayMs },
  actions: {
    noteClaim: assign({
      claim: ({ event }) => ({ ref: (event as On<'barrier.arrive'>).ref, withinMs: (event as On<'barrier.arrive'>).withinMs }),
      refusal: null,
    }),
    noteArrived: assign({ arrived: ({ event }) => (event as On<'place.arrived'>).arrived }),
    tellArrived: emit(({ context: { name, claim }, event }) => ({
      type: 'barrier.arrived' as const,
      name,
      ref: claim?.ref ?? '',
      arrived: (event as On<'place.arrived'>).arrived,
    })),
    passThrough: enqueueActions(({ context: { name, claim }, event, enqueue }) => {
      const { generation, token, waitedMs } = event as On<'place.opened'>;
      enqueue.assign({ claim: null, arrived: 0, generation, refusal: null });
      enqueue.emit({ type: 'barrier.opened', name, ref: claim?.ref ?? '', generation, token, waitedMs });
    }),
    refuseBusy: emit(({ context: { name }, event }) => ({
      type: 'barrier.refused' as const,
      name,
      ref: (event as On<'barrier.arrive'>).ref,
      reason: 'busy' as const,
    })),
    noteRefusal: assign({ refusal: (_, p: { reason: BarrierRefusal }) => p.reason }),
    refuseClaim: enqueueActions(({ context: { name, claim, refusal }, event, enqueue }) => {
      const { isCertain } = event as On<'place.left'>;
      enqueue.assign({ claim: null, arrived: 0, refusal: null });
      enqueue.emit({ type: 'barrier.refused', name, ref: claim?.ref ?? '', reason: (isCertain ? refusal : null) ?? 'unknown' });
    }),
    withdrawPlace: sendTo('place', { type: 'place.withdraw' }),
    noteClose: assign({ isEnding: true }),
    noteShutdown: assign({ isEnding: true, reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'barrier',
  description: 'One participant in a barrier that many share: it arrives, waits until all have, and comes through with them.',
  context: ({ input }) => ({ ...input, claim: null, arrived: 0, generation: 0, refusal: null, isEnding: false, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'idle',
  states: {
    idle: {
      tags: 'accepting',
      description: 'It does not wait: no lease, no key.',
      on: {
        'barrier.arrive': { target: 'busy', actions: 'noteClaim' },
        'barrier.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    busy: {
      description: 'It has a place among those who wait, or is about to.',
      invoke: {
        id: 'place',
        src: 'place',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'placeCrashed' } } },
      },
      on: {
        'barrier.arrive': { actions: 'refuseBusy' },
        'barrier.close': { actions: 'noteClose' },
        'supervisor.shutdown': { actions: 'noteShutdown' },
        'place.opened': [
          { guard: 'isEnding', target: 'closed', actions: 'passThrough' },
          { target: 'idle', actions: 'passThrough' },
        ],
        'place.ended': { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ crash: event.why }) } },
      },
      initial: 'waiting',
      states: {
        waiting: {
          description: 'Until a generation opens with it, its time is over, or it does not want any more.',
          after: { patience: { target: 'withdrawing', actions: { type: 'noteRefusal', params: { reason: 'late' } } } },
          on: {
            'barrier.cancel': { guard: 'isClaim', target: 'withdrawing', actions: { type: 'noteRefusal', params: { reason: 'cancelled' } } },
            'barrier.close': { target: 'withdrawing', actions: ['noteClose', { type: 'noteRefusal', params: { reason: 'closed' } }] },
            'supervisor.shutdown': { target: 'withdrawing', actions: ['noteShutdown', { type: 'noteRefusal', params: { reason: 'closed' } }] },
            'place.refused': { target: 'withdrawing', actions: { type: 'noteRefusal', params: ({ event }) => ({ reason: event.reason }) } },
            'place.lost': { target: 'withdrawing', actions: { type: 'noteRefusal', params: { reason: 'lost' } } },
          },
          initial: 'joining',
          states: {
            joining: {
              description: 'It asks for a lease, and for a key bound to that: again, as long as nobody knows.',
              on: { 'place.arrived': { target: 'gathered', actions: ['noteArrived', 'tellArrived'] } },
            },
            gathered: {
              description: 'It is one of those who wait.',
              on: { 'place.moved': { actions: 'noteArrived' } },
            },
          },
        },
        withdrawing: {
          description: 'It takes its arrival back, and hears whether a generation had opened with it.',
          entry: 'withdrawPlace',
          on: {
            'place.left': [
              { guard: 'isEnding', target: '#barrier.closed', actions: 'refuseClaim' },
              { target: '#barrier.idle', actions: 'refuseClaim' },
            ],
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order, and nobody waits for it.' },
    failed: {
      type: 'final',
      description:
        'Its place crashed or was taken from it: to its supervisor a crash. Its arrival ends with the lease, unless a generation counts it.',
    },
  },
});
