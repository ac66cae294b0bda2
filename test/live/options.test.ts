import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { z } from 'zod';
import { EspalierError } from '../../src/errors.js';
import { type LiveSession, liveSessionHandle } from '../../src/live/handle.js';
import { type LiveSessionOptions, planSession } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';

const execute = () => ({});

interface Endpoint {
  readonly url: string;
  readonly headers: object;
}

describe('the options of a live session', () => {
  it('have defaults for all but the model', () => {
    const { endpoint, find, ...plan } = planSession({ model: 'gemini-live' });
    expect(plan).toEqual({
      input: {
        setup: { model: 'models/gemini-live', sessionResumption: {} },
        connectMs: 10_000,
        setupMs: 10_000,
        toolMs: 30_000,
        toolDeadlines: {},
        nonBlocking: [],
        goesOn: false,
        closeMs: 2_000,
        resumption: true,
        reconnect: { intensity: 5, periodMs: 60_000, backoff: { minMs: 250, maxMs: 10_000, factor: 2, jitter: 0.5, resetAfterMs: 60_000 } },
        rotationMarginMs: 5_000,
        gatesAudio: true,
        staleAnswers: 'send',
        history: [],
      },
      secrets: [],
      maxCalls: 64,
      limits: { maxAudio: 64, maxContent: 64, maxBytes: 8_388_608, highWaterBytes: 1_048_576 },
      schedulingPlace: 'sibling',
    });
    expect(find('any')).toEqual({ ok: false, error: "unknown tool 'any'; there are: none" });
    const url = 'wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent';
    expect(endpoint()).toEqual({ url, headers: {} });
  });

  it('put the key in a header, an ephemeral token too, and nowhere else', () => {
    const { endpoint, input, secrets } = planSession({ model: 'm', apiKey: 'the-key', baseUrl: 'http://127.0.0.1:1/base' });
    const { url, headers } = endpoint() as Endpoint;
    expect(headers).toEqual({ 'x-goog-api-key': 'the-key' });
    expect(secrets).toEqual(['the-key']);
    expect(url + JSON.stringify(input)).not.toContain('the-key');
    expect(planSession({ model: 'm', apiKey: 'auth_tokens/abc' }).endpoint()).toEqual({
      url: expect.stringContaining('v1alpha.GenerativeService.BidiGenerateContentConstrained') as string,
      headers: { authorization: 'Token auth_tokens/abc' },
    });
  });

  it('put the key in the query where the app asks for that, for want of headers', () => {
    const { url, headers } = planSession({ model: 'm', apiKey: 'the-key', keyIn: 'query' }).endpoint() as Endpoint;
    expect(headers).toEqual({});
    expect(url).toMatch(/BidiGenerateContent\?key=the-key$/);
  });

  it('reach Vertex with the path of its model, and a token that is fetched for each socket', async () => {
    let tokens = 0;
    const vertex = { project: 'p', location: 'europe-west1', accessToken: () => Promise.resolve(`token-${++tokens}`) };
    const { endpoint, input } = planSession({ model: 'gemini-live', vertex, setup: { sessionResumption: { transparent: true } } });
    expect(input.setup).toEqual({
      model: 'projects/p/locations/europe-west1/publishers/google/models/gemini-live',
      sessionResumption: { transparent: true },
    });
    const url = 'wss://europe-west1-aiplatform.googleapis.com/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent';
    expect(await endpoint()).toEqual({ url, headers: { authorization: 'Bearer token-1' } });
    expect(await endpoint()).toMatchObject({ headers: { authorization: 'Bearer token-2' } });
    const fixed = planSession({ model: 'm', vertex: { ...vertex, accessToken: 'the-token' } });
    expect(fixed.secrets).toEqual(['the-token']);
    expect(JSON.stringify(fixed.input)).not.toContain('the-token');
  });

  it('ask for handles, begin with the one that the app has kept, and leave out what the Developer API refuses', () => {
    const setup = { sessionResumption: { handle: 'kept', transparent: true } };
    expect(planSession({ model: 'm', setup }).input.setup).toMatchObject({ sessionResumption: { handle: 'kept' } });
    expect(JSON.stringify(planSession({ model: 'm', setup }).input.setup)).not.toContain('transparent');
    const { input } = planSession({ model: 'm', resumption: false });
    expect(input).toMatchObject({ resumption: false, setup: { model: 'models/m' } });
    expect(input.setup).not.toHaveProperty('sessionResumption');
  });

  it('seed the conversation with its history, and say so in the setup', () => {
    const history = [{ role: 'user', parts: [{ text: 'I am Ann.' }] }];
    const { input } = planSession({ model: 'm', history, setup: { historyConfig: { other: 1 } } });
    expect(input.setup['historyConfig']).toEqual({ initialHistoryInClientContent: true, other: 1 });
    expect(input.history).toEqual(history);
  });

  it('say what the model can do where its table is wrong', () => {
    const tools = { free: { description: 'd', execute, behavior: 'NON_BLOCKING' as const, timeoutMs: 9 } };
    expect(planSession({ model: 'gemini-3.1-flash-live', tools }).input).toMatchObject({
      nonBlocking: [],
      gatesAudio: true,
      toolDeadlines: { free: 9 },
    });
    const capabilities = { nonBlocking: true, gatesAudio: false };
    expect(planSession({ model: 'gemini-3.1-flash-live', tools, capabilities }).input).toMatchObject({ nonBlocking: ['free'], gatesAudio: false });
    const setup = { tools: [{ functionDeclarations: [{ name: 'own', behavior: 'NON_BLOCKING' }, { name: 'waits' }] }] };
    expect(planSession({ model: 'gemini-3.8-live', tools, setup }).input).toMatchObject({ nonBlocking: ['own', 'free'], goesOn: true });
    expect(planSession({ model: 'gemini-3.1-flash-live', tools, setup }).input).toMatchObject({ nonBlocking: [], goesOn: false });
  });

  it('make the setup message, which the app can no longer change', () => {
    const generationConfig = { responseModalities: ['TEXT'] };
    const { input } = planSession({
      model: 'projects/p/models/m',
      generationConfig,
      systemInstruction: { parts: [{ text: 'brief' }] },
      setup: { inputAudioTranscription: {}, tools: [{ googleSearch: {} }], model: 'ignored' },
      tools: { now: { description: 'the time', execute }, at: { description: 'a time', execute, parameters: { type: 'object' } } },
    });
    generationConfig.responseModalities.push('AUDIO');
    expect(input.setup).toEqual({
      model: 'projects/p/models/m',
      generationConfig: { responseModalities: ['TEXT'] },
      systemInstruction: { parts: [{ text: 'brief' }] },
      inputAudioTranscription: {},
      sessionResumption: {},
      tools: [
        { googleSearch: {} },
        {
          functionDeclarations: [
            { name: 'now', description: 'the time' },
            { name: 'at', description: 'a time', parametersJsonSchema: { type: 'object' } },
          ],
        },
      ],
    });
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  it.each<[string, unknown]>([
    ['options', null],
    ['options', 'secret'],
    ['options', new Map([['model', 'm']])],
    ['options', { model: 'm', apikey: 'secret' }],
    ['options', { model: 'm', setupMS: 5 }],
    ['model', {}],
    ['model', { model: ' ' }],
    ['apiKey', { model: 'm', apiKey: 'se cret\n' }],
    ['apiKey', { model: 'm', apiKey: 7 }],
    ['apiVersion', { model: 'm', apiVersion: '../v1' }],
    ['apiVersion', { model: 'm', apiVersion: ['v1'] }],
    ['baseUrl', { model: 'm', baseUrl: 'ftp://host' }],
    ['baseUrl', { model: 'm', baseUrl: 'nonsense' }],
    ['baseUrl', { model: 'm', baseUrl: 7 }],
    ['baseUrl', { model: 'm', baseUrl: 'https://host/path?key=secret' }],
    ['baseUrl', { model: 'm', baseUrl: 'https://user:secret@host/' }],
    ['generationConfig', { model: 'm', generationConfig: [] }],
    ['generationConfig', { model: 'm', generationConfig: new Map() }],
    ['setup', { model: 'm', setup: 'x' }],
    ['setup', { model: 'm', setup: new Set() }],
    ['setup', { model: 'm', setup: circle }],
    ['systemInstruction', { model: 'm', systemInstruction: 7 }],
    ['systemInstruction', { model: 'm', systemInstruction: new Date() }],
    ['openSocket', { model: 'm', openSocket: {} }],
    ['tools', { model: 'm', tools: [] }],
    ['tools', { model: 'm', tools: null }],
    ['tools', { model: 'm', tools: new Map([['t', { description: 'd', execute }]]) }],
    ['tools', { model: 'm', tools: Promise.resolve({}) }],
    ['connectMs', { model: 'm', connectMs: 0 }],
    ['setupMs', { model: 'm', setupMs: Number.NaN }],
    ['toolMs', { model: 'm', toolMs: Number.POSITIVE_INFINITY }],
    ['closeMs', { model: 'm', closeMs: '5' }],
    ['maxCalls', { model: 'm', maxCalls: 1.5 }],
    ['keyIn', { model: 'm', apiKey: 'secret', keyIn: 'cookie' }],
    ['vertex', { model: 'm', vertex: { project: 'p', location: 'l', token: 'secret' } }],
    ['project', { model: 'm', vertex: { project: '../p', location: 'l' } }],
    ['location', { model: 'm', vertex: { project: 'p', location: 'evil.example/' } }],
    ['accessToken', { model: 'm', vertex: { project: 'p', location: 'l', accessToken: 'sec ret' } }],
    ['accessToken', { model: 'm', apiKey: 'secret', vertex: { project: 'p', location: 'l', accessToken: 'secret' } }],
    ['capabilities', { model: 'm', capabilities: { nonblocking: true } }],
    ['history', { model: 'm', history: 'secret' }],
    ['history', { model: 'm', history: [7] }],
    ['resumption', { model: 'm', resumption: 'yes' }],
    ['staleAnswers', { model: 'm', staleAnswers: 'drop' }],
    ['schedulingPlace', { model: 'm', schedulingPlace: 'outside' }],
    ['reconnect', { model: 'm', reconnect: { attempts: 5 } }],
    ['reconnect', { model: 'm', reconnect: 5 }],
    ['reconnect.intensity', { model: 'm', reconnect: { intensity: -1 } }],
    ['reconnect.periodMs', { model: 'm', reconnect: { periodMs: 0 } }],
    ['reconnect.backoff', { model: 'm', reconnect: { backoff: { min: 5 } } }],
    ['reconnect.backoff', { model: 'm', reconnect: { backoff: { minMs: -5 } } }],
    ['reconnect.backoff', { model: 'm', reconnect: { backoff: { maxMs: 2 ** 31 } } }],
    ['rotationMarginMs', { model: 'm', rotationMarginMs: -1 }],
    ['uplink', { model: 'm', uplink: { maxText: 5 } }],
    ['uplink.maxAudio', { model: 'm', uplink: { maxAudio: 0 } }],
    ['uplink.maxContent', { model: 'm', uplink: { maxContent: Infinity } }],
    ['uplink.maxBytes', { model: 'm', uplink: { maxBytes: 0 } }],
    ['uplink.highWaterBytes', { model: 'm', uplink: { highWaterBytes: '1' } }],
    ['onToolCall', { model: 'm', onToolCall: {} }],
  ])('are refused for a bad %s: %#', (name, options) => {
    expect(refusal(options)).toMatchObject({ code: 'live/invalid-options', details: { expected: expect.stringContaining(name) as string } });
    expect(`${refusal(options)?.message}${JSON.stringify(refusal(options)?.details)}`).not.toContain('secret');
  });

  it.each<[string, unknown]>([
    ['a name', { 'not a name': { description: 'd', execute } }],
    ['an object', { t: null }],
    ['description', { t: { execute } }],
    ['execute', { t: { description: 'd', execute: 'x' } }],
    ['parameters', { t: { description: 'd', execute, parameters: [] } }],
    ['parameters', { t: { description: 'd', execute, parameters: new Map() } }],
    ['the keys', { t: { description: 'd', execute, timeoutMS: 5 } }],
    ['timeoutMs', { t: { description: 'd', execute, timeoutMs: -1 } }],
    ['behavior', { t: { description: 'd', execute, behavior: 'ASYNC' } }],
    ['scheduling', { t: { description: 'd', execute, scheduling: 'LATER' } }],
    ['parameters', { t: { description: 'd', execute, parameters: { type: 'OBJECT' } } }],
    ['parameters', { t: { description: 'd', execute, parameters: z.object({ at: z.bigint() }) } }],
  ])('are refused for a tool without a good %s', (name, tools) => {
    expect(refusal({ model: 'm', tools })).toMatchObject({
      code: 'live/invalid-tool',
      details: { expected: expect.stringContaining(name) as string },
    });
  });

  it('say of types in upper case, as Gemini’s own schema has them, that JSON schema writes them in lower case', () => {
    const parameters = { type: 'OBJECT', properties: { city: { type: 'STRING' } } };
    expect(refusal({ model: 'm', tools: { t: { description: 'd', execute, parameters } } })?.message).toMatch(/in lower case: 'object'.*OBJECT/);
    const wrong = { type: 'thing' };
    expect(refusal({ model: 'm', tools: { t: { description: 'd', execute, parameters: wrong } } })?.message).not.toContain('lower case');
  });

  it('may hold tools that are instances of the app’s own class, or a module’s exports', () => {
    class Weather {
      readonly description = 'the weather';
      readonly cache = new Map();
      execute = execute;
    }
    expect(refusal({ model: 'm', tools: { weather: new Weather() } })).toBeUndefined();
    expect(refusal({ model: 'm', tools: Object.assign(Object.create(null), { t: { description: 'd', execute } }) as object })).toBeUndefined();
  });
});

describe('the handle of a live session', () => {
  const ref = () => createActor(liveSession({ model: 'm' }));
  const another = () => createActor(createMachine({ initial: 'ready', states: { ready: { tags: 'accepting' } } }));

  it.each<[string, () => unknown]>([
    ['nothing', () => liveSessionHandle(null as never)],
    ['undefined', () => liveSessionHandle(undefined as never)],
    ['an object', () => liveSessionHandle({ apiKey: 'secret' } as never)],
    ['a key', () => liveSessionHandle('secret' as never)],
    ['the logic instead of its actor', () => liveSessionHandle(liveSession({ model: 'm' }) as never)],
    ['an actor that runs something else', () => liveSessionHandle(another() as never)],
    ['options that are none', () => liveSessionHandle(ref(), null as never)],
    ['a misspelt option', () => liveSessionHandle(ref(), { onListenerEror: () => 'secret' } as never)],
    ['an option of another type', () => liveSessionHandle(ref(), { onListenerError: 'secret' } as never)],
    ['a listener that is no function', () => liveSessionHandle(ref()).on('session.ready', 'secret' as never)],
  ])('is refused for %s', (_, make) => {
    const error = refused(make);
    expect(error?.code).toBe('live/invalid-options');
    expect(error?.message).toMatch(/expected (ref|options of the handle|onListenerError|listener): .*, got: /);
    expect(`${error?.message}${JSON.stringify(error?.details)}`).not.toContain('secret');
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  it.each<[string, (session: LiveSession) => unknown]>([
    ['a text that is none', (session) => session.sendText(5 as never)],
    ['null as options of a text', (session) => session.sendText('hello', null as never)],
    ['a misspelt option of a text', (session) => session.sendText('hello', { turnCompete: false } as never)],
    ['content that is no object', (session) => session.sendClientContent(5 as never)],
    ['input that is a list', (session) => session.sendRealtimeInput([] as never)],
    ['an update that is none', (session) => session.sendContextUpdate(null as never)],
    ['an answer without an id', (session) => session.sendToolResponse({ response: 1 } as never)],
    ['an answer without a response', (session) => session.sendToolResponse({ id: 'a' } as never)],
    ['an answer that is no JSON', (session) => session.sendToolResponse({ id: 'a', response: circle })],
    ['a list with an answer that is none', (session) => session.sendToolResponse([{ id: 'a', response: 1 }, 'b' as never])],
    ['an answer with a scheduling that is none', (session) => session.sendToolResponse({ id: 'a', response: 1, scheduling: 'LATER' as never })],
  ])('sends nothing for %s, and throws', (_, send) => {
    const error = refused(() => send(liveSessionHandle(ref())));
    expect(error?.code).toBe('live/invalid-options');
  });

  it('of a session that is not started rejects what is sent, and says so', () => {
    const session = liveSessionHandle(ref());
    expect(session.sendText('hello')).toEqual({ status: 'rejected', reason: 'unstarted' });
    expect(session.sendToolResponse({ id: 'a', response: 1 })).toEqual([{ id: 'a', status: 'rejected', reason: 'unknown' }]);
  });
});

function refusal(options: unknown): EspalierError | undefined {
  return refused(() => liveSession(options as LiveSessionOptions));
}

function refused(make: () => unknown): EspalierError | undefined {
  try {
    make();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  return undefined;
}
