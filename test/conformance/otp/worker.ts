/**
 * The test worker of the corpus, as XState logic: starts, stops and dies as its scenario says.
 *
 * States   starting(choosing → delaying → acting) → prompt | ignoring | asked → exited; declined | failed | bad from starting
 * Emits    supervisor.ready, when its start returns extra info
 * @see FORMAT.md §3 "Start actions", "Stop behaviour"
 */
import { assign, emit, raise, setup, type AnyActorLogic } from 'xstate';

import { declineStart, exitWith, failStart, type ExitReason } from '../../../src/index.js';
import type { Json, StartAction, StopBehaviour } from './line.js';
import { toExit } from './terms.js';

/** Input of a worker, or of a supervisor's start action: who it is, and its plans. */
export interface WorkerInput {
  readonly role: 'worker' | 'plan';
  readonly path: string;
  readonly start?: readonly StartAction[];
  readonly stop?: StopBehaviour;
}

/** Gives out start actions: the k-th attempt of a path gets the k-th, over the whole scenario. `hang` = never answer. */
export interface StartPlans {
  take(path: string, plan: readonly StartAction[] | undefined): NormalAction;
}

/** A start action with its defaults filled in. */
export interface NormalAction {
  readonly do: 'ok' | 'error' | 'exit' | 'bad' | 'ignore' | 'hang';
  readonly delayMs: number;
  readonly reason: Json;
  readonly extra: Json | undefined;
  readonly dieAfterMs: number | undefined;
}

/** Fills in the defaults of a start action. */
export function normalAction(action: StartAction): NormalAction {
  const given = typeof action === 'string' ? { do: action } : action;
  return {
    do: given.do as NormalAction['do'],
    delayMs: given.delay ?? 0,
    reason: given.reason ?? (given.do === 'ok' ? 'normal' : null),
    extra: given.extra,
    dieAfterMs: given.die_after,
  };
}

interface WorkerContext {
  readonly action: NormalAction;
  readonly stop: StopBehaviour;
  readonly reason: ExitReason;
}

type WorkerEvent = { type: 'test.crash'; reason: Json } | { type: 'test.die' } | { type: 'supervisor.shutdown'; reason: ExitReason };

/** The worker of one scenario. A worker whose reason is no ordinary end throws it, as a process crashes. */
export function workerLogic(plans: StartPlans): AnyActorLogic {
  return setup({
    types: {
      input: {} as WorkerInput,
      context: {} as WorkerContext,
      events: {} as WorkerEvent,
      emitted: {} as { type: 'supervisor.ready'; info: Json },
    },
    guards: {
      slow: ({ context }) => context.action.delayMs > 0,
      failing: ({ context }) => context.action.do === 'error',
      crashing: ({ context }) => context.action.do === 'exit',
      nonsense: ({ context }) => context.action.do === 'bad',
      declining: ({ context }) => context.action.do === 'ignore',
      hanging: ({ context }) => context.action.do === 'hang',
      prompt: ({ context }) => context.stop === 'prompt',
      stubborn: ({ context }) => context.stop === 'ignore',
      slowToStop: ({ context }) => stopDelayMs(context.stop) > 0,
      abnormal: ({ context }) => isCrash(context.reason),
      mortal: ({ context }) => context.action.dieAfterMs !== undefined,
      informative: ({ context }) => context.action.extra !== undefined,
    },
    delays: {
      startDelay: ({ context }) => context.action.delayMs,
      stopDelay: ({ context }) => stopDelayMs(context.stop),
    },
    actions: {
      crashStart: ({ context }) => {
        throw context.action.reason as unknown;
      },
      crash: ({ context }) => {
        throw (context.reason as { crash: unknown }).crash;
      },
      dieLater: raise({ type: 'test.die' }, { delay: ({ context }) => context.action.dieAfterMs ?? 0 }),
      tell: emit(({ context }) => ({ type: 'supervisor.ready', info: context.action.extra ?? null })),
      rememberCrash: assign({ reason: ({ event, context }) => (event.type === 'test.crash' ? toExit(event.reason) : context.reason) }),
      rememberOwnEnd: assign({ reason: ({ context }) => toExit(context.action.reason) }),
      rememberRequest: assign({
        reason: ({ event, context }) => (event.type === 'supervisor.shutdown' ? endOf(context.stop, event.reason) : context.reason),
      }),
      // An action, though it does nothing: a snapshot `can()` only what has a target or an action.
      ignore: assign({}),
    },
  }).createMachine({
    id: 'otpWorker',
    context: ({ input }) => ({ action: plans.take(input.path, input.start), stop: input.stop ?? 'prompt', reason: 'normal' as ExitReason }),
    initial: 'starting',
    states: {
      starting: {
        tags: 'starting',
        initial: 'choosing',
        states: {
          choosing: { always: [{ guard: 'slow', target: 'delaying' }, { target: 'acting' }] },
          delaying: { after: { startDelay: 'acting' } },
          acting: {
            always: [
              { guard: 'hanging', target: 'hanging' },
              { guard: 'failing', target: '#otpWorker.failed' },
              { guard: 'declining', target: '#otpWorker.declined' },
              { guard: 'nonsense', target: '#otpWorker.bad' },
              { guard: 'crashing', actions: 'crashStart', target: '#otpWorker.failed' },
              { guard: 'informative', actions: 'tell', target: '#otpWorker.alive' },
              { target: '#otpWorker.alive' },
            ],
          },
          hanging: {},
        },
      },
      alive: {
        initial: 'choosing',
        on: {
          'test.crash': { actions: 'rememberCrash', target: 'ending' },
          'test.die': { actions: 'rememberOwnEnd', target: 'ending' },
        },
        states: {
          choosing: {
            always: [{ guard: 'mortal', actions: 'dieLater', target: 'serving' }, { target: 'serving' }],
          },
          serving: {
            always: [{ guard: 'prompt', target: 'prompt' }, { guard: 'stubborn', target: 'ignoring' }, { target: 'trapping' }],
          },
          prompt: {},
          ignoring: { on: { 'supervisor.shutdown': { actions: 'ignore' } } },
          trapping: {
            on: {
              'supervisor.shutdown': [
                { guard: 'slowToStop', actions: 'rememberRequest', target: '#otpWorker.asked' },
                { actions: 'rememberRequest', target: '#otpWorker.ending' },
              ],
            },
          },
        },
      },
      // Inside its stop delay it hears nothing but a kill; it still traps.
      asked: { on: { 'supervisor.shutdown': { actions: 'ignore' } }, after: { stopDelay: 'ending' } },
      ending: { always: [{ guard: 'abnormal', actions: 'crash', target: 'exited' }, { target: 'exited' }] },
      exited: { type: 'final' },
      failed: { type: 'final', tags: 'starting' },
      declined: { type: 'final', tags: 'starting' },
      bad: { type: 'final', tags: 'starting' },
    },
    output: ({ context }) => outputOf(context),
  });
}

/** The start action of a supervisor: run to its end before its children start (OTP's init/1). */
export function planLogic(plans: StartPlans): AnyActorLogic {
  return setup({
    types: { input: {} as WorkerInput, context: {} as { action: NormalAction } },
    guards: {
      slow: ({ context }) => context.action.delayMs > 0,
      crashing: ({ context }) => context.action.do === 'exit',
      hanging: ({ context }) => context.action.do === 'hang',
    },
    delays: { startDelay: ({ context }) => context.action.delayMs },
    actions: {
      crashStart: ({ context }) => {
        throw context.action.reason as unknown;
      },
    },
  }).createMachine({
    id: 'otpPlan',
    context: ({ input }) => ({ action: plans.take(input.path, input.start) }),
    initial: 'choosing',
    states: {
      choosing: { always: [{ guard: 'slow', target: 'delaying' }, { target: 'acting' }] },
      delaying: { after: { startDelay: 'acting' } },
      acting: { always: [{ guard: 'hanging', target: 'hanging' }, { guard: 'crashing', actions: 'crashStart', target: 'done' }, { target: 'done' }] },
      hanging: {},
      done: { type: 'final' },
    },
    output: ({ context }) => startOutput(context.action),
  });
}

function startOutput(action: NormalAction): unknown {
  if (action.do === 'ignore') return declineStart();
  if (action.do === 'error') return failStart(action.reason);
  return action.do === 'bad' ? failStart('bad_value') : undefined;
}

function outputOf(context: WorkerContext): unknown {
  if (context.action.do === 'bad') return 'bad_value';
  return startOutput(context.action) ?? exitWith(context.reason);
}

function isCrash(reason: ExitReason): boolean {
  return typeof reason === 'object' && 'crash' in reason;
}

function stopDelayMs(stop: StopBehaviour): number {
  return typeof stop === 'object' ? (stop.delay ?? 0) : 0;
}

/** With what a worker that was asked to end will end. One that ignores the request is as before. */
function endOf(stop: StopBehaviour, asked: ExitReason): ExitReason {
  return typeof stop === 'object' && stop.reason !== undefined ? toExit(stop.reason) : asked;
}
