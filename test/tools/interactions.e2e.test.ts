/** Conversations with Gemini by Interactions, over sockets, with the local server. */
import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { converse } from '../../src/tools/converse.js';
import { interactionsModel } from '../../src/tools/interactions-model.js';

type Server = Awaited<ReturnType<typeof geminiServer>>;
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serving(...interactions: readonly object[]) {
  const server = await geminiServer({ key: null, http: interactions.map((interaction) => ({ on: 'interactions.create', interaction })) as never });
  servers.push(server);
  return { server, model: interactionsModel({ baseUrl: server.url, request: { model: 'gemini-x', system_instruction: 'be brief' } }) };
}

const call = (id: string, name: string, args: object = {}) => ({ call: { id, name, arguments: args } });
const tools = {
  weather: {
    description: 'The weather',
    parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } },
    execute: ({ city }: { city: string }) => ({ city, celsius: 10 }),
  },
  fails: { description: 'Fails', execute: () => Promise.reject(new Error('oops')) },
};

describe('a conversation by Interactions', () => {
  it('goes on from the interaction before, with the results in order, and failures marked as such', async () => {
    const { model, server } = await serving(
      { id: 'one', steps: [{ thought: 'c2ln' }, { text: ['Let me ', 'see. '] }, call('c1', 'weather', { city: 'Oslo' }), call('c2', 'fails')] },
      { id: 'two', steps: [call('c3', 'weather', { city: 'Rome' })] },
      { id: 'three', steps: [{ text: 'Mild.' }] },
    );
    const conversation = converse({ model, input: 'Oslo?', tools });
    let text = '';
    for await (const event of conversation) if (event.type === 'text') text += event.text;
    const outcome = await conversation.ended();
    expect(outcome).toMatchObject({ ok: true, text: 'Mild.', turns: 3, answer: { id: 'three', status: 'completed' } });
    expect(text).toBe('Let me see. Mild.');
    const sent = server.requests.map(({ body }) => body as Record<string, unknown>);
    expect(sent.map(({ previous_interaction_id: previous, input }) => [previous, input])).toEqual([
      [undefined, [{ type: 'text', text: 'Oslo?' }]],
      [
        'one',
        [
          { type: 'function_result', call_id: 'c1', name: 'weather', result: { city: 'Oslo', celsius: 10 } },
          { type: 'function_result', call_id: 'c2', name: 'fails', result: { error: 'oops' }, is_error: true },
        ],
      ],
      ['two', [{ type: 'function_result', call_id: 'c3', name: 'weather', result: { city: 'Rome', celsius: 10 } }]],
    ]);
    expect(sent[0]).toMatchObject({
      system_instruction: 'be brief',
      tools: [
        { type: 'function', name: 'weather', description: 'The weather', parameters: { type: 'object' } },
        { type: 'function', name: 'fails', description: 'Fails' },
      ],
    });
  });

  it('is gone on with by its history', async () => {
    const { model, server } = await serving({ id: 'one', steps: [{ text: 'Hi.' }] }, { id: 'two', steps: [{ text: 'Bye.' }] });
    const first = await converse({ model, input: 'Hello' }).ended();
    expect(first.history).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'interaction', id: 'one' },
    ]);
    expect(await converse({ model, input: 'Thanks', history: first.history }).ended()).toMatchObject({ ok: true, text: 'Bye.' });
    expect(server.requests[1]?.body).toMatchObject({ previous_interaction_id: 'one', input: [{ type: 'text', text: 'Thanks' }] });
  });

  it('fails with the status of an interaction that a conversation can do nothing for', async () => {
    const { model } = await serving({ id: 'one', steps: [{ text: 'Hm' }], status: 'failed' });
    expect(await converse({ model, input: 'Hello' }).ended()).toMatchObject({ ok: false, turns: 1 });
  });

  it('refuses options before anything starts', () => {
    const refuse = (options: unknown) => () => interactionsModel(options as never);
    expect(refuse({})).toThrow(/request/);
    expect(refuse({ request: { model: 'm', input: 'x' } })).toThrow(/no input/);
    expect(refuse({ request: { model: 'm', agent: 'a' } })).toThrow(/either `model` or `agent`/);
    expect(refuse({ request: { model: 'm' }, clock: {} })).toThrow(/clock/);
    expect(refuse({ request: { model: 'm' }, apiKey: 'a key' })).toThrow(/apiKey/);
    expect(refuse({ request: { model: 'm' }, apiKey: 'a key' })).not.toThrow(/a key/);
  });
});
