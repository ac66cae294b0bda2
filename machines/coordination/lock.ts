/**
 * One owner's part in a lock that many share: it queues, has it, and gives it back.
 *
 * States   idle ⇄ busy(waiting(joining → queueing) → holding → leaving | releasing | lost) → closed; failed
 * Emits    lock.queued · lock.acquired · lock.refused · lock.released · lock.lost
 * Needs    `place`, which has the lease, the key in the queue and the watch over who is before it — provided by src/coordination/; the placeholder
 *          here refuses to run
 * Output   the exit reason
 *
 * The place is invoked by `busy`, so a lease lives exactly as long as somebody wants the lock, and an owner that dies takes it along.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { LockContext, LockEmitted, LockEvent, LockInput, LockRefusal, PlaceCommand } from './lock-events.js';

type On<Type extends LockEvent['type']> = Extract<LockEvent, { type: Type }>;

/** The chart of a lock, without a backend: to be looked at, drawn and tested. What runs is `lock()` of 'espalier'. */
export const lockMachine = setup({
  types: {
    input: {} as LockInput,
    context: {} as LockContext,
    events: {} as LockEvent,
    emitted: {} as LockEmitted,
    tags: {} as 'accepting' | 'held',
  },
  actors: {
    place: fromCallback<PlaceCommand>(missingActor('lock', 'place', "lock() of 'espalier'")),
  },
  guards: {
    isClaim: ({ context, event }) => context.claim?.ref === (event as On<'lock.cancel'>).ref,
    isGrip: ({ context, event }) => context.grips.includes((event as On<'lock.release'>).ref),
    isLastGrip: ({ context, event }) => context.grips.length === 1 && context.grips[0] === (event as On<'lock.release'>).ref,
    mayGripAgain: ({ context }) => context.grips.length < context.maxGrips,
    isEnding: ({ context }) => context.isEnding,
  },
  delays: { patience: ({ context }) => context.claim?.withinMs ?? longestDelayMs },
  actions: {
    noteClaim: assign({
      claim: ({ event }) => ({ ref: (event as On<'lock.acquire'>).ref, withinMs: (event as On<'lock.acquire'>).withinMs }),
      token: 0,
    }),
    noteAhead: assign({ ahead: ({ event }) => (event as On<'place.joined'>).ahead }),
    tellQueued: emit(({ context: { name, claim }, event }) => ({
      type: 'lock.queued' as const,
      name,
      ref: claim?.ref ?? '',
      ahead: (event as On<'place.joined'>).ahead,
    })),
    grip: enqueueActions(({ context: { name, claim }, event, enqueue }) => {
      const { token, waitedMs } = event as On<'place.reached'>;
      const ref = claim?.ref ?? '';
      enqueue.assign({ claim: null, grips: [ref], token, ahead: 0 });
      enqueue.emit({ type: 'lock.acquired', name, ref, token, waitedMs });
    }),
    gripAgain: enqueueActions(({ context: { name, grips, token }, event, enqueue }) => {
      const { ref } = event as On<'lock.acquire'>;
      enqueue.assign({ grips: [...grips, ref] });
      enqueue.emit({ type: 'lock.acquired', name, ref, token, waitedMs: 0 });
    }),
    dropGrip: assign({ grips: ({ context, event }) => context.grips.filter((ref) => ref !== (event as On<'lock.release'>).ref) }),
    dropGrips: assign({ grips: [] }),
    refuseBusy: emit(({ context: { name }, event }) => ({
      type: 'lock.refused' as const,
      name,
      ref: (event as On<'lock.acquire'>).ref,
      reason: 'busy' as const,
    })),
    refuseClaim: enqueueActions(({ context: { name, claim }, enqueue }, p: { reason: LockRefusal }) => {
      enqueue.assign({ claim: null, ahead: 0 });
      enqueue.emit({ type: 'lock.refused', name, ref: claim?.ref ?? '', reason: p.reason });
    }),
    tellReleased: emit(({ context: { name, token }, event }) => {
      const { heldMs, isConfirmed } = event as On<'place.left'>;
      return { type: 'lock.released' as const, name, token, heldMs, isConfirmed };
    }),
    lose: enqueueActions(({ context: { name, token }, event, enqueue }) => {
      enqueue.assign({ grips: [] });
      enqueue.emit({ type: 'lock.lost', name, token, reason: (event as On<'place.lost'>).reason });
    }),
    leavePlace: sendTo('place', { type: 'place.leave' }),
    noteClose: assign({ isEnding: true }),
    noteShutdown: assign({ isEnding: true, reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'lock',
  description: "One owner's part in a lock that many share: it queues, has it, and gives it back.",
  context: ({ input }) => ({ ...input, claim: null, grips: [], token: 0, ahead: 0, isEnding: false, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'idle',
  states: {
    idle: {
      tags: 'accepting',
      description: 'Nobody here wants it: no lease, no key.',
      on: {
        'lock.acquire': { target: 'busy', actions: 'noteClaim' },
        'lock.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    busy: {
      description: 'It has a place, or is about to.',
      invoke: {
        id: 'place',
        src: 'place',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'placeCrashed' } } },
      },
      on: {
        'lock.acquire': { actions: 'refuseBusy' },
        'lock.close': { actions: 'noteClose' },
        'supervisor.shutdown': { actions: 'noteShutdown' },
        'place.left': [{ guard: 'isEnding', target: 'closed' }, { target: 'idle' }],
        'place.ended': { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ crash: event.why }) } },
      },
      initial: 'waiting',
      states: {
        waiting: {
          description: 'Until its turn comes, its time is over, or it does not want any more.',
          after: { patience: { target: 'leaving', actions: { type: 'refuseClaim', params: { reason: 'late' } } } },
          on: {
            'lock.cancel': { guard: 'isClaim', target: 'leaving', actions: { type: 'refuseClaim', params: { reason: 'cancelled' } } },
            'lock.close': { target: 'leaving', actions: ['noteClose', { type: 'refuseClaim', params: { reason: 'closed' } }] },
            'supervisor.shutdown': { target: 'leaving', actions: ['noteShutdown', { type: 'refuseClaim', params: { reason: 'closed' } }] },
            'place.refused': { target: 'leaving', actions: { type: 'refuseClaim', params: ({ event }) => ({ reason: event.reason }) } },
            'place.lost': { target: 'leaving', actions: { type: 'refuseClaim', params: { reason: 'lost' } } },
          },
          initial: 'joining',
          states: {
            joining: {
              description: 'It asks for a lease, and for a key bound to that: again, as long as nobody knows.',
              on: { 'place.joined': { target: 'queueing', actions: ['noteAhead', 'tellQueued'] } },
            },
            queueing: {
              description: 'It waits for the one before it.',
              on: {
                'place.moved': { actions: 'noteAhead' },
                'place.reached': { target: '#lock.busy.holding', actions: 'grip' },
              },
            },
          },
        },
        holding: {
          tags: 'held',
          description: 'It has the lock, as long as its own clock says so.',
          on: {
            'lock.acquire': { guard: 'mayGripAgain', actions: 'gripAgain' },
            'lock.release': [
              { guard: 'isLastGrip', target: 'releasing', actions: 'dropGrip' },
              { guard: 'isGrip', actions: 'dropGrip' },
            ],
            'lock.close': { target: 'releasing', actions: ['dropGrips', 'noteClose'] },
            'supervisor.shutdown': { target: 'releasing', actions: ['dropGrips', 'noteShutdown'] },
            'place.lost': { target: 'lost', actions: 'lose' },
          },
        },
        leaving: {
          description: 'It was refused, or gave up, and gives its place away.',
          entry: 'leavePlace',
        },
        releasing: {
          description: 'It holds nothing any more, and tells the backend, again as long as nobody knows.',
          entry: 'leavePlace',
          on: {
            'place.left': [
              { guard: 'isEnding', target: '#lock.closed', actions: 'tellReleased' },
              { target: '#lock.idle', actions: 'tellReleased' },
            ],
          },
        },
        lost: {
          description: 'Its time was over before it was given back: whoever is next may have it already.',
          entry: 'leavePlace',
        },
      },
    },
    closed: { type: 'final', description: 'In order, its place given back.' },
    failed: {
      type: 'final',
      description: 'Its place crashed or was taken from it: to its supervisor a crash. The lease is given back, or ends by itself.',
    },
  },
});
