import { getEventListeners } from 'node:events';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { EspalierError } from '../../src/errors.js';
import { connectLive } from '../../src/live/connect.js';
import type { LiveSession } from '../../src/live/handle.js';
import { LiveError } from '../../src/live/live-error.js';
import { liveEvents } from '../../src/live/stream.js';
import { connected, connecting, Platform, text, weatherCall } from './platform.js';

async function failureOf(promise: Promise<unknown>): Promise<LiveError> {
  const error = await promise.then(
    () => 'a session',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LiveError);
  expect(error).toMatchObject({ code: 'live/not-connected' });
  return error as LiveError;
}

describe('connecting', () => {
  it('comes to a session that is ready', async () => {
    const { platform, session } = await connected();
    expect(await session.ready()).toEqual({ ok: true });
    expect(session.sendText('hi')).toEqual({ status: 'sent' });
    expect(platform.sent.map((message) => Object.keys(message)[0])).toEqual(['setup', 'clientContent']);
  });

  it.each<[string, object, (it: ReturnType<typeof connecting>) => void]>([
    [
      'a refused connection',
      { kind: 'connectFailed', code: 'ECONNREFUSED', reason: 'connect ECONNREFUSED' },
      ({ platform }) => platform.ended('ECONNREFUSED', 'connect ECONNREFUSED'),
    ],
    ['a 401', { kind: 'connectFailed', code: 401, reason: 'HTTP 401: bad [hidden]' }, ({ platform }) => platform.ended(401, 'HTTP 401: bad k3y')],
    [
      'a close before the setup',
      { kind: 'closedBeforeSetup', code: 1007, reason: 'bad config' },
      ({ platform }) => (platform.opened(), platform.ended(1007, 'bad config')),
    ],
    ['an address that does not answer', { kind: 'connectTimeout', code: 'timeout' }, ({ clock }) => clock.advanceBy(10_000)],
    ['a server that is silent', { kind: 'setupTimeout', code: 'timeout' }, ({ platform, clock }) => (platform.opened(), clock.advanceBy(10_000))],
    ['an end from outside', { kind: 'stopped' }, () => undefined],
  ])('rejects for %s, with kind, code and reason, and leaves nothing', async (name, details, happen) => {
    let begun: LiveSession | undefined;
    const parts = connecting({ callbacks: { onEvent: (_event, session) => (begun = session), onClose: (_close, session) => (begun = session) } });
    happen(parts);
    if (name === 'an end from outside') {
      parts.platform.opened();
      parts.platform.frame('not JSON'); // the first that is told of it
      begun?.ref.stop();
    }
    const error = await failureOf(parts.session);
    expect(error.details).toMatchObject(details);
    expect(error.message).toContain(error.details.kind);
    expect(JSON.stringify([error.message, error.details])).not.toContain('k3y');
    expect(begun?.ref.getSnapshot().status).not.toBe('active');
    expect(parts.clock.pending()).toBe(0);
  });

  it('rejects for a socket that cannot be made', async () => {
    const { session, clock } = connecting(
      {},
      {
        openSocket: () => {
          throw new Error('no sockets today');
        },
      },
    );
    expect((await failureOf(session)).details).toMatchObject({ reason: 'no sockets today' });
    expect(clock.pending()).toBe(0);
  });

  it('rejects for a socket that says its URL as it refuses, without the key in it', async () => {
    const openSocket = ({ url }: { readonly url: string }) => {
      throw new Error(`not there: ${url}`);
    };
    const { session } = connecting({}, { apiKey: 'auth_tokens/abc123', keyIn: 'query', openSocket });
    const { details } = await failureOf(session);
    expect(details).toMatchObject({ kind: 'connectionCrashed', reason: expect.stringMatching(/access_token=\[hidden\]$/) as string });
  });

  it('rejects for a token that cannot be had', async () => {
    const vertex = { project: 'p', location: 'l', accessToken: () => Promise.reject(new Error('logged out')) };
    const parts = connecting({}, { vertex });
    // Not both: the key of the other tests.
    expect(await parts.session.catch((error: unknown) => error)).toBeInstanceOf(EspalierError);
    const { session, platform } = connecting({}, { vertex, apiKey: undefined } as never);
    expect((await failureOf(session)).details).toMatchObject({ kind: 'connectFailed', code: 'noCredentials', reason: 'logged out' });
    expect(platform.addresses).toEqual([]);
  });

  it('rejects when a callback closes the session before it is ready', async () => {
    const { session, platform } = connecting({ callbacks: { onEvent: (_event, own) => void own.close() } });
    platform.opened();
    platform.frame('not JSON');
    expect((await failureOf(session)).details).toMatchObject({ kind: 'closed', code: 1000 });
  });

  it.each<[string, Parameters<typeof connectLive>]>([
    ['a misspelt option of the session', [{ modl: 'm' } as never]],
    ['a misspelt option of the connection', [{ model: 'm' }, { signl: undefined } as never]],
    ['a signal that is none', [{ model: 'm' }, { signal: true as never }]],
    ['a clock that is none', [{ model: 'm' }, { clock: {} as never }]],
    ['an inspector that is none', [{ model: 'm' }, { inspect: {} as never }]],
    ['a misspelt callback', [{ model: 'm' }, { callbacks: { onmessage: () => {} } as never }]],
    ['a callback that is no function', [{ model: 'm' }, { callbacks: { onMessage: 'print' as never } }]],
    ['an event’s callback that is no function', [{ model: 'm' }, { callbacks: { on: { text: 7 as never } } }]],
    ['callbacks by type that are none', [{ model: 'm' }, { callbacks: { on: 'text' as never } }]],
  ])('refuses %s, before anything starts', async (_, given) => {
    const platform = new Platform();
    const [options, ...rest] = given;
    const error: unknown = await connectLive({ ...options, openSocket: platform.openSocket }, ...rest).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EspalierError);
    expect(error).not.toBeInstanceOf(LiveError);
    expect((error as EspalierError).code).toMatch(/invalid-options$/);
    expect(platform.addresses).toEqual([]);
  });
});

describe('an inspector', () => {
  const weather = { description: 'w', execute: () => 'mild' };

  it.each(['a function', 'an observer'])('that is %s sees the session, its calls, and what they are told', async (sort) => {
    const ids = new Set<string>();
    const types = new Set<string>();
    const next = (event: InspectionEvent) => {
      if (event.type === '@xstate.actor') ids.add((event.actorRef as AnyActorRef).id);
      if (event.type === '@xstate.event') types.add(event.event.type);
    };
    const { platform, session } = await connected({ inspect: sort === 'a function' ? next : { next } }, { tools: { weather } });
    platform.say(weatherCall);
    expect([...ids]).toEqual(expect.arrayContaining(['live', 'uplink', 'connection', 'call.1']));
    expect([...types]).toEqual(expect.arrayContaining(['server.message', 'call.run']));
    session.ref.stop();
  });

  it('that throws harms nobody, and is told of', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const inspect = () => {
      throw new Error('not my day');
    };
    const { session } = await connected({ inspect });
    expect(session.sendText('hi')).toEqual({ status: 'sent' });
    expect(print).toHaveBeenCalledWith('espalier: inspect threw', new Error('not my day'));
    session.ref.stop();
  });
});

describe('an abort', () => {
  const reason = new Error('changed my mind');

  it('before the start begins nothing', async () => {
    const { session, platform } = connecting({ signal: AbortSignal.abort(reason) });
    const error = await failureOf(session);
    expect([error.details.kind, error.cause]).toEqual(['aborted', reason]);
    expect(platform.addresses).toEqual([]);
  });

  it.each<[string, (platform: Platform) => void]>([
    ['connecting', () => undefined],
    ['setting up', (platform) => platform.opened()],
  ])('while it is %s ends the socket, and rejects', async (_, until) => {
    const controller = new AbortController();
    const { session, platform, clock } = connecting({ signal: controller.signal });
    until(platform);
    controller.abort(reason);
    expect(platform.asked).toEqual(['close', 'terminate']);
    const error = await failureOf(session);
    expect([error.details.kind, error.cause]).toEqual(['aborted', reason]);
    expect(clock.pending()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('while a token is fetched opens no socket, however late it comes', async () => {
    const controller = new AbortController();
    let give: (token: string) => void = () => undefined;
    const accessToken = () => new Promise<string>((resolve) => (give = resolve));
    const { session, platform } = connecting({ signal: controller.signal }, {
      vertex: { project: 'p', location: 'l', accessToken },
      apiKey: undefined,
    } as never);
    controller.abort(reason);
    expect((await failureOf(session)).details.kind).toBe('aborted');
    give('late');
    await Promise.resolve();
    expect(platform.addresses).toEqual([]);
  });

  it('in the turn in which it becomes ready closes it in order, and rejects then', async () => {
    const controller = new AbortController();
    const { session, platform } = connecting({ signal: controller.signal });
    platform.setUp();
    controller.abort(reason);
    expect(platform.asked).toEqual(['close']);
    let isSettled = false;
    const settled = () => (isSettled = true);
    void session.then(settled, settled);
    await turnOfTheLoop();
    expect(isSettled, 'before the socket has ended').toBe(false);
    platform.ended(1000);
    expect((await failureOf(session)).details.kind).toBe('aborted');
  });

  it('later closes the session in order', async () => {
    const controller = new AbortController();
    const { session, platform, clock } = await connected({ signal: controller.signal });
    controller.abort(reason);
    expect(platform.asked).toEqual(['close']);
    platform.ended(1000);
    expect(await session.ended()).toMatchObject({ ok: true, end: { by: 'client', code: 1000 } });
    expect(clock.pending()).toBe(0);
  });

  it('of a session whose peer never answers the close ends it after closeMs', async () => {
    const controller = new AbortController();
    const { session, platform, clock } = await connected({ signal: controller.signal }, { closeMs: 300 });
    controller.abort(reason);
    clock.advanceBy(300);
    expect(await session.ended()).toMatchObject({ ok: true, end: { code: 1006 } });
    expect(platform.asked.at(-1)).toBe('terminate');
  });

  it('while it backs off ends it at once', async () => {
    const controller = new AbortController();
    const { session, platform, clock } = await connected({ signal: controller.signal });
    platform.ended(1011, 'Internal error');
    controller.abort(reason);
    expect(await session.ended()).toMatchObject({ ok: true, end: { by: 'client' } });
    expect([clock.pending(), platform.addresses.length]).toEqual([0, 1]);
  });

  it('aborts the signals of tools that run', async () => {
    const controller = new AbortController();
    let inTool: AbortSignal | undefined;
    const began = new Promise<void>((resolve) => {
      const execute = (_args: unknown, { signal }: { signal: AbortSignal }) => ((inTool = signal), resolve(), new Promise(() => undefined));
      void connected({ signal: controller.signal }, { tools: { weather: { description: 'w', execute } } }).then(({ platform }) =>
        platform.say(weatherCall),
      );
    });
    await began;
    controller.abort(reason);
    expect(inTool?.aborted).toBe(true);
  });

  it('finds no listener once the session has ended', async () => {
    const controller = new AbortController();
    const { session, platform } = await connected({ signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    platform.ended(1000);
    await session.ended();
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort(reason);
  });
});

describe('the first iteration over a connected session', () => {
  it('misses nothing that the server said in one breath with its setupComplete', async () => {
    const { platform, session } = connecting();
    platform.opened();
    platform.say({ setupComplete: {} }, text('first words'));
    const seen: string[] = [];
    for await (const event of liveEvents(await session)) {
      seen.push(event.type);
      if (event.type === 'text') break;
    }
    expect(seen).toEqual(['setupComplete', 'session.ready', 'text']);
  });
});
