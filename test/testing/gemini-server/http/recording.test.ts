/** Recorded answers over HTTP: four shapes, known by their content, and replayed to the letter. */
import { describe, expect, it } from 'vitest';
import { geminiServer, type HttpRecording, httpRules, readHttpRecording } from '../../../../src/testing/index.js';
import { call, candidate, streamed } from './client.js';

const [one, two] = [candidate('one '), candidate('two', 'STOP')];
const events = `data: ${JSON.stringify(one)}\r\n\r\ndata: ${JSON.stringify(two)}\r\n\r\n`;
const error = { error: { code: 404, message: 'no such model', status: 'NOT_FOUND' } };
const interaction = { id: 'i', status: 'completed', steps: [] };
const begun = { id: 'i', status: 'in_progress', object: 'interaction' };
const created = { interaction: { id: 'i' }, event_type: 'interaction.created' };

function exchange(url: string, contentType: string, bodySegments: unknown, statusCode = 200): string {
  const request = { method: 'POST', url, bodySegments: [{ contents: [] }] };
  return JSON.stringify({
    recordID: 'x',
    interactions: [{ request, response: { statusCode, headers: { 'Content-Type': contentType, 'Content-Length': '1' }, bodySegments } }],
  });
}

const body = ({ exchanges }: HttpRecording): string => Buffer.from(exchanges[0]?.response.body ?? []).toString('utf8');

describe('a recorded answer', () => {
  it.each([
    ['server-sent events', events, 'stream', 'streamGenerateContent', 200, events],
    ['events behind a comment', `: ping\n${events}`, 'stream', 'streamGenerateContent', 200, `: ping\n${events}`],
    [
      'events of an interaction',
      'event: interaction.created\ndata: {}\n\n',
      'stream',
      'interactions.create',
      200,
      'event: interaction.created\ndata: {}\n\n',
    ],
    [
      'events of an interaction that are not named',
      `data: ${JSON.stringify(created)}\n\n`,
      'stream',
      'interactions.create',
      200,
      `data: ${JSON.stringify(created)}\n\n`,
    ],
    ['a whole answer', JSON.stringify(two), 'answer', 'generateContent', 200, JSON.stringify(two)],
    ['a list', JSON.stringify([one, two]), 'answer', 'streamGenerateContent', 200, JSON.stringify([one, two])],
    ['an error', JSON.stringify(error), 'answer', 'generateContent', 404, JSON.stringify(error)],
    ['an interaction', JSON.stringify(interaction), 'answer', 'interactions.create', 200, JSON.stringify(interaction)],
    ['an interaction that has only begun', JSON.stringify(begun), 'answer', 'interactions.create', 200, JSON.stringify(begun)],
    ['chunks', `${JSON.stringify(one)}\n${JSON.stringify(two)}\n`, 'chunks', 'streamGenerateContent', 200, events],
    [
      'chunks and an error',
      `${JSON.stringify(one)}\n${JSON.stringify(error)}`,
      'chunks',
      'streamGenerateContent',
      200,
      `${events.slice(0, events.indexOf('data:', 1))}${JSON.stringify(error)}\r\n\r\n`,
    ],
    [
      'chunks of an interaction',
      `${JSON.stringify(created)}\n${JSON.stringify(created)}`,
      'chunks',
      'interactions.create',
      200,
      `${`event: interaction.created\ndata: ${JSON.stringify(created)}\n\n`.repeat(2)}event: done\ndata: [DONE]\n\n`,
    ],
  ])('of %s', (_, text, format, operation, status, wire) => {
    const recording = readHttpRecording(text);
    expect(recording).toMatchObject({ format, exchanges: [{ request: { operation, body: null }, response: { status } }] });
    expect(body(recording)).toBe(wire);
    expect(body(readHttpRecording(Buffer.from(text)))).toBe(wire);
  });

  it('of one line is a chunk where that is known', () => {
    expect(readHttpRecording(JSON.stringify(two)).format).toBe('answer');
    expect(readHttpRecording(JSON.stringify(two), { format: 'chunks' }).format).toBe('chunks');
  });

  it('with its request keeps what was asked, and the headers that are not of the connection', () => {
    const url = '/v1beta1/projects/P/locations/L/publishers/google/models/m:streamGenerateContent?alt=sse';
    const recording = readHttpRecording(exchange(url, 'text/event-stream', [one, two]));
    expect(recording).toMatchObject({
      format: 'exchanges',
      exchanges: [
        {
          request: {
            operation: 'streamGenerateContent',
            service: 'vertex',
            apiVersion: 'v1beta1',
            model: 'm',
            method: 'POST',
            query: 'alt=sse',
            body: { contents: [] },
          },
          response: { status: 200, headers: { 'content-type': 'text/event-stream' } },
        },
      ],
    });
    expect(recording.exchanges[0]?.response.headers).not.toHaveProperty('content-length');
    expect(body(recording)).toBe(events);
  });

  it.each([
    ['a list, whose elements were kept', '/v1/models/m:streamGenerateContent', 'application/json', [one, two], [one, two]],
    ['an error, whatever its type says', '/v1/models/m:streamGenerateContent?alt=sse', 'text/event-stream', [error], error],
    ['a whole answer', '/v1/models/m:generateContent', 'application/json', [two], two],
  ])('with its request of %s', (_, url, type, segments, value) => {
    expect(JSON.parse(body(readHttpRecording(exchange(url, type, segments))))).toEqual(value);
  });

  it('with its request of nothing, of text, and of an interaction', () => {
    expect(body(readHttpRecording(exchange('/v1/models/m:streamGenerateContent', 'text/event-stream', null)))).toBe('');
    expect(body(readHttpRecording(exchange('/v1/models/m:streamGenerateContent', 'text/event-stream', 'data: {}\n\n')))).toBe('data: {}\n\n');
    expect(body(readHttpRecording(exchange('/v1beta/interactions', 'text/event-stream', [created])))).toMatch(
      /^event: interaction\.created\ndata: \{/,
    );
  });

  it.each([
    ['no text and no bytes', 7, 'the bytes or the text of a recording'],
    ['prose', 'nothing of the sort', 'exchanges, server-sent events, one JSON answer'],
    ['lines of a Live server', '{"setupComplete":{}}\n{"serverContent":{}}', 'exchanges, server-sent events'],
    ['a number', '3', 'a JSON object or list'],
    ['an exchange without a request', '{"interactions":[{"response":{}}]}', 'interactions.0: { request: { method, url }'],
  ])('is refused where it is %s', (_, given, expected) => {
    const details = expect.objectContaining({ expected: expect.stringContaining(expected) as string }) as object;
    const refused = { code: 'gemini-server/invalid-recording', details };
    expect(() => readHttpRecording(given as string)).toThrow(expect.objectContaining(refused) as Error);
  });

  it('is replayed to the letter, cut as told, to a client that reads each piece', async () => {
    const recording = readHttpRecording(events);
    await using server = await geminiServer({
      http: [...httpRules(recording, { cutAt: (bytes) => [1, bytes.length - 1] }), ...httpRules(recording, { chunkBytes: 100 })],
    });
    const pieces: string[] = [];
    const response = await fetch(server.url + streamed, { method: 'POST', headers: { 'x-goog-api-key': 'k', connection: 'close' } });
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece as Uint8Array).toString());
    expect(pieces).toEqual([events.slice(0, 1), events.slice(1, -1), events.slice(-1)]);
    expect(await (await call(server, streamed)).rest()).toBe(events);
    expect(server.httpOutcome()).toEqual({ failure: null, unused: [] });
  });
});
