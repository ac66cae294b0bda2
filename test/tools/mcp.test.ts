/** The tools of MCP servers, by the official SDK's own client and server. */
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { converse } from '../../src/tools/converse.js';
import { mcpTools, type McpClient } from '../../src/tools/mcp.js';
import { ScriptedModel } from './scripted-model.js';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function connected(server: McpServer): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  open.push(client, server);
  return client;
}

function serverOf(): McpServer {
  const server = new McpServer({ name: 'weather', version: '1' });
  server.registerTool('weather_now', { description: 'The weather', inputSchema: z.object({ city: z.string() }) }, ({ city }) => ({
    content: [{ type: 'text', text: `rain in ${city}` }],
  }));
  return server;
}

const wants = (...calls: readonly { name: string; args?: object }[]) => ({ calls });
const resultsOf = (model: ScriptedModel, turn: number) => model.resultsOf(turn).map(({ fault, response }) => [fault, response]);

describe('the tools of an MCP server', () => {
  it('are listed, declared under names that Gemini takes, and called', async () => {
    const model = new ScriptedModel(wants({ name: 'w_weather_now', args: { city: 'Oslo' } }), { text: 'ok' });
    const tools = mcpTools(await connected(serverOf()), { prefix: 'w_' });
    expect(await converse({ model, input: 'hello', tools }).ended()).toMatchObject({ ok: true });
    expect(model.asked[0]?.tools).toEqual([
      {
        name: 'w_weather_now',
        description: 'The weather',
        parametersJsonSchema: expect.objectContaining({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }) as object,
      },
    ]);
    expect(resultsOf(model, 1)).toEqual([[null, { output: 'rain in Oslo' }]]);
  });

  it('answer with what is structured, with what is no text, and with errors as errors', async () => {
    const server = serverOf();
    server.registerTool('structured', { outputSchema: z.object({ celsius: z.number() }) }, () => ({
      content: [{ type: 'text', text: '{"celsius":10}' }],
      structuredContent: { celsius: 10 },
    }));
    const image = { type: 'image' as const, data: 'AAAA', mimeType: 'image/png' };
    server.registerTool('image', {}, () => ({ content: [image] }));
    server.registerTool('fails', {}, () => ({ isError: true, content: [{ type: 'text', text: 'no such city' }] }));
    const names = ['structured', 'image', 'fails', 'weather_now', 'gone'];
    const model = new ScriptedModel(wants(...names.map((name) => ({ name }))), { text: 'ok' });
    await converse({ model, input: 'hello', tools: mcpTools(await connected(server)) }).ended();
    const [structured, picture, failure, invalid, unknown] = resultsOf(model, 1);
    expect([structured, picture, failure]).toEqual([
      [null, { celsius: 10 }],
      [null, { content: [image] }],
      ['threw', { error: 'no such city' }],
    ]);
    expect(invalid?.[0]).toBe('threw');
    expect(JSON.stringify(invalid?.[1])).toContain('city');
    expect(unknown?.[0]).toBe('unknownTool');
  });

  it('are listed again, once, after the server has said that they changed', async () => {
    const server = serverOf();
    const client = await connected(server);
    let lists = 0;
    const counting: McpClient = {
      request: (request: { method: string }, ...rest) => {
        if (request.method === 'tools/list') lists++;
        return client.request(request as never, ...(rest as [never, never])) as Promise<unknown>;
      },
      setNotificationHandler: (...registration) => client.setNotificationHandler(...(registration as [never, never])),
      removeNotificationHandler: (method) => client.removeNotificationHandler(method),
    };
    const model = new ScriptedModel(wants({ name: 'grow' }), wants({ name: 'weather_now', args: { city: 'Rome' } }), { text: 'ok' });
    const grow = {
      description: 'adds a tool',
      execute: async () => {
        server.registerTool('later', { description: 'Later' }, () => ({ content: [] }));
        // The notification has been delivered when an answer that was asked for later is there.
        await client.ping();
      },
    };
    using source = mcpTools(counting);
    expect(await converse({ model, input: 'hello', tools: [source, { grow }] }).ended()).toMatchObject({ ok: true, turns: 3 });
    expect(model.asked.map(({ tools }) => tools.map(({ name }) => name))).toEqual([
      ['grow', 'weather_now'],
      ['grow', 'weather_now', 'later'],
      ['grow', 'weather_now', 'later'],
    ]);
    expect(lists).toBe(2);
  });

  it('are cancelled at the server when the conversation is', async () => {
    const server = serverOf();
    let said: (word: string) => void = () => undefined;
    const aborted = new Promise<string>((resolve) => (said = resolve));
    let called: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (called = resolve));
    server.registerTool('slow', {}, (context) => {
      called();
      return new Promise((resolve) => {
        (context as { mcpReq: { signal: AbortSignal } }).mcpReq.signal.addEventListener('abort', () => {
          said('aborted');
          resolve({ content: [] });
        });
      });
    });
    const model = new ScriptedModel(wants({ name: 'slow' }), { text: 'never' });
    const conversation = converse({ model, input: 'hello', tools: mcpTools(await connected(server)) });
    await running;
    await conversation.cancel();
    expect(await aborted).toBe('aborted');
    expect(model.asked).toHaveLength(1);
  });

  it('of a server that is gone fail the conversation, and say why', async () => {
    const client = await connected(serverOf());
    await client.close();
    const model = new ScriptedModel({ text: 'never' });
    const outcome = await converse({ model, input: 'hello', tools: mcpTools(client) }).ended();
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'tools', code: 'list' } });
    expect(model.asked).toEqual([]);
  });

  it('of two servers must not meet under one name', async () => {
    const tools = [mcpTools(await connected(serverOf())), mcpTools(await connected(serverOf()))];
    const outcome = await converse({ model: new ScriptedModel(), input: 'hello', tools }).ended();
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'tools', message: expect.stringContaining('weather_now') as string } });
  });

  it('work with the first version of the SDK, which wants schemas where the second wants names', async () => {
    const registered: unknown[] = [];
    const first: McpClient = {
      request: ({ method }: { method: string }) =>
        Promise.resolve(
          method === 'tools/list' ? { tools: [{ name: 'old/one', inputSchema: { type: 'object' } }] } : { content: [{ type: 'text', text: 'yes' }] },
        ),
      setNotificationHandler: (schema: unknown) => {
        if (typeof schema === 'string') throw new TypeError('no schema');
        registered.push((schema as z.ZodType).safeParse({ method: 'notifications/tools/list_changed' }).success);
      },
      removeNotificationHandler: (method) => registered.push(method),
    };
    const model = new ScriptedModel(wants({ name: 'old_one' }), { text: 'ok' });
    const source = mcpTools(first);
    await converse({ model, input: 'hello', tools: source }).ended();
    source[Symbol.dispose]();
    expect(resultsOf(model, 1)).toEqual([[null, { output: 'yes' }]]);
    expect(registered).toEqual([true, 'notifications/tools/list_changed']);
  });

  it('refuse what is no client, and options that nobody knows', () => {
    expect(() => mcpTools({} as never)).toThrow(/tools\/invalid-options: expected client: an MCP client/);
    const client: McpClient = {
      request: () => Promise.resolve(),
      setNotificationHandler: () => undefined,
      removeNotificationHandler: () => undefined,
    };
    expect(() => mcpTools(client, { prefix: '1' })).toThrow(/prefix/);
    expect(() => mcpTools(client, { timeoutMs: 0 })).toThrow(/timeoutMs/);
    expect(() => mcpTools(client, { names: [] } as never)).toThrow(/the keys prefix, timeoutMs/);
  });
});
