/**
 * A monitor: of probes, or of services. Both have a table of what they look at, beside this chart.
 *
 * States   serving(overall: unknown, healthy, degraded, unhealthy; watch: watched) → closed; failed
 * Emits    health.changed · health.tableRestarted; and past the chart what becomes of single probes and services
 * Needs    `table`, whom it looks at and how they are — provided by src/health/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * Single results never come here: the table tells what all of them come to, and who is in trouble. A table that was lost is replaced, and the new one knows
 * what the lost one knew.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { type ExitReason, exitWith } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import type { Health } from './verdict.js';

export type MonitorEvent =
  /** Of the actor `table`: it runs. */
  | { readonly type: 'table.opened' }
  /** What all come to. */
  | { readonly type: 'overall.changed'; readonly to: Health }
  /** How one is that had not been healthy, or is so no more. */
  | { readonly type: 'trouble.noted'; readonly id: string; readonly health: Health }
  /** It was ended by nobody's order here, or cannot go on. `at`: monotonic ms. */
  | { readonly type: 'table.ended'; readonly at: number }
  | { readonly type: 'monitor.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** By id: who is not healthy. */
export type Troubles = Readonly<Record<string, Health>>;

/** What it orders of the actor `table`: to go on from there. */
export interface TableCommand {
  readonly type: 'table.resume';
  readonly troubles: Troubles;
}

export type MonitorEmitted =
  /** What all of them come to has changed. */
  | { readonly type: 'health.changed'; readonly of: 'probes' | 'services'; readonly from: Health; readonly to: Health }
  | { readonly type: 'health.tableRestarted'; readonly attempt: number };

export interface MonitorInput {
  readonly of: 'probes' | 'services';
  /** Losses of its table within the period that it survives; one more, and it fails. */
  readonly intensity: number;
  readonly periodMs: number;
}

export interface MonitorContext extends MonitorInput {
  readonly overall: Health;
  readonly troubles: Troubles;
  /** Losses of the table within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  readonly reason: ExitReason;
}

type On<Type extends MonitorEvent['type']> = Extract<MonitorEvent, { type: Type }>;

/** The chart of a monitor, without its table. What runs is `healthMonitor()` or `serviceMonitor()` of 'espalier'. */
export const monitorMachine = setup({
  types: { input: {} as MonitorInput, context: {} as MonitorContext, events: {} as MonitorEvent, emitted: {} as MonitorEmitted },
  actors: {
    table: fromCallback<TableCommand>(missingActor('monitor', 'table', "healthMonitor() of 'espalier'")),
  },
  guards: {
    isHealthy: ({ context, event }) => context.overall !== 'healthy' && (event as On<'overall.changed'>).to === 'healthy',
    isDegraded: ({ context, event }) => context.overall !== 'degraded' && (event as On<'overall.changed'>).to === 'degraded',
    isUnhealthy: ({ context, event }) => context.overall !== 'unhealthy' && (event as On<'overall.changed'>).to === 'unhealthy',
    isUnknown: ({ context, event }) => context.overall !== 'unknown' && (event as On<'overall.changed'>).to === 'unknown',
    isLostTooOften: ({ context: { losses, intensity, periodMs }, event }) =>
      exceedsIntensity(losses, (event as On<'table.ended'>).at, intensity, periodMs),
  },
  actions: {
    noteOverall: enqueueActions(({ context, event, enqueue }) => {
      const { to } = event as On<'overall.changed'>;
      enqueue.assign({ overall: to });
      enqueue.emit({ type: 'health.changed', of: context.of, from: context.overall, to });
    }),
    noteTrouble: assign({
      troubles: ({ context: { troubles }, event }) => {
        const { id, health } = event as On<'trouble.noted'>;
        const { [id]: _, ...others } = troubles;
        return health === 'degraded' || health === 'unhealthy' ? { ...others, [id]: health } : others;
      },
    }),
    resumeTable: sendTo('table', ({ context }) => ({ type: 'table.resume', troubles: context.troubles })),
    replaceTable: enqueueActions(({ context, event, enqueue }) => {
      const losses = addRestart(context.losses, (event as On<'table.ended'>).at, context.periodMs);
      enqueue.assign({ losses });
      enqueue.emit({ type: 'health.tableRestarted', attempt: losses.length });
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'monitor',
  description: 'A monitor: of probes, or of services.',
  context: ({ input }) => ({ ...input, overall: 'unknown', troubles: {}, losses: [], reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'serving',
  states: {
    serving: {
      type: 'parallel',
      on: {
        'trouble.noted': { actions: 'noteTrouble' },
        'monitor.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
      states: {
        overall: {
          initial: 'unknown',
          on: {
            'overall.changed': [
              { guard: 'isHealthy', target: '.healthy', actions: 'noteOverall' },
              { guard: 'isDegraded', target: '.degraded', actions: 'noteOverall' },
              { guard: 'isUnhealthy', target: '.unhealthy', actions: 'noteOverall' },
              { guard: 'isUnknown', target: '.unknown', actions: 'noteOverall' },
            ],
          },
          states: { unknown: {}, healthy: {}, degraded: {}, unhealthy: {} },
        },
        watch: {
          initial: 'watched',
          states: {
            watched: {
              invoke: {
                id: 'table',
                src: 'table',
                onError: { target: '#monitor.failed', actions: { type: 'noteFailure', params: { crash: 'tableCrashed' } } },
              },
              on: {
                'table.opened': { actions: 'resumeTable' },
                'table.ended': [
                  { guard: 'isLostTooOften', target: '#monitor.failed', actions: { type: 'noteFailure', params: { crash: 'tableLost' } } },
                  { target: 'watched', reenter: true, actions: 'replaceTable' },
                ],
              },
            },
          },
        },
      },
    },
    closed: { type: 'final', description: 'In order. Nothing is looked at any more.' },
    failed: { type: 'final', description: 'Its table was lost too often: to its supervisor a crash.' },
  },
});
