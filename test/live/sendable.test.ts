/** What an app sends by its handle, refused where a server would refuse it: at the call, with what was expected and what came. */
import { afterEach, describe, expect, it } from 'vitest';
import { EspalierError } from '../../src/errors.js';
import type { LiveSession } from '../../src/live/handle.js';
import { Platform, readySession } from './platform.js';

const sessions: LiveSession[] = [];
afterEach(() => {
  for (const { ref } of sessions.splice(0)) ref.stop();
});

function world() {
  const platform = new Platform();
  const { session, clock } = readySession(platform);
  sessions.push(session);
  return { platform, session, clock, sent: () => platform.sent.slice(1) };
}

function thrownBy(send: () => unknown): unknown {
  try {
    return send();
  } catch (error) {
    return error;
  }
}

describe('a send by the handle', () => {
  it.each<[string, string, (session: LiveSession) => unknown]>([
    ['content: a clientContent of the protocol', 'clientContent.turns: ', (s) => s.sendClientContent({ turns: 'secret' } as never)],
    ['content: a clientContent of the protocol', 'clientContent.turns.0: ', (s) => s.sendClientContent({ turns: ['secret'] } as never)],
    [
      'content: a clientContent of the protocol',
      'turns.0.parts.0.text: ',
      (s) => s.sendClientContent({ turns: [{ parts: [{ text: 7 }] }] } as never),
    ],
    ['content: a clientContent of the protocol', 'turnComplete: ', (s) => s.sendClientContent({ turnComplete: 'secret' } as never)],
    ['update: a contextUpdate of the protocol', 'systemInstruction: ', (s) => s.sendContextUpdate({ systemInstruction: 'secret' } as never)],
    ['update: a contextUpdate of the protocol', 'contextUpdate.tools: ', (s) => s.sendContextUpdate({ tools: [] } as never)],
    ['input.audio: { data, mimeType }', 'an Uint8Array', (s) => s.sendRealtimeInput({ audio: Buffer.from('secret') } as never)],
    ['input.audio: { data, mimeType }', 'a string', (s) => s.sendRealtimeInput({ audio: 'secret' } as never)],
    ['input.audio.data: base64', 'an Uint8Array', (s) => s.sendRealtimeInput({ audio: { data: Buffer.from('secret') } } as never)],
    ['input.video.data: base64', 'undefined', (s) => s.sendRealtimeInput({ video: { mimeType: 'image/jpeg' } })],
    ['input.audio.mimeType: text', 'a number', (s) => s.sendRealtimeInput({ audio: { data: 'AAAA', mimeType: 7 } } as never)],
    ['input.mediaChunks: a list', 'an Object', (s) => s.sendRealtimeInput({ mediaChunks: { data: 'secret' } } as never)],
    ['input.mediaChunks.data: base64', 'null', (s) => s.sendRealtimeInput({ mediaChunks: [{ data: 'AAAA' }, { data: null }] } as never)],
    ['input.text: text', 'a number', (s) => s.sendRealtimeInput({ text: 7 } as never)],
    ['input.activityStart: an object', 'a boolean', (s) => s.sendRealtimeInput({ activityStart: true } as never)],
    ['input.activityEnd: an object', 'a string', (s) => s.sendRealtimeInput({ activityEnd: 'secret' } as never)],
    ['input.audioStreamEnd: true or false', 'an Object', (s) => s.sendRealtimeInput({ audioStreamEnd: {} } as never)],
  ])('throws for what is no %s (%s)', (expected, got, send) => {
    const { session, sent } = world();
    const error = thrownBy(() => send(session));
    expect(error).toBeInstanceOf(EspalierError);
    const { code, message } = error as EspalierError;
    expect(code).toBe('live/invalid-options');
    expect(message).toContain(expected);
    expect(message.slice(message.indexOf('got: '))).toContain(got);
    expect(message).not.toContain('secret');
    expect(sent()).toEqual([]);
  });

  it.each<[string, (session: LiveSession) => unknown]>([
    ['content', (s) => s.sendClientContent({ turns: [{ role: 'user', parts: [{ text: 'hi' }] }], turnComplete: true })],
    ['the end of a turn alone', (s) => s.sendClientContent({ turnComplete: true })],
    ['content in the spelling of another language', (s) => s.sendClientContent({ turns: [], turn_complete: true })],
    ['content with fields that nobody knows', (s) => s.sendClientContent({ turns: [{ parts: [{ brandNew: 1 }] }] })],
    ['an update', (s) => s.sendContextUpdate({ systemInstruction: { parts: [{ text: 'be brief' }] }, tools: { tools: [] } })],
    ['audio', (s) => s.sendRealtimeInput({ audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } })],
    ['audio without a type', (s) => s.sendRealtimeInput({ audio: { data: 'AAAA' } })],
    ['chunks', (s) => s.sendRealtimeInput({ mediaChunks: [{ data: 'AAAA', mimeType: 'audio/pcm' }] })],
    ['text and signals', (s) => s.sendRealtimeInput({ text: 'hi', activityStart: {}, audioStreamEnd: false })],
    ['what is absent, null or new', (s) => s.sendRealtimeInput({ audio: undefined, video: null, brandNew: 1 } as never)],
  ])('takes %s as it is', (_, send) => {
    const { session, sent } = world();
    expect(send(session)).toEqual({ status: 'sent' });
    expect(sent()).toHaveLength(1);
  });

  it('leaves what is no JSON to its outcome', () => {
    const { session } = world();
    expect(session.sendClientContent({ turns: [{ parts: [{ text: 1n as never }] }] })).toEqual({ status: 'rejected', reason: 'notJson' });
  });
});

describe('an update of the context', () => {
  const update = () => ({ systemInstruction: { parts: [{ text: 'be brief' }] }, tools: { tools: [{ googleSearch: {} }] } });

  it('is in the setup of every socket from then on, as it was when it was sent', () => {
    const { platform, session, clock } = world();
    const given = update();
    session.sendContextUpdate(given);
    given.systemInstruction.parts[0]!.text = 'be long';
    platform.ended(1006);
    clock.advanceBy(10_000);
    platform.setUp();
    const { systemInstruction, tools } = update();
    expect(platform.sent.at(-1)).toMatchObject({ setup: { systemInstruction, tools: tools.tools } });
  });

  it('that was refused is not', () => {
    const { platform, session, clock } = world();
    platform.ended(1006);
    for (let n = 0; n < 64; n++) session.sendText('filler');
    expect(session.sendContextUpdate(update())).toEqual({ status: 'rejected', reason: 'full' });
    clock.advanceBy(10_000);
    platform.opened();
    expect(JSON.stringify(platform.sent.at(-1))).not.toContain('be brief');
  });
});
