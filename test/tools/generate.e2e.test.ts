/** Conversations with Gemini by generateContent, over sockets, with the local server. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createGate } from '../../src/gate/handle.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { converse } from '../../src/tools/converse.js';
import { generateModel } from '../../src/tools/generate-model.js';

type Server = Awaited<ReturnType<typeof geminiServer>>;
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const chunk = (parts: readonly object[], finishReason?: string) => ({
  candidates: [{ content: { role: 'model', parts }, ...(finishReason === undefined ? {} : { finishReason }) }],
});
const callPart = (name: string, args: object, more: object = {}) => ({
  functionCall: { name, args, ...('id' in more ? { id: more.id } : {}) },
  ...('sig' in more ? { thoughtSignature: more.sig } : {}),
});

async function serving(answers: readonly (readonly object[])[]) {
  const server = await geminiServer({
    key: null,
    http: answers.map((events) => ({ on: ['streamGenerateContent', 'generateContent'] as const, answer: [{ events, chunkBytes: 7 }] })) as never,
  });
  servers.push(server);
  return server;
}

const bodies = (server: Server) =>
  server.requests.map(({ body }) => body as { contents: { role: string; parts: object[] }[]; tools?: { functionDeclarations?: object[] }[] });

const weather = {
  description: 'The weather in a city',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }: { city: string }) => ({ city, celsius: city === 'Oslo' ? 10 : 20 }),
};
const time = { description: 'The time', execute: () => 'noon' };

describe('a conversation by generateContent', () => {
  it('sends everything back verbatim: text, thoughts, signatures on whichever part, calls in their order across chunks, with ids where there were ids', async () => {
    const server = await serving([
      [
        chunk([{ text: 'The user wants two cities.', thought: true }]),
        chunk([{ text: 'Let me ' }]),
        chunk([{ text: 'look. ' }, callPart('weather', { city: 'Oslo' }, { id: 'c1', sig: 'c2lnLTE=' })]),
        chunk([callPart('time', {})]),
        chunk([callPart('weather', { city: 'Rome' }, { id: 'c3' }), { text: '', thoughtSignature: 'bGF0ZQ==' }], 'STOP'),
      ],
      [chunk([{ text: 'Oslo 10 C, Rome 20 C.' }], 'STOP')],
    ]);
    const model = generateModel({ model: 'gemini-x', baseUrl: server.url, request: { systemInstruction: { parts: [{ text: 'be brief' }] } } });
    const conversation = converse({ model, input: 'Oslo and Rome?', tools: { weather, time } });
    let text = '';
    let thoughts = '';
    for await (const event of conversation) {
      if (event.type === 'text') text += event.text;
      if (event.type === 'thought') thoughts += event.text;
    }
    const outcome = await conversation.ended();
    expect(outcome).toMatchObject({ ok: true, text: 'Oslo 10 C, Rome 20 C.', turns: 2, answer: { finishReason: 'STOP' } });
    expect([text, thoughts]).toEqual(['Let me look. Oslo 10 C, Rome 20 C.', 'The user wants two cities.']);
    const [first, second] = bodies(server);
    expect(first).toMatchObject({
      systemInstruction: { parts: [{ text: 'be brief' }] },
      contents: [{ role: 'user', parts: [{ text: 'Oslo and Rome?' }] }],
    });
    expect(first?.tools?.[0]?.functionDeclarations).toEqual([
      {
        name: 'weather',
        description: 'The weather in a city',
        parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
      { name: 'time', description: 'The time' },
    ]);
    const turns = [
      {
        role: 'model',
        parts: [
          { text: 'The user wants two cities.', thought: true },
          { text: 'Let me look. ' },
          { functionCall: { name: 'weather', args: { city: 'Oslo' }, id: 'c1' }, thoughtSignature: 'c2lnLTE=' },
          { functionCall: { name: 'time', args: {} } },
          { functionCall: { name: 'weather', args: { city: 'Rome' }, id: 'c3' } },
          { text: '', thoughtSignature: 'bGF0ZQ==' },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'weather', response: { city: 'Oslo', celsius: 10 } } },
          { functionResponse: { name: 'time', response: { output: 'noon' } } },
          { functionResponse: { id: 'c3', name: 'weather', response: { city: 'Rome', celsius: 20 } } },
        ],
      },
    ];
    expect(second?.contents).toEqual([...(first?.contents ?? []), ...turns]);
    expect(outcome.history).toEqual([...(second?.contents ?? []), { role: 'model', parts: [{ text: 'Oslo 10 C, Rome 20 C.' }] }]);
  });

  it('is gone on with by its history, streamed or not', async () => {
    const server = await geminiServer({
      key: null,
      http: [
        { on: 'generateContent', answer: [{ json: chunk([callPart('time', {})]) }] },
        { on: 'generateContent', answer: [{ json: chunk([{ text: 'Noon.' }], 'STOP') }] },
        { on: 'generateContent', answer: [{ json: chunk([{ text: 'Bye.' }], 'STOP') }] },
      ],
    });
    servers.push(server);
    const model = generateModel({ model: 'gemini-x', baseUrl: server.url, streamed: false });
    const first = await converse({ model, input: 'What time is it?', tools: { time } }).ended();
    expect(first).toMatchObject({ ok: true, text: 'Noon.' });
    const second = converse({ model, input: 'Thanks.', history: first.history });
    const news = [];
    for await (const event of second) news.push(event);
    expect(news).toContainEqual({ type: 'text', text: 'Bye.', turn: 1 });
    expect(bodies(server)[2]?.contents).toEqual([...first.history, { role: 'user', parts: [{ text: 'Thanks.' }] }]);
    expect(bodies(server)[2]?.tools).toBeUndefined();
  });

  it('puts calls together whose arguments come in parts, and tells the parts as they come', async () => {
    const part = (functionCall: object) => chunk([{ functionCall }]);
    const server = await serving([
      [
        part({ name: 'weather', willContinue: true }),
        part({ partialArgs: [{ jsonPath: '$.city', stringValue: 'Os', willContinue: true }], willContinue: true }),
        part({ partialArgs: [{ jsonPath: '$.city', stringValue: 'lo' }], willContinue: true }),
        part({}),
        chunk([], 'STOP'),
      ],
      [chunk([{ text: 'ok' }], 'STOP')],
    ]);
    const conversation = converse({ model: generateModel({ model: 'gemini-x', baseUrl: server.url }), input: 'Oslo?', tools: { weather } });
    const types: string[] = [];
    for await (const event of conversation) types.push(event.type);
    expect(types.filter((type) => type === 'callPart').length).toBeGreaterThan(1);
    expect(bodies(server)[1]?.contents.at(-1)?.parts).toEqual([{ functionResponse: { name: 'weather', response: { city: 'Oslo', celsius: 10 } } }]);
  });

  it('that is cut off in mid-turn runs no call of that turn, and its history is what it was before', async () => {
    const server = await geminiServer({
      key: null,
      http: [{ on: 'streamGenerateContent', answer: [{ events: [chunk([callPart('time', {})])] }, { drop: true }] }],
    });
    servers.push(server);
    const ran: unknown[] = [];
    const tools = { time: { description: 't', execute: () => ran.push(1) } };
    const model = generateModel({ model: 'gemini-x', baseUrl: server.url, apiKey: 'a-secret-key' });
    const outcome = await converse({ model, input: 'time?', tools }).ended();
    expect(outcome).toMatchObject({ ok: false, turns: 1, reached: { calls: [] } });
    expect(!outcome.ok && ['network', 'truncated'].includes(outcome.failure.kind)).toBe(true);
    expect(outcome.history).toEqual([{ role: 'user', parts: [{ text: 'time?' }] }]);
    expect(ran).toEqual([]);
    expect(JSON.stringify(outcome)).not.toContain('a-secret-key');
  });

  it('has a permit for each turn of the model, and none while tools run', async () => {
    const server = await serving([[chunk([callPart('look', {})], 'STOP')], [chunk([{ text: 'ok' }], 'STOP')]]);
    const gate = createGate({ permits: 1 });
    const seen: unknown[] = [];
    const look = {
      description: 'l',
      execute: async () => {
        const other = await gate.acquire({ key: 'gemini', waitMs: 0 });
        seen.push(other.ok);
        if (other.ok) other.permit.release();
      },
    };
    const model = generateModel({ model: 'gemini-x', baseUrl: server.url });
    expect(await converse({ model, input: 'hello', tools: { look }, gate: { gate, key: 'gemini' } }).ended()).toMatchObject({ ok: true });
    expect(seen).toEqual([true]);
    const taken = await gate.acquire({ key: 'gemini' });
    expect(await converse({ model, input: 'hello', gate: { gate, key: 'gemini', waitMs: 0 } }).ended()).toMatchObject({
      ok: false,
      failure: { kind: 'gate', message: expect.stringContaining("no permit of 'gemini'") as string },
    });
    if (taken.ok) taken.permit.release();
    await gate.close();
  });

  it('refuses options before anything starts, and never shows a key', () => {
    const key = 'a secret key';
    for (const [options, says] of [
      [{}, 'model'],
      [{ model: 'gemini-x', request: { contents: [] } }, 'no contents'],
      [{ model: 'gemini-x', streamed: 1 }, 'streamed'],
      [{ model: 'gemini-x', signal: new AbortController().signal }, 'the keys'],
      [{ model: 'gemini-x', apiKey: key }, 'apiKey'],
    ] as const) {
      expect(() => generateModel(options as never)).toThrow(says);
      expect(() => generateModel(options as never)).not.toThrow(key);
    }
  });
});
