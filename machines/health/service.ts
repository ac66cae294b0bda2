/**
 * One service as others see it: whether it lives, and whether it has what it needs. Its death drives this, never a question.
 *
 * States   absent → serving(available ⇄ degraded) → down or stopped → recovering → serving; quarantined(dead ⇄ alive) → recovering
 * Emits    service.started · service.degraded · service.recovered · service.lost · service.returned · service.quarantined
 * Output   none: it goes on until it is stopped
 */
import { assign, emit, setup } from 'xstate';
import { type ExitReason, isClean } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';

export type ServiceEvent =
  /** It lives. */
  | { readonly type: 'service.up' }
  /** It has ended. `at`: monotonic ms. */
  | { readonly type: 'service.down'; readonly at: number; readonly reason: ExitReason | 'noproc' }
  /** What it needs has changed. `missing`: what of it is not available now. */
  | { readonly type: 'needs.changed'; readonly missing: readonly string[] };

export interface ServiceInput {
  /** Deaths within the period that are no more than bad luck; one more, and it is quarantined. */
  readonly intensity: number;
  readonly periodMs: number;
  /** How long it must live after a death until it is taken for recovered, ms. */
  readonly settleMs: number;
  /** How long it must live in quarantine until it may recover, ms. */
  readonly quarantineMs: number;
  /** What a former incarnation of this chart knew; null for none. */
  readonly former: Former | null;
}

/** What a chart knew that was lost with its monitor. */
export interface Former {
  readonly state: 'absent' | 'available' | 'degraded' | 'down' | 'stopped' | 'recovering' | 'quarantined';
  readonly deaths: readonly number[];
  readonly missing: readonly string[];
  readonly wasAvailable: boolean;
}

export type ServiceEmitted =
  /** Available for the first time. */
  | { readonly type: 'service.started' }
  | { readonly type: 'service.degraded'; readonly missing: readonly string[] }
  /** Available again: after a death, or with all that it needs. */
  | { readonly type: 'service.recovered' }
  | { readonly type: 'service.lost'; readonly reason: ExitReason | 'noproc' }
  /** Alive again, and not to be relied on yet. */
  | { readonly type: 'service.returned' }
  /** `deaths`: within the period, counted up to one more than it survives. */
  | { readonly type: 'service.quarantined'; readonly deaths: number };

export interface ServiceContext extends ServiceInput {
  /** Deaths within the period, monotonic ms, newest first; ends that are clean are none. */
  readonly deaths: readonly number[];
  readonly missing: readonly string[];
  /** Was it ever available? */
  readonly wasAvailable: boolean;
}

type On<Type extends ServiceEvent['type']> = Extract<ServiceEvent, { type: Type }>;

function isDeath({ reason }: On<'service.down'>): boolean {
  return reason === 'noproc' || !isClean(reason);
}

/** The chart of one service. What runs is in `serviceMonitor()` of 'espalier'. */
export const serviceMachine = setup({
  types: {
    input: {} as ServiceInput,
    context: {} as ServiceContext,
    events: {} as ServiceEvent,
    emitted: {} as ServiceEmitted,
    tags: {} as 'available',
  },
  delays: {
    settling: ({ context }) => context.settleMs,
    quarantine: ({ context }) => context.quarantineMs,
  },
  guards: {
    isDeadTooOften: ({ context: { deaths, intensity, periodMs }, event }) => {
      const down = event as On<'service.down'>;
      return isDeath(down) && exceedsIntensity(deaths, down.at, intensity, periodMs);
    },
    isInOrder: ({ event }) => !isDeath(event as On<'service.down'>),
    lacks: ({ event }) => (event as On<'needs.changed'>).missing.length > 0,
    isLacking: ({ context }) => context.missing.length > 0,
    wasServing: ({ context: { former } }) => former?.state === 'available',
    wasDegraded: ({ context: { former } }) => former?.state === 'degraded',
    wasDown: ({ context: { former } }) => former?.state === 'down',
    wasStopped: ({ context: { former } }) => former?.state === 'stopped',
    wasRecovering: ({ context: { former } }) => former?.state === 'recovering',
    wasQuarantined: ({ context: { former } }) => former?.state === 'quarantined',
    settlesAtOnce: ({ context }) => context.settleMs === 0,
    isNew: ({ context }) => !context.wasAvailable,
  },
  actions: {
    noteNeeds: assign({ missing: ({ event }) => (event as On<'needs.changed'>).missing }),
    noteDeath: assign({
      deaths: ({ context, event }) => {
        const down = event as On<'service.down'>;
        return isDeath(down) ? addRestart(context.deaths, down.at, context.periodMs).slice(0, context.intensity + 1) : context.deaths;
      },
    }),
    noteAvailable: assign({ wasAvailable: true }),
    tellStarted: emit({ type: 'service.started' }),
    tellDegraded: emit(({ context }) => ({ type: 'service.degraded', missing: context.missing })),
    tellRecovered: emit({ type: 'service.recovered' }),
    tellLost: emit(({ event }) => ({ type: 'service.lost', reason: (event as On<'service.down'>).reason })),
    tellReturned: emit({ type: 'service.returned' }),
    tellQuarantined: emit(({ context }) => ({ type: 'service.quarantined', deaths: context.deaths.length })),
  },
}).createMachine({
  id: 'service',
  description: 'One service as others see it: whether it lives, and whether it has what it needs.',
  context: ({ input }) => ({
    ...input,
    deaths: input.former?.deaths ?? [],
    missing: input.former?.missing ?? [],
    wasAvailable: input.former?.wasAvailable ?? false,
  }),
  initial: 'beginning',
  on: { 'needs.changed': { actions: 'noteNeeds' } },
  states: {
    beginning: {
      description: 'Where a former incarnation was, without a word.',
      always: [
        { guard: 'wasServing', target: 'serving.available' },
        { guard: 'wasDegraded', target: 'serving.degraded' },
        { guard: 'wasDown', target: 'down' },
        { guard: 'wasStopped', target: 'stopped' },
        { guard: 'wasRecovering', target: 'recovering' },
        { guard: 'wasQuarantined', target: 'quarantined' },
        { target: 'absent' },
      ],
    },
    absent: { description: 'It was never seen.', on: { 'service.up': 'serving' } },
    serving: {
      initial: 'choosing',
      on: {
        'service.down': [
          { guard: 'isDeadTooOften', target: 'quarantined', actions: ['noteDeath', 'tellLost', 'tellQuarantined'] },
          { guard: 'isInOrder', target: 'stopped', actions: 'tellLost' },
          { target: 'down', actions: ['noteDeath', 'tellLost'] },
        ],
      },
      states: {
        choosing: {
          always: [
            { guard: 'isLacking', target: 'degraded', actions: 'tellDegraded' },
            { guard: 'isNew', target: 'available', actions: ['noteAvailable', 'tellStarted'] },
            { target: 'available', actions: 'tellRecovered' },
          ],
        },
        available: {
          tags: 'available',
          on: { 'needs.changed': { guard: 'lacks', target: 'degraded', actions: ['noteNeeds', 'tellDegraded'] } },
        },
        degraded: {
          description: 'It lives, and lacks what it needs.',
          on: {
            'needs.changed': [
              { guard: 'lacks', actions: 'noteNeeds' },
              { target: 'choosing', actions: 'noteNeeds' },
            ],
          },
        },
      },
    },
    stopped: {
      description: 'It ended in order, and nobody has started it since.',
      on: { 'service.up': { target: 'recovering', actions: 'tellReturned' } },
    },
    down: { on: { 'service.up': { target: 'recovering', actions: 'tellReturned' } } },
    recovering: {
      description: 'It lives again; if it still does in a while, it is what it was.',
      on: {
        'service.down': [
          { guard: 'isDeadTooOften', target: 'quarantined', actions: ['noteDeath', 'tellLost', 'tellQuarantined'] },
          { guard: 'isInOrder', target: 'stopped', actions: 'tellLost' },
          { target: 'down', actions: ['noteDeath', 'tellLost'] },
        ],
      },
      always: { guard: 'settlesAtOnce', target: 'serving' },
      after: { settling: 'serving' },
    },
    quarantined: {
      description: 'It died too often. Nobody is to rely on it until it has lived for long enough.',
      initial: 'dead',
      on: { 'service.down': { target: '.dead', actions: 'noteDeath' } },
      states: {
        dead: { on: { 'service.up': 'alive' } },
        alive: { after: { quarantine: { target: '#service.recovering', actions: 'tellReturned' } } },
      },
    },
  },
});
