/** Ten thousand frames and requests at each way in, from a seed, through real sockets: the inspector lives, lets nobody in who may not, its heap is flat. */
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { leastHeap } from './garbage.js';
import { type Opened, open, openDoors } from './open.js';
import { answered } from './raw.js';

const seed = 20_261_123;
/** What may be held more after four fifths of it than before: less than a kilobyte for each frame that was said. */
const mostGrown = 4_000_000;

const kinds = ['xstate.inspecting', 'xstate.event', 'xstate.disconnect', 'service.register', '@statelyai.connected', '@statelyai.disconnected'];
const appKinds = ['@xstate.actor', '@xstate.event', '@xstate.snapshot'];
const word = fc.constantFrom('app', 'app/a', 'x:0', 'TICK', 'scxml', '__proto__', 'constructor', '', 'x'.repeat(5_000));
const held = fc.oneof(word, fc.object(), fc.nat(), fc.constant(null));
const almost = fc.record(
  {
    type: fc.constantFrom(...kinds, ...appKinds),
    event: fc.oneof(
      held,
      fc.record({ name: word, data: held, $$type: word, type: word, origin: word }, { requiredKeys: [] }).map((event) => JSON.stringify(event)),
    ),
    ...{
      service: word,
      sessionId: word,
      rootId: word,
      parentId: word,
      sourceId: word,
      name: word,
      definition: held,
      snapshot: held,
      createdAt: held,
    },
  },
  { requiredKeys: ['type'] },
);
const deep = fc.nat(5_000).map((depth) => `{"type":"xstate.event","event":${'['.repeat(depth)}${']'.repeat(depth)}}`);
const frames = fc.oneof(
  { weight: 5, arbitrary: almost.map((frame) => JSON.stringify(frame)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: deep },
);

/** Says a frame, and waits until it has been read, or has been the last. */
async function say(socket: WebSocket, frame: string | Buffer): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return;
  const read = new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('pong', done).off('close', done);
      resolve();
    };
    socket.on('pong', done).on('close', done);
  });
  socket.send(frame);
  socket.ping();
  await read;
}

/** @returns a socket that is open; null where there is no such way in */
async function enter({ port, token }: Opened, path: string): Promise<WebSocket | null> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}/${token}`);
  socket.on('error', () => undefined);
  const isIn = await new Promise<boolean>((resolve) => socket.once('open', () => resolve(true)).once('close', () => resolve(false)));
  return isIn ? socket : null;
}

async function fuzz(opened: Opened, path: string, count: number, from: number): Promise<number> {
  let socket: WebSocket | null = null;
  let said = 0;
  // Each is hung up on before long: it speaks too often, and what is none.
  for (const frame of fc.sample(frames, { seed: from, numRuns: count })) {
    if (socket?.readyState !== WebSocket.OPEN) socket = await enter(opened, path);
    if (socket === null) return said;
    await say(socket, frame);
    said++;
  }
  if (socket !== null && socket.readyState !== WebSocket.CLOSED) {
    const closed = once(socket, 'close');
    socket.terminate();
    await closed;
  }
  return said;
}

describe('ten thousand frames', () => {
  it.each(['xstate-inspect', 'statelyai', 'statelyai-app'])(`at /%s (seed ${seed})`, { timeout: 240_000 }, async (path) => {
    const opened = await open({ control: true }, openDoors);
    opened.feed.actor('app/a');
    const isThere = (await fuzz(opened, path, 2_000, seed)) > 0;
    const before = leastHeap();
    await expect(fuzz(opened, path, 8_000, seed + 1)).resolves.toBe(isThere ? 8_000 : 0);
    expect(leastHeap() - before).toBeLessThan(mostGrown);
    const viewer = await opened.look();
    await viewer.watch('', 'full');
    await expect(viewer.line(opened.feed.event('app/a'))).resolves.toMatchObject({ actor: 'app/a' });
    expect(opened.ref.getSnapshot()).toMatchObject({ status: 'active' });
  });
});

describe('ten thousand requests', () => {
  it(`with any path and any headers: none gets what needs the token, none is answered by a fault (seed ${seed})`, { timeout: 240_000 }, async () => {
    const opened = await open({}, openDoors);
    const { port } = opened;
    const line = fc.string({ maxLength: 60, unit: 'binary-ascii' }).map((text) => text.replaceAll(/[\r\n]/g, ''));
    const path = fc.oneof(
      fc.constantFrom(
        '/',
        '/recording',
        '/health',
        '/socket',
        '/statelyai/',
        '/xstate-inspect/x',
        '//',
        '/../../etc/passwd',
        '/%2e%2e',
        '*',
        'http://evil/',
      ),
      fc.webPath(),
      line,
    );
    const header = fc.oneof(
      fc.constantFrom(
        `Host: 127.0.0.1:${port}`,
        'Host: evil',
        'Origin: http://evil',
        'Origin: null',
        'Authorization: Bearer x',
        'Authorization: Bearer ',
      ),
      fc.constantFrom('Connection: Upgrade', 'Upgrade: websocket', 'Expect: 100-continue', 'Content-Length: 10', 'Transfer-Encoding: chunked'),
      fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), line).map(([name, value]) => `${name}: ${value}`),
      line,
      fc.nat(30_000).map((length) => `X: ${'x'.repeat(length)}`),
    );
    const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT', 'TRACE', 'get', '');
    const requests = fc
      .tuple(method, path, fc.boolean(), fc.array(header, { maxLength: 5 }))
      .map(([verb, where, isOwn, headers]) =>
        [`${verb} ${where} HTTP/1.1`, ...(isOwn ? [`Host: 127.0.0.1:${port}`, 'Connection: close'] : []), ...headers, '', ''].join('\r\n'),
      );
    const statuses = new Set<string>();
    const ask = async (count: number, from: number): Promise<void> => {
      for (const text of fc.sample(requests, { seed: from, numRuns: count })) {
        const answer = await answered(port, text, { ends: true });
        statuses.add(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none');
        expect(answer).not.toContain('x-ndjson');
      }
    };
    await ask(2_000, seed);
    const before = leastHeap();
    await ask(8_000, seed + 1);
    expect(leastHeap() - before).toBeLessThan(mostGrown);
    expect([...statuses].filter((status) => status.startsWith('5'))).toEqual([]);
    expect([...statuses]).toEqual(expect.arrayContaining(['200', '400', '401', '403', '404', '405']));
    await expect((await opened.look()).first('welcome')).resolves.toMatchObject({ v: 1 });
  });
});
