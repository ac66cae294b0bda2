/**
 * One probe, as others see it: what its results come to, whether it flaps, whether it is heard, and whether a check of it hangs.
 *
 * States   verdict(unknown, healthy, degraded, unhealthy) · flap(steady ⇄ flapping) · hearing(heard ⇄ silent) · pace(kept ⇄ overdue), all at once
 * Emits    probe.changed · probe.flapped · probe.settled · probe.silenced · probe.heard
 * Output   none: it goes on until it is stopped
 *
 * A check that says what the one before it said never comes here: the table beside the monitor's chart makes the checks and counts their results
 * (verdict.ts), and sends what is news.
 */
import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Health, Outcome } from './verdict.js';

/** Where a result comes from. `said`: the check itself; `noproc`: whom it asks has ended; `misanswered`: what it said means nothing. */
export type Because = 'said' | 'threw' | 'timeout' | 'noproc' | 'misanswered' | 'reported';

/** One result. */
export interface Answer {
  readonly outcome: Outcome;
  readonly because: Because;
  /** In a few words; null for none. */
  readonly detail: string | null;
}

export type ProbeEvent =
  /** A result after which it is something else, or is heard again. */
  | { readonly type: 'result.judged'; readonly answer: Answer; readonly health: Health; readonly isFlapping: boolean }
  /** There was none for too long. */
  | { readonly type: 'result.missed' }
  /** A check goes on after its deadline. It has failed, and was told to stop; until it has, no other begins. */
  | { readonly type: 'check.overdue' }
  /** It has stopped. */
  | { readonly type: 'check.ended' };

export type ProbeEmitted =
  | { readonly type: 'probe.changed'; readonly from: Health; readonly to: Health; readonly answer: Answer }
  | { readonly type: 'probe.flapped' }
  | { readonly type: 'probe.settled'; readonly health: Health }
  | { readonly type: 'probe.silenced' }
  | { readonly type: 'probe.heard' };

/** What a former incarnation knew, or that nothing is known. */
export interface ProbeInput {
  readonly id: string;
  readonly health: Health;
  readonly isFlapping: boolean;
  /** Had it told of silence, and not of a result since? */
  readonly isSilent: boolean;
  readonly isOverdue: boolean;
}

export interface ProbeContext extends ProbeInput {}

type On<Type extends ProbeEvent['type']> = Extract<ProbeEvent, { type: Type }>;

function becomes(context: ProbeContext, event: ProbeEvent, health: Health): boolean {
  return context.health !== health && (event as On<'result.judged'>).health === health;
}

/** The chart of a probe. What runs is in `healthMonitor()` of 'espalier'. */
export const probeMachine = setup({
  types: { input: {} as ProbeInput, context: {} as ProbeContext, events: {} as ProbeEvent, emitted: {} as ProbeEmitted },
  guards: {
    startsHealthy: ({ context }) => context.health === 'healthy',
    startsDegraded: ({ context }) => context.health === 'degraded',
    startsUnhealthy: ({ context }) => context.health === 'unhealthy',
    startsSilent: ({ context }) => context.isSilent,
    startsFlapping: ({ context }) => context.isFlapping,
    startsOverdue: ({ context }) => context.isOverdue,
    becomesHealthy: ({ context, event }) => becomes(context, event, 'healthy'),
    becomesDegraded: ({ context, event }) => becomes(context, event, 'degraded'),
    becomesUnhealthy: ({ context, event }) => becomes(context, event, 'unhealthy'),
    flaps: ({ event }) => (event as On<'result.judged'>).isFlapping,
    isCalm: ({ event }) => !(event as On<'result.judged'>).isFlapping,
  },
  actions: {
    noteAndTell: enqueueActions(({ context, event, enqueue }) => {
      const { answer, health, isFlapping } = event as On<'result.judged'>;
      enqueue.assign({ health });
      // While it flaps, only the worst is told; when it has settled, where.
      if (!isFlapping || health === 'unhealthy') enqueue.emit({ type: 'probe.changed', from: context.health, to: health, answer });
    }),
    noteFlapping: assign({ isFlapping: true }),
    noteCalm: assign({ isFlapping: false }),
    tellFlapping: emit({ type: 'probe.flapped' }),
    tellCalm: emit(({ event }) => ({ type: 'probe.settled', health: (event as On<'result.judged'>).health })),
    noteSilence: assign({ isSilent: true }),
    noteHeard: assign({ isSilent: false }),
    tellSilence: emit({ type: 'probe.silenced' }),
    tellHeard: emit({ type: 'probe.heard' }),
    noteOverdue: assign({ isOverdue: true }),
    noteInTime: assign({ isOverdue: false }),
  },
}).createMachine({
  id: 'probe',
  description: 'One probe, as others see it: what its results come to, whether it flaps, is heard, or hangs.',
  context: ({ input }) => input,
  type: 'parallel',
  states: {
    flap: {
      initial: 'beginning',
      states: {
        beginning: { always: [{ guard: 'startsFlapping', target: 'flapping' }, { target: 'steady' }] },
        steady: { on: { 'result.judged': { guard: 'flaps', target: 'flapping', actions: ['noteFlapping', 'tellFlapping'] } } },
        flapping: {
          description: 'It changes too often for every change to be told.',
          on: { 'result.judged': { guard: 'isCalm', target: 'steady', actions: ['noteCalm', 'tellCalm'] } },
        },
      },
    },
    verdict: {
      initial: 'beginning',
      on: {
        'result.judged': [
          { guard: 'becomesUnhealthy', target: '.unhealthy', actions: 'noteAndTell' },
          { guard: 'becomesDegraded', target: '.degraded', actions: 'noteAndTell' },
          { guard: 'becomesHealthy', target: '.healthy', actions: 'noteAndTell' },
        ],
      },
      states: {
        beginning: {
          always: [
            { guard: 'startsHealthy', target: 'healthy' },
            { guard: 'startsDegraded', target: 'degraded' },
            { guard: 'startsUnhealthy', target: 'unhealthy' },
            { target: 'unknown' },
          ],
        },
        unknown: { description: 'There was no result that says enough.' },
        healthy: {},
        degraded: {},
        unhealthy: {},
      },
    },
    hearing: {
      initial: 'beginning',
      states: {
        beginning: { always: [{ guard: 'startsSilent', target: 'silent' }, { target: 'heard' }] },
        heard: { on: { 'result.missed': { target: 'silent', actions: ['noteSilence', 'tellSilence'] } } },
        silent: {
          description: 'No result for too long, of whatever kind: that is an alert by itself.',
          on: { 'result.judged': { target: 'heard', actions: ['noteHeard', 'tellHeard'] } },
        },
      },
    },
    pace: {
      initial: 'beginning',
      states: {
        beginning: { always: [{ guard: 'startsOverdue', target: 'overdue' }, { target: 'kept' }] },
        kept: { on: { 'check.overdue': { target: 'overdue', actions: 'noteOverdue' } } },
        overdue: {
          description: 'A check hangs: it was told to stop, and until it has, each interval counts as one more failure.',
          on: { 'check.ended': { target: 'kept', actions: 'noteInTime' } },
        },
      },
    },
  },
});
