/** What is kept when a configuration, or a part of it, goes: values, versions, who waits and who listens. Nothing is lost without a word. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { config } from '../../src/config/config.js';
import { configHandle, createConfig } from '../../src/config/handle.js';
import type { ChangeOutcome } from '../../src/config/requests.js';
import { type ConfigSource, objectSource } from '../../src/config/sources.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, onExit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type ConfigWorld, configWorld, Hand, leaveNothing, listener, schema, type Settings, settle, Watched } from './config-world.js';

afterEach(leaveNothing);

describe('while nothing serves it', () => {
  it('the last good value is read, the status is degraded, and updates wait', async () => {
    const world = configWorld();
    const { settings } = world;
    await settings.ready();
    await settings.update('port', 1);
    exit(world.part('config'), 'kill');
    expect(settings.get('port')).toBe(1);
    const waits = new Watched(settings.update('port', 2));
    await settle();
    expect(settings.status()).toMatchObject({ status: 'degraded', isServed: false, version: 2, pending: 1 });
    expect([waits.heard, settings.ref, settings.reload()]).toEqual([0, undefined, false]);
    world.start();
    await settle();
    expect(waits.outcome).toEqual({ ok: true, version: 3, isChanged: true });
    expect(settings.status()).toMatchObject({ status: 'healthy', isServed: true, version: 3, pending: 0 });
  });

  it('all that wait are replayed when it comes back, in order, each once: several for one path, too', async () => {
    const world = configWorld();
    const { settings, facts } = world;
    await settings.ready();
    const { actor, heard } = listener();
    settings.subscribe(actor);
    exit(world.part('config'), 'kill');
    const values = [5, 3, -1, 9, 4];
    const all = values.map((port) => new Watched<ChangeOutcome>(settings.update('port', port)));
    const back = new Watched<ChangeOutcome>(settings.rollback(1));
    facts.length = 0;
    world.start();
    await settle();
    expect(all.map(({ outcome }) => (outcome?.ok === true ? outcome.version : outcome?.reason))).toEqual([2, 3, 'invalid', 4, 5]);
    expect([back.outcome, settings.get('port')]).toEqual([{ ok: true, version: 6, isChanged: true }, 80]);
    expect([...all, back].map((each) => each.heard)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(heard.map(({ version }) => version as number)).toEqual([2, 3, 4, 5, 6]);
    expect(facts[0]).toEqual({ type: 'config.replayed', count: 6 });
  });

  it('an update waits until its deadline, and then it is never made', async () => {
    const world = configWorld();
    const { settings } = world;
    await settings.ready();
    exit(world.part('config'), 'kill');
    const waits = new Watched(settings.update('port', 1, { waitMs: 200 }));
    await world.pass(199);
    expect(waits.heard).toBe(0);
    await world.pass(1);
    expect(waits.outcome).toEqual({ ok: false, reason: 'timeout', issues: [] });
    world.start();
    await settle();
    expect([settings.get('port'), settings.version]).toEqual([80, 1]);
  });

  it('versions and what was updated are still there after: one can roll back behind the restart', async () => {
    const world = configWorld();
    const { settings } = world;
    await settings.ready();
    await settings.update('port', 1);
    await settings.update('port', 2);
    exit(world.part('config'), 'kill');
    world.start();
    await settle();
    expect(settings.get('port')).toBe(2);
    expect(await settings.rollback(2)).toMatchObject({ ok: true, version: 4 });
    expect(settings.get('port')).toBe(1);
  });

  it('a subscriber that ends is forgotten all the same', async () => {
    const world = configWorld();
    await world.settings.ready();
    const { actor } = listener();
    world.settings.subscribe(actor);
    exit(world.part('config'), 'kill');
    exit(actor, 'kill');
    expect(world.settings.status().subscribers).toBe(0);
  });

  it('a word of a source that was refused is looked at again by the next', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    hand.now({ port: -1 });
    await world.pass(50);
    exit(world.part('config'), 'kill');
    world.start();
    await settle();
    expect(settings.status()).toMatchObject({ status: 'degraded', isRefused: true });
    expect(settings.get('port')).toBe(1);
  });
});

describe('closed while nothing serves it', () => {
  it('answers who waits, lets subscribers go, and the next begins anew', async () => {
    const world = configWorld();
    const { settings } = world;
    await settings.ready();
    await settings.update('port', 1);
    const { actor } = listener();
    settings.subscribe(actor);
    exit(world.part('config'), 'kill');
    const waits = new Watched(settings.update('port', 2));
    await settings.close();
    await settings.close();
    await settle();
    expect(waits.outcome).toEqual({ ok: false, reason: 'closed', issues: [] });
    expect([await settings.update('port', 3), settings.subscribe(actor)]).toEqual([{ ok: false, reason: 'closed', issues: [] }, null]);
    expect([settings.get('port'), settings.status().subscribers]).toEqual([1, 0]);
    world.start();
    await settle();
    expect([settings.get('port'), settings.version]).toEqual([80, 1]);
  });

  it('after its first value was invalid, or before it was ever started, answers who waits too', async () => {
    const clock = new VirtualClock();
    const logic = config<Settings>({ schema, sources: [objectSource({ port: -1 })] });
    const invalid = configHandle(logic);
    const root = createActor(logic, { clock });
    root.subscribe({ error: () => {} });
    root.start();
    await settle();
    expect(invalid.status()).toMatchObject({
      status: 'unavailable',
      isServed: false,
      exit: { crash: expect.stringMatching(/^invalid: port: Too small/) },
    });
    const never = configHandle(config({ schema }));
    expect(never.status().exit).toBe(null);
    for (const settings of [invalid, never]) {
      const [change, ready] = [new Watched(settings.update('port', 1)), new Watched(settings.ready())];
      await settle();
      expect([change.heard, ready.heard]).toEqual([0, 0]);
      await settings.close();
      await settle();
      expect([change.outcome, ready.outcome, await settings.ready()]).toEqual([{ ok: false, reason: 'closed', issues: [] }, null, null]);
    }
    expect(clock.pending()).toBe(0);
  });
});

describe('one that an app has started by itself', () => {
  const missing: ConfigSource = { name: 'app.json', read: () => Promise.reject(Object.assign(new Error('no hunter2-hunter2'), { code: 'ENOENT' })) };

  it('says why it did not start, and answers at once who waits: nobody starts another', async () => {
    const clock = new VirtualClock();
    const settings = createConfig({ schema, sources: [missing] }, { clock });
    const [ready, change] = [new Watched(settings.ready()), new Watched(settings.update('port', 1))];
    expect(settings.status().exit).toBe(null);
    await settle();
    expect([ready.outcome, change.outcome]).toEqual([null, { ok: false, reason: 'closed', issues: [] }]);
    expect(settings.status()).toMatchObject({ status: 'unavailable', isServed: false, exit: { crash: 'sourceFailed: app.json: ENOENT' } });
    expect([await settings.ready(), await settings.update('port', 1), clock.pending()]).toEqual([
      null,
      { ok: false, reason: 'closed', issues: [] },
      0,
    ]);
    await settings.close();
  });

  it('is served while it runs, and says how it was ended', async () => {
    const settings = createConfig({ schema, sources: [objectSource({ port: 1 })] }, { clock: new VirtualClock() });
    await settings.ready();
    expect(settings.status().exit).toBe(null);
    exit(settings.ref as AnyActorRef, 'kill');
    expect(settings.status()).toMatchObject({ status: 'degraded', exit: 'killed', version: 1 });
    expect(settings.get('port')).toBe(1);
    const closed = createConfig({ schema }, { clock: new VirtualClock() });
    await closed.close();
    expect(closed.status().exit).toBe('normal');
  });
});

describe('in a tree', () => {
  it('a supervisor starts the next, which goes on; a handle by logic and one by child both follow', async () => {
    const clock = new VirtualClock();
    const settings = config({ schema, sources: [objectSource({ port: 1 })] });
    const app = orchestrator({ actors: { settings }, children: [{ id: 'settings', src: 'settings' }] }).start({ clock });
    await app.started();
    const [byLogic, byChild] = [configHandle(settings), configHandle(() => app.child('settings'))];
    await byLogic.ready();
    await byChild.update('port', 2);
    exit(app.child('settings') as AnyActorRef, 'kill');
    await settle();
    expect([byLogic.get('port'), byChild.get('port'), byLogic.status().status, byChild.version]).toEqual([2, 2, 'healthy', 2]);
    await app.stop();
    expect([byLogic.status().status, byLogic.get('port')]).toEqual(['degraded', 2]);
    expect(clock.pending()).toBe(0);
  });

  it('one that never gets a good value is a crash that says why, without a secret', async () => {
    const clock = new VirtualClock();
    const settings = config({ schema, sources: [objectSource({ port: -1, db: { host: 'x', password: 'short' } })] });
    const world = configHandle(settings);
    const app = orchestrator({ intensity: 0, actors: { settings }, children: [{ id: 'settings', src: 'settings' }] }).start({ clock });
    const report = JSON.stringify(await new Promise((resolve) => onExit(app.child('settings') as AnyActorRef, resolve)));
    expect(report).toContain('port: Too small');
    expect(report).not.toContain('short');
    expect(world.status().status).toBe('unavailable');
    await app.stop();
  });

  it('of a tree that is restored in another process, what was updated holds, under numbers that go on', async () => {
    const first = configWorld();
    await first.settings.ready();
    // Taken whole: what the source says beneath it is replaced, before and after.
    await first.settings.updateAll({ port: 1, log: { level: 'warn' } });
    const snapshot: unknown = JSON.parse(JSON.stringify(first.part('config').getPersistedSnapshot()));
    const restored = configWorld({}, new Hand('hand', { log: { to: 'replaced' } }));
    exit(restored.part('config'), 'kill');
    restored.start(snapshot);
    await settle();
    expect(restored.settings.get()).toMatchObject({ port: 1 });
    expect(restored.settings.get('log')).toEqual({ level: 'warn' });
    expect([restored.settings.version, restored.settings.status().status]).toEqual([3, 'healthy']);
    await restored.settings.reset();
    expect(restored.settings.get('port')).toBe(80);
  });
});

describe('two actors of one logic at a time', () => {
  it('have nothing in common', async () => {
    const world = configWorld();
    await world.settings.ready();
    const second = configHandle(world.start());
    await second.ready();
    await second.update('port', 7);
    expect([world.settings.get('port'), second.get('port')]).toEqual([80, 7]);
    await second.close();
  });

  it.each([
    ['together', 'oneForAll', ['w']],
    ['alone, while the other is away', 'oneForOne', ['a', 'b']],
  ] as const)('each go on with their own when they are restarted %s', async (_, strategy, killed) => {
    const clock = new VirtualClock();
    const settings = config({ schema, sources: [] });
    const backoff = { minMs: 1_000, maxMs: 1_000, factor: 1, jitter: 0, resetAfterMs: 0 };
    const app = orchestrator({
      ...{ strategy, actors: { settings, worker: fromCallback(() => undefined) } },
      children: [
        { id: 'a', src: 'settings', ...(strategy === 'oneForOne' ? { backoff } : {}) },
        { id: 'b', src: 'settings' },
        { id: 'w', src: 'worker' },
      ],
    }).start({ clock });
    await app.started();
    const [a, b] = [configHandle<Settings>(() => app.child('a')), configHandle<Settings>(() => app.child('b'))];
    const ports = (): unknown[] => [a.get('port'), b.get('port')];
    await Promise.all([a.ready(), b.ready()]);
    await a.update('port', 1);
    await b.update('port', 2);
    const { actor, heard } = listener();
    b.subscribe(actor);
    for (const id of killed) exit(app.child(id) as AnyActorRef, 'kill');
    await settle();
    expect(ports()).toEqual([1, 2]);
    clock.advanceBy(1_000);
    await settle();
    expect([ports(), a.status().status, b.status().status]).toEqual([[1, 2], 'healthy', 'healthy']);
    await b.update('port', 3);
    expect([ports(), heard.length]).toEqual([[1, 3], 1]);
    await app.stop();
  });

  it('after one was closed the next begins anew', async () => {
    const world = configWorld();
    await world.settings.ready();
    await world.settings.update('port', 7);
    await world.settings.close();
    expect(world.settings.get('port')).toBe(7);
    world.start();
    await settle();
    expect([world.settings.get('port'), world.settings.version]).toEqual([80, 1]);
  });
});

/** One story, with each part killed at each of its steps. */
class Story {
  readonly world: ConfigWorld;
  readonly heard: Watched<ChangeOutcome>[] = [];

  constructor(world: ConfigWorld) {
    this.world = world;
  }

  #ask(promise: Promise<ChangeOutcome>): void {
    this.heard.push(new Watched(promise));
  }

  readonly steps: readonly (() => unknown)[] = [
    () => this.#ask(this.world.settings.update('port', 1)),
    () => this.world.hand.now({ log: { level: 'warn' } }),
    () => this.#ask(this.world.settings.update('port', 2)),
    () => this.world.pass(50),
    () => this.#ask(this.world.settings.update('port', -1)),
    () => this.#ask(this.world.settings.update('log.to', 'x')),
    () => this.world.hand.now({ log: { level: 'debug' } }),
    () => this.world.pass(50),
    () => this.#ask(this.world.settings.update('port', 3)),
  ];

  readonly kills: Readonly<Record<string, () => void>> = {
    sources: () => exit(this.world.part('sources'), 'kill'),
    check: () => exit(this.world.part('check'), 'kill'),
    configuration: () => {
      exit(this.world.part('config'), 'kill');
      this.world.start();
    },
  };
}

const { kills, steps } = new Story({} as ConfigWorld);

describe.each(Object.keys(kills))('the %s, killed', (who) => {
  it.each(steps.map((_, step) => step))('after step %i, before and after what it sets off: all is made once, in order', async (last) => {
    for (const isLate of [false, true]) {
      const story = new Story(configWorld());
      const { world } = story;
      const { actor, heard } = listener();
      await world.settings.ready();
      world.settings.subscribe(actor);
      for (const [index, step] of story.steps.entries()) {
        await step();
        if (isLate) await settle();
        if (index === last) story.kills[who]?.();
        if (isLate) await settle();
      }
      await world.pass(60);
      await world.pass(60);
      expect(story.heard.map(({ outcome, heard: times }) => [outcome?.ok, times])).toEqual([
        [true, 1],
        [true, 1],
        [false, 1],
        [true, 1],
        [true, 1],
      ]);
      expect(world.settings.get()).toMatchObject({ port: 3, log: { level: 'debug', to: 'x' } });
      expect(world.settings.status()).toMatchObject({ status: 'healthy', pending: 0, subscribers: 1 });
      const told = heard.map(({ version }) => version as number);
      expect(told).toEqual(told.map((_, index) => index + 2));
      expect(told.at(-1)).toBe(world.settings.version);
    }
  });
});

describe('its parts', () => {
  it('are replaced ten times in five seconds, and then it fails; who waits is served by the next', async () => {
    const world = configWorld();
    await world.settings.ready();
    for (let time = 0; time < 11; time++) exit(world.part('sources'), 'kill');
    const waits = new Watched(world.settings.update('port', 1));
    await settle();
    expect([world.told().filter((type) => type === 'config.partsRestarted').length, waits.heard]).toEqual([10, 0]);
    expect(world.settings.status()).toMatchObject({ status: 'degraded', isServed: false });
    world.start();
    await settle();
    expect(waits.outcome).toMatchObject({ ok: true });
  });
});
