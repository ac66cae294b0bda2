/** Answers to calls in the uplink: reserved, first, written over as many sockets as it takes, and not written once they were taken back. */
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
