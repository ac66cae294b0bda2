/**
 * What `@google/adk` does wrong, and this does not: its four cases by their letters, and threads of google/adk-python.
 * @see gemini-protocol §2: the runs of ADK-js 2.0.0 against the local server
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, comeBack, endless, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from '../talk.js';

afterEach(leaveNothing);

const deadlineExpired = 'Deadline expired before operation could complete';

it.each(['gemini-2.5-flash-native-audio', 'gemini-3.8-live', 'gemini-3.1-flash-live'])(
  'adk-js A, adk-python #5407: a toolCall without turnComplete is run at once (%s)',
  async (model) => {
    const server = await serve([...setUp, { say: 'Let me see', turnComplete: false }, calls('look'), { awaitAnswers: ['call-look'] }]);
    const { fact } = start(server.url, { look: tool(() => 'seen') }, { model });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-look', name: 'look', response: { output: 'seen' } }]);
    await fact('tool.answered');
  },
);

it('adk-js B: a cancellation and an interruption are heard while the tool runs, and the cancelled call is not answered', async () => {
  const server = await serve([...setUp, calls('slow')]);
  const begun = latch<AbortSignal>();
  const late = latch<object>();
  const { session, fact, clock } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), late.opened)) });
  const signal = await begun.opened;
  void server.play([{ cancel: ['call-slow'] }, { interrupt: true }]);
  await fact('session.message', ({ message }) => JSON.stringify(message).includes('interrupted'));
  expect(signal.aborted).toBe(true);
  late.open({});
  await clock.flush();
  session.sendText('fence');
  await server.next('clientContent');
  expect(server.answers()).toEqual([]);
});

describe('adk-js C: goAway, then close 1011 mid-tool: the answer reaches the new socket', () => {
  const script: readonly Step[] = [
    ...setUp,
    { resumption: { handle: 'h1' } },
    calls('slow'),
    { goAway: { timeLeftMs: 1_000 } },
    { close: { code: 1011, reason: deadlineExpired } },
    ...setUpAgain('h1'),
    { awaitAnswers: ['call-slow'] },
  ];
  const answers = [{ id: 'call-slow', name: 'slow', response: { at: 'last' } }];

  it('where the tool ends after the new socket is set up', async () => {
    const server = await serve(script, { handles: 'known' });
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened) });
    expect(await comeBack(talk)).toMatchObject({ resumed: true });
    slow.open({ at: 'last' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual(answers);
    await talk.fact('tool.answered');
  });

  it('where it ends while there is no socket', async () => {
    const server = await serve(script, { handles: 'known' });
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened) });
    await talk.fact('session.reconnecting');
    slow.open({ at: 'last' });
    await talk.clock.flush();
    expect(
      talk.facts.some(({ type }) => type === 'tool.answered'),
      'it waits',
    ).toBe(false);
    await comeBack(talk);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual(answers);
    await talk.fact('tool.answered');
  });

  it('where it ends while the old socket is closing', async () => {
    const server = await serve(script, { handles: 'known' });
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened) });
    await talk.fact('session.goAway');
    // The close comes in any of the next turns: whichever it is, the answer is not lost in it.
    slow.open({ at: 'last' });
    await comeBack(talk);
    expect(await server.outcome).toEqual({ ok: true });
    expect([...new Set(server.answers().map((one) => JSON.stringify(one)))]).toEqual(answers.map((one) => JSON.stringify(one)));
    await talk.fact('tool.answered');
  });
});

describe('adk-js D: a close with 1011 while idle is no orderly end', () => {
  it('where there is a handle, the conversation goes on', async () => {
    const server = await serve([
      ...setUp,
      { resumption: { handle: 'h1' } },
      { close: { code: 1011, reason: 'Internal error' } },
      ...setUpAgain('h1'),
    ]);
    const talk = start(server.url);
    expect(await talk.fact('session.reconnecting')).toMatchObject({ attempt: 1, code: 1011, reason: 'Internal error' });
    expect(await comeBack(talk)).toMatchObject({ resumed: true });
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('where there is none, a fresh one begins, and that is told', async () => {
    const server = await serve([...setUp, { close: { code: 1011, reason: 'Internal error' } }, ...setUpAgain(null)]);
    const talk = start(server.url);
    const { delayMs } = await talk.fact('session.reconnecting');
    talk.clock.advanceBy(delayMs);
    expect(await talk.fact('session.contextLost')).toMatchObject({ code: 'noHandle' });
    expect(await talk.factsOf('session.ready', 2)).toMatchObject([{ resumed: false }, { resumed: false }]);
  });

  it('where it may not come back, it crashes, with code and reason', async () => {
    const server = await serve([...setUp, { close: { code: 1011, reason: 'Internal error' } }]);
    const { session } = start(server.url, {}, { reconnect: { intensity: 0 } });
    expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1011, reason: 'Internal error' } });
  });
});

it('adk-python #4996: each new socket resumes with the latest handle, and is counted', async () => {
  const lost: Step[] = [{ close: { code: 1011, reason: 'service unavailable' } }];
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    ...lost,
    ...setUpAgain('h1'),
    { resumption: { handle: 'h2' } },
    { resumption: { handle: null } },
    ...lost,
    ...setUpAgain('h2'),
    ...lost,
  ]);
  const talk = start(server.url, {}, { reconnect: { intensity: 2, periodMs: 60_000 } });
  await comeBack(talk, 1);
  const [, second] = await talk.factsOf('session.reconnecting', 2);
  talk.clock.advanceBy(second!.delayMs);
  expect(await talk.session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1011, reason: 'service unavailable' } });
  expect(talk.facts.filter(({ type }) => type === 'session.reconnecting')).toHaveLength(2);
  expect(await server.outcome).toEqual({ ok: true });
});

it('adk-python #3918: a close with 1011 while a tool runs does not end the tool', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    calls('slow'),
    { close: { code: 1011, reason: 'Internal error' } },
    ...setUpAgain('h1'),
  ]);
  const slow = endless();
  const talk = start(server.url, { slow: slow.tool });
  const signal = await slow.begun;
  await comeBack(talk);
  expect(signal.aborted).toBe(false);
  expect(talk.facts.filter(({ type }) => type === 'tool.abandoned')).toEqual([]);
});

it('adk-python #4679: no audio goes out while a blocking call is open, and again once it is answered', async () => {
  const server = await serve([...setUp, calls('slow')]);
  const slow = latch<object>();
  const audio = (data: string) => ({ audio: { data, mimeType: 'audio/pcm;rate=16000' } });
  const { session, fact } = start(server.url, { slow: tool(() => slow.opened) });
  await fact('session.gated');
  expect(session.sendRealtimeInput(audio('AAAA'))).toEqual({ status: 'dropped', reason: 'gated' });
  slow.open({});
  await fact('session.gated', ({ closed }) => !closed);
  expect(session.sendRealtimeInput(audio('BBBB'))).toEqual({ status: 'sent' });
  await server.next('realtimeInput');
  expect(server.received.map(({ kind }) => kind)).toEqual(['setup', 'toolResponse', 'realtimeInput']);
  expect(server.received[2]?.message.realtimeInput).toMatchObject(audio('BBBB'));
});

it('adk-python #5947: parts of an answer bear willContinue, and are no turns of the user', async () => {
  const server = await serve([...setUp, calls('watch'), { awaitAnswers: ['call-watch'] }]);
  async function* watching() {
    yield 'one';
    yield 'two';
  }
  const { fact } = start(server.url, { watch: tool(watching, { behavior: 'NON_BLOCKING', scheduling: 'SILENT' }) }, { model: 'gemini-3.8-live' });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.received.map(({ kind }) => kind)).toEqual(['setup', 'toolResponse', 'toolResponse', 'toolResponse']);
  expect(server.answers().map(({ willContinue, scheduling }) => [willContinue, scheduling])).toEqual([
    [true, 'SILENT'],
    [true, 'SILENT'],
    [undefined, 'SILENT'],
  ]);
  await fact('tool.answered');
});
