import { once } from 'node:events';
import { type IncomingMessage, request, Server, type ServerResponse } from 'node:http';
import { createActor } from 'xstate';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { inspectorMachine } from '../../machines/inspector/inspector.js';
import { planInspector } from '../../src/inspector/plan.js';
import { maxFrameBytes, subprotocolsOf } from '../../src/inspector/protocol.js';
import { Look } from './look.js';
import { answerHttp, type ServedPage } from '../../src/inspector/http-side.js';
import { Respite } from '../../src/inspector/respite.js';
import { server } from '../../src/inspector/server.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { FakeFeed } from './fake-feed.js';
import { open } from './open.js';
import { answered } from './raw.js';

const raw = (port: number, lines: readonly string[]): Promise<string> => answered(port, `${lines.join('\r\n')}\r\n\r\n`);

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

const handshake = (port: number, more: readonly string[] = []): string[] => [
  'GET /socket HTTP/1.1',
  ...(more.some((line) => line.startsWith('Host:')) ? [] : [`Host: 127.0.0.1:${port}`]),
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ...more,
];

/** A GET. */
async function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece as string;
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

describe('who is let in', () => {
  it('refuses a handshake without the token, with a wrong one, and without the version', async () => {
    const { port, token } = await open();
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const offers = [
      [],
      [`Sec-WebSocket-Protocol: espalier.1, token.${wrong}`],
      [`Sec-WebSocket-Protocol: token.${token}`],
      ['Sec-WebSocket-Protocol: espalier.1, token.'],
    ];
    for (const offer of offers) expect(statusOf(await raw(port, handshake(port, offer)))).toBe(401);
  });

  it('refuses a foreign page, before it looks at the token', async () => {
    const { port, token } = await open();
    const offer = `Sec-WebSocket-Protocol: ${subprotocolsOf(token).join(', ')}`;
    for (const origin of [
      'https://evil.example',
      `http://127.0.0.1.evil.example:${port}`,
      `http://127.0.0.1:${port + 1}`,
      'null',
      `https://127.0.0.1:${port}`,
      '',
    ])
      expect(statusOf(await raw(port, handshake(port, [`Origin: ${origin}`, offer])))).toBe(403);
    expect(statusOf(await raw(port, [`GET / HTTP/1.1`, `Host: localhost:${port}`, 'Origin: https://evil.example']))).toBe(403);
  });

  it('lets its own page in, and one that the app has listed', async () => {
    const { port, token } = await open({ origins: ['https://stately.ai'] });
    for (const origin of [`http://127.0.0.1:${port}`, `http://localhost:${port}`, `http://[::1]:${port}`, 'https://stately.ai']) {
      const look = new Look(port, token, { Origin: origin });
      await expect(look.first('welcome')).resolves.toMatchObject({ v: 1, control: false });
    }
  });

  it('refuses every name but its own: a name that somebody has pointed here is none', async () => {
    const { port, token } = await open();
    const offer = `Sec-WebSocket-Protocol: ${subprotocolsOf(token).join(', ')}`;
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:${port}@evil.example`,
      `0.0.0.0:${port}`,
    ])
      expect(statusOf(await raw(port, handshake(port, [`Host: ${host}`, offer])))).toBe(403);
    expect(statusOf(await raw(port, ['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`, `Host: evil.example`]))).toBeGreaterThanOrEqual(400);
  });

  it('gives the recording to who shows the token, and to nobody else', async () => {
    const { port, token } = await open();
    expect((await get(port, '/recording')).status).toBe(401);
    expect((await get(port, `/recording?token=${token}`)).status).toBe(401);
    expect((await get(port, '/recording', { Authorization: 'Bearer nonsense' })).status).toBe(401);
    const answer = await get(port, '/recording', { Authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({ status: 200, text: expect.stringMatching(/^\{"type":"recording"/) });
  });

  it('makes one recording, and the next after ten times what that has cost', () => {
    const clock = new VirtualClock();
    const statuses: number[] = [];
    const response = { writeHead: (status: number) => (statuses.push(status), response), end: () => response };
    const headers = { host: '127.0.0.1:1', authorization: 'Bearer token' };
    const asked = { method: 'GET', url: '/recording', headers, rawHeaders: ['Host', headers.host] } as unknown as IncomingMessage;
    const feed = { recording: () => (clock.advanceBy(200), '') };
    const recordings = new Respite(clock);
    const side = { door: { token: 'token', port: 1, origins: [] }, page: {} as ServedPage, feed, recordings };
    for (const ms of [0, 1_999, 1]) {
      clock.advanceBy(ms);
      answerHttp(asked, response as unknown as ServerResponse, side);
    }
    expect(statuses).toEqual([200, 429, 200]);
  });

  it('serves the page and its health without one, and lets the browser do nothing else with it', async () => {
    const { port } = await open();
    const page = await get(port, '/');
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src /);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(JSON.parse((await get(port, '/health')).text)).toEqual({ inspector: 'espalier', v: 1 });
    expect((await get(port, '/etc/passwd')).status).toBe(404);
    expect(statusOf(await raw(port, ['POST / HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Content-Length: 4', '', 'abcd']))).toBe(405);
  });

  it('has room for so many, and no more', async () => {
    const { look, port, token } = await open({ maxViewers: 2 });
    await look();
    await look();
    expect(statusOf(await raw(port, handshake(port, [`Sec-WebSocket-Protocol: ${subprotocolsOf(token).join(', ')}`])))).toBe(503);
  });

  it('takes the next port where its own is taken, or says that it is', async () => {
    const first = await open();
    const second = await open({ port: first.port, orNext: 20 });
    expect(second.port).toBeGreaterThan(first.port);
    await expect(open({ port: first.port })).rejects.toThrow(/EADDRINUSE/);
  });

  it('takes no port any more that it was about to try when it ended', async () => {
    const first = await open();
    const listens = vi.spyOn(Server.prototype, 'listen');
    onTestFinished(() => listens.mockRestore());
    const plan = planInspector({ port: first.port, orNext: 20 });
    const actor = server({ plan, facts: { title: '', pid: 1, runtime: '', version: '0' }, open: () => new FakeFeed() });
    const ref = createActor(inspectorMachine.provide({ actors: { server: actor } }), { input: { listenMs: 5_000, closeMs: 1_000 } }).start();
    const http = listens.mock.contexts[0] as Server;
    ref.stop();
    // As it comes when the end was faster than the kernel.
    http.emit('error', Object.assign(new Error('taken'), { code: 'EADDRINUSE' }));
    expect(listens).toHaveBeenCalledTimes(1);
  });
});

describe('what is told', () => {
  it('is nothing before something is watched; then all that there is, then what comes after', async () => {
    const { feed, look } = await open();
    feed.actor('app/a');
    const viewer = await look();
    await expect(viewer.first('welcome')).resolves.toMatchObject({ app: { root: 'app', title: 'a test' }, seq: 0 });
    expect(feed.followed).toEqual([]);
    feed.event('app/a');
    const lines = await viewer.watch('', 'full');
    expect(lines.map(({ type }) => type)).toEqual(['@espalier.keyframe', '@xstate.actor', '@xstate.actor']);
    const seq = feed.event('app/a');
    await viewer.line(seq);
    expect(viewer.lines().map((line) => line.seq)).toEqual([seq]);
  });

  it('of a branch in a summary: its state and how many events came, once for however many', async () => {
    const { feed, look } = await open();
    const a = feed.actor('app/a');
    const viewer = await look();
    await viewer.watch('app', 'summary');
    await viewer.until((told) => told.find((message) => message.type === 'summary'));
    for (let index = 0; index < 1_001; index++) a.send({ type: 'TICK' });
    const summary = await viewer.until(() => viewer.all('summary').find(({ actors }) => actors.some(({ events }) => events > 0)));
    expect(summary.actors).toEqual([{ actor: 'app/a', status: 'active', value: 'off', events: 1_001 }]);
    expect(viewer.lines()).toEqual([]);
  });

  it('of the longest of several branches counts for an actor', async () => {
    const { feed, look } = await open();
    for (const path of ['app/a', 'app/a/b', 'app/ab']) feed.actor(path);
    const viewer = await look();
    await viewer.watch('', 'summary');
    await viewer.watch('app/a', 'full');
    expect(feed.followed).toEqual(['summary ', 'full app/a']);
    feed.event('app/ab');
    feed.event('app');
    const last = feed.event('app/a/b');
    await viewer.line(last);
    expect(viewer.lines().map((line) => line.seq)).toEqual([last]);
  });

  it('tells starts and ends of all that is watched in any way, and each once', async () => {
    const { feed, look } = await open();
    const viewer = await look();
    await viewer.watch('', 'summary');
    await viewer.watch('app/a', 'full');
    const started = feed.tell({ type: '@xstate.actor', actor: 'app/a' });
    const other = feed.tell({ type: '@xstate.actor', actor: 'app/b' });
    const ended = feed.tell({ type: '@espalier.exit', actor: 'app/b', reason: 'normal' });
    await viewer.line(ended);
    expect(viewer.lines().map((line) => line.seq)).toEqual([started, other, ended]);
  });

  it('follows no more than somebody watches', async () => {
    const { feed, look } = await open();
    feed.actor('app/a');
    const [one, two] = [await look(), await look()];
    await one.watch('app/a', 'full');
    await two.watch('', 'full');
    expect(feed.followed).toEqual(['summary ', 'full ']);
    await two.ask({ type: 'unwatch', branch: '' });
    expect(feed.followed).toEqual(['summary ', 'full app/a']);
    await one.ask({ type: 'unwatch', branch: 'app/a' });
    expect(feed.followed).toEqual([]);
  });

  it('stays below 64 kB a frame, also for what is larger by itself', async () => {
    const { feed, look } = await open();
    for (let index = 0; index < 10_000; index++) feed.actors.set(`app/child#${index}`, feed.root);
    feed.values.set('app', 'ü😀'.repeat(200_000));
    const viewer = await look();
    expect(await viewer.watch('', 'summary')).toHaveLength(10_002);
    await expect(viewer.ask({ type: 'value', actor: 'app' })).resolves.toMatchObject({ ok: true, value: 'ü😀'.repeat(200_000) });
    expect(viewer.largest).toBeLessThanOrEqual(maxFrameBytes);
    expect(viewer.largest).toBeGreaterThan(maxFrameBytes / 2);
  });

  it('answers about history in pieces, and says where the next begins', async () => {
    const { feed, look } = await open();
    const viewer = await look();
    for (let index = 0; index < 60; index++) feed.event('app', 20_000);
    const first = await viewer.ask({ type: 'history', from: 5, to: 60 });
    expect(first).toMatchObject({ ok: true, next: 31, count: 26 });
    const told = viewer.all('lines').flatMap(({ lines }) => lines.map(({ seq }) => seq));
    expect(told).toEqual(Array.from({ length: 26 }, (_, index) => index + 5));
    await expect(viewer.ask({ type: 'history', from: 31, to: 40 })).resolves.toMatchObject({ ok: true, next: null, count: 10 });
  });

  it('says of a value that was cut how to have more of it', async () => {
    const { feed, look } = await open();
    const viewer = await look();
    for (const value of [{ text: '{"$cut":"no mark"}' }, { list: { $cut: 'a list of 5000' } }]) {
      feed.values.set('app', value);
      const words = 'list' in value ? 'it was cut: ask for a part of it, by `pointer`' : undefined;
      expect(await viewer.ask({ type: 'value', actor: 'app' })).toEqual({ type: 'result', id: expect.any(Number), ok: true, value, words });
    }
  });

  it('says why it ends', async () => {
    const { look, ref } = await open();
    const viewer = await look();
    ref.send({ type: 'inspector.close' });
    await expect(viewer.first('bye')).resolves.toMatchObject({ why: 'the inspector is closing' });
    await expect(viewer.closed).resolves.toMatchObject({ code: 1001 });
  });
});
