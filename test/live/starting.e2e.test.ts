/** Sessions that never come to be: each way ends typed, with code and reason, and leaves nothing. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { latch, leaveNothing, serve, serving, setUp, setUpAgain, socketsGone, start } from './talk.js';

afterEach(leaveNothing);

/** A peer that takes connections and says nothing: `asked` settles when the first bytes of a handshake have come. */
async function mutePeer() {
  const open = new Set<{ destroy(): void }>();
  const asked = latch();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => asked.open());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  serving({
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: asked.opened };
}

const failsWith = async (server: { url: string }, failure: object, options: Partial<LiveSessionOptions> = {}) => {
  const { session, facts } = start(server.url, {}, options);
  const ready = await session.ready();
  expect(ready).toEqual({ ok: false, failure });
  expect(await session.ended()).toEqual(ready);
  expect(facts).toEqual([{ type: 'session.failed', ...failure }]);
  expect(JSON.stringify(ready)).not.toContain('the-key');
  expect(session.sendText('anyone?')).toEqual({ status: 'rejected', reason: 'closed' });
  await socketsGone();
};

describe('a session that cannot be fails typed', () => {
  it('when the connection is refused', async () => {
    const server = await geminiServer();
    await server.close();
    await failsWith(server, { kind: 'connectFailed', code: 'ECONNREFUSED', reason: expect.stringContaining('ECONNREFUSED') as string });
  });

  it('on 401, with the server’s words and without the key', async () => {
    const server = await serve([], { key: 'another-key' });
    await failsWith(server, { kind: 'connectFailed', code: 401, reason: expect.stringMatching(/^HTTP 401 Unauthorized: ./) as string });
  });

  it('on 503, also where the server repeats the key', async () => {
    const server = await serve([{ refuse: { status: 503, message: 'overloaded, the-key' } }]);
    await failsWith(server, { kind: 'connectFailed', code: 503, reason: 'HTTP 503 Service Unavailable: overloaded, [hidden]' });
  });

  it('when the handshake is cut', async () => {
    const server = await serve([{ refuse: 'cut' }]);
    await failsWith(server, { kind: 'connectFailed', code: 'ECONNRESET', reason: 'socket hang up' });
  });

  it.each<[string, Step, number, string]>([
    ['with a code and a reason', { close: { code: 1007, reason: 'no such model' } }, 1007, 'no such model'],
    ['over its own fault', { close: { code: 1011, reason: 'Internal error' } }, 1011, 'Internal error'],
    ['in order', { close: {} }, 1000, ''],
    ['without a code', { close: { code: null } }, 1005, ''],
    ['by a cut', { drop: true }, 1006, ''],
  ])('when the server closes before the setup is accepted, %s', async (_, end, code, reason) => {
    const server = await serve([{ expect: 'setup' }, end]);
    await failsWith(server, { kind: 'closedBeforeSetup', code, reason });
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('when no token can be had', async () => {
    const { url } = await mutePeer();
    const accessToken = () => Promise.reject(new Error('signed out'));
    const vertex = { project: 'p', location: 'europe-west1', accessToken };
    const { session } = start(url, {}, { vertex });
    expect(await session.ready()).toEqual({ ok: false, failure: { kind: 'connectFailed', code: 'noCredentials', reason: 'signed out' } });
  });
});

describe('a session that waits too long fails typed, and cuts its socket', () => {
  it('when the server never accepts the setup', async () => {
    const server = await serve([{ expect: 'setup' }]);
    const { session, clock } = start(server.url, {}, { setupMs: 5_000 });
    const ready = session.ready();
    await server.next('setup');
    clock.advanceBy(4_999);
    expect(session.ref.getSnapshot().status).toBe('active');
    clock.advanceBy(1);
    const failure = { kind: 'setupTimeout', code: 'timeout', reason: 'no setupComplete within 5000 ms' };
    expect(await ready).toEqual({ ok: false, failure });
    await socketsGone();
  });

  it('when the server talks of anything but that', async () => {
    const server = await serve([{ expect: 'setup' }, { send: { usageMetadata: {} } }, { garbage: 'x' }]);
    const { session, clock, fact } = start(server.url, {}, { setupMs: 5_000 });
    await fact('session.malformed');
    clock.advanceBy(5_000);
    expect(await session.ready()).toMatchObject({ ok: false, failure: { kind: 'setupTimeout' } });
  });

  it('when nothing answers the handshake', async () => {
    const peer = await mutePeer();
    const { session, clock } = start(peer.url, {}, { connectMs: 1_000 });
    await peer.asked;
    clock.advanceBy(1_000);
    const failure = { kind: 'connectTimeout', code: 'timeout', reason: 'no connection within 1000 ms' };
    expect(await session.ready()).toEqual({ ok: false, failure });
    await socketsGone();
  });

  it('when its token never comes; one that comes later opens nothing', async () => {
    const server = await serve([]);
    const token = latch<string>();
    const vertex = { project: 'p', location: 'europe-west1', accessToken: () => token.opened };
    const { session, clock } = start(server.url, {}, { vertex, connectMs: 1_000 });
    clock.advanceBy(1_000);
    expect(await session.ready()).toMatchObject({ ok: false, failure: { kind: 'connectTimeout' } });
    token.open('late');
    await clock.flush();
    expect(server.connections).toEqual([]);
  });
});

describe('a session that is closed while it starts', () => {
  it('says so, and cuts the socket', async () => {
    const peer = await mutePeer();
    const { session } = start(peer.url);
    const ready = session.ready();
    await peer.asked;
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    expect(await ready).toEqual({ ok: false, failure: { kind: 'closed', by: 'client', code: 1000, reason: '' } });
    await socketsGone();
  });

  it('tells what waited to be sent', async () => {
    const server = await serve([{ expect: 'setup' }]);
    const { session, facts } = start(server.url);
    expect(session.sendText('one')).toEqual({ status: 'queued' });
    expect(session.sendRealtimeInput({ audio: { data: 'AAAA' } })).toEqual({ status: 'queued' });
    await server.next('setup');
    await session.close();
    expect(facts).toEqual([
      { type: 'session.dropped', lane: 'content', count: 1, reason: 'ended', ref: null },
      { type: 'session.dropped', lane: 'audio', count: 1, reason: 'ended', ref: null },
      { type: 'session.closed', by: 'client', code: 1000, reason: '' },
    ]);
  });
});

describe('a session that the server comes late for', () => {
  it('that begins with a handle which the server refuses begins afresh, and says so', async () => {
    const server = await serve([
      { accept: { handle: 'kept' } },
      { expect: 'setup' },
      { close: { code: 1011, reason: 'no such session' } },
      ...setUpAgain(null),
    ]);
    const { session, fact } = start(server.url, {}, { setup: { sessionResumption: { handle: 'kept' } } });
    expect(await session.ready()).toEqual({ ok: true });
    expect(await fact('session.ready')).toMatchObject({ resumed: false });
    expect(await fact('session.contextLost')).toEqual({ type: 'session.contextLost', code: 1011, reason: 'no such session' });
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('hears of speech that its app began before only when that is written, and then knows that the user speaks', async () => {
    const server = await serve([...setUp, { expect: 'realtimeInput' }]);
    const { session, inState } = start(server.url);
    expect(session.sendRealtimeInput({ activityStart: {} })).toMatchObject({ status: 'queued' });
    await inState('connection', 'online.ready.userSpeaking');
  });

  it('is ready once, however many ask', async () => {
    const server = await serve([...setUp]);
    const { session, facts } = start(server.url);
    expect(await Promise.all([session.ready(), session.ready()])).toEqual([{ ok: true }, { ok: true }]);
    expect(facts.filter(({ type }) => type === 'session.ready')).toHaveLength(1);
  });
});
