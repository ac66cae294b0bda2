/** What smaller projects have met in Gemini Live sessions, each by its name, and how it is here. @see gemini-protocol §2 and §1a */
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenSocket } from '../../../src/live/socket.js';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, comeBack, endless, latch, leaveNothing, serve, setUp, setUpAgain, socketsGone, start, tool, watched } from '../talk.js';

afterEach(leaveNothing);

it('sip-to-ai: old socket closed before resuming', async () => {
  // Such a server refuses a resumption with 1011 while the socket that gave the handle is open.
  const server = await serve(
    [...setUp, { resumption: { handle: 'h1' } }, { goAway: { timeLeftMs: 50_000 } }, { expectClose: { code: 1000 } }, ...setUpAgain('h1')],
    {
      handles: 'known',
    },
  );
  const order: string[] = [];
  const openSocket: OpenSocket = (address, listener) => {
    order.push('opens');
    return watched(address, { ...listener, closed: (...end) => (order.push('closed'), listener.closed(...end)) });
  };
  const { fact } = start(server.url, {}, { openSocket });
  expect(await fact('session.ready', ({ resumed }) => resumed)).toMatchObject({ resumed: true });
  expect(order).toEqual(['opens', 'closed', 'opens']);
  expect(await server.outcome).toEqual({ ok: true });
});

it('sip-to-ai: an old socket that does not answer the close is cut after closeMs, and then the new one resumes', async () => {
  const server = await serve(
    [...setUp, { ignoreClose: true }, { resumption: { handle: 'h1' } }, { goAway: { timeLeftMs: 50_000 } }, ...setUpAgain('h1')],
    {
      handles: 'known',
    },
  );
  const { fact, clock, inState } = start(server.url, {}, { closeMs: 700 });
  await inState('connection', 'online.rotating');
  clock.advanceBy(700);
  expect(await fact('session.ready', ({ resumed }) => resumed)).toMatchObject({ resumed: true });
  expect(await server.outcome).toEqual({ ok: true });
});

it('tau2: goAway with a silent server', async () => {
  // No frame follows the goAway: its deadline is a timer, and looks at no traffic.
  const server = await serve([...setUp, { goAway: { timeLeftMs: 30_000 } }, { expectClose: { code: 1000 } }, ...setUpAgain(null)]);
  const { fact, clock, inState, factsOf } = start(server.url);
  await fact('session.goAway');
  clock.advanceBy(24_999);
  await inState('connection', 'online.ready');
  clock.advanceBy(1);
  await inState('connection', 'online.rotating');
  expect(await factsOf('session.ready', 2)).toHaveLength(2);
  expect(await server.outcome).toEqual({ ok: true });
});

it('pydantic-ai #6643: it resumes by itself on a goAway, before the server cuts the turn', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    { goAway: { timeLeftMs: 50_000 } },
    { expectClose: { code: 1000 } },
    ...setUpAgain('h1'),
    { say: 'on' },
  ]);
  const { fact, facts } = start(server.url);
  await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
  expect(
    facts.some(({ type }) => type === 'session.reconnecting'),
    'it is no loss, and costs none of the budget',
  ).toBe(false);
});

it('openclaw: late session from an abandoned attempt', async () => {
  const server = await serve([...setUp, { expect: 'clientContent' }]);
  const token = latch<string>();
  let attempts = 0;
  const accessToken = () => (++attempts === 1 ? token.opened : 'second');
  const talk = start(server.url, {}, { vertex: { project: 'p', location: 'europe-west1', accessToken }, connectMs: 1_000 });
  talk.clock.advanceBy(1_000);
  expect(await talk.session.ready()).toMatchObject({ ok: false, failure: { kind: 'connectTimeout' } });
  token.open('first');
  await talk.clock.flush();
  expect(server.connections, 'the late token opens nothing').toEqual([]);

  const again = start(server.url, {}, { vertex: { project: 'p', location: 'europe-west1', accessToken } });
  expect(await again.session.ready()).toEqual({ ok: true });
  again.session.sendText('hi');
  expect(await server.outcome).toEqual({ ok: true });
});

it('openclaw: frames of an old socket touch nothing', async () => {
  const server = await serve([...setUp, { resumption: { handle: 'h1' } }, { drop: true }, ...setUpAgain('h1')]);
  const listeners: Parameters<OpenSocket>[1][] = [];
  const openSocket: OpenSocket = (address, listener) => (listeners.push(listener), watched(address, listener));
  const talk = start(server.url, { t: tool(() => 1) }, { openSocket });
  await comeBack(talk);
  const before = talk.facts.length;
  const [old] = listeners;
  old?.opened();
  old?.frame('{"toolCall":{"functionCalls":[{"id":"late","name":"t","args":{}}]},"goAway":{"timeLeft":"0s"}}');
  old?.closed(1007, 'late');
  await talk.clock.flush();
  expect(talk.facts.slice(before)).toEqual([]);
  expect(talk.session.sendText('still here')).toEqual({ status: 'sent' });
  expect((await server.next('clientContent')).ok).toBe(true);
});

describe('autonomous-os #237: the microphone is opened again on every way out', () => {
  it.each<[string, Step[], number]>([
    ['the call is taken back', [{ cancel: ['call-slow'] }], 0],
    ['the call times out', [], 30_000],
  ])('%s', async (_, steps, ms) => {
    const server = await serve([...setUp, calls('slow')]);
    const slow = endless();
    const { fact, clock, session } = start(server.url, { slow: slow.tool });
    await slow.begun;
    void server.play(steps);
    clock.advanceBy(ms);
    await fact('session.gated', ({ closed }) => !closed);
    expect(session.sendRealtimeInput({ audio: { data: 'AAAA' } })).toEqual({ status: 'sent' });
  });

  it('with several calls, once the last is over', async () => {
    const server = await serve([...setUp, calls('one', 'two')]);
    const { fact, factsOf, session } = start(server.url, { one: tool(undefined), two: tool(undefined) });
    await factsOf('tool.called', 2);
    const gated = () => session.sendRealtimeInput({ audio: { data: 'AAAA' } }).status;
    session.sendToolResponse({ id: 'call-one', response: 1 });
    await fact('tool.answered', ({ name }) => name === 'one');
    expect(gated()).toBe('dropped');
    session.sendToolResponse({ id: 'call-two', response: 2 });
    await fact('tool.answered', ({ name }) => name === 'two');
    expect(gated()).toBe('sent');
  });
});

it('AVA #598: a close with 1007 over a call is a payload that the server objects to: it says why, and is not tried again', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    calls('slow'),
    { close: { code: 1007, reason: 'Request contains an invalid argument.' } },
  ]);
  const slow = endless();
  const { session, fact } = start(server.url, { slow: slow.tool });
  expect(await session.ended()).toMatchObject({ ok: false, failure: { code: 1007, reason: 'Request contains an invalid argument.' } });
  expect(await fact('tool.abandoned')).toMatchObject({ id: 'call-slow', reason: 'connectionLost' });
  expect((await slow.begun).aborted).toBe(true);
});

it('Patter #210: a setup that the server never accepts, for a knob that it does not know, ends typed', async () => {
  const server = await serve([{ expect: 'setup', match: { proactivity: {} } }]);
  const { session, clock } = start(server.url, {}, { setup: { proactivity: { proactiveAudio: true } }, setupMs: 3_000 });
  await server.idle();
  clock.advanceBy(3_000);
  expect(await session.ready()).toMatchObject({ ok: false, failure: { kind: 'setupTimeout' } });
  await socketsGone();
});

it('Firebase: a frame of several kinds is handled whole', async () => {
  const whole = {
    toolCall: { functionCalls: [{ id: 'call-one', name: 'one', args: {} }] },
    serverContent: { modelTurn: { role: 'model', parts: [{ text: 'and' }] }, turnComplete: true },
    usageMetadata: { totalTokenCount: 7 },
    sessionResumptionUpdate: { newHandle: 'h1', resumable: true },
    goAway: { timeLeft: '50s' },
    brandNew: { field: 1 },
  };
  const server = await serve([...setUp, { send: whole }, { awaitAnswers: ['call-one'] }]);
  const { fact } = start(server.url, { one: tool(() => 1) });
  expect(await server.outcome).toEqual({ ok: true });
  expect(await fact('session.resumable')).toMatchObject({ handle: 'h1' });
  expect(await fact('session.goAway')).toMatchObject({ timeLeftMs: 50_000 });
  expect((await fact('session.message', ({ message }) => 'brandNew' in message)).message).toEqual(whole);
  await fact('tool.answered');
});

it('Firebase: frames that come with the close are told before it', async () => {
  const server = await serve([
    ...setUp,
    { send: [{ serverContent: { modelTurn: { parts: [{ text: 'last words' }] } } }, { serverContent: { turnComplete: true } }] },
    { close: {} },
  ]);
  const { session, facts } = start(server.url);
  expect(await session.ended()).toEqual({ ok: true, end: { by: 'server', code: 1000, reason: '' } });
  const told = facts.map((one) =>
    one.type === 'session.message' ? Object.keys((one.message['serverContent'] as object | undefined) ?? one.message)[0] : one.type,
  );
  expect(told).toEqual(['setupComplete', 'session.ready', 'modelTurn', 'turnComplete', 'session.closed']);
});

it('langgraphjs #2755: a tool is given the signal of its call, and what it passes it on to ends with it', async () => {
  const server = await serve([...setUp, calls('fetches')]);
  const begun = latch();
  const fetching = latch<unknown>();
  const fetches = tool((_args, { signal }) => {
    begun.open();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => (fetching.open(signal.reason), reject(signal.reason as Error))));
  });
  const { session } = start(server.url, { fetches });
  await begun.opened;
  await session.close();
  expect(await fetching.opened).toBeDefined();
});

it('openai-agents-js #1128: after the last tool the conversation goes on to the end of its turn', async () => {
  const server = await serve([...setUp, calls('one'), { awaitAnswers: ['call-one'] }, { say: 'all done' }]);
  const { inState, fact } = start(server.url, { one: tool(() => 1) });
  await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
  await inState('connection', 'online.ready.idle');
  await inState('tools', 'idle');
});
