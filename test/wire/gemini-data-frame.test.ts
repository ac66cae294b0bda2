import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { plainKinds } from '../../src/wire/gemini/data-frame.js';
import { isWireObject } from '../../src/wire/gemini/frame.js';
import { isData, readBySchemas, readServerFrame, type ServerMessage } from '../../src/wire/gemini/live.js';

type Json = Record<string, unknown>;

const audio = { inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA' } };

/** An object with some of these fields. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });
const word = fc.string({ maxLength: 4 });
const flag = fc.boolean();
const count = fc.nat();
const list = (item: fc.Arbitrary<unknown>) => fc.array(item, { maxLength: 2 });
const details = list(some({ modality: word, tokenCount: count }));
const transcript = some({ text: word, finished: flag, languageCode: word });
const call = some({ id: word, name: word, args: some({ a: word }) });
const part = some({ text: word, thought: flag, thoughtSignature: word, inlineData: some({ mimeType: word, data: word }) });

const usageMetadata = some({ promptTokenCount: count, totalTokenCount: count, promptTokensDetails: details, trafficType: word });
const plainContent = {
  modelTurn: some({ role: word, parts: list(part) }),
  turnComplete: flag,
  interrupted: flag,
  generationComplete: flag,
  waitingForInput: flag,
  turnCompleteReason: word,
  interactionStatus: word,
  inputTranscription: transcript,
  outputTranscription: transcript,
  interimInputTranscription: transcript,
};
const otherContent = {
  modelTurn: some({ parts: list(some({ text: word, functionCall: call, executableCode: some({ code: word }) })) }),
  outputTranscription: some({ words: list(some({ word })) }),
  groundingMetadata: some({ webSearchQueries: list(word) }),
};
const messages = fc.oneof(
  { weight: 4, arbitrary: some({ serverContent: some(plainContent), usageMetadata }) },
  { weight: 2, arbitrary: fc.record({ toolCall: fc.record({ functionCalls: list(fc.record({ id: word, name: word, args: some({ a: word }) })) }) }) },
  {
    weight: 1,
    arbitrary: some({ serverContent: some(otherContent), toolCall: some({ functionCalls: list(call) }), goAway: some({ timeLeft: word }) }),
  },
);

/** A message with one place made odd: another value, or one field more. By `Object.fromEntries`, so that `__proto__` becomes a field. */
function damaged(message: unknown, at: number, value: unknown, field: string | null): unknown {
  let place = 0;
  const visit = (inner: unknown): unknown => {
    const isHere = place++ === at;
    if (isHere && field === null) return value;
    if (Array.isArray(inner)) return inner.map(visit);
    if (!isWireObject(inner)) return inner;
    const entries = Object.entries(inner).map(([key, deeper]): [string, unknown] => [key, visit(deeper)]);
    return Object.fromEntries(isHere && field !== null ? [...entries, [field, value]] : entries);
  };
  return visit(message);
}

const oddValue = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, 'x', 7, true, {}, []));
const oddField = fc.constantFrom(null, null, 'new', '__proto__', 'constructor', 'fault');
const damages = fc.array(fc.tuple(fc.nat({ max: 40 }), oddValue, oddField), { maxLength: 2 });

/** Frames of data first of all, and all others too; as text, in which a number may be too large for one. */
const frames = fc
  .tuple(messages, damages)
  .map(([message, all]) => all.reduce((odd: unknown, [at, value, field]) => damaged(odd, at, value, field), message))
  .map((message) => JSON.stringify(message))
  .chain((text) => fc.constantFrom(text, text, text, text.replace(/:\d+(?=[,}])/, ':1e999')));

describe('the fast reader', () => {
  it('reads every frame as the schemas read it', { timeout: 20_000 }, () => {
    let plain = 0;
    let runs = 0;
    fc.assert(
      fc.property(frames, (text) => {
        const object: unknown = JSON.parse(text);
        if (!isWireObject(object)) return;
        const read = [readServerFrame(text), readBySchemas(object, text)];
        // Far quicker than the matcher, which is left to show the difference.
        if (!isDeepStrictEqual(read[0], read[1])) expect(read[0]).toEqual(read[1]);
        runs += 1;
        if (plainKinds(object) !== null) plain += 1;
      }),
      { numRuns: 800, seed: 11 },
    );
    // Both ways were taken, and often.
    expect(plain).toBeGreaterThan(runs / 5);
    expect(plain).toBeLessThan((runs * 4) / 5);
  });

  it.each([
    { serverContent: { modelTurn: { role: 'model', parts: [audio, { text: 'a', thought: true, thoughtSignature: 'AA==' }] } } },
    {
      serverContent: { modelTurn: { parts: [audio] }, newField: 'x' },
      usageMetadata: { totalTokenCount: 3, promptTokensDetails: [{ tokenCount: 1 }] },
    },
    { usageMetadata: { totalTokenCount: 3 } },
    { serverContent: { outputTranscription: { text: 'a', finished: false } } },
    { toolCall: { functionCalls: [{ id: 'a', name: 'tool', args: { deep: { er: [1] } } }] } },
  ])('takes the short way for %j', (message) => {
    expect(plainKinds(message)).not.toBeNull();
  });

  it('takes no short way past the bound of depth', () => {
    const deep = `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`;
    for (const text of [
      `{"serverContent":{"x":${deep}}}`,
      `{"serverContent":{"modelTurn":{"parts":[{"x":${deep}}]}}}`,
      `{"usageMetadata":{"x":${deep}}}`,
      `{"toolCall":{"functionCalls":[{"id":"a","name":"n","args":${deep}}]}}`,
    ]) {
      expect(readServerFrame(text)).toMatchObject({ ok: false, reason: 'too-deep' });
    }
  });

  it('takes calls up to that bound, and none beyond it', () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    for (let levels = 248; levels <= 258; levels++) {
      const text = `{"toolCall":{"functionCalls":[{"id":"a","name":"n","args":${nested(levels)}}]}}`;
      expect(readServerFrame(text), `${levels} levels`).toEqual(readBySchemas(JSON.parse(text) as Json, text));
    }
  });

  it('hands out lists that nobody can change for the next frame', () => {
    const read = readServerFrame(JSON.stringify({ usageMetadata: {} }));
    if (!read.ok) throw new Error(read.detail);
    for (const shared of [read.kinds, read.unknown, read.faults]) expect(() => (shared as unknown[]).push('x')).toThrow(TypeError);
  });
});

describe('a message is data', () => {
  it.each<[string, Json]>([
    ['audio', { serverContent: { modelTurn: { parts: [audio] } } }],
    ['text with its cost', { serverContent: { modelTurn: { parts: [{ text: 'a' }] } }, usageMetadata: { totalTokenCount: 1 } }],
    ['transcripts and sources', { serverContent: { inputTranscription: { text: 'a' }, outputTranscription: {}, groundingMetadata: {} } }],
    ['a cost alone', { usageMetadata: {} }],
    ['fields that are no kind', { future: { a: 1 } }],
    ['flags that are not set', { serverContent: { turnComplete: false, interrupted: false, interactionStatus: '' } }],
    ['nothing', {}],
    ['kinds that are null', { toolCall: null, serverContent: null }],
  ])('when it holds %s', (_, message) => {
    expect(isData(message as ServerMessage)).toBe(true);
  });

  const data = { serverContent: { modelTurn: { parts: [audio] } }, usageMetadata: {} };
  it.each<[string, Json]>([
    ['turnComplete', { turnComplete: true }],
    ['interrupted', { interrupted: true }],
    ['generationComplete', { generationComplete: true }],
    ['waitingForInput', { waitingForInput: true }],
    ['interactionStatus', { interactionStatus: 'IDLE' }],
    ['turnCompleteReason', { turnCompleteReason: 'NEED_MORE_INPUT' }],
    ['a call among its parts', { modelTurn: { parts: [audio, { functionCall: { name: 'n', args: {} } }] } }],
  ])('but not with %s', (_, content) => {
    expect(isData({ ...data, serverContent: { ...data.serverContent, ...content } })).toBe(false);
  });

  it.each([
    'setupComplete',
    'toolCall',
    'toolCallCancellation',
    'goAway',
    'sessionResumptionUpdate',
    'voiceActivity',
    'voiceActivityDetectionSignal',
  ])('but not with %s beside it', (kind) => {
    expect(isData({ ...data, [kind]: {} })).toBe(false);
  });
});
