/** A recorded session, taken apart: what the client says, what the server does, how its calls are answered. */
import type { ToolContext } from '../../src/live/tools.js';
import { describe, expect, it } from 'vitest';
import { RecordedAnswers, restOfSetup } from '../../src/cli/plays/recorded-answers.js';
import { readTalk } from '../../src/cli/plays/recorded-log.js';

const frame = (from: 'client' | 'server', message: unknown) => ({ from, text: typeof message === 'string' ? message : JSON.stringify(message) });
const setup = frame('client', { setup: { model: 'models/m' } });
const accepted = frame('server', { setupComplete: {} });
const call = (...calls: object[]) => frame('server', { toolCall: { functionCalls: calls } });
const answer = (...functionResponses: object[]) => frame('client', { toolResponse: { functionResponses } });
const signal = new AbortController().signal;

describe('a recorded session', () => {
  it('is a setup, what the client says, and frames that it waits for', () => {
    const turn = { clientContent: { turns: [{ parts: [{ text: 'Hi' }] }], turnComplete: true } };
    const talk = readTalk({ frames: [setup, accepted, frame('client', turn), frame('server', 'no JSON')] });
    expect(talk.setup).toEqual({ model: 'models/m' });
    expect(talk.steps).toEqual([{ await: 'frame' }, { speak: turn }, { await: 'frame' }]);
    expect(talk.toolNames).toEqual([]);
  });

  it('has its calls answered by id, or where the server gives none by name', () => {
    const frames = [
      setup,
      call({ id: '1', name: 'a' }, { name: 'b' }),
      answer({ id: '1', name: 'a', response: {} }),
      answer({ name: 'b', response: {} }),
    ];
    const talk = readTalk({ frames });
    expect(talk).toMatchObject({ addedCalls: 0, toolNames: ['a', 'b'] });
    expect(talk.recording.frames).toEqual(frames);
  });

  it('gets the calls that it answers but does not contain', () => {
    const answered = answer({ id: '9', name: 'mood', response: { mood: 'happy' } });
    const talk = readTalk({ frames: [setup, accepted, answered] });
    expect(talk.addedCalls).toBe(1);
    expect(talk.recording.frames).toEqual([setup, accepted, call({ id: '9', name: 'mood', args: {} }), answered]);
    expect(talk.steps).toHaveLength(3);
  });

  it.each([
    ['nothing', []],
    ['no setup', [accepted]],
    ['a setup too late', [frame('client', { clientContent: {} }), setup]],
    ['a second setup', [setup, setup]],
    ['a client frame that is none', [setup, frame('client', '???')]],
    ['a client message of a wrong shape', [setup, frame('client', { toolResponse: { functionResponses: [{ response: 'text' }] } })]],
  ])('with %s is refused', (_, frames) => {
    expect(() => readTalk({ frames })).toThrow(expect.objectContaining({ code: 'gemini-server/invalid-recording' }));
  });
});

describe('the tools of a recorded session', () => {
  const context = { id: '1', signal } as ToolContext;

  it('answer as the log does, once the log has come to it', async () => {
    const happy = { id: '1', name: 'mood', response: { mood: 'happy' } };
    const answers = new RecordedAnswers([happy]);
    const { mood } = answers.tools(['mood'], { model: 'm' });
    const running = mood?.execute?.({}, context);
    expect(answers.release([happy])).toEqual(['1']);
    expect(await running).toEqual({ mood: 'happy' });
  });

  it('say so where the log has no answer', async () => {
    const { mood } = new RecordedAnswers([]).tools(['mood'], { model: 'm' });
    expect(await mood?.execute?.({}, context)).toEqual({ output: null, note: 'the log has no answer to this call' });
  });

  it('are described as the setup describes them, and not declared twice; its parameters are in a dialect that is Gemini’s own', () => {
    const declared = { name: 'mood', description: 'How are you?', parameters: { type: 'OBJECT' } };
    const recorded = {
      model: 'm',
      tools: [{ functionDeclarations: [declared, { name: 'other' }] }, { googleSearch: {} }],
      outputAudioTranscription: {},
    };
    expect(new RecordedAnswers([]).tools(['mood', 'not a name'], recorded)).toEqual({
      mood: { description: 'How are you?', execute: expect.any(Function) },
    });
    expect(restOfSetup(recorded, ['mood'])).toMatchObject({
      tools: [{ functionDeclarations: [{ name: 'other' }] }, { googleSearch: {} }],
      outputAudioTranscription: {},
    });
    expect(restOfSetup({ model: 'm', tools: [{ functionDeclarations: [declared] }] }, ['mood'])).not.toHaveProperty('tools');
  });
});
