/** Errors however a server writes them, and JSON that stands bare: what is said is told, and nothing takes longer than its length. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { streamGenerateContent } from '../../src/stream/generate.js';
import { openStream } from '../../src/stream/http-stream.js';
import { interactions } from '../../src/interactions/client.js';

const request = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
const part = (text: string, more: object = {}): string =>
  JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text }] }, ...more }] });
const error = (fields: object): string => JSON.stringify({ error: { code: 499, message: 'gone', status: 'CANCELLED', ...fields } });

function answers(text: string, { cut = text.length, status = 200, type = 'text/event-stream' } = {}): typeof fetch {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += cut)));
    else controller.close();
  };
  return () => Promise.resolve(new Response(new ReadableStream({ pull }), { status, headers: { 'content-type': type } }));
}

const generation = (text: string, how: Parameters<typeof answers>[1] = {}) =>
  streamGenerateContent({ model: 'gemini-x', request, fetch: answers(text, how), retry: { attempts: 1 } }).answer();
const interaction = (text: string, how: Parameters<typeof answers>[1] = {}) =>
  interactions({ fetch: answers(text, how), retry: { attempts: 1 } })
    .stream({ model: 'gemini-x', input: 'Hello' })
    .answer();

afterEach(() => vi.restoreAllMocks());

describe('an error in mid-stream keeps its code and status', () => {
  const first = `data: ${part('One ')}\n\n`;
  const pretty = JSON.stringify(JSON.parse(error({})), null, 2);
  it.each([
    ['with details that are no list', `${first}data: ${error({ details: { a: 1 } })}\n\n`, { status: 'CANCELLED', details: [{ a: 1 }] }],
    ['with a status that is a number', `${first}data: ${error({ status: 1 })}\n\n`, { status: '' }],
    ['with a code that is a text', `${first}data: ${error({ code: '499', message: null })}\n\n`, { message: '' }],
    ['bare, behind a blank', `${first} ${error({})}`, { status: 'CANCELLED' }],
    ['bare, over lines that are all indented', `${first}${pretty.replaceAll(/^/gm, '  ')}\n`, { status: 'CANCELLED' }],
    ['bare, right behind an event without its blank line', `${first.trimEnd()}\n${pretty}\n`, { status: 'CANCELLED' }],
    ['bare, right behind such an event, without any end', `${first.trimEnd()}\n${error({})}`, { status: 'CANCELLED' }],
    ['as an event that is called an error', `${first}event: error\ndata: ${error({})}\n\n`, { status: 'CANCELLED' }],
    ['as itself, of such an event', `${first}event: error\ndata: {"code":499,"message":"gone","status":"CANCELLED"}\n\n`, { status: 'CANCELLED' }],
  ])('%s', async (_, text, more) => {
    for (const cut of [text.length, 7, 1])
      expect(await generation(text, { cut })).toMatchObject({
        ok: false,
        failure: { kind: 'serverError', code: 499, ...more },
        partial: { text: 'One ' },
      });
  });

  it('or is its words, where an event that is called an error is none', async () => {
    const failure = { kind: 'serverError', code: 500, message: 'upstream died' };
    expect(await generation(`${first}event: error\ndata: upstream died\n\n`)).toMatchObject({ ok: false, failure });
    expect(await interaction('event: error\ndata: upstream died\n\n')).toMatchObject({ ok: false, failure });
  });

  it('also of an interaction', async () => {
    const created = 'data: {"event_type":"interaction.created","interaction":{"id":"v1","status":"in_progress"}}\n\n';
    for (const body of [`data: ${error({ details: { a: 1 } })}\n\n`, ` ${error({})}`, 'event: error\ndata: {"code":499,"status":"CANCELLED"}\n\n'])
      expect(await interaction(created + body)).toMatchObject({ ok: false, failure: { kind: 'serverError', code: 499, status: 'CANCELLED' } });
  });

  it('and of a refusal, with when it wants to be asked again', async () => {
    const details = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '70s' };
    const outcome = await generation(error({ code: 429, status: 'RESOURCE_EXHAUSTED', details }), { status: 429 });
    expect(outcome).toMatchObject({ failure: { kind: 'refused', code: 429, httpStatus: 429, status: 'RESOURCE_EXHAUSTED', retryAfterMs: 70_000 } });
  });
});

describe('bare JSON', () => {
  it('is not read again with every line of it', async () => {
    const text = `[\n[1]\n${',[1]\n'.repeat(5_000)}`;
    const parse = vi.spyOn(JSON, 'parse');
    expect(await generation(text)).toMatchObject({ ok: false, failure: { kind: 'truncated' } });
    expect(await interaction(text)).toMatchObject({ ok: false });
    expect(parse.mock.calls.length).toBeLessThan(20);
  });

  it('that ends in the middle ends the answer there, also behind a finishReason', async () => {
    expect(await generation(`data: ${part('a', { finishReason: 'STOP' })}\n\n{"error":{"code"`)).toMatchObject({ failure: { kind: 'truncated' } });
  });
});

describe('what is nested without end', () => {
  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it('is left out of the details of a refusal, and the refusal stays one', async () => {
    const text = `{"error":{"code":400,"message":"no","details":[${deep(20_000)},{"a":1}]}}`;
    const outcome = await generation(text, { status: 400 });
    expect(outcome).toMatchObject({ failure: { kind: 'refused', code: 400, message: 'no', details: [{ a: 1 }] } });
  });

  it('is malformed as a chunk, and no fault of the network', async () => {
    expect(await generation(`data: ${deep(1_000_000)}\n\n`)).toMatchObject({ ok: false, failure: { kind: 'malformed' } });
  });
});

describe('a page in the place of a stream', () => {
  const page = '<html>\n<body>Please log in</body>\n</html>';
  it('is no success with no events', async () => {
    const open = (type: string, text = page) => openStream({ url: 'http://feed.test/', fetch: answers(text, { type }) }).drain();
    expect(await open('text/html')).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'noEvents' } });
    expect(await open('application/octet-stream', 'data: a\n\n')).toMatchObject({ ok: true, summary: { eventCount: 1 } });
    expect(await open('text/event-stream', ': nothing yet\n\n')).toMatchObject({ ok: true, summary: { eventCount: 0 } });
  });
});
