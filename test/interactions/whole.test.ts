/** What is whole, and what is not: answers without steps or status, ends that are none, events without ids behind the last that has one. */
import { describe, expect, it } from 'vitest';
import { interactions } from '../../src/interactions/client.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { fact, Wire } from '../stream/wire.js';

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

function scene() {
  const [clock, wire] = [new VirtualClock(), new Wire()];
  const retry = { attempts: 3, backoff: { minMs: 1, maxMs: 1, jitter: 0 } };
  return { api: interactions({ fetch: wire.fetch, clock, pollMs: 1, retry }), clock, wire };
}

/** A stream that is cut behind this text, and then asked for what is asked for next. */
async function cut(body: string) {
  const { api, clock, wire } = scene();
  const stream = api.stream(request);
  const outcome = stream.answer();
  const retrying = fact(stream.ref, 'interaction.retrying');
  (await wire.next()).answer().send(body).end();
  await retrying;
  clock.advanceBy(1);
  return { asked: await wire.next(), outcome };
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
    ['behind a step that has not ended', created() + start() + text('half') + done],
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
