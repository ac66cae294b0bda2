/** What is asked for and where, what is refused before anything starts, single requests, and waiting. */
import { afterEach, describe, expect, it } from 'vitest';
import { interactions } from '../../src/interactions/client.js';
import type { InteractionsOptions } from '../../src/interactions/options.js';
import { type GeminiServer, geminiServer } from '../../src/testing/gemini-server/server.js';
import { type Asked, Wire } from '../stream/wire.js';
import { nothingIsLeft } from '../testing/raw-client.js';
import { WatchedClock } from './watched-clock.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const secret = 'AIza+secret/key=1';

/** What a creation asks, by these options. */
async function asks(options: InteractionsOptions, body: object = request): Promise<Asked> {
  const wire = new Wire();
  const stream = interactions({ fetch: wire.fetch, ...options }).stream(body as typeof request);
  const outcome = stream.answer();
  const asked = await wire.next();
  await stream.cancel();
  await outcome;
  return asked;
}

describe('a creation is asked for', () => {
  it('with the key in a header, the revision, and the body as it was given', async () => {
    const { headers, init, url } = await asks({ apiKey: secret }, { ...request, tools: [{ type: 'google_search' }], unheardOf: 1 });
    expect(url).toBe('https://generativelanguage.googleapis.com/v1beta/interactions');
    expect(headers).toEqual({
      ...{ accept: 'text/event-stream', 'content-type': 'application/json', 'api-revision': '2026-05-20', 'x-goog-api-key': secret },
    });
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual' });
    expect(JSON.parse(init.body as string)).toEqual({ ...request, tools: [{ type: 'google_search' }], unheardOf: 1, stream: true });
  });

  it('at another base, of another version, without a revision', async () => {
    const { headers, url } = await asks({ baseUrl: 'http://127.0.0.1:9/proxy/', apiVersion: 'v1', apiRevision: null, headers: { 'X-Mine': 'a' } });
    expect(url).toBe('http://127.0.0.1:9/proxy/v1/interactions');
    expect(headers).toMatchObject({ 'x-mine': 'a' });
    expect(Object.keys(headers)).not.toContain('api-revision');
  });

  it('on Vertex, with a token that is fetched for each request', async () => {
    const vertex = { project: 'p-1', location: 'europe-west1', accessToken: () => Promise.resolve('fresh-token') };
    const { headers, url } = await asks({ vertex });
    expect(url).toBe('https://europe-west1-aiplatform.googleapis.com/v1beta1/projects/p-1/locations/europe-west1/interactions');
    expect(headers).toMatchObject({ authorization: 'Bearer fresh-token' });
  });
});

describe('misuse is refused at the call, before anything is asked', () => {
  const wire = new Wire();
  const api = interactions({ fetch: wire.fetch, apiKey: secret });
  const create = (body: object) => () => api.create(body as typeof request);
  const any = (value: unknown) => value as never;

  it.each([
    ['neither model nor agent', create({ input: 'a' }), 'either `model` or `agent`'],
    ['both model and agent', create({ ...request, agent: 'deep-research' }), 'either `model` or `agent`'],
    ['an agent with the configuration of a model', create({ agent: 'a', input: 'a', generation_config: {} }), 'generation_config'],
    ['a model with the configuration of an agent', create({ ...request, agent_config: {} }), 'agent_config'],
    ['a response format without its media type', create({ ...request, response_format: { type: 'object' } }), 'response_mime_type'],
    ['no input', create({ model: 'a' }), 'request.input'],
    ['a request that is none', create(any('Hello')), 'request'],
    ['a stream that the call does not want', create({ ...request, stream: true }), 'request.stream'],
    ['an event to go on behind, without a stream', () => api.create(request, any({ lastEventId: 'e' })), 'lastEventId'],
    ['an event to go on behind, of a single answer', () => api.get('v1', any({ lastEventId: 'e' })), 'lastEventId'],
    ['an event to go on behind that is none', () => api.resume('v1', { lastEventId: '' }), 'lastEventId'],
    ['an option that nobody knows', () => api.stream(request, any({ timeout: 1 })), 'timeout'],
    ['an id that leads elsewhere', () => api.get('..'), 'id: the id of an interaction'],
    ['no id', () => api.delete(any(undefined)), 'id: the id of an interaction'],
    ['a time that is none', () => api.waitForCompletion('v1', { pollMs: 0 }), 'pollMs'],
    ['a listener that is none', () => api.waitForCompletion('v1', any({ onStatus: 1 })), 'onStatus'],
    ['a signal that is none', () => api.create(request, any({ signal: 1 })), 'signal'],
    ['a target that is none', () => api.logic(request, any({ target: 1 })), 'target'],
    ['a client with an unknown option', () => interactions(any({ token: secret })), 'token'],
    ['a key that no header can carry', () => interactions({ apiKey: `${secret} x` }), 'apiKey'],
    ['a key and a token', () => interactions({ apiKey: secret, vertex: { project: 'p', location: 'l', accessToken: 't' } }), 'not both'],
    ['a location that is another host', () => interactions({ vertex: { project: 'p', location: 'evil.example/' } }), 'location'],
    ['retries that are none', () => interactions({ retry: any(3) }), 'retry'],
  ])('%s', (_, call, expected) => {
    let refused: unknown;
    try {
      void call();
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'interactions/invalid-options', message: expect.stringContaining(expected) as string });
    expect(String(refused)).not.toContain(secret);
    expect(wire.requests).toEqual([]);
  });

  it.each([
    ['with its media type beside it', { response_format: { type: 'object' }, response_mime_type: 'application/json' }],
    ['with its media type in it', { response_format: [{ type: 'text', mime_type: 'application/json', schema: {} }] }],
  ])('but not a response format %s', async (_, more) => {
    expect(JSON.parse((await asks({}, { ...request, ...more })).init.body as string)).toMatchObject(more);
  });
});

describe('single requests, at the local server', () => {
  let server: GeminiServer;
  const open = async (...http: NonNullable<Parameters<typeof geminiServer>[0]>['http'] & object) => {
    server = await geminiServer({ key: 'a-key', http });
    const retry = { attempts: 3, backoff: { minMs: 1, maxMs: 1, jitter: 0 } };
    return interactions({ baseUrl: server.url, apiKey: 'a-key', pollMs: 1, retry, headers: { connection: 'close' } });
  };
  afterEach(async () => {
    await server.close();
    await nothingIsLeft();
  });

  it('create, whole: the answer with its steps', async () => {
    const { create } = await open({ on: 'interactions.create', interaction: { id: 'one', steps: [{ thought: 'c2ln' }, { text: 'Hello' }] } });
    const outcome = await create(request);
    expect(outcome).toMatchObject({
      ok: true,
      outcome: 'completed',
      answer: { id: 'one', text: 'Hello', isWhole: true, steps: [{ signature: 'c2ln' }, {}] },
    });
    expect(server.requests[0]?.body).toEqual(request);
  });

  it('create in the background, wait for it, look at it, have it forgotten', async () => {
    const api = await open({ on: 'interactions.create', interaction: { id: 'one', steps: [{ hold: 'go' }, { text: 'Hello' }] } });
    expect(await api.create({ ...request, background: true })).toMatchObject({ ok: true, outcome: 'running', answer: { id: 'one' } });
    const seen: string[] = [];
    const outcome = await api.waitForCompletion('one', {
      onStatus: (status) => {
        seen.push(status);
        if (status === 'in_progress') server.release('go');
      },
    });
    expect(outcome).toMatchObject({ ok: true, outcome: 'completed', answer: { text: 'Hello' } });
    expect(seen).toEqual(['in_progress', 'completed']);
    expect(await api.get('one')).toMatchObject({ ok: true, interaction: { id: 'one', status: 'completed' } });
    expect(await api.delete('one')).toEqual({ ok: true });
    expect(await api.get('one')).toMatchObject({ ok: false, failure: { kind: 'refused', code: 404 } });
  });

  it('cancel: the stream of it ends as cancelled by the server', async () => {
    const api = await open({ on: 'interactions.create', interaction: { id: 'one', steps: [{ text: 'Hel' }, { hold: 'never' }] } });
    const stream = api.stream({ ...request, background: true });
    for await (const event of stream) {
      if (event.type !== 'step.stop') continue;
      expect(await api.cancel('one')).toMatchObject({ ok: true, interaction: { status: 'cancelled' } });
      break;
    }
    const again = api.resume('one');
    expect(await again.answer()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'server' }, partial: { text: 'Hel' } });
  });

  it('a single request is made again where it may be, and not where it may not', async () => {
    const busy = { on: 'interactions.get' as const, answer: [{ error: { code: 503 } }] };
    const api = await open(
      busy,
      { on: 'interactions.get', answer: [{ json: { id: 'one', status: 'completed' } }] },
      { on: 'interactions.delete', answer: [{ error: { code: 403 } }] },
    );
    expect(await api.get('one')).toMatchObject({ ok: true });
    expect(await api.delete('one')).toMatchObject({ ok: false, failure: { code: 403 } });
    expect(server.requests).toHaveLength(3);
  });

  it('resume: behind an event, and the answer says that it is not whole', async () => {
    const api = await open({ on: 'interactions.create', interaction: { id: 'one', steps: [{ text: ['Hel', 'lo'] }], eventIds: true } });
    await api.create(request);
    const outcome = await api.resume('one', { lastEventId: 'one-3' }).answer();
    expect(outcome).toMatchObject({ ok: true, answer: { text: 'lo', isWhole: false, lastEventId: 'one-6' } });
    expect(await api.resume('one', { includeInput: true }).answer()).toMatchObject({ ok: true, answer: { text: 'Hello', isWhole: true } });
    expect(server.requests.at(-1)?.query).toEqual({ stream: 'true', include_input: 'true' });
  });

  it('resume past the retention of its events: it is polled, for nobody here has read the beginning', async () => {
    const api = await open({ on: 'interactions.create', interaction: { id: 'one', steps: [{ text: 'Hello' }], eventIds: true } });
    await api.create(request);
    expect(await api.resume('one', { lastEventId: 'long-gone' }).answer()).toMatchObject({ ok: true, answer: { text: 'Hello', isWhole: true } });
  });
});

describe('waiting until it is over', () => {
  const json = { 'content-type': 'application/json' };
  const scene = () => {
    const [clock, wire] = [new WatchedClock(), new Wire()];
    const retry = { attempts: 1, backoff: { minMs: 10, maxMs: 10, jitter: 0 } };
    return { clock, wire, api: interactions({ fetch: wire.fetch, clock, connectMs: 50, pollMs: 100, retry }) };
  };
  it('is not ended by questions that fail, however many', async () => {
    const { api, clock, wire } = scene();
    const outcome = api.waitForCompletion('v1');
    const fails: readonly ((asked: Asked) => unknown)[] = [
      (asked) => asked.breaks(),
      (asked) => asked.answer(503, json).send('{}').end(),
      (asked) => asked.answer(200, { 'content-type': 'text/html' }).send('<html>busy</html>').end(),
      () => clock.advanceBy(50), // no headers
    ];
    for (const fail of fails) {
      const asked = await wire.next();
      const paused = clock.isSetFor(100);
      fail(asked);
      await paused;
      clock.advanceBy(100);
    }
    (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed","steps":[]}').end();
    expect(await outcome).toMatchObject({ ok: true, outcome: 'completed' });
    expect(clock.pending()).toBe(0);
  });

  it('pauses as long as the server asks for, at the most until its time has passed', async () => {
    const waits = scene();
    const outcome = waits.api.waitForCompletion('v1');
    const asked = await waits.wire.next();
    const paused = waits.clock.isSetFor(120_000);
    asked
      .answer(429, { ...json, 'retry-after': '120' })
      .send('{}')
      .end();
    await paused;
    waits.clock.advanceBy(119_999);
    expect(waits.wire.requests).toHaveLength(1);
    waits.clock.advanceBy(1);
    (await waits.wire.next()).answer(200, json).send('{"id":"v1","status":"completed"}').end();
    expect(await outcome).toMatchObject({ ok: true });

    const ends = scene();
    const late = ends.api.waitForCompletion('v1', { timeoutMs: 1_000 });
    const question = await ends.wire.next();
    // Longer than any timer takes.
    const bounded = ends.clock.isSetFor(1_000);
    question
      .answer(429, { ...json, 'retry-after': '999999999' })
      .send('{}')
      .end();
    await bounded;
    ends.clock.advanceBy(1_000);
    expect(await late).toMatchObject({ ok: false, failure: { kind: 'totalTimeout' } });
    expect([ends.wire.requests.length, ends.clock.pending()]).toEqual([1, 0]);
  });

  it.each([
    ['requires_action', { ok: true, outcome: 'requiresAction', answer: { calls: [{ id: 'c', name: 'f', arguments: {} }] } }],
    ['incomplete', { ok: false, failure: { kind: 'finish', code: 'incomplete' } }],
    ['cancelled', { ok: false, failure: { kind: 'cancelled', code: 'server' } }],
  ])('ends with the status %s', async (status, expected) => {
    const { api, wire } = scene();
    const outcome = api.waitForCompletion('v1');
    const steps = [{ type: 'function_call', id: 'c', name: 'f', arguments: {} }];
    (await wire.next())
      .answer(200, json)
      .send(JSON.stringify({ id: 'v1', status, steps }))
      .end();
    expect(await outcome).toMatchObject(expected);
  });

  it('is ended by a question that is refused for good, by its time, by its signal, by a listener that throws', async () => {
    const refused = scene();
    const first = refused.api.waitForCompletion('v1');
    (await refused.wire.next()).answer(404, json).send('{}').end();
    expect(await first).toMatchObject({ ok: false, failure: { kind: 'refused', code: 404 } });

    const late = scene();
    const second = late.api.waitForCompletion('v1', { timeoutMs: 40 });
    await late.wire.next();
    late.clock.advanceBy(40);
    expect(await second).toMatchObject({ ok: false, failure: { kind: 'totalTimeout' } });

    const left = scene();
    const abort = new AbortController();
    const third = left.api.waitForCompletion('v1', { signal: abort.signal });
    await left.wire.next();
    abort.abort('enough');
    expect(await third).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'signal' } });

    const thrown = scene();
    const oops = (): never => {
      throw new Error('oops');
    };
    const fourth = thrown.api.waitForCompletion('v1', { onStatus: oops });
    (await thrown.wire.next()).answer(200, json).send('{"id":"v1","status":"in_progress"}').end();
    expect(await fourth).toMatchObject({ ok: false, failure: { kind: 'targetThrew', message: 'oops' } });
    for (const { clock } of [refused, late, left, thrown]) expect(clock.pending()).toBe(0);
  });
});
