/** Connecting, iterating and closing over real sockets, against the local Gemini server. Deadlines run on a virtual clock. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectLive, type ConnectOptions } from '../../src/live/connect.js';
import { LiveError } from '../../src/live/live-error.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveEvents } from '../../src/live/stream.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { leaveNothing, serve, setUp, watched } from './talk.js';

afterEach(leaveNothing);

function connect(baseUrl: string, options: Partial<LiveSessionOptions> = {}, connectOptions: ConnectOptions = {}) {
  return connectLive({ baseUrl, apiKey: 'the-key', model: 'gemini-live', openSocket: watched, ...options }, connectOptions);
}

async function failureOf(promise: Promise<unknown>): Promise<LiveError> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LiveError);
  return error as LiveError;
}

describe('connecting', () => {
  it('rejects for a key that the server does not know, and shows no key', async () => {
    const server = await serve(setUp, { key: 'another-key' });
    const error = await failureOf(connect(server.url));
    expect(error).toMatchObject({
      code: 'live/not-connected',
      details: { kind: 'connectFailed', code: 401, reason: 'HTTP 401 Unauthorized: API key not valid' },
    });
    expect(JSON.stringify([error.message, error.details, error.stack])).not.toContain('the-key');
  });

  it('rejects where nobody listens', async () => {
    const closed = createServer();
    const port = await new Promise<number>((resolve) => closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port)));
    await new Promise((resolve) => closed.close(resolve));
    expect((await failureOf(connect(`http://127.0.0.1:${port}`))).details).toMatchObject({ kind: 'connectFailed', code: 'ECONNREFUSED' });
  });

  it('rejects for a close before the setup is accepted, with its code and reason', async () => {
    const server = await serve([{ expect: 'setup' }, { close: { code: 1008, reason: 'Operation is not implemented' } }]);
    const { details } = await failureOf(connect(server.url));
    expect(details).toMatchObject({ kind: 'closedBeforeSetup', code: 1008, reason: 'Operation is not implemented' });
  });

  it('rejects for a server that takes the setup and says nothing', async () => {
    const server = await serve([{ expect: 'setup' }]);
    const clock = new VirtualClock();
    const session = connect(server.url, { setupMs: 700 }, { clock });
    expect((await server.nth(0)).ok).toBe(true);
    clock.advanceBy(700);
    expect((await failureOf(session)).details).toMatchObject({ kind: 'setupTimeout', reason: 'no setupComplete within 700 ms' });
  });

  it('rejects when it is aborted while the server is silent, and the server sees the socket go', async () => {
    const server = await serve([{ expect: 'setup' }, { expectClose: true }]);
    const controller = new AbortController();
    const session = connect(server.url, {}, { signal: controller.signal });
    expect((await server.nth(0)).ok).toBe(true);
    controller.abort();
    expect((await failureOf(session)).details.kind).toBe('aborted');
    expect(await server.outcome).toEqual({ ok: true });
  });
});

describe('a conversation', () => {
  it('is read in a loop, its tools beside it, and closed by leaving the block', async () => {
    const script: Step[] = [
      ...setUp,
      { expect: 'clientContent' },
      { callTools: [{ id: 'c1', name: 'weather', args: { city: 'Oslo' } }] },
      { awaitAnswers: ['c1'] },
      { say: ['Light ', 'rain'] },
      { expectClose: { code: 1000 } },
    ];
    const server = await serve(script, { frames: 'alternating' });
    const weather = { description: 'the weather', execute: ({ city }: { city: string }) => ({ city, sky: 'rain' }) };
    let said = '';
    {
      await using session = await connect(server.url, { tools: { weather } });
      session.sendText('What is the weather?');
      for await (const event of liveEvents(session)) {
        if (event.type === 'text') said += event.text;
        if (event.type === 'turnComplete') break;
      }
    }
    expect(said).toBe('Light rain');
    expect(server.answers()).toMatchObject([{ id: 'c1', response: { city: 'Oslo', sky: 'rain' } }]);
    expect(await server.outcome).toEqual({ ok: true });
  });
});

describe('a slow reader', () => {
  const count = 5_000;
  const flood: Step = { send: Array.from({ length: count }, (_, index) => ({ serverContent: { modelTurn: { parts: [{ text: String(index) }] } } })) };

  it('has every event in its order, over a socket that holds back what it had read already', async () => {
    const server = await serve([...setUp, { expect: 'clientContent' }, flood, { send: { serverContent: { turnComplete: true } } }], {
      frames: 'text',
    });
    const session = await connect(server.url);
    session.sendText('go');
    const texts: string[] = [];
    let dropped = 0;
    for await (const event of liveEvents(session, { maxBuffered: 2 })) {
      if (event.type === 'text') texts.push(event.text);
      if (event.type === 'stream.dropped') dropped++;
      if (event.type === 'turnComplete') break;
    }
    expect(dropped).toBe(0);
    expect(texts).toEqual(Array.from({ length: count }, (_, index) => String(index)));
    await session.close();
  });

  it('does not keep its session from closing in order', async () => {
    const server = await serve([...setUp, { expect: 'clientContent' }, flood, { expectClose: { code: 1000 } }], {
      frames: 'text',
      deadlineMs: 60_000,
    });
    const session = await connect(server.url, {}, { clock: new VirtualClock() });
    session.sendText('go');
    const events = liveEvents(session, { maxBuffered: 2 })[Symbol.asyncIterator]();
    let step = await events.next();
    while (step.value?.type !== 'text') step = await events.next();
    // Others came with it: its backlog is full, and the socket is paused.
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    await events.return?.();
  });
});
