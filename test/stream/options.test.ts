/** What is asked for, where it goes, what is refused; and that nobody reads a secret. */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { generateContent, streamGenerateContent } from '../../src/stream/generate.js';
import type { GenerateOptions } from '../../src/stream/generate-options.js';
import { httpStream, openStream } from '../../src/stream/http-stream.js';
import { type Asked, Told, Wire } from './wire.js';

const request = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
const secret = 'AIza+secret/key=1';
const encoded = encodeURIComponent(secret);

/** What is asked, by these options. */
async function asks(options: Partial<GenerateOptions>, method = streamGenerateContent): Promise<Asked> {
  const wire = new Wire();
  const stream = method({ model: 'gemini-x', request, fetch: wire.fetch, ...options });
  const asked = await wire.next();
  await stream.cancel();
  return asked;
}

describe('a generation is asked for', () => {
  it('with the key in a header, and the body as it was given', async () => {
    const { headers, init, url } = await asks({ apiKey: secret, request: { ...request, tools: [{ googleSearch: {} }], unheardOf: 1 } });
    expect(url).toBe('https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse');
    expect(headers).toMatchObject({ 'x-goog-api-key': secret, 'content-type': 'application/json' });
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual' });
    expect(JSON.parse(init.body as string)).toEqual({ ...request, tools: [{ googleSearch: {} }], unheardOf: 1 });
  });

  it('at another base, of another version, of a tuned model', async () => {
    const { url } = await asks({ baseUrl: 'http://127.0.0.1:9/proxy/', apiVersion: 'v1alpha', model: 'tunedModels/mine' });
    expect(url).toBe('http://127.0.0.1:9/proxy/v1alpha/tunedModels/mine:streamGenerateContent?alt=sse');
  });

  it('on Vertex, with a token that is fetched for each attempt', async () => {
    const vertex = { project: 'p-1', location: 'europe-west1', accessToken: () => Promise.resolve('fresh-token') };
    const { headers, url } = await asks({ vertex });
    expect(url).toBe(
      'https://europe-west1-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west1/publishers/google/models/gemini-x:streamGenerateContent?alt=sse',
    );
    expect(headers).toMatchObject({ authorization: 'Bearer fresh-token' });
  });

  it('whole, by its own method', async () => {
    const wire = new Wire();
    const outcome = generateContent({ apiKey: secret, model: 'models/gemini-x', request, fetch: wire.fetch });
    const asked = await wire.next();
    expect(asked.url).toBe('https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent');
    asked
      .answer(200, { 'content-type': 'application/json' })
      .send('{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}')
      .end();
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hi' } });
  });
});

describe('a secret', () => {
  const echo = {
    error: {
      code: 400,
      status: `BAD_${secret}`,
      message: `key ${secret}, or ${encoded}, or ${encoded.toLowerCase()}`,
      details: [{ [secret]: [encoded] }],
    },
  };
  const shown = (value: unknown): string => JSON.stringify(value);

  it('that the server repeats is in no failure, event or snapshot', async () => {
    const [wire, told] = [new Wire(), new Told()];
    const inspected: unknown[] = [];
    const logic = httpStream({
      url: `http://feed.test/?key=${encoded}`,
      headers: { authorization: `Bearer ${secret}` },
      fetch: wire.fetch,
      target: told.tell,
      retry: { attempts: 1 },
    });
    const root = createActor(logic, { inspect: ({ type, ...event }) => inspected.push([type, 'event' in event ? event.event : null]) });
    root.subscribe({ error: () => undefined });
    root.start();
    (await wire.next()).answer(400).send(shown(echo)).end();
    await told.heard('end');
    const all = shown([told.messages, root.getPersistedSnapshot(), inspected]);
    expect(all).toContain('[hidden]');
    expect(all.toLowerCase()).not.toContain(secret.toLowerCase());
    expect(all.toLowerCase()).not.toContain(encoded.toLowerCase());
  });

  it('that is in an error in mid-stream, or in a fault of the network, is hidden too', async () => {
    for (const play of [
      (asked: Asked) =>
        asked
          .answer()
          .send(`data: ${shown(echo)}\n\n`)
          .end(),
      (asked: Asked) => asked.breaks(`E_${secret}`),
    ]) {
      const wire = new Wire();
      const stream = streamGenerateContent({ apiKey: secret, model: 'gemini-x', request, fetch: wire.fetch, retry: { attempts: 1 } });
      const outcome = stream.answer();
      play(await wire.next());
      const text = shown(await outcome);
      expect(text).toContain('"ok":false');
      expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
      expect(text.toLowerCase()).not.toContain(encoded.toLowerCase());
    }
  });

  it('of a token that was fetched is hidden as well', async () => {
    const wire = new Wire();
    const outcome = generateContent({ vertex: { project: 'p', location: 'us', accessToken: () => secret }, model: 'g', request, fetch: wire.fetch });
    (await wire.next()).answer(400).send(shown(echo)).end();
    expect(shown(await outcome)).not.toContain(secret);
  });

  it('that is a wrong option is not shown', () => {
    const keys = [`${secret} with blanks`, 'ключ', 7];
    for (const apiKey of keys) {
      const refused = (): unknown => streamGenerateContent({ apiKey: apiKey as string, model: 'g', request });
      expect(refused).toThrow(expect.objectContaining({ code: 'stream/invalid-options' }));
      expect(refused).not.toThrow(new RegExp(secret.replace('+', '\\+')));
    }
    expect(() => openStream({ url: `http://user:${encoded}@feed.test/` })).toThrow(/without credentials/);
    expect(() => openStream({ url: 'http://feed.test/', headers: { authorization: `${secret}\n` } })).not.toThrow(secret);
  });
});

describe('options that make no stream are refused before anything starts', () => {
  const url = 'http://feed.test/';
  const wrong: readonly (readonly [object | null, RegExp])[] = [
    [null, /options: an object, got: "null"/],
    [{}, /url: an http\(s\) URL/],
    [{ url: 'ftp://feed.test/' }, /url: an http\(s\) URL/],
    [{ url, conectMs: 1 }, /the keys connectMs/],
    [{ url, connectMs: 0 }, /connectMs: a number of ms/],
    [{ url, stallMs: Number.NaN }, /stallMs/],
    [{ url, totalMs: 2 ** 40 }, /totalMs/],
    [{ url, retry: { attempts: 0 } }, /retry\.attempts: a whole number, at least 1/],
    [{ url, retry: { times: 3 } }, /retry: the keys attempts/],
    [{ url, retry: { backoff: { minMs: 2, maxMs: 1 } } }, /retry\.backoff/],
    [{ url, retry: { backoff: { maxMs: 2 ** 31 } } }, /retry\.backoff: 0 ≤ minMs ≤ maxMs ≤ 2147483647/],
    [{ url, limits: { maxLineLength: 0 } }, /limits\.maxLineLength/],
    [{ url, method: 'get it' }, /method/],
    [{ url, headers: { 'a b': 'c' } }, /names of HTTP headers/],
    [{ url, headers: { accept: 7 } }, /headers\['accept'\]: a text/],
    [{ url, headers: new Map() }, /headers: texts by name, got: "a Map"/],
    [{ url, body: () => 'x' }, /body: an object that is JSON/],
    [{ url, decode: 'json' }, /decode: a function/],
    [{ url, unfinished: 'take' }, /unfinished: refuse or takeJson/],
    [{ url, secrets: 'x' }, /secrets: a list of texts/],
    [{ url, signal: {} }, /signal: an AbortSignal/],
    [{ url, fetch: 'fetch' }, /fetch: a function/],
    [{ url, clock: {} }, /clock/],
  ];

  it.each(wrong)('%j', (options, message) => {
    expect(() => openStream(options as never)).toThrow(message);
  });

  it.each([
    [{ url, target: 'somebody' }, /target: an actor, a function, or 'parent'/],
    [{ url, target: {} }, /target/],
    [{ url, demand: 'some' }, /demand: automatic or manual/],
  ])('of a target: %j', (options, message) => {
    expect(() => httpStream(options as never)).toThrow(message);
  });

  it.each([
    [{ model: '', request }, /model: the name or the path/],
    [{ model: '../secrets', request }, /model/],
    [{ model: 'g' }, /request: an object with `contents`/],
    [{ model: 'g', request: {} }, /request\.contents/],
    [{ model: 'g', request: { contents: [] } }, /request\.contents/],
    [{ model: 'g', request: { contents: [{ parts: 'x' }] } }, /request\.contents\.0\.parts/],
    [{ model: 'g', request, apiVersion: 'beta' }, /apiVersion: such as v1beta/],
    [{ model: 'g', request, baseUrl: 'nowhere' }, /baseUrl: an http\(s\)/],
    [{ model: 'g', request, baseUrl: 'http://x.test/?key=1' }, /without query/],
    [{ model: 'g', request, vertex: { project: 'p', location: 'evil.test/' } }, /location/],
    [{ model: 'g', request, vertex: { project: 'p' } }, /location/],
    [{ model: 'g', request, vertex: { project: 'p', location: 'us', token: 'x' } }, /vertex: the keys project/],
    [{ model: 'g', request, apiKey: 'a', vertex: { project: 'p', location: 'us', accessToken: 'b' } }, /not both/],
  ])('of a generation: %j', (options, message) => {
    expect(() => streamGenerateContent(options as never)).toThrow(message);
    expect(() => streamGenerateContent(options as never)).toThrow(expect.objectContaining({ code: 'stream/invalid-options' }));
  });
});
