/** What an app gives as tools, checked and turned into declarations; and the ways of `onToolCall`. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LiveTools, type OnToolCall, planTools } from '../../src/live/tool-plan.js';
import { toolsWorld } from './tools-world.js';

const execute = (args: object) => args;
const plan = (tools: LiveTools, nonBlocking = true, onToolCall?: OnToolCall) => planTools(tools, onToolCall, { nonBlocking, gatesAudio: true });
const city = z.object({ city: z.string().describe('where'), days: z.coerce.number().max(7).optional() });

describe('the declaration of a tool', () => {
  it('says its parameters as JSON schema, however they were given', () => {
    const { declarations } = plan({
      zod: { description: 'd', execute, parameters: city },
      json: { description: 'd', execute, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
      none: { description: 'd', execute },
    });
    expect(declarations).toEqual([
      {
        name: 'zod',
        description: 'd',
        parametersJsonSchema: {
          type: 'object',
          properties: { city: { type: 'string', description: 'where' }, days: expect.any(Object) as object },
          required: ['city'],
        },
      },
      {
        name: 'json',
        description: 'd',
        parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
      { name: 'none', description: 'd' },
    ]);
  });

  it('is non-blocking where both the app wants it and the model can', () => {
    const tools: LiveTools = {
      free: { description: 'd', execute, behavior: 'NON_BLOCKING' },
      waited: { description: 'd', execute, behavior: 'BLOCKING' },
    };
    expect(plan(tools)).toMatchObject({ nonBlocking: ['free'], declarations: [{ behavior: 'NON_BLOCKING' }, {}] });
    expect(plan(tools, false).nonBlocking).toEqual([]);
    expect(JSON.stringify(plan(tools, false).declarations)).not.toContain('behavior');
  });

  it('has its own deadline where it names one', () => {
    expect(plan({ slow: { description: 'd', execute, timeoutMs: 60_000 }, any: { description: 'd', execute } }).deadlines).toEqual({ slow: 60_000 });
  });
});

describe('arguments', () => {
  it.each<[string, object]>([
    ['a zod schema', city],
    ['a JSON schema', { type: 'object', properties: { city: { type: 'string' }, days: { type: 'number', maximum: 7 } }, required: ['city'] }],
  ])('that do not fit %s are answered with what is wrong, and nothing is run', (_, parameters) => {
    const w = toolsWorld({ weather: { description: 'd', execute, parameters: parameters as never } });
    w.run('a', 'weather', { city: 7, days: 9 });
    expect(w.tasks).toEqual([]);
    expect(w.events).toEqual([
      { type: 'call.settled', id: 'a', response: { error: expect.stringMatching(/^invalid arguments: city: .*; days: /) as string } },
    ]);
  });

  it('reach the tool as the schema reads them', async () => {
    const w = toolsWorld({ weather: { description: 'd', execute, parameters: city } });
    w.run('a', 'weather', { city: 'Oslo', days: '3' });
    expect(await w.tasks[0]?.value).toEqual({ city: 'Oslo', days: 3 });
  });

  it('of a schema that can only be asked in promises are answered with an error, and harm nobody', async () => {
    const parameters = city.refine(async () => true);
    const w = toolsWorld({ weather: { description: 'd', execute, parameters } });
    w.run('a', 'weather', { city: 'Oslo' });
    expect(w.events).toMatchObject([{ type: 'crashed', id: 'a' }]);
    expect(w.tasks).toEqual([]);
  });
});

describe('onToolCall', () => {
  const asked = async (onToolCall: OnToolCall, tools: LiveTools = {}) => {
    const heard: object[] = [];
    const w = toolsWorld(tools, { onToolCall });
    w.session.send = ((event: object) => heard.push(event)) as never;
    w.run('a', 'anything', { n: 1 });
    const value = await w.tasks[0]?.value.catch((error: unknown) => error);
    w.tasks[0]?.settle(value instanceof Error ? { ok: false, reason: { crash: value } } : { ok: true, value });
    return { events: (await w.settled()).map(({ id: _id, ...event }) => event), heard };
  };

  it('is told of calls that no tool answers: unknown ones, and tools without execute', async () => {
    const calls: unknown[] = [];
    const onToolCall: OnToolCall = (call) => void calls.push(call);
    const w = toolsWorld({ mine: { description: 'd', execute }, yours: { description: 'd' } }, { onToolCall });
    for (const name of ['mine', 'yours', 'whose']) w.run(name, name, { n: 1 });
    await w.settled();
    expect(calls).toEqual(['yours', 'whose'].map((name) => ({ id: name, name, args: { n: 1 } })));
  });

  it.each<[string, () => unknown]>([
    ['an answer', () => ({ response: 'x' })],
    ['a promise of one', async () => ({ id: 'a', response: 'x' })],
    ['a list', () => [{ id: 'a', response: 'x' }]],
    ['the wire’s own shape', () => ({ functionResponses: [{ id: 'a', name: 'anything', response: 'x' }] })],
  ])('may return %s', async (_, onToolCall) => {
    expect((await asked(onToolCall)).events).toEqual([{ type: 'call.settled', response: { output: 'x' } }]);
  });

  it('may return nothing, and leave the answer for later', async () => {
    expect(await asked(() => undefined)).toEqual({ events: [], heard: [] });
    expect(await asked(async () => null)).toEqual({ events: [], heard: [] });
  });

  it('may answer other calls too, and its own in parts', async () => {
    const { events, heard } = await asked(() => [
      { id: 'other', response: [1], scheduling: 'SILENT' },
      { response: 'more to come', willContinue: true },
    ]);
    expect(events).toEqual([]);
    expect(heard).toEqual([
      { type: 'session.respond', id: 'other', response: { output: [1] }, scheduling: 'SILENT' },
      { type: 'session.respond', id: 'a', response: { output: 'more to come' }, willContinue: true },
    ]);
  });

  it('may say when the model is to speak of it', async () => {
    const { events } = await asked(() => ({ response: {}, scheduling: 'INTERRUPT' }));
    expect(events).toEqual([{ type: 'call.settled', response: {}, scheduling: 'INTERRUPT' }]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('out of order');
      },
      'out of order',
    ],
    ['rejects', () => Promise.reject(new Error('later')), 'later'],
    ['returns what is no answer', () => 'x', 'expected onToolCall to return answers: { id?, response, parts? } or a list of them, got: "a string"'],
    ['returns a list with one that is none', () => [{ id: 'a' }], 'expected onToolCall to return answers'],
  ])('that %s has its call answered with an error', async (_, onToolCall, error) => {
    expect((await asked(onToolCall)).events).toEqual([{ type: 'call.settled', response: { error: expect.stringContaining(error) as string } }]);
  });
});
