/** What is whole, and what is not: answers without steps or status, ends that are none, events without ids behind the last that has one. */
import { describe, expect, it } from 'vitest';
import { interactions } from '../../src/interactions/client.js';
import type { InteractionsOptions } from '../../src/interactions/options.js';
import { type Asked, fact, Wire } from '../stream/wire.js';
import { WatchedClock } from './watched-clock.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const json = { 'content-type': 'application/json' };
const sse = (payload: object, id?: string): string => `data: ${JSON.stringify({ ...payload, ...(id === undefined ? {} : { event_id: id }) })}\n\n`;
const created = (id?: string, status = 'in_progress'): string => sse({ event_type: 'interaction.created', interaction: { id: 'v1', status } }, id);
const start = (id?: string): string => sse({ event_type: 'step.start', index: 0, step: { type: 'model_output' } }, id);
const text = (piece: string, id?: string): string => sse({ event_type: 'step.delta', index: 0, delta: { type: 'text', text: piece } }, id);
const stop = (id?: string): string => sse({ event_type: 'step.stop', index: 0 }, id);
const completed = (status = 'completed'): string => sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status } });
const done = 'event: done\ndata: [DONE]\n\n';
const steps = [{ type: 'model_output', content: [{ type: 'text', text: 'Hello world' }] }];

function scene(options: InteractionsOptions = {}) {
  const [clock, wire] = [new WatchedClock(), new Wire()];
  const retry = { attempts: 3, backoff: { minMs: 1, maxMs: 1, jitter: 0 } };
  return { api: interactions({ fetch: wire.fetch, clock, pollMs: 1, retry, ...options }), clock, wire };
}

/** A stream that is cut behind this text, and then asked for what is asked for next. */
async function cut(body: string, options?: InteractionsOptions) {
  const { api, clock, wire } = scene(options);
  const stream = api.stream(request);
  const outcome = stream.answer();
  const retrying = fact(stream.ref, 'interaction.retrying');
  (await wire.next()).answer().send(body).end();
  await retrying;
  clock.advanceBy(1);
  return { asked: await wire.next(), clock, outcome, wire };
}

describe('a stream that was cut, and is asked how it stands', () => {
  it.each([
    ['completed', {}],
    ['requires_action', {}],
    ['completed', { steps: null }],
    ['completed', { steps: [] }],
    ['requires_action', { steps: [] }],
    ['completed', { outputs: [] }],
    ['completed', { steps: [{ type: 'thought', signature: 'c2ln' }] }],
    ['completed', { steps: [{ type: 'model_output', content: [{ type: 'text', text: 'Hel' }] }] }],
  ])('is no success where it is %s, and what was read is not in %j', async (status, told) => {
    const { asked, outcome } = await cut(created() + start() + text('Hello '));
    asked
      .answer(200, json)
      .send(JSON.stringify({ id: 'v1', status, ...told }))
      .end();
    expect(await outcome).toMatchObject({
      ok: false,
      failure: { kind: 'truncated', code: 'noSteps' },
      partial: { text: 'Hello ', status, isWhole: false },
    });
  });

  it('is one where no step was read, and there is none', async () => {
    const { asked, outcome } = await cut(created());
    asked.answer(200, json).send('{"id":"v1","status":"completed","steps":[]}').end();
    expect(await outcome).toMatchObject({ ok: true, answer: { steps: [], isWhole: true } });
  });

  it('is no success either where the answer to its resumption is one value without steps, and is asked for no more often than it may', async () => {
    const { api, clock, wire } = scene();
    const stream = api.stream(request);
    const outcome = stream.answer();
    let retrying = fact(stream.ref, 'interaction.retrying');
    (await wire.next())
      .answer()
      .send(created('e1') + start('e2') + text('Hello ', 'e3'))
      .end();
    for (const isLast of [false, true]) {
      await retrying;
      retrying = fact(stream.ref, 'interaction.retrying');
      clock.advanceBy(1);
      const asked = await wire.next();
      expect(asked.url).toContain('last_event_id=e3');
      asked
        .answer(200, json)
        .send(JSON.stringify({ id: 'v1', status: 'completed' }))
        .end();
      if (!isLast) expect(await retrying).toMatchObject({ ask: 'resume', failure: { kind: 'truncated', code: 'noSteps' } });
    }
    expect(await outcome).toMatchObject({ ok: false, failure: { code: 'noSteps' }, partial: { text: 'Hello ', isWhole: false } });
    expect([wire.requests.length, clock.pending()]).toEqual([3, 0]);
  });

  const said = (words: string): object => ({ type: 'model_output', content: [{ type: 'text', text: words }] });
  const called = (id: string, name: string): object => ({ type: 'function_call', id, name, arguments: {} });
  const reply = (asked: Asked, answer: object): void => {
    asked
      .answer(200, json)
      .send(JSON.stringify({ id: 'v1', ...answer }))
      .end();
  };

  it.each([
    ['an empty list', { steps: [] }],
    ['no list', {}],
  ])('is no success where the poll that says the end has %s, and one before it had a part', async (_, told) => {
    const { asked, clock, outcome, wire } = await cut(created() + start() + text('The answer '), { pollMs: 7 });
    const paused = clock.isSetFor(7);
    reply(asked, { status: 'in_progress', steps: [said('The answer is ')] });
    await paused;
    clock.advanceBy(7);
    reply(await wire.next(), { status: 'completed', ...told });
    expect(await outcome).toMatchObject({
      ok: false,
      failure: { kind: 'truncated', code: 'noSteps' },
      partial: { text: 'The answer is ', isWhole: false },
    });
  });

  it('is one with what the last poll says, whatever one before it had', async () => {
    const { asked, clock, outcome, wire } = await cut(created() + start() + text('Hel'), { pollMs: 7 });
    const paused = clock.isSetFor(7);
    reply(asked, { status: 'in_progress', steps: [said('Hello wo')] });
    await paused;
    clock.advanceBy(7);
    reply(await wire.next(), { status: 'completed', steps: [said('Hello')] });
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello', isWhole: true } });
  });

  it.each([
    ['completed', {}],
    ['completed', { steps: [] }],
    ['requires_action', { steps: [] }],
    ['completed', { outputs: [] }],
  ])('is no success either where it is waited for, and the last poll, %s with %o, lacks what one before it had', async (status, told) => {
    const { api, clock, wire } = scene({ pollMs: 7 });
    const outcome = api.waitForCompletion('v1');
    const asked = await wire.next();
    const paused = clock.isSetFor(7);
    reply(asked, { status: 'in_progress', steps: [said('half')] });
    await paused;
    clock.advanceBy(7);
    reply(await wire.next(), { status, ...told });
    expect(await outcome).toMatchObject({ ok: false, failure: { code: 'noSteps' }, partial: { text: 'half', isWhole: false } });
  });

  it('is one by the events that came behind a poll, and not by what that had told', async () => {
    const { asked, clock, outcome, wire } = await cut(created('e1') + start('e2') + text('Hel', 'e3'));
    expect(asked.url).toContain('last_event_id=e3');
    const paused = clock.isSetFor(1);
    reply(asked, { status: 'in_progress', steps: [said('Hello w')] });
    await paused;
    clock.advanceBy(1);
    (await wire.next()).answer().send(text('lo world', 'e4') + stop('e5') + completed());
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello world', isWhole: true } });
  });

  const call = sse({ event_type: 'step.start', index: 1, step: called('c1', 'f') });
  const image = sse({ event_type: 'step.delta', index: 0, delta: { type: 'image', data: 'aW1n', mime_type: 'image/png' } });
  it.each([
    ['another text of that length', start() + text('Hello'), [said('Adieu')]],
    ['a call less', start() + text('Hel') + call, [said('Hello')]],
    ['a call of another name', call, [called('c1', 'g')]],
    ['a call by another id', call, [called('c2', 'f')]],
    ['two calls that are one', call + call.replace('"index":1', '"index":2'), [called('c1', 'f'), said('and more')]],
    ['an image less', start() + text('Hel') + image, [said('Hello')]],
  ])('is no success with %s', async (_, body, steps) => {
    const { asked, outcome } = await cut(created() + body);
    reply(asked, { status: 'completed', steps });
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'truncated', code: 'noSteps' } });
  });

  it('is one with the same calls and media, and a text that goes on', async () => {
    const { asked, outcome } = await cut(created() + start() + text('Hel') + image + call);
    const output = {
      type: 'model_output',
      content: [
        { type: 'text', text: 'Hello' },
        { type: 'image', data: 'aW1n' },
      ],
    };
    reply(asked, { status: 'requires_action', steps: [{ type: 'thought', signature: 'c2ln' }, output, called('c1', 'f')] });
    expect(await outcome).toMatchObject({ ok: true, outcome: 'requiresAction', answer: { text: 'Hello', calls: [{ id: 'c1' }], isWhole: true } });
  });

  it('is one where a key that the server repeats was read in pieces, or as a half', async () => {
    const apiKey = 'AIzaSECRET-0123456789_abc';
    const echo = `${apiKey} o`;
    for (let end = 1; end <= echo.length; end++) {
      const { asked, outcome } = await cut(created() + start() + text(`key ${echo.slice(0, 1)}`) + text(echo.slice(1, end)), { apiKey });
      reply(asked, { status: 'completed', steps: [said(`key ${apiKey} ok`)] });
      expect(await outcome).toMatchObject({ ok: true, answer: { text: 'key [hidden] ok', isWhole: true } });
    }
  });

  it('is one with a text in which that stands which was read from its middle on, and none with another', async () => {
    for (const whole of ['Hello world', 'Adieu']) {
      const { api, clock, wire } = scene();
      const stream = api.resume('v1', { lastEventId: 'e3' });
      const outcome = stream.answer();
      const retrying = fact(stream.ref, 'interaction.retrying');
      (await wire.next())
        .answer()
        .send(text('lo ', 'e4') + text('wor'))
        .end();
      await retrying;
      clock.advanceBy(1);
      const asked = await wire.next();
      expect(asked.url).toMatch(/\/interactions\/v1$/);
      reply(asked, { status: 'completed', steps: [said(whole)] });
      expect(await outcome).toMatchObject(whole === 'Adieu' ? { ok: false, failure: { code: 'noSteps' } } : { ok: true, answer: { text: whole } });
    }
  });

  it('has its steps by the name of before May 2026 as well', async () => {
    const { asked, outcome } = await cut(created() + start() + text('Hel'));
    const outputs = [{ type: 'text', text: 'Hello world' }];
    asked
      .answer(200, json)
      .send(JSON.stringify({ id: 'v1', status: 'completed', outputs }))
      .end();
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello world', steps: outputs, isWhole: true } });
  });
});

describe('an answer that is one value', () => {
  const create = async (answer: unknown) => {
    const { api, wire } = scene();
    const outcome = api.create(request);
    (await wire.next()).answer(200, json).send(JSON.stringify(answer)).end();
    return await outcome;
  };

  it('has text and calls by the name of before May 2026', async () => {
    const call = { type: 'function_call', id: 'c', name: 'f', arguments: { a: 1 } };
    expect(await create({ id: 'v1', status: 'requires_action', outputs: [{ type: 'text', text: 'Hi' }, call] })).toMatchObject({
      ok: true,
      outcome: 'requiresAction',
      answer: { text: 'Hi', calls: [{ id: 'c', name: 'f', arguments: { a: 1 } }], isWhole: true },
    });
  });

  it('without steps is not whole', async () => {
    expect(await create({ id: 'v1', status: 'completed' })).toMatchObject({ ok: true, outcome: 'completed', answer: { text: '', isWhole: false } });
    expect(await create({ id: 'v1', status: 'completed', steps })).toMatchObject({ ok: true, answer: { text: 'Hello world', isWhole: true } });
  });

  it('without a status is none, and whether there is one is not known', async () => {
    for (const answer of [{}, { hello: 1 }])
      expect(await create(answer)).toMatchObject({ ok: false, failure: { kind: 'creationUnknown', code: 'noStatus' } });
    expect(await create({ id: 'v1' })).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'noStatus' }, partial: { id: 'v1' } });
  });
});

describe('`[DONE]` without a last event', () => {
  it.each([
    ['alone', done],
    ['behind an interaction without steps', created() + done],
    ['behind one that is queued', created(undefined, 'queued') + done],
    ['behind a step that has not ended', created() + start() + text('Hello') + done],
  ])('%s is no end: it is asked how it stands, where it has an id', async (_, body) => {
    const { api, clock, wire } = scene();
    const stream = api.stream(request);
    const outcome = stream.answer();
    const isKnown = body !== done;
    const retrying = isKnown ? fact(stream.ref, 'interaction.retrying') : null;
    (await wire.next()).answer().send(body).end();
    if (isKnown) {
      await retrying;
      clock.advanceBy(1);
      const asked = await wire.next();
      expect(asked.url).toMatch(/\/interactions\/v1$/);
      asked
        .answer(200, json)
        .send(JSON.stringify({ id: 'v1', status: 'completed', steps }))
        .end();
      expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello world', isWhole: true } });
    } else expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'creationUnknown', code: 'truncated' } });
  });

  it.each([done, 'event: done\ndata: {}\n\n'])('behind whole steps is the end: %j', async (end) => {
    const { api, wire } = scene();
    const outcome = api.stream(request).answer();
    (await wire.next()).answer().send(created() + start() + text('A') + stop() + end);
    expect(await outcome).toMatchObject({ ok: true, outcome: 'completed', answer: { text: 'A', isWhole: true } });
    expect(wire.requests).toHaveLength(1);
  });
});

describe('events without an id', () => {
  it('behind the last that has one could not be told from what comes again: it is asked how it stands', async () => {
    const { asked, outcome } = await cut(created('e1') + start('e2') + text('Hello ') + text('wor'));
    expect(asked.url).toMatch(/\/interactions\/v1$/);
    asked
      .answer(200, json)
      .send(JSON.stringify({ id: 'v1', status: 'completed', steps }))
      .end();
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello world', isWhole: true } });
  });

  it('before the last that has one do no harm: it goes on behind that', async () => {
    const { asked, outcome } = await cut(created('e1') + start() + text('Hello ', 'e3'));
    expect(asked.url).toContain('last_event_id=e3');
    asked.answer().send(text('world', 'e4') + stop() + completed());
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'Hello world', isWhole: true, lastEventId: null } });
  });
});

describe('waiting', () => {
  it('ends with an answer that does not say how it stands', async () => {
    const { api, wire } = scene();
    const outcome = api.waitForCompletion('v1');
    (await wire.next()).answer(200, json).send('{"hello":1}').end();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'noStatus' } });
  });

  it('ends with a status, though nobody says by what steps', async () => {
    const { api, wire } = scene();
    const outcome = api.waitForCompletion('v1');
    (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed"}').end();
    expect(await outcome).toMatchObject({ ok: true, outcome: 'completed', answer: { isWhole: false } });
  });
});
