/** A model that an app has written, and that is wrong: the conversation has one end all the same, which everybody hears. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Conversation, converse } from '../../src/tools/converse.js';
import type { ConversationNews } from '../../src/tools/events.js';
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

afterEach(() => {
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
