/** What is still said, and still to be written, in the very step in which a socket is about to be left. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { longestDelayMs } from '../../machines/backoff.js';
import { rotationDelay } from '../../machines/live/session-state.js';
import { liveSessionHandle } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Platform } from './platform.js';
import { leaveNothing, sessionWorld } from './session-world.js';

const goAway = { goAway: { timeLeft: '50s' } };
const handle = (newHandle: string) => ({ sessionResumptionUpdate: { newHandle, resumable: true } });
const speech = { voiceActivity: { voiceActivityType: 'ACTIVITY_START' } };
const half = { turns: [{ role: 'user', parts: [{ text: 'the first half' }] }], turnComplete: false };

describe('a socket that is announced to end', () => {
  it('later than a timer can wait, is left as late as one can, and not at once', () => {
    expect(rotationDelay({ goAway: { timeLeftMs: 1e12 }, rotationMarginMs: 5_000 } as never)).toBe(longestDelayMs);
    expect(rotationDelay({ goAway: { timeLeftMs: 50_000 }, rotationMarginMs: 5_000 } as never)).toBe(45_000);
  });
});

describe('a socket that could be left', () => {
  afterEach(leaveNothing);

  it.each([
    ['the user begins to speak', speech, 'userSpeaking'],
    ['the turn is interrupted before a word', { serverContent: { interrupted: true } }, 'interrupted'],
  ])('is not, where %s in the same message', (_, message, state) => {
    const w = sessionWorld({ ready: true });
    w.message(goAway);
    w.message({ ...message, ...handle('h1') });
    expect(w.state()).toBe(`ready.${state}`);
    w.message(state === 'interrupted' ? { serverContent: { turnComplete: true } } : { voiceActivity: { voiceActivityType: 'ACTIVITY_END' } });
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });
});

describe('what waits in the uplink of a socket that could be left', () => {
  const clocks: VirtualClock[] = [];
  afterEach(() => {
    for (const clock of clocks.splice(0)) expect(clock.pending(), 'timers left').toBe(0);
  });

  /** A session over its first socket, with a call that blocks. */
  function talking(options: Partial<LiveSessionOptions> = {}) {
    const platform = new Platform();
    const clock = new VirtualClock();
    clocks.push(clock);
    const tools = { weather: { description: 'The weather', execute: () => new Promise(() => undefined) } };
    const ref = createActor(liveSession({ model: 'gemini-live', openSocket: platform.openSocket, tools, ...options }), { clock }).start();
    platform.opened();
    platform.say({ setupComplete: {} }, { toolCall: { functionCalls: [{ id: 'a', name: 'weather', args: {} }] } });
    return { ref, platform, session: liveSessionHandle(ref), closes: () => platform.asked.filter((what) => what === 'close').length };
  }

  it('is written, and the socket left once a handle stands for it', () => {
    const { ref, platform, session, closes } = talking();
    platform.say(goAway);
    // Behind the start of speech, which waits for the microphone.
    expect([session.sendRealtimeInput({ activityStart: {} }).status, session.sendClientContent(half).status]).toEqual(['queued', 'queued']);
    platform.say(handle('h1'), { toolCallCancellation: { ids: ['a'] } });
    expect(platform.sent.at(-1)).toEqual({ clientContent: half });
    expect(closes(), 'sockets left before a handle stands for it').toBe(0);
    session.sendRealtimeInput({ activityEnd: {} });
    platform.say({ serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }, handle('h2'));
    expect(closes()).toBe(1);
    ref.stop();
  });

  it.each([
    ['resumed', { resumption: true }, handle('h1')],
    ['begun afresh', { resumption: false }, {}],
  ])('goes over the next one, where a subscriber gives it in that very step; the conversation is %s', (_, options, more) => {
    const { ref, platform, session, closes } = talking(options);
    platform.say({ toolCallCancellation: { ids: ['a'] } }, { serverContent: { turnComplete: true } }, { serverContent: { modelTurn: {} } });
    const outcomes: string[] = [];
    const seen = ref.subscribe(({ value }) => {
      if (outcomes.length === 0 && JSON.stringify(value).includes('leaving')) outcomes.push(session.sendText('the next prompt').status);
    });
    platform.say({ serverContent: { turnComplete: true }, ...goAway, ...more });
    seen.unsubscribe();
    expect([outcomes, closes()]).toEqual([['queued'], 1]);
    platform.sent.length = 0;
    platform.ended(1000);
    platform.setUp();
    expect(JSON.stringify(platform.sent.slice(1))).toContain('the next prompt');
    ref.stop();
  });

  it.each([
    ['resumed', { resumption: true }, [handle('h1')]],
    ['begun afresh', { resumption: false }, []],
  ])('holds it, where a slow socket takes the end of what the user says only then; the next would be %s', (_, options, more) => {
    const { ref, platform, session, closes } = talking(options);
    platform.say({ toolCallCancellation: { ids: ['a'] } }, { serverContent: { turnComplete: true } });
    expect(session.sendText('hello').status).toBe('sent');
    expect(session.sendRealtimeInput({ activityStart: {} }).status).toBe('sent');
    platform.stall();
    session.sendRealtimeInput({ audio: { data: 'A'.repeat(2_000_000), mimeType: 'audio/pcm' } });
    expect(session.sendRealtimeInput({ activityEnd: {} }).status).toBe('queued');
    platform.say({ serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }, goAway, ...more);
    platform.flow();
    expect(platform.sent.at(-1)).toEqual({ realtimeInput: { activityEnd: {} } });
    expect(closes(), 'sockets left before the question is answered').toBe(0);
    platform.say({ serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }, ...(more.length > 0 ? [handle('h2')] : []));
    expect(closes()).toBe(1);
    ref.stop();
  });

  it('is told to be dropped, where the session is closed in that very step', () => {
    const { ref, platform, session } = talking({ resumption: false });
    platform.say({ toolCallCancellation: { ids: ['a'] } }, { serverContent: { modelTurn: {} } });
    const dropped: object[] = [];
    ref.on('session.dropped', ({ lane, count, reason }) => dropped.push({ lane, count, reason }));
    const seen = ref.subscribe(({ value }) => {
      if (!JSON.stringify(value).includes('leaving')) return;
      seen.unsubscribe();
      session.sendText('farewell');
      ref.send({ type: 'session.close' });
    });
    platform.say({ serverContent: { turnComplete: true }, ...goAway });
    platform.ended(1000);
    expect(dropped).toEqual([{ lane: 'content', count: 1, reason: 'ended' }]);
    ref.stop();
  });

  it('is written where the next socket is announced to end before it is ready, too', () => {
    const { ref, platform, session, closes } = talking();
    platform.say({ toolCallCancellation: { ids: ['a'] } }, handle('h1'));
    let delay = 0;
    ref.on('session.reconnecting', ({ delayMs }) => {
      delay = delayMs;
    });
    platform.ended(1006);
    expect(session.sendClientContent(half).status).toBe('queued');
    clocks[0]?.advanceBy(delay);
    platform.asked.length = 0;
    platform.opened();
    platform.say(handle('h2'), goAway, { setupComplete: {} });
    expect(platform.sent.at(-1)).toEqual({ clientContent: half });
    expect(closes()).toBe(0);
    platform.say(handle('h3'));
    expect(closes()).toBe(1);
    ref.stop();
  });
});
