/**
 * What `@google/genai` does wrong in a Live session, and this does not: its table of breakages, and threads of googleapis/js-genai.
 * @see gemini-protocol §3: what breaks on the client side
 */
import { afterEach, describe, expect, it } from 'vitest';
import { liveSessionHandle } from '../../../src/live/handle.js';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, latch, leaveNothing, serve, setUp, setUpAgain, socketsGone, start, tool } from '../talk.js';

afterEach(leaveNothing);

it('js-genai: pending forever when setup never completes', async () => {
  const server = await serve([{ expect: 'setup' }]);
  const { session, clock } = start(server.url);
  const ready = session.ready();
  await server.next('setup');
  clock.advanceBy(10_000);
  expect(await ready).toEqual({ ok: false, failure: { kind: 'setupTimeout', code: 'timeout', reason: 'no setupComplete within 10000 ms' } });
  await socketsGone();
});

it('js-genai #1257: with an ephemeral token too, a connect comes to an end', async () => {
  const server = await serve([{ expect: 'setup' }, { close: { code: 1008, reason: 'token expired' } }]);
  const { session } = start(server.url, {}, { apiKey: 'auth_tokens/abc' });
  expect(await session.ready()).toEqual({ ok: false, failure: { kind: 'closedBeforeSetup', code: 1008, reason: 'token expired' } });
  expect(server.connections).toMatchObject([{ service: 'constrained', apiVersion: 'v1alpha', credential: 'token' }]);
});

it('js-genai: the key is in no URL', async () => {
  const server = await serve([...setUp], { key: 'the-key' });
  const { session } = start(server.url);
  expect(await session.ready()).toEqual({ ok: true });
  expect(server.connections).toMatchObject([{ service: 'developer', apiVersion: 'v1beta', credential: 'keyInHeader' }]);
});

it('js-genai: send after close', async () => {
  const server = await serve([...setUp, { close: { code: 1000 } }]);
  const { session } = start(server.url);
  expect(await session.ended()).toEqual({ ok: true, end: { by: 'server', code: 1000, reason: '' } });
  const closed = { status: 'rejected', reason: 'closed' };
  expect(session.sendText('anyone?')).toEqual(closed);
  expect(session.sendRealtimeInput({ text: 'anyone?' })).toEqual(closed);
  expect(session.sendToolResponse({ id: 'a', response: 1 })).toEqual([{ id: 'a', ...closed }]);
});

it('js-genai: bad JSON frame', async () => {
  const bad: Step[] = [
    { garbage: '{"half' },
    { garbage: 'fffe', encoding: 'hex', frame: 'binary' },
    { garbage: '[]' },
    { garbage: '{"toolCall":7}' },
  ];
  const server = await serve([...setUp, ...bad, calls('after'), { awaitAnswers: ['call-after'] }]);
  const { fact, factsOf } = start(server.url, { after: tool(() => 1) });
  const told = await factsOf('session.malformed', 4);
  expect(told.map(({ reason }) => reason)).toEqual(['not-json', 'not-utf8', 'not-an-object', 'invalid-shape']);
  expect(await server.outcome, 'later frames are handled').toEqual({ ok: true });
  await fact('tool.answered');
});

it('js-genai: throwing callback', async () => {
  const server = await serve([...setUp, { say: 'one' }, calls('works'), { awaitAnswers: ['call-works'] }]);
  const thrown: string[] = [];
  const { session, fact } = start(server.url, { works: tool(() => 1) });
  const handle = liveSessionHandle(session.ref, { onListenerError: (_error, type) => thrown.push(type) });
  for (const type of ['session.ready', 'session.message', 'tool.called'] as const) {
    handle.on(type, () => {
      throw new Error('listener');
    });
  }
  expect(await server.outcome).toEqual({ ok: true });
  await fact('tool.answered');
  expect(new Set(thrown)).toEqual(new Set(['session.ready', 'session.message', 'tool.called']));
});

it('js-genai: an async tool that rejects is answered all the same', async () => {
  const server = await serve([...setUp, calls('fails'), { awaitAnswers: ['call-fails'] }]);
  const { fact } = start(server.url, { fails: tool(() => Promise.reject(new Error('no such city'))) });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()).toEqual([{ id: 'call-fails', name: 'fails', response: { error: 'no such city' } }]);
  await fact('tool.answered');
});

it.each(['text', 'binary', 'alternating'] as const)('js-genai #714: JSON in %s frames is read, in the order of the wire', async (frames) => {
  const texts = ['0', '1', '2', '3', '4', '5'];
  const server = await serve([...setUp, { say: texts }], { frames });
  const { facts, fact } = start(server.url);
  await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
  const said = facts.flatMap((one) => (one.type === 'session.message' ? (JSON.stringify(one.message).match(/"text":"(\d)"/)?.[1] ?? []) : []));
  expect(said).toEqual(texts);
});

it('js-genai: the server speaks first, in one segment with its setupComplete, while the app is not there yet', async () => {
  const first = { toolCall: { functionCalls: [{ id: 'call-first', name: 'first', args: {} }] } };
  const server = await serve([
    { expect: 'setup' },
    { send: [{ setupComplete: {} }, first, { serverContent: { turnComplete: true } }] },
    { awaitAnswers: ['call-first'] },
  ]);
  const { fact } = start(server.url, { first: tool((_args, { session }) => session.ready()) });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()[0]?.response, 'the callback has its session').toEqual({ ok: true });
  await fact('tool.answered');
});

it('js-genai: close() against a peer that does not answer ends after closeMs', async () => {
  const server = await serve([...setUp, { ignoreClose: true }]);
  const { session, clock, inState } = start(server.url, {}, { closeMs: 300 });
  await server.idle();
  await session.ready();
  const closed = session.close();
  await inState('connection', 'online.closing');
  clock.advanceBy(300);
  expect(await closed).toEqual({ ok: true, end: { by: 'client', code: 1006, reason: 'no answer to the close within 300 ms' } });
  await socketsGone();
});

describe('js-genai: 64 MiB to a stalled peer', () => {
  const mebibyte = 'A'.repeat(1_048_576);
  /** A session whose server reads nothing any more, after 64 messages of 1 MiB. */
  const stalled = async (message: (n: number) => object) => {
    const server = await serve([...setUp, { stall: 'reading' }]);
    const talk = start(server.url, {}, { uplink: { maxAudio: 4, maxContent: 4 } });
    await talk.session.ready();
    await server.idle();
    const outcomes: string[] = [];
    for (let n = 0; n < 64; n++) {
      outcomes.push(talk.session.sendRealtimeInput(message(n) as never).status);
      await talk.clock.flush();
    }
    return { talk, outcomes, server };
  };
  const of = (outcomes: readonly string[], status: string) => outcomes.filter((one) => one === status).length;

  it('audio waits in a bounded queue, which drops its oldest and says so', async () => {
    const { talk, outcomes } = await stalled(() => ({ audio: { data: mebibyte } }));
    expect(of(outcomes, 'sent'), 'what the kernel takes, and one high-water mark').toBeLessThan(16);
    expect(of(outcomes, 'sent') + of(outcomes, 'queued')).toBe(64);
    const dropped = talk.facts.filter(({ type }) => type === 'session.dropped');
    expect(dropped).toHaveLength(of(outcomes, 'queued') - 4);
    expect(dropped[0]).toEqual({ type: 'session.dropped', lane: 'audio', count: 1, reason: 'oldest', ref: null });
  });

  it('text is refused beyond its bound', async () => {
    const { outcomes } = await stalled(() => ({ text: mebibyte }));
    expect([of(outcomes, 'queued'), outcomes.at(-1)]).toEqual([4, 'rejected']);
  });

  it('an answer is held, and goes before all that waits once the peer reads again', async () => {
    const { talk, server, outcomes } = await stalled((n) => (n < 63 ? { audio: { data: mebibyte } } : { text: 'last' }));
    await server.play([calls('asked')]);
    await talk.fact('tool.called');
    talk.session.sendToolResponse({ id: 'call-asked', response: 1 });
    expect(talk.facts.some(({ type }) => type === 'tool.answered')).toBe(false);
    expect(await server.play([{ resume: true }, { awaitAnswers: ['call-asked'] }, { expect: 'realtimeInput', match: { text: 'last' } }])).toEqual({
      ok: true,
    });
    await talk.fact('tool.answered');
    const kinds = server.received.slice(1).map(({ message }) => (message.toolResponse ? 'answer' : message.realtimeInput?.text ? 'text' : 'audio'));
    const sent = of(outcomes, 'sent');
    // The audio that waited was dropped when the call closed the microphone.
    expect(kinds).toEqual([...Array.from({ length: sent }, () => 'audio'), 'answer', 'text']);
  });
});

it.each([
  ['#1236', 'Operation is not implemented, or supported, or enabled.'],
  ['#696', 'proactivity is not supported by this model'],
])('js-genai %s: a policy close says why, is not tried again, and later sends are refused', async (_, reason) => {
  const server = await serve([...setUp, { close: { code: 1008, reason } }]);
  const { session, facts } = start(server.url);
  expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1008, reason } });
  expect(session.sendText('still there?')).toEqual({ status: 'rejected', reason: 'closed' });
  expect(facts.some(({ type }) => type === 'session.reconnecting')).toBe(false);
});

it('js-genai #1513: a resumption that lost the context is told, and its calls are abandoned for that reason', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    calls('slow'),
    { drop: true },
    { accept: { handle: 'h1' } },
    { expect: 'setup' },
    { close: { code: 1008, reason: 'Requested entity was not found.' } },
    ...setUpAgain(null),
  ]);
  const begun = latch<AbortSignal>();
  const talk = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
  const { delayMs } = await talk.fact('session.reconnecting');
  talk.clock.advanceBy(delayMs);
  expect(await talk.fact('session.contextLost')).toEqual({ type: 'session.contextLost', code: 1008, reason: 'Requested entity was not found.' });
  expect(await talk.fact('tool.abandoned')).toMatchObject({ id: 'call-slow', reason: 'contextLost' });
  expect((await begun.opened).aborted).toBe(true);
  expect(await talk.factsOf('session.ready', 2)).toMatchObject([{ resumed: false }, { resumed: false }]);
  expect(talk.session.sendText('hello again')).toEqual({ status: 'sent' });
});

it('java-genai #1153: a close after the setup is observed', async () => {
  const server = await serve([...setUp, { close: { code: 1000, reason: 'done' } }]);
  const { session, fact } = start(server.url);
  expect(await fact('session.closed')).toEqual({ type: 'session.closed', by: 'server', code: 1000, reason: 'done' });
  expect(await session.ended()).toMatchObject({ ok: true });
});

it('generative-ai-js #487: a close right after a tool response says why', async () => {
  const reason = 'Requested entity was not found.';
  const server = await serve([...setUp, calls('quick'), { expect: 'toolResponse' }, { close: { code: 1008, reason } }]);
  const { session, facts } = start(server.url, { quick: tool(() => 1) });
  expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1008, reason } });
  expect(facts.filter(({ type }) => type === 'tool.answered' || type === 'tool.abandoned')).toHaveLength(1);
});

it('js-genai: tools are called in Live too, and in parallel', async () => {
  const server = await serve([...setUp, calls('one', 'two'), { awaitAnswers: ['call-two'] }, { awaitAnswers: ['call-one'] }]);
  const two = latch();
  const tools = { one: tool(async () => (await two.opened, 1)), two: tool(() => (two.open(), 2)) };
  const { factsOf } = start(server.url, tools);
  expect(await server.outcome).toEqual({ ok: true });
  await factsOf('tool.answered', 2);
});
