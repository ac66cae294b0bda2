/** What the Gemini plugins of livekit/agents and agents-js have met, and how it is here. @see gemini-protocol §2, threads 15 to 19 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, comeBack, endless, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from '../talk.js';

afterEach(leaveNothing);

describe('livekit/agents #6569: a tool response can be lost, deadlocking the session', () => {
  const resumable: Step[] = [...setUp, { resumption: { handle: 'h1' } }, calls('slow')];
  const answered: Step[] = [...setUpAgain('h1'), { awaitAnswers: ['call-slow'] }, { say: 'thank you' }];

  it('one that waited for a socket is written on the next', async () => {
    const server = await serve([...resumable, { drop: true }, ...answered]);
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened) });
    await talk.fact('session.reconnecting');
    slow.open({ n: 1 });
    await talk.clock.flush();
    await comeBack(talk);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-slow', name: 'slow', response: { n: 1 } }]);
    await talk.fact('tool.answered');
  });

  it('one that was written to a socket whose conversation is resumed from before it, is written again', async () => {
    const server = await serve([...resumable, { awaitAnswers: ['call-slow'] }, { drop: true }, ...setUpAgain('h1'), { expect: 'toolResponse' }]);
    const talk = start(server.url, { slow: tool(() => ({ n: 1 })) });
    await comeBack(talk);
    expect(await talk.fact('tool.resent')).toEqual({ type: 'tool.resent', id: 'call-slow', name: 'slow' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers().map(({ response }) => response)).toEqual([{ n: 1 }, { n: 1 }]);
    expect(talk.facts.filter(({ type }) => type === 'tool.answered')).toHaveLength(1);
  });

  it('one that the handle stands for already, is not', async () => {
    const server = await serve([
      ...resumable,
      { awaitAnswers: ['call-slow'] },
      { resumption: { handle: 'h2' } },
      { drop: true },
      ...setUpAgain('h2'),
      { expect: 'clientContent' },
    ]);
    const talk = start(server.url, { slow: tool(() => ({ n: 1 })) });
    await comeBack(talk);
    talk.session.sendText('fence');
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toHaveLength(1);
  });
});

it('livekit/agents-js #2366: an abnormal close restarts the session, and it is not left on a dead socket', async () => {
  const server = await serve([...setUp, { resumption: { handle: 'h1' } }, { drop: true }, ...setUpAgain('h1'), { expect: 'clientContent' }]);
  const talk = start(server.url);
  expect(await talk.fact('session.reconnecting')).toMatchObject({ code: 1006 });
  expect(talk.session.sendText('are you there?'), 'what is said meanwhile waits').toEqual({ status: 'queued' });
  await comeBack(talk);
  expect(await server.outcome).toEqual({ ok: true });
});

it('livekit/agents-js #1137: every call of one message is run', async () => {
  const names = ['one', 'two', 'three', 'four'];
  const server = await serve([...setUp, calls(...names), { awaitAnswers: names.map((name) => `call-${name}`) }]);
  const { factsOf } = start(server.url, Object.fromEntries(names.map((name) => [name, tool(() => name)])));
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers().map(({ response }) => response)).toEqual(names.map((output) => ({ output })));
  await factsOf('tool.answered', names.length);
});

describe('livekit/agents-js #1130: realtimeInput during a pending call', () => {
  const audio = { audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } };

  it('does not go out: audio is dropped, words and activity wait', async () => {
    const server = await serve([...setUp, calls('slow'), { awaitAnswers: ['call-slow'] }, { expect: 'realtimeInput', match: { text: 'and?' } }]);
    const slow = latch<object>();
    const { session, fact } = start(server.url, { slow: tool(() => slow.opened) });
    await fact('session.gated');
    expect(session.sendRealtimeInput(audio)).toEqual({ status: 'dropped', reason: 'gated' });
    expect(session.sendRealtimeInput({ activityEnd: {} })).toEqual({ status: 'queued' });
    expect(session.sendRealtimeInput({ text: 'and?' })).toEqual({ status: 'queued' });
    slow.open({});
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.received.map(({ kind, message }) => (kind === 'realtimeInput' ? Object.keys(message.realtimeInput ?? {})[0] : kind))).toEqual([
      'setup',
      'toolResponse',
      'activityEnd',
      'text',
    ]);
  });

  /** How a call that closed the microphone comes to its end. */
  const ways: [string, Step[], (talk: ReturnType<typeof start>) => void][] = [
    ['its answer', [], ({ session }) => void session.sendToolResponse({ id: 'call-ask', response: 1 })],
    ['its deadline', [], ({ clock }) => clock.advanceBy(30_000)],
    ['its cancellation', [{ cancel: ['call-ask'] }], () => undefined],
  ];
  it.each(ways)('goes out again after %s', async (_, steps, end) => {
    const server = await serve([...setUp, calls('ask')]);
    const talk = start(server.url, { ask: tool(undefined) });
    await talk.fact('session.gated');
    void server.play(steps);
    end(talk);
    await talk.fact('session.gated', ({ closed }) => !closed);
    expect(talk.session.sendRealtimeInput(audio)).toEqual({ status: 'sent' });
    await server.next('realtimeInput');
  });

  it('goes out again after the conversation of the call was lost', async () => {
    const server = await serve([...setUp, calls('ask'), { drop: true }, ...setUpAgain(null)]);
    const talk = start(server.url, { ask: tool(undefined) });
    await talk.fact('session.gated');
    const { delayMs } = await talk.fact('session.reconnecting');
    expect(talk.session.sendRealtimeInput(audio), 'the model waits still, for all that is known').toMatchObject({ status: 'dropped' });
    talk.clock.advanceBy(delayMs);
    await talk.fact('session.contextLost');
    await talk.fact('session.gated', ({ closed }) => !closed);
    expect(talk.session.sendRealtimeInput(audio)).toEqual({ status: 'sent' });
  });

  it('goes out all the time where the call does not block, or the model needs no silence', async () => {
    const server = await serve([...setUp, calls('ask')], { plays: 'perConnection' });
    const free = start(server.url, { ask: tool(undefined, { behavior: 'NON_BLOCKING' }) }, { model: 'gemini-3.8-live' });
    const deaf = start(server.url, { ask: tool(undefined) }, { capabilities: { gatesAudio: false } });
    for (const { fact, session } of [free, deaf]) {
      await fact('tool.called');
      expect(session.sendRealtimeInput(audio)).toEqual({ status: 'sent' });
    }
  });
});

it('livekit/agents #5556: a call that the server takes back after 12 s of talking is not run twice', async () => {
  const server = await serve([...setUp, calls('slow')]);
  const slow = endless();
  let runs = 0;
  const { fact, clock } = start(server.url, { slow: tool((args, context) => (++runs, slow.tool.execute?.(args, context))) });
  const signal = await slow.begun;
  clock.advanceBy(12_000);
  void server.play([{ cancel: ['call-slow'] }]);
  await fact('tool.cancelled');
  expect([runs, signal.aborted]).toEqual([1, true]);
});

it('livekit/agents-js: a restart does not drop answers that wait', async () => {
  const server = await serve([
    ...setUp,
    calls('one', 'two'),
    { resumption: { handle: 'h1' } },
    { goAway: { timeLeftMs: 20_000 } },
    { expectClose: { code: 1000 } },
    ...setUpAgain('h1'),
    { awaitAnswers: ['call-one', 'call-two'] },
  ]);
  const talk = start(server.url, { one: tool(undefined), two: tool(undefined) });
  await talk.fact('session.goAway');
  talk.clock.advanceBy(15_000);
  await talk.inState('connection', 'online.rotating');
  talk.session.sendToolResponse([
    { id: 'call-one', response: 1 },
    { id: 'call-two', response: 2 },
  ]);
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers().map(({ response }) => response)).toEqual([{ output: 1 }, { output: 2 }]);
  await talk.factsOf('tool.answered', 2);
});

it('livekit/agents-js #5742: audio may trail the toolCall, and is passed on', async () => {
  const audio = { serverContent: { modelTurn: { role: 'model', parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA' } }] } } };
  const server = await serve([
    ...setUp,
    { send: audio },
    calls('ask'),
    { send: [audio, audio] },
    { send: { serverContent: { turnComplete: true } } },
  ]);
  const { fact, facts } = start(server.url, { ask: tool(undefined) });
  await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
  const order = facts.flatMap((one) =>
    one.type === 'session.message' ? [Object.keys(one.message)[0]] : one.type === 'tool.called' ? ['called'] : [],
  );
  expect(order).toEqual(['setupComplete', 'serverContent', 'toolCall', 'called', 'serverContent', 'serverContent', 'serverContent']);
});
