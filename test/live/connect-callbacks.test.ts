import { describe, expect, it, vi } from 'vitest';
import type { LiveCallbacks, LiveFault } from '../../src/live/connect.js';
import type { LiveSession } from '../../src/live/handle.js';
import { connected, connecting, text, weatherCall } from './platform.js';

function broken(): never {
  throw new Error('broken');
}

/** Every callback, each writing its name and what it is told. */
function recording(): { told: unknown[][]; sessions: Set<unknown>; callbacks: LiveCallbacks } {
  const told: unknown[][] = [];
  const sessions = new Set<unknown>();
  const note =
    <Told>(name: string, pick: (it: Told) => unknown) =>
    (it: Told, session: LiveSession) => {
      sessions.add(session);
      told.push([name, pick(it)]);
    };
  const callbacks: LiveCallbacks = {
    onOpen: note('open', ({ resumed }: { resumed: boolean }) => resumed),
    onMessage: note('message', (message: object) => Object.keys(message)[0]),
    onEvent: note('event', ({ type }: { type: string }) => type),
    onError: note('error', ({ kind }: LiveFault) => kind),
    onClose: note('close', ({ code, wasClean }: { code: unknown; wasClean: boolean }) => [code, wasClean]),
    on: { text: note('text', (event: { text: string }) => event.text), 'session.ready': note('ready', () => true) },
  };
  return { told, sessions, callbacks };
}

describe('callbacks', () => {
  it('are told everything in order, and hold the session from the first one on', async () => {
    const { told, sessions, callbacks } = recording();
    const { session, platform } = await connected({ callbacks });
    platform.say(text('Hello'));
    platform.frame('not JSON');
    platform.ended(1000, 'bye');
    expect(told).toEqual([
      ['message', 'setupComplete'],
      ['event', 'setupComplete'],
      ['open', false],
      ['event', 'session.ready'],
      ['ready', true],
      ['message', 'serverContent'],
      ['event', 'text'],
      ['text', 'Hello'],
      ['event', 'session.malformed'],
      ['error', 'malformed'],
      ['event', 'session.closed'],
      ['close', [1000, true]],
    ]);
    expect([...sessions]).toEqual([session]);
  });

  it('are told of a new socket, and of a failure before the close', async () => {
    const { told, callbacks } = recording();
    const { platform, clock } = await connected({ callbacks });
    platform.say({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
    platform.ended(1011, 'Internal error');
    clock.advanceBy(10_000);
    platform.setUp();
    platform.ended(1008, 'policy');
    const words = told.filter(([name]) => name === 'open' || name === 'error' || name === 'close');
    expect(words).toEqual([
      ['open', false],
      ['open', true],
      ['error', 'failed'],
      ['close', [1008, false]],
    ]);
  });

  it('are told of a session that never was ready: onError, then onClose, then the promise rejects', async () => {
    const { told, callbacks } = recording();
    const { session, platform } = connecting({ callbacks });
    platform.ended(401, 'HTTP 401');
    expect(told).toEqual([
      ['event', 'session.failed'],
      ['error', 'failed'],
      ['close', [401, false]],
    ]);
    await expect(session).rejects.toThrow('live/not-connected');
  });

  it('are told of a session that crashed: its socket is cut, and nothing is uncaught', async () => {
    const { told, callbacks } = recording();
    const { session, platform, clock } = await connected({ callbacks });
    session.ref.send(Object.defineProperty({ type: 'uplink.told' }, 'fact', { get: broken }) as never);
    expect(await session.ended()).toMatchObject({ ok: false, failure: { kind: 'crashed', reason: 'broken' } });
    expect(told.slice(-2)).toEqual([
      ['error', 'failed'],
      ['close', ['crash', false]],
    ]);
    expect([platform.asked.at(-1), clock.pending()]).toEqual(['terminate', 0]);
  });

  it('that throw harm nobody, and are told of: their own, those by type, and listeners of the session', async () => {
    const faults: LiveFault[] = [];
    const boom = (where: string) => () => {
      throw new Error(where);
    };
    const on = { text: boom('typed') };
    const callbacks = { onOpen: boom('open'), onMessage: boom('message'), onEvent: boom('event'), onClose: boom('close'), on };
    const { session, platform } = await connected({ callbacks: { ...callbacks, onError: (fault) => faults.push(fault) } });
    session.on('session.message', boom('listener'));
    platform.say(text('a'));
    expect(session.sendText('still here')).toEqual({ status: 'sent' });
    platform.ended(1000);
    expect(await session.ended()).toMatchObject({ ok: true });
    expect(faults.map((fault) => fault.kind === 'callbackThrew' && [fault.callback, (fault.error as Error).message])).toEqual([
      ['onMessage', 'message'],
      ['onEvent', 'event'],
      ['onOpen', 'open'],
      ['onEvent', 'event'],
      ["on('session.message')", 'listener'],
      ['onMessage', 'message'],
      ['onEvent', 'event'],
      ["on['text']", 'typed'],
      ['onEvent', 'event'],
      ['onClose', 'close'],
    ]);
  });

  it('that are async and fail are told of, and ones that never end keep nobody waiting', async () => {
    const faults: LiveFault[] = [];
    const onMessage = async () => Promise.reject(new Error('async'));
    const onEvent = () => new Promise(() => undefined);
    const { platform, session } = await connected({ callbacks: { onMessage, onEvent, onError: (fault) => faults.push(fault) } });
    platform.ended(1000);
    await session.ended();
    expect(faults).toMatchObject([{ kind: 'callbackThrew', callback: 'onMessage', error: new Error('async') }]);
  });

  it('that throw are printed where nobody is told, and where onError throws itself', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { platform } = await connected({ callbacks: { onOpen: broken } });
    platform.ended(1000);
    expect(print.mock.calls).toEqual([['espalier: onOpen threw', new Error('broken')]]);
    print.mockClear();
    (await connected({ callbacks: { onError: broken } })).platform.frame('not JSON');
    expect(print.mock.calls).toEqual([['espalier: onError threw', new Error('broken')]]);
  });

  it('may send, answer and close from inside', async () => {
    const callbacks: LiveCallbacks = {
      onOpen: (_ready, session) => session.sendText('hello'),
      on: {
        'tool.called': ({ id }, session) => session.sendToolResponse({ id, response: { sky: 'clear' } }),
        turnComplete: (_event, session) => void session.close(),
      },
    };
    const { platform, session } = await connected({ callbacks }, { tools: { weather: { description: 'the weather' } } });
    platform.say(weatherCall, { serverContent: { turnComplete: true } });
    expect(platform.sent.map((message) => Object.keys(message)[0])).toEqual(['setup', 'clientContent', 'toolResponse']);
    platform.ended(1000);
    expect(await session.ended()).toMatchObject({ ok: true, end: { by: 'client' } });
  });
});
