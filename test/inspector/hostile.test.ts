/** Viewers that mean no good, or cannot keep up: the app lives, and pays nothing. */
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { maxFrameBytes, subprotocolsOf } from '../../src/inspector/protocol.js';
import { leastHeap } from './garbage.js';
import { type Opened, open, openDoors } from './open.js';
import { answered } from './raw.js';

const seed = 20_251_122;

/** A viewer that says what it likes, and counts what it is answered. */
class Rude {
  readonly socket: WebSocket;
  answers = 0;
  isOpen = true;
  #heard: () => void = () => undefined;

  constructor(port: number, token: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, subprotocolsOf(token));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isOpen = false;
      this.#heard();
    });
    this.socket.on('message', (data: Buffer) => {
      if (!data.toString().startsWith('{"type":"result"')) return;
      this.answers++;
      this.#heard();
    });
  }

  /** Says it, and waits until it is answered or hung up on. */
  async say(frame: string | Buffer): Promise<void> {
    const { answers } = this;
    this.socket.send(frame);
    while (this.isOpen && this.answers === answers) await new Promise<void>((resolve) => (this.#heard = resolve));
  }
}

const paths = fc.constantFrom('app', 'app/a', 'app/none', '', 'x'.repeat(5_000), '../..', '__proto__');
const almost = fc.record(
  {
    type: fc.constantFrom('watch', 'unwatch', 'value', 'history', 'control', 'replay', 'welcome', '__proto__', 'constructor'),
    id: fc.oneof(fc.nat(), fc.double(), fc.string(), fc.constant(-1)),
    branch: paths,
    actor: paths,
    detail: fc.constantFrom('summary', 'full', 'all'),
    pointer: fc.constantFrom('/a', '', 'a', '/__proto__'),
    from: fc.oneof(fc.nat(), fc.double()),
    to: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
    action: fc.constantFrom('send', 'stop', 'kill', 'restart', 'eval'),
    event: fc.oneof(fc.object(), fc.record({ type: fc.string() }), fc.constant(null)),
  },
  { requiredKeys: ['type'] },
);
const deep = fc
  .nat(20_000)
  .map((depth) => `{"type":"control","id":1,"action":"send","actor":"app","event":${'['.repeat(depth)}${']'.repeat(depth)}}`);
const frames = fc.oneof(
  { weight: 4, arbitrary: almost.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: deep },
);

async function fuzz({ port, token }: Opened, count: number, from: number): Promise<void> {
  let rude: Rude | undefined;
  for (const frame of fc.sample(frames, { seed: from, numRuns: count })) {
    if (rude === undefined || !rude.isOpen) {
      rude = new Rude(port, token);
      await once(rude.socket, 'open');
    }
    await rude.say(frame);
  }
  rude?.socket.terminate();
}

describe('a hostile viewer', () => {
  it(`says ten thousand frames, and the inspector lives, its heap flat (seed ${seed})`, { timeout: 120_000 }, async () => {
    const opened = await open({ control: true }, openDoors);
    opened.feed.actor('app/a');
    await fuzz(opened, 2_000, seed);
    const before = leastHeap();
    await fuzz(opened, 8_000, seed + 1);
    const grown = leastHeap() - before;
    expect(grown).toBeLessThan(4_000_000);
    const viewer = await opened.look();
    await viewer.watch('', 'full');
    const seq = opened.feed.event('app/a');
    await expect(viewer.line(seq)).resolves.toMatchObject({ actor: 'app/a' });
    expect(opened.ref.getSnapshot()).toMatchObject({ status: 'active' });
  });

  it(`writes bytes that are no HTTP and no WebSocket (seed ${seed})`, { timeout: 120_000 }, async () => {
    const opened = await open({}, openDoors);
    const { port, token } = opened;
    const start = fc.constantFrom(
      '',
      'GET / HTTP/1.1\r\n',
      `GET /recording HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`,
      `GET /socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      `GET /socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: espalier.1, token.${token}\r\n\r\n`,
    );
    const bytes = fc
      .tuple(start, fc.uint8Array({ maxLength: 300 }), fc.boolean())
      .map(([text, more, ends]) => Buffer.concat([Buffer.from(text), more, Buffer.from(ends ? '\r\n\r\n' : '')]));
    for (const data of fc.sample(bytes, { seed, numRuns: 1_000 })) {
      await answered(port, data, { ends: true });
    }
    await expect((await opened.look()).first('welcome')).resolves.toMatchObject({ v: 1 });
  });

  it('is hung up on at the third frame that is none, and told why', async () => {
    const { look } = await open();
    const viewer = await look();
    for (const frame of ['{', 'null', '{"type":"watch"}']) viewer.socket.send(frame);
    await expect(viewer.closed).resolves.toMatchObject({ code: 1008 });
    expect(viewer.all('result').map((result) => !result.ok && result.error.code)).toEqual(['invalid-frame', 'invalid-frame']);
    expect(viewer.all('bye')).toHaveLength(1);
  });

  it('is hung up on at the third whose reason is longer than a close can hold, and the app lives', async () => {
    const { look, ref } = await open();
    const viewer = await look();
    for (const letter of ['漢', '😀', '漢']) viewer.socket.send(JSON.stringify({ type: 'unwatch', id: 1, branch: '', [letter.repeat(60)]: 1 }));
    const { code, reason } = await viewer.closed;
    expect(code).toBe(1008);
    expect(reason).toMatch(/^the third frame that is none: .*漢/);
    await expect((await look()).first('welcome')).resolves.toMatchObject({ v: 1 });
    expect(ref.getSnapshot()).toMatchObject({ status: 'active' });
  });

  it('is hung up on when it says more than 64 kB at once, or speaks too often', async () => {
    const { look } = await open();
    const large = await look();
    large.socket.send('x'.repeat(maxFrameBytes + 1));
    await expect(large.closed).resolves.toMatchObject({ code: 1009 });
    const often = await look();
    for (let index = 0; index < 1_000; index++) often.socket.send(JSON.stringify({ type: 'unwatch', id: index, branch: 'x' }));
    await expect(often.closed).resolves.toMatchObject({ code: 1008 });
  });

  it('cannot control an app that does not allow it, whatever it says', async () => {
    const { feed, look } = await open();
    const a = feed.actor('app/a');
    const viewer = await look();
    await viewer.first('welcome');
    const requests = [{ action: 'send', event: { type: 'TICK' } }, { action: 'stop' }, { action: 'kill' }, { action: 'restart' }] as const;
    for (const request of requests)
      await expect(viewer.ask({ type: 'control', actor: 'app/a', ...request })).resolves.toMatchObject({ ok: false, error: { code: 'read-only' } });
    expect(a.getSnapshot()).toMatchObject({ status: 'active', value: 'on' });
  });
});

describe('a viewer that cannot keep up', () => {
  it('loses details, is told how many, and gets a fresh keyframe; others lose nothing', { timeout: 60_000 }, async () => {
    const { feed, look } = await open({ maxQueueBytes: 200_000, stallMs: 120_000 });
    const [slow, quick] = [await look(), await look()];
    await slow.watch('', 'full');
    await quick.watch('', 'full');
    const keyframes = slow.all('keyframe').length;
    slow.socket.pause();
    let last = 0;
    for (let round = 0; round < 100; round++) {
      for (let index = 0; index < 10; index++) last = feed.event('app', 10_000);
      await quick.line(last);
    }
    expect(quick.all('dropped')).toEqual([]);
    expect(quick.lines()).toHaveLength(1_000);
    slow.socket.resume();
    const dropped = await slow.first('dropped');
    await slow.until(() => (slow.all('keyframe').length > keyframes ? true : undefined));
    const seq = feed.event('app');
    await slow.line(seq);
    const total = slow.all('dropped').reduce((sum, { count }) => sum + count, 0);
    expect(dropped.count).toBeGreaterThan(0);
    expect(slow.lines().length + total).toBe(1_001);
    expect(slow.largest).toBeLessThanOrEqual(maxFrameBytes);
  });

  it('and asks for everything again and again is told it once, until it has read that', { timeout: 60_000 }, async () => {
    const { feed, look, ref } = await open({ maxQueueBytes: 200_000, stallMs: 300 });
    for (let index = 0; index < 10_000; index++) feed.actors.set(`app/${'x'.repeat(2_000)}${index}`, feed.root);
    const left = new Promise<string>((resolve) => {
      ref.on('inspector.viewerLeft', ({ why }: { why: string }) => resolve(why));
    });
    const ask = feed.keyframe.bind(feed);
    let asked = 0;
    feed.keyframe = (...about) => {
      asked++;
      return ask(...about);
    };
    const viewer = await look();
    viewer.socket.pause();
    for (let id = 0; id < 60; id++) viewer.socket.send(JSON.stringify({ type: 'watch', id, branch: '', detail: 'full' }));
    await expect(left).resolves.toBe('it took nothing for too long');
    expect(asked).toBe(1);
  });

  it('is cut off when it takes nothing at all', { timeout: 60_000 }, async () => {
    const { feed, look, ref } = await open({ maxQueueBytes: 200_000, stallMs: 300 });
    const left = new Promise<string>((resolve) => {
      ref.on('inspector.viewerLeft', ({ why }: { why: string }) => resolve(why));
    });
    const viewer = await look();
    await viewer.watch('', 'full');
    viewer.socket.pause();
    // More than the kernel keeps for somebody who does not read.
    for (let index = 0; index < 10_000; index++) feed.actors.set(`app/${'x'.repeat(2_000)}${index}`, feed.root);
    viewer.socket.send(JSON.stringify({ type: 'watch', id: 99, branch: 'app', detail: 'full' }));
    await expect(left).resolves.toBe('it took nothing for too long');
    expect(ref.getSnapshot()).toMatchObject({ status: 'active' });
  });
});
