/** A model that an app has written, and that is wrong: the conversation has one end all the same, which everybody hears. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Conversation, converse } from '../../src/tools/converse.js';
import type { ConversationNews } from '../../src/tools/events.js';
import type { TurnRequest } from '../../src/tools/model.js';
import { gateWorld, leaveNothing } from '../gate/gate-world.js';
import { ScriptedModel, type ScriptedTurn } from './scripted-model.js';

const echo = { description: 'says its arguments', execute: (args: object) => args };
const begun: { readonly conversation: Conversation; readonly clock: VirtualClock }[] = [];

function begin(turns: readonly ScriptedTurn[], options: Partial<Parameters<typeof converse>[0]> = {}) {
  const model = new ScriptedModel(...turns);
  const clock = new VirtualClock();
  const conversation = converse({ model, input: 'hello', clock, ...(options as object) });
  begun.push({ conversation, clock });
  return { model, conversation };
}

async function newsOf(conversation: AsyncIterable<ConversationNews>): Promise<ConversationNews[]> {
  const news: ConversationNews[] = [];
  for await (const event of conversation) news.push(event);
  return news;
}

afterEach(async () => {
  await leaveNothing();
  for (const { clock, conversation } of begun.splice(0)) {
    expect(conversation.ref.getSnapshot().status).not.toBe('active');
    expect(clock.pending()).toBe(0);
  }
});

describe('a model of the app, at fault', () => {
  const calls = [{ id: 'a', name: 'echo', args: {} }];

  it.each([
    [
      'throws',
      () => {
        throw new Error('no words');
      },
      'no words',
    ],
    ['says what is no list', () => Promise.resolve([]), 'expected results() of the model to say a list of items, got: a Promise'],
  ] as const)(
    'where it %s for the results of calls, has failed the conversation: all hear so, and the history ends before',
    async (_, results, message) => {
      const { conversation, model } = begin([{ calls }], { tools: { echo } });
      model.results = results as never;
      await expect(newsOf(conversation)).rejects.toThrow(message);
      const outcome = await conversation.ended();
      expect(outcome).toMatchObject({ ok: false, failure: { kind: 'crashed', code: 'crash', message }, history: [{ role: 'user' }] });
      expect(await conversation.ended()).toBe(outcome);
      expect(model.asked).toHaveLength(1);
    },
  );

  it('where it cannot say them a second time, has no answer', async () => {
    const { conversation, model } = begin([{ calls }, { text: 'done' }], { tools: { echo } });
    let times = 0;
    model.results = () => {
      if (++times > 1) throw new Error('only once');
      return [{ role: 'user' }];
    };
    expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'crashed', message: 'only once' }, history: [{ role: 'user' }] });
    expect(times).toBe(2);
  });

  it.each([Number.NaN, -1, Infinity, '5'])('where it says %s for a pause, says none: the failure is what it was', async (retryAfterMs) => {
    const { gate } = gateWorld({ permits: 2, adaptive: true });
    const failure = { kind: 'refused', code: 429, status: '', message: 'slow down', retryAfterMs } as never;
    const { conversation } = begin([{ failure }], { gate: { gate, key: 'model' } });
    const expected = { ok: false, failure: { kind: 'refused', code: 429, status: '', message: 'slow down' } };
    const outcome = await conversation.ended();
    expect(outcome).toMatchObject(expected);
    expect(outcome.ok ? null : Object.keys(outcome.failure)).not.toContain('retryAfterMs');
    expect(gate.status('model')).toMatchObject({ held: 0, permits: 1, pauseMs: 0 });
  });

  it.each([Number.NaN, -1, '7'])('where it says %s for tokens, says nothing of them: its answer is an answer', async (tokensUsed) => {
    const { gate } = gateWorld({ rate: { tokens: 100 } });
    const { conversation, model } = begin([{ text: 'done' }], { gate: { gate, key: 'model', tokens: 50 } });
    const { ask } = model;
    model.ask = function (request) {
      const turn = Reflect.apply(ask, this, [request]);
      const { ended } = turn;
      return Object.assign(turn, { ended: async () => ({ ...(await ended()), tokensUsed }) as never });
    };
    expect(await conversation.ended()).toMatchObject({ ok: true, text: 'done' });
    expect(gate.status('model')?.used).toEqual({ requests: 1, tokens: 50 });
  });

  it.each([undefined, null, 'busy', {}])('where it says %j for what went wrong, has failed the conversation', async (failure) => {
    const message = /^expected ended\(\) of the model to say a failure with a code, got: /;
    const { conversation, model } = begin([]);
    model.ask = () => ({ async *[Symbol.asyncIterator]() {}, ended: async () => ({ ok: false, failure: failure as never }) });
    expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'crashed', message: expect.stringMatching(message) } });
  });

  it.each([undefined, null, 'busy', {}])(
    'where it is asking again because of %j, has failed the conversation, and is thrown nothing wherever it says so',
    async (failure) => {
      const { gate } = gateWorld({ permits: 2, adaptive: true });
      const message = /^expected retrying\(\) of the model to say a failure with a code, got: /;
      const { conversation, model } = begin([{ held: true }], { gate: { gate, key: 'model' } });
      await model.askedTimes(1);
      const [{ retrying, signal }] = model.asked as [TurnRequest];
      expect(() => retrying(failure as never)).not.toThrow();
      expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'crashed', message: expect.stringMatching(message) } });
      expect([signal.aborted, gate.status('model')?.held]).toEqual([true, 0]);
    },
  );

  it('where it says what is no number for the pause before it asks again, has said nothing of it', async () => {
    const { gate } = gateWorld({ rate: { requests: 10 } });
    const { conversation, model } = begin([{ held: true, text: 'done' }], { gate: { gate, key: 'model' } });
    await model.askedTimes(1);
    model.asked[0]?.retrying({ code: 503, status: '' }, Number.NaN);
    model.release();
    expect(await conversation.ended()).toMatchObject({ ok: true });
    expect(gate.status('model')).toMatchObject({ held: 0, used: { requests: 2 } });
  });

  it('where a listener of its signal throws, or of the one that tools are listed with, ends nothing but what it should', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue();
    const careless = (signal: AbortSignal): void =>
      signal.addEventListener('abort', () => {
        throw new Error('careless');
      });
    const { conversation, model } = begin([{ held: true }]);
    const { ask } = model;
    model.ask = function (request) {
      careless(request.signal);
      return Reflect.apply(ask, this, [request]);
    };
    await model.askedTimes(1);
    await conversation.cancel();
    let listed: () => void = () => undefined;
    const listing = new Promise<void>((resolve) => (listed = resolve));
    const list = ({ signal }: { readonly signal: AbortSignal }): Promise<never> => {
      careless(signal);
      listed();
      return new Promise(() => undefined);
    };
    const other = begin([], { tools: { list } });
    await listing;
    await other.conversation.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    const words = printed.mock.calls.map(([who]) => who as unknown);
    printed.mockRestore();
    expect(words).toEqual(['espalier: an abort listener of a model threw', 'espalier: an abort listener of a source of tools threw']);
  });
});
