/** Conversations with a scripted model: turns, calls, limits, deadlines, and every way to end. */
import { createActor, fromCallback } from 'xstate';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Conversation, converse, ConversationError } from '../../src/tools/converse.js';
import type { ConversationNews } from '../../src/tools/events.js';
import type { ToolContext } from '../../src/tools/tool-plan.js';
import { stopActor } from '../../src/supervision/xstate-internals.js';
import { ScriptedModel, type ScriptedTurn } from './scripted-model.js';

/** A tool that answers when the test says so; what it was called with, and whether its signal aborted. */
function heldTool() {
  const calls: { readonly id: string; aborted: boolean; answer(value: unknown): void; fail(error: unknown): void }[] = [];
  const watching: (() => void)[] = [];
  const execute = (_args: object, { id, signal }: ToolContext): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = { id, aborted: false, answer: resolve, fail: reject };
      signal.addEventListener('abort', () => (call.aborted = true));
      calls.push(call);
      for (const seen of watching.splice(0)) seen();
    });
  const calledTimes = async (count: number): Promise<void> => {
    while (calls.length < count) await new Promise<void>((resolve) => watching.push(resolve));
  };
  return { tool: { description: 'waits', execute }, calls, calledTimes };
}

const echo = { description: 'says its arguments', execute: (args: object) => args };
const call = (id: string, name = 'echo', args: object = {}) => ({ id, name, args });
const begun: Conversation[] = [];

function begin(turns: readonly ScriptedTurn[], options: Partial<Parameters<typeof converse>[0]> = {}) {
  const model = new ScriptedModel(...turns);
  const clock = new VirtualClock();
  const conversation = converse({ model, input: 'hello', clock, ...(options as object) });
  begun.push(conversation);
  return { model, clock, conversation };
}

async function newsOf(conversation: AsyncIterable<ConversationNews>): Promise<ConversationNews[]> {
  const news: ConversationNews[] = [];
  for await (const event of conversation) news.push(event);
  return news;
}

const resultsIn = (model: ScriptedModel, turn: number) => model.resultsOf(turn);

afterEach(() => {
  for (const { ref } of begun.splice(0)) {
    expect(ref.getSnapshot().status).not.toBe('active');
    expect(
      Object.values(ref.getSnapshot().children).filter((child) => (child as { getSnapshot(): { status: string } }).getSnapshot().status === 'active'),
    ).toEqual([]);
  }
});

describe('a conversation', () => {
  it('without a call is one turn', async () => {
    const { conversation, model } = begin([
      {
        events: [
          { type: 'thought', text: 'hm' },
          { type: 'text', text: 'hi' },
        ],
        text: 'hi',
      },
    ]);
    expect(await newsOf(conversation)).toEqual([
      { type: 'turn', turn: 1 },
      { type: 'thought', text: 'hm', turn: 1 },
      { type: 'text', text: 'hi', turn: 1 },
      { type: 'turnEnd', turn: 1, next: 'nothing' },
    ]);
    expect(await conversation.ended()).toEqual({
      ok: true,
      text: 'hi',
      answer: { text: 'hi' },
      turns: 1,
      history: [
        { role: 'user', parts: [{ text: 'hello' }] },
        { role: 'model', parts: [{ text: 'hi' }] },
      ],
    });
    expect(model.openCount).toBe(0);
  });

  it('goes on turn by turn, with text and calls mixed, until there is an answer', async () => {
    const { conversation, model } = begin(
      [{ text: 'Let me see.', calls: [call('a', 'echo', { n: 1 }), call('b', 'echo', { n: 2 })] }, { calls: [{ name: 'echo' }] }, { text: 'done' }],
      { tools: { echo } },
    );
    const news = await newsOf(conversation);
    expect(news.map(({ type, turn }: ConversationNews & { turn?: number }) => `${type} ${turn}`)).toEqual([
      ...['turn 1', 'turnEnd 1', 'toolCall 1', 'toolCall 1', 'toolResult 1', 'toolResult 1'],
      ...['turn 2', 'turnEnd 2', 'toolCall 2', 'toolResult 2', 'turn 3', 'turnEnd 3'],
    ]);
    const outcome = await conversation.ended();
    expect(outcome).toMatchObject({ ok: true, text: 'done', turns: 3 });
    expect(outcome.history).toEqual([
      { role: 'user', parts: [{ text: 'hello' }] },
      {
        role: 'model',
        parts: [{ text: 'Let me see.' }, { functionCall: call('a', 'echo', { n: 1 }) }, { functionCall: call('b', 'echo', { n: 2 }) }],
      },
      {
        role: 'user',
        results: [
          { index: 0, id: 'a', name: 'echo', response: { n: 1 }, fault: null },
          { index: 1, id: 'b', name: 'echo', response: { n: 2 }, fault: null },
        ],
      },
      { role: 'model', parts: [{ functionCall: { name: 'echo' } }] },
      { role: 'user', results: [{ index: 0, id: null, name: 'echo', response: {}, fault: null }] },
      { role: 'model', parts: [{ text: 'done' }] },
    ]);
    expect(model.asked.map(({ history, turn }) => [turn, history.length])).toEqual([
      [1, 1],
      [2, 3],
      [3, 5],
    ]);
  });

  it('is asked to go on, and the pieces are one text', async () => {
    const { conversation } = begin([{ text: 'one ', next: 'continue' }, { text: 'two' }]);
    expect(await conversation.ended()).toMatchObject({ ok: true, text: 'one two', turns: 2 });
  });

  it('ends at its turn limit, before it runs what nobody will be told of, and says what was reached', async () => {
    const ran: unknown[] = [];
    const tools = { echo: { description: 'e', execute: (args: object) => ran.push(args) } };
    const { conversation } = begin([{ calls: [call('a')] }, { text: 'and', calls: [call('b', 'echo', { n: 2 })] }], { tools, maxTurns: 2 });
    const outcome = await conversation.ended();
    expect(outcome).toMatchObject({
      ok: false,
      failure: { kind: 'turnLimit', code: 'maxTurns', message: "after 2 turns the model wants to call 'echo'" },
      turns: 2,
      reached: { text: 'and', calls: [{ index: 0, id: 'b', name: 'echo', args: { n: 2 } }] },
    });
    expect(outcome.history).toHaveLength(3);
    expect(ran).toHaveLength(1);
  });

  it('that fails tells the failure of its model, and an iteration throws it', async () => {
    const failure = { kind: 'refused' as const, code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', retryAfterMs: 2_000 };
    const { conversation } = begin([{ calls: [call('a')] }, { failure }], { tools: { echo } });
    const error = await newsOf(conversation).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConversationError);
    expect((error as ConversationError).details).toMatchObject({ kind: 'refused', code: 429, retryAfterMs: 2_000 });
    expect(await conversation.ended()).toMatchObject({ ok: false, failure, turns: 2, reached: { text: '', calls: [] } });
    expect((await conversation.ended()).history).toHaveLength(3);
  });
});

describe('the calls of a turn', () => {
  it('run side by side; one that is slow, one that throws and one that is cancelled keep nobody from an answer, and the order stays', async () => {
    const slow = heldTool();
    const gone = heldTool();
    const throws = { description: 't', execute: () => Promise.reject(new Error('oops')) };
    const { conversation, model } = begin([{ calls: [call('s', 'slow'), call('t', 'throws'), call('g', 'gone')] }, { text: 'ok' }], {
      tools: { slow: slow.tool, gone: gone.tool, throws },
    });
    await Promise.all([slow.calledTimes(1), gone.calledTimes(1)]);
    expect(conversation.cancelCall({ turn: 1, index: 2 }, 'not needed')).toBe(true);
    expect(conversation.cancelCall({ turn: 1, index: 2 })).toBe(false);
    expect(conversation.cancelCall({ turn: 2, index: 0 })).toBe(false);
    expect(gone.calls[0]?.aborted).toBe(true);
    gone.calls[0]?.answer('too late');
    slow.calls[0]?.answer({ slept: true });
    expect(await conversation.ended()).toMatchObject({ ok: true, text: 'ok' });
    expect(resultsIn(model, 1)).toEqual([
      { index: 0, id: 's', name: 'slow', response: { slept: true }, fault: null },
      { index: 1, id: 't', name: 'throws', response: { error: 'oops' }, fault: 'threw' },
      { index: 2, id: 'g', name: 'gone', response: { error: 'the call was cancelled: not needed' }, fault: 'cancelled' },
    ]);
  });

  it('has its own deadline each, and the turn has one over all', async () => {
    const held = heldTool();
    const brief = { ...held.tool, timeoutMs: 50 };
    const { clock, conversation, model } = begin([{ calls: [call('a', 'brief'), call('b', 'held'), call('c', 'held')] }, { text: 'ok' }], {
      ...{ tools: { held: held.tool, brief }, toolMs: 1_000, turnMs: 200, maxParallel: 2 },
    });
    await held.calledTimes(2);
    clock.advanceBy(50);
    await held.calledTimes(3);
    clock.advanceBy(150);
    expect(await conversation.ended()).toMatchObject({ ok: true, turns: 2 });
    expect(held.calls.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(resultsIn(model, 1).map(({ fault, response }) => [fault, response])).toEqual([
      ['timedOut', { error: "tool 'brief' did not end within 50 ms" }],
      ['turnTimedOut', { error: 'the turn did not end within 200 ms' }],
      ['turnTimedOut', { error: 'the turn did not end within 200 ms' }],
    ]);
    expect(clock.pending()).toBe(0);
  });

  it('run no more than maxParallel at once, and no more than maxCalls at all', async () => {
    const held = heldTool();
    const calls = ['a', 'b', 'c', 'd', 'e'].map((id) => call(id, 'held'));
    const { conversation, model } = begin([{ calls }, { text: 'ok' }], { tools: { held: held.tool }, maxParallel: 2, maxCalls: 4 });
    await held.calledTimes(2);
    for (let count = 2; count <= 4; count++) {
      expect(held.calls).toHaveLength(count);
      held.calls[count - 2]?.answer(count);
      if (count < 4) await held.calledTimes(count + 1);
    }
    held.calls[3]?.answer(5);
    expect((await newsOf(conversation)).filter(({ type }) => type === 'toolResult')).toHaveLength(5);
    expect(await conversation.ended()).toMatchObject({ ok: true });
    expect(resultsIn(model, 1).map(({ id, fault }) => [id, fault])).toEqual([...['a', 'b', 'c', 'd'].map((id) => [id, null]), ['e', 'tooMany']]);
  });

  it('of unknown tools, with arguments that do not fit, and with results that are no JSON, are answered with what is wrong', async () => {
    const tools = {
      weather: { description: 'w', parameters: z.object({ city: z.string() }), execute: () => 'sun' },
      odd: { description: 'o', execute: () => () => 1 },
      ring: {
        description: 'r',
        execute: () => {
          const ring: { self?: object } = {};
          ring.self = ring;
          return ring;
        },
      }, // prettier-ignore
      list: { description: 'l', execute: () => [1, 2] },
      nothing: { description: 'n', execute: () => undefined },
      parts: {
        description: 'p',
        async *execute() {
          yield 1;
          yield { last: true };
        },
      }, // prettier-ignore
    };
    const calls = [
      call('0', 'weather', { city: 7 }),
      call('1', 'toString'),
      ...['odd', 'ring', 'list', 'nothing', 'parts'].map((name) => call(name, name)),
    ];
    const { conversation, model } = begin([{ calls }, { text: 'ok' }], { tools });
    expect(await conversation.ended()).toMatchObject({ ok: true });
    const results = resultsIn(model, 1);
    expect(results.map(({ fault }) => fault)).toEqual(['invalidArguments', 'unknownTool', 'threw', 'threw', null, null, null]);
    expect(results[0]?.response).toEqual({ error: expect.stringMatching(/^invalid arguments: city: /) as string });
    expect(results[1]?.response).toEqual({ error: "unknown tool 'toString'; there are: weather, odd, ring, list, nothing, parts" });
    expect(results.slice(4).map(({ response }) => response)).toEqual([{ output: [1, 2] }, { output: null }, { last: true }]);
  });

  it('tell of an abort listener that throws, and nothing else changes', async () => {
    const held = heldTool();
    const careless = {
      description: 'c',
      execute: (args: object, context: ToolContext) => {
        context.signal.addEventListener('abort', () => {
          throw new Error('careless');
        });
        return held.tool.execute(args, context);
      },
    };
    const { clock, conversation } = begin([{ calls: [call('a', 'careless')] }, { text: 'ok' }], { tools: { careless }, toolMs: 10 });
    const news = newsOf(conversation);
    await held.calledTimes(1);
    clock.advanceBy(10);
    expect(await news).toContainEqual({ type: 'listenerThrew', turn: 1, name: 'careless', reason: 'careless' });
  });
});

describe('a stop', () => {
  type World = ReturnType<typeof begin> & { held: ReturnType<typeof heldTool>; abort: AbortController; subscriber: ReturnType<typeof createActor> };
  const phases: Readonly<Record<string, { readonly turns: readonly ScriptedTurn[]; reach(world: World): Promise<void> }>> = {
    asking: { turns: [{ held: true }], reach: ({ model }) => model.askedTimes(1) },
    collecting: {
      turns: [{ events: [{ type: 'text', text: 'hm' }], held: true }],
      reach: async ({ conversation }) => {
        for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => conversation[Symbol.asyncIterator]().next() }) })
          if (event.type === 'text') return;
      },
    },
    runningTools: { turns: [{ calls: [call('a', 'held'), call('b', 'held')] }, { held: true }], reach: ({ held }) => held.calledTimes(2) },
    'asking again': {
      turns: [{ calls: [call('a', 'held')] }, { held: true }],
      reach: async ({ held, model }) => {
        await held.calledTimes(1);
        held.calls[0]?.answer(1);
        await model.askedTimes(2);
      },
    },
  };
  const stops: Readonly<Record<string, readonly [stop: (world: World) => void, failure: object]>> = {
    'by the app': [({ conversation }) => void conversation.cancel('enough'), { kind: 'cancelled', code: 'app', message: 'enough' }],
    'by its signal': [({ abort }) => abort.abort(new Error('closed')), { kind: 'cancelled', code: 'signal', message: 'closed' }],
    'by the death of its subscriber': [({ subscriber }) => subscriber.stop(), { kind: 'cancelled', code: 'subscriber' }],
    'from outside': [({ conversation }) => stopActor(conversation.ref), { kind: 'cancelled', code: 'supervisor', message: 'stopped' }],
    'by its deadline': [({ clock }) => clock.advanceBy(60_000), { kind: 'totalTimeout', code: 'conversation' }],
  };

  it.each(Object.keys(phases).flatMap((phase) => Object.keys(stops).map((stop) => [stop, phase])))(
    '%s while %s ends all that runs',
    async (name, phase) => {
      const [stop, failure] = stops[name] as (typeof stops)[string];
      const { turns, reach } = phases[phase] as (typeof phases)[string];
      const held = heldTool();
      const abort = new AbortController();
      const subscriber = createActor(fromCallback(() => undefined)).start();
      const options = { tools: { held: held.tool }, signal: abort.signal, subscriber, totalMs: 60_000, toolMs: 90_000, turnMs: 90_000 };
      const world = { ...begin(turns, options), held, abort, subscriber };
      await reach(world);
      const askedCount = world.model.asked.length;
      const open = phase === 'runningTools' ? 2 : 0;
      stop(world);
      const outcome = await world.conversation.ended();
      expect(outcome).toMatchObject({ ok: false, failure });
      expect(outcome.ok || outcome.reached.calls.length).toBe(open);
      expect(held.calls.slice(-open || held.calls.length).every(({ aborted }) => aborted)).toBe(true);
      for (const late of held.calls) late.answer('late');
      world.model.release();
      await new Promise((resolve) => setImmediate(resolve));
      expect(world.model.asked).toHaveLength(askedCount);
      expect(world.model.openCount).toBe(0);
      expect(world.clock.pending()).toBe(0);
      subscriber.stop();
    },
  );

  it('before it began asks nothing', async () => {
    const { conversation, model } = begin([{ text: 'hi' }], { signal: AbortSignal.abort(new Error('no')) });
    expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'signal', message: 'no' } });
    const dead = createActor(fromCallback(() => undefined)).start();
    dead.stop();
    const other = begin([{ text: 'hi' }], { subscriber: dead });
    expect(await other.conversation.ended()).toMatchObject({ failure: { code: 'subscriber' } });
    expect([model.asked, other.model.asked]).toEqual([[], []]);
  });

  it('by leaving the loop cancels the conversation', async () => {
    const { conversation, model } = begin([{ events: [{ type: 'text', text: 'hm' }], held: true }]);
    for await (const event of conversation) if (event.type === 'text') break;
    expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'app', message: 'its reader has gone' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(model.openCount).toBe(0);
  });

  it("of a turn that takes too long is the conversation's failure", async () => {
    const { clock, conversation, model } = begin([{ held: true }], { turnMs: 100 });
    await model.askedTimes(1);
    clock.advanceBy(100);
    expect(await conversation.ended()).toMatchObject({
      ok: false,
      failure: { kind: 'turnTimeout', code: 'timeout', message: 'turn 1 did not end within 100 ms' },
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(model.openCount).toBe(0);
  });
});
