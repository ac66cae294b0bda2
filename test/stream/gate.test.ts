/** Streams behind a gate: each attempt waits for a permit, and it is back however the attempt ends. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';
import type { BehindGate } from '../../src/gate/behind.js';
import type { GateOptions } from '../../src/gate/options.js';
import { generateContent, generateContentStream, streamGenerateContent } from '../../src/stream/generate.js';
import { httpStream, openStream } from '../../src/stream/http-stream.js';
import type { HttpStreamOptions } from '../../src/stream/options.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { type GateWorld, gateWorld, leaveNothing, permitOf, settle } from '../gate/gate-world.js';
import { type Asked, fact, Told, Wire } from './wire.js';

const key = 'model';
const url = 'http://feed.test/';
const deadlines = { connectMs: 100, stallMs: 200, totalMs: 10_000 };
const retry = { attempts: 2, maxRetryAfterMs: 5_000, backoff: { minMs: 50, maxMs: 50, jitter: 0 } };

type Gated = Pick<GateWorld, 'clock' | 'gate'>;

interface Scene extends Gated {
  readonly wire: Wire;
  readonly told: Told;
  /** The root of the tree that the stream is in. */
  readonly root: AnyActorRef;
  readonly stream: AnyActorRef;
  readonly target: AnyActorRef;
  readonly controller: AbortController;
}

const scenes: Scene[] = [];

/** A stream beneath a parent, told to an actor, behind a gate; `taken`: of which somebody else has the only permit. */
function scene(gateOptions: GateOptions = {}, behind: Partial<BehindGate> = {}, options: Partial<HttpStreamOptions> = {}) {
  const world = gateWorld({ permits: 1, ...gateOptions });
  const [wire, told, controller] = [new Wire(), new Told(), new AbortController()];
  const target = told.actor();
  const start = (): Scene => {
    const feed = httpStream({
      ...{ url, ...deadlines, retry, fetch: wire.fetch, target, signal: controller.signal },
      ...{ gate: { gate: world.gate, key, ...behind }, ...options },
    });
    const parent = setup({ actors: { feed } }).createMachine({ id: 'parent', invoke: { id: 'feed', src: 'feed', onError: {} } });
    const root = createActor(parent, { clock: world.clock }).start();
    const [stream] = childrenOf(root) as [AnyActorRef];
    const made: Scene = { ...world, wire, told, root, stream, target, controller };
    scenes.push(made);
    return made;
  };
  return { ...world, start };
}

afterEach(async () => {
  for (const { root, target, wire } of scenes.splice(0)) {
    root.stop();
    target.stop();
    for (const { isCancelled } of wire.requests) expect(isCancelled).toBe(true);
  }
  await leaveNothing();
});

const stateOf = (stream: AnyActorRef): unknown => (stream.getSnapshot() as { value: unknown }).value;
const childNamed = (stream: AnyActorRef, id: string) => childrenOf(stream).find((child) => child.id === id) as AnyActorRef;

/** What may befall a stream, in any of its states, and the end that it tells. */
const faults: Readonly<Record<string, readonly [(scene: Scene) => void, end: string | null]>> = {
  'the app cancels it': [({ stream }) => stream.send({ type: 'stream.cancel' }), 'stream.cancelled'],
  'its signal aborts': [({ controller }) => controller.abort(), 'stream.cancelled'],
  'a supervisor shuts it down': [({ stream }) => stream.send({ type: 'supervisor.shutdown' }), 'stream.cancelled'],
  'its actor is killed': [({ stream }) => exit(stream, 'kill'), 'stream.failed'],
  'its request is killed': [({ stream }) => exit(childNamed(stream, 'request'), 'kill'), 'stream.failed'],
  'its delivery is killed': [({ stream }) => exit(childNamed(stream, 'delivery'), 'kill'), 'stream.failed'],
  'the whole tree is stopped': [({ root }) => root.stop(), 'stream.cancelled'],
  'all its time has passed': [({ clock }) => clock.advanceBy(deadlines.totalMs), 'stream.failed'],
  'its target dies': [({ target }) => target.stop(), null],
};
const table = Object.entries(faults).map(([fault, [play, end]]) => ({ fault, play, end }));

describe('a stream behind a gate', () => {
  it('asks for nothing until it has its permit, and the time for the headers begins then', async () => {
    const { gate, start } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const { clock, stream, wire } = start();
    await settle();
    clock.advanceBy(5_000);
    expect(stateOf(stream)).toEqual({ active: { attempting: 'atGate' } });
    expect([wire.requests.length, gate.status(key)]).toMatchObject([0, { held: 1, waiting: 1 }]);
    taken.release();
    const asked = await wire.next();
    expect(stateOf(stream)).toEqual({ active: { attempting: 'requesting' } });
    clock.advanceBy(99);
    expect([asked.isCancelled, gate.status(key)]).toMatchObject([false, { held: 1, waiting: 0 }]);
  });

  it('has given it back when its end is told', async () => {
    const { gate, start } = scene();
    const { stream, wire, told } = start();
    const asked = (await wire.next()).answer();
    asked.send('data: a\n\n');
    await told.heard('stream.event');
    expect(gate.status(key)).toMatchObject({ held: 1 });
    asked.end();
    await told.heard('stream.completed');
    expect([told.ends.length, stream.getSnapshot().status, gate.status(key)]).toMatchObject([1, 'done', { held: 0 }]);
  });

  it('fetches no credentials when it has ended right behind its grant', async () => {
    let fetchCount = 0;
    const headers = () => {
      fetchCount++;
      return {};
    };
    const { gate, start } = scene({}, {}, { headers });
    const { stream, told } = start();
    stream.subscribe((snapshot: { value: unknown }) => {
      if (JSON.stringify(snapshot.value).includes('requesting')) queueMicrotask(() => exit(stream, 'kill'));
    });
    await told.heard('stream.failed');
    await settle();
    expect([fetchCount, told.ends.length, gate.status(key)]).toMatchObject([0, 1, { held: 0 }]);
  });

  const phases = ['requesting', 'open', 'reading'] as const;
  const open = async (phase: (typeof phases)[number]): Promise<Scene> => {
    const here = scene().start();
    const asked = await here.wire.next();
    if (phase === 'requesting') return here;
    const opened = fact(here.stream, 'stream.opened');
    asked.answer();
    await opened;
    if (phase === 'reading') {
      asked.send('data: one\n\n');
      await here.told.heard('stream.event');
    }
    return here;
  };

  it.each(phases.flatMap((phase) => table.map((row) => ({ ...row, phase }))))('has given it back when $fault while it is $phase', async (row) => {
    const here = await open(row.phase);
    expect(here.gate.status(key)).toMatchObject({ held: 1 });
    row.play(here);
    await settle();
    expect(here.gate.status(key)).toMatchObject({ held: 0 });
    expect(here.told.ends.map(({ type }) => type)).toEqual(row.end === null ? [] : [row.end]);
  });

  it.each([
    ['its target throws', () => Promise.reject(new Error('oops')), 'targetThrew'],
    ['the connection breaks', () => undefined, 'network'],
  ])('has given it back when %s', async (_, take, kind) => {
    const world = gateWorld();
    const wire = new Wire();
    const target = ({ type }: { type: string }) => (type === 'stream.event' ? take() : undefined);
    const root = createActor(httpStream({ url, fetch: wire.fetch, gate: { gate: world.gate, key }, target }), { clock: world.clock });
    root.subscribe({ error: () => undefined });
    root.start();
    const failed = fact(root, 'stream.failed');
    const asked = (await wire.next()).answer();
    asked.send('data: one\n\n');
    if (kind === 'network') {
      await asked.wanted();
      asked.breaks();
    }
    expect(await failed).toMatchObject({ failure: { kind } });
    expect(world.gate.status(key)).toMatchObject({ held: 0 });
  });
});

describe('a stream that waits at its gate', () => {
  it.each(table)('has left the queue at once when $fault', async ({ end, play }) => {
    const { gate, start } = scene({}, { waitMs: 60_000 });
    const taken = permitOf(gate.tryAcquire({ key }));
    const here = start();
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 1 });
    play(here);
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0 });
    taken.release();
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 0 });
    expect(here.told.ends.map(({ type }) => type)).toEqual(end === null ? [] : [end]);
    expect(here.wire.requests).toEqual([]);
  });

  it('gives a permit back that is granted while it is cancelled', async () => {
    const { gate, start } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const { stream, wire } = start();
    await settle();
    taken.release();
    stream.send({ type: 'stream.cancel' });
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 0, waiting: 0 });
    expect(wire.requests).toEqual([]);
  });
});

describe('a stream that its gate refuses has failed, and says why', () => {
  const failed = (code: string, more: object = {}) => [{ type: 'stream.failed', failure: { kind: 'gate', code, ...more } }];

  it('after waitMs, to the millisecond', async () => {
    const { gate, start } = scene({}, { waitMs: 70 });
    permitOf(gate.tryAcquire({ key }));
    const { clock, told, wire } = start();
    await settle();
    clock.advanceBy(69);
    await settle();
    expect(told.ends).toEqual([]);
    clock.advanceBy(1);
    await told.heard('end');
    expect(told.ends).toMatchObject(failed('timeout', { message: "no permit of 'model': timeout" }));
    expect(wire.requests).toEqual([]);
  });

  it.each([
    ['busy', {}, { waitMs: 0 }],
    ['full', { maxWaiting: 0 }, {}],
    ['overBudget', { permits: 2, rate: { requests: 1, windowMs: 500 } }, { waitMs: 0 }],
    ['disabled', { keys: { model: { permits: 0 } } }, {}],
    ['tooLarge', { rate: { tokens: 10 } }, { tokens: 11 }],
  ] as const)('%s', async (code, gateOptions, behind) => {
    const { gate, start } = scene(gateOptions, behind);
    gate.tryAcquire({ key });
    const { told, wire } = start();
    await told.heard('end');
    expect(told.ends).toMatchObject(failed(code, code === 'overBudget' ? { retryAfterMs: 500 } : {}));
    expect(wire.requests).toEqual([]);
  });

  it.each([
    ['is closed', ({ gate }: Gated) => void gate.close()],
    ['is killed', ({ gate }: Gated) => exit(gate.ref as AnyActorRef, 'kill')],
  ])('closed, where the gate %s while it waits', async (_, end) => {
    const { gate, start } = scene();
    permitOf(gate.tryAcquire({ key }));
    const here = start();
    await settle();
    end(here);
    await here.told.heard('end');
    expect(here.told.ends).toMatchObject(failed('closed'));
    expect(here.wire.requests).toEqual([]);
  });

  it('closed, where the gate had ended before: a loop over it throws that, and `ended` tells it', async () => {
    const { clock, gate } = gateWorld();
    const wire = new Wire();
    await gate.close();
    const late = openStream({ url, fetch: wire.fetch, clock, gate: { gate: () => gate, key } });
    expect(await late.ended()).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'closed' } });
    await expect(late[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'stream/ended', details: { kind: 'gate', code: 'closed' } });
    expect(wire.requests).toEqual([]);
  });

  it('also where no gate can be found', async () => {
    const world = gateWorld();
    const stream = openStream({ url, fetch: new Wire().fetch, clock: world.clock, gate: { gate: () => undefined as never, key } });
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'crash' } });
  });
});

describe('a stream that loses its permit has failed, and its request is aborted', () => {
  const losses: Readonly<Record<string, readonly [(world: Gated) => void, why: string]>> = {
    'its lease has run out': [({ clock }) => clock.advanceBy(90), 'expired'],
    'the gate is closed': [({ gate }) => void gate.close(), 'closed'],
    'the gate is killed': [({ gate }) => exit(gate.ref as AnyActorRef, 'kill'), 'closed'],
  };
  it.each(Object.entries(losses).flatMap(([loss, [play, why]]) => [false, true].map((hasBytes) => ({ loss, play, why, hasBytes }))))(
    '$loss, with bytes: $hasBytes',
    async ({ hasBytes, play, why }) => {
      const here = scene({}, { leaseMs: 90 }).start();
      const asked = await here.wire.next();
      if (hasBytes) {
        asked.answer().send('data: one\n\n');
        await here.told.heard('stream.event');
      }
      play(here);
      await here.told.heard('end');
      const message = `its permit of 'model' was lost: ${why}`;
      expect(here.told.ends).toMatchObject([{ type: 'stream.failed', failure: { kind: 'gate', code: 'lost', message } }]);
      await settle();
      expect([asked.isCancelled, here.wire.requests.length, here.told.ends.length]).toEqual([true, 1, 1]);
    },
  );
});

describe('the gate is told what became of each attempt', () => {
  const refused = (asked: Asked, status: number, headers: Record<string, string> = {}) => asked.answer(status, headers).end();

  it('429: its level goes down, the key pauses, and the next attempt is a request of its own, after the pause', async () => {
    const { gate, start } = scene({ permits: 4, adaptive: true, rate: { requests: 10 } });
    const { clock, stream, wire, told } = start();
    const retrying = fact(stream, 'stream.retrying');
    refused(await wire.next(), 429, { 'retry-after': '3' });
    expect(await retrying).toMatchObject({ delayMs: 3_000 });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 3_000, used: { requests: 1 } });
    expect(gate.tryAcquire({ key })).toMatchObject({ ok: false, reason: 'rateLimited' });
    clock.advanceBy(3_000);
    const again = await wire.next();
    expect(gate.status(key)).toMatchObject({ held: 1, used: { requests: 2 } });
    again.answer().send('data: a\n\n').end();
    await told.heard('end');
    expect(told.ends).toMatchObject([{ type: 'stream.completed' }]);
  });

  it('a pause that the service asks for by 503 is kept, and is no limit', async () => {
    const { gate, start } = scene({ permits: 4, adaptive: true });
    const { stream, wire } = start();
    const retrying = fact(stream, 'stream.retrying');
    refused(await wire.next(), 503, { 'retry-after': '3' });
    await retrying;
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 4, pauseMs: 3_000 });
  });

  it('a limit that is told in mid-stream counts as one', async () => {
    const world = gateWorld({ permits: 4, adaptive: true });
    const wire = new Wire();
    const request = { contents: [{ parts: [{ text: 'hi' }] }] };
    const outcome = streamGenerateContent({
      model: 'gemini',
      request,
      fetch: wire.fetch,
      clock: world.clock,
      gate: { gate: world.gate, key },
    }).answer();
    const error = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down' };
    (await wire.next())
      .answer()
      .send(`data: ${JSON.stringify({ error })}\n\n`)
      .end();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'serverError', code: 429 } });
    expect(world.gate.status(key)).toMatchObject({ held: 0, permits: 2 });
  });

  it('a success counts for the level, a failure for nothing', async () => {
    const { gate, start } = scene({ permits: 1, adaptive: { ceiling: 3 } });
    const first = start();
    (await first.wire.next()).answer(404).end();
    await first.told.heard('end');
    expect(gate.status(key)).toMatchObject({ permits: 1 });
    const wire = new Wire();
    const second = openStream({ url, fetch: wire.fetch, clock: first.clock, gate: { gate, key } }).drain();
    (await wire.next()).answer().send('data: a\n\n').end();
    expect(await second).toMatchObject({ ok: true });
    expect(gate.status(key)).toMatchObject({ permits: 2 });
  });

  it('an attempt that could not be made was none', async () => {
    const headers = () => Promise.reject(new Error('no token today'));
    const { gate, start } = scene({ rate: { requests: 5 } }, {}, { headers });
    const { told } = start();
    await told.heard('end');
    expect(told.ends).toMatchObject([{ failure: { kind: 'noCredentials' } }]);
    expect(gate.status(key)).toMatchObject({ held: 0, used: { requests: 0 } });
  });

  it('tokens: as many as the service says, where more or fewer were reserved', async () => {
    const world = gateWorld({ rate: { tokens: 1_000 } });
    const wire = new Wire();
    const request = { contents: [{ parts: [{ text: 'hi' }] }] };
    const outcome = generateContent({
      model: 'gemini',
      request,
      fetch: wire.fetch,
      clock: world.clock,
      gate: { gate: world.gate, key, tokens: 500 },
    });
    const asked = await wire.next();
    expect(world.gate.status(key)).toMatchObject({ held: 1, used: { tokens: 500 } });
    const candidates = [{ content: { role: 'model', parts: [{ text: 'ho' }] }, finishReason: 'STOP' }];
    asked
      .answer(200, { 'content-type': 'application/json' })
      .send(JSON.stringify({ candidates, usageMetadata: { totalTokenCount: 42 } }))
      .end();
    expect(await outcome).toMatchObject({ ok: true, answer: { text: 'ho' } });
    expect(world.gate.status(key)).toMatchObject({ held: 0, used: { tokens: 42, requests: 1 } });
  });
});

describe('what cannot be a gate', () => {
  const wire = new Wire();
  const request = { contents: [{ parts: [{ text: 'hi' }] }] };
  const starts: Readonly<Record<string, (gate: never) => unknown>> = {
    httpStream: (gate) => httpStream({ url, fetch: wire.fetch, gate }),
    openStream: (gate) => openStream({ url, fetch: wire.fetch, gate }),
    streamGenerateContent: (gate) => streamGenerateContent({ model: 'm', request, fetch: wire.fetch, gate }),
    generateContent: (gate) => generateContent({ model: 'm', request, fetch: wire.fetch, gate }),
    generateContentStream: (gate) => generateContentStream({ model: 'm', request, fetch: wire.fetch, gate }),
  };
  it.each(Object.entries(starts))('is refused by %s, before anything starts', (_, start) => {
    const { gate } = gateWorld();
    for (const option of [{ key }, { gate: {}, key }, { gate, key: '' }, { gate, key, waitMs: -1 }, { gate, key, wait: 1 }, 7]) {
      expect(() => start(option as never)).toThrow(expect.objectContaining({ code: 'gate/invalid-options' }));
    }
    expect(wire.requests).toEqual([]);
  });
});
