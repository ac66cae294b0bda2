/** A configuration that serves: layers, changes by path, versions, subscribers. */
import { afterEach, describe, expect, it } from 'vitest';
import { exit } from '../../src/supervision/watch.js';
import { environmentSource, objectSource } from '../../src/config/sources.js';
import { configWorld, Hand, leaveNothing, listener, settle, Watched } from './config-world.js';

afterEach(leaveNothing);

describe('what is served', () => {
  it('is what the schema makes of all sources, the later over the earlier, updates over all', async () => {
    const hand = new Hand('hand', { port: 2, log: { to: 'hand' } });
    const { settings } = configWorld(
      {
        sources: [
          objectSource({ port: 1, log: { level: 'warn', to: 'object' }, db: { host: 'object' } }),
          hand,
          environmentSource({ prefix: 'APP_', environment: { APP_PORT: '3', APP_EMPTY: '', OTHER: 'x' } }),
        ],
      },
      hand,
    );
    expect(await settings.ready()).toBe(1);
    expect(settings.get()).toEqual({ port: 3, log: { level: 'warn', to: 'hand' }, db: { host: 'object' } });
    expect(await settings.update('port', 4)).toEqual({ ok: true, version: 2, isChanged: true });
    const port: number = settings.get('port');
    expect(port).toBe(4);
    expect(settings.get('log.level')).toBe('warn');
    expect(settings.get(['log', 'nothing'])).toBeUndefined();
    expect(settings.inspect().origins).toEqual({ port: 'updates', 'log.level': 'object', 'log.to': 'hand', 'db.host': 'object' });
  });

  it('cannot be changed from outside, neither by who reads nor by who gave it', async () => {
    const given = { db: { host: 'a' } };
    const { settings } = configWorld({ sources: [objectSource(given)] });
    await settings.ready();
    given.db.host = 'b';
    expect(() => Object.assign(settings.get('db'), { host: 'c' })).toThrow(TypeError);
    const list = [1];
    await settings.update('list', list);
    list.push(2);
    expect([settings.get('db.host'), settings.get('list')]).toEqual(['a', [1]]);
  });

  it('is nothing before there is a version, and that is said', async () => {
    const { settings } = configWorld();
    expect(() => settings.get()).toThrow(/config\/not-loaded/);
    expect(settings.status()).toMatchObject({ status: 'unavailable', version: 0 });
    await settings.ready();
    expect(settings.status()).toMatchObject({ status: 'healthy', version: 1, pending: 0 });
  });

  it('is waited for no longer than was said', async () => {
    const hand = new Hand('hand');
    hand.hangs = true;
    const world = configWorld({}, hand);
    const waits = new Watched(world.settings.ready({ waitMs: 500 }));
    await world.pass(499);
    expect(waits.heard).toBe(0);
    await world.pass(1);
    expect([waits.heard, waits.outcome]).toEqual([1, null]);
  });
});

describe('an update', () => {
  it('that the schema refuses changes nothing, and says where and why', async () => {
    const { settings, facts } = configWorld();
    await settings.ready();
    const outcome = await settings.update('port', -1);
    expect(outcome).toMatchObject({ ok: false, reason: 'invalid', issues: [{ path: 'port', message: expect.stringContaining('>=1') as string }] });
    expect([settings.get('port'), settings.version, settings.status().status]).toEqual([80, 1, 'healthy']);
    expect(facts.at(-1)).toMatchObject({ type: 'config.refused', because: 'request', fault: 'invalid' });
  });

  it('of a path that may not be updated is refused at once; beneath one that may is not', async () => {
    const { settings } = configWorld({ updatable: ['log.level', 'db.*'] });
    await settings.ready();
    expect(await settings.update('port', 1)).toEqual({
      ok: false,
      reason: 'notUpdatable',
      issues: [{ path: 'port', message: 'may not be updated' }],
    });
    expect(await settings.update('log', { level: 'warn' })).toMatchObject({ reason: 'notUpdatable' });
    expect(await settings.updateAll({ 'log.level': 'warn', port: 2 })).toMatchObject({ reason: 'notUpdatable', issues: [{ path: 'port' }] });
    expect(await settings.update('log.level', 'warn')).toMatchObject({ ok: true });
    expect(await settings.update('db.host', 'x')).toMatchObject({ ok: true });
  });

  it('leads through objects only', async () => {
    const { settings } = configWorld();
    await settings.ready();
    await settings.update('list', [1]);
    expect(await settings.update('list.0', 2)).toMatchObject({ ok: false, reason: 'invalidPath' });
  });

  it.each(['', 'a..b', '__proto__.x', 'a.constructor', ['a', ''], 'a.'.repeat(40) + 'b', 7])('of no path (%j) is misuse', async (path) => {
    const { settings } = configWorld();
    await expect(settings.update(path as string, 1)).rejects.toThrow(/config\/invalid-options/);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it.each([undefined, new Map(), Number.NaN, () => 1, { a: undefined }, [new Date(0)]])('with what is no data (%s) is misuse', async (value) => {
    const { settings } = configWorld();
    await expect(settings.update('port', value)).rejects.toThrow(/data as JSON has it/);
  });

  it('of several paths is one version, or none', async () => {
    const { settings } = configWorld();
    await settings.ready();
    expect(await settings.updateAll({ port: 1, 'log.level': 'loud' })).toMatchObject({ ok: false, reason: 'invalid' });
    expect(settings.get('port')).toBe(80);
    expect(await settings.updateAll({ port: 1, 'log.level': 'warn' })).toEqual({ ok: true, version: 2, isChanged: true });
  });

  it('with what is there already makes no version', async () => {
    const { settings } = configWorld();
    await settings.ready();
    expect(await settings.update('port', 80)).toEqual({ ok: true, version: 1, isChanged: false });
    expect([settings.inspect().origins['port'], settings.versions().length]).toEqual(['updates', 1]);
  });

  it('that expects another version is a conflict at its turn', async () => {
    const { settings } = configWorld();
    await settings.ready();
    const both = await Promise.all([
      settings.update('port', 1, { expectedVersion: 1 }),
      settings.update('port', 2, { expectedVersion: 1 }),
      settings.update('port', 3, { expectedVersion: 2 }),
    ]);
    expect(both).toMatchObject([
      { ok: true, version: 2 },
      { ok: false, reason: 'conflict' },
      { ok: true, version: 3 },
    ]);
  });

  it('is tried alone and in its turn, however many come at once', async () => {
    let running = 0;
    const order: number[] = [];
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'slow',
        validate: async (value: unknown) => {
          expect(++running).toBe(1);
          await settle();
          order.push((value as { n?: number }).n ?? 0);
          running--;
          return { value: value as never };
        },
      },
    };
    const { settings } = configWorld({ schema: slow });
    await settings.ready();
    const all = await Promise.all([1, 2, 3, 4].map((n) => settings.update('n', n)));
    expect(all.map((outcome) => outcome.ok && outcome.version)).toEqual([2, 3, 4, 5]);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('waits no longer than its deadline; no more wait than may; at the end each hears', async () => {
    const hand = new Hand('hand');
    hand.hangs = true;
    const world = configWorld({ maxPending: 2 }, hand);
    const { settings } = world;
    const early = new Watched(settings.update('port', 1, { waitMs: 100 }));
    const late = new Watched(settings.update('log.level', 'warn', { waitMs: 30_000 }));
    expect(await settings.update('port', 2)).toMatchObject({ ok: false, reason: 'full' });
    await world.pass(100);
    expect([early.outcome, late.heard]).toEqual([{ ok: false, reason: 'timeout', issues: [] }, 0]);
    await settings.close();
    expect([late.outcome, early.heard, late.heard]).toMatchObject([{ ok: false, reason: 'closed' }, 1, 1]);
    expect(await settings.update('port', 2)).toMatchObject({ reason: 'closed' });
  });

  it('whose deadline ends while the schema looks at it is not made', async () => {
    let release = (): void => {};
    let isSlow = false;
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'slow',
        validate: async (value: unknown) => {
          if (isSlow) await new Promise<void>((resolve) => (release = resolve));
          return { value: value as never };
        },
      },
    };
    const world = configWorld({ schema: slow, sources: [objectSource({ n: 1 })] });
    const { settings } = world;
    await settings.ready();
    isSlow = true;
    const waits = new Watched(settings.update('n', 2, { waitMs: 100 }));
    await world.pass(100);
    release();
    await settle();
    expect([waits.outcome, settings.get('n' as string), settings.version]).toMatchObject([{ ok: false, reason: 'timeout' }, 1, 1]);
    isSlow = false;
    expect(await settings.update('n', 3)).toMatchObject({ ok: true, version: 2 });
  });

  it('that is larger than a configuration may be is refused', async () => {
    const { settings } = configWorld({ maxBytes: 200 });
    await settings.ready();
    expect(await settings.update('db.host', 'x'.repeat(300))).toMatchObject({ ok: false, reason: 'tooLarge' });
  });

  it('is refused by a schema that throws or hangs, and the last good value stays', async () => {
    let mode = 'good';
    const odd = {
      '~standard': {
        version: 1 as const,
        vendor: 'odd',
        validate: (value: unknown): never | { value: never } | Promise<never> => {
          if (mode === 'throws') throw new Error('hunter2');
          if (mode === 'rejects') return Promise.reject(new Error('hunter2'));
          if (mode === 'hangs') return new Promise(() => {});
          return { value: value as never };
        },
      },
    };
    const world = configWorld({ schema: odd, checkMs: 300 });
    const { settings } = world;
    await settings.ready();
    mode = 'throws';
    expect(await settings.update('a', 1)).toEqual({ ok: false, reason: 'schemaFailed', issues: [] });
    mode = 'rejects';
    expect(await settings.update('a', 1)).toEqual({ ok: false, reason: 'schemaFailed', issues: [] });
    mode = 'hangs';
    const hangs = new Watched(settings.update('a', 1));
    await world.pass(300);
    expect(hangs.outcome).toEqual({ ok: false, reason: 'timeout', issues: [] });
    mode = 'good';
    expect(await settings.update('a', 1)).toMatchObject({ ok: true, version: 2 });
  });
});

describe('reset and rollback', () => {
  it('a reset takes back what was updated at a path, or all', async () => {
    const { settings, facts } = configWorld({ sources: [objectSource({ port: 5 })] });
    await settings.ready();
    await settings.updateAll({ port: 6, 'log.level': 'warn', db: { host: 'x' } });
    expect(await settings.reset('db.host')).toMatchObject({ ok: false, reason: 'invalidPath' });
    expect(await settings.reset('log')).toMatchObject({ ok: true, version: 3 });
    expect(settings.get()).toMatchObject({ port: 6, log: { level: 'info' } });
    expect(await settings.reset()).toMatchObject({ ok: true, version: 4 });
    expect(settings.get()).toMatchObject({ port: 5, db: { host: 'localhost' } });
    expect(facts.at(-1)).toMatchObject({ type: 'config.updated', version: 4, because: 'reset' });
  });

  it('a rollback has the content of an earlier version, under a new number, and is told', async () => {
    const { settings, facts } = configWorld();
    await settings.ready();
    await settings.update('port', 1);
    await settings.update('port', 2);
    expect(await settings.rollback(2)).toEqual({ ok: true, version: 4, isChanged: true });
    expect([settings.get('port'), settings.version]).toEqual([1, 4]);
    expect(facts.at(-1)).toEqual({ type: 'config.rolledBack', version: 4, to: 2, paths: ['port'] });
    expect(settings.versions().map(({ version, because, paths }) => [version, because, paths])).toEqual([
      [1, 'loaded', []],
      [2, 'update', ['port']],
      [3, 'update', ['port']],
      [4, 'rollback', ['port']],
    ]);
  });

  it('holds against sources until one says something new', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    hand.now({ port: 2 });
    await world.pass(50);
    expect(settings.get('port')).toBe(2);
    await settings.rollback(1);
    settings.reload();
    await settle();
    expect(settings.get('port')).toBe(1);
    hand.now({ port: 3 });
    await world.pass(50);
    expect(settings.get('port')).toBe(3);
  });

  it('knows as many versions as may be, and says which it does not', async () => {
    const { settings } = configWorld({ maxVersions: 3 });
    await settings.ready();
    for (const port of [1, 2, 3, 4]) await settings.update('port', port);
    expect(settings.versions().map(({ version }) => version)).toEqual([3, 4, 5]);
    expect(await settings.rollback(2)).toMatchObject({ ok: false, reason: 'unknownVersion' });
    expect(await settings.rollback(3)).toMatchObject({ ok: true, version: 6 });
  });
});

describe('a subscriber', () => {
  it('is told of its paths: what changed, in which version, never the value', async () => {
    const { settings } = configWorld();
    await settings.ready();
    const [all, port, level] = [listener(), listener(), listener()];
    settings.subscribe(all.actor);
    settings.subscribe(port.actor, 'port');
    settings.subscribe(level.actor, 'log.level');
    await settings.update('port', 1);
    await settings.update('log', { level: 'warn' });
    expect(port.heard).toEqual([{ type: 'config.changed', version: 2, paths: ['port'], because: 'update' }]);
    expect(level.heard).toMatchObject([{ version: 3 }]);
    expect(all.heard.map(({ version }) => version as number)).toEqual([2, 3]);
  });

  it('that has ended is forgotten at once, with all its subscriptions, and that is told once', async () => {
    const { settings, facts } = configWorld();
    await settings.ready();
    const { actor, heard } = listener('mortal');
    settings.subscribe(actor);
    settings.subscribe(actor, 'port');
    expect(settings.status().subscribers).toBe(2);
    exit(actor, 'kill');
    expect(settings.status().subscribers).toBe(0);
    await settings.update('port', 1);
    expect(heard).toEqual([]);
    expect(facts.filter(({ type }) => type === 'config.subscriberForgotten')).toEqual([{ type: 'config.subscriberForgotten', subscriber: 'mortal' }]);
    expect(settings.subscribe(actor)).toBeNull();
  });

  it('can go, and is one of as many as may be', async () => {
    const { settings, facts } = configWorld({ maxSubscribers: 1 });
    await settings.ready();
    const { actor, heard } = listener();
    const leave = settings.subscribe(actor);
    expect(settings.subscribe(actor, 'port')).toBeNull();
    expect([leave?.(), leave?.()]).toEqual([true, false]);
    exit(actor, 'kill');
    await settings.update('port', 1);
    expect([heard, facts.map(({ type }) => type)]).toEqual([[], ['config.loaded', 'config.updated']]);
  });

  it('that changes the configuration when it is told has its change made after', async () => {
    const { settings } = configWorld();
    await settings.ready();
    const { actor, heard } = listener();
    settings.subscribe(actor);
    const watcher = listener();
    const sub = watcher.actor;
    sub.subscribe(() => {});
    settings.on('config.updated', ({ version }) => {
      if (version === 2) void settings.update('port', 3);
    });
    await settings.update('port', 2);
    await settle();
    expect([settings.get('port'), heard.map(({ version }) => version as number)]).toEqual([3, [2, 3]]);
  });
});
