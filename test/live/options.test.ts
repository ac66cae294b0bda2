import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { EspalierError } from '../../src/errors.js';
import { type LiveSession, liveSessionHandle } from '../../src/live/handle.js';
import { type LiveSessionOptions, planSession } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';

const execute = () => ({});

describe('the options of a live session', () => {
  it('have defaults for all but the model', () => {
    expect(planSession({ model: 'gemini-live' })).toEqual({
      input: { setup: { model: 'models/gemini-live' }, connectMs: 10_000, setupMs: 10_000, toolMs: 30_000, closeMs: 2_000 },
      url: 'wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
      headers: {},
      secrets: [],
      tools: {},
      maxCalls: 64,
    });
  });

  it('put the key in a header, an ephemeral token too, and nowhere else', () => {
    const { url, headers, input, secrets } = planSession({ model: 'm', apiKey: 'the-key', baseUrl: 'http://127.0.0.1:1/base' });
    expect(headers).toEqual({ 'x-goog-api-key': 'the-key' });
    expect(secrets).toEqual(['the-key']);
    expect(url + JSON.stringify(input)).not.toContain('the-key');
    expect(planSession({ model: 'm', apiKey: 'auth_tokens/abc' })).toMatchObject({
      url: expect.stringContaining('v1alpha.GenerativeService.BidiGenerateContentConstrained') as string,
      headers: { authorization: 'Token auth_tokens/abc' },
    });
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
  ])('are refused for a tool without a good %s', (name, tools) => {
    expect(refusal({ model: 'm', tools })).toMatchObject({
      code: 'live/invalid-tool',
      details: { expected: expect.stringContaining(name) as string },
    });
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

  it.each<[string, (session: LiveSession) => Promise<unknown>]>([
    ['a text that is none', (session) => session.sendText(5 as never)],
    ['null as options of a text', (session) => session.sendText('hello', null as never)],
    ['a misspelt option of a text', (session) => session.sendText('hello', { turnCompete: false } as never)],
    ['content that is no object', (session) => session.sendClientContent(5 as never)],
    ['input that is a list', (session) => session.sendRealtimeInput([] as never)],
  ])('sends nothing for %s, and rejects', async (_, send) => {
    await expect(send(liveSessionHandle(ref()))).rejects.toMatchObject({ name: 'EspalierError', code: 'live/invalid-options' });
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
