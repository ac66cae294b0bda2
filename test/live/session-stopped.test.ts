/** A session that is stopped from outside, and has no word of its own any more: each call that was open has its end all the same, told once. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { LiveError } from '../../src/live/live-error.js';
import { type LiveSession, liveSessionHandle } from '../../src/live/handle.js';
import { liveSession, type LiveSessionRef } from '../../src/live/session.js';
import { liveEvents } from '../../src/live/stream.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { connected, Platform } from './platform.js';

const clocks: VirtualClock[] = [];

afterEach(() => {
  for (const clock of clocks.splice(0)) expect(clock.pending(), 'timers left').toBe(0);
});

interface World {
  readonly app: AnyActorRef;
  readonly session: LiveSession;
  readonly platform: Platform;
  readonly clock: VirtualClock;
  readonly signals: AbortSignal[];
  /** Ends of calls: `id type reason`. */
  ends(): string[];
}

/** A session in a state of a machine that invokes it; its functions never end. The socket is open. */
function opened(): World {
  const platform = new Platform();
  const clock = new VirtualClock();
  clocks.push(clock);
  const signals: AbortSignal[] = [];
  const execute = (_args: unknown, { signal }: { readonly signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise(() => undefined);
  };
  const voice = liveSession({ model: 'gemini-live', openSocket: platform.openSocket, tools: { weather: { description: 'The weather', execute } } });
  const machine = setup({ actors: { voice } }).createMachine({
    initial: 'talking',
    states: { talking: { invoke: { id: 'voice', src: 'voice' }, on: { leave: 'silent' } }, silent: {} },
  });
  const app = createActor(machine, { clock }).start();
  const ref = app.getSnapshot().children['voice'] as LiveSessionRef;
  const facts: SessionEmitted[] = [];
  ref.on('*', (fact) => facts.push(fact));
  platform.opened();
  const isEnd = ({ type }: SessionEmitted) => ['tool.answered', 'tool.cancelled', 'tool.abandoned'].includes(type);
  const ends = () =>
    facts.filter(isEnd).map((fact) => ['id' in fact ? fact.id : '', fact.type, ...('reason' in fact ? [fact.reason] : [])].join(' '));
  return { app, session: liveSessionHandle(ref), platform, clock, signals, ends };
}

const calls = (...ids: string[]) => ({ toolCall: { functionCalls: ids.map((id) => ({ id, name: 'weather', args: {} })) } });

/** The same, ready, with two calls that run. */
async function called(): Promise<World> {
  const world = opened();
  world.platform.say({ setupComplete: {} }, calls('a', 'b'));
  await Promise.resolve();
  expect(world.signals).toHaveLength(2);
  return world;
}

const stops: Record<string, (world: World) => void> = {
  'with its system': ({ app }) => (app as ReturnType<typeof createActor>).stop(),
  'by its machine, whose state was left': ({ app }) => app.send({ type: 'leave' }),
  'by a kill': ({ session }) => exit(session.ref, 'kill'),
  'by an exit signal': ({ session }) => exit(session.ref, 'shutdown'),
  'as crashed': ({ session }) => exit(session.ref, { crash: 'boom' }),
};
const ways = Object.keys(stops);
const stop = (world: World, way = 'with its system') => {
  stops[way]?.(world);
  if (way !== 'with its system') stops['with its system']?.(world);
};

describe('a session that is stopped from outside', () => {
  it.each(ways)('%s abandons its calls, each once, and their functions are aborted', async (way) => {
    const world = await called();
    stop(world, way);
    expect(world.ends()).toEqual(['a tool.abandoned stopped', 'b tool.abandoned stopped']);
    expect(world.signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('abandons a call that waits for the setup', () => {
    const world = opened();
    world.platform.say(calls('a'));
    stop(world);
    expect(world.ends()).toEqual(['a tool.abandoned stopped']);
  });

  it('abandons those whose answers are not written, one among them that nobody asked for, and no other', async () => {
    const world = await called();
    world.session.sendToolResponse({ id: 'a', response: {} });
    world.platform.stall();
    world.session.sendToolResponse({ id: 'b', response: {} });
    world.session.sendToolResponse({ id: 'old', response: {}, unsolicited: 'weather' });
    stop(world);
    expect(world.ends()).toEqual(['a tool.answered', 'b tool.abandoned stopped', 'old tool.abandoned stopped']);
  });

  it('abandons what it still had to write as it closed', async () => {
    const world = await called();
    world.platform.stall();
    world.session.sendToolResponse({ id: 'b', response: {} });
    void world.session.close();
    expect(world.ends()).toEqual(['a tool.abandoned closed']);
    stop(world);
    expect(world.ends()).toEqual(['a tool.abandoned closed', 'b tool.abandoned stopped']);
  });

  it.each([1000, 1008])('after its end (%s) tells nothing twice', async (code) => {
    const world = await called();
    world.platform.ended(code);
    const before = world.ends();
    expect(before).toHaveLength(2);
    stop(world);
    expect(world.ends()).toEqual(before);
  });

  it('tells so in its events, before they end', async () => {
    const world = opened();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of liveEvents(world.session)) seen.push(event.type);
    })();
    world.platform.say({ setupComplete: {} }, calls('a'));
    stop(world);
    await expect(reading).rejects.toBeInstanceOf(LiveError);
    expect(seen.at(-1)).toBe('tool.abandoned');
  });

  it('tells so to callbacks, before onClose', async () => {
    const told: string[] = [];
    const on = { 'tool.abandoned': ({ id, reason }: { id: string; reason: string }) => told.push(`${id} ${reason}`) };
    const { session, platform, clock } = await connected(
      { callbacks: { on, onClose: () => told.push('close') } },
      { tools: { weather: { description: 'd' } } },
    );
    clocks.push(clock);
    platform.say(calls('a'));
    session.ref.stop();
    expect(told).toEqual(['a stopped', 'close']);
  });
});
