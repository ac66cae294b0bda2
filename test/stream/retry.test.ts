/** Tried again before the first byte, for what may pass, when the server wants it, and no more often than allowed. */
import { describe, expect, it } from 'vitest';
import { type HttpStream, openStream } from '../../src/stream/http-stream.js';
import type { HttpStreamOptions } from '../../src/stream/options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, fact, Wire } from './wire.js';

interface Scene {
  readonly clock: VirtualClock;
  readonly wire: Wire;
  readonly stream: HttpStream<unknown>;
}

const retry = { attempts: 3, maxRetryAfterMs: 30_000, backoff: { minMs: 50, maxMs: 50, jitter: 0 } };

function scene(options: Partial<HttpStreamOptions> = {}): Scene {
  const [clock, wire] = [new VirtualClock(), new Wire()];
  const stream = openStream({ url: 'http://feed.test/', retry, fetch: wire.fetch, clock, ...options });
  return { clock, wire, stream };
}

/** The failure of the attempt that is under way. */
async function refused({ stream, wire }: Scene, play: (asked: Asked) => void) {
  const told = Promise.race([fact(stream.ref, 'stream.retrying'), stream.ended()]);
  play(await wire.next());
  return (await told) as { type?: string; delayMs?: number; ok?: boolean; failure?: { kind: string; retryAfterMs?: number } };
}

const body = (details: readonly object[], code = 429): string =>
  JSON.stringify({ error: { code, message: 'slow down', status: 'RESOURCE_EXHAUSTED', details } });
const retryInfo = (retryDelay: unknown): object => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });
const quota = { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: 'x' }] };

describe('an attempt is made again', () => {
  it.each([408, 429, 500, 502, 503, 504])('after HTTP %i', async (status) => {
    const one = scene();
    expect(await refused(one, (asked) => asked.answer(status).end())).toMatchObject({ type: 'stream.retrying', delayMs: 50 });
    one.clock.advanceBy(49);
    expect(one.wire.requests).toHaveLength(1);
    one.clock.advanceBy(1);
    const again = await one.wire.next();
    const drained = one.stream.drain();
    again.answer().send('data: late\n\n').end();
    expect(await drained).toMatchObject({ ok: true, summary: { eventCount: 1 } });
    expect(one.clock.pending()).toBe(0);
  });

  it('when there is no connection', async () => {
    const one = scene();
    expect(await refused(one, (asked) => asked.breaks('ECONNREFUSED'))).toMatchObject({ failure: { kind: 'network', code: 'ECONNREFUSED' } });
    await one.stream.cancel();
  });

  it('when the connection breaks after the headers, before the first byte', async () => {
    const one = scene();
    const drained = one.stream.drain();
    const told = await refused(one, (asked) => {
      asked.answer();
      void asked.wanted().then(() => asked.breaks());
    });
    expect(told).toMatchObject({ type: 'stream.retrying' });
    await one.stream.cancel();
    await drained;
  });

  it('no more often than allowed: the last failure is the end', async () => {
    const one = scene();
    for (const attempt of [1, 2]) {
      expect(await refused(one, (asked) => asked.answer(503).end())).toMatchObject({ type: 'stream.retrying', attempt });
      one.clock.advanceBy(50);
    }
    expect(await refused(one, (asked) => asked.answer(503).end())).toMatchObject({ ok: false, failure: { kind: 'refused', code: 503 } });
    expect(one.wire.requests).toHaveLength(3);
  });
});

describe('an attempt is not made again', () => {
  it.each([400, 401, 403, 404, 409, 501])('after HTTP %i', async (status) => {
    const one = scene();
    expect(await refused(one, (asked) => asked.answer(status).end())).toMatchObject({ ok: false, failure: { kind: 'refused', code: status } });
    expect(one.wire.requests).toHaveLength(1);
  });

  it('after a token that could not be fetched', async () => {
    const one = scene({ headers: () => Promise.reject(new Error('no token today')) });
    expect(await one.stream.ended()).toMatchObject({ ok: false, failure: { kind: 'noCredentials', message: 'no token today' } });
    expect(one.wire.requests).toHaveLength(0);
  });
});

describe('the server says when', () => {
  it.each([
    ['by Retry-After in seconds', { 'retry-after': '7' }, '', 7_000],
    [
      'by Retry-After as a date, of its own clock',
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:12 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
      '',
      12_000,
    ],
    ['by RetryInfo', {}, body([retryInfo('3.4s')]), 3_400],
    ['by RetryInfo behind other details', {}, body([quota, { inner: [quota, retryInfo('8s')] }]), 8_000],
    ['by RetryInfo in parts', {}, body([retryInfo({ seconds: '2', nanos: 500_000_000 })]), 2_500],
    ['by both: the later counts', { 'retry-after': '9' }, body([retryInfo('2s')]), 9_000],
    ['by a date that has passed', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, '', 50],
    ['by what nobody understands', { 'retry-after': 'soon' }, body([retryInfo('a while')]), 50],
  ])('%s', async (_, headers, text, delayMs) => {
    const one = scene();
    const told = await refused(one, (asked) => asked.answer(429, headers).send(text).end());
    expect(told).toMatchObject({ type: 'stream.retrying', delayMs });
    await one.stream.cancel();
  });

  it('and one that asks for more patience than there is has refused, with its wish', async () => {
    const one = scene();
    const told = await refused(one, (asked) =>
      asked
        .answer(429, { 'retry-after': '31' })
        .send(body([quota]))
        .end(),
    );
    expect(told).toMatchObject({
      ok: false,
      failure: { kind: 'refused', code: 429, status: 'RESOURCE_EXHAUSTED', retryAfterMs: 31_000, details: [quota] },
    });
  });
});
