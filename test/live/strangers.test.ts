/** A stranger ends an actor of a session, by an exit signal: the session notices, whichever it is, and nothing of it goes on. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { liveSessionHandle } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Platform, weatherCall } from './platform.js';

const begun: { readonly clock: VirtualClock; readonly ref: AnyActorRef }[] = [];

afterEach(() => {
  for (const { clock, ref } of begun.splice(0)) {
    ref.stop();
    expect(clock.pending(), 'timers left').toBe(0);
  }
});

/** A session whose tool `weather` never ends, with an open socket. */
function opened() {
  const platform = new Platform();
  const clock = new VirtualClock();
  const signals: AbortSignal[] = [];
  const execute = (_args: unknown, { signal }: { readonly signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise(() => undefined);
  };
  const options: LiveSessionOptions = {
    ...{ model: 'gemini-live', openSocket: platform.openSocket, closeMs: 500, toolMs: 5_000 },
    ...{ tools: { weather: { description: 'The weather', execute } }, reconnect: { backoff: { minMs: 100, maxMs: 100, jitter: 0 } } },
  };
  const ref = createActor(liveSession(options), { clock });
  const facts: SessionEmitted[] = [];
  ref.on('*', (fact) => facts.push(fact));
  const session = liveSessionHandle(ref.start());
  begun.push({ clock, ref });
  platform.opened();
  const told = (type: SessionEmitted['type']) => facts.filter((fact) => fact.type === type);
  return { platform, clock, ref, session, signals, told };
}

/** The same, ready, and called: its function runs. */
async function called() {
  const world = opened();
  world.platform.say({ setupComplete: {} }, weatherCall);
  await Promise.resolve();
  expect(world.signals).toHaveLength(1);
  return world;
}

const below = (ref: AnyActorRef, ...path: readonly string[]): AnyActorRef =>
  path.reduce((actor, id) => childrenOf(actor).find((child) => child.id === id) as AnyActorRef, ref);
const signals = ['kill', 'shutdown'] as const;

describe.each(signals)('a session of which a stranger ends (%s)', (signal) => {
  it('its uplink has failed, as whatever waited is gone', async () => {
    const { platform, ref, session, told, signals: aborted } = await called();
    platform.stall();
    session.sendText('.'.repeat(2_000_000));
    expect(session.sendText('waits')).toEqual({ status: 'queued' });
    exit(below(ref, 'uplink'), signal);
    const failure = { kind: 'uplinkCrashed', code: 'ended', reason: "its actor 'uplink' was ended from outside" };
    expect(await session.ended()).toEqual({ ok: false, failure });
    expect([told('session.dropped'), told('tool.abandoned')]).toMatchObject([[{ lane: 'content', count: 1, reason: 'ended' }], [{ id: 'c' }]]);
    expect([aborted[0]?.aborted, platform.asked.at(-1)]).toEqual([true, 'terminate']);
  });

  it('its tools has failed, and they are aborted', async () => {
    const { platform, ref, session, signals: aborted } = await called();
    exit(below(ref, 'tools'), signal);
    const failure = { kind: 'toolsCrashed', code: 'ended', reason: "its actor 'tools' was ended from outside" };
    expect(await session.ended()).toEqual({ ok: false, failure });
    expect([aborted[0]?.aborted, platform.asked.at(-1)]).toEqual([true, 'terminate']);
  });

  it('its connection comes back over another', async () => {
    const { platform, clock, ref, told } = await called();
    exit(below(ref, 'connection'), signal);
    expect(told('session.reconnecting')).toMatchObject([{ code: 'killed' }]);
    clock.advanceBy(100);
    expect(platform.addresses).toHaveLength(2);
  });

  const error = (actor: string) => ({ error: `tool 'weather' ended without a result: its actor '${actor}' was ended from outside` });

  it.each([
    ['a call', 'call.1', ['call.1']],
    ['the function of a call', 'execute', ['call.1', 'execute']],
  ] as const)('%s answers it with an error: the model waits', async (_, name, path) => {
    const { platform, ref, told, signals: aborted } = await called();
    exit(below(ref, ...path), signal);
    expect(told('tool.answered')).toEqual([{ type: 'tool.answered', id: 'c', name: 'weather', response: error(name) }]);
    expect(platform.sent.at(-1)).toMatchObject({ toolResponse: { functionResponses: [{ id: 'c', response: error(name) }] } });
    expect(aborted[0]?.aborted).toBe(true);
  });

  it('a call that waits for the setup answers it then', () => {
    const { platform, ref, told, signals: run } = opened();
    platform.say(weatherCall);
    exit(below(ref, 'call.1'), signal);
    platform.say({ setupComplete: {} });
    expect([told('tool.answered'), run]).toEqual([[{ type: 'tool.answered', id: 'c', name: 'weather', response: error('call.1') }], []]);
  });

  it('a call whose answer waits changes nothing: it is written', async () => {
    const { platform, clock, ref, session, told } = await called();
    platform.say({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
    platform.ended(1006);
    session.sendToolResponse({ id: 'c', response: { sky: 'grey' } });
    exit(below(ref, 'call.1'), signal);
    clock.advanceBy(100);
    platform.setUp();
    expect(told('tool.answered')).toMatchObject([{ id: 'c', response: { sky: 'grey' } }]);
  });

  it.each(['uplink', 'tools', 'connection'])('its %s while it closes ends in order', async (name) => {
    const { platform, ref, session } = await called();
    const closed = session.close();
    exit(below(ref, name), signal);
    platform.ended(1000);
    expect(await closed).toMatchObject({ ok: true, end: { by: 'client' } });
  });
});
