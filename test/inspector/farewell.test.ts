/** Who floods the inspector with frames that say nothing, or does not go when it is hung up on, is cut: on every door, and soon. */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { SimulatedClock } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { Connection } from '../../src/inspector/connection.js';
import type { Clock } from '../../src/supervision/clock.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Opened, open } from './open.js';
import { answered, knock } from './raw.js';

/** A socket under the test's hand. */
class FakeSocket extends EventEmitter {
  readonly done: string[] = [];
  readonly isPaused = false;
  close(code: number): void {
    this.done.push(`close ${code}`);
  }
  terminate(): void {
    this.done.push('terminate');
    this.emit('close');
  }
}

function connected() {
  const time = new SimulatedClock();
  const clock: Clock = {
    now: () => time.now(),
    setTimeout: (todo, ms) => time.setTimeout(todo, ms),
    clearTimeout: (id) => time.clearTimeout(id as never),
  };
  const socket = new FakeSocket();
  const heard: string[] = [];
  const connection = new Connection(socket as unknown as WebSocket, clock, {
    hear: () => heard.push('frame'),
    ended: (why) => heard.push(why),
  });
  return { time, socket, heard, connection };
}

describe('a connection', () => {
  it.each(['ping', 'pong'])('hangs up on who sends a %s without end, and hears those of who does not', (frame) => {
    const { time, socket, heard } = connected();
    for (let second = 0; second < 60; second++) {
      for (let count = 0; count < 90; count++) socket.emit(frame);
      time.increment(1_000);
    }
    expect(heard).toEqual([]);
    for (let count = 0; count < 1_000; count++) socket.emit(frame);
    expect(heard).toEqual(['at most a hundred pings and pongs a second']);
    expect(socket.done).toEqual(['close 1008']);
    for (let count = 0; count < 3_000; count++) socket.emit(frame);
    expect(socket.done).toContain('terminate');
  });

  it('that was hung up on is cut when it has not gone after a second', () => {
    const { time, socket, connection } = connected();
    connection.bye(1008, 'enough');
    time.increment(999);
    expect(socket.done).toEqual(['close 1008']);
    time.increment(1);
    expect(socket.done).toEqual(['close 1008', 'terminate']);
  });

  it('that broke the protocol is cut ten times as soon, though it was hung up on before; nothing waits for one that has gone', () => {
    for (const isHungUpOn of [false, true]) {
      const { connection, socket, time } = connected();
      if (isHungUpOn) connection.bye(1008, 'enough');
      socket.emit('error', new Error('bad frame'));
      time.increment(99);
      expect(socket.done).not.toContain('terminate');
      time.increment(1);
      expect(socket.done).toContain('terminate');
    }
    const gone = connected();
    gone.connection.bye(1001, 'closing');
    gone.socket.emit('close');
    gone.time.increment(60_000);
    expect(gone.socket.done).toEqual(['close 1001']);
  });

  it('that was hung up on is not heard, and cut before its time when it talks on', () => {
    const { socket, heard, connection } = connected();
    connection.bye(1008, 'enough');
    for (let count = 0; count < 1_999; count++) socket.emit('message', Buffer.from('x'), false);
    expect(socket.done).toEqual(['close 1008']);
    socket.emit('message', Buffer.from('x'), false);
    expect(socket.done).toEqual(['close 1008', 'terminate']);
    expect(heard).toEqual(['enough']);
  });
});

const handshake = ({ port, token }: Opened, path: string): string =>
  [
    `GET ${path.replace('TOKEN', token)} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...(path === '/socket' ? [`Sec-WebSocket-Protocol: espalier.1, token.${token}`] : []),
  ].join('\r\n') + '\r\n\r\n';

describe('the doors of an inspector', () => {
  const pongs = Buffer.concat(Array<Buffer>(5_000).fill(Buffer.from([0x8a, 0x80, 0, 0, 0, 0])));

  it.each(['/socket', '/xstate-inspect/TOKEN', '/statelyai/TOKEN', '/statelyai-app/TOKEN'])(
    '%s: empty pongs without end are cut off',
    async (path) => {
      const opened = await open();
      const answer = await answered(opened.port, Buffer.concat([Buffer.from(handshake(opened, path)), pongs]));
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer).toContain('at most a hundred pings and pongs a second');
    },
  );

  it.each([
    ['/socket', 64],
    ['/xstate-inspect/TOKEN', 64],
    ['/statelyai/TOKEN', 64],
    ['/statelyai-app/TOKEN', 1_024],
  ])('%s: a message in more than %i parts is cut off, though all of them are empty', async (path, most) => {
    const opened = await open();
    const [first, more] = [0x01, 0x00].map((opcode) => Buffer.from([opcode, 0x80, 0, 0, 0, 0])) as [Buffer, Buffer];
    const end = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const said = async (parts: number): Promise<string> => {
      const frames = [first, ...Array<Buffer>(parts - 1).fill(more), end];
      return answered(opened.port, Buffer.concat([Buffer.from(handshake(opened, path)), ...frames]));
    };
    // The close that ends with these bytes: 1008 to who broke the bound, none to who did not.
    expect((await said(most + 1)).slice(-4)).toBe('\x88\x02\x03\xf0');
    expect((await said(most)).slice(-2)).toBe('\x88\x00');
  });

  it('who comes again and again is refused, and another gets in as soon as there is time for it', async () => {
    const clock = new VirtualClock();
    const opened = await open({ maxViewers: 100 }, { clock });
    const end = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const come = () => answered(opened.port, Buffer.concat([Buffer.from(handshake(opened, '/socket')), end]));
    for (let count = 0; count < 164; count++) expect(await come()).toMatch(/^HTTP\/1\.1 101 /);
    for (let count = 0; count < 3; count++) expect(await come()).toMatch(/^HTTP\/1\.1 503 [^]*\r\n\r\ntoo many come at once: again in a second\n$/);
    // Who has no token takes nobody's place.
    clock.advanceBy(100);
    expect(await answered(opened.port, handshake({ ...opened, token: 'x'.repeat(43) }, '/socket'))).toMatch(/^HTTP\/1\.1 401 /);
    const viewer = await opened.look();
    clock.advanceBy(100);
    await expect(viewer.first('welcome')).resolves.toMatchObject({ v: 1 });
  });

  it('a viewer that does not answer the close is cut', async () => {
    const opened = await open();
    const frames = Buffer.concat(Array<Buffer>(3).fill(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78])));
    expect(await answered(opened.port, Buffer.concat([Buffer.from(handshake(opened, '/socket')), frames]))).toContain('the third frame that is none');
  });

  it('connections that say nothing keep nobody out: the oldest of them go', async () => {
    const { port, look } = await open({ maxViewers: 1 });
    const silent = await Promise.all(Array.from({ length: 65 }, () => knock(port)));
    onTestFinished(() => silent.forEach((socket) => socket.destroy()));
    const isOver = new Promise((resolve) => silent.forEach((socket) => socket.once('close', resolve)));
    await expect((await look()).first('welcome')).resolves.toMatchObject({ v: 1 });
    await isOver;
  });

  it('one that says nothing goes by itself, in a few seconds', async () => {
    const { port } = await open();
    await answered(port, '');
  });
});
