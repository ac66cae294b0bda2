import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

import { createEphemeralToken, EspalierError, type EphemeralTokenOptions } from '../../src/index.js';

const apiKey = 'AIza-secret/1';
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A server on a free port, and the requests that it saw. */
async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<{ baseUrl: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: JSON.parse(body) });
      answer(response, request);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const json = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body, null, 2));
};

/** What a promise rejects with. It must not hold the key, however it is printed. */
async function rejection(promise: Promise<unknown>): Promise<EspalierError> {
  const error: unknown = await promise.then(
    () => expect.fail('nothing was refused'),
    (error: unknown) => error,
  );
  expect(inspect(error, { depth: 9 })).not.toContain('secret');
  return error as EspalierError;
}

const minted = { name: 'auth_tokens/t-1', expireTime: '2026-11-22T12:30:00Z', newSessionExpireTime: '2026-11-22T12:01:00Z', uses: 1 };

describe('an ephemeral token', () => {
  it('is asked for with the key in a header, and in the words of the protocol', async () => {
    const { baseUrl, seen } = await serve(json(200, { ...minted, newField: [1] }));
    const token = await createEphemeralToken({
      apiKey,
      baseUrl: `${baseUrl}/proxy/`,
      uses: 0,
      expireTime: '2026-11-22T12:30:00Z',
      newSessionExpireTime: new Date('2026-11-22T12:01:00Z'),
      setup: { model: 'gemini-live', generationConfig: { temperature: 0.2 }, newField: { a: 1 } },
      fieldMask: ['generationConfig.temperature', 'model'],
    });
    expect(token).toEqual({ ...minted, newField: [1] });
    expect(seen).toMatchObject([{ method: 'POST', url: '/proxy/v1alpha/auth_tokens' }]);
    expect(seen[0]?.headers).toMatchObject({ 'x-goog-api-key': apiKey, 'content-type': 'application/json' });
    expect(seen[0]?.body).toEqual({
      uses: 0,
      expireTime: '2026-11-22T12:30:00Z',
      newSessionExpireTime: '2026-11-22T12:01:00.000Z',
      bidiGenerateContentSetup: { model: 'models/gemini-live', generationConfig: { temperature: 0.2 }, newField: { a: 1 } },
      fieldMask: 'generationConfig.temperature,model',
    });
  });

  it('leaves to the service what is not given', async () => {
    const { baseUrl, seen } = await serve(json(200, { name: 'auth_tokens/t' }));
    expect(await createEphemeralToken({ apiKey, baseUrl: baseUrl.replace('http', 'ws') })).toEqual({ name: 'auth_tokens/t' });
    expect(seen[0]?.body).toEqual({});
  });

  it('may expire some time from now', async () => {
    const { baseUrl, seen } = await serve(json(200, minted));
    const wallNow = () => Date.parse('2026-11-22T12:00:00Z');
    await createEphemeralToken({ apiKey, baseUrl, expireMs: 90_000, newSessionExpireMs: 1_500, wallNow });
    expect(seen[0]?.body).toEqual({ expireTime: '2026-11-22T12:01:30.000Z', newSessionExpireTime: '2026-11-22T12:00:01.500Z' });
  });
});

describe('a token is refused', () => {
  it('without half of the key, where its words were cut', async () => {
    const { baseUrl } = await serve((response) => response.writeHead(403).end(`{"error":{"message":"API key not valid: ${apiKey.slice(0, -1)}`));
    const error = await rejection(createEphemeralToken({ apiKey, baseUrl }));
    expect(error.details.got).toMatchObject({ message: '{"error":{"message":"API key not valid: [hidden]' });
  });

  it('with the status and the words of the service, without the key that it repeats', async () => {
    const message = `API key not valid: ${apiKey} (${encodeURIComponent(apiKey)}). ${'x'.repeat(1_000)}`;
    const { baseUrl } = await serve(json(403, { error: { code: 403, message, status: 'PERMISSION_DENIED' } }));
    const error = await rejection(createEphemeralToken({ apiKey, baseUrl }));
    expect(error).toBeInstanceOf(EspalierError);
    expect(error.code).toBe('live/token-refused');
    expect(error.details.got).toMatchObject({ status: 403, reason: 'PERMISSION_DENIED' });
    expect(error.message).toContain('"status":403');
    const shown = (error.details.got as { message: string }).message;
    expect(shown).toMatch(/^API key not valid: \[hidden\] \(\[hidden\]\)\. x+$/);
    expect(shown).toHaveLength(300);
  });

  it.each([
    [502, '<html>bad gateway</html>', '<html>bad gateway</html>'],
    [429, '', ''],
    [400, '{"error":"odd"}', '{"error":"odd"}'],
    [404, '[1]', '[1]'],
  ])('with status %i, also where the answer is %j', async (status, body, message) => {
    const { baseUrl } = await serve((response) => response.writeHead(status).end(body));
    const error = await rejection(createEphemeralToken({ apiKey, baseUrl }));
    expect(error).toMatchObject({ code: 'live/token-refused', details: { got: { status, reason: '', message } } });
  });
});

describe('a token fails', () => {
  it.each([
    ['is no JSON', 'ok'],
    ['has no name', '{}'],
    ['names no token', '{"name":"AIza-secret/1"}'],
    ['does not end', `{"name":"auth_tokens/secret","x":"${'x'.repeat(1_100_000)}"}`],
  ])('when the answer %s; it is not shown', async (_, body) => {
    const { baseUrl } = await serve((response) => response.end(body));
    expect((await rejection(createEphemeralToken({ apiKey, baseUrl }))).code).toBe('live/token-failed');
  });

  it('when nobody listens, and says why', async () => {
    const { baseUrl } = await serve(json(200, minted));
    servers[0]?.close();
    await once(servers.splice(0)[0] as Server, 'close');
    const error = await rejection(createEphemeralToken({ apiKey, baseUrl }));
    expect(error.message).toMatch(/^live\/token-failed: expected an answer of http:.*\/v1alpha\/auth_tokens, got: .*ECONNREFUSED/);
  });

  it('when the service leads elsewhere: the key goes to no other host', async () => {
    const other = await serve(json(200, minted));
    const { baseUrl } = await serve((response) => response.writeHead(307, { location: `${other.baseUrl}/v1alpha/auth_tokens` }).end());
    expect((await rejection(createEphemeralToken({ apiKey, baseUrl }))).code).toBe('live/token-failed');
    expect(other.seen).toEqual([]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['says nothing', () => {}],
    ['begins and says no more', (response) => response.write('{"name":')],
  ])('when a server %s until the deadline, and its connection is closed', async (_, answer) => {
    let closed: Promise<unknown> = Promise.resolve();
    const { baseUrl } = await serve((response) => {
      closed = once(response, 'close');
      answer(response);
    });
    const error = await rejection(createEphemeralToken({ apiKey, baseUrl, timeoutMs: 200 }));
    expect(error.message).toBe('live/token-failed: expected an answer within 200 ms, got: "none"');
    await closed;
  });

  it('at the deadline also where a fetch of the app heeds no signal', async () => {
    const error = await rejection(createEphemeralToken({ apiKey, fetch: () => new Promise(() => {}), timeoutMs: 1 }));
    expect(error.code).toBe('live/token-failed');
  });

  it('when a fetch of the app throws, and what it throws is not passed on', async () => {
    const fetch: NonNullable<EphemeralTokenOptions['fetch']> = (_, init) => {
      throw Object.assign(new Error(`no route for ${apiKey}`), { request: init });
    };
    const error = await rejection(createEphemeralToken({ apiKey, fetch }));
    expect(error).toMatchObject({ code: 'live/token-failed', details: { got: 'no route for [hidden]' } });
  });
});

describe('an abort', () => {
  it('before the start asks nobody', async () => {
    let calls = 0;
    const fetch = () => {
      calls += 1;
      return Promise.reject(new Error('asked'));
    };
    const reason = new Error('changed my mind');
    await expect(createEphemeralToken({ apiKey, fetch, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(calls).toBe(0);
  });

  it('while the service thinks ends the request with the reason of the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    let closed: Promise<unknown> = Promise.resolve();
    const { baseUrl } = await serve((response) => {
      closed = once(response, 'close');
      abort.abort(reason);
    });
    await expect(createEphemeralToken({ apiKey, baseUrl, signal: abort.signal })).rejects.toBe(reason);
    await closed;
  });
});

describe('options that are wrong', () => {
  it.each<[string, unknown]>([
    ['options', null],
    ['apiKey', {}],
    ['apiKey', { apiKey: '' }],
    ['apiKey', { apiKey: 'secret key' }],
    ['apiKey', { apiKey: 'auth_tokens/secret' }],
    ['expireTime', { apiKey, expireTimes: 1 }],
    ['baseUrl', { apiKey, baseUrl: 'https://h/?key=secret' }],
    ['uses', { apiKey, uses: -1 }],
    ['uses', { apiKey, uses: 1.5 }],
    ['expireTime', { apiKey, expireTime: 'tomorrow' }],
    ['expireTime', { apiKey, expireTime: '2026-13-22T12:00:00Z' }],
    ['expireTime', { apiKey, expireTime: new Date(Number.NaN) }],
    ['expireTime or expireMs', { apiKey, expireTime: '2026-11-22T12:00:00Z', expireMs: 1 }],
    ['expireMs', { apiKey, expireMs: 0 }],
    ['newSessionExpireTime', { apiKey, newSessionExpireTime: 7 }],
    ['newSessionExpireMs', { apiKey, newSessionExpireMs: Number.POSITIVE_INFINITY }],
    ['setup', { apiKey, setup: [] }],
    ['setup.generationConfig.temperature', { apiKey, setup: { generationConfig: { temperature: 'hot' } } }],
    ['setup: JSON', { apiKey, setup: { newField: 1n } }],
    ['fieldMask', { apiKey, fieldMask: [] }],
    ['fieldMask', { apiKey, fieldMask: 'a b' }],
    ['fieldMask', { apiKey, fieldMask: ['a.'] }],
    ['signal', { apiKey, signal: {} }],
    ['timeoutMs', { apiKey, timeoutMs: 0 }],
    ['fetch', { apiKey, fetch: 'fetch' }],
    ['wallNow', { apiKey, wallNow: 7 }],
  ])('are refused before anything starts: %s', async (expected, options) => {
    let calls = 0;
    const fetch = () => {
      calls += 1;
      return Promise.reject(new Error('asked'));
    };
    const given: unknown = options === null ? options : { fetch, ...(options as object) };
    const error = await rejection(createEphemeralToken(given as EphemeralTokenOptions));
    expect(error.code).toBe('live/invalid-options');
    expect(error.details.expected).toContain(expected);
    expect(calls).toBe(0);
  });
});
