/** A creation is never asked for a second time while nobody knows whether the first one happened: not by the client, and not by whatever restarts it. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { interactions } from '../../src/interactions/client.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { supervisor } from '../../src/supervision/supervisors.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, Told, Wire } from '../stream/wire.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const json = { 'content-type': 'application/json' };
const sse = (payload: object): string => `data: ${JSON.stringify(payload)}\n\n`;
const created = sse({ event_type: 'interaction.created', interaction: { id: 'v1', status: 'in_progress' } });
const completed = sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'completed' } });

function scene(options: object = {}) {
  const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
  const retry = { attempts: 3, backoff: { minMs: 1, maxMs: 1, jitter: 0 } };
  const api = interactions({ fetch: wire.fetch, clock, retry, ...options });
  return { api, clock, logic: api.logic(request, { target: told.tell }), told, wire };
}

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe('the status of HTTP decides, and not what the body says of itself', () => {
  it.each([
    [504, 429],
    [500, 503],
    [500, 13],
    [503, 429],
    [408, 429],
    [302, 429],
  ])('HTTP %i with the code %i in its body is a creation in doubt', async (status, code) => {
    const { api, wire } = scene();
    const outcome = api.stream(request).answer();
    (await wire.next())
      .answer(status, json)
      .send(JSON.stringify({ error: { code, message: 'x' } }))
      .end();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'creationUnknown', code, httpStatus: status } });
    expect(wire.requests).toHaveLength(1);
  });

  it('HTTP 429 with another code in its body has taken nothing on: it is asked for again', async () => {
    const { api, clock, wire } = scene();
    const stream = api.stream(request);
    const outcome = stream.answer();
    const retrying = new Promise((resolve) => stream.ref.on('interaction.retrying', resolve));
    (await wire.next())
      .answer(429, json)
      .send(JSON.stringify({ error: { code: 500, message: 'x' } }))
      .end();
    await retrying;
    clock.advanceBy(1);
    (await wire.next()).answer().send(created + completed);
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('a refusal whose body hangs has refused, with its status', async () => {
    const { api, clock, wire } = scene();
    const stream = api.stream(request);
    const outcome = stream.answer();
    const asked = (await wire.next()).answer(400, json);
    const again = asked.wanted();
    asked.send('{"error":');
    await again;
    clock.advanceBy(5_000);
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'refused', code: 400 } });
  });

  it.each([
    { when: 'streamed', isWhole: false, by: { totalMs: 300 } },
    { when: 'whole', isWhole: true, by: { totalMs: 300 } },
    { when: 'streamed, by its silence', isWhole: false, by: { stallMs: 300 } },
  ])('a refusal whose body hangs until its time has passed has refused, as far as it said why: $when', async ({ by, isWhole }) => {
    const { api, clock, wire } = scene(by);
    const outcome = isWhole ? api.create(request) : api.stream(request).answer();
    const asked = (await wire.next()).answer(400, json);
    const more = asked.wanted();
    asked.send('{"error":{"code":400,"message":"no such model","status":"INVALID_ARGUMENT"}}');
    await more;
    clock.advanceBy(300);
    const failure = { kind: 'refused', code: 400, httpStatus: 400, status: 'INVALID_ARGUMENT', message: 'no such model' };
    expect(await outcome).toMatchObject({ ok: false, failure });
    expect(clock.pending()).toBe(0);
  });

  it('a status that does not tell leaves it in doubt, whose body hangs until its time has passed', async () => {
    const { api, clock, wire } = scene({ totalMs: 300 });
    const outcome = api.stream(request).answer();
    const asked = (await wire.next()).answer(503, json);
    const more = asked.wanted();
    asked.send('{"error":');
    await more;
    clock.advanceBy(300);
    expect(await outcome).toMatchObject({ failure: { kind: 'creationUnknown', code: 503, httpStatus: 503 } });
  });

  it.each(['cancelled', 'killed'])('a refusal whose body hangs is known, though it is %s meanwhile: its place may ask again', async (how) => {
    const { logic, told, wire } = scene();
    const parent = setup({ actors: { ask: logic } }).createMachine({
      ...{ id: 'parent', initial: 'asking', on: { again: '.asking' } },
      states: { asking: { invoke: { id: 'ask', src: 'ask', onDone: 'idle', onError: 'idle' } }, idle: {} },
    });
    const root = createActor(parent).start();
    stops.push(() => root.stop());
    const asked = (await wire.next()).answer(400, json);
    const more = asked.wanted();
    asked.send('{"error":');
    await more;
    const [one] = childrenOf(root);
    if (how === 'cancelled') one?.send({ type: 'stream.cancel' });
    else if (one !== undefined) exit(one, 'kill');
    await told.heard('end');
    root.send({ type: 'again' });
    (await wire.next()).answer().send(created + completed);
    await told.heard('stream.completed');
  });
});

/** How a creation may end without anybody knowing what became of it. */
const doubts: Readonly<Record<string, (asked: Asked) => unknown>> = {
  'the connection breaks': (asked) => asked.breaks(),
  'a gateway says 502': (asked) => asked.answer(502).end(),
  'an error comes in mid-stream, before its id': (asked) => asked.answer().send(sse({ event_type: 'error', error: { code: 500, message: 'oh' } })),
};

describe('a supervised creation', () => {
  it.each(Object.keys(doubts).flatMap((doubt) => (['permanent', 'transient', 'temporary'] as const).map((restart) => ({ doubt, restart }))))(
    'is asked for once when $doubt, though it is $restart',
    async ({ doubt, restart }) => {
      const { clock, logic, told, wire } = scene();
      const app = orchestrator({ actors: { ask: logic }, children: [{ id: 'ask', src: 'ask', restart }] }).start({ clock });
      stops.push(() => app.stop());
      const asked = await wire.next();
      doubts[doubt]?.(asked);
      // A permanent one is started again, and told the same each time, until its supervisor gives up.
      if (restart === 'permanent') await app.ended();
      else await told.heard('end');
      clock.advanceBy(10_000);
      expect(wire.requests).toHaveLength(1);
      const [first, ...later] = told.ends;
      expect(first).toMatchObject({ type: 'stream.failed', failure: { kind: doubt.startsWith('an error') ? 'serverError' : 'creationUnknown' } });
      for (const end of later) expect(end).toMatchObject({ failure: { kind: 'creationUnknown', message: /not asked for again/ } });
      expect(later.length).toBe(restart === 'permanent' ? 3 : doubt.startsWith('an error') && restart === 'transient' ? 1 : 0);
    },
  );

  it('that is killed before its answer is not asked for again by its restart', async () => {
    const { clock, logic, told, wire } = scene();
    const app = orchestrator({ actors: { ask: logic }, children: [{ id: 'ask', src: 'ask', restart: 'transient' }] }).start({ clock });
    stops.push(() => app.stop());
    await wire.next();
    const child = app.child('ask');
    exit(child as never, 'kill');
    await told.heard('end');
    expect(wire.requests).toHaveLength(1);
    expect(told.ends.at(-1)).toMatchObject({ failure: { kind: 'creationUnknown' } });
  });

  it('is not asked for again when a supervisor in between is restarted', async () => {
    const { clock, logic, told, wire } = scene();
    const inner = supervisor({ actors: { ask: logic }, children: [{ id: 'ask', src: 'ask', restart: 'transient' }] });
    const app = orchestrator({ actors: { inner }, children: [{ id: 'inner', src: 'inner' }] }).start({ clock });
    stops.push(() => app.stop());
    await wire.next();
    exit(app.child('inner') as never, 'kill');
    await told.heard('end');
    clock.advanceBy(10);
    expect(wire.requests).toHaveLength(1);
    expect(told.ends.at(-1)).toMatchObject({ failure: { kind: 'creationUnknown' } });
  });

  it('is asked for again where the server has taken nothing on, or its first one is known', async () => {
    const { clock, logic, told, wire } = scene();
    const app = orchestrator({ actors: { ask: logic }, children: [{ id: 'ask', src: 'ask', restart: 'transient' }] }).start({ clock });
    stops.push(() => app.stop());
    (await wire.next()).answer(403, json).end();
    const second = await wire.next();
    second.answer().send(created + sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'failed' } }));
    (await wire.next()).answer().send(created + completed);
    await told.heard('stream.completed');
    expect(told.ends.map(({ type }) => type)).toEqual(['stream.failed', 'stream.failed', 'stream.completed']);
  });

  it('restored from a snapshot that is older than its id is in doubt', async () => {
    const { clock, logic, wire } = scene();
    const ref = createActor(logic, { clock }).start();
    await wire.next();
    const snapshot = JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as never;
    ref.stop();
    const again = createActor(logic, { clock, snapshot });
    const ended = new Promise((resolve) => again.subscribe({ complete: () => resolve(again.getSnapshot().output) }));
    again.start();
    expect(await ended).toMatchObject({ 'espalier.exit': ['shutdown', { kind: 'creationUnknown' }] });
    expect(wire.requests).toHaveLength(1);
  });
});

describe('a tree that is restored', () => {
  it('asks for no creation that was under way, though its child is permanent', async () => {
    const { clock, logic, told, wire } = scene();
    const tree = orchestrator({ actors: { ask: logic }, children: [{ id: 'ask', src: 'ask', restart: 'permanent' }] });
    const app = tree.start({ clock });
    await wire.next();
    const snapshot = JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as unknown;
    await app.stop();
    const again = tree.start({ clock, snapshot });
    await again.ended();
    clock.advanceBy(10_000);
    expect(wire.requests).toHaveLength(1);
    expect(told.ends.slice(1).every((end) => 'failure' in end && end.failure.kind === 'creationUnknown')).toBe(true);
    expect(told.ends.length).toBeGreaterThan(2);
  });
});

describe('a machine of the app that asks again', () => {
  it('by the same logic at the same place is told that it is in doubt; by another logic it asks anew', async () => {
    const { api, clock, logic, told, wire } = scene();
    const machine = setup({ actors: { one: logic, other: api.logic(request, { target: told.tell }) } }).createMachine({
      id: 'asker',
      initial: 'one',
      states: {
        one: { invoke: { id: 'ask', src: 'one', onDone: 'again' } },
        again: { invoke: { id: 'ask', src: 'one', onDone: 'other' } },
        other: { invoke: { id: 'ask', src: 'other', onDone: 'end' } },
        end: {},
      },
    });
    const root = createActor(machine, { clock }).start();
    stops.push(() => root.stop());
    (await wire.next()).breaks();
    (await wire.next()).answer().send(created + completed);
    await told.heard('stream.completed');
    expect(wire.requests).toHaveLength(2);
    expect(told.ends.map((end) => ('failure' in end ? end.failure.kind : end.type))).toEqual([
      ...['creationUnknown', 'creationUnknown', 'stream.completed'],
    ]);
    expect(childrenOf(root)).toEqual([]);
  });
});
