/**
 * One Gemini Live conversation, over as many sockets as it takes: set up, talk, have tools called, come back, close.
 *
 * States   open, in five regions side by side, then closed | failed
 *            connection   online(connecting → settingUp → ready(idle, userSpeaking, generating, interrupted) → rotating → closing) ⇄ backingOff
 *            rotation     steady ⇄ announced     a `goAway` came; its deadline is here
 *            tools        idle ⇄ called          the calls are actors of their own, `call.<key>` (tool-call.ts)
 *            microphone   open ⇄ gated           while the model waits for a call, where it needs that
 *            life         starting → started     what a supervisor waits for
 * Tags     `starting` until the server has accepted the first setup; `accepting` while messages can be written
 * Emits    {@link SessionEmitted}
 * Needs    `connection` (one socket), `uplink` (what waits to be written, over all sockets), `tools` (the app's functions run under it) and
 *          `toolCall`, provided by src/live/; the placeholders here refuse to run
 * Output   how it ended ({@link outputOf}): as a supervised child it exits `normal` after a close, with the request's reason after
 *          `supervisor.shutdown`, and with a crash once it can't come back; while starting, a failure is a failed start
 *
 * Nothing here waits for a tool: a call is an event out, its answer an event in, whoever gave it. Data that changes no state passes beside the chart
 * while the model generates; the chart opens and closes that lane.
 *
 * Restored from a snapshot, it has lost its socket: the calls of that one are abandoned, and it sets up again on a new one, with its handle.
 */
import { assign, emit, enqueueActions, fromCallback, raise, sendTo, setup } from 'xstate';
import type { ExitReason } from '../supervision/exit.js';
import type { JsonObject } from './calls.js';
import { clientEnd, endOf, failureOf, outputOf, type SessionEnd, type SessionFailure, type SessionOutput } from './ending.js';
import type { ConnectionCommand, ConnectionInput, SessionEmitted, SessionEvent, SessionInput, UplinkCommand, UplinkFact } from './session-events.js';
import * as state from './session-state.js';
import type { SessionContext } from './session-state.js';
import * as steps from './session-steps.js';
import { carryOut } from './session-steps.js';
import { type ToolAnswer, toolCallMachine } from './tool-call.js';

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
    uplink: fromCallback<UplinkCommand, undefined>(() => {
      throw new Error("machine 'liveSession' needs actor 'uplink': use liveSession() of 'espalier', or machine.provide({ actors })");
    }),
    tools: fromCallback<{ type: 'tools.none' }, undefined>(() => {
      throw new Error("machine 'liveSession' needs actor 'tools': use liveSession() of 'espalier', or machine.provide({ actors })");
    }),
    toolCall: toolCallMachine,
  },
  guards: {
    isOrderly: ({ context }, p: { code: number | string }) => state.isOrderly(context, p),
    isHopeless: ({ context }, p: state.SocketEnd) => state.isFinal(p) || state.exceedsBudget(context, p),
    isSpent: ({ context }, p: { at: number | null }) => state.exceedsBudget(context, p),
    isRefusedResumption: ({ context }, p: state.SocketEnd) => state.isRefusedResumption(context, p),
    isCalm: ({ context }, p: { at: number }) => !state.isHasty(context, p),
    isFirst: ({ context }) => !context.hasBeenReady,
    isRestored: ({ context }) => context.isRestored,
    mayRotate: ({ context }) => state.mayRotate(context),
    isCalled: ({ context }) => state.isCalled(context),
    isUncalled: ({ context }) => !state.isCalled(context),
    isBlocked: ({ context }) => state.isBlocked(context),
    isUnblocked: ({ context }) => !state.isBlocked(context),
  },
  delays: {
    connectDeadline: ({ context }) => context.connectMs,
    setupDeadline: ({ context }) => context.setupMs,
    closeDeadline: ({ context }) => context.closeMs,
    rotationDeadline: ({ context }) => state.rotationDelay(context),
    backoff: ({ context }) => state.delayOf(context),
  },
  actions: {
    readMessage: enqueueActions(({ context, enqueue }, p: { message: JsonObject }) =>
      carryOut(enqueue, { context, step: steps.readMessage(context, p.message) }),
    ),
    readLastMessage: enqueueActions(({ context, enqueue }, p: { message: JsonObject }) =>
      carryOut(enqueue, { context, step: steps.readLastMessage(context, p.message) }),
    ),
    tellMalformed: emit((_, p: { reason: string; detail: string; excerpt: string }) => ({ type: 'session.malformed', ...p })),
    sendSetup: enqueueActions(({ context, enqueue }) => carryOut(enqueue, { context, step: steps.sendSetup(context) })),
    begin: enqueueActions(({ context, enqueue }, p: { sessionId: string | null }) =>
      carryOut(enqueue, { context, step: steps.begin(context, p.sessionId) }),
    ),
    forgetSocket: enqueueActions(({ context, enqueue }) => carryOut(enqueue, { context, step: steps.forgetSocket(context) })),
    loseSocket: enqueueActions(({ context, enqueue }, p: state.SocketEnd) => carryOut(enqueue, { context, step: steps.loseSocket(context, p) })),
    loseContext: enqueueActions(({ context, enqueue }, p: state.SocketEnd) => carryOut(enqueue, { context, step: steps.loseContext(context, p) })),
    answerCall: enqueueActions(({ context, enqueue }, p: { key: number; answer: ToolAnswer }) =>
      carryOut(enqueue, { context, step: steps.answerCall(context, p.key, p.answer) }),
    ),
    respond: enqueueActions(({ context, enqueue }, p: Parameters<typeof steps.respond>[1]) =>
      carryOut(enqueue, { context, step: steps.respond(context, p) }),
    ),
    confirmWritten: enqueueActions(({ context, enqueue }, p: { key: number }) =>
      carryOut(enqueue, { context, step: steps.confirmWritten(context, p.key) }),
    ),
    confirmWithdrawn: enqueueActions(({ context, enqueue }, p: { key: number }) =>
      carryOut(enqueue, { context, step: steps.confirmWithdrawn(context, p.key) }),
    ),
    tellListenerThrew: enqueueActions(({ context, enqueue }, p: { key: number; reason: string }) =>
      carryOut(enqueue, { context, step: steps.tellListenerThrew(context, p.key, p.reason) }),
    ),
    abandonCalls: enqueueActions(({ context, event, enqueue }, p: { reason: string; answers: 'keep' | 'drop' }) =>
      carryOut(enqueue, { context, event, step: steps.abandonCalls(context, p.reason, p.answers) }),
    ),
    tellUplink: emit((_, p: { fact: UplinkFact }) => p.fact),
    openUplink: sendTo('uplink', { type: 'uplink.open' }),
    holdUplink: sendTo('uplink', { type: 'uplink.hold' }),
    endUplink: sendTo('uplink', { type: 'uplink.end' }),
    passOn: enqueueActions(({ context, enqueue }, p: { message: JsonObject; ref: string | undefined }) =>
      carryOut(enqueue, { context, step: steps.passOn(p.message, p.ref) }),
    ),
    rejectClosing: emit((_, p: { ref: string | undefined }) => ({ type: 'session.rejected', ref: p.ref ?? null, reason: 'closing' })),
    gate: sendTo('uplink', { type: 'uplink.gate', closed: true }),
    ungate: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, { context, event, step: steps.ungate })),
    tellGate: emit((_, p: { closed: boolean }) => ({ type: 'session.gated', closed: p.closed })),
    openLane: sendTo('connection', { type: 'connection.lane', open: true }),
    closeLane: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, { context, event, step: steps.closeLane })),
    closeSocket: sendTo('connection', { type: 'connection.close', code: 1000, reason: '' }),
    leaveSocket: enqueueActions(({ context, enqueue }) => carryOut(enqueue, { context, step: steps.leaveSocket() })),
    noteRotation: assign({ rotations: ({ context }, p: { at: number }) => state.withRotation(context, p.at) }),
    noteRequest: assign({ isFresh: false }),
    noteGoAway: assign({ goAway: (_, p: { timeLeftMs: number | null }) => p }),
    forceRotation: raise({ type: 'rotation.forced' }),
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
  description: 'One Gemini Live conversation.',
  context: ({ input }) => state.initialContext(input),
  invoke: [
    { id: 'uplink', src: 'uplink', onError: { target: '.failed', actions: { type: 'noteLoss', params: { kind: 'uplinkCrashed' } } } },
    { id: 'tools', src: 'tools', onError: { target: '.failed', actions: { type: 'noteLoss', params: { kind: 'toolsCrashed' } } } },
  ],
  initial: 'open',
  states: {
    open: {
      type: 'parallel',
      on: {
        'call.answer': { actions: { type: 'answerCall', params: ({ event: { key, type: _type, ...answer } }) => ({ key, answer }) } },
        'call.listenerFailed': { actions: { type: 'tellListenerThrew', params: ({ event }) => ({ key: event.key, reason: event.reason }) } },
        'uplink.written': { actions: { type: 'confirmWritten', params: ({ event }) => ({ key: event.key }) } },
        'uplink.withdrawn': { actions: { type: 'confirmWithdrawn', params: ({ event }) => ({ key: event.key }) } },
        'uplink.told': { actions: { type: 'tellUplink', params: ({ event }) => ({ fact: event.fact }) } },
        'session.respond': { actions: { type: 'respond', params: ({ event: { type: _type, ...answer } }) => answer } },
        'session.send': { actions: { type: 'passOn', params: ({ event }) => ({ message: event.message, ref: event.ref }) } },
        'turn.requested': { actions: 'noteRequest' },
        'tools.failed': { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'toolsCrashed' } } },
        // Where there is no conversation to take leave of, both end it at once.
        'session.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) } },
      },
      states: {
        connection: {
          initial: 'online',
          states: {
            online: {
              description: 'One socket, which lives exactly as long as this state.',
              invoke: {
                id: 'connection',
                src: 'connection',
                input: ({ context }) => ({ closeMs: context.closeMs }),
                onError: { target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectionCrashed' } } },
              },
              on: {
                'socket.opening': { description: 'Restored from a snapshot.', target: '.connecting', actions: 'forgetSocket' },
                'server.message': { actions: { type: 'readMessage', params: ({ event }) => ({ message: event.message }) } },
                'socket.malformed': {
                  actions: { type: 'tellMalformed', params: ({ event: { reason, detail, excerpt } }) => ({ reason, detail, excerpt }) },
                },
              },
              initial: 'connecting',
              states: {
                connecting: {
                  description: 'Until the socket is open, at most connectMs.',
                  on: {
                    'socket.opening': [
                      { guard: 'isRestored', target: 'connecting', reenter: true, actions: 'forgetSocket' },
                      { description: 'A new socket: all else goes on.' },
                    ],
                    'socket.opened': { target: 'settingUp', actions: 'sendSetup' },
                    'socket.closed': [
                      { guard: 'isFirst', target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'connectFailed' } } },
                      {
                        guard: { type: 'isHopeless', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectFailed' } },
                      },
                      {
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                      },
                    ],
                  },
                  after: {
                    connectDeadline: [
                      { guard: 'isFirst', target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'connectTimeout' } } },
                      {
                        guard: { type: 'isSpent', params: { at: null } },
                        target: '#liveSession.failed',
                        actions: { type: 'noteTimeout', params: { kind: 'connectTimeout' } },
                      },
                      {
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: { code: 'timeout', reason: 'no connection in time', at: null } },
                      },
                    ],
                  },
                },
                settingUp: {
                  description: 'The setup is sent; until the server accepts it, at most setupMs.',
                  on: {
                    'setup.completed': { target: 'ready', actions: { type: 'begin', params: ({ event }) => ({ sessionId: event.sessionId }) } },
                    'socket.closed': [
                      {
                        guard: { type: 'isRefusedResumption', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                        target: '#liveSession.open.connection.online',
                        reenter: true,
                        actions: { type: 'loseContext', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                      },
                      { guard: 'isFirst', target: '#liveSession.failed', actions: { type: 'noteLoss', params: { kind: 'closedBeforeSetup' } } },
                      {
                        guard: { type: 'isHopeless', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'closedBeforeSetup' } },
                      },
                      {
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                      },
                    ],
                  },
                  after: {
                    setupDeadline: [
                      { guard: 'isFirst', target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'setupTimeout' } } },
                      {
                        guard: { type: 'isSpent', params: { at: null } },
                        target: '#liveSession.failed',
                        actions: { type: 'noteTimeout', params: { kind: 'setupTimeout' } },
                      },
                      {
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: { code: 'timeout', reason: 'no setupComplete in time', at: null } },
                      },
                    ],
                  },
                },
                ready: {
                  description: 'The conversation. Tools run beside it.',
                  tags: 'accepting',
                  entry: 'openUplink',
                  on: {
                    'rotation.forced': 'rotating',
                    'session.close': 'closing',
                    'supervisor.shutdown': {
                      target: 'closing',
                      actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) },
                    },
                    'socket.closed': [
                      {
                        guard: { type: 'isOrderly', params: ({ event }) => ({ code: event.code }) },
                        target: '#liveSession.closed',
                        actions: { type: 'noteEnd', params: ({ event }) => endOf('server', event) },
                      },
                      {
                        guard: { type: 'isHopeless', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectionLost' } },
                      },
                      {
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                      },
                    ],
                  },
                  initial: 'idle',
                  states: {
                    idle: {
                      always: { guard: 'mayRotate', target: '#liveSession.open.connection.online.rotating' },
                      on: { 'turn.generating': 'generating', 'turn.interrupted': 'interrupted', 'speech.started': 'userSpeaking' },
                    },
                    userSpeaking: {
                      on: { 'speech.ended': 'idle', 'turn.generating': 'generating', 'turn.interrupted': 'interrupted' },
                    },
                    generating: {
                      description: 'Data passes beside the chart.',
                      entry: 'openLane',
                      exit: 'closeLane',
                      on: { 'turn.completed': 'idle', 'turn.interrupted': 'interrupted' },
                    },
                    interrupted: {
                      description: 'The user spoke; the server drops what it has generated, and ends the turn.',
                      on: { 'turn.completed': 'idle', 'turn.generating': 'generating', 'speech.started': 'userSpeaking' },
                    },
                  },
                },
                rotating: {
                  description: 'The old socket is being closed before a new one resumes; at most closeMs. What is sent waits.',
                  entry: ['holdUplink', 'leaveSocket'],
                  on: {
                    'socket.closed': [
                      {
                        guard: { type: 'isCalm', params: ({ event: { at } }) => ({ at }) },
                        target: '#liveSession.open.connection.online',
                        reenter: true,
                        actions: { type: 'noteRotation', params: ({ event: { at } }) => ({ at }) },
                      },
                      {
                        guard: { type: 'isSpent', params: ({ event: { at } }) => ({ at }) },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectionLost' } },
                      },
                      {
                        description: 'One socket after the other is announced to end.',
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: ({ event: { code, reason, at } }) => ({ code, reason, at }) },
                      },
                    ],
                  },
                  after: { closeDeadline: { target: '#liveSession.open.connection.online', reenter: true } },
                },
                closing: {
                  description:
                    'The close is sent; running calls are abandoned. Until the peer answers, at most closeMs; then the socket is terminated.',
                  entry: [{ type: 'abandonCalls', params: { reason: 'closed', answers: 'keep' } }, 'endUplink', 'closeSocket'],
                  on: {
                    'server.message': { actions: { type: 'readLastMessage', params: ({ event }) => ({ message: event.message }) } },
                    'session.send': { actions: { type: 'rejectClosing', params: ({ event }) => ({ ref: event.ref }) } },
                    'session.close': { description: 'Already on its way.' },
                    'supervisor.shutdown': { actions: { type: 'noteExit', params: ({ event }) => ({ reason: event.reason ?? 'shutdown' }) } },
                    'socket.opening': {
                      description: 'Restored from a snapshot while closing.',
                      target: '#liveSession.closed',
                      actions: { type: 'noteEnd', params: { by: 'client', code: 1006, reason: 'restored while closing: its socket is gone' } },
                    },
                    'socket.closed': { target: '#liveSession.closed', actions: { type: 'noteEnd', params: ({ event }) => endOf('client', event) } },
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
            backingOff: {
              description: 'The socket was lost; until the next attempt. Calls go on, and what is sent waits.',
              entry: 'holdUplink',
              after: { backoff: 'online' },
            },
          },
        },
        rotation: {
          description: 'What the server has announced of the end of this socket.',
          initial: 'steady',
          on: {
            'rotation.announced': {
              target: '.announced',
              actions: { type: 'noteGoAway', params: ({ event }) => ({ timeLeftMs: event.timeLeftMs }) },
            },
          },
          states: {
            steady: {},
            announced: {
              description: 'A goAway came: the socket is left once nobody waits for an answer, at the latest rotationMarginMs before its end.',
              // Before the setup is accepted the socket cannot be left: the time runs from then on.
              on: { 'rotation.over': 'steady', 'setup.completed': { target: 'announced', reenter: true } },
              after: { rotationDeadline: { actions: 'forceRotation' } },
            },
          },
        },
        tools: {
          description: 'The calls that are open, each an actor of its own.',
          initial: 'idle',
          states: {
            idle: { always: { guard: 'isCalled', target: 'called' } },
            called: { always: { guard: 'isUncalled', target: 'idle' } },
          },
        },
        microphone: {
          description: 'Whether audio of the user may be sent.',
          initial: 'open',
          states: {
            open: { always: { guard: 'isBlocked', target: 'gated' } },
            gated: {
              description: 'The model waits for a call, and would end the session if it heard anything.',
              entry: ['gate', { type: 'tellGate', params: { closed: true } }],
              exit: ['ungate', { type: 'tellGate', params: { closed: false } }],
              always: { guard: 'isUnblocked', target: 'open' },
            },
          },
        },
        life: {
          description: 'What a supervisor waits for.',
          initial: 'starting',
          states: { starting: { tags: 'starting', on: { 'setup.completed': 'started' } }, started: {} },
        },
      },
    },
    closed: { type: 'final', entry: [{ type: 'abandonCalls', params: { reason: 'closed', answers: 'drop' } }, 'tellClosed'] },
    failed: {
      type: 'final',
      entry: [{ type: 'abandonCalls', params: ({ context }) => ({ reason: context.failure?.kind ?? 'failed', answers: 'drop' }) }, 'tellFailed'],
    },
  },
  output: ({ context }) => outputOf(context),
});
