/**
 * One owner's part in a counter that many share: it takes calls, hands them to a ledger, and ends when what came of each is told.
 *
 * States   running(idle ⇄ counting → draining) → closed; failed
 * Emits    counter.counted · counter.doubted · counter.refused · counter.summed
 * Needs    `ledger`, which writes into the shards and reads them — provided by src/coordination/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * What is counted is the backend's: it stays when its owner ends. What was under way then may be counted or not, and the same key asks again.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { CounterContext, CounterEmitted, CounterEvent, CounterInput, CounterRefusal, LedgerCommand } from './counter-events.js';

type On<Type extends CounterEvent['type']> = Extract<CounterEvent, { type: Type }>;
type Call = On<'counter.increment'> | On<'counter.sum'>;

/** The chart of a counter, without a backend: to be looked at, drawn and tested. What runs is `counter()` of 'espalier'. */
export const counterMachine = setup({
  types: {
    input: {} as CounterInput,
    context: {} as CounterContext,
    events: {} as CounterEvent,
    emitted: {} as CounterEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    ledger: fromCallback<LedgerCommand>(missingActor('counter', 'ledger', "counter() of 'espalier'")),
  },
  guards: {
    hasRoom: ({ context }) => context.pending < context.maxPending,
    isLast: ({ context }) => context.pending <= 1,
  },
  actions: {
    handOn: enqueueActions(({ context: { pending }, event, enqueue }) => {
      const call = event as Call;
      enqueue.assign({ pending: pending + 1 });
      if (call.type === 'counter.sum') enqueue.sendTo('ledger', { type: 'ledger.sum', ref: call.ref, withinMs: call.withinMs });
      else enqueue.sendTo('ledger', { type: 'ledger.count', ref: call.ref, by: call.by, key: call.key, withinMs: call.withinMs });
    }),
    refuse: emit(({ context: { name }, event }, p: { reason: CounterRefusal }) => ({
      type: 'counter.refused' as const,
      name,
      ref: (event as Call).ref,
      reason: p.reason,
    })),
    tell: enqueueActions(({ context: { name, pending }, event, enqueue }) => {
      enqueue.assign({ pending: pending - 1 });
      enqueue.emit({ ...(event as On<'ledger.settled'>).fact, name });
    }),
    forgetCalls: assign({ pending: 0 }),
    cancelCall: sendTo('ledger', ({ event }) => ({ type: 'ledger.cancel' as const, ref: (event as On<'counter.cancel'>).ref })),
    drainLedger: sendTo('ledger', { type: 'ledger.drain' }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'counter',
  description: "One owner's part in a counter that many share: it takes calls, and tells what came of each.",
  context: ({ input }) => ({ ...input, pending: 0, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      description: 'Its ledger runs.',
      invoke: {
        id: 'ledger',
        src: 'ledger',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'ledgerCrashed' } } },
      },
      on: {
        'ledger.ended': { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ crash: event.why }) } },
      },
      initial: 'idle',
      states: {
        idle: {
          tags: 'accepting',
          description: 'No call is under way.',
          on: {
            'counter.increment': { target: 'counting', actions: 'handOn' },
            'counter.sum': { target: 'counting', actions: 'handOn' },
            'counter.close': '#counter.closed',
            'supervisor.shutdown': { target: '#counter.closed', actions: 'noteShutdown' },
          },
        },
        counting: {
          tags: 'accepting',
          description: 'Calls are under way.',
          on: {
            'counter.increment': [{ guard: 'hasRoom', actions: 'handOn' }, { actions: { type: 'refuse', params: { reason: 'full' } } }],
            'counter.sum': [{ guard: 'hasRoom', actions: 'handOn' }, { actions: { type: 'refuse', params: { reason: 'full' } } }],
            'counter.cancel': { actions: 'cancelCall' },
            'counter.close': { target: 'draining' },
            'supervisor.shutdown': { target: 'draining', actions: 'noteShutdown' },
            'ledger.settled': [{ guard: 'isLast', target: 'idle', actions: 'tell' }, { actions: 'tell' }],
            // Restored from a snapshot: those who called were of another process.
            'ledger.opened': { target: 'idle', actions: 'forgetCalls' },
          },
        },
        draining: {
          description: 'It takes no more, and finds out what came of what was written.',
          entry: 'drainLedger',
          on: {
            'counter.increment': { actions: { type: 'refuse', params: { reason: 'closed' } } },
            'counter.sum': { actions: { type: 'refuse', params: { reason: 'closed' } } },
            'counter.cancel': { actions: 'cancelCall' },
            'supervisor.shutdown': { actions: 'noteShutdown' },
            'ledger.settled': [{ guard: 'isLast', target: '#counter.closed', actions: 'tell' }, { actions: 'tell' }],
            'ledger.opened': '#counter.closed',
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order: what came of each call was told.' },
    failed: {
      type: 'final',
      description: 'Its ledger crashed or was taken from it: to its supervisor a crash. What was under way may be counted or not.',
    },
  },
});
