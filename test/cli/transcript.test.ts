import { describe, expect, it } from 'vitest';
import { Transcript } from '../../src/cli/stage/transcript.js';
import type { Part, ServerMessage } from '../../src/wire/gemini/live.js';

const modelSays = (...parts: Part[]): ServerMessage => ({ serverContent: { modelTurn: { parts } } });
const told = (...messages: ServerMessage[]) => {
  const transcript = new Transcript();
  return messages.flatMap((message) => transcript.read(message));
};

describe('a transcript', () => {
  it('puts the pieces of a turn together', () => {
    expect(told(modelSays({ text: 'Good ' }), modelSays({ text: 'day', thought: false }), { serverContent: { turnComplete: true } })).toEqual([
      { type: 'said', by: 'model', text: 'Good day' },
      { type: 'turn.ended', interrupted: false },
    ]);
  });

  it('tells what was said before a call, and leaves thoughts out', () => {
    expect(told(modelSays({ text: 'hm', thought: true }, { text: 'Let me see.' }), { toolCall: { functionCalls: [] } })).toEqual([
      { type: 'said', by: 'model', text: 'Let me see.' },
    ]);
  });

  it('tells an interrupted turn from one that came to its end', () => {
    const interrupted = told(
      { serverContent: { interrupted: true } },
      { serverContent: { turnComplete: true } },
      { serverContent: { turnComplete: true } },
    );
    expect(interrupted).toEqual([
      { type: 'turn.ended', interrupted: true },
      { type: 'turn.ended', interrupted: false },
    ]);
  });

  it('has what was heard and what was spoken, and else how much audio', () => {
    const audio = { inlineData: { mimeType: 'audio/pcm', data: 'A'.repeat(4_096) } };
    const end = { serverContent: { generationComplete: true } };
    const heard = { serverContent: { inputTranscription: { text: 'Hello' }, outputTranscription: { text: 'Hi' } } };
    expect(told(modelSays(audio), heard, end, modelSays(audio), end)).toEqual([
      { type: 'said', by: 'user', text: 'Hello' },
      { type: 'said', by: 'model', text: 'Hi' },
      { type: 'said', by: 'model', text: '(audio, 3 kB)' },
    ]);
  });
});
