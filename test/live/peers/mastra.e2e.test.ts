/** What mastra's Gemini Live voice has met, and how it is here. @see gemini-protocol §2, threads 22 and 23 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from '../talk.js';

afterEach(leaveNothing);

it('mastra: unknown tool', async () => {
  const server = await serve([...setUp, calls('who'), { awaitAnswers: ['call-who'] }]);
  const { fact } = start(server.url, { known: tool(() => 1) });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()).toEqual([{ id: 'call-who', name: 'who', response: { error: "unknown tool 'who'; there are: known" } }]);
  await fact('tool.answered');
});

it('mastra, roomkit #42: a response without a name', async () => {
  const server = await serve([...setUp, calls('one'), { awaitAnswers: ['call-one'] }]);
  const { fact } = start(server.url, { one: tool(() => 1) });
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()).toEqual([{ id: 'call-one', name: 'one', response: { output: 1 } }]);
  await fact('tool.answered');
});

describe('mastra #22985 duplicate delivery: toolCall and modelTurn.parts[].functionCall', () => {
  const call = { id: 'call-once', name: 'once', args: { n: 1 } };
  const asMessage = { toolCall: { functionCalls: [call] } };
  const asPart = { serverContent: { modelTurn: { role: 'model', parts: [{ functionCall: call }] } } };

  it.each<[string, Step]>([
    ['the message first', { send: [asMessage, asPart] }],
    ['the part first', { send: [asPart, asMessage] }],
    ['both in one frame', { send: { ...asMessage, ...asPart } }],
    [
      'while the model generates, the part in a frame of data',
      { send: [{ serverContent: { modelTurn: { parts: [{ text: 'hm' }] } } }, asPart, asMessage] },
    ],
  ])('is run once: %s', async (_, step) => {
    const server = await serve([...setUp, step]);
    const go = latch<object>();
    let runs = 0;
    const { session, fact, facts } = start(server.url, { once: tool(() => (++runs, go.opened)) });
    await fact('tool.called');
    await server.idle();
    await server.play([{ send: { usageMetadata: { totalTokenCount: 1 } } }]);
    await fact('session.message', ({ message }) => 'usageMetadata' in message);
    go.open({ n: 1 });
    await fact('tool.answered');
    session.sendText('fence');
    await server.next('clientContent');
    expect(runs).toBe(1);
    expect(server.answers()).toEqual([{ id: 'call-once', name: 'once', response: { n: 1 } }]);
    expect(facts.filter(({ type }) => type === 'tool.called')).toHaveLength(1);
  });
});

it('mastra #18119: a session is resumed with the handle that the server gave, not with an id of the client', async () => {
  const server = await serve([
    { expect: 'setup' },
    { send: { setupComplete: { sessionId: 'uuid-1' } } },
    { resumption: { handle: 'h1' } },
    { drop: true },
    ...setUpAgain('h1'),
  ]);
  const { fact, clock } = start(server.url);
  clock.advanceBy((await fact('session.reconnecting')).delayMs);
  expect(await fact('session.ready', ({ resumed }) => resumed)).toMatchObject({ resumed: true });
  expect(await server.outcome).toEqual({ ok: true });
});

it('mastra #22971: a connect whose session cannot be created settles', async () => {
  const server = await serve([{ refuse: { status: 500, message: 'no session for you' } }]);
  const { session } = start(server.url);
  const failure = { kind: 'connectFailed', code: 500, reason: 'HTTP 500 Internal Server Error: no session for you' };
  expect(await session.ready()).toEqual({ ok: false, failure });
});
