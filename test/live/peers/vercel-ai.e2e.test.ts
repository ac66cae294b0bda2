/** What the realtime sessions of vercel/ai have met, and how it is here. @see gemini-protocol §2, threads 20 and 21 */
import { afterEach, describe, expect, it } from 'vitest';
import { calls, endless, latch, leaveNothing, serve, setUp, start, tool } from '../talk.js';

afterEach(leaveNothing);

describe('vercel/ai #20696: a non-object tool result', () => {
  it.each<[string, unknown, object]>([
    ['text', 'ten degrees', { output: 'ten degrees' }],
    ['a list', [1, 2], { output: [1, 2] }],
    ['a number', 10, { output: 10 }],
    ['nothing', undefined, { output: null }],
    ['a BigInt', 10n, { error: expect.stringContaining('is no JSON') as string }],
    ['a function', () => 1, { error: "tool 'ask' returned a function, which is no JSON" }],
  ])('is wrapped into an object: %s', async (_, value, response) => {
    // This server, as the real one, closes with 1007 for a response that is no object.
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }, { say: 'thank you' }]);
    const { fact } = start(server.url, { ask: tool(() => value) });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response }]);
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('thank you'));
  });

  it('given by hand is wrapped too', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    const { fact, session } = start(server.url, { ask: tool(undefined) });
    await fact('tool.called');
    session.sendToolResponse({ id: 'call-ask', response: ['ten'] });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response: { output: ['ten'] } }]);
    await fact('tool.answered');
  });

  it('where the server closes for a payload all the same, code and reason are told', async () => {
    const server = await serve([...setUp, calls('ask'), { expect: 'toolResponse' }, { close: { code: 1007, reason: 'Invalid payload' } }]);
    const { session } = start(server.url, { ask: tool(() => 1) });
    expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1007, reason: 'Invalid payload' } });
  });
});

it.each([
  [
    'a tool that throws',
    {
      ask: tool(() => {
        throw new Error('no');
      }),
    },
    'no',
  ],
  ['a missing handler', {}, "unknown tool 'ask'; there are: none"],
])('vercel/ai: %s is answered', async (_, tools, error) => {
  const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
  const { fact } = start(server.url, tools);
  expect(await server.outcome).toEqual({ ok: true });
  expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response: { error } }]);
  await fact('tool.answered');
});

it('vercel/ai: a call that is cancelled does not run on and is not answered', async () => {
  const server = await serve([...setUp, calls('slow')]);
  const begun = latch<AbortSignal>();
  const late = latch<object>();
  const { session, fact, clock } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), late.opened)) });
  const signal = await begun.opened;
  void server.play([{ cancel: ['call-slow'] }]);
  await fact('tool.cancelled');
  expect(signal.aborted).toBe(true);
  late.open({});
  await clock.flush();
  session.sendText('fence');
  await server.next('clientContent');
  expect(server.answers()).toEqual([]);
});

it('vercel/ai #15430: when the session is closed, every promise of it settles, and none rejects', async () => {
  const server = await serve([...setUp, calls('slow'), { drop: true }]);
  const slow = endless();
  const { session, fact } = start(server.url, { slow: slow.tool });
  await session.ready();
  await fact('session.reconnecting');
  const promises = [session.ready(), session.ended(), session.close()];
  expect(await Promise.all(promises)).toEqual([
    { ok: false, failure: { kind: 'closed', by: 'client', code: 1000, reason: '' } },
    { ok: true, end: { by: 'client', code: 1000, reason: '' } },
    { ok: true, end: { by: 'client', code: 1000, reason: '' } },
  ]);
  expect((await slow.begun).aborted).toBe(true);
  expect(await fact('tool.abandoned')).toMatchObject({ id: 'call-slow', reason: 'closed' });
});
