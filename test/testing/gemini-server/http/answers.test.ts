/** The HTTP half of the local server: paths, credentials, rules, and answers cut, held back, dropped and cut short as told. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, type HttpRule, type HttpStep, VirtualClock } from '../../../../src/testing/index.js';
import { nothingIsLeft } from '../../raw-client.js';
import { call, candidate, payloads, streamed, unary } from './client.js';

afterEach(nothingIsLeft);

const always = (...answer: HttpStep[]): HttpRule[] => [{ times: 'always', answer }];

describe('the paths of the API', () => {
  it.each([
    ['/v1/models/m:generateContent', 'generateContent', 'developer', 'v1', 'm'],
    ['//v1beta/models/m:generateContent', 'generateContent', 'developer', 'v1beta', 'm'],
    ['/v1alpha/models/m:streamGenerateContent?alt=sse', 'streamGenerateContent', 'developer', 'v1alpha', 'm'],
    ['/proxy/v1beta/tunedModels/mine:generateContent', 'generateContent', 'developer', 'v1beta', 'mine'],
    ['/v1beta1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent', 'streamGenerateContent', 'vertex', 'v1beta1', 'm'],
    ['/v1/publishers/google/models/m:generateContent', 'generateContent', 'vertex', 'v1', 'm'],
    ['/v1beta/models/m:countTokens', 'other', 'developer', 'v1beta', 'm'],
    ['/v1beta/interactions', 'interactions.create', 'developer', 'v1beta', null],
    ['/v1beta/projects/p/locations/l/interactions/i/cancel', 'interactions.cancel', 'vertex', 'v1beta', null],
    ['/feed', 'other', 'none', null, null],
  ])('%s', async (path, operation, service, apiVersion, model) => {
    await using server = await geminiServer({ http: always({ json: { ok: true } }) });
    const heard = await call(server, path, { body: {} });
    expect(JSON.parse(await heard.rest())).toEqual({ ok: true });
    expect(server.requests[0]).toMatchObject({ operation, service, apiVersion, model, method: 'POST', rule: 0, end: 'answered' });
  });

  it('what is no path is not found, and what has no rule is not implemented', async () => {
    await using server = await geminiServer();
    expect(JSON.parse(await (await call(server, '/nowhere')).rest())).toMatchObject({ error: { code: 404 } });
    const unruled = await call(server, unary, { body: {} });
    expect([unruled.status, JSON.parse(await unruled.rest())]).toMatchObject([501, { error: { code: 501, status: 'UNIMPLEMENTED' } }]);
    expect(server.requests.map(({ rule }) => rule)).toEqual([null, null]);
  });
});

describe('credentials over HTTP', () => {
  it.each([
    ['keyInHeader', unary, { 'x-goog-api-key': 'secret-key' }],
    ['keyInQuery', `${unary}?key=secret-key`, {}],
    ['bearer', unary, { authorization: 'Bearer secret-key' }],
  ] as const)('a good one as %s is let in, and kept nowhere', async (credential, path, headers) => {
    await using server = await geminiServer({ key: 'secret-key', http: always({ json: {} }) });
    expect(await (await call(server, path, { headers, body: {} })).rest()).toBe('{}\n');
    expect(server.requests[0]).toMatchObject({ credential });
    expect(JSON.stringify(server.requests)).not.toContain('secret-key');
  });

  it.each([
    ['none', {}, 403, 'PERMISSION_DENIED'],
    ['a wrong key', { 'x-goog-api-key': 'wrong' }, 400, 'INVALID_ARGUMENT'],
    ['a wrong token', { authorization: 'Bearer wrong' }, 401, 'UNAUTHENTICATED'],
  ])('%s is refused as Google does', async (_, headers: Record<string, string>, code, status) => {
    await using server = await geminiServer({ key: 'secret-key', http: always({ json: {} }) });
    const heard = await call(server, unary, { headers, body: {} });
    expect(heard.status).toBe(code);
    expect(JSON.parse(await heard.rest())).toMatchObject({ error: { code, status } });
    expect(server.requests[0]).toMatchObject({ rule: null, end: 'answered' });
  });

  it('none is needed where the server asks for none', async () => {
    await using server = await geminiServer({ key: null, http: always({ json: {} }) });
    expect(await (await call(server, unary, { headers: {}, body: {} })).rest()).toBe('{}\n');
  });
});

describe('rules', () => {
  it('answer in order, by operation and by what the body contains, so often as they say', async () => {
    await using server = await geminiServer({
      http: [
        { on: 'streamGenerateContent', answer: [{ events: [candidate('s')] }] },
        { match: { contents: [{ parts: [{ text: 'b' }] }] }, answer: [{ json: 'for b' }] },
        { on: ['generateContent', 'other'], times: 2, answer: [{ json: 'twice' }] },
      ],
    });
    const asked = async (text: string): Promise<string> => (await call(server, unary, { body: { contents: [{ parts: [{ text }] }] } })).rest();
    const heard = [await asked('a'), await asked('b'), await asked('b'), await asked('c')].map((text) => JSON.parse(text) as unknown);
    expect(heard).toMatchObject(['twice', 'for b', 'twice', { error: { code: 501 } }]);
    expect(server.httpOutcome()).toEqual({ failure: null, unused: [0] });
    server.answer([{ answer: [{ json: 'later' }] }]);
    expect(JSON.parse(await asked('d'))).toBe('later');
    expect(server.requests.map(({ rule }) => rule)).toEqual([2, 1, 2, null, 3]);
  });

  it.each([
    ['a rule without an answer', [{}], 'rule 0: answer or interaction, one of them'],
    ['a step with two verbs', [{ answer: [{ drop: true, stall: true }] }], 'rule 0, step 0: an object with exactly one of head, json'],
    ['an unknown option', [{ answer: [{ text: 'a', nonsense: 1 }] }], 'rule 0, step 0 (text)'],
    ['an unknown operation', [{ on: 'chat', answer: [{ drop: true }] }], 'rule 0: on'],
    ['bytes that are none', [{ answer: [{ bytes: 'xyz' }] }], 'rule 0, step 0 (bytes): bytes: expected bytes in hexadecimal'],
    ['an interaction for another operation', [{ on: 'interactions.get', interaction: { steps: [] } }], "rule 0: on: 'interactions.create'"],
    [
      'an id for many interactions',
      [{ on: 'interactions.create', times: 2, interaction: { id: 'i', steps: [] } }],
      'rule 0: an interaction without an id',
    ],
    ['an unknown step of an interaction', [{ on: 'interactions.create', interaction: { steps: [{ say: 'a' }] } }], 'rule 0: interaction.steps.0'],
    ['no list', {}, 'http: a list of rules'],
  ])('with %s are refused before the server starts', async (_, http, expected) => {
    const refused = { code: 'gemini-server/invalid-script', details: { expected: expect.stringContaining(expected) as string } };
    await expect(geminiServer({ http: http as never })).rejects.toMatchObject(refused);
    await using server = await geminiServer();
    expect(() => server.answer(http as never)).toThrow(expect.objectContaining({ code: refused.code }) as Error);
  });
});

describe('answers', () => {
  it('a stream is server-sent events with CRLF where the request says so, else a JSON array', async () => {
    const events = [candidate('one'), candidate('two', 'STOP')];
    await using server = await geminiServer({ http: always({ events: events.slice(0, 1) }, { events: events.slice(1) }) });
    const asEvents = await call(server, streamed, { body: {} });
    expect(asEvents.headers['content-type']).toBe('text/event-stream');
    const text = await asEvents.rest();
    expect(text).toBe(events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''));
    const asArray = await call(server, '/v1beta/models/m:streamGenerateContent', { body: {} });
    expect(asArray.headers['content-type']).toContain('application/json');
    expect(JSON.parse(await asArray.rest())).toEqual(events);
  });

  it('the pieces of a body are cut as told, each a chunk of its own', async () => {
    await using server = await geminiServer({
      http: always({ text: 'a😀\r\nb', cutAt: [3, 6] }, { text: 'xyz', chunkBytes: 2 }, { text: 'gone', firstBytes: 1 }),
    });
    const heard = await call(server, streamed, { body: {} });
    const pieces: Buffer[] = [];
    for (let piece = await heard.piece(); piece !== null; piece = await heard.piece()) pieces.push(piece);
    expect(pieces.map((piece) => piece.toString('hex'))).toEqual(['61f09f', '98800d', '0a62', '7879', '7a', '67']);
  });

  it('an error is a body before the first byte, and bare JSON behind it, or framed', async () => {
    const error = { code: 429, retryDelay: '34.4s' };
    const whole = {
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }] },
    };
    await using server = await geminiServer({
      http: [
        { answer: [{ error, headers: { 'Retry-After': '3' } }] },
        { answer: [{ events: [candidate('a')] }, { error }] },
        { answer: [{ events: [candidate('a')] }, { error, as: 'event' }] },
      ],
    });
    const refused = await call(server, streamed, { body: {} });
    expect([refused.status, refused.headers['retry-after'], JSON.parse(await refused.rest())]).toMatchObject([429, '3', whole]);
    const bare = await (await call(server, streamed, { body: {} })).rest();
    expect(JSON.parse(bare.slice(bare.indexOf('\r\n\r\n')))).toMatchObject(whole);
    expect(payloads(await (await call(server, streamed, { body: {} })).rest())[1]).toMatchObject(whole);
  });

  it('what is held back comes when it is released, and not before', async () => {
    await using server = await geminiServer({ http: always({ hold: 'head' }, { head: { status: 201 } }, { hold: 'body' }, { text: 'now' }) });
    const asked = call(server, streamed, { body: {} });
    await server.nthRequest(0);
    expect(server.requests[0]).toMatchObject({ end: null, takenBytes: 0 });
    server.release('head');
    const heard = await asked;
    expect(heard.status).toBe(201);
    expect(server.requests[0]).toMatchObject({ end: null, takenBytes: 0 });
    server.release('body');
    expect(await heard.rest()).toBe('now');
    expect((await server.answered(0)).ok).toBe(true);
    expect(server.requests[0]).toMatchObject({ end: 'answered', takenBytes: 3 });
  });

  it('a wait goes by the clock of the server, and an answer that is never released is cut', async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({
      clock,
      http: [{ answer: [{ head: {} }, { waitMs: 60_000 }, { text: 'late' }] }, { answer: [{ hold: 'never', deadlineMs: 50 }] }],
    });
    const late = await call(server, streamed, { body: {} });
    await clock.advanceByAsync(60_000);
    expect(await late.rest()).toBe('late');
    const never = call(server, streamed, { body: {} });
    const cut = never.catch((error: unknown) => error);
    await server.nthRequest(1, { deadlineMs: 100_000 });
    await clock.advanceByAsync(50);
    expect(await cut).toMatchObject({ code: 'ECONNRESET' });
    expect(server.httpOutcome().failure).toBe("rule 1, step 0 (hold): 'never' was not released within 50 ms");
  });

  it('a stalled answer ends when the client goes, and a dropped one is cut for the client', async () => {
    await using server = await geminiServer({
      http: [{ answer: [{ text: 'begun' }, { stall: true }] }, { answer: [{ text: 'begun' }, { drop: true }] }],
    });
    const stalled = await call(server, streamed, { body: {} });
    expect(String(await stalled.piece())).toBe('begun');
    stalled.leave();
    await server.answered(0);
    const dropped = await call(server, streamed, { body: {} });
    await expect(dropped.rest()).rejects.toThrow('aborted');
    await server.answered(1);
    expect(server.requests.map(({ end }) => end)).toEqual(['gone', 'dropped']);
  });

  it('is dropped by a reset too', async () => {
    await using server = await geminiServer({ http: always({ text: 'begun' }, { drop: 'reset' }) });
    const cut = call(server, streamed, { body: {} }).then(async (heard) => heard.rest());
    await expect(cut).rejects.toThrow(/ECONNRESET|aborted/);
    await server.answered(0);
    expect(server.requests[0]).toMatchObject({ end: 'dropped' });
  });

  it('a client that reads no further holds the script back', async () => {
    const text = 'x'.repeat(1_048_576);
    await using server = await geminiServer({ http: always(...Array.from({ length: 64 }, () => ({ text }))) });
    const heard = await call(server, streamed, { body: {} });
    const written = server.requests[0]?.takenBytes ?? 0;
    expect(written).toBeLessThan(64 * text.length);
    heard.leave();
    await server.answered(0);
    expect(server.requests[0]).toMatchObject({ end: 'gone' });
  });

  it.each([
    ['too large a body', { maxMessageBytes: 10 }, 413, 'INVALID_ARGUMENT'],
    ['one request more than are kept', { maxReceived: 1 }, 503, 'UNAVAILABLE'],
  ])('%s is refused', async (_, options, code, status) => {
    await using server = await geminiServer({ ...options, http: always({ json: 'here' }) });
    await (await call(server, unary, { body: {} })).rest();
    const heard = await call(server, unary, { body: { contents: 'more than ten bytes' } });
    expect([heard.status, JSON.parse(await heard.rest())]).toMatchObject([code, { error: { code, status } }]);
    expect(server.requests).toHaveLength(1);
  });

  it('a client that leaves before its request is whole holds no place', async () => {
    await using server = await geminiServer({ maxConnections: 1, http: always({ json: 'here' }) });
    const early = connectTcp(server.port, '127.0.0.1');
    // Node answers this as it hands the request on.
    early.write(`POST ${unary} HTTP/1.1\r\nhost: x\r\nx-goog-api-key: k\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n{`);
    await once(early, 'data');
    const second = await call(server, unary, { body: {} });
    const heard = [second.status, await second.rest()];
    early.destroy();
    await once(early, 'close');
    const third = await call(server, unary, { body: {} });
    expect([heard[0], third.status, await third.rest()]).toEqual([503, 200, '"here"\n']);
  });

  it('a server that closes leaves no answer open', async () => {
    const server = await geminiServer({ http: always({ text: 'begun' }, { stall: true }) });
    const heard = await call(server, streamed, { body: {} });
    const cut = heard.rest().catch((error: unknown) => error);
    await server.close();
    expect(await cut).toMatchObject({ message: 'aborted' });
    expect(server.requests[0]?.end).not.toBeNull();
  });
});
