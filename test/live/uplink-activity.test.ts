/** Speech that the app delimits itself, over several sockets: a new one has never heard that it began. */
import { describe, expect, it } from 'vitest';
import { answer, audio, text, uplinkWorld } from './uplink-world.js';

const start = { realtimeInput: { activityStart: {} } };
const end = { realtimeInput: { activityEnd: {} } };

/** An uplink whose socket has heard that the user began to speak, and some of it. */
function speaking(...limits: Parameters<typeof uplinkWorld>) {
  const world = uplinkWorld(...limits);
  world.uplink.send(start);
  world.uplink.send(audio(1));
  return world;
}

describe('an activity that is open when its socket goes', () => {
  it('begins once more on the next, before what follows, and ends there', () => {
    const { uplink, socket, connect } = speaking();
    uplink.detach(socket);
    uplink.send(audio(2));
    const next = connect();
    uplink.send(audio(3));
    uplink.send(end);
    expect(next.wire).toEqual([start, audio(2), audio(3), end]);
    uplink.detach(next);
    uplink.send(text(4));
    expect(connect().wire, 'it is over').toEqual([text(4)]);
  });

  it('begins once more on each of several sockets, once', () => {
    const { uplink, socket, connect } = speaking();
    uplink.detach(socket);
    const second = connect();
    uplink.detach(second);
    uplink.detach(second);
    const third = connect();
    expect([second.wire, third.wire]).toEqual([[start], [start]]);
  });

  it('begins before what is left of it, be that its end alone: an end comes with its start', () => {
    const [first, second] = [speaking(), speaking()];
    first.uplink.detach(first.socket);
    first.uplink.send(audio(2));
    first.uplink.send(end);
    expect(first.connect().wire).toEqual([start, audio(2), end]);
    second.uplink.detach(second.socket);
    second.uplink.send(text(2));
    second.uplink.send(end);
    expect(second.connect().wire).toEqual([start, text(2), end]);
  });

  it.each([
    ['its end waited already', [end], [start, end]],
    ['its last words and its end waited already', [audio(2), end], [start, audio(2), end]],
    ['the start of another waited already', [end, start, audio(2)], [start, end, start, audio(2)]],
    ['a start waited already', [start, audio(2)], [start, audio(2)]],
  ])('and %s on the old socket', (_, waiting, wire) => {
    const { uplink, socket, connect } = speaking({ maxContent: 9 });
    socket.heldBytes = 100;
    for (const message of waiting) uplink.send(message);
    uplink.detach(socket);
    expect(connect().wire).toEqual(wire);
  });

  it('is not begun twice where the app begins it again by itself', () => {
    const { uplink, socket, connect } = speaking();
    uplink.detach(socket);
    uplink.send(start);
    uplink.send(audio(2));
    expect(connect().wire).toEqual([start, audio(2)]);
  });

  it('that no socket has heard of is written as it waits', () => {
    const { uplink, socket, connect } = uplinkWorld({ online: false });
    uplink.send(start);
    uplink.attach(socket);
    uplink.detach(socket);
    expect(connect().wire).toEqual([start]);
  });

  it('waits for the microphone to be opened, behind answers and the seed of a conversation', () => {
    const { uplink, socket, connect } = speaking();
    uplink.obey({ type: 'uplink.gate', closed: true });
    uplink.detach(socket);
    uplink.obey(answer(1));
    uplink.obey({ type: 'uplink.seed', message: text(0) });
    const next = connect();
    expect(next.wire).toEqual([{ toolResponse: { key: 1 } }, text(0)]);
    uplink.obey({ type: 'uplink.gate', closed: false });
    uplink.send(audio(2));
    expect(next.wire.slice(2)).toEqual([start, audio(2)]);
  });

  it('is nothing that the app has sent: the end of the session does not tell of it', () => {
    const { uplink, socket, told } = speaking();
    uplink.detach(socket);
    uplink.end();
    expect(told).toEqual([]);
  });
});
