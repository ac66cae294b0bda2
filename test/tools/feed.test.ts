/** The events of a conversation as its reader has them: bounds, back-pressure, and what is refused. */
import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { exitReason } from '../../src/supervision/watch.js';
import { conversation } from '../../src/tools/conversation.js';
import { converse } from '../../src/tools/converse.js';
import type { ModelEvent } from '../../src/tools/model.js';
import { ScriptedModel, type ScriptedTurn } from './scripted-model.js';

const texts = (count: number): ModelEvent[] => Array.from({ length: count }, (_, n) => ({ type: 'text', text: String(n) }));
const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the events', () => {
  it('that nobody reads hold nothing back; the first reader is told how many are gone, and has the last', async () => {
    const model = new ScriptedModel({ events: texts(10), text: 'all' });
    const conversation = converse({ model, input: 'hello', maxBuffered: 4 });
    expect(await conversation.ended()).toMatchObject({ ok: true, text: 'all' });
    const news = [];
    for await (const event of conversation) news.push(event);
    expect(news).toEqual([
      { type: 'dropped', count: 8 },
      ...[7, 8, 9].map((n) => ({ type: 'text', text: String(n), turn: 1 })),
      { type: 'turnEnd', turn: 1, next: 'nothing' },
    ]);
  });

  it('that a reader does not take are felt by the model, and none is lost', async () => {
    let told = 0;
    const model = new ScriptedModel({ text: 'all' });
    const { ask } = model;
    model.ask = (request) => ({
      ...ask.call(model, request),
      async *[Symbol.asyncIterator]() {
        for (const event of texts(20)) {
          told++;
          yield event;
        }
      },
    });
    const conversation = converse({ model, input: 'hello', maxBuffered: 4 });
    const iterator = conversation[Symbol.asyncIterator]();
    await turned();
    expect(told).toBeLessThanOrEqual(4);
    const read = [];
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
      read.push(step.value);
      expect(told).toBeLessThanOrEqual(read.length + 5);
    }
    expect(read.filter(({ type }) => type === 'text')).toHaveLength(20);
  });

  it('of a conversation that is cancelled while its model is held back end all the same', async () => {
    const model = new ScriptedModel({ events: texts(20) });
    const conversation = converse({ model, input: 'hello', maxBuffered: 2 });
    const iterator = conversation[Symbol.asyncIterator]();
    await turned();
    expect(await conversation.cancel('enough')).toMatchObject({ ok: false, failure: { kind: 'cancelled' } });
    expect((await iterator.next()).value).toEqual({ type: 'turn', turn: 1 });
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow(/tools\/ended/);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('options', () => {
  const model = new ScriptedModel();

  it.each([
    ['nothing', undefined, 'options: an object'],
    ['an unknown name', { model, input: 'x', maxturns: 1 }, 'options: the keys model, input'],
    ['no model', { input: 'x' }, 'model: a model'],
    ['no input', { model }, 'input: a text'],
    ['an empty input', { model, input: [] }, 'input: a text'],
    ['a history that is none', { model, input: 'x', history: 'y' }, 'history: a list'],
    ['no turns', { model, input: 'x', maxTurns: 0 }, 'maxTurns: a whole number, 1 to 1000'],
    ['too many at once', { model, input: 'x', maxParallel: 65 }, 'maxParallel: a whole number, 1 to 64'],
    ['a deadline that is none', { model, input: 'x', turnMs: -1 }, 'turnMs: a number of ms'],
    ['a signal that is none', { model, input: 'x', signal: {} }, 'signal: an AbortSignal'],
    ['a subscriber that is none', { model, input: 'x', subscriber: {} }, 'subscriber: an actor'],
    ['items that are no JSON', { model, input: [{ n: 1n }] }, 'input: items that are JSON'],
    ['a buffer of nothing', { model, input: 'x', maxBuffered: 0 }, 'maxBuffered: a whole number'],
  ])('with %s are refused before anything starts', (_, options, says) => {
    expect(() => converse(options as never)).toThrow(`tools/invalid-options: expected ${says}`);
    expect(model.asked).toEqual([]);
  });

  it('with a gate that is none are refused as the gate refuses', () => {
    expect(() => converse({ model, input: 'x', gate: { key: 'k' } as never })).toThrow(/gate\/invalid-options/);
  });

  it('are the same for supervised logic, which exits as it ended', async () => {
    expect(() => conversation({ model, input: 'x', clock: {} } as never)).toThrow(/the keys/);
    const ended = async (turn: ScriptedTurn, order?: { readonly type: 'supervisor.shutdown'; readonly reason: ExitReason }): Promise<unknown> => {
      const ref = createActor(conversation({ model: new ScriptedModel(turn), input: 'x' }));
      const over = new Promise((resolve) => ref.subscribe({ complete: () => resolve(undefined) }));
      ref.start();
      if (order !== undefined) ref.send(order);
      await over;
      return exitReason(ref);
    };
    const failure = { kind: 'network' as const, code: 'ECONNREFUSED', status: '', message: 'no' };
    expect(await ended({ text: 'hi' })).toBe('normal');
    expect(await ended({ failure })).toEqual({ crash: failure });
    expect(await ended({ held: true }, { type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] })).toEqual(['shutdown', 'deploy']);
  });
});
