/**
 * The proof of the HTTP half: Google's own client, `@google/genai`, asks it for whole answers, streams with tools, and interactions, as the real service.
 */
import { GoogleGenAI } from '@google/genai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type GeminiServer, geminiServer, httpRules, type HttpRule, readHttpRecording } from '../../../../src/testing/index.js';
import { nothingIsLeft } from '../../raw-client.js';
import { candidate } from './client.js';

const model = 'gemini-2.5-flash';
const weather = { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2ln' };
const contents = 'How is the weather?';

const client = (server: GeminiServer, options: object = {}): GoogleGenAI =>
  new GoogleGenAI({ apiKey: 'the-key', httpOptions: { baseUrl: server.url, headers: { connection: 'close' } }, ...options });

async function texts(chunks: AsyncIterable<{ readonly text: string | undefined }>): Promise<unknown[]> {
  const heard: unknown[] = [];
  for await (const chunk of chunks) heard.push(chunk.text);
  return heard;
}

describe('@google/genai against the HTTP half of the local server', () => {
  // It warns of parts that are no text, and of what is experimental.
  beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue());
  afterEach(nothingIsLeft);

  it('gets a whole answer, and the error of a refused one', async () => {
    const http: HttpRule[] = [{ answer: [{ json: candidate('10 C', 'STOP') }] }, { answer: [{ error: { code: 404, message: 'no such model' } }] }];
    await using server = await geminiServer({ key: 'the-key', http });
    expect((await client(server).models.generateContent({ model, contents })).text).toBe('10 C');
    await expect(client(server).models.generateContent({ model, contents })).rejects.toThrow('no such model');
    expect(server.requests[0]).toMatchObject({
      operation: 'generateContent',
      credential: 'keyInHeader',
      model,
      body: { contents: [{ parts: [{ text: contents }] }] },
    });
  });

  it('streams a conversation with a tool', async () => {
    const call = { candidates: [{ content: { parts: [{ text: 'Let me see. ' }, weather], role: 'model' }, finishReason: 'STOP' }] };
    await using server = await geminiServer({
      http: [
        { on: 'streamGenerateContent', answer: [{ events: [call] }] },
        {
          on: 'streamGenerateContent',
          match: { contents: [{ role: 'user' }, { role: 'model', parts: [{}, weather] }, { parts: [{ functionResponse: { name: 'weather' } }] }] },
          answer: [{ events: [candidate('It is '), candidate('10 C.', 'STOP')] }],
        },
      ],
    });
    const chat = client(server).chats.create({ model, config: { tools: [{ functionDeclarations: [{ name: 'weather' }] }] } });
    const calls: unknown[] = [];
    for await (const chunk of await chat.sendMessageStream({ message: contents })) calls.push(...(chunk.functionCalls ?? []));
    expect(calls).toEqual([weather.functionCall]);
    const message = [{ functionResponse: { name: 'weather', response: { output: '10 C' } } }];
    expect(await texts(await chat.sendMessageStream({ message }))).toEqual(['It is ', '10 C.']);
    expect(server.httpOutcome()).toEqual({ failure: null, unused: [] });
  });

  it('streams from Vertex paths with a bearer token', async () => {
    await using server = await geminiServer({ http: [{ on: 'streamGenerateContent', answer: [{ events: [candidate('hi', 'STOP')] }] }] });
    const vertex = client(server, {
      apiKey: undefined,
      vertexai: true,
      project: 'p',
      location: 'l',
      httpOptions: { baseUrl: server.url, headers: { authorization: 'Bearer t', connection: 'close' } },
      googleAuthOptions: { authClient: { getRequestHeaders: async () => Promise.resolve(new Headers({ authorization: 'Bearer t' })) } as never },
    });
    expect(await texts(await vertex.models.generateContentStream({ model, contents }))).toEqual(['hi']);
    expect(server.requests[0]).toMatchObject({ service: 'vertex', apiVersion: 'v1beta1', model, credential: 'bearer' });
  });

  it('creates interactions, whole and streamed, asks for them and streams them again', async () => {
    await using server = await geminiServer({
      http: [
        { on: 'interactions.create', interaction: { id: 'one', steps: [{ text: '10 C' }] } },
        { on: 'interactions.create', interaction: { id: 'two', eventIds: true, steps: [{ text: ['10', ' C'] }] } },
      ],
    });
    const { interactions } = client(server);
    expect(await interactions.create({ model, input: contents })).toMatchObject({ id: 'one', status: 'completed' });
    const types: unknown[] = [];
    for await (const event of await interactions.create({ model, input: contents, stream: true })) types.push(event.event_type);
    expect(types).toEqual([
      'interaction.created',
      'interaction.status_update',
      ...['step.start', 'step.delta', 'step.delta', 'step.stop'],
      'interaction.completed',
    ]);
    const again: unknown[] = [];
    for await (const event of await interactions.get('two', { stream: true, last_event_id: 'two-3' })) again.push(event.event_type);
    expect(again).toEqual(['step.delta', 'step.stop', 'interaction.completed']);
    expect(await interactions.get('two')).toMatchObject({ status: 'completed' });
    expect(server.requests[2]).toMatchObject({ operation: 'interactions.get', query: { stream: 'true', last_event_id: 'two-3' } });
  });

  it('hears a recording', async () => {
    const recording = readHttpRecording(
      `data: ${JSON.stringify(candidate('re'))}\r\n\r\ndata: ${JSON.stringify(candidate('played', 'STOP'))}\r\n\r\n`,
    );
    await using server = await geminiServer({ http: httpRules(recording, { chunkBytes: 100_000 }) });
    expect(await texts(await client(server).models.generateContentStream({ model, contents }))).toEqual(['re', 'played']);
  });
});
