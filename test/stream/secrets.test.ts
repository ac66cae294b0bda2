/** A credential that the server repeats: hidden in all that is handed on, at no cost where it repeats none. */
import { describe, expect, it, vi } from 'vitest';
import { interactions } from '../../src/interactions/client.js';
import { generateContent, streamGenerateContent } from '../../src/stream/generate.js';
import { openStream } from '../../src/stream/http-stream.js';

const key = 'AIzaSECRET-0123456789_abc';
const request = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
const text = (...pieces: readonly string[]): string =>
  pieces
    .map((piece, index) => ({
      candidates: [{ content: { role: 'model', parts: [{ text: piece }] }, ...(index === pieces.length - 1 ? { finishReason: 'STOP' } : {}) }],
    }))
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join('');
const answers =
  (body: string, status = 200): typeof fetch =>
  () =>
    Promise.resolve(new Response(body, { status, headers: { 'content-type': 'text/event-stream' } }));

async function generation(body: string) {
  const stream = streamGenerateContent({ apiKey: key, model: 'g', request, fetch: answers(body), retry: { attempts: 1 } });
  const events: unknown[] = [];
  for await (const event of stream) events.push(event);
  return { events, outcome: await stream.ended() };
}

describe('a key that the server repeats', () => {
  it.each([
    ['as it is', key],
    ['percent-encoded', key.replaceAll('-', '%2D').replaceAll('_', '%5f')],
    ['letter by letter', Array.from(key, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')],
  ])('%s, is in no event, text or answer of a generation', async (_, spelled) => {
    const told = JSON.stringify(await generation(text(`your key is ${spelled}.`)));
    expect(told).toContain('your key is [hidden].');
    expect(told).not.toContain(spelled);
  });

  it('by escapes of JSON, is in none either', async () => {
    const escaped = text(key).replace(key, Array.from(key, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join(''));
    expect(escaped).not.toContain(key);
    expect(JSON.stringify(await generation(escaped))).not.toContain(key);
  });

  it('in pieces, is in no answer, and in no call that is put together', async () => {
    const said = await generation(text(key.slice(0, 9), key.slice(9)));
    expect(said.outcome).toMatchObject({ ok: true, answer: { text: '[hidden]', content: { parts: [{ text: '[hidden]' }] } } });
    const piece = (stringValue: string, willContinue: boolean) => ({
      functionCall: { partialArgs: [{ jsonPath: '$.a', stringValue, willContinue }], willContinue },
    });
    const pieces = [{ functionCall: { name: 'f', willContinue: true } }, piece(key.slice(0, 9), true), piece(key.slice(9), false)];
    const called = await generation(
      pieces
        .map((part, index) => ({ candidates: [{ content: { parts: [part] }, ...(index === 2 ? { finishReason: 'STOP' } : {}) }] }))
        .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
        .join(''),
    );
    expect(called.events).toContainEqual({ type: 'call', call: { name: 'f', args: { a: '[hidden]' } }, candidate: 0 });
    expect(called.outcome).toMatchObject({ ok: true, answer: { calls: [{ args: { a: '[hidden]' } }] } });
  });

  it('is hidden before a page is cut to an excerpt', async () => {
    for (let before = 250; before < 300; before++) {
      const fetch = answers('x'.repeat(before) + key, 403);
      const outcome = await generateContent({ apiKey: key, model: 'g', request, fetch });
      expect(JSON.stringify(outcome)).not.toContain('AIza');
    }
  });

  it('is in no event of any stream: its data, its name, its id', async () => {
    const body = `event: ${key}\nid: ${key}\ndata: ${key}\n\n`;
    const stream = openStream({ url: 'http://feed.test/', headers: { authorization: `Bearer ${key}` }, fetch: answers(body) });
    const events: unknown[] = [];
    for await (const event of stream) events.push(event);
    expect(events).toEqual([{ event: '[hidden]', id: '[hidden]', data: '[hidden]' }]);
    expect(await stream.ended()).toMatchObject({ summary: { lastEventId: '[hidden]' } });
  });

  it('is in no event, step, answer or snapshot of an interaction', async () => {
    const sse = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
    const delta = (piece: string): string => sse({ event_type: 'step.delta', index: 0, delta: { type: 'text', text: piece } });
    const body =
      sse({ event_type: 'interaction.created', interaction: { id: `v-${key}`, status: 'in_progress' }, event_id: key }) +
      sse({ event_type: 'step.start', index: 0, step: { type: 'model_output' } }) +
      delta(`so ${key}, `) +
      delta(key.slice(0, 9)) +
      delta(key.slice(9)) +
      sse({ event_type: 'step.stop', index: 0 }) +
      sse({ event_type: 'interaction.completed', interaction: { id: `v-${key}`, status: 'completed' } });
    const stream = interactions({ apiKey: key, fetch: answers(body) }).stream({ model: 'g', input: 'Hello' });
    const stops: unknown[] = [];
    const events: unknown[] = [];
    for await (const event of stream) (event.type === 'step.stop' ? stops : events).push(event);
    const outcome = await stream.ended();
    expect(outcome).toMatchObject({ ok: true, answer: { id: 'v-[hidden]', text: 'so [hidden], [hidden]' } });
    expect(JSON.stringify([events, stops, outcome, stream.ref.getPersistedSnapshot()])).not.toContain(key);
  });

  it('costs a look at the text where the text holds none', async () => {
    const replace = vi.spyOn(String.prototype, 'replace');
    await generation(text('one ', 'two\n', 'three'));
    const looked = replace.mock.calls.filter(
      ([pattern]) => (pattern as unknown) instanceof RegExp && (pattern as unknown as RegExp).source.includes('AIza'),
    );
    replace.mockRestore();
    expect(looked).toEqual([]);
  });
});

/** A refusal whose body comes to an orderly end there, as far as HTTP without a length can say; or breaks. */
function refusal(body: string, how: 'ends' | 'breaks' = 'ends'): typeof fetch {
  return () => {
    const chunks = [new TextEncoder().encode(body)];
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = chunks.shift();
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (how === 'ends') controller.close();
        else controller.error(new TypeError('terminated'));
      },
    });
    return Promise.resolve(new Response(stream, { status: 400 }));
  };
}

describe('half a key', () => {
  const bodies = [
    JSON.stringify({ error: { code: 400, message: `API key not valid: ${key}.`, status: 'X', details: [{ consumer: `api_key:${key}` }] } }),
    `<p>denied for\t${key}\u00a0key=${encodeURIComponent(key)}</p>`,
  ];
  const pieces = Array.from({ length: key.length - 4 }, (_, index) => key.slice(index, index + 5));

  it.each(['ends', 'breaks'] as const)('is in no refusal, wherever its body %s', async (how) => {
    for (const body of bodies)
      for (let end = body.indexOf(key) + 1; end < body.length; end++) {
        const fetch = refusal(body.slice(0, end), how);
        const generated = await generateContent({ apiKey: key, model: 'g', request, fetch });
        const created = await interactions({ apiKey: key, fetch }).create({ model: 'g', input: 'Hello' });
        const told = JSON.stringify([generated, created]);
        expect(told).toContain('refused');
        expect(pieces.filter((piece) => told.includes(piece))).toEqual([]);
      }
  });

  it('is in none that the server itself has cut, nor in what could not be decoded', async () => {
    const cut = { error: { code: 400, message: `API key not valid: ${key.slice(0, 20)}`, details: [{ key: `${key.slice(0, 9)}…` }] } };
    const refused = await generateContent({ apiKey: key, model: 'g', request, fetch: refusal(JSON.stringify(cut)) });
    expect(refused).toMatchObject({ failure: { message: 'API key not valid: [hidden]', details: [{ key: '[hidden]…' }] } });
    const decode = ({ data }: { data: string }): unknown => JSON.parse(data);
    const headers = { 'x-goog-api-key': key };
    const stream = openStream({ url: 'http://feed.test/', headers, fetch: answers(`data: ${key.slice(0, 20)}\n\n`), decode });
    expect(await stream.drain()).toMatchObject({ failure: { code: 'decode', message: expect.stringContaining('"[hidden]"') as string } });
  });
});

describe('the other secrets of a header', () => {
  const echoed = async (headers: Record<string, string>, words: string, how?: 'breaks') => {
    const outcome = await openStream({ url: 'http://feed.test/', headers, fetch: refusal(words, how) }).ended();
    return outcome.ok ? '' : outcome.failure.message;
  };

  it('are hidden: every cookie, and a passphrase with blanks, also where it is cut', async () => {
    const cookie = 'session=topsecretvalue1; other=topsecretvalue2';
    expect(await echoed({ cookie }, `bad cookie ${cookie}`)).toBe('bad cookie session=[hidden]; other=[hidden]');
    expect(await echoed({ cookie }, 'bad cookie topsecretvalue1')).toBe('bad cookie [hidden]');
    const authorization = 'Basic my secret passphrase';
    expect(await echoed({ authorization }, 'bad token my secret pass', 'breaks')).toBe('bad token [hidden]');
  });
});

describe('a key in the wrong place', () => {
  const any = (value: unknown): never => value as never;
  it.each([
    ['the model', () => streamGenerateContent({ model: `m?key=${key}`, request })],
    ['the location', () => streamGenerateContent({ model: 'm', request, vertex: { project: 'p', location: key } })],
    ['the name of an option', () => interactions(any({ [key]: 1 }))],
    ['the name of an option of a stream', () => openStream(any({ url: 'http://feed.test/', [key]: 1 }))],
    ['a time', () => openStream({ url: 'http://feed.test/', totalMs: any(key) })],
    ['a count', () => openStream({ url: 'http://feed.test/', retry: { attempts: any(key) } })],
    ['a pause', () => openStream({ url: 'http://feed.test/', retry: { backoff: { minMs: any(key) } } })],
    ['the method', () => openStream({ url: 'http://feed.test/', method: key })],
    ['the name of a header', () => openStream({ url: 'http://feed.test/', headers: { [`${key} `]: 'a' } })],
    ['the base', () => interactions({ baseUrl: key })],
  ])('is not shown: %s', (_, call) => {
    let refused: unknown;
    try {
      void call();
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: expect.stringMatching(/invalid-options$/) as string });
    const { message, details } = refused as { message: string; details: unknown };
    expect((message + JSON.stringify(details)).toLowerCase()).not.toContain('aiza');
  });

  it('but a misspelt option is', () => {
    expect(() => interactions(any({ pollms: 1 }))).toThrow(/got: "pollms"/);
    expect(() => openStream(any({ url: 'http://feed.test/', connectTimeoutMs: 1 }))).toThrow(/got: "connectTimeoutMs"/);
  });
});
