/** Sources: read, watched, tried again; a fault of one never takes the last good value away. */
import { afterEach, describe, expect, it } from 'vitest';
import { EspalierError } from '../../src/errors.js';
import { environmentSource, objectSource, SourceFault } from '../../src/config/sources.js';
import { createConfig } from '../../src/config/handle.js';
import { config } from '../../src/config/config.js';
import { configWorld, Hand, leaveNothing, schema, settle, Watched } from './config-world.js';

afterEach(leaveNothing);

describe('a source', () => {
  it('that changes is read after a moment, once for many changes', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { settings, hand, facts } = world;
    await settings.ready();
    for (const port of [2, 3, 4]) hand.now({ port });
    await world.pass(49);
    expect([settings.get('port'), hand.reads]).toEqual([1, 1]);
    await world.pass(1);
    expect([settings.get('port'), hand.reads]).toEqual([4, 2]);
    expect(facts.at(-1)).toEqual({ type: 'config.updated', version: 2, paths: ['port'], because: 'source' });
  });

  it('that says what is not valid leaves the last good value; mended, it recovers: each told once', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    hand.now({ port: -1 });
    await world.pass(50);
    expect([settings.get('port'), settings.status()]).toMatchObject([1, { status: 'degraded', isRefused: true, version: 1 }]);
    hand.changed();
    await world.pass(50);
    expect(await settings.update('log.level', 'warn')).toMatchObject({ ok: true });
    hand.now({ port: 2 });
    await world.pass(50);
    expect([settings.get('port'), settings.status().status]).toEqual([2, 'healthy']);
    expect(world.told()).toEqual([...['config.loaded', 'config.refused', 'config.degraded', 'config.updated', 'config.updated', 'config.recovered']]);
  });

  it('that goes back to what it had said recovers without a new version', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    hand.now({ port: -1 });
    await world.pass(50);
    hand.now({ port: 1 });
    await world.pass(50);
    expect([settings.version, settings.status().status]).toEqual([1, 'healthy']);
  });

  it('that fails is tried again, longer and longer apart; meanwhile its last word holds', async () => {
    const world = configWorld({ retry: { minMs: 100, maxMs: 400, jitter: 0 } }, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    hand.fails = Object.assign(new Error('no'), { code: 'EACCES' });
    hand.changed();
    await world.pass(50);
    expect(settings.status()).toMatchObject({ status: 'degraded', failing: { hand: 'EACCES' } });
    const reads = [];
    for (let time = 0; time < 9; time++) {
      await world.pass(100);
      reads.push(hand.reads);
    }
    expect(reads).toEqual([3, 3, 4, 4, 4, 4, 5, 5, 5]);
    expect(settings.get('port')).toBe(1);
    hand.fails = undefined;
    await world.pass(400);
    expect([settings.status().status, world.told().filter((type) => type !== 'config.loaded')]).toEqual([
      'healthy',
      ['config.degraded', 'config.recovered'],
    ]);
  });

  it('that fails at the first is a crash that names it; nothing is made of the rest', async () => {
    const hand = new Hand('hand');
    hand.fails = new SourceFault('tooLarge');
    const world = configWorld({ sources: [objectSource({ port: 3 }), hand] }, hand);
    await settle();
    expect((world.part('config').getSnapshot() as { output: unknown }).output).toEqual({
      'espalier.exit': { crash: 'sourceFailed: hand: tooLarge' },
    });
    expect(world.settings.status().status).toBe('unavailable');
  });

  it('that hangs is given up after its time, and is not read a second time meanwhile', async () => {
    const world = configWorld({ readMs: 200, retry: { minMs: 100, maxMs: 100, jitter: 0 } }, new Hand('hand', { port: 1 }));
    const { settings, hand } = world;
    await settings.ready();
    let release = (): void => {};
    const { read } = hand;
    hand.read = async () => {
      hand.reads++;
      await new Promise<void>((resolve) => (release = resolve));
      return { port: 5 };
    };
    hand.changed();
    await world.pass(50);
    const waits = new Watched(settings.update('log.level', 'warn'));
    await world.pass(199);
    expect([waits.heard, settings.status().failing]).toEqual([0, {}]);
    await world.pass(1);
    expect([waits.outcome, settings.status().failing]).toMatchObject([{ ok: true }, { hand: 'timeout' }]);
    await world.pass(100);
    expect([hand.reads, settings.status().failing]).toEqual([2, { hand: 'stillReading' }]);
    hand.read = (signal) => read.call(Object.assign(hand, { says: { port: 6 } }), signal);
    release();
    await world.pass(50);
    expect([settings.get('port'), settings.status().status]).toEqual([6, 'healthy']);
  });

  it('whose watch ends is read, and watched again', async () => {
    const world = configWorld({}, new Hand('hand', { port: 1 }));
    const { hand, settings } = world;
    await settings.ready();
    hand.says = { port: 2 };
    hand.failed();
    expect(hand.isWatched).toBe(false);
    await world.pass(50);
    expect([hand.isWatched, settings.get('port'), settings.status().status]).toEqual([true, 2, 'healthy']);
  });

  it('that cannot be watched serves, degraded, and is tried again', async () => {
    const hand = new Hand('hand', { port: 1 });
    const { watch } = hand;
    hand.watch = () => {
      throw new Error('no more watches');
    };
    const world = configWorld({}, hand);
    await settle();
    expect([world.settings.get('port'), world.settings.status()]).toMatchObject([1, { status: 'degraded', failing: { hand: 'unwatched' } }]);
    hand.watch = watch;
    await world.pass(1_000);
    expect(world.settings.status().status).toBe('healthy');
  });

  it.each([
    ['a list', [1], 'notAnObject'],
    ['nothing', null, 'notAnObject'],
    ['a forbidden name', JSON.parse('{"__proto__":{"port":1}}') as unknown, 'forbiddenName'],
  ])('that says %s has failed', async (_, says, fault) => {
    const world = configWorld({}, new Hand('hand'));
    await world.settings.ready();
    world.hand.now(says);
    await world.pass(50);
    expect(world.settings.status().failing).toEqual({ hand: fault });
    expect(({} as { port?: number }).port).toBeUndefined();
  });
});

describe('the environment', () => {
  const read = (options: Parameters<typeof environmentSource>[0]): unknown => environmentSource(options).read(new AbortController().signal);

  it('names paths by underscores, and leaves what is not its own', () => {
    const environment = { APP_PORT: '1', APP_DB__MAX_SIZE: '2', APP_DB__HOST: '', APP___PROTO__: 'x', PORT: '9', HOME: '/' };
    expect(read({ prefix: 'APP_', environment })).toEqual({ port: '1', db: { maxSize: '2' } });
    expect(read({ variables: { 'http.port': 'PORT', none: 'NONE' }, environment })).toEqual({ http: { port: '9' } });
  });

  it('is read anew each time, and refuses what contradicts itself', () => {
    const environment: Record<string, string> = { APP_DB: 'x' };
    const source = environmentSource({ prefix: 'APP_', environment });
    const { signal } = new AbortController();
    expect(source.read(signal)).toEqual({ db: 'x' });
    environment['APP_DB__HOST'] = 'y';
    expect(() => source.read(signal)).toThrow(expect.objectContaining({ code: 'ambiguous' }) as Error);
  });
});

describe('misuse is refused before anything starts, and no value is shown', () => {
  it.each([
    ['no options', undefined],
    ['a misspelt name', { schema, source: [] }],
    ['no schema', {}],
    ['what is no schema', { schema: { parse: () => 1 } }],
    ['what is no list of sources', { schema, sources: objectSource({}) }],
    ['what is no source', { schema, sources: [{ name: 'x' }] }],
    ['two sources of one name', { schema, sources: [objectSource({}), objectSource({})] }],
    ['a secret without a path', { schema, secrets: [''] }],
    ['paths that are no list', { schema, updatable: 'port' }],
    ['a time without end', { schema, waitMs: Infinity }],
    ['no number of versions', { schema, maxVersions: 0 }],
    ['a wrong backoff', { schema, retry: { minMs: 5, maxMs: 1 } }],
    ['a pause that no timer takes', { schema, retry: { maxMs: 2 ** 31 } }],
  ])('%s', (_, options) => {
    expect(() => config(options as never)).toThrow(EspalierError);
    expect(() => createConfig(options as never)).toThrow(/config\/invalid-options/);
  });

  it.each([
    () => objectSource([] as never),
    () => objectSource({}, ''),
    () => environmentSource({}),
    () => environmentSource({ prefix: '' }),
    () => environmentSource({ variables: { '': 'X' } }),
    () => environmentSource({ variables: { a: '' } }),
    () => environmentSource({ prefix: 'A_', environment: 3 as never }),
    () => environmentSource({ prefix: 'A_', environment: ['A_X=1'] as never }),
  ])('of a source (%#)', (make) => {
    expect(make).toThrow(/config\/invalid-options/);
  });
});
