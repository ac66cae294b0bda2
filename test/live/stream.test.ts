import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { EspalierError } from '../../src/errors.js';
import type { LiveEvent } from '../../src/live/events.js';
import { liveSessionHandle } from '../../src/live/handle.js';
import { pauseIntake } from '../../src/live/intake.js';
import { LiveError } from '../../src/live/live-error.js';
import { liveSession } from '../../src/live/session.js';
import { keepBeginning, liveEvents, type LiveEventsOptions, overflow } from '../../src/live/stream.js';
import { audio, Platform, readySession, text } from './platform.js';

function streaming(options: LiveEventsOptions = {}, platform = new Platform()) {
  const { session, clock } = readySession(platform);
  const events = liveEvents(session, options)[Symbol.asyncIterator]();
  return { platform, session, clock, events };
}

/** The next events, as short words. */
async function read(events: AsyncIterator<LiveEvent>, count: number): Promise<string[]> {
  const words: string[] = [];
  while (words.length < count) {
    const { value, done } = await events.next();
    words.push(done === true ? 'done' : wordOf(value));
  }
  return words;
}

function wordOf(event: LiveEvent): string {
  if (event.type === 'text') return event.text;
  if (event.type === 'audio') return event.data;
  if (event.type === 'stream.dropped') return `dropped ${event.audioCount}+${event.otherCount}`;
  return event.type;
}

const numbered = (count: number, make = text) => Array.from({ length: count }, (_, index) => make(String(index)));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index));

async function failureOf(promise: Promise<unknown>): Promise<LiveError> {
  const error = await promise.then(
    () => 'nothing',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LiveError);
  return error as LiveError;
}

describe('the events of a session', () => {
  it('come in the order of the wire, to those who waited and those who come later, facts of the session among them', async () => {
    const { platform, events } = streaming();
    const first = events.next();
    const second = events.next();
    platform.say(
      text('a'),
      { serverContent: { generationComplete: true, turnComplete: true } },
      { toolCall: { functionCalls: [{ id: 'c', name: 'f', args: {} }] } },
    );
    expect([await first, await second].map(({ value }) => wordOf(value as LiveEvent))).toEqual(['a', 'generationComplete']);
    // There is no such tool, which it is told.
    expect(await read(events, 5)).toEqual(['turnComplete', 'toolCall', 'tool.called', 'session.gated', 'tool.answered']);
  });

  it('are the session’s own to give', async () => {
    const { session, platform } = streaming();
    const events = session.events({ maxBuffered: 1 })[Symbol.asyncIterator]();
    platform.say(text('a'));
    expect([platform.isPaused, await read(events, 1)]).toEqual([true, ['a']]);
  });

  it('begin with the loop', async () => {
    const { session, platform } = streaming();
    const events = liveEvents(session);
    platform.say(text('before'));
    const iterator = events[Symbol.asyncIterator]();
    platform.say(text('after'));
    expect(await read(iterator, 1)).toEqual(['after']);
  });

  it('are all there in each of two iterations, however fast the other reads', async () => {
    const { session, events: one, platform } = streaming();
    const two = liveEvents(session)[Symbol.asyncIterator]();
    platform.say(...numbered(3));
    expect(await read(one, 3)).toEqual(['0', '1', '2']);
    await one.return?.();
    platform.say(text('3'));
    expect(await read(two, 4)).toEqual(['0', '1', '2', '3']);
    expect(await read(one, 1)).toEqual(['done']);
  });

  it.each<[string, object]>([
    ['a misspelt option', { maxBufferd: 3 }],
    ['a bound below 1', { maxBuffered: 0 }],
    ['a bound that is no whole number', { maxBuffered: 1.5 }],
    ['a signal that is none', { signal: {} }],
  ])('are refused for %s', (_, options) => {
    const { session } = readySession(new Platform());
    expect(() => liveEvents(session, options as LiveEventsOptions)).toThrow(
      expect.objectContaining({ code: 'live/invalid-options' }) as EspalierError,
    );
  });
});

describe('a reader that falls behind', () => {
  it('has the socket paused at the bound, and read again at half of it', async () => {
    const { platform, events } = streaming({ maxBuffered: 4 });
    platform.say(...numbered(3));
    expect(platform.asked).toEqual([]);
    platform.say(text('3'));
    expect(platform.asked).toEqual(['pause']);
    expect(await read(events, 1)).toEqual(['0']);
    expect(platform.isPaused).toBe(true);
    expect(await read(events, 1)).toEqual(['1']);
    expect(platform.asked).toEqual(['pause', 'resume']);
    expect(await read(events, 2)).toEqual(['2', '3']);
  });

  it('loses nothing of what a paused socket still tells', async () => {
    const { platform, events } = streaming({ maxBuffered: 2 });
    platform.say(...numbered(200));
    expect(await read(events, 200)).toEqual(numbers(0, 200));
    expect(platform.asked).toEqual(['pause', 'resume']);
  });

  it('keeps the socket paused for as long as any reader is behind', async () => {
    const { session, platform, events: slow } = streaming({ maxBuffered: 2 });
    const fast = liveEvents(session, { maxBuffered: 2 })[Symbol.asyncIterator]();
    platform.say(...numbered(2));
    expect(await read(fast, 2)).toEqual(['0', '1']);
    expect(platform.isPaused).toBe(true);
    await slow.return?.();
    expect(platform.isPaused).toBe(false);
  });

  it('over a socket that cannot be paused loses the oldest audio first, and is told how much', async () => {
    const maxBuffered = 100;
    const { platform, events } = streaming({ maxBuffered }, new Platform({ canPause: false }));
    platform.say(text('first'), ...numbered(maxBuffered * overflow, audio), text('last'));
    expect(await read(events, 4)).toEqual(['dropped 2+0', 'first', '2', '3']);
    expect((await read(events, maxBuffered * overflow - 3)).at(-1)).toBe('last');
    platform.say(text('goes on'));
    expect(await read(events, 1)).toEqual(['goes on']);
  });

  it('over such a socket loses the oldest of all where there is no audio; at least 256 wait', async () => {
    const { platform, events } = streaming({ maxBuffered: 1 }, new Platform({ canPause: false }));
    platform.say(...numbered(256 + 5));
    expect(await read(events, 3)).toEqual(['dropped 0+5', '5', '6']);
  });

  it('does not keep its session from closing', async () => {
    const { platform, session, events } = streaming({ maxBuffered: 1 });
    platform.say(text('unread'));
    const ended = session.close();
    expect(platform.asked).toEqual(['pause', 'close']);
    platform.ended(1000);
    expect(await ended).toMatchObject({ ok: true });
    expect(await read(events, 3)).toEqual(['unread', 'session.closed', 'done']);
  });

  it('has a new socket paused too, once that is set up', async () => {
    const { platform, events, clock } = streaming({ maxBuffered: 2 });
    platform.say(...numbered(2));
    platform.ended(1011, 'Internal error');
    clock.advanceBy(10_000);
    platform.opened();
    expect(platform.asked.slice(1).filter((word) => word === 'pause')).toEqual([]);
    platform.say({ setupComplete: {} });
    expect(platform.asked.at(-1)).toBe('pause');
    await events.return?.();
    expect(platform.asked.at(-1)).toBe('resume');
  });
});

describe('an iteration', () => {
  it('ends after the last event of a session that is closed', async () => {
    const { platform, session, events } = streaming();
    platform.say(text('a'));
    void session.close();
    platform.ended(1000);
    expect(await read(events, 4)).toEqual(['a', 'session.closed', 'done', 'done']);
  });

  it('throws after the last event of a session that failed, once, with what is known of it', async () => {
    const { platform, events } = streaming();
    platform.say(text('a'));
    platform.ended(1008, 'policy');
    expect(await read(events, 2)).toEqual(['a', 'session.failed']);
    const error = await failureOf(events.next());
    expect(error).toMatchObject({ code: 'live/events-ended', details: { kind: 'connectionLost', code: 1008, reason: 'policy' } });
    expect(error.message).toBe('live/events-ended: expected a session that goes on, or is closed in order, got: "connectionLost, 1008, policy"');
    expect(await read(events, 1)).toEqual(['done']);
  });

  it('throws to the first who waits when the session is stopped from outside, and ends for the others', async () => {
    const { session, events } = streaming();
    const waiting = [events.next(), events.next()] as const;
    session.ref.stop();
    expect((await failureOf(waiting[0])).details).toMatchObject({ kind: 'stopped' });
    expect(await waiting[1]).toEqual({ done: true, value: undefined });
  });

  it('over a session that has ended already says how', async () => {
    const { platform, session } = streaming();
    void session.close();
    platform.ended(1000);
    expect(await read(liveEvents(session)[Symbol.asyncIterator](), 1)).toEqual(['done']);
    const failed = streaming();
    failed.platform.ended(1007, 'bad');
    const late = liveEvents(failed.session)[Symbol.asyncIterator]();
    expect((await failureOf(late.next())).details).toMatchObject({ code: 1007 });
    const stopped = streaming();
    stopped.session.ref.stop();
    const later = liveEvents(stopped.session)[Symbol.asyncIterator]();
    expect((await failureOf(later.next())).details).toMatchObject({ kind: 'stopped' });
  });

  it('goes on over a new socket', async () => {
    const { platform, events, clock } = streaming();
    platform.ended(1011, 'Internal error');
    clock.advanceBy(10_000);
    platform.setUp();
    platform.say(text('again'));
    expect(await read(events, 5)).toEqual(['session.reconnecting', 'setupComplete', 'session.ready', 'session.contextLost', 'again']);
  });

  it('that is left lets go of everything: its pause, its listeners, its backlog', async () => {
    const { platform, session } = streaming();
    const { ref } = session;
    const observers = () => (ref as unknown as { observers: Set<unknown> }).observers.size;
    const listeners = () => [...(ref as unknown as { eventListeners: Map<string, Set<unknown>> }).eventListeners.values()].map((set) => set.size);
    const before = [observers(), listeners()];
    const reading = (async () => {
      for await (const event of liveEvents(session, { maxBuffered: 1 })) {
        platform.say(text('unread'));
        expect([wordOf(event), platform.isPaused]).toEqual(['a', true]);
        break;
      }
    })();
    expect([observers(), listeners()]).not.toEqual(before);
    platform.say(text('a'));
    await reading;
    expect(platform.isPaused).toBe(false);
    expect([observers(), listeners()]).toEqual(before);
  });

  it('is aborted by its signal, at once and for good: what waits is not read', async () => {
    const controller = new AbortController();
    const { platform, events } = streaming({ signal: controller.signal, maxBuffered: 2 });
    platform.say(...numbered(2));
    expect(await read(events, 1)).toEqual(['0']);
    platform.say(text('2'));
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await failureOf(events.next());
    expect(error).toMatchObject({ code: 'live/events-ended', details: { kind: 'aborted' } });
    expect(error.cause).toBe(reason);
    expect(platform.isPaused).toBe(false);
    expect(await read(events, 1)).toEqual(['done']);
  });

  it('that waits is woken by the abort', async () => {
    const controller = new AbortController();
    const { events } = streaming({ signal: controller.signal });
    const waiting = events.next();
    controller.abort();
    expect((await failureOf(waiting)).details.kind).toBe('aborted');
  });

  it('leaves no listener on its signal, whichever way it ends', async () => {
    const { signal } = new AbortController();
    const left = streaming({ signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await left.events.return?.();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const closed = streaming({ signal });
    closed.platform.ended(1000);
    expect(await read(closed.events, 2)).toEqual(['session.closed', 'done']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('never begins where its signal has aborted', async () => {
    const { platform, events } = streaming({ signal: AbortSignal.abort() });
    platform.say(text('a'));
    expect((await failureOf(events.next())).details.kind).toBe('aborted');
  });
});

describe('the beginning of a session', () => {
  function beginning() {
    const platform = new Platform();
    const ref = createActor(liveSession({ model: 'gemini-live', openSocket: platform.openSocket }));
    keepBeginning(ref);
    ref.start();
    platform.setUp();
    return { platform, session: liveSessionHandle(ref) };
  }

  it('waits for the first iteration, and for no other', async () => {
    const { platform, session } = beginning();
    platform.say(text('early'));
    const first = liveEvents(session)[Symbol.asyncIterator]();
    const second = liveEvents(session)[Symbol.asyncIterator]();
    platform.say(text('late'));
    expect(await read(first, 4)).toEqual(['setupComplete', 'session.ready', 'early', 'late']);
    expect(await read(second, 1)).toEqual(['late']);
    await Promise.all([first.return?.(), second.return?.()]);
    const { eventListeners } = session.ref as unknown as { eventListeners: Map<string, Set<unknown>> };
    expect(eventListeners.get('*')?.size, 'nobody keeps what is told any more').toBe(0);
    session.ref.stop();
  });

  it('is bounded, and pauses nobody while nobody reads', async () => {
    const { platform, session } = beginning();
    platform.say(...numbered(300, audio));
    expect(platform.asked).toEqual([]);
    const events = liveEvents(session)[Symbol.asyncIterator]();
    expect(await read(events, 4)).toEqual(['dropped 46+0', 'setupComplete', 'session.ready', '46']);
    expect(platform.asked).toContain('pause');
    session.ref.stop();
  });

  it('is there for a session that ended before anybody read it', async () => {
    const { platform, session } = beginning();
    platform.say(text('a'));
    platform.ended(1000);
    expect(await read(liveEvents(session)[Symbol.asyncIterator](), 5)).toEqual(['setupComplete', 'session.ready', 'a', 'session.closed', 'done']);
  });
});

it('a pause of the intake by somebody else is not taken back by an iteration that ends', async () => {
  const { platform, session, events } = streaming({ maxBuffered: 1 });
  const resume = pauseIntake(session.ref);
  platform.say(text('a'));
  await events.return?.();
  expect(platform.isPaused).toBe(true);
  resume();
  expect(platform.isPaused).toBe(false);
});
