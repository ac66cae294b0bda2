/**
 * One Gemini Live conversation, over as many sockets as it takes: set up, talk, have tools called, come back, close.
 *
 * States   open, in five regions side by side, then closed | failed
 *            connection   atGate → online(connecting → settingUp → ready → rotating → closing) ⇄ backingOff; ready(idle → leaving, …)
 *            rotation     steady ⇄ announced     a `goAway` came; its deadline is here
 *            tools        idle ⇄ called          the calls are actors of their own, `call.<key>` (tool-call.ts)
 *            microphone   open ⇄ gated           while the model waits for a call, where it needs that
 *            life         starting → started     what a supervisor waits for
 * Tags     `starting` until the server has accepted the first setup; `accepting` while messages can be written
 * Emits    {@link SessionEmitted}
 * Needs    `connection` (one socket), `uplink` (what waits to be written), `tools` (what functions run under), `toolCall`, `permit`: of src/live/
 * Output   how it ended, and what that means to a supervisor ({@link outputOf})
 *
 * Nothing here waits for a tool: a call is an event out, its answer an event in, whoever gave it. Data that changes no state passes beside the chart
 * while the model generates; the chart opens and closes that lane.
 * Restored from a snapshot, it has lost its socket: the calls of that one are abandoned, and it sets up again on a new one, with its handle.
 */
import { assign, emit, enqueueActions, fromCallback, raise, sendTo, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import type { JsonObject } from './calls.js';
import { clientEnd, endOf, exitOf, failureOf, outputOf, type SessionEnd, type SessionFailure } from './ending.js';
import type * as says from './session-events.js';
import * as state from './session-state.js';
import { carryOut } from './session-step.js';
import * as steps from './session-steps.js';
import { type ToolAnswer, toolCallMachine } from './tool-call.js';

const missing = (actor: string) => missingActor('liveSession', actor, "liveSession() of 'espalier'");

/** The chart of a session; `liveSession()` is it with its actors. */
export const sessionMachine = setup({
  types: {} as state.SessionTypes,
  actors: {
    connection: fromCallback<says.ConnectionCommand, says.ConnectionInput>(missing('connection')),
    uplink: fromCallback<says.UplinkCommand, undefined>(missing('uplink')),
    tools: fromCallback<{ type: 'tools.none' }, undefined>(missing('tools')),
    toolCall: toolCallMachine,
    permit: fromCallback<{ type: 'permit.none' }, undefined>(missing('permit')),
  },
  guards: {
    isOrderly: ({ context }, p: { code: number | string }) => state.isOrderly(context, p),
    isHopeless: ({ context }, p: state.SocketEnd) => state.isHopeless(context, p),
    isSpent: ({ context }) => state.isSpent(context, { at: null }),
    isSpentBy: ({ context }, p: { at: number }) => state.isSpent(context, p),
    isRefusedResumption: ({ context }, p: state.SocketEnd) => state.isRefusedResumption(context, p),
    isCalm: ({ context }, p: { at: number }) => !state.isHasty(context, p),
    speaksOver: ({ context }) => context.speaksOver,
    isRestored: ({ context }) => context.isRestored,
    isFree: ({ context }) => context.isBehindGate !== true,
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
    readMessage: enqueueActions(({ context, enqueue }, p: says.Said) => carryOut(enqueue, context, steps.readMessage(context, p.message))),
    readLastMessage: enqueueActions(({ context, enqueue }, p: says.Said) => carryOut(enqueue, context, steps.readLastMessage(context, p.message))),
    tellMalformed: emit((_, p: { reason: string; detail: string; excerpt: string }) => ({ ...p, type: 'session.malformed' })),
    askGate: enqueueActions(({ context, enqueue }) => {
      if (context.isBehindGate === true) enqueue.spawnChild('permit', { id: 'permit' });
    }),
    sendSetup: enqueueActions(({ context, enqueue }) => carryOut(enqueue, context, steps.sendSetup(context))),
    begin: enqueueActions(({ context, enqueue }, p: { sessionId: string | null }) => carryOut(enqueue, context, steps.begin(context, p.sessionId))),
    forgetSocket: enqueueActions(({ context, enqueue }) => carryOut(enqueue, context, steps.forgetSocket(context))),
    loseSocket: enqueueActions(({ context, enqueue }, p: state.SocketEnd) => carryOut(enqueue, context, steps.loseSocket(context, p))),
    loseContext: enqueueActions(({ context, enqueue }, p: state.SocketEnd) => carryOut(enqueue, context, steps.loseContext(context, p))),
    answerCall: enqueueActions(({ context, enqueue }, p: says.Keyed & { answer: ToolAnswer }) =>
      carryOut(enqueue, context, steps.answerCall(context, p)),
    ),
    respond: enqueueActions(({ context, enqueue }, p: Parameters<typeof steps.respond>[1]) => carryOut(enqueue, context, steps.respond(context, p))),
    confirmWritten: enqueueActions(({ context, enqueue }, p: says.Keyed) => carryOut(enqueue, context, steps.confirmWritten(context, p.key))),
    confirmWithdrawn: enqueueActions(({ context, enqueue }, p: says.Keyed) => carryOut(enqueue, context, steps.confirmWithdrawn(context, p.key))),
    tellListenerThrew: enqueueActions(({ context, enqueue }, p: says.Thrown) => carryOut(enqueue, context, steps.tellListenerThrew(context, p))),
    abandonCalls: enqueueActions(({ context, event, enqueue }, p: says.Leave) => carryOut(enqueue, context, steps.abandonCalls(context, p), event)),
    tellUplink: emit((_, p: { fact: says.UplinkFact }) => p.fact),
    openUplink: sendTo('uplink', { type: 'uplink.open' }),
    holdUplink: sendTo('uplink', { type: 'uplink.hold' }),
    askUplink: sendTo('uplink', { type: 'uplink.settle' }),
    endUplink: sendTo('uplink', { type: 'uplink.end' }),
    passOn: enqueueActions(({ context, enqueue }, p: says.Sending) => carryOut(enqueue, context, steps.passOn(context, p))),
    rejectClosing: emit((_, p: { ref: string | undefined }) => ({ type: 'session.rejected', ref: p.ref ?? null, reason: 'closing' })),
    gate: sendTo('uplink', { type: 'uplink.gate', closed: true }),
    ungate: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, context, steps.ungate, event)),
    tellGate: emit((_, p: { closed: boolean }) => ({ type: 'session.gated', closed: p.closed })),
    openLane: sendTo('connection', { type: 'connection.lane', open: true }),
    closeLane: enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, context, steps.closeLane, event)),
    closeSocket: sendTo('connection', { type: 'connection.close', code: 1000, reason: '' }),
    leaveSocket: enqueueActions(({ context, enqueue }) => carryOut(enqueue, context, steps.leaveSocket())),
    noteRotation: assign({ rotations: ({ context }, p: { at: number }) => state.withRotation(context, p.at) }),
    noteRequest: assign({ isFresh: false, awaitsTurn: ({ context }, p: { awaits: boolean }) => context.awaitsTurn || p.awaits }),
    noteSeeded: assign({ isFresh: false, seed: 'written' }),
    amendSetup: assign(({ context }, p: { update: JsonObject }) => ({ isFresh: false, ...steps.amended(context, p.update) })),
    noteSpeech: assign({ speaksOver: true }),
    forgetSpeech: assign({ speaksOver: false }),
    noteGoAway: assign({ goAway: (_, p: { timeLeftMs: number | null }) => p }),
    forceRotation: raise({ type: 'rotation.forced' }),
    noteExit: assign({ exit: ({ event }) => exitOf(event) }),
    noteEnd: assign({ end: (_, p: SessionEnd) => p }),
    noteSilence: assign({ end: ({ context }) => endOf('client', { code: 1006, reason: `no answer to the close within ${context.closeMs} ms` }) }),
    noteTimeout: assign({ failure: ({ context }, p: { kind: state.Timeout }) => state.timeoutOf(context, p.kind) }),
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
        'uplink.seeded': { actions: 'noteSeeded' },
        'uplink.told': { actions: { type: 'tellUplink', params: ({ event }) => ({ fact: event.fact }) } },
        'session.respond': { actions: { type: 'respond', params: ({ event: { type: _type, ...answer } }) => answer } },
        'session.send': { actions: { type: 'passOn', params: ({ event }) => ({ message: event.message, ref: event.ref }) } },
        'turn.requested': { actions: { type: 'noteRequest', params: ({ event }) => ({ awaits: event.awaits }) } },
        'setup.amended': { actions: { type: 'amendSetup', params: ({ event }) => ({ update: event.update }) } },
        'permit.failed': { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'gate' } } },
        'uplink.failed': { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'uplinkCrashed' } } },
        'tools.failed': { target: 'failed', actions: { type: 'noteLoss', params: { kind: 'toolsCrashed' } } },
        // Where there is no conversation to take leave of, both end it at once.
        'session.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteExit' },
      },
      states: {
        connection: {
          initial: 'atGate',
          states: {
            atGate: {
              description: 'Until its gate lets it pass, at most as long as it may wait there. The permit is kept over all its sockets.',
              entry: 'askGate',
              always: { guard: 'isFree', target: 'online' },
              on: { 'permit.granted': 'online', 'permit.asked': { description: 'Restored from a snapshot.', actions: 'forgetSocket' } },
            },
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
                'socket.malformed': { actions: { type: 'tellMalformed', params: ({ event }) => event } },
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
                      {
                        guard: { type: 'isHopeless', params: ({ event }) => event },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectFailed' } },
                      },
                      { target: '#liveSession.open.connection.backingOff', actions: { type: 'loseSocket', params: ({ event }) => event } },
                    ],
                  },
                  after: {
                    connectDeadline: [
                      { guard: 'isSpent', target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'connectTimeout' } } },
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
                        guard: { type: 'isRefusedResumption', params: ({ event }) => event },
                        target: '#liveSession.open.connection.online',
                        reenter: true,
                        actions: { type: 'loseContext', params: ({ event }) => event },
                      },
                      {
                        guard: { type: 'isHopeless', params: ({ event }) => event },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'closedBeforeSetup' } },
                      },
                      { target: '#liveSession.open.connection.backingOff', actions: { type: 'loseSocket', params: ({ event }) => event } },
                    ],
                  },
                  after: {
                    setupDeadline: [
                      { guard: 'isSpent', target: '#liveSession.failed', actions: { type: 'noteTimeout', params: { kind: 'setupTimeout' } } },
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
                    'supervisor.shutdown': { target: 'closing', actions: 'noteExit' },
                    'socket.closed': [
                      {
                        guard: { type: 'isOrderly', params: ({ event }) => ({ code: event.code }) },
                        target: '#liveSession.closed',
                        actions: { type: 'noteEnd', params: ({ event }) => endOf('server', event) },
                      },
                      {
                        guard: { type: 'isHopeless', params: ({ event }) => event },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectionLost' } },
                      },
                      { target: '#liveSession.open.connection.backingOff', actions: { type: 'loseSocket', params: ({ event }) => event } },
                    ],
                  },
                  initial: 'idle',
                  states: {
                    idle: {
                      always: { guard: 'mayRotate', target: 'leaving' },
                      on: { 'turn.generating': 'generating', 'turn.interrupted': 'interrupted', 'speech.started': 'userSpeaking' },
                    },
                    leaving: {
                      description:
                        'What else the last message says is heard, and what the uplink may write by now is written, before the socket is left.',
                      entry: 'askUplink',
                      on: {
                        'uplink.settled': [
                          { guard: 'mayRotate', target: '#liveSession.open.connection.online.rotating' },
                          { target: 'idle', actions: 'openUplink' },
                        ],
                        'turn.interrupted': { target: 'interrupted', actions: 'openUplink' },
                        'speech.started': { target: 'userSpeaking', actions: 'openUplink' },
                      },
                    },
                    userSpeaking: {
                      on: {
                        'speech.ended': 'idle',
                        'turn.generating': { target: 'generating', actions: 'noteSpeech' },
                        'turn.interrupted': { target: 'interrupted', actions: 'noteSpeech' },
                      },
                    },
                    generating: {
                      description: 'Data passes beside the chart.',
                      entry: 'openLane',
                      exit: 'closeLane',
                      on: {
                        'speech.started': { actions: 'noteSpeech' },
                        'speech.ended': { actions: 'forgetSpeech' },
                        'turn.completed': [{ guard: 'speaksOver', target: 'userSpeaking', actions: 'forgetSpeech' }, { target: 'idle' }],
                        'turn.interrupted': 'interrupted',
                      },
                    },
                    interrupted: {
                      description: 'The user spoke; the server drops what it has generated, and ends the turn.',
                      on: {
                        'speech.started': { target: 'userSpeaking', actions: 'forgetSpeech' },
                        'speech.ended': { actions: 'forgetSpeech' },
                        'turn.completed': [{ guard: 'speaksOver', target: 'userSpeaking', actions: 'forgetSpeech' }, { target: 'idle' }],
                        'turn.generating': 'generating',
                      },
                    },
                  },
                },
                rotating: {
                  description: 'The old socket is being closed before a new one resumes; at most closeMs. What is sent waits.',
                  entry: ['holdUplink', 'leaveSocket'],
                  on: {
                    'socket.closed': [
                      {
                        guard: { type: 'isCalm', params: ({ event }) => event },
                        target: '#liveSession.open.connection.online',
                        reenter: true,
                        actions: { type: 'noteRotation', params: ({ event }) => event },
                      },
                      {
                        guard: { type: 'isSpentBy', params: ({ event }) => event },
                        target: '#liveSession.failed',
                        actions: { type: 'noteLoss', params: { kind: 'connectionLost' } },
                      },
                      {
                        description: 'One socket after the other is announced to end.',
                        target: '#liveSession.open.connection.backingOff',
                        actions: { type: 'loseSocket', params: ({ event }) => event },
                      },
                    ],
                  },
                  after: { closeDeadline: { target: '#liveSession.open.connection.online', reenter: true } },
                },
                closing: {
                  description: 'The close is sent; running calls are abandoned. At most closeMs until the peer answers; then the socket is cut.',
                  entry: [{ type: 'abandonCalls', params: { reason: 'closed', answers: 'keep' } }, 'endUplink', 'closeSocket'],
                  on: {
                    'server.message': { actions: { type: 'readLastMessage', params: ({ event }) => ({ message: event.message }) } },
                    'session.send': { actions: { type: 'rejectClosing', params: ({ event }) => ({ ref: event.ref }) } },
                    'session.close': { description: 'Already on its way.' },
                    'supervisor.shutdown': { actions: 'noteExit' },
                    'permit.failed': { description: 'Nobody needs it any more.' },
                    'uplink.failed': { description: 'Nothing more is taken.' },
                    'tools.failed': { description: 'None runs any more.' },
                    'socket.opening': {
                      description: 'Restored from a snapshot while closing.',
                      target: '#liveSession.closed',
                      actions: { type: 'noteEnd', params: { by: 'client', code: 1006, reason: 'restored while closing: its socket is gone' } },
                    },
                    'socket.closed': { target: '#liveSession.closed', actions: { type: 'noteEnd', params: ({ event }) => endOf('client', event) } },
                  },
                  after: { closeDeadline: { target: '#liveSession.closed', actions: 'noteSilence' } },
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
            'rotation.announced': { target: '.announced', actions: { type: 'noteGoAway', params: ({ event: { timeLeftMs } }) => ({ timeLeftMs }) } },
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
