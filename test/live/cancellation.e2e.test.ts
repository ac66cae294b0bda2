/** Calls that the server takes back: their signals abort, and no answer for their ids goes out, however late it comes. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { calls, endless, latch, leaveNothing, serve, setUp, start, tool } from './talk.js';

afterEach(leaveNothing);

describe('a call that is cancelled', () => {
  it('after most of a minute, by the clock of the session, is aborted then and not at its deadline', async () => {
    const server = await serve([...setUp, calls('slow')]);
    const slow = endless({ timeoutMs: 120_000 });
    const { clock, fact, session } = start(server.url, { slow: slow.tool });
    const signal = await slow.begun;
    clock.advanceBy(60_000);
    expect(signal.aborted).toBe(false);
    void server.play([{ cancel: ['call-slow'] }]);
    expect(await fact('tool.cancelled')).toEqual({ type: 'tool.cancelled', id: 'call-slow', name: 'slow' });
    expect(signal.aborted).toBe(true);
    clock.advanceBy(120_000);
    session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toEqual([]);
  });

  it('is not answered afterwards, by its tool or by hand', async () => {
    const server = await serve([...setUp, calls('slow')]);
    const late = latch<object>();
    const { clock, session, fact, facts } = start(server.url, { slow: tool(() => late.opened) });
    await fact('tool.called');
    void server.play([{ cancel: ['call-slow'] }]);
    await fact('tool.cancelled');
    late.open({ too: 'late' });
    expect(session.sendToolResponse({ id: 'call-slow', response: 'too late' })).toEqual([{ id: 'call-slow', status: 'rejected', reason: 'ended' }]);
    await clock.flush();
    session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toEqual([]);
    expect(facts.filter(({ type }) => type === 'tool.answered')).toEqual([]);
  });

  it('in the same breath in which it was made never runs to an answer', async () => {
    const server = await serve([...setUp, { send: [callOf('a'), { toolCallCancellation: { ids: ['a'] } }] }]);
    const { session, fact } = start(server.url, { t: tool(() => 'answer') });
    await fact('tool.cancelled');
    session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toEqual([]);
  });

  it('in the very message that makes it never runs at all', async () => {
    const server = await serve([...setUp, { send: { ...callOf('a'), toolCallCancellation: { ids: ['a'] } } }]);
    let ran = 0;
    const { session, fact, facts } = start(server.url, { t: tool(() => ++ran) });
    await fact('tool.cancelled');
    session.sendText('fence');
    await server.next('clientContent');
    expect([ran, server.answers()]).toEqual([0, []]);
    expect(facts.map(({ type }) => type)).toEqual(expect.arrayContaining(['tool.called', 'tool.cancelled']));
  });

  it('of which nobody knows, or that has its answer, is nothing', async () => {
    const server = await serve([...setUp, calls('quick'), { awaitAnswers: ['call-quick'] }]);
    const { session, fact, facts } = start(server.url, { quick: tool(() => 1) });
    await fact('tool.answered');
    await server.play([{ cancel: ['call-quick', 'nobody'] }, { say: 'on' }]);
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
    expect(facts.filter(({ type }) => type === 'tool.cancelled')).toEqual([]);
    expect(session.sendText('alive')).toEqual({ status: 'sent' });
  });
});

const callOf = (id: string) => ({ toolCall: { functionCalls: [{ id, name: 't', args: {} }] } });

describe('parallel calls, some cancelled, some answered', () => {
  /** What is done about call `id`, in some order. */
  type Move = { readonly id: string; readonly does: 'cancel' | 'answer' };
  const ids = ['a', 'b', 'c', 'd'];
  const moves: Move[] = ids.flatMap((id) => [
    { id, does: 'cancel' },
    { id, does: 'answer' },
  ]);

  it('come to one end each, in every order that was tried: what came first counts', async () => {
    const orders = fc.sample(fc.shuffledSubarray(moves, { minLength: 4, maxLength: moves.length }), { numRuns: 12, seed: 7 });
    for (const order of orders) {
      const script: Step[] = [...setUp, { callTools: ids.map((id) => ({ id, name: 't' })) }];
      const server = await serve(script);
      const { fact, session, facts, factsOf } = start(server.url, { t: tool(undefined) });
      await factsOf('tool.called', ids.length);
      const ends = new Map<string, Move['does']>();
      for (const { id, does } of order) {
        const isFirst = !ends.has(id);
        if (isFirst) ends.set(id, does);
        if (does === 'cancel') {
          await server.play([{ cancel: [id] }]);
          if (isFirst) await fact('tool.cancelled', (one) => one.id === id);
          continue;
        }
        const [outcome] = session.sendToolResponse({ id, response: { for: id } });
        expect(outcome?.status === 'rejected', `${JSON.stringify(order)} at ${id}`).toBe(!isFirst);
        if (isFirst) await fact('tool.answered', (one) => one.id === id);
      }
      session.sendText('fence');
      await server.next('clientContent');
      const answered = [...ends].filter(([, does]) => does === 'answer').map(([id]) => id);
      expect(server.answers().map(({ id }) => id)).toEqual(answered);
      const told = facts.filter(({ type }) => type === 'tool.answered' || type === 'tool.cancelled').map((one) => (one as { id: string }).id);
      expect([...told].sort()).toEqual([...ends.keys()].sort());
      await leaveNothing();
    }
  });
});

describe('the same call', () => {
  it('delivered twice runs once, and is answered for each delivery', async () => {
    const server = await serve([...setUp, calls('once'), calls('once')]);
    const go = latch<object>();
    let runs = 0;
    const { session, fact, factsOf, facts } = start(server.url, { once: tool(() => (++runs, go.opened)) });
    await fact('tool.repeated');
    go.open({ n: 1 });
    await fact('tool.answered');
    await server.play([calls('once'), { awaitAnswers: ['call-once'] }]);
    await factsOf('tool.repeated', 2);
    session.sendText('fence');
    await server.next('clientContent');
    expect(
      server.answers().map(({ response }) => response),
      'one answer serves both deliveries while it was open',
    ).toEqual([{ n: 1 }, { n: 1 }]);
    expect(runs).toBe(1);
    expect(facts.filter(({ type }) => type === 'tool.called')).toHaveLength(1);
  });
});
