/** How the session's chart leaves a socket that the server will end: at once, late, or by force; never with two sockets at a time. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const handle = (newHandle: string, resumable = true) => ({ sessionResumptionUpdate: { newHandle, resumable } });
const goAway = (timeLeft?: string) => ({ goAway: timeLeft === undefined ? {} : { timeLeft } });
/** One that is ready and has a handle. */
const world = (options: WorldOptions = {}): SessionWorld => {
  const w = sessionWorld({ ready: true, ...options });
  w.message(handle('h1'));
  w.facts.length = 0;
  return w;
};
/** The new socket goes through the handshake. */
const accepted = (w: SessionWorld): void => {
  w.opened();
  w.message({ setupComplete: {} });
};
const handlesAsked = (w: SessionWorld) =>
  w.sockets.map(
    ({ heard }) => (heard[0] as { message?: { setup?: { sessionResumption?: { handle?: string } } } }).message?.setup?.sessionResumption?.handle,
  );

describe('a server that announces the end of one socket after the other', () => {
  const rotate = (w: SessionWorld): void => {
    w.message(handle(`h${w.sockets.length}`));
    w.message(goAway('50s'));
    w.closed(1000);
  };

  it('is left at once twice, as often as sockets may be lost, and then after a pause', () => {
    const w = world();
    for (let round = 0; round < 2; round++) {
      rotate(w);
      accepted(w);
    }
    expect(w.fact('session.reconnecting')).toEqual([]);
    rotate(w);
    expect([w.state(), w.fact('session.reconnecting')]).toEqual([
      'backingOff',
      [{ type: 'session.reconnecting', attempt: 1, delayMs: 100, code: 1000, reason: '' }],
    ]);
    w.clock.advanceBy(100);
    accepted(w);
    expect([w.state(), handlesAsked(w).at(-1)]).toEqual(['ready.idle', 'h3']);
  });

  it('is given up once the budget of lost sockets is spent, too', () => {
    const w = world();
    for (let round = 0; round < 4; round++) {
      rotate(w);
      if (w.state() === 'backingOff') w.clock.advanceBy(100);
      accepted(w);
    }
    rotate(w);
    expect([w.state(), w.fact('session.failed')]).toEqual(['failed', [{ type: 'session.failed', kind: 'connectionLost', code: 1000, reason: '' }]]);
  });

  it('is forgiven after a while', () => {
    const w = world();
    for (let round = 0; round < 6; round++) {
      rotate(w);
      accepted(w);
      w.clock.advanceBy(60_001);
    }
    expect([w.state(), w.fact('session.reconnecting')]).toEqual(['ready.idle', []]);
  });
});

describe('a goAway', () => {
  it('while nobody waits is followed at once: the old socket is closed before the new one begins', () => {
    const w = world();
    w.message(goAway('50s'));
    expect([w.state(), w.fact('session.goAway')]).toEqual(['rotating', [{ type: 'session.goAway', timeLeftMs: 50_000 }]]);
    expect([...w.session.getSnapshot().tags]).toEqual([]);
    expect(w.sockets[0]?.heard.slice(1)).toEqual([{ type: 'connection.close', code: 1000, reason: '' }]);
    expect(w.toUplink.at(-1)).toEqual({ type: 'uplink.hold' });
    w.closed(1000);
    expect(w.state()).toBe('connecting');
    expect(w.log.filter((line) => line.startsWith('socket'))).toEqual(['socket 1 begins', 'socket 1 ends', 'socket 2 begins']);
    accepted(w);
    expect([w.state(), w.region('rotation'), handlesAsked(w)]).toEqual(['ready.idle', 'steady', [undefined, 'h1']]);
    expect(w.told()).toEqual(['session.goAway', 'session.ready']);
    expect(w.fact('session.ready')).toEqual([{ type: 'session.ready', sessionId: null, resumed: true }]);
  });

  it.each([
    ['answers the close with an error', (w: SessionWorld) => w.closed(1011)],
    ['breaks', (w: SessionWorld) => w.closed('ECONNRESET')],
    ['never answers the close', (w: SessionWorld) => w.clock.advanceBy(500)],
  ])('goes on to the new socket where the old one %s', (_, happen) => {
    const w = world();
    w.message(goAway('50s'));
    happen(w);
    expect([w.state(), w.sockets.map(({ isRunning }) => isRunning)]).toEqual(['connecting', [false, true]]);
    accepted(w);
    expect(w.fact('session.reconnecting')).toEqual([]);
  });

  it.each([
    ['the user speaks', { voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }, { voiceActivity: { voiceActivityType: 'ACTIVITY_END' } }],
    ['the model speaks', { serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }],
    ['an interrupted turn is to end', { serverContent: { interrupted: true } }, { serverContent: { turnComplete: true } }],
  ])('waits while %s', (_, begins, ends) => {
    const w = world();
    w.message(begins);
    w.message(goAway('50s'));
    expect([w.state().startsWith('ready.'), w.region('rotation')]).toEqual([true, 'announced']);
    w.message(ends);
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['has been heard', { serverContent: { inputTranscription: { text: 'book seat 4A' } } }],
    ['has begun to speak, by the detection', { voiceActivityDetectionSignal: { vadSignalType: 'VAD_SIGNAL_TYPE_SOS' } }],
  ])('waits for a handle that came after the user %s', (_, message) => {
    const w = world();
    w.message(message);
    w.message({ voiceActivityDetectionSignal: { vadSignalType: 'VAD_SIGNAL_TYPE_EOS' } });
    w.message(goAway('50s'));
    expect(w.state()).toBe('ready.idle');
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('waits until the user, who spoke over the model, has spoken', () => {
    const w = world();
    w.message({ serverContent: { modelTurn: {} } });
    w.session.send({ type: 'speech.started' });
    w.message({ serverContent: { interrupted: true } });
    w.message({ serverContent: { turnComplete: true } });
    w.message(handle('h2'));
    w.message(goAway('50s'));
    expect(w.state()).toBe('ready.userSpeaking');
    w.session.send({ type: 'speech.ended' });
    expect(w.state()).toBe('rotating');
  });

  it('waits for the turn that begins in its own message', () => {
    const w = world();
    w.message({ serverContent: { modelTurn: {} }, ...goAway('50s') });
    expect([w.state(), w.region('rotation')]).toEqual(['ready.generating', 'announced']);
  });

  it('waits for a handle that stands for everything', () => {
    const w = world();
    w.message(handle('', false));
    w.message(goAway('50s'));
    expect(w.state()).toBe('ready.idle');
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
    w.closed(1000);
    accepted(w);
    expect(handlesAsked(w)).toEqual([undefined, 'h2']);
  });

  it.each([
    ['a turn of the app', { type: 'turn.requested', awaits: false }],
    ['a message of the app, through the chart', { type: 'session.send', message: { clientContent: { turnComplete: true } } }],
    ['what the user says', { type: 'session.send', message: { realtimeInput: { audio: {} } } }],
    ['a setup that is amended', { type: 'setup.amended', update: {} }],
  ] as const)('waits for a handle that came after %s, which the model has not begun to answer', (_, event) => {
    const w = world();
    w.session.send(event);
    w.message(goAway('50s'));
    expect(w.state()).toBe('ready.idle');
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { turnComplete: true } });
    expect(w.state()).toBe('ready.idle');
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('waits for no other handle after an answer that was taken back before it was written', () => {
    const w = world();
    w.isFast = false;
    w.call('a');
    w.message(handle('h2'));
    w.settle('a');
    w.message({ toolCallCancellation: { ids: ['a'] } });
    w.message(goAway('50s'));
    expect(w.state()).toBe('rotating');
  });

  it('waits for no handle where the conversation cannot be resumed', () => {
    const w = sessionWorld({ ready: true, input: { resumption: false } });
    w.message(goAway('50s'));
    expect(w.state()).toBe('rotating');
  });

  it('waits for the tools, for their answers to be written, and then for a handle that came after', () => {
    const w = world();
    w.isFast = false;
    w.call('a');
    w.message(goAway('50s'));
    w.message(handle('h2'));
    expect(w.state(), 'a call is open').toBe('ready.idle');
    w.settle('a');
    w.message(handle('h3'));
    expect(w.state(), 'its answer waits').toBe('ready.idle');
    w.flush();
    expect([w.statusOf('a'), w.state()], 'the handle came before its answer was written').toEqual(['answered', 'ready.idle']);
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { turnComplete: true } });
    w.message(handle('h4'));
    expect(w.state()).toBe('rotating');
    w.closed(1000);
    accepted(w);
    expect([handlesAsked(w), w.wire.length]).toEqual([[undefined, 'h4'], 1]);
  });

  it('is obeyed by force when its time is up, less a margin, whatever goes on', () => {
    const w = world({ input: { toolMs: 10_000 } });
    w.call('a');
    w.message({ serverContent: { modelTurn: {} }, ...goAway('5s') });
    w.clock.advanceBy(3_999);
    expect(w.state()).toBe('ready.generating');
    w.clock.advanceBy(1);
    expect([w.state(), w.statusOf('a'), w.runs[0]?.isRunning]).toEqual(['rotating', 'running', true]);
    w.closed(1000);
    accepted(w);
    w.settle('a');
    expect([w.told(), w.wire.length]).toEqual([['tool.called', 'session.goAway', 'session.ready', 'tool.answered'], 1]);
  });

  it.each([
    ['says nothing of the time, it has a minute', undefined, 59_000],
    ['says what cannot be read, it has a minute', 'soon', 59_000],
    ['says fractions', '1.5s', 500],
    ['leaves less than the margin, it is now', '0.5s', 0],
  ])('that %s', (_, timeLeft, ms) => {
    const w = world({ input: { connectMs: 100_000, toolMs: 100_000 } });
    w.call('a');
    w.message(goAway(timeLeft));
    if (ms > 0) w.clock.advanceBy(ms - 1);
    expect(w.state()).toBe('ready.idle');
    w.clock.advanceBy(ms > 0 ? 1 : 0);
    expect(w.state()).toBe('rotating');
  });

  it('that comes again sets the time anew', () => {
    const w = world();
    w.call('a');
    w.message(goAway('5s'));
    w.clock.advanceBy(3_000);
    w.message(goAway('2.5s'));
    expect(w.fact('session.goAway').map(({ timeLeftMs }) => timeLeftMs)).toEqual([5_000, 2_500]);
    w.clock.advanceBy(1_000);
    expect(w.state(), 'the first time was up').toBe('ready.idle');
    w.clock.advanceBy(500);
    expect(w.state()).toBe('rotating');
  });

  it('on the new socket counts for that, also in the message that accepts its setup', () => {
    const w = world();
    w.message(goAway('50s'));
    w.closed(1000);
    w.opened();
    w.call('a');
    w.message({ setupComplete: {}, ...goAway('5s') });
    expect([w.state(), w.region('rotation')]).toEqual(['ready.idle', 'announced']);
    w.clock.advanceBy(4_000);
    expect(w.state()).toBe('rotating');
  });

  it('before its setup is accepted is timed from then on', () => {
    const w = world();
    w.call('a');
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message(goAway('1.5s'));
    w.clock.advanceBy(1_000);
    w.message({ setupComplete: {} });
    expect([w.state(), w.region('rotation')]).toEqual(['ready.idle', 'announced']);
    w.clock.advanceBy(500);
    expect(w.state()).toBe('rotating');
  });

  it('is over with its socket', () => {
    const w = world();
    w.call('a');
    w.message(goAway('5s'));
    w.closed(1011);
    w.clock.advanceBy(100);
    accepted(w);
    w.clock.advanceBy(2_000);
    expect([w.state(), w.region('rotation')]).toEqual(['ready.idle', 'steady']);
    w.closed(1000);
    expect(w.state(), 'nothing was announced of this one').toBe('closed');
  });

  it.each([1000, 1005])('makes no end of the conversation of a close in order (%i): it goes on', (code) => {
    const w = world();
    w.call('a');
    w.message(goAway('50s'));
    w.closed(code);
    expect([w.state(), w.fact('session.reconnecting').length]).toEqual(['backingOff', 1]);
    w.clock.advanceBy(100);
    accepted(w);
    w.settle('a');
    expect([w.state(), w.statusOf('a')]).toEqual(['ready.idle', 'answered']);
  });
});

describe('while it rotates', () => {
  it('holds answers, and writes them once the new setup is accepted', () => {
    const w = world();
    w.call('a', 'b');
    w.message(goAway('1s'));
    w.clock.advanceBy(0);
    w.settle('a');
    w.closed(1000);
    w.settle('b');
    w.opened();
    expect([w.state(), w.wire, w.statusOf('a'), w.statusOf('b')]).toEqual(['settingUp', [], 'answering', 'answering']);
    w.message({ setupComplete: {} });
    expect([w.wire.length, w.statusOf('a'), w.statusOf('b')]).toEqual([2, 'answered', 'answered']);
  });

  it('enters calls of the old socket, and runs them on the new one', () => {
    const w = world();
    w.message(goAway('50s'));
    w.call('a');
    expect([w.state(), w.statusOf('a'), w.runs.length]).toEqual(['rotating', 'pending', 0]);
    w.closed(1000);
    accepted(w);
    expect([w.statusOf('a'), w.runs.length]).toEqual(['running', 1]);
  });

  it('hears that an answer was written, and that a call is taken back', () => {
    const w = world();
    w.isFast = false;
    w.call('a', 'b');
    w.settle('a');
    w.message(goAway('1s'));
    w.clock.advanceBy(0);
    w.session.send({ type: 'uplink.written', key: 1 });
    w.message({ toolCallCancellation: { ids: ['b'] } });
    expect([w.state(), w.statusOf('a'), w.statusOf('b')]).toEqual(['rotating', 'answered', 'cancelled']);
  });

  it('and the new socket cannot be had, tries again as after a loss', () => {
    const w = world();
    w.message(goAway('50s'));
    w.closed(1000);
    w.closed('ECONNREFUSED');
    expect([w.state(), w.fact('session.reconnecting')]).toEqual([
      'backingOff',
      [{ type: 'session.reconnecting', attempt: 1, delayMs: 100, code: 'ECONNREFUSED', reason: '' }],
    ]);
  });

  it('frames of the old socket touch nothing', () => {
    const w = world();
    w.message(goAway('50s'));
    w.closed(1000);
    const [old] = w.sockets;
    old?.report({ type: 'server.message', message: { setupComplete: {}, toolCall: { functionCalls: [{ id: 'x', name: 'x' }] } } });
    old?.report({ type: 'socket.closed', code: 1008, reason: '', at: 0 });
    expect([w.state(), w.statusOf('x')]).toEqual(['connecting', undefined]);
  });
});

it('without a handle by the end of its time, begins afresh and says so', () => {
  const w = sessionWorld({ ready: true });
  w.call('a');
  w.message(goAway('5s'));
  w.settle('a');
  w.clock.advanceBy(3_999);
  expect(w.state()).toBe('ready.idle');
  w.clock.advanceBy(1);
  w.closed(1000);
  accepted(w);
  expect(w.fact('session.contextLost')).toEqual([
    { type: 'session.contextLost', code: 'noHandle', reason: 'the server gave no handle to resume with' },
  ]);
  expect(w.fact('session.ready').at(-1)).toEqual({ type: 'session.ready', sessionId: null, resumed: false });
});
