/** Live sessions behind a gate: one permit from before the first socket to the end, over all sockets. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import type { BehindGate } from '../../src/gate/behind.js';
import type { GateOptions } from '../../src/gate/options.js';
import { connectLive } from '../../src/live/connect.js';
import { liveSessionHandle } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { type GateWorld, gateWorld, leaveNothing, permitOf, settle } from '../gate/gate-world.js';
import { Platform } from './platform.js';

const key = 'voice';
const reconnect = { intensity: 2, backoff: { minMs: 100, maxMs: 100, jitter: 0 } };

/** A gate, a platform, and what begins a session of them. */
function scene(gateOptions: GateOptions = {}, behind: Partial<BehindGate> = {}, more: Partial<LiveSessionOptions> = {}) {
  const world = gateWorld({ permits: 1, ...gateOptions });
  const platform = new Platform();
  const options: LiveSessionOptions = {
    ...{ model: 'gemini-live', openSocket: platform.openSocket, connectMs: 1_000, setupMs: 1_000, closeMs: 500, reconnect },
    ...{ gate: { gate: world.gate, key, ...behind }, ...more },
  };
  const start = () => {
    const ref = createActor(liveSession(options), { clock: world.clock });
    const facts: SessionEmitted[] = [];
    ref.on('*', (fact) => facts.push(fact));
    ref.subscribe({ error: () => undefined });
    const session = liveSessionHandle(ref.start());
    const ends = () => facts.filter(({ type }) => type === 'session.closed' || type === 'session.failed');
    return { ...world, platform, ref, session, facts, ends };
  };
  const connect = (signal?: AbortSignal) => connectLive(options, { clock: world.clock, ...(signal === undefined ? {} : { signal }) });
  return { ...world, platform, options, start, connect };
}
type Running = ReturnType<ReturnType<typeof scene>['start']>;

/** One that is ready. */
async function ready(...given: Parameters<typeof scene>): Promise<Running> {
  const running = scene(...given).start();
  await settle();
  running.platform.setUp();
  return running;
}

afterEach(leaveNothing);

const childNamed = (ref: AnyActorRef, name: string) => childrenOf(ref).find(({ id }) => id === name) as AnyActorRef;
const connectionOf = (ref: AnyActorRef): unknown => (ref.getSnapshot() as { value: { open?: { connection?: unknown } } }).value.open?.connection;

describe('a session behind a gate', () => {
  it('opens no socket until it has its permit, and the time for that begins then', async () => {
    const here = scene();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const { clock, gate, platform, ref, session } = here.start();
    await settle();
    clock.advanceBy(30_000);
    expect([connectionOf(ref), ref.getSnapshot().hasTag('starting'), platform.addresses.length]).toEqual(['atGate', true, 0]);
    expect(session.sendText('hello')).toMatchObject({ status: 'queued' });
    taken.release();
    await settle();
    expect([connectionOf(ref), platform.addresses.length, gate.status(key)]).toMatchObject([{ online: 'connecting' }, 1, { held: 1, waiting: 0 }]);
    clock.advanceBy(999);
    platform.setUp();
    expect(await session.ready()).toEqual({ ok: true });
    expect(JSON.stringify(platform.sent)).toContain('hello');
    ref.stop();
  });

  it('that is restored where there is no gate connects all the same', async () => {
    const here = scene();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const { clock, platform, ref } = here.start();
    await settle();
    const snapshot = JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as never;
    ref.stop();
    taken.release();
    const { gate: _gate, ...free } = here.options;
    const again = createActor(liveSession(free), { clock, snapshot }).start();
    await settle();
    platform.setUp();
    expect(await liveSessionHandle(again).ready()).toEqual({ ok: true });
    again.stop();
  });

  it('that was stored where there was no gate asks for a permit where there is one', async () => {
    const here = scene();
    const { gate: _gate, ...free } = here.options;
    const former = createActor(liveSession(free), { clock: here.clock }).start();
    here.platform.setUp();
    const snapshot = JSON.parse(JSON.stringify(former.getPersistedSnapshot())) as never;
    former.stop();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const again = createActor(liveSession(here.options), { clock: here.clock, snapshot }).start();
    await settle();
    expect([connectionOf(again), here.platform.addresses.length, here.gate.status(key)]).toMatchObject(['atGate', 1, { held: 1, waiting: 1 }]);
    taken.release();
    await settle();
    here.platform.setUp();
    expect([await liveSessionHandle(again).ready(), here.gate.status(key)]).toMatchObject([{ ok: true }, { held: 1, waiting: 0 }]);
    again.stop();
  });

  it('keeps it over a rotation and while it backs off, and asks for no other', async () => {
    const { clock, facts, gate, platform, ref } = await ready({ rate: { requests: 10 } });
    const held = { held: 1, waiting: 0, used: { requests: 1 } };
    platform.say({ goAway: { timeLeft: '10s' } });
    clock.advanceBy(5_000);
    expect([connectionOf(ref), gate.status(key)]).toMatchObject([{ online: 'rotating' }, held]);
    platform.ended();
    platform.setUp();
    expect([platform.addresses.length, gate.status(key)]).toMatchObject([2, held]);
    platform.ended(1006);
    expect([connectionOf(ref), gate.status(key)]).toMatchObject(['backingOff', held]);
    clock.advanceBy(100);
    platform.setUp();
    expect([platform.addresses.length, gate.status(key)]).toMatchObject([3, held]);
    expect(facts.filter(({ type }) => type === 'session.ready')).toHaveLength(3);
    ref.stop();
  });

  it.each(['kill', 'shutdown'] as const)('comes back with it when its connection is ended by a stranger: %s', async (signal) => {
    const { clock, facts, gate, platform, ref } = await ready();
    exit(childNamed(ref, 'connection'), signal);
    expect([connectionOf(ref), platform.asked, gate.status(key)]).toMatchObject(['backingOff', ['close', 'terminate'], { held: 1 }]);
    expect(facts.at(-1)).toMatchObject({ type: 'session.reconnecting', code: 'killed' });
    clock.advanceBy(100);
    platform.setUp();
    expect([connectionOf(ref), platform.addresses.length, gate.status(key)]).toMatchObject([{ online: { ready: 'idle' } }, 2, { held: 1 }]);
    ref.stop();
  });

  const endings: Readonly<Record<string, (running: Running) => void>> = {
    'the app closes it': ({ platform, session }) => {
      void session.close();
      platform.ended();
    },
    'the app closes it, and the peer does not answer': ({ clock, session }) => {
      void session.close();
      clock.advanceBy(500);
    },
    'the server closes it': ({ platform }) => platform.ended(1000),
    'the server objects': ({ platform }) => platform.ended(1008, 'no'),
    'a supervisor shuts it down': ({ platform, ref }) => {
      ref.send({ type: 'supervisor.shutdown' });
      platform.ended();
    },
    'its actor is killed': ({ ref }) => exit(ref, 'kill'),
    'its system is stopped': ({ ref }) => void ref.stop(),
    'its permit actor is killed': ({ ref }) => exit(childNamed(ref, 'permit'), 'kill'),
    'its permit actor is told to end by a stranger': ({ ref }) => exit(childNamed(ref, 'permit'), 'shutdown'),
    'it is lost once too often': ({ clock, platform }) => {
      for (let lost = 0; lost < 3; lost++) {
        platform.ended(1006);
        clock.advanceBy(100);
      }
    },
  };

  it.each(Object.entries(endings))('has given it back when %s', async (_, end) => {
    const running = await ready();
    expect(running.gate.status(key)).toMatchObject({ held: 1 });
    end(running);
    expect([running.gate.status(key), running.ref.getSnapshot().status]).toMatchObject([{ held: 0 }, expect.not.stringMatching('active') as string]);
    expect(running.ends().length).toBeLessThanOrEqual(1);
    expect(running.clock.pending()).toBe(0);
  });

  it.each([
    ['its first socket is refused', ({ platform }: Running) => platform.ended('ECONNREFUSED')],
    ['its first socket does not open in time', ({ clock }: Running) => clock.advanceBy(1_000)],
    ['it is closed before it is ready', ({ session }: Running) => void session.close()],
  ])('has given it back when %s', async (_, end) => {
    const running = scene().start();
    await settle();
    expect([connectionOf(running.ref), running.gate.status(key)]).toMatchObject([{ online: 'connecting' }, { held: 1 }]);
    end(running);
    expect(running.gate.status(key)).toMatchObject({ held: 0 });
    expect(running.ends()).toHaveLength(1);
  });

  it('asks for a permit of its own when it goes on in another process, before it opens a socket', async () => {
    const { clock, gate, options, platform } = scene();
    const root = createActor(liveSession(options), { clock }).start();
    await settle();
    platform.setUp();
    platform.say({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
    const snapshot = JSON.parse(JSON.stringify(root.getPersistedSnapshot())) as never;
    root.stop();
    const taken = permitOf(gate.tryAcquire({ key }));
    const sockets = platform.addresses.length;
    const again = createActor(liveSession(options), { clock, snapshot });
    expect(connectionOf(again)).toBe('atGate');
    again.start();
    await settle();
    expect([connectionOf(again), platform.addresses.length - sockets, gate.status(key)]).toMatchObject(['atGate', 0, { waiting: 1 }]);
    taken.release();
    await settle();
    platform.setUp();
    expect([connectionOf(again), platform.addresses.length - sockets, gate.status(key)]).toMatchObject([
      { online: { ready: 'idle' } },
      1,
      { held: 1 },
    ]);
    expect(JSON.stringify(platform.sent.findLast((message) => 'setup' in message))).toContain('h1');
    again.stop();
    expect(gate.status(key)).toMatchObject({ held: 0 });
  });
});

describe('a session that waits at its gate', () => {
  const endings: Readonly<Record<string, readonly [(running: Running) => void, told: number]>> = {
    'the app closes it': [({ session }) => void session.close(), 1],
    'a supervisor shuts it down': [({ ref }) => ref.send({ type: 'supervisor.shutdown' }), 1],
    'its actor is killed': [({ ref }) => exit(ref, 'kill'), 0],
    'its system is stopped': [({ ref }) => void ref.stop(), 0],
    'its permit actor is killed': [({ ref }) => exit(childNamed(ref, 'permit'), 'kill'), 1],
    'its permit actor is told to end by a stranger': [({ ref }) => exit(childNamed(ref, 'permit'), 'shutdown'), 1],
  };

  it.each(Object.entries(endings))('has left the queue at once when %s', async (_, [end, told]) => {
    const here = scene();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const running = here.start();
    await settle();
    expect(here.gate.status(key)).toMatchObject({ held: 1, waiting: 1 });
    end(running);
    expect(here.gate.status(key)).toMatchObject({ held: 1, waiting: 0 });
    taken.release();
    await settle();
    expect([here.gate.status(key), here.platform.addresses.length, running.ends().length]).toMatchObject([{ held: 0 }, 0, told]);
  });

  it('has left it when the signal of connectLive aborts', async () => {
    const here = scene();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const controller = new AbortController();
    const session = here.connect(controller.signal);
    await settle();
    expect(here.gate.status(key)).toMatchObject({ waiting: 1 });
    controller.abort();
    expect(here.gate.status(key)).toMatchObject({ waiting: 0 });
    await expect(session).rejects.toMatchObject({ code: 'live/not-connected', details: { kind: 'aborted' } });
    taken.release();
    expect(here.platform.addresses).toEqual([]);
  });

  it.each([
    ['timeout', {}, { waitMs: 70 }],
    ['busy', {}, { waitMs: 0 }],
    ['full', { maxWaiting: 0 }, {}],
  ] as const)('has failed when it is refused: %s', async (code, gateOptions, behind) => {
    const here = scene(gateOptions, behind);
    permitOf(here.gate.tryAcquire({ key }));
    const running = here.start();
    const refused = here.connect();
    await settle();
    here.clock.advanceBy(70);
    const failure = { kind: 'gate', code, reason: `no permit of 'voice': ${code}` };
    await expect(refused).rejects.toMatchObject({ code: 'live/not-connected', details: failure });
    expect(await running.session.ready()).toEqual({ ok: false, failure });
    expect(running.ends()).toEqual([{ type: 'session.failed', ...failure }]);
    expect(here.platform.addresses).toEqual([]);
  });

  it.each([
    ['is closed', ({ gate }: GateWorld) => void gate.close()],
    ['is killed', ({ gate }: GateWorld) => exit(gate.ref as AnyActorRef, 'kill')],
  ])('has failed when the gate %s', async (_, end) => {
    const here = scene();
    permitOf(here.gate.tryAcquire({ key }));
    const { ends } = here.start();
    await settle();
    end(here);
    await settle();
    expect(ends()).toMatchObject([{ type: 'session.failed', kind: 'gate', code: 'closed' }]);
  });

  it('has failed where no gate can be found', async () => {
    const { connect } = scene({}, { gate: () => undefined as never });
    await expect(connect()).rejects.toMatchObject({ details: { kind: 'gate', code: 'crash' } });
  });

  it('fails its start under a supervisor, which may try again', async () => {
    const here = scene({}, { waitMs: 0 });
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const app = orchestrator({ actors: { voice: liveSession(here.options) }, children: [{ id: 'voice', src: 'voice' }] }).start({
      clock: here.clock,
    });
    expect(await app.started()).toMatchObject({ ok: false });
    await app.stop();
    taken.release();
    expect(here.clock.pending()).toBe(0);
  });
});

describe('a session that loses its permit has failed, and its socket is gone', () => {
  const losses = [
    ['its lease has run out', ({ clock }: Running) => clock.advanceBy(60_000), 'expired'],
    ['the gate is closed', ({ gate }: Running) => void gate.close(), 'closed'],
    ['the gate is killed', ({ gate }: Running) => exit(gate.ref as AnyActorRef, 'kill'), 'closed'],
  ] as const;
  it.each(losses)('%s', async (_, lose, why) => {
    const running = await ready({}, { leaseMs: 60_000 });
    lose(running);
    const failure = { kind: 'gate', code: 'lost', reason: `its permit of 'voice' was lost: ${why}` };
    expect(await running.session.ended()).toEqual({ ok: false, failure });
    expect(running.ends()).toEqual([{ type: 'session.failed', ...failure }]);
    expect(running.platform.asked.slice(-2)).toEqual(['close', 'terminate']);
    expect(running.clock.pending()).toBe(0);
  });

  it('while it backs off, too', async () => {
    const running = await ready({}, {});
    running.platform.ended(1006);
    expect(connectionOf(running.ref)).toBe('backingOff');
    void running.gate.close();
    expect(running.ends()).toMatchObject([{ type: 'session.failed', kind: 'gate', code: 'lost' }]);
  });
});

it.each([
  ['its lease runs out', ({ clock }: Running) => clock.advanceBy(100)],
  ['the gate is closed', ({ gate }: Running) => void gate.close()],
  ['its permit actor is killed', ({ ref }: Running) => exit(childNamed(ref, 'permit'), 'kill')],
])('a session that closes ends in order, though %s meanwhile', async (_, lose) => {
  const running = await ready({}, { leaseMs: 100 });
  const closed = running.session.close();
  lose(running);
  running.platform.ended(1000);
  expect(await closed).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
  expect(running.ends()).toMatchObject([{ type: 'session.closed' }]);
});

describe('the gate is told what became of a session', () => {
  it('429 at the handshake: the level goes down', async () => {
    const running = scene({ permits: 4, adaptive: true }).start();
    await settle();
    running.platform.ended(429);
    expect(running.ends()).toMatchObject([{ type: 'session.failed', kind: 'connectFailed', code: 429 }]);
    expect(running.gate.status(key)).toMatchObject({ held: 0, permits: 2 });
  });

  it('one that ended in order: it goes up', async () => {
    const running = await ready({ permits: 1, adaptive: { ceiling: 2 } });
    running.platform.ended(1000);
    expect(running.gate.status(key)).toMatchObject({ held: 0, permits: 2 });
  });

  it.each([
    ['that failed', ({ platform }: Running) => platform.ended(1008)],
    ['that was killed', ({ ref }: Running) => exit(ref, 'kill')],
  ])('one %s: it stays', async (_, end) => {
    const running = await ready({ permits: 1, adaptive: { ceiling: 2 } });
    end(running);
    expect(running.gate.status(key)).toMatchObject({ held: 0, permits: 1 });
  });

  it('one that never had a token was none', async () => {
    const vertex = { project: 'p', location: 'l', accessToken: () => Promise.reject(new Error('no token today')) };
    const running = scene({ rate: { requests: 5 } }, {}, { vertex }).start();
    await settle();
    expect(running.ends()).toMatchObject([{ kind: 'connectFailed', code: 'noCredentials' }]);
    expect(running.gate.status(key)).toMatchObject({ held: 0, used: { requests: 0 } });
  });
});

it('what cannot be a gate is refused, before anything starts', async () => {
  const { gate, options, platform } = scene();
  for (const option of [{ key }, { gate: {}, key }, { gate, key: '' }, { gate, key, waitMs: -1 }, { gate, key, wait: 1 }, 7] as never[]) {
    const refused = { code: 'gate/invalid-options' };
    expect(() => liveSession({ ...options, gate: option })).toThrow(expect.objectContaining(refused));
    await expect(connectLive({ ...options, gate: option })).rejects.toMatchObject(refused);
  }
  expect(platform.addresses).toEqual([]);
});
