/** What pipecat's Gemini Live service has met, and how it is here. @see gemini-protocol §2, thread 14 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, comeBack, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from '../talk.js';

afterEach(leaveNothing);

describe('pipecat #5465: tool results while reconnecting', () => {
  const lost: readonly Step[] = [...setUp, { resumption: { handle: 'h1' } }, calls('slow'), { drop: true }];

  it('of a tool of 1 100 s wait for the new socket, as do text and audio; answers go first, the order is kept', async () => {
    const server = await serve([...lost, ...setUpAgain('h1'), { awaitAnswers: ['call-slow'] }, { expect: 'realtimeInput', match: { text: 'two' } }]);
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened, { timeoutMs: 1_200_000 }) }, { capabilities: { gatesAudio: false } });
    await talk.fact('session.reconnecting');
    expect(talk.session.sendText('one')).toEqual({ status: 'queued' });
    expect(talk.session.sendRealtimeInput({ audio: { data: 'AAAA' } })).toEqual({ status: 'queued' });
    expect(talk.session.sendRealtimeInput({ text: 'two' })).toEqual({ status: 'queued' });
    slow.open({ found: 'it' });
    await talk.clock.flush();
    await comeBack(talk);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.received.filter(({ connection }) => connection === 1).map(({ kind }) => kind)).toEqual([
      'setup',
      'toolResponse',
      'clientContent',
      'realtimeInput',
      'realtimeInput',
    ]);
    await talk.fact('tool.answered');
  });

  it('of a tool that ends long after the new socket is there are written to that', async () => {
    const server = await serve([...lost, ...setUpAgain('h1'), { awaitAnswers: ['call-slow'] }]);
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened, { timeoutMs: 1_200_000 }) });
    await comeBack(talk);
    talk.clock.advanceBy(1_100_000);
    slow.open({});
    expect(await server.outcome).toEqual({ ok: true });
    await talk.fact('tool.answered');
  });

  it('are abandoned, and told so, where the resumed conversation is not to have them', async () => {
    const server = await serve([...lost, ...setUpAgain('h1'), { expect: 'clientContent' }]);
    const slow = latch<object>();
    const talk = start(server.url, { slow: tool(() => slow.opened) }, { staleAnswers: 'abandon' });
    await comeBack(talk);
    expect(await talk.fact('tool.abandoned')).toMatchObject({ id: 'call-slow', reason: 'staleHandle' });
    slow.open({});
    await talk.clock.flush();
    talk.session.sendText('fence');
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([]);
  });
});

it('pipecat: toolCallCancellation is handled', async () => {
  const server = await serve([...setUp, calls('slow')]);
  const begun = latch<AbortSignal>();
  const { fact } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
  const signal = await begun.opened;
  void server.play([{ cancel: ['call-slow'] }]);
  await fact('tool.cancelled');
  expect(signal.aborted).toBe(true);
});

it('pipecat: scheduling stands beside the response, where the types have it', async () => {
  const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
  const ask = tool(() => ({ found: 1 }), { behavior: 'NON_BLOCKING', scheduling: 'INTERRUPT' });
  const { fact } = start(server.url, { ask }, { model: 'gemini-3.8-live' });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response: { found: 1 }, scheduling: 'INTERRUPT' }]);
  await fact('tool.answered');
});

it('pipecat: three losses in a row are within the budget, and one that is not ends it typed', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'h1' } },
    { drop: true },
    { accept: true },
    { drop: true },
    { accept: true },
    { drop: true },
    { accept: true },
    { drop: true },
  ]);
  const talk = start(server.url, {}, { reconnect: { intensity: 3, periodMs: 60_000 } });
  for (let nth = 1; nth <= 3; nth++) {
    const losses = await talk.factsOf('session.reconnecting', nth);
    expect(losses.at(-1)).toMatchObject({ attempt: nth });
    talk.clock.advanceBy(losses.at(-1)!.delayMs);
  }
  expect(await talk.session.ended()).toMatchObject({ ok: false, failure: { code: 1006 } });
  expect(talk.facts.at(-1)).toMatchObject({ type: 'session.failed' });
});
