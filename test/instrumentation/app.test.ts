/** The telemetry of an app: what its tree does, as metrics, logs and facts for handlers; and telemetry that fails, or dies, harms nobody. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, createActor, emit, fromCallback, setup } from 'xstate';
import { createEventStore } from '../../src/event-store/handle.js';
import { deadLetters } from '../../src/events/dead-letters.js';
import { createGate } from '../../src/gate/handle.js';
import { countDeadLetters } from '../../src/instrumentation/dead-letter-count.js';
import { type FactNews, instrument } from '../../src/instrumentation/instrument.js';
import type { InstrumentationOptions } from '../../src/instrumentation/options.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { telemetryWorld, type TelemetryWorld } from './telemetry-world.js';

const worlds: TelemetryWorld[] = [];
const apps: App[] = [];
let printed: unknown[][] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'error').mockImplementation((...words) => void printed.push(words));
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  for (const world of worlds.splice(0)) await world.close();
});

const idle = fromCallback(() => undefined);
const town = setup({ types: { emitted: {} as { type: 'town.flooded'; where: string }, events: {} as { type: 'rain' } } }).createMachine({
  id: 'town',
  on: { rain: { actions: emit({ type: 'town.flooded', where: 'the old bridge' }) } },
});

async function grow(options: InstrumentationOptions = {}, level: 'debug' | 'info' = 'debug') {
  const world = telemetryWorld(options, level);
  worlds.push(world);
  const app = orchestrator({
    intensity: 2,
    actors: { telemetry: world.telemetry.logic, worker: idle, town },
    children: ['telemetry', 'worker', 'town'].map((id) => ({ id, src: id as 'worker' })),
  }).start({ clock: world.clock });
  apps.push(app);
  expect(await app.started()).toEqual({ ok: true });
  return { ...world, app, metrics: world.telemetry.metrics, child: (id: string) => app.child(id) as AnyActorRef };
}

describe('an app', () => {
  it('is counted: its actors, its restarts and why, and who gave up', async () => {
    const { app, child, metrics } = await grow();
    const before = metrics.valueOf('espalier.actor.count');
    expect(metrics.valueOf('espalier.actor.count', { machine: 'town' })).toBe(1);
    exit(child('worker'), { crash: new Error('lost') });
    exit(child('town'), 'killed');
    expect(metrics.valueOf('espalier.actor.count')).toBe(before);
    expect(metrics.valueOf('espalier.supervisor.restarts', { strategy: 'oneForOne', reason: 'crash' })).toBe(1);
    expect(metrics.valueOf('espalier.supervisor.restarts', { strategy: 'oneForOne', reason: 'killed' })).toBe(1);
    expect(metrics.valueOf('espalier.actor.ended', { machine: 'town', reason: 'killed' })).toBe(1);
    const gone = app.ended();
    exit(child('worker'), { crash: new Error('lost') });
    await gone;
    expect(metrics.valueOf('espalier.supervisor.intensity_exceeded', { strategy: 'oneForOne' })).toBe(1);
  });

  it('has no more actors counted when it has stopped', async () => {
    const { app, metrics } = await grow();
    await app.stop();
    expect(metrics.valueOf('espalier.actor.count')).toBe(0);
  });

  it('is logged: what happens, at its level, whose it is, and which incarnation', async () => {
    const { child, lines } = await grow();
    exit(child('worker'), { crash: Object.assign(new Error('the key is ?key=abcdef'), { apiKey: 'k-1' }) });
    const restarted = lines.find(({ event }) => event === 'child.restarted');
    expect(restarted).toMatchObject({ level: 'warn', actor: 'app', incarnation: 1, id: 'worker', run: 2, attempt: 1, msg: 'a new incarnation runs' });
    expect(JSON.stringify(lines)).not.toMatch(/abcdef|k-1/);
  });

  it('writes no line below the level of its log', async () => {
    const { child, lines } = await grow({}, 'info');
    exit(child('worker'), 'killed');
    expect(lines.map(({ event }) => event)).toEqual(['child.exited', 'child.restarted']);
  });

  it('has facts of its own counted without their names, logged without what is in them, and told whole to handlers', async () => {
    const { child, lines, metrics, telemetry } = await grow();
    const news: FactNews[] = [];
    telemetry.handlers.attach('mine', 'town.*', (fact) => news.push(fact));
    child('town').send({ type: 'rain' });
    expect(metrics.valueOf('espalier.facts', { fact: '__other__' })).toBe(1);
    expect(lines.at(-1)).toEqual({
      actor: 'app/pool/town',
      incarnation: 1,
      event: 'town.flooded',
      level: 'debug',
      time: 0,
      msg: 'a fact of the app',
    });
    expect(news.map(({ actor, fact, machine }) => [actor, fact, machine])).toEqual([
      ['app/pool/town', { type: 'town.flooded', where: 'the old bridge' }, 'town'],
    ]);
  });

  it('says of one that was restarted which incarnation it is', async () => {
    const { child, telemetry } = await grow();
    const seen: [string, number][] = [];
    telemetry.handlers.attach('mine', 'town.*', ({ actor, incarnation }) => seen.push([actor, incarnation]));
    exit(child('town'), 'killed');
    child('town').send({ type: 'rain' });
    expect(seen).toEqual([['app/pool/town#2', 2]]);
  });
});

describe('telemetry', () => {
  it('that is killed comes back with all that it had counted, and counts on', async () => {
    const { child, metrics } = await grow();
    exit(child('worker'), 'killed');
    const facts = metrics.valueOf('espalier.facts');
    const actors = metrics.valueOf('espalier.actor.count');
    exit(child('telemetry'), 'killed');
    expect(metrics.valueOf('espalier.actor.count')).toBe(actors);
    expect(metrics.valueOf('espalier.facts')).toBeGreaterThanOrEqual(facts);
    expect(metrics.valueOf('espalier.supervisor.restarts')).toBeGreaterThanOrEqual(1);
    child('town').send({ type: 'rain' });
    expect(metrics.valueOf('espalier.facts', { fact: '__other__' })).toBe(1);
  });

  it('is told by a handler that throws once: that one is detached, reported, and in nobody’s way', async () => {
    const { child, lines, metrics, telemetry } = await grow();
    const heard: string[] = [];
    telemetry.handlers.attach('broken', 'town.*', () => {
      throw new TypeError('with a word of the prompt');
    });
    telemetry.handlers.attach('whole', ['town.*', 'telemetry.*'], ({ type }) => heard.push(type));
    const emitted: unknown[] = [];
    child('telemetry').on('telemetry.handlerDetached', (fact) => emitted.push(fact));
    child('town').send({ type: 'rain' });
    child('town').send({ type: 'rain' });
    expect(heard).toEqual(['telemetry.handlerDetached', 'town.flooded', 'town.flooded']);
    expect(emitted).toEqual([{ type: 'telemetry.handlerDetached', id: 'broken', at: 'town.flooded', error: 'TypeError' }]);
    expect(telemetry.handlers.ids()).toEqual(['whole']);
    expect(metrics.valueOf('espalier.telemetry.faults', { where: 'a handler' })).toBe(1);
    expect(lines.find(({ event }) => event === 'telemetry.handlerDetached')).toMatchObject({ level: 'error', id: 'broken' });
    expect(printed).toHaveLength(1);
  });

  it('with a logger, a tracer and a meter that throw at everything harms no app, and tells each once', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const instrumentOf = { add: fail, record: fail };
    const broken = instrument({
      logger: { level: 'debug', child: fail, debug: fail, info: fail, warn: fail, error: fail },
      opentelemetry: { context: { active: fail }, trace: { getTracer: () => ({ startSpan: fail }), setSpan: fail } },
      meter: {
        createCounter: () => instrumentOf,
        createUpDownCounter: () => instrumentOf,
        createGauge: () => instrumentOf,
        createHistogram: () => instrumentOf,
      },
    });
    const told: unknown[] = [];
    broken.handlers.attach('mine', 'telemetry.faulted', ({ fact }) => told.push((fact as { where?: unknown }).where));
    const app = orchestrator({
      actors: { telemetry: broken.logic, town },
      children: ['telemetry', 'town'].map((id) => ({ id, src: id as 'town' })),
    }).start();
    apps.push(app);
    expect(await app.started()).toEqual({ ok: true });
    for (let n = 0; n < 3; n++) (app.child('town') as AnyActorRef).send({ type: 'rain' });
    expect(broken.metrics.valueOf('espalier.facts', { fact: '__other__' })).toBe(3);
    expect(told.filter((where) => where === 'the logger')).toHaveLength(1);
    expect(new Set(told).size).toBe(told.length);
  });

  it('is told, by one that has no room for more series, of which instrument', async () => {
    const { lines, telemetry } = await grow();
    const counter = telemetry.metrics.counter('town.visits', { about: 'visits', labels: ['who'], maxSeries: 1 });
    for (const who of ['a', 'b', 'c']) counter.add(1, { who });
    expect(lines.filter(({ event }) => event === 'telemetry.overflowed')).toEqual([
      expect.objectContaining({ level: 'warn', name: 'town.visits', maxSeries: 1 }),
    ]);
  });

  it('watches a system that runs from then on, and lets go of it', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    const root = createActor(town, { clock: world.clock }).start();
    const { metrics } = world.telemetry;
    const [first, second] = [world.telemetry.attach(root), world.telemetry.attach(root)];
    root.send({ type: 'rain' });
    expect([metrics.valueOf('espalier.actor.count'), metrics.valueOf('espalier.facts')]).toEqual([1, 1]);
    first.detach();
    first.detach();
    root.send({ type: 'rain' });
    expect(metrics.valueOf('espalier.facts')).toBe(2);
    second.detach();
    root.send({ type: 'rain' });
    expect([metrics.valueOf('espalier.actor.count'), metrics.valueOf('espalier.facts')]).toEqual([0, 2]);
    root.stop();
  });

  it.each([
    ['a misspelt option', { tracr: {} }],
    ['a tracer without the API', { tracer: { startSpan: () => undefined } }],
    ['an API that is none', { opentelemetry: {} }],
    ['a meter beside metrics', { metrics: createMetrics(), meter: { createCounter: () => undefined } }],
    ['a logger that is none', { logger: console }],
    ['an actor that is none', { actor: {} }],
    ['a secret too short', { secrets: ['abc'] }],
  ])('with %s is refused', (_, options) => {
    expect(() => instrument(options as never)).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
  });
});

describe('services', () => {
  it('are measured: waits and refusals of a gate', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    const { metrics } = world.telemetry;
    await using gate = createGate({ permits: 1 }, { clock: world.clock });
    world.telemetry.attach(gate.ref as AnyActorRef);
    const held = await gate.acquire({ key: 'model' });
    const waiting = gate.acquire({ key: 'model', waitMs: 10_000 });
    expect(await gate.acquire({ key: 'model', waitMs: 0 })).toMatchObject({ ok: false, reason: 'busy' });
    world.clock.advanceTo(world.clock.now() + 2_000);
    if (held.ok) held.permit.release();
    expect(await waiting).toMatchObject({ ok: true });
    expect(metrics.valueOf('espalier.gate.refusals', { key: 'model', reason: 'busy' })).toBe(1);
    expect(metrics.valueOf('espalier.gate.wait.duration', { key: 'model' })).toBe(2);
  });

  it('have what a fence refused counted, and nothing else that was refused', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    await using store = createEventStore({ memory: true });
    world.telemetry.attach(store.ref as AnyActorRef);
    await store.fence({ name: 'leader', token: 2 });
    const one = [{ type: 'a' }];
    expect(await store.append('s', one, { fence: { name: 'leader', token: 1 } })).toMatchObject({ ok: false, reason: 'fenced' });
    expect(await store.append('s', one, { expected: 4 })).toMatchObject({ ok: false, reason: 'conflict' });
    expect(world.telemetry.metrics.valueOf('espalier.fencing.rejected')).toBe(1);
  });

  it('have their dead letters counted, those that were there and those that come, until they are dealt with', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    await using store = createEventStore({ memory: true });
    world.telemetry.attach(store.ref as AnyActorRef);
    const letters = deadLetters(store);
    const { metrics } = world.telemetry;
    const letter = { to: 'app/town', event: { type: 'rain' }, reason: 'noproc' };
    const first = await letters.bury(letter);
    let heard = (): void => undefined;
    let end: Promise<unknown> = Promise.resolve();
    const all = new Promise<void>((resolve) => (heard = resolve));
    const counting = countDeadLetters(metrics, {
      subscribe: (options, listener) => {
        let count = 0;
        const subscription = store.subscribe(options, (events, delivery) => {
          listener(events, delivery);
          count += events.length;
          if (count === 3) heard();
        });
        end = subscription.ended;
        return subscription;
      },
    });
    await letters.bury(letter);
    if (first.ok) await letters.settle(first.id, 'discarded');
    await all;
    expect(metrics.valueOf('espalier.deadletter.count')).toBe(1);
    counting.unsubscribe();
    await end;
    expect(metrics.valueOf('espalier.deadletter.count')).toBe(0);
    expect(metrics.read().find(({ name }) => name === 'espalier.store.commit.duration')?.series[0]?.count).toBeGreaterThanOrEqual(3);
  });
});
