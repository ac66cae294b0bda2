/**
 * One coordination session: it waits for its turn, runs its protocol, again after a crash, and ends in exactly one way.
 *
 * States   open(queued → working ⇄ pausing) → decided | failed | cancelled | expired
 * Emits    coordination.started · coordination.retrying · coordination.decided · coordination.failed · coordination.cancelled · coordination.expired
 * Needs    `turn`, which tells when it may begin; `worker`, which runs the protocol's chart — provided by src/coordination/; the placeholders here refuse to run
 * Output   the exit reason, and `result`: how it ended
 *
 * The worker is invoked by `working`, so whatever ends that (a cancel, the deadline, the session's own end) ends the protocol and takes back its questions.
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { backoffMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { ProtocolInput } from './protocol-events.js';
import { saidOf } from './said.js';
import type { SessionContext, SessionEmitted, SessionEvent, SessionInput } from './session-events.js';

type On<Type extends SessionEvent['type']> = Extract<SessionEvent, { type: Type }>;

const factory = "coordinator() of 'espalier'";

/** Why the worker is gone: as it said, or as XState says where it failed itself. */
const crashOf = (event: unknown): string => {
  const { why, error } = event as { readonly why?: string; readonly error?: unknown };
  return why ?? saidOf(error);
};
const pauseOf = ({ retry, session, attempts }: SessionContext): number => backoffMs(retry.backoff, attempts, session);

/** The chart of a coordination session, without its protocol: to be looked at, drawn and tested. What runs is beneath `coordinator()` of 'espalier'. */
export const coordinationSessionMachine = setup({
  types: {
    input: {} as SessionInput,
    context: {} as SessionContext,
    events: {} as SessionEvent,
    emitted: {} as SessionEmitted,
  },
  actors: {
    turn: fromCallback<{ type: 'turn.none' }>(missingActor('coordinationSession', 'turn', factory)),
    worker: fromCallback<EventObject, ProtocolInput>(missingActor('coordinationSession', 'worker', factory)),
  },
  guards: {
    isDecided: ({ event }) => (event as On<'worker.ended'>).end.outcome === 'decided',
    mayRetry: ({ context }) => context.attempts < context.retry.attempts,
  },
  delays: {
    deadline: ({ context }) => context.withinMs,
    pause: ({ context }) => pauseOf(context),
  },
  actions: {
    begin: assign({ attempts: ({ context }) => context.attempts + 1 }),
    tellStarted: enqueueActions(({ context: { session, protocol, agents }, enqueue }) => {
      enqueue.emit({ type: 'coordination.started', session, protocol, agents: agents.length });
    }),
    tellRetry: enqueueActions(({ context, event, enqueue }) => {
      const { session, protocol, attempts } = context;
      enqueue.emit({
        ...{ type: 'coordination.retrying', session, protocol, why: crashOf(event) },
        ...{ attempt: attempts + 1, pauseMs: pauseOf(context) },
      });
    }),
    decide: enqueueActions(({ context: { session, protocol, attempts }, event, enqueue }) => {
      const { end } = event as On<'worker.ended'>;
      if (end.outcome !== 'decided') return;
      enqueue.assign({ result: { outcome: 'decided', value: end.value, attempts } });
      enqueue.emit({ type: 'coordination.decided', session, protocol, attempts });
    }),
    failAsSaid: enqueueActions(({ context: { session, protocol, attempts }, event, enqueue }) => {
      const { end } = event as On<'worker.ended'>;
      if (end.outcome !== 'failed') return;
      const { why, details } = end;
      enqueue.assign({ result: { outcome: 'failed', why, ...(details === undefined ? {} : { details }), attempts } });
      enqueue.emit({ type: 'coordination.failed', session, protocol, attempts, why });
    }),
    failByCrash: enqueueActions(({ context: { session, protocol, attempts }, event, enqueue }) => {
      enqueue.assign({ result: { outcome: 'failed', why: 'crashed', details: crashOf(event), attempts } });
      enqueue.emit({ type: 'coordination.failed', session, protocol, attempts, why: 'crashed' });
    }),
    failBy: enqueueActions(({ context: { session, protocol, attempts }, enqueue }, { why }: { why: 'crashed' | 'coordinatorLost' }) => {
      enqueue.assign({ result: { outcome: 'failed', why, attempts } });
      enqueue.emit({ type: 'coordination.failed', session, protocol, attempts, why });
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    cancel: enqueueActions(({ context: { session, protocol, attempts }, enqueue }) => {
      enqueue.assign({ result: { outcome: 'cancelled', attempts } });
      enqueue.emit({ type: 'coordination.cancelled', session, protocol, attempts });
    }),
    expire: enqueueActions(({ context: { session, protocol, attempts }, enqueue }) => {
      enqueue.assign({ result: { outcome: 'expired', attempts } });
      enqueue.emit({ type: 'coordination.expired', session, protocol, attempts });
    }),
  },
}).createMachine({
  id: 'coordinationSession',
  description: 'One coordination session: it waits for its turn, runs its protocol, again after a crash, and ends in exactly one way.',
  context: ({ input }) => ({ ...input, attempts: 0, result: null, reason: 'normal' }),
  output: ({ context }) => ({ ...exitWith(context.reason), result: context.result }),
  initial: 'open',
  states: {
    open: {
      description: 'It has not ended. Its deadline counts from its beginning, whatever it does.',
      after: { deadline: { target: 'expired', actions: 'expire' } },
      on: {
        'session.cancel': { target: 'cancelled', actions: 'cancel' },
        'session.orphaned': { target: 'failed', actions: { type: 'failBy', params: { why: 'coordinatorLost' } } },
        'supervisor.shutdown': { target: 'failed', actions: ['noteShutdown', { type: 'failBy', params: { why: 'coordinatorLost' } }] },
      },
      initial: 'queued',
      states: {
        queued: {
          description: 'As many run as may; or it is just about to begin.',
          invoke: {
            id: 'turn',
            src: 'turn',
            onError: { target: '#coordinationSession.failed', actions: { type: 'failBy', params: { why: 'crashed' } } },
          },
          on: {
            'turn.came': { target: 'working', actions: 'tellStarted' },
            'turn.lost': { target: '#coordinationSession.failed', actions: { type: 'failBy', params: { why: 'crashed' } } },
          },
        },
        working: {
          description: 'The protocol asks the agents.',
          entry: 'begin',
          invoke: {
            id: 'worker',
            src: 'worker',
            input: ({ context: { session, agents, seed } }) => ({ session, agents, seed }),
            onError: [
              { guard: 'mayRetry', target: 'pausing', actions: 'tellRetry' },
              { target: '#coordinationSession.failed', actions: 'failByCrash' },
            ],
          },
          on: {
            'worker.ended': [
              { guard: 'isDecided', target: '#coordinationSession.decided', actions: 'decide' },
              { target: '#coordinationSession.failed', actions: 'failAsSaid' },
            ],
            'worker.crashed': [
              { guard: 'mayRetry', target: 'pausing', actions: 'tellRetry' },
              { target: '#coordinationSession.failed', actions: 'failByCrash' },
            ],
          },
        },
        pausing: {
          description: 'The worker crashed or was killed; after a pause there is another.',
          after: { pause: 'working' },
        },
      },
    },
    decided: { type: 'final', description: 'The protocol has a value.' },
    failed: { type: 'final', description: 'The protocol says that there is none, or crashed too often; or whoever ran it has ended.' },
    cancelled: { type: 'final', description: 'Nobody wants it any more.' },
    expired: { type: 'final', description: 'Its time was over.' },
  },
});
