/** Interactions behind a gate: each request for events waits for a permit, and it is back however that ends. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, type InspectionEvent, setup } from 'xstate';
import type { BehindGate } from '../../src/gate/behind.js';
import type { GateOptions } from '../../src/gate/options.js';
import { interactions } from '../../src/interactions/client.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf, parentOf } from '../../src/supervision/xstate-internals.js';
import { type GateWorld, gateWorld, leaveNothing, permitOf, settle } from '../gate/gate-world.js';
import { fact, Told, Wire } from '../stream/wire.js';

const key = 'model';
const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const totalMs = 10_000;
const json = { 'content-type': 'application/json' };

const sse = (payload: object): string => `data: ${JSON.stringify(payload)}\n\n`;
const created = (eventId?: string): string =>
  sse({
    event_type: 'interaction.created',
    interaction: { id: 'v1', status: 'in_progress' },
    ...(eventId === undefined ? {} : { event_id: eventId }),
  });
const completed = (usage?: object): string =>
  sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'completed', ...(usage === undefined ? {} : { usage }) } });

const wires: Wire[] = [];

/** A client behind a gate. */
function scene(gateOptions: GateOptions = {}, behind: Partial<BehindGate> = {}) {
  const world = gateWorld({ permits: 1, ...gateOptions });
  const wire = new Wire();
  wires.push(wire);
  const api = interactions({
    ...{ fetch: wire.fetch, clock: world.clock, connectMs: 100, stallMs: 200, totalMs, pollMs: 50 },
    retry: { attempts: 3, maxRetryAfterMs: 5_000, backoff: { minMs: 50, maxMs: 50, jitter: 0 } },
    gate: { gate: world.gate, key, ...behind },
  });
  return { ...world, wire, api };
}

afterEach(async () => {
  for (const { requests } of wires.splice(0)) for (const { isCancelled } of requests) expect(isCancelled).toBe(true);
  await leaveNothing();
});

/** An interaction in a tree, told to an actor. */
function inTree(here: ReturnType<typeof scene>, inspect: (event: InspectionEvent) => void = () => undefined) {
  const told = new Told();
  const [target, controller] = [told.actor(), new AbortController()];
  const talk = here.api.logic(request, { target, signal: controller.signal });
  const parent = setup({ actors: { talk } }).createMachine({ id: 'parent', invoke: { id: 'talk', src: 'talk', onError: {} } });
  const root = createActor(parent, { clock: here.clock, inspect }).start();
  const [stream] = childrenOf(root) as [AnyActorRef];
  const end = (): void => {
    root.stop();
    target.stop();
  };
  return { ...here, told, target, controller, root, stream, end };
}
type InTree = ReturnType<typeof inTree>;

const stateOf = (stream: AnyActorRef): unknown => (stream.getSnapshot() as { value: unknown }).value;
const childNamed = (stream: AnyActorRef, id: string) => childrenOf(stream).find((child) => child.id === id) as AnyActorRef;

const faults: Readonly<Record<string, readonly [(tree: InTree) => void, end: string | null]>> = {
  'the app cancels it': [({ stream }) => stream.send({ type: 'stream.cancel' }), 'stream.cancelled'],
  'its signal aborts': [({ controller }) => controller.abort(), 'stream.cancelled'],
  'a supervisor shuts it down': [({ stream }) => stream.send({ type: 'supervisor.shutdown' }), 'stream.cancelled'],
  'its actor is killed': [({ stream }) => exit(stream, 'kill'), 'stream.failed'],
  'its request is killed': [({ stream }) => exit(childNamed(stream, 'exchange'), 'kill'), 'stream.failed'],
  'its delivery is killed': [({ stream }) => exit(childNamed(stream, 'delivery'), 'kill'), 'stream.failed'],
  'the whole tree is stopped': [({ root }) => root.stop(), 'stream.cancelled'],
  'all its time has passed': [({ clock }) => clock.advanceBy(totalMs), 'stream.failed'],
  'its target dies': [({ target }) => target.stop(), null],
};
const table = Object.entries(faults).map(([fault, [play, end]]) => ({ fault, play, end }));

describe('an interaction behind a gate', () => {
  it.each(['streamed', 'whole'])('asks for nothing until it has its permit, and gives it back when it is over: %s', async (how) => {
    const { api, clock, gate, wire } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const outcome = how === 'streamed' ? api.create(request, { stream: true }).answer() : api.create(request);
    await settle();
    clock.advanceBy(5_000);
    expect([wire.requests.length, gate.status(key)]).toMatchObject([0, { held: 1, waiting: 1 }]);
    taken.release();
    const asked = await wire.next();
    clock.advanceBy(99);
    expect([asked.isCancelled, gate.status(key)]).toMatchObject([false, { held: 1, waiting: 0 }]);
    if (how === 'streamed') asked.answer().send(created() + completed());
    else
      asked
        .answer(200, json)
        .send(JSON.stringify({ id: 'v1', status: 'completed', steps: [] }))
        .end();
    expect(await outcome).toMatchObject({ ok: true, answer: { id: 'v1' } });
    expect(gate.status(key)).toMatchObject({ held: 0 });
  });

  it('whose gate is closed as it is granted has asked for nothing, and nothing is in doubt', async () => {
    const { api, gate, wire } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const outcome = api.create(request, { stream: true }).answer();
    await settle();
    taken.release();
    void gate.close();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'lost' } });
    expect(wire.requests).toEqual([]);
  });

  it.each(['cancelled', 'out of time'])('tells of a 429 whose body never ends, though it is %s before', async (how) => {
    const tree = inTree(scene({ permits: 4, adaptive: true }));
    const { clock, end, gate, stream, wire } = tree;
    (await wire.next()).answer(429, { ...json, 'retry-after': '30' });
    await settle();
    if (how === 'cancelled') stream.send({ type: 'stream.cancel' });
    else clock.advanceBy(totalMs);
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2 });
    expect(gate.status(key)?.pauseMs).toBeGreaterThan(0);
    end();
  });

  it('has the gate of the call, where that names one', async () => {
    const { api, gate, wire } = scene();
    const outcome = api.create(request, { gate: { gate, key: 'another' } });
    const asked = await wire.next();
    expect([gate.status(key), gate.status('another')]).toMatchObject([null, { held: 1 }]);
    asked.answer(404, json).send('{}').end();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'refused' } });
    expect(gate.status('another')).toMatchObject({ held: 0 });
  });

  it.each(table.flatMap((row) => [false, true].map((hasEvents) => ({ ...row, hasEvents }))))(
    'has given it back when $fault, after events: $hasEvents',
    async ({ end, hasEvents, play }) => {
      const tree = inTree(scene());
      const asked = await tree.wire.next();
      if (hasEvents) {
        asked.answer().send(created());
        await tree.told.heard('stream.event');
      }
      expect(tree.gate.status(key)).toMatchObject({ held: 1 });
      play(tree);
      await settle();
      expect(tree.gate.status(key)).toMatchObject({ held: 0 });
      expect(tree.told.ends.map(({ type }) => type)).toEqual(end === null ? [] : [end]);
      tree.end();
    },
  );

  it('asks for nothing when it has ended right behind its grant', async () => {
    const { end, gate, stream, told, wire } = inTree(scene());
    const { unsubscribe } = stream.subscribe((snapshot: { value: unknown }) => {
      if (JSON.stringify(snapshot.value).includes('asking')) queueMicrotask(() => exit(stream, 'kill'));
    });
    await settle();
    await settle();
    unsubscribe();
    expect([wire.requests.length, gate.status(key)]).toMatchObject([0, { held: 0 }]);
    expect(told.ends.map(({ type }) => type)).toEqual(['stream.failed']);
    end();
  });

  it('leaves no request when it has ended in the midst of its beginning', async () => {
    let hasBegun = false;
    const { clock, end, gate, told, wire } = inTree(scene(), ({ actorRef, type }) => {
      const { id } = actorRef as AnyActorRef;
      if (type !== '@xstate.snapshot' || id !== 'stream' || hasBegun) return;
      hasBegun = true;
      parentOf(parentOf(actorRef as AnyActorRef) as AnyActorRef)?.send({ type: 'stream.cancel' });
    });
    await settle();
    await settle();
    expect([wire.requests.length, gate.status(key), clock.pending()]).toMatchObject([0, { held: 0 }, 0]);
    expect(told.ends.map(({ type }) => type)).toEqual(['stream.cancelled']);
    end();
  });

  it('holds none while it backs off, and none while it is polled', async () => {
    const { api, clock, gate, wire } = scene();
    const stream = api.stream(request);
    const outcome = stream.answer();
    const retrying = fact(stream.ref, 'interaction.retrying');
    const asked = (await wire.next()).answer();
    asked.send(created());
    await fact(stream.ref, 'interaction.known');
    asked.breaks();
    expect(await retrying).toMatchObject({ ask: 'poll' });
    const taken = permitOf(gate.tryAcquire({ key }));
    clock.advanceBy(50);
    (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed","steps":[]}').end();
    expect(await outcome).toMatchObject({ ok: true });
    taken.release();
  });

  it('goes on behind the last event with a permit of its own', async () => {
    const { api, clock, gate, wire } = scene({ rate: { requests: 5 } });
    const stream = api.stream(request);
    const outcome = stream.answer();
    const retrying = fact(stream.ref, 'interaction.retrying');
    const asked = (await wire.next()).answer();
    asked.send(created('e1')).end();
    expect(await retrying).toMatchObject({ ask: 'resume' });
    const taken = permitOf(gate.tryAcquire({ key }));
    clock.advanceBy(50);
    await settle();
    expect([stateOf(stream.ref), gate.status(key)]).toMatchObject([{ active: { exchanging: 'atGate' } }, { waiting: 1 }]);
    taken.release({ outcome: 'unused' });
    (await wire.next()).answer().send(completed());
    expect(await outcome).toMatchObject({ ok: true });
    expect(gate.status(key)).toMatchObject({ held: 0, used: { requests: 2 } });
  });

  it('lets questions, cancellations and deletions pass: they wait for nobody', async () => {
    const { api, gate, wire } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const answers = [api.get('v1'), api.cancel('v1'), api.delete('v1'), api.waitForCompletion('v1')];
    for (const _ of answers) (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed"}').end();
    for (const answer of answers) expect(await answer).toMatchObject({ ok: true });
    taken.release();
  });
});

describe('an interaction that waits at its gate', () => {
  it.each(table)('has left the queue at once when $fault, and nobody is in doubt of what was never asked', async ({ end, play }) => {
    const here = scene();
    const taken = permitOf(here.gate.tryAcquire({ key }));
    const tree = inTree(here);
    await settle();
    expect([stateOf(tree.stream), here.gate.status(key)]).toMatchObject([{ active: { exchanging: 'atGate' } }, { held: 1, waiting: 1 }]);
    play(tree);
    expect(here.gate.status(key)).toMatchObject({ held: 1, waiting: 0 });
    taken.release();
    await settle();
    expect(here.gate.status(key)).toMatchObject({ held: 0 });
    expect(tree.told.ends.map(({ type }) => type)).toEqual(end === null ? [] : [end]);
    expect(JSON.stringify(tree.told.ends)).not.toContain('creationUnknown');
    expect(here.wire.requests).toEqual([]);
    tree.end();
  });

  it.each([
    ['timeout', {}, { waitMs: 70 }],
    ['busy', {}, { waitMs: 0 }],
    ['full', { maxWaiting: 0 }, {}],
  ] as const)('has failed when it is refused: %s', async (code, gateOptions, behind) => {
    const { api, clock, gate, wire } = scene(gateOptions, behind);
    permitOf(gate.tryAcquire({ key }));
    const outcome = api.create(request);
    await settle();
    clock.advanceBy(70);
    const message = `no permit of 'model': ${code}`;
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'gate', code, message }, partial: { id: null } });
    expect(wire.requests).toEqual([]);
  });

  it.each([
    ['is closed', ({ gate }: GateWorld) => void gate.close()],
    ['is killed', ({ gate }: GateWorld) => exit(gate.ref as AnyActorRef, 'kill')],
  ])('has failed when the gate %s', async (_, end) => {
    const here = scene();
    permitOf(here.gate.tryAcquire({ key }));
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    await settle();
    end(here);
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'closed' } });
  });
});

describe('an interaction that loses its permit', () => {
  const losses = [
    ['its lease has run out', ({ clock }: GateWorld) => clock.advanceBy(90), 'expired'],
    ['the gate is closed', ({ gate }: GateWorld) => void gate.close(), 'closed'],
    ['the gate is killed', ({ gate }: GateWorld) => exit(gate.ref as AnyActorRef, 'kill'), 'closed'],
  ] as const;

  it.each(losses)('has failed, and can be gone on with by its id: %s', async (_, play, why) => {
    const here = scene({}, { leaseMs: 90 });
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    const asked = (await here.wire.next()).answer();
    asked.send(created('e1'));
    await fact(stream.ref, 'interaction.known');
    play(here);
    const message = `its permit of 'model' was lost: ${why}`;
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'lost', message }, partial: { id: 'v1', lastEventId: 'e1' } });
    expect([asked.isCancelled, here.wire.requests.length]).toEqual([true, 1]);
  });

  it.each(losses)('while it is being created has left in doubt whether it was: %s', async (_, play, why) => {
    const here = scene({}, { leaseMs: 90 });
    const outcome = here.api.create(request);
    await here.wire.next();
    play(here);
    const message = `whether it was created is not known (gate): its permit of 'model' was lost: ${why}`;
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'creationUnknown', code: 'lost', message } });
    expect(here.wire.requests).toHaveLength(1);
  });

  it.each(losses)('while a refusal of its creation is read has been refused, for good: %s', async (_, play) => {
    const here = scene({}, { leaseMs: 90 });
    const outcome = here.api.create(request);
    const asked = (await here.wire.next()).answer(429, json);
    const more = asked.wanted();
    asked.send('{"error":{"code":429,"message":"slow down"}}');
    await more;
    play(here);
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'refused', code: 429, message: 'slow down' } });
    expect(asked.isCancelled).toBe(true);
  });
});

describe('the gate is told what became of an interaction', () => {
  it('429: its level goes down, the key pauses, and it is created by a second request after that', async () => {
    const { api, clock, gate, wire } = scene({ permits: 4, adaptive: true, rate: { requests: 10 } });
    const stream = api.stream(request);
    const outcome = stream.answer();
    const retrying = fact(stream.ref, 'interaction.retrying');
    (await wire.next())
      .answer(429, { ...json, 'retry-after': '3' })
      .send('{}')
      .end();
    expect(await retrying).toMatchObject({ ask: 'create', delayMs: 3_000 });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 3_000, used: { requests: 1 } });
    clock.advanceBy(3_000);
    (await wire.next()).answer().send(created() + completed());
    expect(await outcome).toMatchObject({ ok: true });
    expect(gate.status(key)).toMatchObject({ held: 0, used: { requests: 2 } });
  });

  it('a success counts for its level, with the tokens that the service says', async () => {
    const { api, gate, wire } = scene({ permits: 1, adaptive: { ceiling: 2 }, rate: { tokens: 1_000 } }, { tokens: 500 });
    const outcome = api.stream(request).answer();
    (await wire.next()).answer().send(created() + completed({ total_tokens: 42 }));
    expect(await outcome).toMatchObject({ ok: true });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, used: { tokens: 42 } });
  });

  it('an interaction that failed counts for nothing', async () => {
    const { api, gate, wire } = scene({ permits: 1, adaptive: { ceiling: 2 } });
    const outcome = api.stream(request).answer();
    (await wire.next()).answer().send(created() + sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'failed' } }));
    expect(await outcome).toMatchObject({ ok: false });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 1 });
  });

  it('a request that could not be made was none', async () => {
    const { clock, gate } = gateWorld({ rate: { requests: 5 } });
    const vertex = { project: 'p', location: 'l', accessToken: () => Promise.reject(new Error('no token today')) };
    const outcome = await interactions({ vertex, clock, gate: { gate, key } }).create(request);
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'noCredentials' } });
    expect(gate.status(key)).toMatchObject({ held: 0, used: { requests: 0 } });
  });
});

describe('what cannot be a gate', () => {
  const wrong = (gate: unknown) => [{ key }, { gate: {}, key }, { gate, key: '' }, { gate, key, waitMs: -1 }, { gate, key, wait: 1 }, 7];

  it('is refused by a client, and by each call that may have one, before anything starts', () => {
    const { api, gate, wire } = scene();
    const refused = expect.objectContaining({ code: 'gate/invalid-options' }) as Error;
    for (const option of wrong(gate) as never[]) {
      expect(() => interactions({ gate: option })).toThrow(refused);
      expect(() => api.create(request, { gate: option })).toThrow(refused);
      expect(() => api.create(request, { stream: true, gate: option })).toThrow(refused);
      expect(() => api.stream(request, { gate: option })).toThrow(refused);
      expect(() => api.resume('v1', { gate: option })).toThrow(refused);
      expect(() => api.logic(request, { gate: option })).toThrow(refused);
    }
    expect(wire.requests).toEqual([]);
  });

  it('is none of a question', () => {
    const { api, gate } = scene();
    const call = { gate: { gate, key } } as never;
    const refused = expect.objectContaining({ code: 'interactions/invalid-options' }) as Error;
    expect(() => api.get('v1', call)).toThrow(refused);
    expect(() => api.cancel('v1', call)).toThrow(refused);
    expect(() => api.delete('v1', call)).toThrow(refused);
    expect(() => api.waitForCompletion('v1', call)).toThrow(refused);
  });
});
