/** What an app sends, through the uplink, onto a socket that does what a test says. Answers to calls are in uplink-answers.test.ts. */
import { describe, expect, it } from 'vitest';
import { answer, audio, text, uplinkWorld } from './uplink-world.js';

describe('a message of the app', () => {
  it('is with the socket at once where nothing waits before it', () => {
    const { uplink, socket } = uplinkWorld();
    expect([uplink.send(text(1)), uplink.send(audio(2))]).toEqual([{ status: 'sent' }, { status: 'sent' }]);
    expect(socket.wire).toEqual([text(1), audio(2)]);
    expect(uplink.depth).toBe(0);
  });

  it('waits for a socket, and for the session to say that it may be written', () => {
    const { uplink, socket } = uplinkWorld({ online: false });
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    uplink.attach(socket);
    expect(uplink.send(text(2))).toEqual({ status: 'queued' });
    expect(socket.wire, 'no setup is accepted yet').toEqual([]);
    uplink.obey({ type: 'uplink.open' });
    expect(socket.wire).toEqual([text(1), text(2)]);
  });

  it('waits behind what waits, so that the order is kept over both lanes', () => {
    const { uplink, socket, clock } = uplinkWorld();
    const activityEnd = { realtimeInput: { activityEnd: {} } };
    socket.heldBytes = 100;
    for (const message of [audio(1), activityEnd, audio(2), text(3)]) expect(uplink.send(message)).toEqual({ status: 'queued' });
    socket.heldBytes = 99;
    expect(uplink.send(audio(4)), 'nothing overtakes').toEqual({ status: 'queued' });
    clock.advanceBy(20);
    expect(socket.wire).toEqual([audio(1), activityEnd, audio(2), text(3), audio(4)]);
  });

  it.each([
    ['the setup', { setup: {} }, 'reserved'],
    ['an answer to a call', { toolResponse: { functionResponses: [] } }, 'reserved'],
    ['an answer beside content', { clientContent: {}, toolResponse: null }, 'reserved'],
    ['a list', [], 'reserved'],
    ['nothing', null, 'reserved'],
    ['a BigInt', { clientContent: 1n }, 'notJson'],
  ])('is refused where it is %s', (_, message, reason) => {
    const { uplink, socket } = uplinkWorld();
    expect(uplink.send(message as never)).toEqual({ status: 'rejected', reason });
    expect(socket.wire).toEqual([]);
  });

  it('is refused beyond the bound of content, and told so', () => {
    const { uplink, told } = uplinkWorld({ online: false, maxContent: 2 });
    expect([1, 2, 3].map((n) => uplink.send(text(n)).status)).toEqual(['queued', 'queued', 'rejected']);
    expect(uplink.send(text(4))).toEqual({ status: 'rejected', reason: 'full' });
    expect(uplink.send(audio(5)), 'audio has a bound of its own').toEqual({ status: 'queued' });
    expect(uplink.depth).toBe(3);
    expect(told).toEqual([]);
  });

  it('that is refused by the socket at once waits for the next one, and none overtakes it', () => {
    const { uplink, socket, connect } = uplinkWorld();
    socket.isClosing = true;
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    socket.isClosing = false;
    expect(uplink.send(text(2))).toEqual({ status: 'queued' });
    uplink.detach(socket);
    expect(connect().wire).toEqual([text(1), text(2)]);
  });

  it('that waits, and is refused when its turn comes, waits for the next socket, and the rest with it', () => {
    const { uplink, socket, clock, connect } = uplinkWorld();
    socket.heldBytes = 100;
    uplink.send(audio(1));
    uplink.send(text(2));
    socket.heldBytes = 0;
    socket.isClosing = true;
    clock.advanceBy(20);
    expect([uplink.depth, clock.pending()], 'and nobody looks at this socket again').toEqual([2, 0]);
    uplink.detach(socket);
    expect(connect().wire).toEqual([audio(1), text(2)]);
  });

  it('cannot make a socket that throws throw at the app', () => {
    const { uplink, socket, connect } = uplinkWorld();
    socket.fault = new Error('against the contract');
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    uplink.detach(socket);
    expect(connect().wire).toEqual([text(1)]);
  });
});

describe('audio', () => {
  it('drops its oldest beyond its bound, and tells each', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false, maxAudio: 2 });
    uplink.send(text(0));
    for (const n of [1, 2, 3, 4]) expect(uplink.send(audio(n))).toEqual({ status: 'queued' });
    const oldest = { type: 'uplink.told', fact: { type: 'session.dropped', lane: 'audio', count: 1, reason: 'oldest', ref: null } };
    expect(told).toEqual([oldest, oldest]);
    expect(connect().wire).toEqual([text(0), audio(3), audio(4)]);
  });

  it.each([
    ['audio', { audio: { data: '' } }],
    ['video', { video: { data: '' } }],
    ['media chunks', { mediaChunks: [] }],
  ])('is what a realtimeInput with %s is', (_, realtimeInput) => {
    const { uplink } = uplinkWorld();
    uplink.obey({ type: 'uplink.gate', closed: true });
    expect(uplink.send({ realtimeInput })).toEqual({ status: 'dropped', reason: 'gated' });
  });
});

describe('the bound in bytes', () => {
  /** A message of that many bytes, as JSON. */
  const sized = (make: typeof audio | typeof text, bytes: number) => {
    const padded = (by: number) => JSON.stringify({ ...make(1), by: '.'.repeat(by) });
    return JSON.parse(padded(bytes - padded(0).length)) as ReturnType<typeof audio>;
  };

  it('drops the oldest audio, as many as it takes, and tells each', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false, maxAudio: 9, maxBytes: 300 });
    const [first, second, third, fourth] = [sized(audio, 100), sized(audio, 100), sized(audio, 100), sized(audio, 200)];
    for (const message of [first, second, third]) expect(uplink.send(message)).toEqual({ status: 'queued' });
    expect(told, 'the bound is within').toEqual([]);
    expect(uplink.send(fourth)).toEqual({ status: 'queued' });
    expect(told).toHaveLength(2);
    expect(connect().wire).toEqual([third, fourth]);
  });

  it('refuses content', () => {
    const { uplink, told } = uplinkWorld({ online: false, maxContent: 9, maxBytes: 300 });
    expect([200, 100, 70].map((bytes) => uplink.send(sized(text, bytes)))).toEqual([
      { status: 'queued' },
      { status: 'queued' },
      { status: 'rejected', reason: 'full' },
    ]);
    expect(told).toEqual([]);
  });

  it('counts both lanes: content keeps its place, and audio goes', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false, maxBytes: 300 });
    const content = sized(text, 250);
    uplink.send(content);
    uplink.send(sized(audio, 100));
    expect(told).toEqual([{ type: 'uplink.told', fact: { type: 'session.dropped', lane: 'audio', count: 1, reason: 'oldest', ref: null } }]);
    expect(connect().wire).toEqual([content]);
  });

  it.each([
    ['content', text],
    ['audio', audio],
  ])('lets a larger message of %s wait where nothing else does', (_, make) => {
    const { uplink, told, connect } = uplinkWorld({ online: false, maxBytes: 300 });
    const large = sized(make, 1_000);
    expect(uplink.send(large)).toEqual({ status: 'queued' });
    expect(told).toEqual([]);
    expect(connect().wire).toEqual([large]);
  });

  it('is given back by what is written, gated or seeded and written', () => {
    const { uplink, socket, clock } = uplinkWorld({ maxBytes: 300 });
    const fill = () => {
      socket.heldBytes = 100;
      for (let i = 0; i < 2; i++) expect(uplink.send(sized(text, 150))).toEqual({ status: 'queued' });
      expect(uplink.send(sized(text, 100))).toEqual({ status: 'rejected', reason: 'full' });
      socket.heldBytes = 0;
      clock.advanceBy(20);
    };
    fill();
    uplink.obey({ type: 'uplink.hold' });
    uplink.obey({ type: 'uplink.seed', message: sized(text, 250) });
    uplink.obey({ type: 'uplink.open' });
    fill();
    socket.heldBytes = 100;
    uplink.send(sized(audio, 300));
    uplink.obey({ type: 'uplink.gate', closed: true });
    uplink.obey({ type: 'uplink.gate', closed: false });
    fill();
  });
});

describe('a gated microphone', () => {
  it('lets no realtimeInput pass: audio is dropped, text and activity wait, content goes on', () => {
    const { uplink, socket } = uplinkWorld();
    uplink.obey({ type: 'uplink.gate', closed: true });
    const activityEnd = { realtimeInput: { activityEnd: {} } };
    expect(uplink.send(audio(1))).toEqual({ status: 'dropped', reason: 'gated' });
    expect(uplink.send(activityEnd)).toEqual({ status: 'queued' });
    expect(uplink.send(text(2))).toEqual({ status: 'queued' });
    uplink.obey(answer(1));
    expect(socket.wire).toEqual([{ toolResponse: { key: 1 } }, text(2)]);
    uplink.obey({ type: 'uplink.gate', closed: false });
    expect(socket.wire.slice(2)).toEqual([activityEnd]);
    expect(uplink.send(audio(3))).toEqual({ status: 'sent' });
  });

  it('drops the audio that waited when it closed, and tells how much', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false });
    for (const message of [audio(1), text(2), audio(3)]) uplink.send(message);
    uplink.obey({ type: 'uplink.gate', closed: true });
    expect(told).toEqual([{ type: 'uplink.told', fact: { type: 'session.dropped', lane: 'audio', count: 2, reason: 'gated', ref: null } }]);
    expect(connect().wire).toEqual([text(2)]);
    uplink.obey({ type: 'uplink.gate', closed: false });
    expect(uplink.send(audio(4)), 'the bound was given back').toEqual({ status: 'sent' });
  });
});

describe('the high-water mark', () => {
  it('has messages wait while the socket holds that much, and looks again until it holds less', () => {
    const { uplink, socket, clock } = uplinkWorld({ highWaterBytes: 100 });
    socket.heldBytes = 100;
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    clock.advanceBy(200);
    expect(socket.wire).toEqual([]);
    expect(clock.pending(), 'one timer, however often it looked').toBe(1);
    socket.heldBytes = 50;
    clock.advanceBy(20);
    expect(socket.wire).toEqual([text(1)]);
    expect(clock.pending(), 'nothing waits, nobody looks').toBe(0);
  });

  it('is looked at when the socket says that it has written', () => {
    const { uplink, socket } = uplinkWorld();
    uplink.send(text(1));
    socket.heldBytes = 100;
    uplink.send(text(2));
    socket.heldBytes = 0;
    socket.confirm();
    expect(socket.wire).toEqual([text(1), text(2)]);
  });

  it('holds while one drain fills the socket again', () => {
    const { uplink, socket, clock } = uplinkWorld();
    socket.heldBytes = 100;
    uplink.send(text(1));
    uplink.send(text(2));
    const { send } = socket;
    socket.send = (...args) => ((socket.heldBytes = 100), send.apply(socket, args));
    socket.heldBytes = 0;
    clock.advanceBy(20);
    expect(socket.wire).toEqual([text(1)]);
  });
});

describe('over several sockets', () => {
  it('what waits stays, in order, and what was sent is not sent again', () => {
    const { uplink, socket, connect } = uplinkWorld();
    uplink.send(text(1));
    uplink.obey({ type: 'uplink.hold' });
    uplink.send(text(2));
    uplink.detach(socket);
    uplink.send(audio(3));
    expect(connect().wire).toEqual([text(2), audio(3)]);
    expect(socket.wire).toEqual([text(1)]);
  });

  it('the late end of an old socket touches nothing of the new one', () => {
    const { uplink, socket, connect } = uplinkWorld();
    uplink.detach(socket);
    const next = connect();
    uplink.detach(socket);
    expect(uplink.send(text(1))).toEqual({ status: 'sent' });
    expect(next.wire).toEqual([text(1)]);
  });

  it('no timer runs where there is no socket to look at', () => {
    const { uplink, clock } = uplinkWorld({ online: false });
    uplink.send(text(1));
    expect(clock.pending()).toBe(0);
  });
});

describe('what the chart is told to send', () => {
  it('is told of by its ref: sent, queued, rejected or dropped', () => {
    const { uplink, told, socket } = uplinkWorld({ maxContent: 1 });
    const send = (message: object, ref: string | null) => uplink.obey({ type: 'uplink.send', message: message as never, ref });
    send(text(1), 'a');
    send(text(2), null);
    socket.heldBytes = 100;
    send(text(3), 'b');
    send(text(4), 'c');
    send({ setup: {} }, null);
    uplink.obey({ type: 'uplink.gate', closed: true });
    send(audio(5), 'd');
    expect(told.map((news) => (news as { fact: object }).fact)).toEqual([
      { type: 'session.sent', ref: 'a' },
      { type: 'session.queued', ref: 'b' },
      { type: 'session.rejected', ref: 'c', reason: 'full' },
      { type: 'session.rejected', ref: null, reason: 'reserved' },
      { type: 'session.dropped', lane: 'audio', count: 1, reason: 'gated', ref: 'd' },
    ]);
  });

  it('to replace a part of the setup is told once it is taken, and not where it is refused', () => {
    const { uplink, told } = uplinkWorld({ online: false, maxContent: 1 });
    const update = { systemInstruction: { parts: [{ text: 'be brief' }] } };
    for (const ref of ['r1', 'r2']) uplink.obey({ type: 'uplink.send', message: { contextUpdate: update }, ref });
    expect(told).toEqual([
      { type: 'uplink.told', fact: { type: 'session.queued', ref: 'r1' } },
      { type: 'setup.amended', update },
      { type: 'uplink.told', fact: { type: 'session.rejected', ref: 'r2', reason: 'full' } },
    ]);
  });

  it('tells that the user speaks, and has spoken, when it is written', () => {
    const { uplink, socket, told, clock } = uplinkWorld();
    const send = (message: object) => uplink.obey({ type: 'uplink.send', message: { realtimeInput: message }, ref: null });
    send({ activityStart: {} });
    socket.heldBytes = 100;
    send({ activityEnd: {} });
    expect(told).toEqual([{ type: 'speech.started' }]);
    socket.heldBytes = 0;
    clock.advanceBy(20);
    expect(told.slice(1)).toEqual([{ type: 'speech.ended' }]);
  });

  it('as the seed of a conversation is written before all else, in the place of one that waits', () => {
    const { uplink, connect } = uplinkWorld({ online: false });
    uplink.send(text(1));
    uplink.obey({ type: 'uplink.seed', message: text(8) });
    uplink.obey({ type: 'uplink.seed', message: text(0) });
    expect(connect().wire).toEqual([text(0), text(1)]);
  });

  it('as such a seed is told to be written once its socket has confirmed it, and by no other', () => {
    const { uplink, told, socket, connect } = uplinkWorld();
    uplink.obey({ type: 'uplink.seed', message: text(0) });
    uplink.obey({ type: 'uplink.open' });
    expect([socket.wire, told]).toEqual([[text(0)], []]);
    uplink.detach(socket);
    const next = connect();
    socket.confirm();
    expect([next.wire, told], 'its session seeds the next conversation').toEqual([[], []]);
    uplink.obey({ type: 'uplink.seed', message: text(0) });
    uplink.obey({ type: 'uplink.open' });
    next.confirm();
    expect(told).toEqual([{ type: 'uplink.seeded' }]);
  });

  it('that asks for a turn, and waits, is told to as its socket goes, and once it is written', () => {
    const { uplink, told, socket, connect, asked } = uplinkWorld();
    uplink.obey({ type: 'uplink.hold' });
    expect(told).toEqual([]);
    uplink.obey({ type: 'uplink.seed', message: { clientContent: { turnComplete: true } } });
    uplink.obey({ type: 'uplink.hold' });
    expect(told, 'a history asks for none').toEqual([]);
    uplink.send({ realtimeInput: { text: 'so?' } });
    uplink.detach(socket);
    uplink.obey({ type: 'uplink.hold' });
    expect([told, asked]).toEqual([[{ type: 'turn.requested', awaits: true }], []]);
    connect();
    expect(asked).toEqual([true]);
  });

  it('that waited is told to be written, once for all that go together', () => {
    const { uplink, connect, writes } = uplinkWorld({ online: false });
    for (const n of [1, 2]) uplink.send(text(n));
    expect(writes).toEqual([]);
    connect();
    uplink.send(text(3));
    expect(writes).toEqual([1]);
  });
});

describe('the end', () => {
  it('writes what can be written, tells of what is dropped, and takes nothing more; twice is once', () => {
    const { uplink, socket, told, clock } = uplinkWorld();
    socket.heldBytes = 100;
    for (const message of [text(1), audio(2), audio(3)]) uplink.send(message);
    uplink.obey({ type: 'uplink.end' });
    uplink.end();
    const dropped = (lane: string, count: number) => ({ type: 'session.dropped', lane, count, reason: 'ended', ref: null });
    expect(told.map((news) => (news as { fact: object }).fact)).toEqual([dropped('content', 1), dropped('audio', 2)]);
    expect(uplink.send(text(4))).toEqual({ status: 'rejected', reason: 'closing' });
    expect([uplink.depth, clock.pending()]).toEqual([0, 0]);
    socket.heldBytes = 0;
    socket.confirm();
    expect(socket.wire).toEqual([]);
  });

  it('writes what the socket has room for', () => {
    const { uplink, socket, told } = uplinkWorld();
    socket.heldBytes = 100;
    uplink.send(text(1));
    socket.heldBytes = 0;
    uplink.obey({ type: 'uplink.end' });
    expect(socket.wire).toEqual([text(1)]);
    expect(told).toEqual([]);
  });
});
