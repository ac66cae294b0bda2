/** Answers to calls in the uplink: reserved, first, written over as many sockets as it takes, and not written once they were taken back. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { answer, audio, text, uplinkWorld } from './uplink-world.js';

const written = (key: number) => ({ toolResponse: { key } });

describe('an answer', () => {
  it('is written once the socket has confirmed it, not before', () => {
    const { uplink, socket, told } = uplinkWorld();
    uplink.obey(answer(1));
    expect(socket.wire).toEqual([written(1)]);
    expect(told).toEqual([]);
    socket.confirm();
    expect(told).toEqual([{ type: 'uplink.written', key: 1 }]);
  });

  it('of which nobody waits to hear is told of to nobody, nor is a part of one', () => {
    const { uplink, socket, told } = uplinkWorld();
    uplink.obey({ ...answer(1), key: null });
    uplink.obey(answer(2, { final: false }));
    socket.confirm();
    expect(told).toEqual([]);
    expect(socket.wire).toHaveLength(2);
  });

  it('goes before all that waits, and has no bound', () => {
    const { uplink, socket, clock } = uplinkWorld({ maxContent: 1, maxAudio: 1 });
    socket.heldBytes = 100;
    uplink.send(text(1));
    uplink.send(audio(2));
    for (let key = 1; key <= 200; key++) uplink.obey(answer(key));
    expect(uplink.depth).toBe(202);
    socket.heldBytes = 0;
    clock.advanceBy(20);
    expect(socket.wire).toEqual([...Array.from({ length: 200 }, (_, n) => written(n + 1)), text(1), audio(2)]);
  });

  it('is held by the high-water mark too, and then the app’s messages wait behind it', () => {
    const { uplink, socket, clock } = uplinkWorld();
    socket.heldBytes = 100;
    uplink.obey(answer(1));
    socket.heldBytes = 0;
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    clock.advanceBy(20);
    expect(socket.wire).toEqual([written(1), text(1)]);
  });

  it('that the socket did not confirm is written again on the next, in order, and told of once', () => {
    const { uplink, socket, told, connect } = uplinkWorld();
    uplink.obey(answer(1));
    uplink.obey(answer(2));
    uplink.obey({ type: 'uplink.hold' });
    uplink.obey(answer(3));
    uplink.detach(socket);
    expect(told).toEqual([]);
    const next = connect();
    expect(next.wire).toEqual([written(1), written(2), written(3)]);
    socket.confirm();
    expect(told, 'a late word of the old socket counts for nothing').toEqual([]);
    next.confirm();
    expect(told).toEqual([1, 2, 3].map((key) => ({ type: 'uplink.written', key })));
  });

  it('that the socket refuses, now or later, waits for the next one, in order', () => {
    const { uplink, socket, told, connect } = uplinkWorld();
    uplink.obey(answer(1));
    uplink.obey(answer(2));
    socket.isClosing = true;
    uplink.obey(answer(3));
    socket.confirm(false);
    uplink.obey(answer(4));
    expect(uplink.send(text(1))).toEqual({ status: 'queued' });
    expect(socket.wire).toEqual([written(1), written(2)]);
    uplink.detach(socket);
    expect(connect().wire).toEqual([written(1), written(2), written(3), written(4), text(1)]);
    expect(told).toEqual([]);
  });
});

describe('an answer that is taken back', () => {
  it('while it waits is not written, and told of', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false });
    uplink.obey(answer(1));
    uplink.obey(answer(2));
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    expect(told).toEqual([{ type: 'uplink.withdrawn', key: 1 }]);
    expect(connect().wire).toEqual([written(2)]);
  });

  it('in parts loses the parts that wait; the call goes on', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false });
    uplink.obey(answer(1, { final: false }));
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    expect(told).toEqual([]);
    expect(connect().wire).toEqual([]);
  });

  it('after the socket took it is written: the socket’s word decides', () => {
    const { uplink, socket, told } = uplinkWorld();
    uplink.obey(answer(1));
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    expect(told).toEqual([]);
    socket.confirm();
    expect(told).toEqual([{ type: 'uplink.written', key: 1 }]);
  });

  it('after a socket took it that then was lost, is not written again on the next', () => {
    const { uplink, socket, told, connect } = uplinkWorld();
    uplink.obey(answer(1));
    uplink.obey(answer(2));
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    uplink.detach(socket);
    expect(told).toEqual([{ type: 'uplink.withdrawn', key: 1 }]);
    expect(connect().wire).toEqual([written(2)]);
  });

  it('that is unknown, or written, is nothing to tell', () => {
    const { uplink, socket, told } = uplinkWorld();
    uplink.obey(answer(1));
    socket.confirm();
    told.length = 0;
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    uplink.obey({ type: 'uplink.withdraw', key: 7 });
    expect(told).toEqual([]);
  });
});

describe('at the end', () => {
  it('an answer is written where the socket has room, and confirmed later', () => {
    const { uplink, socket, told } = uplinkWorld();
    uplink.obey(answer(1));
    uplink.obey({ type: 'uplink.end' });
    socket.confirm();
    expect(told).toEqual([{ type: 'uplink.written', key: 1 }]);
  });

  it('an answer that cannot be written goes with the session, which knows whose it was', () => {
    const { uplink, socket, told, clock } = uplinkWorld();
    socket.heldBytes = 100;
    uplink.obey(answer(1));
    uplink.obey({ type: 'uplink.end' });
    socket.heldBytes = 0;
    uplink.obey(answer(2));
    clock.advanceBy(100);
    expect([socket.wire, told, uplink.depth, clock.pending()]).toEqual([[], [], 0, 0]);
  });
});

describe('parts of answers, and answers that nobody asked for', () => {
  const part = (key: number) => answer(key, { final: false });
  const unasked = (id: string, key = 9) =>
    ({
      type: 'uplink.answer',
      key,
      final: true,
      unasked: true,
      message: { toolResponse: { functionResponses: [{ id, name: 't', response: {} }] } },
    }) as const;
  const last = (key: number, response: object) =>
    ({ type: 'uplink.answer', key, final: true, message: { toolResponse: { functionResponses: [{ id: `${key}`, name: 't', response }] } } }) as const;
  const refused = (id: string) => ({ type: 'uplink.told', fact: { type: 'tool.rejected', id, reason: 'full' } });

  it('that wait are bounded in number with content, and what is beyond is refused and told', () => {
    const { uplink, told, connect } = uplinkWorld({ online: false, maxContent: 3 });
    uplink.obey(part(1));
    uplink.send(text(1));
    uplink.obey(unasked('u'));
    uplink.obey(part(2));
    uplink.obey(unasked('v', 8));
    expect(told).toEqual([refused('call-2'), { type: 'uplink.withdrawn', key: 8 }]);
    expect(uplink.send(text(2))).toEqual({ status: 'rejected', reason: 'full' });
    uplink.obey(answer(2));
    const { wire } = connect();
    expect(wire).toEqual([written(1), unasked('u').message, written(2), text(1)]);
    uplink.obey(part(3));
    expect(wire.at(-1), 'what is written gives its room back').toEqual(written(3));
    expect(told).toHaveLength(2);
  });

  it('that are written are told to be', () => {
    const { uplink, socket, told, writes } = uplinkWorld();
    for (const command of [part(1), unasked('u'), last(2, {})]) uplink.obey(command);
    expect(writes).toEqual([]);
    socket.confirm();
    expect([writes, told]).toEqual([[1], [9, 2].map((key) => ({ type: 'uplink.written', key }))]);
  });

  it('that wait are bounded in bytes with all else, but for one that finds nothing waiting', () => {
    const { uplink, told } = uplinkWorld({ online: false, maxContent: 99, maxBytes: 200 });
    const sized = (bytes: number) => ({ ...part(1), message: { toolResponse: { by: '.'.repeat(bytes) } } });
    uplink.obey(sized(1_000));
    expect(told).toEqual([]);
    uplink.obey(sized(1));
    expect(uplink.send(text(1))).toEqual({ status: 'rejected', reason: 'full' });
    expect(told).toEqual([refused('call-1')]);
    uplink.obey({ type: 'uplink.withdraw', key: 1 });
    expect(uplink.send(text(1)), 'what is withdrawn gives its room back').toEqual({ status: 'queued' });
  });

  it('are taken as long as they can be written at once, however much else waits', () => {
    const { uplink, told, socket } = uplinkWorld({ maxContent: 1 });
    uplink.obey({ type: 'uplink.gate', closed: true });
    uplink.send({ realtimeInput: { text: 'held' } });
    expect(uplink.hasRoomFor(() => ({}))).toBe(true);
    uplink.obey(part(1));
    expect([told, socket.wire]).toEqual([[], [written(1)]]);
  });

  it('leave last answers, and those that are written once more, their place: they are never refused', () => {
    const { uplink, told, socket, connect } = uplinkWorld({ maxContent: 1, maxBytes: 1 });
    const response = { big: '.'.repeat(100) };
    uplink.obey(last(1, response));
    uplink.detach(socket);
    uplink.obey(part(2));
    uplink.obey({ ...last(1, response), key: null, again: 1 });
    uplink.obey({ ...last(1, response), key: null, again: 1 });
    uplink.obey(last(3, {}));
    expect(told).toEqual([]);
    const again = last(1, response).message;
    expect(connect().wire, 'and one that waits already is written once').toEqual([again, written(2), last(3, {}).message]);
  });

  it('leave an answer that a socket was given twice, and has not confirmed, for the next one once', () => {
    const { uplink, socket, connect } = uplinkWorld();
    const again = { ...last(1, { n: 1 }), key: null, again: 1 } as const;
    for (let nth = 0; nth < 2; nth++) uplink.obey(again);
    expect(socket.wire).toHaveLength(2);
    uplink.detach(socket);
    uplink.obey(again);
    expect(connect().wire).toEqual([again.message]);
  });

  it('that an old socket took wait again beside what waits, and are refused no more', () => {
    const { uplink, told, socket, connect } = uplinkWorld({ maxContent: 2 });
    for (const key of [1, 2, 3]) uplink.obey(part(key));
    uplink.detach(socket);
    uplink.obey(part(4));
    expect(told).toEqual([refused('call-4')]);
    expect(connect().wire).toEqual([1, 2, 3].map(written));
  });

  it('that the end of the session finds waiting, or that come after it, are told', () => {
    const { uplink, told } = uplinkWorld({ online: false, maxContent: 9 });
    uplink.obey(part(1));
    uplink.obey(unasked('u'));
    uplink.obey(answer(2));
    uplink.send(text(1));
    uplink.obey({ type: 'uplink.end' });
    uplink.obey(unasked('v'));
    uplink.obey(part(1));
    const dropped = (count: number) => ({
      type: 'uplink.told',
      fact: { type: 'session.dropped', lane: 'content', count, reason: 'ended', ref: null },
    });
    expect(told, 'last answers end with their calls').toEqual([dropped(2), dropped(1)]);
    expect(uplink.holdsAnswers).toBe(false);
  });
});

describe('whoever waits for room', () => {
  const settled = async (promise: Promise<void>) => {
    let isSettled = false;
    void promise.then(() => (isSettled = true));
    await new Promise((resolve) => setImmediate(resolve));
    return isSettled;
  };

  it.each<[string, (world: ReturnType<typeof uplinkWorld>, abort: AbortController) => void]>([
    ['something is written', ({ connect }) => void connect()],
    ['an answer is withdrawn', ({ uplink }) => uplink.obey({ type: 'uplink.withdraw', key: 1 })],
    ['audio is let go', ({ uplink }) => uplink.obey({ type: 'uplink.gate', closed: true })],
    ['the uplink ends', ({ uplink }) => uplink.end()],
    ['the signal aborts', (_, abort) => abort.abort()],
  ])('is let go when %s, and leaves no listener', async (_, happen) => {
    const world = uplinkWorld({ online: false });
    world.uplink.obey(answer(1, { final: false }));
    world.uplink.send(audio(1));
    const abort = new AbortController();
    const room = world.uplink.room(abort.signal);
    expect(await settled(room)).toBe(false);
    happen(world, abort);
    expect(await settled(room)).toBe(true);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    abort.abort();
    expect(await settled(world.uplink.room(abort.signal)), 'an aborted one does not wait').toBe(true);
  });
});

describe('the place of the scheduling', () => {
  const response = { id: 'a', name: 't', response: { at: 1 }, scheduling: 'SILENT' };
  const scheduled = { type: 'uplink.answer', key: 1, final: true, message: { toolResponse: { functionResponses: [response] } } } as const;

  it.each([
    ['sibling', response],
    ['inside', { id: 'a', name: 't', response: { at: 1, scheduling: 'SILENT' } }],
  ] as const)('is %s of the response', (schedulingPlace, expected) => {
    const { uplink, socket } = uplinkWorld({ schedulingPlace });
    uplink.obey(scheduled);
    expect(socket.wire).toEqual([{ toolResponse: { functionResponses: [expected] } }]);
  });
});
