import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EspalierError } from '../../src/errors.js';
import { readRecording } from '../../src/testing/index.js';
import { durationMs, liveEndpoint, liveUrl, modelPath, parseClientMessage, parseServerMessage } from '../../src/wire/gemini/live.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** The message of a frame that must be readable. */
function read<T extends { ok: boolean }>(result: T): Extract<T, { ok: true }> {
  expect(result).toMatchObject({ ok: true });
  return result as Extract<T, { ok: true }>;
}

describe('a server frame', () => {
  const text = '{\n  "toolCall": {"functionCalls": [{"id": "a", "name": "weather", "args": {"city": "Zürich 🌳"}}]}\n}\n';

  it('is read from text, bytes, an ArrayBuffer and fragments that cut a character', () => {
    const whole = bytes(text);
    const cut = whole.indexOf(0xf0) + 2;
    const fragments = [Buffer.from(whole.subarray(0, cut)), Buffer.from(whole.subarray(cut))];
    for (const frame of [text, whole, whole.buffer, Buffer.from(whole), fragments]) {
      expect(read(parseServerMessage(frame)).message.toolCall?.functionCalls[0]).toEqual({ id: 'a', name: 'weather', args: { city: 'Zürich 🌳' } });
    }
  });

  it('shows every kind that it holds', () => {
    const frame = read(
      parseServerMessage('{"usageMetadata":{"totalTokenCount":3},"serverContent":{"turnComplete":true},"goAway":{"timeLeft":"50s"}}'),
    );
    expect(frame.kinds).toEqual(['serverContent', 'goAway', 'usageMetadata']);
    expect(frame.message).toMatchObject({
      serverContent: { turnComplete: true },
      goAway: { timeLeft: '50s' },
      usageMetadata: { totalTokenCount: 3 },
    });
  });

  it('passes on unknown kinds and unknown fields, and names the unknown kinds', () => {
    const frame = read(parseServerMessage('{"futureKind":{"x":1},"serverContent":{"futureField":[2],"interrupted":true}}'));
    expect(frame).toMatchObject({ kinds: ['serverContent'], unknown: ['futureKind'] });
    expect(frame.message).toEqual({ futureKind: { x: 1 }, serverContent: { futureField: [2], interrupted: true } });
    expect(read(parseServerMessage('{}'))).toMatchObject({ kinds: [], unknown: [] });
  });

  it('keeps its good kinds when another kind is odd, and says which', () => {
    const frame = read(parseServerMessage('{"toolCall":{"functionCalls":[{"name":"a","args":{}}]},"usageMetadata":{"totalTokenCount":"many"}}'));
    expect(frame.kinds).toEqual(['toolCall']);
    expect(frame.faults).toMatchObject([{ kind: 'usageMetadata', got: { totalTokenCount: 'many' } }]);
    expect(frame.faults[0]?.detail).toContain('usageMetadata.totalTokenCount');
  });

  it('with a call that has no id, name or args is still a call', () => {
    const { message } = read(parseServerMessage('{"toolCall":{"functionCalls":[{},{"id":"b","args":null}]}}'));
    expect(message.toolCall?.functionCalls).toEqual([
      { name: '', args: {} },
      { id: 'b', name: '', args: {} },
    ]);
  });

  it('treats a kind that is null as absent', () => {
    expect(read(parseServerMessage('{"toolCall":null,"setupComplete":{}}')).kinds).toEqual(['setupComplete']);
  });

  it.each([
    ['', 'not-json'],
    ['{"setupComplete":', 'not-json'],
    ['[1]', 'not-an-object'],
    ['null', 'not-an-object'],
    ['"text"', 'not-an-object'],
    ['{"toolCall":{"functionCalls":"none"}}', 'invalid-shape'],
    ['{"goAway":7}', 'invalid-shape'],
  ])('that is malformed (%s) is a value with a reason', (frame, reason) => {
    expect(parseServerMessage(frame)).toMatchObject({ ok: false, reason, detail: expect.any(String), excerpt: frame });
  });

  it('that is not UTF-8 is a value with a reason', () => {
    expect(parseServerMessage(Uint8Array.of(0x7b, 0xff, 0x7d))).toMatchObject({ ok: false, reason: 'not-utf8' });
    expect(parseServerMessage([Uint8Array.of(0xf0, 0x9f)])).toMatchObject({ ok: false, reason: 'not-utf8' });
  });

  it('never makes the reader throw, whatever it holds', () => {
    const kinds = ['toolCall', 'serverContent', 'setup', 'tool_response', '__proto__', 'constructor', 'toString'];
    const object = fc.dictionary(fc.constantFrom(...kinds), fc.jsonValue()).map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), object, fc.uint8Array()), (frame) => {
        parseServerMessage(frame);
        parseClientMessage(frame);
      }),
      { numRuns: 2_000, seed: 7 },
    );
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    expect(parseServerMessage(deep)).toMatchObject({ ok: false, reason: 'too-deep' });
    expect(parseClientMessage(`{"setup":{"model":"m","x":${deep}}}`)).toMatchObject({ ok: false, reason: 'too-deep' });
  });

  it('may nest as deep as can be written again, and no deeper', () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    expect(parseServerMessage(nested(256))).toMatchObject({ ok: true });
    expect(parseServerMessage(nested(257))).toMatchObject({ ok: false, reason: 'too-deep' });
  });

  it('with a key named __proto__ changes no prototype', () => {
    const { message } = read(parseServerMessage('{"__proto__":{"toolCall":{"functionCalls":[]}}}'));
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
    expect(message.toolCall).toBeUndefined();
    const client = read(parseClientMessage('{"setup":{"model":"m","__proto__":{"polluted":true}}}'));
    expect((client.message.setup as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a client frame', () => {
  it('is read in camelCase and in snake_case alike', () => {
    const camel = '{"toolResponse":{"functionResponses":[{"id":"a","name":"n","response":{"user_key":1},"willContinue":true}]}}';
    const snake = '{"tool_response":{"function_responses":[{"id":"a","name":"n","response":{"user_key":1},"will_continue":true}]}}';
    expect(read(parseClientMessage(snake))).toEqual(read(parseClientMessage(camel)));
    const audio = read(parseClientMessage('{"realtime_input":{"audio":{"data":"AAA=","mime_type":"audio/pcm"}}}'));
    expect(audio.message.realtimeInput?.audio).toEqual({ data: 'AAA=', mimeType: 'audio/pcm' });
  });

  it('keeps the user’s own keys in arguments, results and schemas', () => {
    const schema = { type: 'OBJECT', properties: { zqx_measurement: { type: 'INTEGER' } }, required: ['zqx_measurement'] };
    const tools = [{ function_declarations: [{ name: 'record', parameters: schema, parameters_json_schema: schema }] }];
    const { message } = read(parseClientMessage(JSON.stringify({ setup: { model: 'models/m', tools } })));
    expect(message.setup?.tools).toEqual([{ functionDeclarations: [{ name: 'record', parameters: schema, parametersJsonSchema: schema }] }]);
  });

  it.each([['["10 C"]'], ['"10 C"'], ['null']])('with a tool response of %s is malformed, as for the real server', (response) => {
    const frame = parseClientMessage(`{"toolResponse":{"functionResponses":[{"id":"a","name":"n","response":${response}}]}}`);
    expect(frame).toMatchObject({ ok: false, reason: 'invalid-shape', detail: expect.stringContaining('functionResponses.0.response') });
  });
});

describe('a duration', () => {
  it.each([
    ['50s', 50_000],
    ['0s', 0],
    ['0.250s', 250],
    ['9.999999999s', 10_000],
    ['-1.5s', -1_500],
  ])('%s is %d ms', (duration, ms) => {
    expect(durationMs(duration)).toBe(ms);
  });

  it.each([undefined, '', '50', 's', '5m', '1e3s', ' 5s', '.5s', 'NaNs'])('%s is none', (duration) => {
    expect(durationMs(duration)).toBeNull();
  });
});

describe('the endpoint', () => {
  it('is Gemini’s own by default, with the key in a header and not in the URL', () => {
    const { url, headers } = liveEndpoint({ apiKey: 'k-1' });
    expect(url).toBe('wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent');
    expect(headers).toEqual({ 'x-goog-api-key': 'k-1' });
  });

  it('turns http into ws, keeps a base path, and takes another version', () => {
    expect(liveUrl({ baseUrl: 'http://127.0.0.1:8080/proxy/gemini/', apiVersion: 'v1' })).toBe(
      'ws://127.0.0.1:8080/proxy/gemini/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent',
    );
    expect(liveUrl({ baseUrl: 'wss://h' })).toMatch(/^wss:\/\/h\/ws\//);
  });

  it('is the constrained one for an ephemeral token', () => {
    const { url, headers } = liveEndpoint({ apiKey: 'auth_tokens/t' });
    expect(url).toMatch(/v1alpha\.GenerativeService\.BidiGenerateContentConstrained$/);
    expect(headers).toEqual({ authorization: 'Token auth_tokens/t' });
  });

  it('is Vertex’s with a bearer token', () => {
    const { url, headers } = liveEndpoint({ baseUrl: 'https://europe-west1-aiplatform.googleapis.com', service: 'vertex', accessToken: 't' });
    expect(url).toBe('wss://europe-west1-aiplatform.googleapis.com/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent');
    expect(headers).toEqual({ authorization: 'Bearer t' });
  });

  it('has the key in the query only when asked to', () => {
    expect(liveEndpoint({ apiKey: 'a&b', keyIn: 'query' })).toMatchObject({ url: expect.stringMatching(/\?key=a%26b$/), headers: {} });
  });

  it.each(['', 'not a url', 'ftp://user:secret@host/x?key=secret'])('refuses the base URL %j without showing secrets', (baseUrl) => {
    const refusal = (() => {
      try {
        return liveUrl({ baseUrl });
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(EspalierError);
    expect(refusal).toMatchObject({ code: 'live/invalid-options' });
    expect(String(refusal)).not.toContain('secret');
  });

  it('names a model by its path', () => {
    expect(modelPath('gemini-live')).toBe('models/gemini-live');
    expect(modelPath('models/gemini-live')).toBe('models/gemini-live');
    expect(modelPath('projects/p/locations/l/publishers/google/models/m')).toBe('projects/p/locations/l/publishers/google/models/m');
  });
});

/** The recordings of real sessions stay outside the repository; without them these tests are skipped and say so. */
const corpus = process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus');
const recorded = (folder: string) =>
  existsSync(join(corpus, folder)) ? readdirSync(join(corpus, folder)).map((file) => join(corpus, folder, file)) : [];

describe.skipIf(!existsSync(corpus))('the recorded corpus (skipped where ../shared/corpus is missing)', () => {
  it('has frames of known kinds only, and none with a fault, in every log', () => {
    expect(recorded('live-logs')).not.toEqual([]);
    for (const file of recorded('live-logs')) {
      const { frames } = readRecording(readFileSync(file));
      expect(frames.length).toBeGreaterThan(2);
      for (const { from, text } of frames) {
        const frame = read(from === 'server' ? parseServerMessage(text) : parseClientMessage(text));
        expect(frame).toMatchObject({ unknown: [], faults: [] });
        expect(frame.kinds.length).toBeGreaterThan(0);
        expect(frame.message).toEqual(JSON.parse(text));
      }
    }
  });

  it('has lines of known kinds only, and none with a fault, in every chunk file', () => {
    expect(recorded('live-chunks')).not.toEqual([]);
    for (const file of recorded('live-chunks')) {
      for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
        expect(read(parseServerMessage(line))).toMatchObject({ unknown: [], faults: [], message: JSON.parse(line) });
      }
    }
  });
});
