/**
 * The inspector of an app: the server that those who look connect to.
 *
 * States   open(listening → serving → closing) → closed; failed
 * Emits    inspector.listening · inspector.viewerJoined · inspector.viewerLeft
 * Needs    `server`, the port and whoever is connected — provided by src/inspector/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * It is no part of what it looks at: its end harms nobody. Nor does it count as starting, so that a port that is taken keeps no tree from coming up.
 * The token that lets viewers in is known to the server alone, and stands in no event.
 */
import { assign, emit, fromCallback, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';

import { exitWith, type ExitReason } from '../supervision/exit.js';

/** What an inspector may be told. */
export type InspectorEvent =
  /** Of the actor `server`. */
  | { readonly type: 'server.listening'; readonly port: number }
  /** It cannot listen, or can no longer. */
  | { readonly type: 'server.failed'; readonly reason: string }
  /** It was ended, by nobody's order here. */
  | { readonly type: 'server.ended' }
  /** Everybody has been told, and the port is free. */
  | { readonly type: 'server.closed' }
  /** `viewers`: how many there are now. */
  | { readonly type: 'viewer.joined'; readonly viewers: number }
  | { readonly type: 'viewer.left'; readonly viewers: number; readonly why: string }
  | { readonly type: 'inspector.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What it orders of the actor `server`. */
export interface ServerCommand {
  readonly type: 'server.close';
}

export type InspectorEmitted =
  | { readonly type: 'inspector.listening'; readonly port: number }
  | { readonly type: 'inspector.viewerJoined'; readonly viewers: number }
  | { readonly type: 'inspector.viewerLeft'; readonly viewers: number; readonly why: string };

/** Input of the inspector machine. */
export interface InspectorInput {
  /** How long the port may take, ms. */
  readonly listenMs: number;
  /** How long viewers may take to hear the end, ms. */
  readonly closeMs: number;
}

export interface InspectorContext extends InspectorInput {
  /** Null while it does not listen. */
  readonly port: number | null;
  readonly viewers: number;
  readonly reason: ExitReason;
}

type On<Type extends InspectorEvent['type']> = Extract<InspectorEvent, { type: Type }>;

/** The chart of an inspector, without its server: to be looked at, drawn and tested. What runs is `inspect()` of 'espalier/inspector'. */
export const inspectorMachine = setup({
  types: {
    input: {} as InspectorInput,
    context: {} as InspectorContext,
    events: {} as InspectorEvent,
    emitted: {} as InspectorEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    server: fromCallback<ServerCommand>(missingActor('inspector', 'server', "inspect() of 'espalier/inspector'")),
  },
  delays: {
    listenDeadline: ({ context }) => context.listenMs,
    closeDeadline: ({ context }) => context.closeMs,
  },
  actions: {
    notePort: assign({ port: ({ event }) => (event as On<'server.listening'>).port }),
    tellPort: emit(({ event }) => ({ type: 'inspector.listening', port: (event as On<'server.listening'>).port })),
    noteViewers: assign({ viewers: ({ event }) => (event as On<'viewer.joined' | 'viewer.left'>).viewers }),
    tellJoined: emit(({ event }) => ({ type: 'inspector.viewerJoined', viewers: (event as On<'viewer.joined'>).viewers })),
    tellLeft: emit(({ event }) => {
      const { viewers, why } = event as On<'viewer.left'>;
      return { type: 'inspector.viewerLeft', viewers, why };
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: ({ event }) => ({ crash: (event as On<'server.failed'>).reason }) }),
    noteCrash: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
    closeServer: sendTo('server', { type: 'server.close' }),
    forgetPort: assign({ port: null }),
  },
}).createMachine({
  id: 'inspector',
  description: 'The inspector of an app: the server that those who look connect to.',
  context: ({ input }) => ({ ...input, port: null, viewers: 0, reason: 'normal' }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'open',
  states: {
    open: {
      invoke: {
        id: 'server',
        src: 'server',
        onError: { target: 'failed', actions: { type: 'noteCrash', params: { crash: 'serverCrashed' } } },
      },
      initial: 'listening',
      on: {
        'server.failed': { target: 'failed', actions: 'noteFailure' },
        'server.ended': { target: 'failed', actions: { type: 'noteCrash', params: { crash: 'serverLost' } } },
        'viewer.joined': { actions: ['noteViewers', 'tellJoined'] },
        'viewer.left': { actions: ['noteViewers', 'tellLeft'] },
        'inspector.close': '.closing',
        'supervisor.shutdown': { target: '.closing', actions: 'noteShutdown' },
      },
      states: {
        listening: {
          description: 'The port is asked for.',
          on: { 'server.listening': { target: 'serving', actions: ['notePort', 'tellPort'] } },
          after: { listenDeadline: { target: '#inspector.failed', actions: { type: 'noteCrash', params: { crash: 'listenTimeout' } } } },
        },
        serving: { tags: 'accepting', exit: 'forgetPort' },
        closing: {
          description: 'Viewers are told, and hang up.',
          entry: 'closeServer',
          on: { 'server.closed': '#inspector.closed', 'inspector.close': {}, 'supervisor.shutdown': { actions: 'noteShutdown' } },
          after: { closeDeadline: '#inspector.closed' },
        },
      },
    },
    closed: { type: 'final', description: 'In order. Whoever had not hung up by the deadline was cut off.' },
    failed: { type: 'final', description: 'The port could not be had, or the server was lost.' },
  },
});
