/** Answers that refuse: their status counts, whether their body comes or not; and what broke, told apart by how far it came. */
import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/gate/handle.js';
import { networkFailure } from '../../src/stream/network-failure.js';
import { type HttpStream, openStream } from '../../src/stream/http-stream.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, fact, Wire } from './wire.js';

function scene(options: object = {}) {
  const [clock, wire] = [new VirtualClock(), new Wire()];
  const retry = { attempts: 3, maxRetryAfterMs: 1_000, backoff: { minMs: 50, maxMs: 50, jitter: 0 } };
  const stream: HttpStream<unknown> = openStream({ url: 'http://feed.test/', retry, fetch: wire.fetch, clock, ...options });
  return { clock, stream, wire };
}

/** Until the chart is there. */
function reached(stream: HttpStream<unknown>, state: string): Promise<void> {
  return new Promise((resolve) => {
    const watch = stream.ref.subscribe((snapshot) => {
      if (!JSON.stringify(snapshot.value).includes(state)) return;
      watch.unsubscribe();
      resolve();
    });
  });
}

/** Headers, the beginning of a body, and then nothing. */
const hangs = (asked: Asked, status: number, headers: Record<string, string> = {}): unknown => asked.answer(status, headers).send('{"error":');

describe('a refusal whose body hangs', () => {
  it('has failed with its status, after 5 s at the latest, and is not asked again for', async () => {
    const { clock, stream, wire } = scene();
    const refused = reached(stream, 'refused');
    hangs(await wire.next(), 401);
    await refused;
    clock.advanceBy(4_999);
    expect(stream.ref.getSnapshot().status).toBe('active');
    clock.advanceBy(1);
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'refused', code: 401, httpStatus: 401 } });
    expect(wire.requests.map(({ isCancelled }) => isCancelled)).toEqual([true]);
    expect(clock.pending()).toBe(0);
  });

  it('is tried again where its status may be, when its headers say', async () => {
    const { clock, stream, wire } = scene({ connectMs: 100 });
    const told = fact(stream.ref, 'stream.retrying');
    const refused = reached(stream, 'refused');
    hangs(await wire.next(), 429, { 'retry-after': '1' });
    await refused;
    clock.advanceBy(100);
    expect(await told).toMatchObject({ delayMs: 1_000, failure: { kind: 'refused', code: 429, retryAfterMs: 1_000 } });
    await stream.cancel();
  });

  it('has refused where its headers ask for more patience than there is', async () => {
    const { clock, stream, wire } = scene({ connectMs: 100 });
    const refused = reached(stream, 'refused');
    hangs(await wire.next(), 429, { 'retry-after': '30' });
    await refused;
    clock.advanceBy(100);
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'refused', code: 429, retryAfterMs: 30_000 } });
    expect(wire.requests).toHaveLength(1);
  });

  it('ends by what its body says, where that comes', async () => {
    const { stream, wire } = scene();
    const refused = reached(stream, 'refused');
    const asked = (await wire.next()).answer(403);
    await refused;
    asked.send('{"error":{"code":403,"message":"not you","status":"PERMISSION_DENIED"}}').end();
    expect(await stream.ended()).toMatchObject({ failure: { kind: 'refused', status: 'PERMISSION_DENIED', message: 'not you' } });
  });

  it('is told as far as it came when all its time has passed', async () => {
    const { clock, stream, wire } = scene({ totalMs: 100 });
    const asked = (await wire.next()).answer(403);
    const more = asked.wanted();
    asked.send('{"error":{"code":403,"message":"not you","status":"PERMISSION_DENIED"}}');
    await more;
    clock.advanceBy(100);
    const failure = { kind: 'refused', code: 403, httpStatus: 403, status: 'PERMISSION_DENIED', message: 'not you' };
    expect(await stream.ended()).toEqual({ ok: false, failure });
    expect(clock.pending()).toBe(0);
  });

  it('has refused, also where its permit is lost meanwhile', async () => {
    const gate = createGate({ permits: 1 });
    const { stream, wire } = scene({ gate: { gate, key: 'feed' } });
    const asked = (await wire.next()).answer(403);
    const more = asked.wanted();
    asked.send('not you ');
    await more;
    await gate.close();
    expect(await stream.ended()).toMatchObject({ failure: { kind: 'refused', code: 403, message: 'not you' } });
    expect(asked.isCancelled).toBe(true);
  });

  it('shows no beginning of a key that was cut', async () => {
    const { clock, stream, wire } = scene({ totalMs: 100, headers: { 'x-goog-api-key': 'AIzaSySecret' } });
    const asked = (await wire.next()).answer(403);
    const more = asked.wanted();
    asked.send('no such key: AIzaSySec');
    await more;
    clock.advanceBy(100);
    expect(await stream.ended()).toMatchObject({ failure: { kind: 'refused', code: 403, message: 'no such key:' } });
  });

  it('that comes in crumbs is read, and told of no more often than a while', async () => {
    const { stream, wire } = scene();
    const refused = reached(stream, 'refused');
    const asked = (await wire.next()).answer(403);
    await refused;
    let changes = 0;
    stream.ref.subscribe({ next: () => changes++, error: () => undefined });
    for (const crumb of JSON.stringify({ error: { code: 403, message: 'not you'.padEnd(200, '!') } })) asked.send(crumb);
    asked.end();
    expect(await stream.ended()).toMatchObject({ failure: { message: 'not you'.padEnd(200, '!') } });
    expect(changes).toBeLessThan(20);
  });
});

describe('an answer is tried again', () => {
  it.each([507, 520, 524, 529, 599])('after HTTP %i, that a proxy has made up', async (status) => {
    const { stream, wire } = scene();
    const told = fact(stream.ref, 'stream.retrying');
    (await wire.next()).answer(status).end();
    expect(await told).toMatchObject({ failure: { kind: 'refused', code: status } });
    await stream.cancel();
  });

  it('when it stalls behind its headers, before any byte; not behind one', async () => {
    const { clock, stream, wire } = scene({ stallMs: 100 });
    const drained = stream.drain();
    for (const attempt of [1, 2]) {
      const told = fact(stream.ref, 'stream.retrying');
      await (await wire.next()).answer().wanted();
      clock.advanceBy(100);
      expect(await told).toMatchObject({ attempt, failure: { kind: 'stalled' } });
      clock.advanceBy(50);
    }
    const asked = (await wire.next()).answer();
    await asked.wanted();
    const again = asked.wanted();
    asked.send(': a\n\n');
    await again;
    clock.advanceBy(100);
    expect(await drained).toMatchObject({ ok: false, failure: { kind: 'stalled' } });
    expect(wire.requests).toHaveLength(3);
  });

  it.each([301, 302, 307])('but not where it leads elsewhere, by HTTP %i', async (status) => {
    const { stream, wire } = scene();
    (await wire.next()).answer(status, { location: 'http://other.test/' }).end();
    expect(await stream.ended()).toMatchObject({ failure: { kind: 'refused', code: status } });
    expect(wire.requests.map(({ init }) => init.redirect)).toEqual(['manual']);
  });
});

describe('of a request that broke it is known that nothing was sent', () => {
  const broke = (cause: object): boolean => networkFailure(new TypeError('fetch failed', { cause })).isUnsent === true;

  it.each([
    ['the connection is refused', { code: 'ECONNREFUSED' }, true],
    ['the name is not known', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }, true],
    ['the name cannot be asked for', { code: 'EAI_AGAIN' }, true],
    ['no connection comes in time', { code: 'UND_ERR_CONNECT_TIMEOUT' }, true],
    ['there is no way to the host', { code: 'EHOSTUNREACH', syscall: 'connect' }, true],
    ['the way is lost later', { code: 'EHOSTUNREACH', syscall: 'read' }, false],
    ['the certificate is not trusted', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, true],
    ['the server speaks no TLS', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, true],
    ['the server wants a certificate, which TLS 1.3 says late', { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }, false],
    [
      'it breaks in the handshake',
      { code: 'ECONNRESET', message: 'Client network socket disconnected before secure TLS connection was established' },
      true,
    ],
    ['it breaks', { code: 'ECONNRESET', syscall: 'read' }, false],
    ['the socket is closed', { code: 'UND_ERR_SOCKET' }, false],
    [
      'each address of the host refuses',
      { code: 'ECONNREFUSED', errors: [{ code: 'ECONNREFUSED' }, { code: 'ENETUNREACH', syscall: 'connect' }] },
      true,
    ],
    ['one address of the host broke', { errors: [{ code: 'ECONNREFUSED' }, { code: 'ECONNRESET' }] }, false],
  ])('when %s: %o, %s', (_, cause, isUnsent) => {
    expect(broke(cause)).toBe(isUnsent);
  });
});
