/**
 * The configuration of an app: sources in layers, read, checked, and served as versions of which the last good one stays.
 *
 * States   running(opening → reading ⇄ checking → serving | degraded; settling) → closed; failed
 * Emits    config.loaded · config.updated · config.rolledBack · config.refused · config.degraded · config.recovered · config.replayed ·
 *          config.partsRestarted; and past the chart config.subscriberForgotten
 * Needs    `sources`, which reads and watches; `check`, which tries one candidate and takes it — provided by src/config/; the placeholders here refuse to run
 * Output   the exit reason
 *
 * One candidate at a time is tried, requests in the order in which they came. Values are kept beside this chart: it knows versions, paths and tickets, so
 * that neither a snapshot nor an inspector sees a secret.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { backoffMs, longestDelayMs } from '../backoff.js';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import {
  causesOf,
  type CheckCommand,
  type CheckInput,
  type ConfigContext,
  type ConfigEmitted,
  type ConfigEvent,
  type ConfigInput,
  isWhole,
  type SourcesCommand,
  wordsOf,
} from './config-events.js';

type On<Type extends ConfigEvent['type']> = Extract<ConfigEvent, { type: Type }>;

const nothingKept: ConfigContext['kept'] = { overrides: [], withheld: [] };

/** The chart of a configuration, without sources and schema: to be looked at, drawn and tested. What runs is `config()` of 'espalier'. */
export const configMachine = setup({
  types: {
    input: {} as ConfigInput,
    context: {} as ConfigContext,
    events: {} as ConfigEvent,
    emitted: {} as ConfigEmitted,
    tags: {} as 'accepting' | 'healthy',
  },
  actors: {
    sources: fromCallback<SourcesCommand>(missingActor('config', 'sources', "config() of 'espalier'")),
    check: fromCallback<CheckCommand, CheckInput>(missingActor('config', 'check', "config() of 'espalier'")),
  },
  guards: {
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) =>
      exceedsIntensity(losses, (event as On<'part.ended'>).at, intensity, periodMs),
    cannotBegin: ({ context, event }) => !context.isGood && !(event as On<'sources.told'>).isComplete,
    hasNews: ({ context, event }) => !context.isGood || (event as On<'sources.told'>).isNew,
    hasNoGoodValue: ({ context }) => !context.isGood,
    isSourcesTurn: ({ context }) => context.isStale && (context.ticket !== null || context.queue.length === 0),
    hasRequests: ({ context }) => context.queue.length > 0,
    isWhole: ({ context }) => isWhole(context),
  },
  delays: {
    readDeadline: ({ context }) => context.readMs,
    checkDeadline: ({ context }) => context.checkMs,
    settling: ({ context }) => context.settleMs,
    // Where no source fails there is nothing to try again: another reading does no harm.
    retry: ({ context }) => (Object.keys(context.failing).length === 0 ? longestDelayMs : backoffMs(context.retry, context.attempt, 'config')),
  },
  actions: {
    resume: enqueueActions(({ context, event, enqueue }) => {
      const { version, requests, kept, lost } = event as On<'sources.opened'>;
      const isGood = version > 0;
      enqueue.assign({ queue: requests, isGood, isLoaded: isGood && context.isLoaded });
      if (isGood) enqueue.assign({ version, kept, lost });
      if (requests.length > 0) enqueue.emit({ type: 'config.replayed', count: requests.length });
    }),
    readSources: enqueueActions(({ context: { version, kept }, enqueue }) => {
      enqueue.assign({ isStale: false, ticket: null });
      enqueue.sendTo('sources', { type: 'sources.read', version, kept });
    }),
    giveUpReading: sendTo('sources', { type: 'sources.giveUp' }),
    giveUpChecking: sendTo('check', { type: 'check.giveUp' }),
    noteTold: assign(({ context, event }) => {
      const { failing } = event as On<'sources.told'>;
      return { failing, attempt: Object.keys(failing).length === 0 ? 0 : context.attempt + 1 };
    }),
    noteStale: assign({ isStale: true }),
    queueRequest: assign({ queue: ({ context, event }) => [...context.queue, (event as On<'config.request'>).ticket] }),
    takeRequest: assign(({ context: { queue } }) => ({ ticket: queue[0] ?? null, queue: queue.slice(1) })),
    notePassed: enqueueActions(({ context, event, enqueue }) => {
      const { ticket, version, paths, because, to, kept, lost } = event as On<'check.passed'>;
      const isNew = version > context.version;
      enqueue.assign({ version, isGood: true, kept, lost, isRefused: ticket === null ? false : context.isRefused, isLoaded: true });
      if (!context.isLoaded) enqueue.emit({ type: 'config.loaded', version });
      else if (isNew && to !== null) enqueue.emit({ type: 'config.rolledBack', version, to, paths });
      else if (isNew && because !== 'loaded') enqueue.emit({ type: 'config.updated', version, paths, because });
    }),
    noteUnchanged: enqueueActions(({ context: { isLoaded, version }, enqueue }) => {
      enqueue.assign({ isLoaded: true });
      if (!isLoaded) enqueue.emit({ type: 'config.loaded', version });
    }),
    noteRefused: enqueueActions(({ context, event, enqueue }) => {
      const { ticket, fault, issues } = event as On<'check.refused'>;
      enqueue.assign({ isRefused: ticket === null || context.isRefused });
      if (fault !== 'gone') enqueue.emit({ type: 'config.refused', because: ticket === null ? 'source' : 'request', fault, issues });
    }),
    tellDegraded: enqueueActions(({ context, enqueue }) => {
      const causes = causesOf(context);
      const told = JSON.stringify(causes);
      if (told === context.told) return;
      enqueue.assign({ told });
      enqueue.emit({ type: 'config.degraded', ...causes });
    }),
    tellRecovered: enqueueActions(({ context: { told, version }, enqueue }) => {
      if (told === null) return;
      enqueue.assign({ told: null });
      enqueue.emit({ type: 'config.recovered', version });
    }),
    replaceParts: enqueueActions(({ context, event, enqueue }) => {
      const losses = addRestart(context.losses, (event as On<'part.ended'>).at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'config.partsRestarted', attempt: losses.length });
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
    noteUnread: assign({
      reason: ({ event }) => {
        const faults = Object.entries((event as On<'sources.told'>).failing).map(([name, fault]) => `${name}: ${fault}`);
        return { crash: `sourceFailed: ${faults.join('; ')}` };
      },
    }),
    noteInvalid: assign({
      reason: ({ event }) => {
        const { fault, issues } = event as On<'check.refused'>;
        return { crash: issues.length === 0 ? fault : `${fault}: ${wordsOf(issues)}` };
      },
    }),
  },
}).createMachine({
  id: 'config',
  description: 'The configuration of an app: sources in layers, checked, and served as versions of which the last good one stays.',
  context: ({ input }) => ({
    ...input,
    version: 0,
    isGood: false,
    kept: nothingKept,
    queue: [],
    ticket: null,
    failing: {},
    isRefused: false,
    lost: [],
    isStale: false,
    isLoaded: false,
    attempt: 0,
    told: null,
    losses: [],
    reason: 'normal',
  }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'running',
  states: {
    running: {
      tags: 'accepting',
      invoke: {
        id: 'sources',
        src: 'sources',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'sourcesCrashed' } } },
      },
      on: {
        'sources.opened': { target: '.reading', actions: 'resume' },
        'part.ended': [
          { guard: 'isLostTooOften', target: 'failed', actions: { type: 'noteFailure', params: { crash: 'partsLost' } } },
          { target: 'running', reenter: true, actions: 'replaceParts' },
        ],
        'source.changed': { actions: 'noteStale' },
        'config.reload': { actions: 'noteStale' },
        'config.request': { actions: 'queueRequest' },
        'config.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
      initial: 'opening',
      states: {
        opening: { description: 'Its part that reads has not said that it runs. What comes meanwhile waits.' },
        reading: {
          description: 'All sources are read. The last good value is served, if there is one.',
          entry: 'readSources',
          on: {
            'sources.told': [
              { guard: 'cannotBegin', target: '#config.failed', actions: 'noteUnread' },
              { guard: 'hasNews', target: 'checking', actions: 'noteTold' },
              { target: 'choosing', actions: ['noteTold', 'noteUnchanged'] },
            ],
          },
          after: { readDeadline: { actions: 'giveUpReading' } },
        },
        checking: {
          description: 'One candidate is tried: what the sources say, or a request.',
          invoke: {
            id: 'check',
            src: 'check',
            input: ({ context }) => ({ ticket: context.ticket }),
            onError: { target: '#config.failed', actions: { type: 'noteFailure', params: { crash: 'checkCrashed' } } },
          },
          on: {
            'check.passed': { target: 'choosing', actions: 'notePassed' },
            'check.refused': [
              { guard: 'hasNoGoodValue', target: '#config.failed', actions: ['noteRefused', 'noteInvalid'] },
              { target: 'choosing', actions: 'noteRefused' },
            ],
          },
          after: { checkDeadline: { actions: 'giveUpChecking' } },
        },
        choosing: {
          always: [
            { guard: 'isSourcesTurn', target: 'settling' },
            { guard: 'hasRequests', target: 'checking', actions: 'takeRequest' },
            { guard: 'isWhole', target: 'serving' },
            { target: 'degraded' },
          ],
        },
        settling: {
          description: 'A source has changed: whoever writes it may not have ended.',
          after: { settling: 'reading' },
        },
        serving: {
          tags: 'healthy',
          description: 'What is served is what all sources and updates say.',
          entry: 'tellRecovered',
          on: {
            'source.changed': 'settling',
            'config.reload': 'reading',
            'config.request': { target: 'choosing', actions: 'queueRequest' },
          },
        },
        degraded: {
          description: 'The last good value is served: a source fails, or says what is not valid, or secrets are to be set again.',
          entry: 'tellDegraded',
          on: {
            'source.changed': 'settling',
            'config.reload': 'reading',
            'config.request': { target: 'choosing', actions: 'queueRequest' },
          },
          after: { retry: 'reading' },
        },
      },
    },
    closed: { type: 'final', description: 'In order.' },
    failed: { type: 'final', description: 'There is no good value, or a part of it was lost too often: to its supervisor a crash.' },
  },
});
