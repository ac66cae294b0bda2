/** The endpoints, over real sockets: what they say, what they refuse, and that they leave nothing. */
import { once } from 'node:events';
import { connect, Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { endpointAddress, healthEndpoint, type HealthEndpointOptions } from '../../src/health/endpoint.js';
import { onExit } from '../../src/supervision/watch.js';

const open: AnyActorRef[] = [];
afterEach(() => {
  for (const ref of open.splice(0)) ref.stop();
  vi.restoreAllMocks();
});

async function endpoint(options: HealthEndpointOptions = {}): Promise<{ url: string; port: number; ref: AnyActorRef }> {
  const ref = createActor(healthEndpoint(options));
  open.push(ref);
  const opened = new Promise<number>((resolve, reject) => {
    ref.on('endpoint.opened', ({ port }) => resolve(port));
    ref.subscribe({ error: reject });
  });
  ref.start();
  const port = await opened;
  expect(endpointAddress(ref)).toEqual({ host: '127.0.0.1', port });
  return { url: `http://127.0.0.1:${port}`, port, ref };
}

const get = async (url: string, init: RequestInit = {}): Promise<[number, string]> => {
  const response = await fetch(url, { ...init, headers: { connection: 'close' } });
  return [response.status, await response.text()];
};

/** What a bare client is told, until it is hung up on. */
function raw(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

const handle = (overall: string, all: readonly object[] = []) => ({ overall: () => overall, all: () => all }) as never;

describe('the endpoints', () => {
  it('say that the process lives, whatever else is wrong', async () => {
    const { url } = await endpoint({ health: handle('unhealthy') });
    expect(await get(`${url}/livez`)).toEqual([200, 'ok\n']);
    expect((await get(`${url}/livez?verbose`))[1]).toBe('[+]process healthy\nok\n');
    expect(await get(`${url}/livez`, { method: 'HEAD' })).toEqual([200, '']);
  });

  it.each([
    ['healthy', 'healthy', 200],
    ['degraded', 'healthy', 200],
    ['healthy', 'degraded', 200],
    ['unknown', 'healthy', 503],
    ['healthy', 'unhealthy', 503],
  ])('say of probes %s and services %s: %i', async (probes, services, status) => {
    const { url } = await endpoint({ health: handle(probes), services: handle(services) });
    const [ready, words] = await get(`${url}/readyz?verbose`);
    expect([ready, words.split('\n').at(-2), (await get(`${url}/healthz`))[0]]).toEqual([status, status === 200 ? 'ok' : 'not ok', status]);
    expect(words).toContain(`probes ${probes}\n`);
  });

  it('tell the whole story as JSON, without actors', async () => {
    const service = { id: 'db', state: 'down', missing: [], deaths: 1, ref: {} };
    const { url } = await endpoint({ health: handle('healthy', [{ id: 'p' }]), services: handle('unhealthy', [service]) });
    expect(JSON.parse((await get(`${url}/healthz`))[1])).toEqual({
      ...{ status: 'not ok', parts: { probes: 'healthy', services: 'unhealthy' }, probes: [{ id: 'p' }] },
      services: [{ id: 'db', state: 'down', missing: [], deaths: 1 }],
    });
  });

  it('ask the app too, and take a throw for no', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { url } = await endpoint({
      isReady: () => {
        throw new Error('AIza-SECRET');
      },
      isLive: () => false,
      routes: {
        '/x': () => {
          throw new Error('AIza-SECRET');
        },
      },
    });
    expect(await get(`${url}/readyz`)).toEqual([503, '[-]app unhealthy\nnot ok\n']);
    expect((await get(`${url}/livez`))[0]).toBe(503);
    expect(await get(`${url}/x`)).toEqual([500, 'the answer could not be made\n']);
    expect(printed).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['a promise that rejects', () => Promise.reject(new Error('AIza-SECRET')), 'misanswered'],
    ['a promise of true', () => Promise.resolve(true), 'misanswered'],
    ['nothing', () => undefined, 'misanswered'],
    ['a text', () => 'yes', 'misanswered'],
  ])('take %s for no answer, and none is left unheard', async (_what, said, word) => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown): number => unheard.push(reason);
    process.on('unhandledRejection', hear);
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { url } = await endpoint({ isReady: said as never, isLive: said as never });
    expect(await get(`${url}/readyz`)).toEqual([503, `[-]app ${word}\nnot ok\n`]);
    expect(await get(`${url}/livez`)).toEqual([503, `[-]process ${word}\nnot ok\n`]);
    process.off('unhandledRejection', hear);
    expect([unheard, printed.mock.calls.length, JSON.stringify(printed.mock.calls).includes('SECRET')]).toEqual([[], 2, false]);
  });

  it('answer who speaks HTTP/1.0, and names nobody', async () => {
    const { port } = await endpoint();
    expect(await raw(port, 'GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect(await raw(port, 'GET /livez HTTP/1.0\r\nHost: evil.example\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /);
    expect(await raw(port, 'GET /livez HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  it('refuse what is none of theirs', async () => {
    const { url, port } = await endpoint();
    expect((await get(`${url}/`))[0]).toBe(404);
    expect((await get(`${url}/toString`))[0]).toBe(404);
    expect((await get(`${url}/livez`, { method: 'POST', body: 'x' }))[0]).toBe(405);
    expect((await get(`${url}/livez?${'x'.repeat(2_100)}`))[0]).toBe(414);
    expect(await raw(port, 'GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /);
    expect(await raw(port, `GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 3\r\n\r\nabc`)).toMatch(/^HTTP\/1.1 413 /);
    expect(await raw(port, `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
  });

  it('cut off who asks too slowly', async () => {
    const { port } = await endpoint({ slowMs: 100 });
    expect(await raw(port, 'GET /livez HT')).toMatch(/^(HTTP\/1.1 408 |$)/);
  });

  it('free the port with their actor, and crash where it is taken', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen');
    const { port, ref } = await endpoint();
    const server = listen.mock.contexts[0] as Server;
    const second = createActor(healthEndpoint({ port }));
    second.subscribe({ error: () => {} });
    const ended = new Promise((resolve) => void onExit(second, resolve));
    second.start();
    expect(await ended).toMatchObject({ crash: { code: 'EADDRINUSE' } });
    // By the server's own word: a port that is free may be anybody's at once.
    const freed = once(server, 'close');
    ref.stop();
    expect(endpointAddress(ref)).toBe(undefined);
    await freed;
    expect([server.listening, server.address()]).toEqual([false, null]);
  });
});
