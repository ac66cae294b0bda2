import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../machines/live/calls.js';
import { eventsOf, eventsOfFact } from '../../src/live/events.js';
import { readRecording } from '../../src/testing/gemini-server/recording.js';
import { readServerFrame } from '../../src/wire/gemini/live.js';

const turn = (...parts: unknown[]): JsonObject => ({ serverContent: { modelTurn: { role: 'model', parts } } });

describe('the events of a message', () => {
  it.each<[string, JsonObject, unknown[]]>([
    [
      'audio',
      turn({ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAA=' } }),
      [{ type: 'audio', data: 'AAA=', mimeType: 'audio/pcm;rate=24000' }],
    ],
    ['other media', turn({ inlineData: { mimeType: 'image/png', data: 'iVBO' } }), [{ type: 'media', data: 'iVBO', mimeType: 'image/png' }]],
    ['media of no type', turn({ inlineData: { data: 'AAA=' } }), [{ type: 'media', data: 'AAA=', mimeType: '' }]],
    ['text', turn({ text: 'Hello' }), [{ type: 'text', text: 'Hello', thought: false }]],
    ['a thought', turn({ text: 'Hm', thought: true }), [{ type: 'text', text: 'Hm', thought: true }]],
    ['a call in a turn', turn({ functionCall: { id: 'c', name: 'f', args: {} } }), [{ type: 'toolCall', calls: [{ id: 'c', name: 'f', args: {} }] }]],
    ['code', turn({ executableCode: { code: '1+1' } }), [{ type: 'part', part: { executableCode: { code: '1+1' } } }]],
    [
      'what was heard',
      { serverContent: { inputTranscription: { text: 'hi', finished: true, languageCode: 'en' } } },
      [{ type: 'transcription', of: 'input', text: 'hi', finished: true, languageCode: 'en' }],
    ],
    ['what was said', { serverContent: { outputTranscription: { text: 'ho' } } }, [{ type: 'transcription', of: 'output', text: 'ho' }]],
    [
      'what was heard for now',
      { serverContent: { interimInputTranscription: { finished: false } } },
      [{ type: 'transcription', of: 'interimInput', text: '', finished: false }],
    ],
    ['an interruption', { serverContent: { interrupted: true } }, [{ type: 'interrupted' }]],
    ['the end of generation', { serverContent: { generationComplete: true } }, [{ type: 'generationComplete' }]],
    ['the end of a turn', { serverContent: { turnComplete: true } }, [{ type: 'turnComplete' }]],
    [
      'its reason',
      { serverContent: { turnCompleteReason: 'NEED_MORE_INPUT', turnComplete: true } },
      [{ type: 'turnComplete', reason: 'NEED_MORE_INPUT' }],
    ],
    ['a wait for input', { serverContent: { waitingForInput: true } }, [{ type: 'waitingForInput' }]],
    ['a status', { serverContent: { interactionStatus: 'IDLE' } }, [{ type: 'interactionStatus', status: 'IDLE' }]],
    [
      'sources',
      { serverContent: { groundingMetadata: { webSearchQueries: ['q'] }, urlContextMetadata: { urlMetadata: [] } } },
      [
        { type: 'grounding', grounding: { webSearchQueries: ['q'] } },
        { type: 'urlContext', urlContext: { urlMetadata: [] } },
      ],
    ],
    ['tokens', { usageMetadata: { totalTokenCount: 7 } }, [{ type: 'usage', totalTokenCount: 7 }]],
    [
      'speech that begins',
      { voiceActivity: { voiceActivityType: 'ACTIVITY_START', audioOffset: '1.5s' } },
      [{ type: 'voiceActivity', phase: 'start', signal: 'ACTIVITY_START', audioOffset: '1.5s' }],
    ],
    [
      'speech that ends, in the older word',
      { voiceActivityDetectionSignal: { vadSignalType: 'VAD_SIGNAL_TYPE_EOS' } },
      [{ type: 'voiceActivity', phase: 'end', signal: 'VAD_SIGNAL_TYPE_EOS' }],
    ],
    ['a goAway', { goAway: { timeLeft: '50s' } }, [{ type: 'goAway', timeLeft: '50s', timeLeftMs: 50_000 }]],
    ['a goAway that does not say when', { goAway: {} }, [{ type: 'goAway', timeLeftMs: null }]],
    [
      'calls',
      {
        toolCall: {
          functionCalls: [
            { id: 'a', name: 'f', args: { x: 1 } },
            { name: 'g', args: {} },
          ],
        },
      },
      [
        {
          type: 'toolCall',
          calls: [
            { id: 'a', name: 'f', args: { x: 1 } },
            { name: 'g', args: {} },
          ],
        },
      ],
    ],
    ['a cancellation', { toolCallCancellation: { ids: ['a'] } }, [{ type: 'toolCallCancellation', ids: ['a'] }]],
    ['a handle', { sessionResumptionUpdate: { newHandle: 'h', resumable: true } }, [{ type: 'resumption', handle: 'h', resumable: true }]],
    ['no handle', { sessionResumptionUpdate: { newHandle: '' } }, [{ type: 'resumption', handle: null, resumable: false }]],
    ['an accepted setup', { setupComplete: { sessionId: 's' } }, [{ type: 'setupComplete', sessionId: 's' }]],
    ['an unknown kind', { brandNew: { a: 1 } }, [{ type: 'other', message: { brandNew: { a: 1 } } }]],
    ['nothing', {}, [{ type: 'other', message: {} }]],
    ['flags that are not set', { serverContent: { interrupted: false } }, [{ type: 'other', message: { serverContent: { interrupted: false } } }]],
  ])('tell %s', (_, message, events) => {
    expect(eventsOf(message)).toEqual(events);
  });

  it('end with what ends the turn, whatever the order of the message', () => {
    const message = {
      serverContent: {
        turnComplete: true,
        interrupted: true,
        modelTurn: { parts: [{ text: 'a' }, { text: 'b' }] },
        inputTranscription: { text: 'i' },
      },
      brandNew: 1,
      usageMetadata: { totalTokenCount: 1 },
      toolCall: { functionCalls: [] },
      setupComplete: {},
    };
    expect(eventsOf(message).map(({ type }) => type)).toEqual([
      'setupComplete',
      'transcription',
      'text',
      'text',
      'toolCall',
      'usage',
      'other',
      'interrupted',
      'turnComplete',
    ]);
  });

  it('keep what is unknown in its place, beside what is known', () => {
    const part = { text: 'x', thoughtSignature: 'c2ln' };
    expect(eventsOf({ serverContent: { modelTurn: { parts: [part], mood: 'good' }, novelty: 2 }, brandNew: null, alsoNew: 3 })).toEqual([
      { type: 'text', text: 'x', thought: false },
      { type: 'part', part },
      { type: 'other', message: { serverContent: { modelTurn: { mood: 'good' }, novelty: 2 }, alsoNew: 3 } },
    ]);
    const blob = { mimeType: 'audio/pcm', data: 'AAA=', displayName: 'greeting' };
    expect(eventsOf(turn({ inlineData: blob }))).toEqual([
      { type: 'audio', data: 'AAA=', mimeType: 'audio/pcm' },
      { type: 'part', part: { inlineData: blob } },
    ]);
  });

  it('have those of the session beside them: a message is taken apart, any other fact stays what it is', () => {
    expect(eventsOfFact({ type: 'session.message', message: { serverContent: { interrupted: true } } })).toEqual([{ type: 'interrupted' }]);
    const fact = { type: 'tool.cancelled', id: 'a', name: 'f' } as const;
    expect(eventsOfFact(fact)).toEqual([fact]);
  });
});

/** Every text and number in a value, keys left out. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

/** What of a message none of its events says; the role of a turn and a duration that was read are not to be missed. */
function missing(message: JsonObject): string[] {
  const said = new Map<string, number>();
  for (const leaf of leavesOf(eventsOf(message))) said.set(leaf, (said.get(leaf) ?? 0) + 1);
  return leavesOf(message).filter((leaf) => leaf !== 'model' && leaf !== '' && !said.has(leaf));
}

describe('nothing of a message is dropped', () => {
  const known = [
    'setupComplete',
    'serverContent',
    'toolCall',
    'toolCallCancellation',
    'goAway',
    'usageMetadata',
    'sessionResumptionUpdate',
    'voiceActivity',
  ];
  const inner = [
    'modelTurn',
    'parts',
    'inlineData',
    'data',
    'mimeType',
    'text',
    'thought',
    'functionCall',
    'functionCalls',
    'ids',
    'inputTranscription',
  ];
  const flags = [
    'interrupted',
    'turnComplete',
    'turnCompleteReason',
    'waitingForInput',
    'groundingMetadata',
    'newHandle',
    'resumable',
    'timeLeft',
    'new',
  ];
  let count = 0;
  const leaf = fc.oneof(
    fc.constant(null).map(() => `leaf-${count++}`),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...known, ...inner, ...flags), tie('value'), { maxKeys: 4 }),
    ),
  }));
  const message = fc.dictionary(fc.constantFrom(...known, 'brandNew'), value, { maxKeys: 4 });

  it('of whatever shape: each of its texts is in an event, and there is at least one', () => {
    fc.assert(
      fc.property(message, (made) => {
        expect(eventsOf(made as JsonObject).length).toBeGreaterThan(0);
        expect(missing(made as JsonObject)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  const own = join(import.meta.dirname, '../fixtures');
  const shared = process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus');
  const recordings = [own, shared]
    .flatMap((root) => ['live-logs', 'live-cassettes', 'live-chunks'].map((folder) => join(root, folder)))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /\.(?:log|yaml|json|jsonl|txt)$/.test(path));

  it.each(recordings.map((path) => [path.split('/').slice(-2).join('/'), path]))('of the recording %s', (_, path) => {
    const frames = readRecording(readFileSync(path)).frames.filter(({ from }) => from === 'server');
    const messages = frames.map((frame) => readServerFrame(frame.text)).flatMap((read) => (read.ok ? [read.message as JsonObject] : []));
    const events = messages.flatMap(eventsOf);
    expect(events.length).toBeGreaterThanOrEqual(Math.max(messages.length, 1));
    expect(messages.flatMap(missing)).toEqual([]);
    // What a real server has ever said has events of its own; our fixtures say new things on purpose.
    const unknown = events.filter((event) => event.type === 'other').map((event) => event.message);
    if (path.startsWith(shared)) expect(leavesOf(unknown)).toEqual([]);
  });
});
