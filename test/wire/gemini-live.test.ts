import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readRecording } from '../../src/testing/index.js';
import { parseClientMessage, parseServerMessage, readBySchemas } from '../../src/wire/gemini/live.js';

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

  it('keeps the end of a turn when another field of it is odd, and says which', () => {
    const text = '{"serverContent":{"turnComplete":true,"groundingMetadata":{"webSearchQueries":7}},"goAway":{"timeLeft":50}}';
    const { message, kinds, faults } = read(parseServerMessage(text));
    expect(kinds).toEqual(['serverContent', 'goAway']);
    expect(message).toEqual({ serverContent: { turnComplete: true }, goAway: {} });
    expect(faults).toEqual([
      { kind: 'serverContent', detail: expect.stringMatching(/^serverContent\.groundingMetadata\.webSearchQueries: /), got: { webSearchQueries: 7 } },
      { kind: 'goAway', detail: expect.stringMatching(/^goAway\.timeLeft: /), got: 50 },
    ]);
  });

  it('treats a field that is null as absent, but keeps null among arguments and unknown fields', () => {
    const text = `{"serverContent":{"turnComplete":null,"interrupted":true,"modelTurn":{"parts":[{"text":null,"new":null}]},"inputTranscription":null},
      "toolCall":{"functionCalls":[{"id":null,"name":"n","args":{"a":null}}]}}`;
    const { message, faults } = read(parseServerMessage(text));
    expect(faults).toEqual([]);
    expect(message.serverContent).toEqual({ interrupted: true, modelTurn: { parts: [{ new: null }] } });
    expect(message.toolCall?.functionCalls).toEqual([{ name: 'n', args: { a: null } }]);
  });

  it('with a misshapen call keeps it under its id, as a call of no tool, wherever it stands', () => {
    const text = `{"serverContent":{"turnComplete":true,"modelTurn":{"parts":[{"functionCall":{"id":"a","name":"n","args":"none"}},{"functionCall":null}]}},
      "toolCall":{"functionCalls":[{"id":"b","name":"n","args":[1]},{"id":"c","name":"n"}]}}`;
    const { message, faults } = read(parseServerMessage(text));
    expect(message.serverContent?.modelTurn?.parts?.[0]?.functionCall).toMatchObject({ id: 'a', name: '', args: {} });
    expect(message.serverContent?.modelTurn?.parts?.[1]?.functionCall).toBeUndefined();
    expect(message.toolCall?.functionCalls).toMatchObject([
      { id: 'b', name: '', args: {} },
      { id: 'c', name: 'n', args: {} },
    ]);
    expect(faults.map(({ kind, got }) => [kind, (got as { id: string }).id])).toEqual([
      ['toolCall', 'b'],
      ['serverContent', 'a'],
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

  it('may hold the character that replaces unreadable ones, and begin with a byte order mark', () => {
    const said = read(parseServerMessage(bytes('\uFEFF{"serverContent":{"outputTranscription":{"text":"a\uFFFDb"}}}')));
    expect(said.message.serverContent?.outputTranscription?.text).toBe('a\uFFFDb');
  });

  it('is read from bytes of another realm', () => {
    const view = runInNewContext(`new Uint8Array([${bytes(text).join()}])`) as Uint8Array<ArrayBuffer>;
    expect(view).not.toBeInstanceOf(Uint8Array);
    for (const frame of [view, view.buffer]) expect(read(parseServerMessage(frame)).kinds).toEqual(['toolCall']);
  });

  it('that is a Blob is a value that says how to get bytes', () => {
    const frame = parseServerMessage(new Blob(['{}']) as never);
    expect(frame).toMatchObject({ ok: false, reason: 'not-bytes', detail: expect.stringContaining("binaryType to 'arraybuffer'") });
    for (const odd of [null, 7, {}]) expect(parseServerMessage(odd as never)).toMatchObject({ ok: false, reason: 'not-bytes' });
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
        if (from === 'server') expect(frame).toEqual(readBySchemas(JSON.parse(text) as Record<string, unknown>, text));
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
