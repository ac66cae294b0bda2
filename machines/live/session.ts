/**
 * One Gemini Live conversation over one socket: set up, talk, have tools called, close.
 *
 * States   connected(connecting → settingUp → ready → closing) → closed | failed
 * Tags     `starting` until the server has accepted the setup; `accepting` while messages can be sent
 * Calls    context.calls: each pending → running → answering → answered, or cancelled, or abandoned; every call ends in exactly one of the three.
 *          What a second call with the same id means is told in calls.ts
 * Emits    session.ready · session.message · session.malformed · session.sent · session.rejected · session.closed · session.failed ·
 *          tool.called · tool.repeated · tool.answered · tool.cancelled · tool.abandoned · tool.listenerThrew
 * Needs    `connection` (the socket) and `tools` (runs the app's functions), provided by src/live/; the placeholders here refuse to run
 * Output   how it ended ({@link outputOf}): as a supervised child it exits `normal` after a close, with the request's reason after
 *          `supervisor.shutdown`, and with a crash after a lost connection; while starting, a failure is a failed start
 *
 * The session never waits for a tool: a call is an event out, its answer an event in. A tool's deadline (`toolMs`) is kept by `tools`.
 *
 * Before `setupComplete` a client may send nothing but its setup. A call that comes earlier is told and entered as `pending`, and runs as soon as the
 * setup is accepted: a conversation that never begins has run no tool. Its end abandons the call.
 *
 * Restored from a snapshot, it has lost its socket: the calls of that one are abandoned, and it sets up again on a new one. While closing, it is closed.
 */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import type { ExitReason } from '../supervision/exit.js';
import {
  type CallTable,
  cancelledIds,
  enterCalls,
  fieldOf,
  forgetAnswers,
  isForTheApp,
  type JsonObject,
  moveCalls,
  noCalls,
  toolResponse,
} from './calls.js';
import { clientEnd, endOf, failureOf, outputOf, type SessionEnd, type SessionFailure, type SessionOutput } from './ending.js';

/** What a session is to set up, and how long each of its waits may last. */
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

/** What a session is told: by the app and its supervisor, by `connection`, by `tools`. */
export type SessionEvent =
  | { type: 'session.send'; message: JsonObject; ref?: string }
  | { type: 'session.close' }
  | { type: 'supervisor.shutdown'; reason?: ExitReason }
  | { type: 'socket.opening' }
  | { type: 'socket.opened' }
  | { type: 'server.message'; message: JsonObject }
  | { type: 'socket.malformed'; reason: string; detail: string; excerpt: string }
  | { type: 'socket.sent'; receipt: Receipt }
  | { type: 'socket.unsent'; receipt: Receipt; reason: 'connecting' | 'closing' | 'notJson' }
  | { type: 'socket.closed'; code: number; reason: string }
  | { type: 'socket.failed'; code: number | string; reason: string }
  | { type: 'tool.settled'; id: string; response: JsonObject }
  | { type: 'tool.listenerThrew'; id: string; name: string; reason: string }
  | { type: 'tools.failed'; reason: string };

/**
 * The facts of a session, for `LiveSession.on`.
 *
 * | fact                                   | what has happened                                                              |
 * |----------------------------------------|--------------------------------------------------------------------------------|
 * | `session.ready`                        | the server has accepted the setup                                              |
 * | `session.message`                      | a message of the server came, as it was; its calls are told by facts of their own |
 * | `session.malformed`                    | a frame, or a part of one, could not be read; the rest of it is passed on      |
 * | `session.sent` · `session.rejected`    | an app's message was written, or was not; `ref` is the one it was sent with    |
 * | `session.closed` · `session.failed`    | the session has ended: one of the two, once, last                              |
 * | `tool.called`                          | the model calls; ends in exactly one of the next three                         |
 * | `tool.answered`                        | the answer is written                                                          |
 * | `tool.cancelled`                       | the server took the call back; the tool's signal aborts, nothing is answered   |
 * | `tool.abandoned`                       | the session ended, or lost its socket, before the answer was written           |
 * | `tool.repeated`                        | a call came that was delivered before: it is not run again                     |
 * | `tool.listenerThrew`                   | an abort listener of the tool threw: nothing else has come of it               |
 */
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
  | { type: 'tool.abandoned' | 'tool.listenerThrew'; id: string; name: string; reason: string };

/** What a session knows: its input, its calls, and how it is to end or has ended. */
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
/** What `connection` is given: the `closeMs` of {@link SessionInput}. */
export interface ConnectionInput {
  readonly closeMs: number;
}
/** What the session tells `tools`. */
export type ToolsCommand =
  | { type: 'tool.run'; id: string; name: string; args: JsonObject }
  | { type: 'tool.cancel'; id: string }
  | { type: 'tool.cancelAll' };
/** What `tools` is given: the `toolMs` of {@link SessionInput}. */
export interface ToolsInput {
  readonly toolMs: number;
}

/** The chart of a session; `liveSession()` is it with its actors. */
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
    readMessage: enqueueActions(({ context, enqueue }, p: { message: JsonObject }) => {
      enqueue.emit({ type: 'session.message', message: p.message });
      const { table, fresh, repeated } = enterCalls(context.calls, p.message);
      const taken = cancelledIds(p.message);
      const isRun = (id: string) => table.rows.some((row) => row.id === id && row.status === 'running');
      const { table: calls, moved } = moveCalls(table, (row) => row.status !== 'answering' && taken.includes(row.id), { status: 'cancelled' });
      enqueue.assign({ calls });
      for (const call of fresh) enqueue.emit({ type: 'tool.called', ...call });
      for (const row of repeated) {
        enqueue.emit({ type: 'tool.repeated', id: row.id, name: row.name });
        if (row.status === 'answered') enqueue.sendTo('connection', { type: 'connection.send', message: toolResponse(row), receipt: null });
      }
      for (const { id, name } of moved) {
        if (isRun(id)) enqueue.sendTo('tools', { type: 'tool.cancel', id });
        enqueue.emit({ type: 'tool.cancelled', id, name });
      }
    }),
    runCalls: enqueueActions(({ context, enqueue }) => {
      const { table, moved } = moveCalls(context.calls, (row) => row.status === 'pending', { status: 'running' });
      enqueue.assign({ calls: table });
      for (const { id, name, args } of moved) enqueue.sendTo('tools', { type: 'tool.run', id, name, args });
    }),
    tellListenerThrew: emit((_, p: { id: string; name: string; reason: string }) => ({ type: 'tool.listenerThrew', ...p })),
    tellMalformed: emit((_, p: { reason: string; detail: string; excerpt: string }) => ({ type: 'session.malformed', ...p })),
    answerCall: enqueueActions(({ context, enqueue }, p: { id: string; response: JsonObject }) => {
      const { table, moved } = moveCalls(context.calls, (row) => row.id === p.id, { status: 'answering', answer: p.response });
      enqueue.assign({ calls: table });
      for (const row of moved) {
        enqueue.sendTo('connection', { type: 'connection.send', message: toolResponse(row), receipt: { of: 'call', id: row.id } });
      }
    }),
    confirmSent: enqueueActions(({ context, enqueue }, p: { receipt: Receipt }) => {
      const { receipt } = p;
      if (receipt.of === 'app') {
        if (receipt.ref !== null) enqueue.emit({ type: 'session.sent', ref: receipt.ref });
        return;
      }
      const { table, moved } = moveCalls(context.calls, (row) => row.id === receipt.id, { status: 'answered' });
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
    /** `answering` calls may still reach the wire, unless the socket has gone. Nothing is answered again from here on. */
    abandonCalls: enqueueActions(({ context, enqueue }, { reason, socket }: { reason: string; socket: 'open' | 'gone' }) => {
      const { table, moved } = moveCalls(context.calls, (row) => socket === 'gone' || row.status !== 'answering', { status: 'abandoned', reason });
      enqueue.assign({ calls: forgetAnswers(table) });
      for (const { id, name } of moved) enqueue.emit({ type: 'tool.abandoned', id, name, reason });
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
        'socket.opening': {
          description: 'At the start; and after a restore, wherever the session was: the deadline begins.',
          target: '.connecting',
          actions: { type: 'abandonCalls', params: { reason: 'restored', socket: 'gone' } },
        },
        'server.message': { actions: { type: 'readMessage', params: ({ event }) => ({ message: event.message }) } },
        'socket.malformed': {
          actions: { type: 'tellMalformed', params: ({ event }) => ({ reason: event.reason, detail: event.detail, excerpt: event.excerpt }) },
        },
        'socket.sent': { actions: { type: 'confirmSent', params: ({ event }) => ({ receipt: event.receipt }) } },
        'socket.unsent': { actions: { type: 'tellUnsent', params: ({ event }) => ({ receipt: event.receipt, reason: event.reason }) } },
        'tool.settled': {
          guard: { type: 'isRunning', params: ({ event }) => ({ id: event.id }) },
          actions: { type: 'answerCall', params: ({ event }) => ({ id: event.id, response: event.response }) },
        },
        'tool.listenerThrew': {
          actions: { type: 'tellListenerThrew', params: ({ event }) => ({ id: event.id, name: event.name, reason: event.reason }) },
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
            'socket.opened': { target: 'settingUp', actions: 'sendSetup' },
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
                  { type: 'readMessage', params: ({ event }) => ({ message: event.message }) },
                  'runCalls',
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
            'server.message': { actions: [{ type: 'readMessage', params: ({ event }) => ({ message: event.message }) }, 'runCalls'] },
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
                { type: 'readMessage', params: ({ event }) => ({ message: event.message }) },
                { type: 'abandonCalls', params: { reason: 'closed', socket: 'open' } },
              ],
            },
            'session.send': { actions: { type: 'reject', params: ({ event }) => ({ ref: event.ref, reason: 'closing' }) } },
            'session.close': { description: 'Already on its way.' },
            'supervisor.shutdown': { actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) } },
            'socket.opening': {
              description: 'Restored from a snapshot while closing.',
              target: '#liveSession.closed',
              actions: { type: 'noteEnd', params: { by: 'client', code: 1006, reason: 'restored while closing: its socket is gone' } },
            },
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
