/** The model of a Live session: the socket's part, the server's, the uplink's, the tools', the app's, and time. */
import { sessionMachine } from '../../../machines/live/session.js';
import type { SessionInput } from '../../../machines/live/session-events.js';
import type { Model } from '../model/model.js';
import { closeByApp, events } from './live-session-app.js';
import { ignored, outcomes } from './live-session-cases.js';
import { claims } from './live-session-claims.js';
import { corners } from './live-session-corners.js';
import { isSocketOpen, rows, uplink, uplinkHeard } from './live-session-doubles.js';
import { closed, ledger, look, phase, play } from './live-session-ledger.js';
import { cases } from './live-session-passing.js';

const input: SessionInput = {
  ...{
    setup: { model: 'm' },
    connectMs: 100,
    setupMs: 200,
    toolMs: 1_000,
    toolDeadlines: { later: 300 },
    nonBlocking: ['later'],
    goesOn: true,
    closeMs: 200,
  },
  reconnect: { intensity: 1, periodMs: 1_000, backoff: { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0, resetAfterMs: 1_000 } },
  ...{ resumption: true, rotationMarginMs: 200, gatesAudio: true, staleAnswers: 'send', history: [{ role: 'user' }] },
};

export const liveSessionModel: Model<typeof sessionMachine> = {
  machine: sessionMachine,
  inputs: {
    'a session': input,
    'a session behind a gate': { ...input, isBehindGate: true },
    'a session with a handle': { ...input, setup: { model: 'm', sessionResumption: { handle: 'h0' } }, staleAnswers: 'abandon' },
  },
  events,
  ignored,
  outcomes,
  delays: {},
  cases,
  key: (session) => {
    const { isFresh, turn, awaitsTurn, seed, goAway, wasReady, exit, lost, speaksOver } = ledger(session);
    const { losses, rotations, attempt, since, handle, asked, restored } = ledger(session);
    const now = session.clock.now();
    const calls = rows(session).map(({ id, status, args, known, covered, answer, scheduling, key }) => {
      const isEarly = key > ledger(session).keyAtSetup;
      return [id, status, args['city'], known, covered, answer !== null, scheduling, isEarly];
    });
    const agesOf = (moments: readonly number[]) => moments.map((at) => now - at).filter((age) => age <= 1_000);
    const waiting = uplink(session).waiting.map(({ key, final }) => [key, final]);
    const waits = ['connecting', 'settingUp', 'rotating', 'closing', 'backingOff'].includes(phase(session));
    const due = typeof goAway?.by === 'number' ? Math.min(goAway.by - now, 1_000) : goAway?.by;
    return [
      ...[calls, waiting, uplink(session).handed, agesOf(losses), agesOf(rotations), attempt, waits ? now - since : null, due],
      ...[
        isFresh,
        turn,
        awaitsTurn,
        seed,
        uplink(session).asks,
        uplink(session).hasUntold,
        uplink(session).hasSeed,
        speaksOver,
        wasReady,
        exit,
        lost,
        handle,
        asked,
        restored,
        isSocketOpen(session),
      ],
    ];
  },
  corners,
  invariants: claims,
  observe: (session) => {
    look(session);
    const heard = uplinkHeard(session).length;
    Object.assign(session.notes, { heard: session.notes['hears'] ?? 0, hears: heard });
  },
  finish: (session) => {
    if (phase(session) === 'closing')
      play(session, closed(session, 1000), () => session.report('connection', { type: 'socket.closed', code: 1000, reason: '', at: 0 }));
    else closeByApp(session);
  },
};
