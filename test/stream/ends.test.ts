/** Exactly one end, whatever happens: to the stream, to its actors, to its target, to the wire, to time. And nothing is left. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, setup, type AnyActorRef } from 'xstate';
import { httpStream } from '../../src/stream/http-stream.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, fact, Told, Wire } from './wire.js';

const settings = {
  url: 'http://feed.test/',
  connectMs: 100,
  stallMs: 200,
  totalMs: 1_000,
  retry: { attempts: 2, backoff: { minMs: 50, maxMs: 50, jitter: 0 } },
};

interface Scene {
  readonly clock: VirtualClock;
  readonly wire: Wire;
  readonly told: Told;
  /** The root of the tree that the stream is in. */
  readonly root: AnyActorRef;
  readonly stream: AnyActorRef;
  readonly target: AnyActorRef;
  readonly asked: Asked;
}

const phases = ['requesting', 'open', 'reading', 'backingOff'] as const;
const scenes: Scene[] = [];

/** A stream beneath a parent, told to an actor, in a phase. */
async function sceneIn(phase: (typeof phases)[number]): Promise<Scene> {
  const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
  const target = told.actor();
  const parent = setup({ actors: { feed: httpStream({ ...settings, fetch: wire.fetch, target }) } }).createMachine({
    id: 'parent',
    invoke: { id: 'feed', src: 'feed', onError: {} },
  });
  const root = createActor(parent, { clock });
  root.start();
  const [stream] = childrenOf(root) as [AnyActorRef];
  const asked = await wire.next();
  const scene = { clock, wire, told, root, stream, target, asked };
  scenes.push(scene);
  if (phase === 'backingOff') {
    const retrying = fact(stream, 'stream.retrying');
    asked.answer(503).end();
    await retrying;
  } else if (phase !== 'requesting') {
    const opened = fact(stream, 'stream.opened');
    asked.answer();
    await opened;
    if (phase === 'reading') {
      asked.send('data: one\n\n');
      await told.heard('stream.event');
    }
  }
  return scene;
}

afterEach(() => {
  for (const { clock, root, target } of scenes.splice(0)) {
    root.stop();
    target.stop();
    expect(clock.pending()).toBe(0);
  }
});

const faults: Readonly<Record<string, readonly [(scene: Scene) => void, end: string]>> = {
  'its actor is killed': [({ stream }) => exit(stream, 'kill'), 'stream.failed'],
  'its request is killed': [({ stream }) => exit(childNamed(stream, 'request'), 'kill'), 'stream.failed'],
  'its request is shut down by a stranger': [({ stream }) => exit(childNamed(stream, 'request'), 'shutdown'), 'stream.failed'],
  'its delivery is killed': [({ stream }) => exit(childNamed(stream, 'delivery'), 'kill'), 'stream.failed'],
  'the whole tree is stopped': [({ root }) => root.stop(), 'stream.cancelled'],
  'the app cancels it': [({ stream }) => stream.send({ type: 'stream.cancel' }), 'stream.cancelled'],
  'a supervisor shuts it down': [({ stream }) => stream.send({ type: 'supervisor.shutdown' }), 'stream.cancelled'],
  'all its time has passed': [({ clock }) => clock.advanceBy(settings.totalMs), 'stream.failed'],
};

function childNamed(stream: AnyActorRef, id: string): AnyActorRef {
  return childrenOf(stream).find((child) => child.id === id) as AnyActorRef;
}

describe('a stream tells its target exactly one end, and aborts its request', () => {
  const matrix = phases.flatMap((phase) => Object.entries(faults).map(([fault, [play, end]]) => ({ phase, fault, play, end })));
  // While it backs off it has no request.
  it.each(matrix.filter(({ fault, phase }) => phase !== 'backingOff' || !fault.startsWith('its request')))(
    'when $fault while it is $phase',
    async ({ end, phase, play }) => {
      const scene = await sceneIn(phase);
      play(scene);
      await scene.told.heard('end');
      expect(scene.told.ends.map(({ type }) => type)).toEqual([end]);
      expect(scene.told.messages.at(-1)).toMatchObject({ type: end, streamId: 'feed' });
      for (const { isCancelled } of scene.wire.requests) expect(isCancelled).toBe(true);
    },
  );

  it.each(phases)('and none to a target that has died while it was %s: it is cancelled', async (phase) => {
    const scene = await sceneIn(phase);
    const cancelled = fact(scene.stream, 'stream.cancelled');
    scene.target.stop();
    expect(await cancelled).toMatchObject({ cancellation: { by: 'target' } });
    expect(scene.told.ends).toEqual([]);
    for (const { isCancelled } of scene.wire.requests) expect(isCancelled).toBe(true);
  });

  it('when the server is done', async () => {
    const { asked, told } = await sceneIn('reading');
    asked.send('id: 7\ndata: two\n\nretry: 30\n').end();
    await told.heard('end');
    expect(told.events).toMatchObject([{ data: 'one' }, { id: '7', data: 'two' }]);
    expect(told.ends).toEqual([
      { type: 'stream.completed', summary: { status: 200, eventCount: 2, lastEventId: '7', retryMs: 30 }, streamId: 'feed' },
    ]);
  });

  it.each([
    ['inside an event', (asked: Asked) => asked.send('data: tw').end(), { kind: 'truncated', code: 'truncated' }],
    ['inside an event, which looks whole', (asked: Asked) => asked.send('data: {"a":1}').end(), { kind: 'truncated', code: 'truncated' }],
    ['by a broken connection', (asked: Asked) => asked.breaks(), { kind: 'network', code: 'ECONNRESET' }],
  ])('a failure when the body ends %s', async (_, play, failure) => {
    const { asked, told, wire } = await sceneIn('reading');
    play(asked);
    await told.heard('end');
    expect(told.events).toHaveLength(1);
    expect(told.ends).toMatchObject([{ type: 'stream.failed', failure }]);
    expect(wire.requests).toHaveLength(1); // never again after a byte
  });
});

describe('a deadline', () => {
  it('of the headers is kept to the millisecond, and the attempt is made again', async () => {
    const scene = await sceneIn('requesting');
    scene.clock.advanceBy(99);
    expect(scene.asked.isCancelled).toBe(false);
    scene.clock.advanceBy(1);
    expect(scene.asked.isCancelled).toBe(true);
    scene.clock.advanceBy(50);
    await scene.wire.next();
    scene.clock.advanceBy(100);
    expect(scene.told.ends).toMatchObject([{ type: 'stream.failed', failure: { kind: 'connectTimeout', code: 'timeout' } }]);
  });

  it.each(['open', 'reading'] as const)('of silence begins anew with each byte, while it is %s', async (phase) => {
    const { asked, clock, told } = await sceneIn(phase);
    for (const text of ['data: a', 'b\n\n']) {
      const wanted = asked.wanted();
      clock.advanceBy(150);
      asked.send(text);
      await wanted;
    }
    clock.advanceBy(199);
    expect(told.ends).toEqual([]);
    clock.advanceBy(1);
    expect(told.ends).toMatchObject([{ type: 'stream.failed', failure: { kind: 'stalled' } }]);
    expect(asked.isCancelled).toBe(true);
  });

  it('of silence does not count while the target wants nothing', async () => {
    const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
    const root = createActor(httpStream({ ...settings, fetch: wire.fetch, target: told.actor(), demand: 'manual' }), { clock }).start();
    const opened = fact(root, 'stream.opened');
    const asked = (await wire.next()).answer();
    await opened;
    clock.advanceBy(900);
    expect(root.getSnapshot().status).toBe('active');
    expect(asked.readCount).toBe(0);
    root.send({ type: 'stream.demand', count: 1 });
    await asked.wanted();
    asked.send('data: a\n\ndata: b\n\n');
    await told.heard('stream.event');
    expect(told.events).toHaveLength(1); // the other waits to be wanted
    root.send({ type: 'stream.demand', count: 2 });
    await asked.wanted();
    asked.end();
    await told.heard('end');
    expect(told.events).toHaveLength(2);
    expect(clock.pending()).toBe(0);
  });
});
