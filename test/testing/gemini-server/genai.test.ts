/**
 * The proof of the local server: Google's own client, `@google/genai`, talks to it as to the real one. Nothing of ours is on the client's side.
 */
import {
  Behavior,
  FunctionResponseScheduling,
  GoogleGenAI,
  type GoogleGenAIOptions,
  type LiveConnectConfig,
  type LiveServerMessage,
  Modality,
  type Session,
} from '@google/genai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { geminiServer, type GeminiServer, type Step } from '../../../src/testing/index.js';
import { nothingIsLeft } from '../raw-client.js';

const model = 'gemini-3.1-flash-live-preview';
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];
const text = (message: LiveServerMessage): string | undefined => message.serverContent?.modelTurn?.parts?.[0]?.text;

const config: LiveConnectConfig = {
  responseModalities: [Modality.TEXT],
  systemInstruction: 'be brief',
  tools: [
    {
      functionDeclarations: [
        { name: 'weather', behavior: Behavior.NON_BLOCKING, parametersJsonSchema: { type: 'object', properties: { city_name: { type: 'string' } } } },
        { name: 'time' },
      ],
    },
  ],
  sessionResumption: {},
  contextWindowCompression: { slidingWindow: {} },
  inputAudioTranscription: {},
};

/** One session of the foreign client: what its callbacks were given, to be awaited. */
class Talk {
  session!: Session;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: LiveServerMessage[] = [];
  readonly #readers: ((message: LiveServerMessage) => void)[] = [];
  #tellClosed!: (how: { code: number; reason: string }) => void;

  constructor() {
    this.closed = new Promise((resolve) => (this.#tellClosed = resolve));
  }

  static async begin(options: GoogleGenAIOptions, given: LiveConnectConfig = config, called = model): Promise<Talk> {
    const talk = new Talk();
    const callbacks = {
      onmessage: (message: LiveServerMessage) => talk.#hear(message),
      onclose: ({ code, reason }: { code: number; reason: string }) => talk.#tellClosed({ code, reason }),
    };
    talk.session = await new GoogleGenAI(options).live.connect({ model: called, config: structuredClone(given), callbacks });
    return talk;
  }

  next(): Promise<LiveServerMessage> {
    const message = this.#messages.shift();
    return message === undefined ? new Promise((resolve) => this.#readers.push(resolve)) : Promise.resolve(message);
  }

  #hear(message: LiveServerMessage): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#messages.push(message);
    else reader(message);
  }
}

const at = (server: GeminiServer, path = ''): GoogleGenAIOptions => ({ apiKey: 'the-key', httpOptions: { baseUrl: server.url + path } });

describe('@google/genai against the local Gemini Live server', () => {
  // It warns of ephemeral tokens.
  beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue());
  afterEach(nothingIsLeft);

  it('holds a whole conversation with tools', async () => {
    await using server = await geminiServer({
      key: 'the-key',
      script: [
        {
          expect: 'setup',
          match: {
            model: `models/${model}`,
            generationConfig: { responseModalities: ['TEXT'] },
            systemInstruction: { parts: [{ text: 'be brief' }] },
            tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: { properties: { city_name: {} } } }, { name: 'time' }] }],
            sessionResumption: {},
          },
        },
        { send: setupComplete },
        { expect: 'clientContent', match: { turns: [{ role: 'user', parts: [{ text: 'weather and time?' }] }], turnComplete: true } },
        {
          callTools: [
            { id: 'call-1', name: 'weather', args: { city_name: 'Oslo' } },
            { id: 'call-2', name: 'time' },
          ],
        },
        { expect: 'toolResponse', match: { functionResponses: [{ id: 'call-2', response: { error: 'no clock' } }] } },
        { awaitAnswers: ['call-1'] },
        { resumption: { handle: 'handle-1' } },
        { say: ['10 C ', 'at '.repeat(2_000)], frame: 'text' },
        { expect: 'realtimeInput', match: { activityStart: {} } },
        { expect: 'realtimeInput', match: { audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } } },
        { expect: 'realtimeInput', match: { activityEnd: {} } },
        { interrupt: true },
        { expect: 'realtimeInput', match: { text: 'hi' } },
        { callTools: [{ id: 'call-3', name: 'time' }] },
        { cancel: ['call-3'] },
        { goAway: { timeLeftMs: 50_000 } },
        { close: { code: 1011, reason: 'Deadline expired before operation could complete.' } },
      ],
    });
    const talk = await Talk.begin(at(server));
    expect(await talk.next()).toMatchObject(setupComplete);
    talk.session.sendClientContent({ turns: [{ role: 'user', parts: [{ text: 'weather and time?' }] }], turnComplete: true });
    expect((await talk.next()).toolCall?.functionCalls).toEqual([
      { id: 'call-1', name: 'weather', args: { city_name: 'Oslo' } },
      { id: 'call-2', name: 'time', args: {} },
    ]);
    talk.session.sendToolResponse({ functionResponses: { id: 'call-2', name: 'time', response: { error: 'no clock' } } });
    talk.session.sendToolResponse({
      functionResponses: [
        { id: 'call-1', name: 'weather', response: { output: '10 C' }, scheduling: FunctionResponseScheduling.WHEN_IDLE, willContinue: false },
      ],
    });
    expect((await talk.next()).sessionResumptionUpdate).toEqual({ newHandle: 'handle-1', resumable: true });
    expect(text(await talk.next())).toBe('10 C ');
    expect(text(await talk.next())).toBe('at '.repeat(2_000));
    expect((await talk.next()).serverContent?.generationComplete).toBe(true);
    expect((await talk.next()).serverContent?.turnComplete).toBe(true);
    talk.session.sendRealtimeInput({ activityStart: {} });
    talk.session.sendRealtimeInput({ audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } });
    talk.session.sendRealtimeInput({ activityEnd: {} });
    expect((await talk.next()).serverContent?.interrupted).toBe(true);
    expect((await talk.next()).serverContent?.turnComplete).toBe(true);
    talk.session.sendRealtimeInput({ text: 'hi' });
    expect((await talk.next()).toolCall?.functionCalls?.[0]?.id).toBe('call-3');
    expect((await talk.next()).toolCallCancellation).toEqual({ ids: ['call-3'] });
    expect((await talk.next()).goAway).toEqual({ timeLeft: '50s' });
    expect(await talk.closed).toEqual({ code: 1011, reason: 'Deadline expired before operation could complete.' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.connections).toEqual([{ service: 'developer', apiVersion: 'v1beta', credential: 'keyInQuery', compressed: true }]);
    expect(server.answers().map(({ id, scheduling }) => [id, scheduling])).toEqual([
      ['call-2', undefined],
      ['call-1', 'WHEN_IDLE'],
    ]);
  });

  it('hangs up without a code, and resumes on another connection', async () => {
    await using server = await geminiServer({
      handles: 'known',
      script: [
        ...opening,
        { resumption: { handle: 'h' } },
        { expectClose: { code: 1005 } },
        { accept: { handle: 'h' } },
        ...opening,
        { say: 'again' },
      ],
    });
    const first = await Talk.begin(at(server));
    await first.next();
    const handle = (await first.next()).sessionResumptionUpdate?.newHandle ?? '';
    first.session.close();
    await first.closed;
    const second = await Talk.begin(at(server), { ...config, sessionResumption: { handle } });
    await second.next();
    expect(text(await second.next())).toBe('again');
    expect(await server.outcome).toEqual({ ok: true });
    second.session.close();
    await second.closed;
  });

  it('makes an ephemeral token with its own method and comes in with it; a second session is refused', async () => {
    await using server = await geminiServer({ key: 'the-key', script: opening });
    const httpOptions = { baseUrl: server.url, apiVersion: 'v1alpha' };
    const token = await new GoogleGenAI({ apiKey: 'the-key', httpOptions }).authTokens.create({
      config: {
        uses: 1,
        liveConnectConstraints: { model, config: { responseModalities: [Modality.TEXT] } },
        httpOptions: { headers: { connection: 'close' } },
      },
    });
    expect(token.name).toMatch(/^auth_tokens\//);
    const talk = await Talk.begin({ apiKey: token.name!, httpOptions });
    expect(await talk.next()).toMatchObject(setupComplete);
    expect(server.connections).toMatchObject([{ service: 'constrained', apiVersion: 'v1alpha', credential: 'token' }]);
    talk.session.close();
    await talk.closed;
    const onclose = vi.fn<(how: { code: number; reason: string }) => void>();
    const closed = new Promise<void>((resolve) => onclose.mockImplementation(() => resolve()));
    // This client's `connect` does not settle where the server closes before setupComplete; its callback tells.
    void new GoogleGenAI({ apiKey: token.name!, httpOptions }).live.connect({ model, callbacks: { onmessage: () => undefined, onclose } });
    await closed;
    expect(onclose.mock.calls[0]?.[0]).toMatchObject({ code: 1011, reason: 'Token has been used too many times' });
  });

  it.each(['v1', 'v1beta', 'v1alpha'])('comes in by %s, under a base path', async (apiVersion) => {
    await using server = await geminiServer({ script: opening });
    const talk = await Talk.begin({ apiKey: 'k', httpOptions: { baseUrl: `${server.url}/proxy/gemini/`, apiVersion } });
    expect(await talk.next()).toMatchObject(setupComplete);
    expect(server.connections).toMatchObject([{ service: 'developer', apiVersion, credential: 'keyInQuery' }]);
    talk.session.close();
    await talk.closed;
  });

  it('comes in by the path of Vertex, with a bearer token', async () => {
    const path = 'projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash';
    await using server = await geminiServer({
      key: 'oauth-token',
      script: [{ expect: 'setup', match: { model: path } }, { send: { setupComplete: { sessionId: 's' } } }],
    });
    const authClient = { getRequestHeaders: () => Promise.resolve(new Headers({ authorization: 'Bearer oauth-token' })) };
    const options: GoogleGenAIOptions = {
      vertexai: true,
      project: 'p',
      location: 'us-central1',
      googleAuthOptions: { authClient: authClient as never },
      httpOptions: { baseUrl: server.url },
    };
    const talk = await Talk.begin(options, { responseModalities: [Modality.AUDIO] }, 'gemini-live-2.5-flash');
    expect(await talk.next()).toMatchObject({ setupComplete: { sessionId: 's' } });
    expect(server.connections).toMatchObject([{ service: 'vertex', apiVersion: 'v1beta1', credential: 'bearer' }]);
    talk.session.close();
    await talk.closed;
  });

  it('takes fragments, segments and either opcode in its stride', async () => {
    const wires = [{ fragments: 5 }, { chunkBytes: 7 }, { fragments: 3, chunkBytes: 11 }, { frame: 'text' }] as const;
    await using server = await geminiServer({ script: [...opening, ...wires.map((wire) => ({ say: 'grüße 🌳', turnComplete: false, ...wire }))] });
    const talk = await Talk.begin(at(server));
    await talk.next();
    for (const _ of wires) expect(text(await talk.next())).toBe('grüße 🌳');
    talk.session.close();
    await talk.closed;
  });
});
