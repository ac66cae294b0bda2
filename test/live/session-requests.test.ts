/** A turn that the app has sent past the chart is not lost with the socket: the session does not leave it with a handle that is older than the turn. */
import { afterEach, expect, it } from 'vitest';
import type { LiveSession } from '../../src/live/handle.js';
import { Platform, readySession, text } from './platform.js';

const sessions: LiveSession[] = [];
afterEach(() => {
  for (const { ref } of sessions.splice(0)) ref.stop();
});

/** One that is ready, has a handle, and is told that its socket will end after the app has done something. */
function goingAway(act: (session: LiveSession) => void): { readonly platform: Platform; readonly session: LiveSession } {
  const platform = new Platform();
  const { session } = readySession(platform);
  sessions.push(session);
  platform.say({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
  act(session);
  platform.say({ goAway: { timeLeft: '50s' } });
  return { platform, session };
}

it.each<[string, (session: LiveSession) => void]>([
  ['a turn', (session) => session.sendText('how is the weather?')],
  ['a word of its user, as text', (session) => session.sendRealtimeInput({ text: 'hello' })],
  ['audio, which may be half a question', (session) => session.sendRealtimeInput({ audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } })],
  ['the end of what its user said', (session) => session.sendRealtimeInput({ activityEnd: {} })],
  ['a new instruction', (session) => session.sendContextUpdate({ systemInstruction: { parts: [{ text: 'be brief' }] } })],
])('after %s the socket is left only with a handle that knows of it', (_, act) => {
  const { platform } = goingAway(act);
  expect(platform.asked).toEqual([]);
  platform.say(text('sunny'), { serverContent: { turnComplete: true } });
  expect(platform.asked).toEqual([]);
  platform.say({ sessionResumptionUpdate: { newHandle: 'h2', resumable: true } });
  expect(platform.asked).toEqual(['close']);
});

it.each<[string, (session: LiveSession) => void]>([
  ['nothing', () => undefined],
  ['what was refused', (session) => session.sendClientContent({ turns: [{ parts: [{ text: 1n as never }] }] })],
])('after %s it is left at once', (_, act) => {
  expect(goingAway(act).platform.asked).toEqual(['close']);
});
