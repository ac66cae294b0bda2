/**
 * An application: services that are started behind what they depend on, and stopped before it.
 *
 * States   running(opening → resting ⇄ flushing, starting, stopping, pausing → ending) → stopped | failed
 * Emits    application.started · application.serviceStarted · application.serviceLost · application.serviceRestarted · application.startFailed ·
 *          application.serviceStopped · application.flushed · application.degraded · application.recovered · application.stopping · application.killed · application.failed
 * Needs    `tree`, a supervisor with the services; `keeper`, who gives it orders and hears of it; `flush`, which rejects with an error whose message may be
 *          told — provided by src/application/
 * Output   the exit reason
 *
 * One thing at a time. Whatever happens is noted; whenever it rests, it looks who must go (the last in order), then who may come (the first). A start, a
 * lost dependency, a restart and the end are the same to it. It restarts nobody who crashed: that is the supervisor's.
 */
import { assign, emit, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { ApplicationContext, ApplicationEmitted, ApplicationEvent, ApplicationInput, KeeperCommand, Service } from './application-events.js';
import {
  changed,
  isAllUp,
  lacking,
  mayRun,
  newServices,
  nextToCome,
  newlyBlocked,
  newlyWhole,
  nextToLeave,
  rebased,
  serviceOf,
  withNobody,
  withoutNeed,
  withoutTree,
  withRestart,
  withStaleDependents,
} from './services.js';

type On<Type extends ApplicationEvent['type']> = Extract<ApplicationEvent, { type: Type }>;

/** Why a flush failed, in the words of what it rejects with. */
const whyUnflushed = (error: unknown): string => (error instanceof Error ? error.message : 'failed');
/** How long an end may take that is asked for just now, ms. */
const graceOf = ({ graceMs }: ApplicationContext, event: ApplicationEvent): number => (event as On<'application.stop'>).graceMs ?? graceMs;

const factory = "application() of 'espalier'";
/** Why a service is stopped, in words. */
const whyStopped = ({ isLeaving }: ApplicationContext, { why }: Service): string => (isLeaving ? 'the end' : (why ?? 'asked'));

/** The chart of an application, without its tree: to be looked at, drawn and tested. What runs is `application()` of 'espalier'. */
export const applicationMachine = setup({
  types: {
    input: {} as ApplicationInput,
    context: {} as ApplicationContext,
    events: {} as ApplicationEvent,
    emitted: {} as ApplicationEmitted,
  },
  actors: {
    tree: fromCallback<{ type: 'supervisor.shutdown' }>(missingActor('application', 'tree', factory)),
    keeper: fromCallback<KeeperCommand>(missingActor('application', 'keeper', factory)),
    flush: fromPromise<void, { id: string }>(missingActor('application', 'flush', factory)),
  },
  delays: {
    flushDeadline: ({ context }) => serviceOf(context, context.turn)?.flushMs ?? 0,
    retry: ({ context }) => context.retryMs,
    grace: ({ context, event }) => graceOf(context, event),
  },
  guards: {
    mustFlush: ({ context }) => nextToLeave(context)?.isUnflushed === true,
    mustStop: ({ context }) => nextToLeave(context) !== undefined,
    isLeaving: ({ context }) => context.isLeaving,
    mayStart: ({ context }) => nextToCome(context) !== undefined,
    isNewlyUp: ({ context }) => !context.wasUp && isAllUp(context),
    wasDone: ({ event }) => (event as On<'tree.replied'>).ok,
    isTriedTooOften: ({ context }) => (serviceOf(context, context.turn)?.failures ?? 0) + 1 >= context.startAttempts,
    changesNeeds: ({ context, event }) => {
      const { id, missing } = event as On<'tree.lacked'>;
      return lacking(context.services, missing).length > 0 || (serviceOf(context, id)?.missing.length ?? 0) > 0;
    },
    endsSooner: ({ context, event }) => context.endWithinMs === null || graceOf(context, event) < context.endWithinMs,
    hasFailed: ({ context }) => context.failure !== null || !context.isLeaving,
  },
  actions: {
    noteOpened: assign(({ context, event }) => {
      const { at } = event as On<'tree.opened'>;
      return { now: at, services: rebased(context.services, at) };
    }),
    noteLeaver: assign({ turn: ({ context }) => nextToLeave(context)?.id ?? null }),
    orderStart: enqueueActions(({ context, enqueue }) => {
      const id = nextToCome(context)?.id ?? '';
      enqueue.assign({ turn: id, services: changed(context.services, id, { stage: 'starting', isStale: false }, context.now) });
      enqueue.sendTo('keeper', { type: 'tree.start', id });
    }),
    orderStop: enqueueActions(({ context, enqueue }) => {
      const id = nextToLeave(context)?.id ?? '';
      enqueue.assign({ turn: id, services: changed(context.services, id, { stage: 'stopping' }, context.now) });
      enqueue.sendTo('keeper', { type: 'tree.stop', id });
    }),
    noteFlush: enqueueActions(({ context, event, enqueue }, { ended }: { ended: 'done' | 'failed' | 'timeout' }) => {
      const why = ended === 'done' ? null : ended === 'failed' ? whyUnflushed((event as unknown as { error: unknown }).error) : ended;
      enqueue.assign({ turn: null, services: changed(context.services, context.turn, { isUnflushed: false }, context.now) });
      enqueue.emit({ type: 'application.flushed', id: context.turn ?? '', ok: why === null, why });
    }),
    noteStarted: enqueueActions(({ context, event, enqueue }) => {
      const { at } = event as On<'tree.replied'>;
      const { turn } = context;
      enqueue.assign({ now: at, turn: null, services: changed(context.services, turn, { stage: 'running', failures: 0 }, at) });
      enqueue.emit({ type: 'application.serviceStarted', id: turn ?? '' });
    }),
    noteStartFailed: enqueueActions(({ context, event, enqueue }) => {
      const { at, why } = event as On<'tree.replied'>;
      const service = serviceOf(context, context.turn) as Service;
      const failures = service.failures + 1;
      enqueue.assign({ now: at, turn: null, services: changed(context.services, service.id, { stage: 'waiting', why, failures }, at) });
      enqueue.emit({ type: 'application.startFailed', id: service.id, why, attempt: failures });
    }),
    noteFailed: enqueueActions(({ context, event, enqueue }) => {
      const { at, why } = event as On<'tree.replied'>;
      const service = serviceOf(context, context.turn) as Service;
      const failure = { id: service.id, why };
      const services = withNobody(changed(context.services, service.id, { stage: 'failed', why }, at));
      enqueue.assign({ now: at, turn: null, services, failure, isLeaving: true, reason: { crash: `${service.id}: ${why}` } });
      enqueue.emit({ type: 'application.startFailed', id: service.id, why, attempt: service.failures + 1 });
      enqueue.emit({ type: 'application.stopping', because: 'failed' });
    }),
    noteUnstarted: enqueueActions(({ context, event, enqueue }) => {
      const { at, why } = event as On<'tree.replied'>;
      const service = serviceOf(context, context.turn) as Service;
      enqueue.assign({ now: at, turn: null, services: changed(context.services, service.id, { stage: 'stopped', why }, at) });
      enqueue.emit({ type: 'application.startFailed', id: service.id, why, attempt: service.failures + 1 });
    }),
    noteStopped: enqueueActions(({ context, event, enqueue }) => {
      const { at, ok, why: fault } = event as On<'tree.replied'>;
      const service = serviceOf(context, context.turn) as Service;
      const why = !ok || fault === '' ? whyStopped(context, service) : fault;
      const stage = service.isWanted ? 'waiting' : 'stopped';
      const services = changed(context.services, service.id, { stage, why, isStale: false, missing: [] }, at);
      enqueue.assign({ now: at, turn: null, services });
      enqueue.emit({ type: 'application.serviceStopped', id: service.id, why });
      for (const [one, missing] of newlyBlocked(context.services, services)) enqueue.emit({ type: 'application.degraded', id: one, missing });
    }),
    noteExited: enqueueActions(({ context, event, enqueue }) => {
      const { id, at, why, willRestart, isClean } = event as On<'tree.exited'>;
      const stage = willRestart ? 'restarting' : isClean ? 'stopped' : 'failed';
      const change = willRestart ? { stage, why } : { stage, why, isWanted: false, isStale: false };
      const services = changed(context.services, id, { ...change, missing: [] } as Partial<Service>, at);
      const hasServed = stage === 'stopped' && why === 'normal';
      const after = hasServed ? withoutNeed(services, id) : context.isLeaving ? services : withStaleDependents(services, id, false);
      enqueue.assign({ now: at, services: after });
      enqueue.emit({ type: 'application.serviceLost', id, why, willRestart });
      if (hasServed) for (const one of newlyWhole(services, after)) enqueue.emit({ type: 'application.recovered', id: one });
      for (const [one, missing] of newlyBlocked(context.services, after)) enqueue.emit({ type: 'application.degraded', id: one, missing });
    }),
    noteRestarted: enqueueActions(({ context, event, enqueue }) => {
      const { id, at } = event as On<'tree.restarted'>;
      enqueue.assign({ now: at, services: changed(context.services, id, { stage: 'running' }, at) });
      enqueue.emit({ type: 'application.serviceRestarted', id });
    }),
    noteLacked: enqueueActions(({ context, event, enqueue }) => {
      const { id, at, missing: told } = event as On<'tree.lacked'>;
      const missing = lacking(context.services, told);
      enqueue.assign({ now: at, services: changed(context.services, id, { missing }, at) });
      enqueue.emit(missing.length > 0 ? { type: 'application.degraded', id, missing } : { type: 'application.recovered', id });
    }),
    noteGivenUp: assign(({ event }) => {
      const { id, why } = event as On<'tree.gaveUp'>;
      return { failure: { id, why }, reason: { crash: `${id}: ${why}` } };
    }),
    noteLost: assign(({ context }) => ({
      failure: context.failure ?? { id: null, why: 'its tree was lost' },
      reason: context.failure === null ? { crash: 'treeLost' } : context.reason,
      services: withoutTree(context.services, context.failure?.why ?? 'its tree was lost'),
    })),
    noteDown: assign({ services: ({ context }) => withoutTree(context.services, 'killed') }),
    noteRestart: assign(({ context, event }) => {
      const { id, at } = event as On<'application.restart'>;
      return { now: at, services: withRestart(context.services, id) };
    }),
    leave: enqueueActions(({ context, event, enqueue }) => {
      enqueue.assign({ isLeaving: true });
      if (event.type === 'supervisor.shutdown' && context.failure === null) enqueue.assign({ reason: event.reason ?? 'shutdown' });
      if (context.isLeaving) return;
      enqueue.assign({ services: withNobody(context.services) });
      enqueue.emit({ type: 'application.stopping', because: 'asked' });
    }),
    // One that was given before goes on: the earlier moment counts.
    allowTime: enqueueActions(({ context, event, enqueue }) => {
      const endWithinMs = graceOf(context, event);
      enqueue.raise({ type: 'grace.ended' }, { delay: 'grace', id: `grace ${endWithinMs}` });
      enqueue.assign({ endWithinMs });
    }),
    tellStarted: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ wasUp: true });
      enqueue.emit({ type: 'application.started', services: context.services.length });
    }),
    tellKilled: emit(({ context }) => ({
      type: 'application.killed',
      running: context.services.filter(mayRun).map(({ id }) => id),
    })),
    tellFailed: emit(({ context: { failure } }) => ({ type: 'application.failed', id: failure?.id ?? null, why: failure?.why ?? '' })),
    closeTree: sendTo('keeper', { type: 'tree.close' }),
    killTree: sendTo('keeper', { type: 'tree.kill' }),
  },
}).createMachine({
  id: 'application',
  description: 'Services that are started behind what they depend on, and stopped before it.',
  context: ({ input }) => ({
    services: newServices(input),
    startAttempts: input.startAttempts,
    retryMs: input.retryMs,
    graceMs: input.graceMs,
    endWithinMs: null,
    now: 0,
    turn: null,
    isLeaving: false,
    wasUp: false,
    failure: null,
    reason: 'normal',
  }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      invoke: [
        {
          id: 'tree',
          src: 'tree',
          onDone: [
            { guard: 'hasFailed', target: 'failed', actions: 'noteLost' },
            { target: 'stopped', actions: 'noteDown' },
          ],
          onError: { target: 'failed', actions: 'noteLost' },
        },
        { id: 'keeper', src: 'keeper', onError: { target: 'failed', actions: 'noteLost' } },
      ],
      on: {
        'tree.opened': { actions: 'noteOpened' },
        'tree.exited': { actions: 'noteExited' },
        'tree.restarted': { actions: 'noteRestarted' },
        'tree.lacked': { guard: 'changesNeeds', actions: 'noteLacked' },
        'tree.gaveUp': { actions: 'noteGivenUp' },
        'tree.ended': [
          { guard: 'hasFailed', target: 'failed', actions: 'noteLost' },
          { target: 'stopped', actions: 'noteDown' },
        ],
        'application.restart': { actions: 'noteRestart' },
        'application.stop': [{ guard: 'endsSooner', actions: ['leave', 'allowTime'] }, { actions: 'leave' }],
        'supervisor.shutdown': [{ guard: 'endsSooner', actions: ['leave', 'allowTime'] }, { actions: 'leave' }],
        'grace.ended': { description: 'It has taken too long: what still runs is killed.', actions: ['tellKilled', 'killTree'] },
      },
      initial: 'opening',
      states: {
        opening: { description: 'Its tree is about to run.', on: { 'tree.opened': { target: 'resting', actions: 'noteOpened' } } },
        resting: {
          description: 'It looks who must go, then who may come.',
          always: [
            { guard: 'mustFlush', target: 'flushing' },
            { guard: 'mustStop', target: 'stopping' },
            { guard: 'isLeaving', target: 'ending' },
            { guard: 'mayStart', target: 'starting' },
            { guard: 'isNewlyUp', actions: 'tellStarted' },
          ],
        },
        flushing: {
          description: 'A service writes what it has before it is stopped.',
          entry: 'noteLeaver',
          invoke: {
            id: 'flush',
            src: 'flush',
            input: ({ context }) => ({ id: nextToLeave(context)?.id ?? '' }),
            onDone: { target: 'resting', actions: { type: 'noteFlush', params: { ended: 'done' } } },
            onError: { target: 'resting', actions: { type: 'noteFlush', params: { ended: 'failed' } } },
          },
          after: { flushDeadline: { target: 'resting', actions: { type: 'noteFlush', params: { ended: 'timeout' } } } },
        },
        starting: {
          entry: 'orderStart',
          on: {
            'tree.replied': [
              { guard: 'wasDone', target: 'resting', actions: 'noteStarted' },
              { guard: 'isLeaving', target: 'resting', actions: 'noteUnstarted' },
              { guard: 'isTriedTooOften', target: 'resting', actions: ['noteFailed', 'allowTime'] },
              { target: 'pausing', actions: 'noteStartFailed' },
            ],
          },
        },
        pausing: {
          description: 'A start failed, and is tried again.',
          always: { guard: 'isLeaving', target: 'resting' },
          after: { retry: 'resting' },
        },
        stopping: { entry: 'orderStop', on: { 'tree.replied': { target: 'resting', actions: 'noteStopped' } } },
        ending: { description: 'All services are down; the rest of the tree ends.', entry: 'closeTree' },
      },
    },
    stopped: { type: 'final', description: 'In order.' },
    failed: {
      type: 'final',
      entry: 'tellFailed',
      description: 'A service could not be started or kept, or the tree was lost: to its supervisor a crash.',
    },
  },
});
