/**
 * One Gemini Live conversation over one socket: set up, talk, have tools called, close.
 *
 * States   connected(connecting → settingUp → ready → closing) → closed | failed
 * Tags     `starting` until the server has accepted the setup; `accepting` while messages can be sent
 * Calls    context.calls: each running → answering → answered, or cancelled, or abandoned; every call ends in exactly one of the three
 * Emits    session.ready · session.message · session.malformed · session.sent · session.rejected · session.closed · session.failed ·
 *          tool.called · tool.repeated · tool.answered · tool.cancelled · tool.abandoned
 * Needs    `connection` (the socket) and `tools` (runs the app's functions), provided by src/live/; the placeholders here refuse to run
 * Output   how it ended ({@link outputOf}): as a supervised child it exits `normal` after a close, with the request's reason after
 *          `supervisor.shutdown`, and with a crash after a lost connection; while starting, a failure is a failed start
 *
 * The session never waits for a tool: a call is an event out, its answer an event in. A tool's deadline (`toolMs`) is kept by `tools`.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import type { ExitReason } from '../supervision/exit.js';
import { type CallTable, cancelledIds, enterCalls, fieldOf, isForTheApp, type JsonObject, moveCalls, noCalls, toolResponse } from './calls.js';
import { clientEnd, endOf, failureOf, outputOf, type SessionEnd, type SessionFailure, type SessionOutput } from './ending.js';

export interface SessionInput {
  /** The body of the `setup` message. */
  readonly setup: JsonObject;
  /** Until the socket is open, ms. */
  readonly connectMs: number;
  /** From there to `setupComplete`, ms. */
  readonly setupMs: number;
  /** For a tool that has no deadline of its own, ms; handed to `tools`. */
  readonly toolMs: number;
  /** From a close to the peer's answer, ms; then the socket is terminated. */
  readonly closeMs: number;
}

/** Whom a written message is confirmed to: the call that it answers, or the app's `ref`. */
export type Receipt = { readonly of: 'call'; readonly id: string } | { readonly of: 'app'; readonly ref: string | null };

/** Why a message was not sent: the state that cannot take it; `reserved`: setup and tool answers are the session's own to send. */
export type RejectReason = 'connecting' | 'settingUp' | 'closing' | 'closed' | 'reserved' | 'notJson';

export type SessionEvent =
  | { type: 'session.send'; message: JsonObject; ref?: string }
  | { type: 'session.close' }
  | { type: 'supervisor.shutdown'; reason?: ExitReason }
  | { type: 'socket.opened' }
  | { type: 'server.message'; message: JsonObject }
  | { type: 'socket.malformed'; reason: string; detail: string; excerpt: string }
  | { type: 'socket.sent'; receipt: Receipt }
  | { type: 'socket.unsent'; receipt: Receipt; reason: 'connecting' | 'closing' | 'notJson' }
  | { type: 'socket.closed'; code: number; reason: string }
  | { type: 'socket.failed'; code: number | string; reason: string }
  | { type: 'tool.settled'; id: string; response: JsonObject }
  | { type: 'tools.failed'; reason: string };

export type SessionEmitted =
  | { type: 'session.ready'; sessionId: string | null }
  | { type: 'session.message'; message: JsonObject }
  | { type: 'session.malformed'; reason: string; detail: string; excerpt: string }
  | { type: 'session.sent'; ref: string }
  | { type: 'session.rejected'; ref: string | null; reason: RejectReason }
  | ({ type: 'session.closed' } & SessionEnd)
  | ({ type: 'session.failed' } & SessionFailure)
  | { type: 'tool.called'; id: string; name: string; args: JsonObject }
  | { type: 'tool.repeated'; id: string; name: string }
  | { type: 'tool.answered' | 'tool.cancelled'; id: string; name: string }
  | { type: 'tool.abandoned'; id: string; name: string; reason: string };

export interface SessionContext extends SessionInput {
  readonly calls: CallTable;
  /** Was the setup ever accepted? */
  readonly hasBeenReady: boolean;
  /** How it is to exit, once somebody has asked it to. */
  readonly exit: ExitReason | null;
  readonly end: SessionEnd | null;
  readonly failure: SessionFailure | null;
}

/** What the session tells `connection`. */
export type ConnectionCommand =
  | { type: 'connection.send'; message: JsonObject; receipt: Receipt | null }
  | { type: 'connection.close'; code: number; reason: string };
export interface ConnectionInput {
  readonly closeMs: number;
}
/** What the session tells `tools`. */
export type ToolsCommand =
  | { type: 'tool.run'; id: string; name: string; args: JsonObject }
  | { type: 'tool.cancel'; id: string }
  | { type: 'tool.cancelAll' };
export interface ToolsInput {
  readonly toolMs: number;
}

export const sessionMachine = setup({
  types: {
    input: {} as SessionInput,
    context: {} as SessionContext,
    events: {} as SessionEvent,
    emitted: {} as SessionEmitted,
    output: {} as SessionOutput,
    tags: {} as 'starting' | 'accepting',
  },
  actors: {
    connection: fromCallback<ConnectionCommand, ConnectionInput>(() => {
      throw new Error("machine 'liveSession' needs actor 'connection': use liveSession() of 'espalier', or machine.provide({ actors })");
    }),
    tools: fromCallback<ToolsCommand, ToolsInput>(() => {
      throw new Error("machine 'liveSession' needs actor 'tools': use liveSession() of 'espalier', or machine.provide({ actors })");
    }),
  },
  guards: {
    completesSetup: (_, p: { message: JsonObject }) => fieldOf(p.message, 'setupComplete') !== undefined,
    isForTheApp: (_, p: { message: JsonObject }) => isForTheApp(p.message),
    isRunning: ({ context }, p: { id: string }) => context.calls.rows.some((row) => row.id === p.id && row.status === 'running'),
    isOrderly: (_, p: { code: number }) => p.code === 1000 || p.code === 1005,
  },
  delays: {
    connectDeadline: ({ context }) => context.connectMs,
    setupDeadline: ({ context }) => context.setupMs,
    closeDeadline: ({ context }) => context.closeMs,
  },
  actions: {
    sendSetup: sendTo('connection', ({ context }) => ({ type: 'connection.send', message: { setup: context.setup }, receipt: null })),
    becomeReady: assign({ hasBeenReady: true }),
    tellReady: emit((_, p: { message: JsonObject }) => {
      const sessionId = fieldOf(fieldOf(p.message, 'setupComplete'), 'sessionId');
      return { type: 'session.ready', sessionId: typeof sessionId === 'string' ? sessionId : null };
    }),
    readMessage: enqueueActions(({ context, enqueue }, p: { message: JsonObject; run: boolean }) => {
      enqueue.emit({ type: 'session.message', message: p.message });
      const { table, fresh, repeated } = enterCalls(context.calls, p.message);
      const taken = cancelledIds(p.message);
      const { table: calls, moved } = moveCalls(table, (row) => row.status === 'running' && taken.includes(row.id), 'cancelled');
      enqueue.assign({ calls });
      for (const call of fresh) {
        enqueue.emit({ type: 'tool.called', ...call });
        if (p.run) enqueue.sendTo('tools', { type: 'tool.run', ...call });
      }
      for (const { id, name } of repeated) enqueue.emit({ type: 'tool.repeated', id, name });
      for (const { id, name } of moved) {
        enqueue.sendTo('tools', { type: 'tool.cancel', id });
        enqueue.emit({ type: 'tool.cancelled', id, name });
      }
    }),
    tellMalformed: emit((_, p: { reason: string; detail: string; excerpt: string }) => ({ type: 'session.malformed', ...p })),
    answerCall: enqueueActions(({ context, enqueue }, p: { id: string; response: JsonObject }) => {
      const { table, moved } = moveCalls(context.calls, (row) => row.id === p.id, 'answering');
      enqueue.assign({ calls: table });
      for (const row of moved) {
        enqueue.sendTo('connection', { type: 'connection.send', message: toolResponse(row, p.response), receipt: { of: 'call', id: row.id } });
      }
    }),
    confirmSent: enqueueActions(({ context, enqueue }, p: { receipt: Receipt }) => {
      const { receipt } = p;
      if (receipt.of === 'app') {
        if (receipt.ref !== null) enqueue.emit({ type: 'session.sent', ref: receipt.ref });
        return;
      }
      const { table, moved } = moveCalls(context.calls, (row) => row.id === receipt.id, 'answered');
      enqueue.assign({ calls: table });
      for (const { id, name } of moved) enqueue.emit({ type: 'tool.answered', id, name });
    }),
    /** An answer that was not written stays open: the socket is about to end, and its end abandons it. */
    tellUnsent: enqueueActions(({ enqueue }, p: { receipt: Receipt; reason: RejectReason }) => {
      if (p.receipt.of === 'app') enqueue.emit({ type: 'session.rejected', ref: p.receipt.ref, reason: p.reason });
    }),
    passOn: sendTo('connection', (_, p: { message: JsonObject; ref: string | undefined }) => ({
      type: 'connection.send',
      message: p.message,
      receipt: { of: 'app', ref: p.ref ?? null },
    })),
    reject: emit((_, p: { ref: string | undefined; reason: RejectReason }) => ({ type: 'session.rejected', ref: p.ref ?? null, reason: p.reason })),
    closeSocket: sendTo('connection', { type: 'connection.close', code: 1000, reason: '' }),
    cancelTools: enqueueActions(({ context, enqueue }) => {
      if (context.calls.rows.some((row) => row.status === 'running')) enqueue.sendTo('tools', { type: 'tool.cancelAll' });
    }),
    /** `answering` calls may still reach the wire, unless the socket has gone. */
    abandonCalls: enqueueActions(({ context, enqueue }, p: { reason: string; socket: 'open' | 'gone' }) => {
      const { table, moved } = moveCalls(context.calls, (row) => p.socket === 'gone' || row.status === 'running', 'abandoned', p.reason);
      enqueue.assign({ calls: table });
      for (const { id, name } of moved) enqueue.emit({ type: 'tool.abandoned', id, name, reason: p.reason });
    }),
    noteExit: assign({ exit: (_, p: { reason: ExitReason }) => p.reason }),
    noteEnd: assign({ end: (_, p: SessionEnd) => p }),
    noteTimeout: assign({
      failure: ({ context }, p: { kind: 'connectTimeout' | 'setupTimeout' }) => ({
        kind: p.kind,
        code: 'timeout',
        reason: p.kind === 'connectTimeout' ? `no connection within ${context.connectMs} ms` : `no setupComplete within ${context.setupMs} ms`,
      }),
    }),
    noteLoss: assign({ failure: ({ event }, p: { kind: SessionFailure['kind'] }) => failureOf(p.kind, event) }),
    tellClosed: emit(({ context }) => ({ type: 'session.closed', ...(context.end ?? clientEnd) })),
    tellFailed: emit(({ context, event }) => ({ type: 'session.failed', ...(context.failure ?? failureOf('connectionLost', event)) })),
  },
}).createMachine({
  id: 'liveSession',
  description: 'One Gemini Live conversation over one socket.',
  context: ({ input }) => ({ ...input, calls: noCalls, hasBeenReady: false, exit: null, end: null, failure: null }),
  invoke: {
    id: 'tools',
    src: 'tools',
    input: ({ context }) => ({ toolMs: context.toolMs }),
    onError: { target: '.failed', actions: { type: 'noteLoss', params: { kind: 'toolsCrashed' } } },
  },
  initial: 'connected',
  states: {
    connected: {
      description: 'The socket lives exactly as long as this state.',
      invoke: {
        id: 'connection',
        src: 'connection',
        input: ({ context }) => ({ closeMs: context.closeMs }),
        onError: { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'connectionCrashed' } } },
      },
      on: {
        // Also in a session restored from a snapshot, whose old socket is gone: the conversation is set up again.
        'socket.opened': {
          target: '.settingUp',
          actions: ['cancelTools', { type: 'abandonCalls', params: { reason: 'restored', socket: 'gone' } }, 'sendSetup'],
        },
        'server.message': { actions: { type: 'readMessage', params: ({ event }) => ({ message: event.message, run: true }) } },
        'socket.malformed': {
          actions: { type: 'tellMalformed', params: ({ event }) => ({ reason: event.reason, detail: event.detail, excerpt: event.excerpt }) },
        },
        'socket.sent': { actions: { type: 'confirmSent', params: ({ event }) => ({ receipt: event.receipt }) } },
        'socket.unsent': { actions: { type: 'tellUnsent', params: ({ event }) => ({ receipt: event.receipt, reason: event.reason }) } },
        'tool.settled': {
          guard: { type: 'isRunning', params: ({ event }) => ({ id: event.id }) },
          actions: { type: 'answerCall', params: ({ event }) => ({ id: event.id, response: event.response }) },
        },
        'tools.failed': { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'toolsCrashed' } } },
        // While starting, both end it at once: there is no conversation to take leave of.
        'session.close': { target: 'closed' },
        'supervisor.shutdown': { target: 'closed', actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) } },
      },
      initial: 'connecting',
      states: {
        connecting: {
          description: 'Until the socket is open, at most connectMs.',
          tags: 'starting',
          on: {
            'session.send': { actions: { type: 'reject', params: ({ event }) => ({ ref: event.ref, reason: 'connecting' }) } },
            'socket.closed': { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectFailed' } } },
            'socket.failed': { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectFailed' } } },
          },
          after: {
            connectDeadline: { target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'connectTimeout' } } },
          },
        },
        settingUp: {
          description: 'The setup is sent; until the server accepts it, at most setupMs.',
          tags: 'starting',
          on: {
            'server.message': [
              {
                guard: { type: 'completesSetup', params: ({ event }) => ({ message: event.message }) },
                target: 'ready',
                actions: [
                  'becomeReady',
                  { type: 'tellReady', params: ({ event }) => ({ message: event.message }) },
                  { type: 'readMessage', params: ({ event }) => ({ message: event.message, run: true }) },
                ],
              },
            ],
            'session.send': { actions: { type: 'reject', params: ({ event }) => ({ ref: event.ref, reason: 'settingUp' }) } },
            'socket.closed': { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'closedBeforeSetup' } } },
            'socket.failed': { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'closedBeforeSetup' } } },
          },
          after: {
            setupDeadline: { target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'setupTimeout' } } },
          },
        },
        ready: {
          description: 'The conversation. Tools run beside it.',
          tags: 'accepting',
          on: {
            'session.send': [
              {
                guard: { type: 'isForTheApp', params: ({ event }) => ({ message: event.message }) },
                actions: { type: 'passOn', params: ({ event }) => ({ message: event.message, ref: event.ref }) },
              },
              { actions: { type: 'reject', params: ({ event }) => ({ ref: event.ref, reason: 'reserved' }) } },
            ],
            'session.close': { target: 'closing', actions: { type: 'noteExit', params: { reason: 'normal' } } },
            'supervisor.shutdown': {
              target: 'closing',
              actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) },
            },
            'socket.closed': [
              {
                guard: { type: 'isOrderly', params: ({ event }) => ({ code: event.code }) },
                target: '#liveSession.closed',
                actions: [
                  { type: 'noteExit', params: { reason: 'normal' } },
                  { type: 'noteEnd', params: ({ event }) => endOf('server', event) },
                ],
              },
              { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectionLost' } } },
            ],
            'socket.failed': { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectionLost' } } },
          },
        },
        closing: {
          description: 'The close is sent; running calls are abandoned. Until the peer answers, at most closeMs; then the socket is terminated.',
          entry: ['cancelTools', { type: 'abandonCalls', params: { reason: 'closed', socket: 'open' } }, 'closeSocket'],
          on: {
            // A call that comes now is entered and abandoned at once.
            'server.message': {
              actions: [
                { type: 'readMessage', params: ({ event }) => ({ message: event.message, run: false }) },
                { type: 'abandonCalls', params: { reason: 'closed', socket: 'open' } },
              ],
            },
            'session.send': { actions: { type: 'reject', params: ({ event }) => ({ ref: event.ref, reason: 'closing' }) } },
            'session.close': { description: 'Already on its way.' },
            'supervisor.shutdown': { actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) } },
            'socket.opened': { actions: 'closeSocket', description: 'Restored from a snapshot while closing.' },
            'socket.closed': { target: '#liveSession.closed', actions: { type: 'noteEnd', params: ({ event }) => endOf('client', event) } },
            'socket.failed': { target: '#liveSession.closed', actions: { type: 'noteEnd', params: ({ event }) => endOf('client', event) } },
          },
          after: {
            closeDeadline: {
              target: '#liveSession.closed',
              actions: {
                type: 'noteEnd',
                params: ({ context }) => ({ by: 'client', code: 1006, reason: `no answer to the close within ${context.closeMs} ms` }),
              },
            },
          },
        },
      },
    },
    closed: { type: 'final', entry: [{ type: 'abandonCalls', params: { reason: 'closed', socket: 'gone' } }, 'tellClosed'] },
    failed: {
      type: 'final',
      entry: [{ type: 'abandonCalls', params: ({ context }) => ({ reason: context.failure?.kind ?? 'failed', socket: 'gone' }) }, 'tellFailed'],
    },
  },
  output: ({ context }) => outputOf(context),
});
