/** The ways in which an app answers a call, each as it arrives on the wire. All take one path, and none waits for the session's own turn. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LiveSessionOptions } from '../../src/live/options.js';
import type { LiveTools } from '../../src/live/tool-plan.js';
import { ToolReply, unanswered } from '../../src/live/tools.js';
import { createActor } from 'xstate';
import { taskSupervisor, taskSupervisorHandle } from '../../src/supervision/tasks.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { calls, latch, leaveNothing, serve, setUp, start, type Talk, tool } from './talk.js';

afterEach(leaveNothing);

const answer = { id: 'call-ask', name: 'ask', response: { output: 'yes' } };

/** A server that calls `ask` and waits for its answer. */
async function asked(tools: LiveTools, options: Partial<LiveSessionOptions> = {}, script: readonly Step[] = []) {
  const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }, ...script]);
  return { server, talk: start(server.url, tools, options) };
}

describe('an answer reaches the wire, once, whether', () => {
  it.each<[string, () => unknown]>([
    ['a tool returns it', () => 'yes'],
    ['a tool promises it', async () => 'yes'],
    [
      'a tool yields it',
      async function* () {
        yield 'yes';
      },
    ],
  ])('%s', async (_, execute) => {
    const { server, talk } = await asked({ ask: tool(execute) });
    expect(await server.outcome).toEqual({ ok: true });
    expect(await talk.fact('tool.answered')).toEqual({ type: 'tool.answered', ...answer });
    expect(server.answers()).toEqual([answer]);
  });

  it.each<[string, NonNullable<LiveSessionOptions['onToolCall']>]>([
    ['onToolCall returns it', () => ({ response: 'yes' })],
    ['onToolCall promises it', async ({ id }) => [{ id, response: 'yes' }]],
    ['onToolCall sends it from inside', ({ id }, { session }) => void session.sendToolResponse({ id, response: 'yes' })],
    [
      'onToolCall sends it later, from a promise',
      async ({ id }, { session }) => (await Promise.resolve(), void session.sendToolResponse({ id, response: 'yes' })),
    ],
    [
      'onToolCall sends it from inside and returns it too',
      ({ id }, { session }) => (session.sendToolResponse({ id, response: 'yes' }), { response: 'yes' }),
    ],
  ])('%s', async (_, onToolCall) => {
    const { server, talk } = await asked({}, { onToolCall });
    expect(await server.outcome).toEqual({ ok: true });
    await talk.fact('tool.answered');
    talk.session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toEqual([answer]);
  });

  it('a tool sends it from inside, and leaves its own answer to that', async () => {
    const execute = (_args: object, { id, session }: { id: string; session: Talk['session'] }) => {
      expect(session.sendToolResponse({ id, response: 'yes' })).toEqual([{ id, status: 'queued' }]);
      return unanswered;
    };
    const { server, talk } = await asked({ ask: tool(execute) });
    expect(await server.outcome).toEqual({ ok: true });
    await talk.fact('tool.answered');
    expect(server.answers()).toEqual([answer]);
    expect(talk.session.sendToolResponse({ id: 'call-ask', response: 'again' })).toEqual([{ id: 'call-ask', status: 'rejected', reason: 'ended' }]);
  });

  it('a task of another supervisor sends it', async () => {
    const { server, talk } = await asked({ ask: tool(undefined) });
    const pool = createActor(taskSupervisor());
    pool.start();
    const tasks = taskSupervisorHandle(pool);
    const { id } = await talk.fact('tool.called');
    const started = tasks.async(() => talk.session.sendToolResponse({ id, response: 'yes' }));
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: [{ id, status: expect.any(String) as string }] });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([answer]);
    await talk.fact('tool.answered');
    pool.stop();
  });

  it('a listener sends it, in the session’s own turn, before any tool has run', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    let ran = 0;
    const talk = start(server.url, { ask: tool(() => (++ran, new Promise(() => undefined))) });
    talk.session.on('tool.called', ({ id }) => {
      expect(talk.session.sendToolResponse({ id, response: 'yes' })).toEqual([{ id, status: 'queued' }]);
    });
    expect(await server.outcome).toEqual({ ok: true });
    await talk.fact('tool.answered');
    expect(server.answers()).toEqual([answer]);
    expect(ran, 'it was under way already: its signal aborts').toBeLessThanOrEqual(1);
  });

  it('somebody outside sends it, while the tool’s own promise never settles', async () => {
    const begun = latch<AbortSignal>();
    const { server, talk } = await asked({ ask: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
    const signal = await begun.opened;
    talk.session.sendToolResponse({ id: 'call-ask', response: 'yes' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([answer]);
    expect(signal.aborted, 'its work is wanted no more').toBe(true);
    await talk.fact('tool.answered');
  });

  it('given before the setup is accepted: then it waits for that', async () => {
    const server = await serve([{ expect: 'setup' }, calls('ask')]);
    const talk = start(server.url, { ask: tool(undefined) });
    await talk.fact('tool.called');
    expect(talk.session.sendText('held')).toEqual({ status: 'queued' });
    expect(talk.session.sendToolResponse({ id: 'call-ask', response: 'yes' })).toEqual([{ id: 'call-ask', status: 'queued' }]);
    const meanwhile = server.play([{ send: { usageMetadata: { totalTokenCount: 1 } } }]);
    await talk.fact('session.message', ({ message }) => 'usageMetadata' in message);
    await meanwhile;
    expect(server.received.map(({ kind }) => kind)).toEqual(['setup']);
    expect(await server.play([{ send: { setupComplete: {} } }, { awaitAnswers: ['call-ask'] }, { expect: 'clientContent' }])).toEqual({ ok: true });
    expect(server.received.map(({ kind }) => kind)).toEqual(['setup', 'toolResponse', 'clientContent']);
    await talk.fact('tool.answered');
  });
});

describe('answers by hand', () => {
  it('of several calls go out in one breath, each told of by itself', async () => {
    const server = await serve([...setUp, calls('one', 'two'), { awaitAnswers: ['call-one', 'call-two'] }]);
    const talk = start(server.url, { one: tool(undefined), two: tool(undefined) });
    await talk.factsOf('tool.called', 2);
    const outcomes = talk.session.sendToolResponse([
      { id: 'call-two', response: [2] },
      { id: 'nobody', response: {} },
      { id: 'call-one', response: { one: 1 } },
      { id: 'call-one', response: 'twice' },
    ]);
    expect(outcomes.map(({ id, status }) => [id, status])).toEqual([
      ['call-two', 'sent'],
      ['nobody', 'rejected'],
      ['call-one', 'sent'],
      ['call-one', 'rejected'],
    ]);
    expect(await server.outcome).toEqual({ ok: true });
    await talk.factsOf('tool.answered', 2);
    expect(server.answers()).toEqual([
      { id: 'call-two', name: 'two', response: { output: [2] } },
      { id: 'call-one', name: 'one', response: { one: 1 } },
    ]);
  });

  it('of calls that the model does not wait for go out in parts, with their scheduling', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    const talk = start(server.url, { ask: tool(undefined, { behavior: 'NON_BLOCKING' }) }, { model: 'gemini-3.8-live' });
    await talk.fact('tool.called');
    const parts = [
      { response: { at: 1 }, willContinue: true, scheduling: 'SILENT' as const },
      { response: { at: 2 }, willContinue: true },
      { response: { at: 3 }, scheduling: 'INTERRUPT' as const },
    ];
    for (const part of parts) talk.session.sendToolResponse({ id: 'call-ask', ...part });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual(parts.map((part) => ({ id: 'call-ask', name: 'ask', ...part })));
    expect(await talk.factsOf('tool.progressed', 2)).toHaveLength(2);
    await talk.fact('tool.answered');
  });
});

describe('a tool that yields', () => {
  it('streams its answer where the model goes on meanwhile', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    async function* searching() {
      yield 'looking';
      yield new ToolReply({ found: 1 }, 'SILENT');
      return { found: 2 };
    }
    const talk = start(server.url, { ask: tool(searching, { behavior: 'NON_BLOCKING', scheduling: 'WHEN_IDLE' }) }, { model: 'gemini-3.8-live' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.received[0]?.message.setup?.tools).toMatchObject([{ functionDeclarations: [{ name: 'ask', behavior: 'NON_BLOCKING' }] }]);
    expect(server.answers()).toEqual([
      { id: 'call-ask', name: 'ask', response: { output: 'looking' }, scheduling: 'WHEN_IDLE', willContinue: true },
      { id: 'call-ask', name: 'ask', response: { found: 1 }, scheduling: 'SILENT', willContinue: true },
      { id: 'call-ask', name: 'ask', response: { found: 2 }, scheduling: 'WHEN_IDLE' },
    ]);
    expect(
      talk.facts.filter(({ type }) => type === 'session.gated'),
      'nobody waits for it',
    ).toEqual([]);
    await talk.fact('tool.answered');
  });

  it('answers once where the model can only wait', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    async function* searching() {
      yield 'looking';
      yield 'found';
    }
    const talk = start(server.url, { ask: tool(searching, { behavior: 'NON_BLOCKING' }) }, { model: 'gemini-3.1-flash-live' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response: { output: 'found' } }]);
    await talk.fact('tool.answered');
  });
});

describe('a callback harms nobody', () => {
  const others: Step[] = [calls('quick'), { awaitAnswers: ['call-quick'] }, { say: 'and on it goes' }];
  const quick = tool(() => 'quick');
  const goesOn = async ({ fact }: Talk) => {
    await fact('tool.answered', ({ name }) => name === 'quick');
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('and on it goes'));
  };

  it.each<[string, NonNullable<LiveSessionOptions['onToolCall']>, string]>([
    [
      'that throws',
      () => {
        throw new Error('out of order');
      },
      'out of order',
    ],
    ['that rejects', () => Promise.reject(new Error('later')), 'later'],
    [
      'that returns what is no answer',
      () => 7,
      'expected onToolCall to return answers: { id?, response, parts? } or a list of them, got: "a number"',
    ],
  ])('%s: its call is answered with an error', async (_, onToolCall, error) => {
    const { server, talk } = await asked({ quick }, { onToolCall }, others);
    await goesOn(talk);
    expect(server.answers()[0]).toEqual({ id: 'call-ask', name: 'ask', response: { error: expect.stringContaining(error) as string } });
  });

  it('that never returns: its call is answered at its deadline, and everything else goes on meanwhile', async () => {
    const server = await serve([...setUp, calls('ask'), ...others, { awaitAnswers: ['call-ask'] }]);
    const talk = start(server.url, { quick }, { onToolCall: () => new Promise(() => undefined), toolMs: 60_000 });
    await goesOn(talk);
    expect(server.answers()).toHaveLength(1);
    talk.clock.advanceBy(60_000);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()[1]).toEqual({ id: 'call-ask', name: 'ask', response: { error: "tool 'ask' did not end within 60000 ms" } });
    await talk.factsOf('tool.answered', 2);
  });

  it('that leaves the answer to somebody who never gives it: its call is answered at its deadline', async () => {
    const { server, talk } = await asked({ ask: tool(undefined, { timeoutMs: 500 }) });
    await talk.inState('tools', 'called');
    talk.clock.advanceBy(500);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-ask', name: 'ask', response: { error: "tool 'ask' did not end within 500 ms" } }]);
    await talk.fact('tool.answered');
  });

  it('that blocks its own thread for a while: what came meanwhile is handled after it, in order', async () => {
    const server = await serve([...setUp, calls('ask', 'quick'), { awaitAnswers: ['call-ask', 'call-quick'] }]);
    const ask = tool(() => {
      for (let n = 0; n < 1e6; n++) Math.sqrt(n);
      return 'yes';
    });
    const talk = start(server.url, { ask, quick });
    expect(await server.outcome).toEqual({ ok: true });
    await talk.factsOf('tool.answered', 2);
    expect(server.answers().map(({ id }) => id)).toEqual(['call-ask', 'call-quick']);
  });

  it('that is given arguments which do not fit is not called at all', async () => {
    const server = await serve([...setUp, calls('ask'), { awaitAnswers: ['call-ask'] }]);
    let ran = 0;
    const parameters = { type: 'object', properties: { for: { type: 'number' } }, required: ['for'] };
    const talk = start(server.url, { ask: tool(() => ++ran, { parameters }) });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([
      { id: 'call-ask', name: 'ask', response: { error: expect.stringMatching(/^invalid arguments: for: /) as string } },
    ]);
    expect(ran).toBe(0);
    await talk.fact('tool.answered');
  });
});
