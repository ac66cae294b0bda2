import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, type GeminiServer, type Step, VirtualClock } from '../../../src/testing/index.js';
import { nothingIsLeft, RawClient } from '../raw-client.js';

const setup = { setup: { model: 'models/m' } };
const resuming = { setup: { model: 'models/m', sessionResumption: { handle: 'h' } } };
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];
const constrained = '/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained';

const post = (
  server: GeminiServer,
  body: object | string = {},
  path = '/v1alpha/auth_tokens',
  headers: Record<string, string> = { 'x-goog-api-key': 'k' },
) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { connection: 'close', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const mint = async (server: GeminiServer, body: object = {}): Promise<string> => ((await (await post(server, body)).json()) as { name: string }).name;

const comeWith = async (server: GeminiServer, token: string): Promise<RawClient> => {
  const client = new RawClient(`ws://127.0.0.1:${server.port}${constrained}?access_token=${token}`, {});
  await client.opened;
  return client;
};

/** Comes with a token and says this; what became of it. */
const begun = async (server: GeminiServer, token: string, message: object = setup): Promise<unknown> => {
  const client = await comeWith(server, token);
  client.send(message);
  return Promise.race([client.next(), client.closed]);
};

const spent = { code: 1011, reason: 'Token has been used too many times' };

describe('ephemeral tokens', () => {
  afterEach(nothingIsLeft);

  it('are made as the real service makes them, and let a client in', async () => {
    await using server = await geminiServer({ key: 'k', script: opening });
    const before = Date.now();
    const response = await post(server, { bidiGenerateContentSetup: { setup: { model: 'models/m' } }, fieldMask: 'setup.model' });
    const token = (await response.json()) as { name: string; expireTime: string; newSessionExpireTime: string };
    expect(response.status).toBe(200);
    expect(token).toMatchObject({ uses: 1, bidiGenerateContentSetup: { setup: { model: 'models/m' } }, fieldMask: 'setup.model' });
    expect(token.name).toMatch(/^auth_tokens\/[\w-]{20,}$/);
    expect(Math.abs(Date.parse(token.expireTime) - before - 1_800_000)).toBeLessThan(10_000);
    expect(Math.abs(Date.parse(token.newSessionExpireTime) - before - 60_000)).toBeLessThan(10_000);
    expect(await begun(server, token.name)).toEqual(setupComplete);
    expect(server.connections).toEqual([{ service: 'constrained', apiVersion: 'v1alpha', credential: 'token', compressed: true }]);
  });

  it.each([
    ['/v1alpha/authTokens', {}, { 'x-goog-api-key': 'k' }, 200],
    ['//proxy//v1beta/auth_tokens?key=k', {}, {}, 200],
    ['/v1alpha/auth_tokens', '', { authorization: 'Bearer k' }, 200],
    ['/v1alpha/auth_tokens', {}, {}, 401],
    ['/v1alpha/auth_tokens', {}, { 'x-goog-api-key': 'another' }, 401],
    ['/v2/auth_tokens', {}, { 'x-goog-api-key': 'k' }, 404],
    ['/v1alpha/auth_tokens', 'no JSON', { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', { liveConnectConstraints: {} }, { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', { uses: -1 }, { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', { expireTime: 'tomorrow' }, { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', { expireTime: '2020-01-01T00:00:00Z' }, { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', { expireTime: new Date(Date.now() + 21 * 3_600_000).toISOString() }, { 'x-goog-api-key': 'k' }, 400],
    ['/v1alpha/auth_tokens', 'x'.repeat(70_000), { 'x-goog-api-key': 'k' }, 413],
  ] as [string, object | string, Record<string, string>, number][])(
    'a request of %s with %j and %j is answered %d',
    async (path, body, headers, status) => {
      await using server = await geminiServer({ key: 'k' });
      const response = await post(server, body, path, headers);
      expect(response.status).toBe(status);
      const answer = (await response.json()) as { name?: string; error?: { code: number; message: string } };
      if (status === 200) expect(answer.name).toMatch(/^auth_tokens\//);
      else expect(answer.error).toMatchObject({ code: status, message: expect.any(String) as string });
    },
  );

  it('are for POST only', async () => {
    await using server = await geminiServer();
    expect((await fetch(`${server.url}/v1alpha/auth_tokens`, { headers: { connection: 'close', 'x-goog-api-key': 'k' } })).status).toBe(404);
  });

  it('are not waited for longer than the deadline of the server', async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({ clock, deadlineMs: 1_000 });
    const socket = connectTcp(server.port, '127.0.0.1');
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString('latin1'))));
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write('POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\nx-goog-api-key: k\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n{');
    // The server says that it has begun to read.
    expect(await answered).toContain('100 Continue');
    const refused = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString('latin1'))));
    await clock.advanceByAsync(1_000);
    expect(await refused).toContain('HTTP/1.1 408');
    await ended;
  });

  it('start as many sessions as they have uses; a resume is none', async () => {
    await using server = await geminiServer({ plays: 'perConnection', script: opening });
    const once = await mint(server);
    expect(await begun(server, once)).toEqual(setupComplete);
    expect(await begun(server, once)).toEqual(spent);
    expect(await begun(server, once, resuming)).toEqual(setupComplete);
    const twice = await mint(server, { uses: 2 });
    expect([await begun(server, twice), await begun(server, twice), await begun(server, twice)]).toEqual([setupComplete, setupComplete, spent]);
    const always = await mint(server, { uses: 0 });
    for (let count = 0; count < 5; count++) expect(await begun(server, always)).toEqual(setupComplete);
  });

  it('come in as `Authorization: Token` too', async () => {
    await using server = await geminiServer({ key: 'k', script: opening });
    const client = new RawClient(`ws://127.0.0.1:${server.port}${constrained}`, { authorization: `Token ${await mint(server)}` });
    await client.opened;
    client.send(setup);
    expect(await client.next()).toEqual(setupComplete);
  });

  it('start no session after newSessionExpireTime, end what they began at expireTime, and resume nothing after it', async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({ clock, plays: 'perConnection', script: opening });
    const token = await mint(server, { uses: 0 });
    const client = await comeWith(server, token);
    client.send(setup);
    await client.next();
    await clock.advanceToAsync(60_000);
    expect(await begun(server, token)).toEqual({ code: 1011, reason: 'new_session_expire_time deadline exceeded' });
    expect(await begun(server, token, resuming)).toEqual(setupComplete);
    await clock.advanceToAsync(1_800_000);
    expect(await client.closed).toEqual({ code: 1011, reason: 'auth token has expired' });
    expect(await begun(server, token, resuming)).toEqual({ code: 1011, reason: 'Token has expired' });
  });

  it('keep the times that they were made with', async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({ clock, plays: 'perConnection', script: opening });
    const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
    const token = await mint(server, { uses: 0, expireTime: inMs(7_200_000), newSessionExpireTime: inMs(3_600_000) });
    await clock.advanceToAsync(3_500_000);
    expect(await begun(server, token)).toEqual(setupComplete);
    await clock.advanceToAsync(3_700_000);
    expect(await begun(server, token)).toMatchObject({ code: 1011 });
  });

  it('that are refused do not come to the script', async () => {
    await using server = await geminiServer({ script: [...opening, { expectClose: true }, { accept: true }, ...opening] });
    const token = await mint(server);
    const first = await comeWith(server, token);
    first.send(setup);
    await first.next();
    expect(await begun(server, token)).toEqual(spent);
    first.close(1000);
    expect(await begun(server, await mint(server))).toEqual(setupComplete);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('that the server did not make are as good as any key where any is let in, and none where it is not', async () => {
    await using open = await geminiServer({ script: opening });
    expect(await begun(open, 'auth_tokens/somebody-elses')).toEqual(setupComplete);
    await using strict = await geminiServer({ key: 'k' });
    await expect(comeWith(strict, 'auth_tokens/somebody-elses')).rejects.toThrow('HTTP 401');
  });
});
