/** Who has a name: one of any number that ask, as long as it lives, and nobody after it but by asking. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback, fromPromise, fromTransition, setup } from 'xstate';
import { exit, onExit } from '../../src/supervision/watch.js';
import { actor, idle, leaveNothing, registryWorld } from './registry-world.js';

afterEach(leaveNothing);

const taken = (ref: AnyActorRef) => ({ ok: false, reason: 'alreadyRegistered', ref });

describe('a unique name', () => {
  it('is of the first of a hundred that ask at once', async () => {
    const { registry } = registryWorld();
    const all = Array.from({ length: 100 }, (_, n) => actor(`a${n}`));
    const outcomes = await Promise.all(all.map(async (ref) => registry.register('printer', ref)));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(outcomes.slice(1)).toEqual(Array.from({ length: 99 }, () => taken(all[0] as AnyActorRef)));
    expect(registry.whereis('printer')).toBe(all[0]);
  });

  it('is refused to its owner too: it is registered once (Elixir, Registry.register/3)', () => {
    const { registry } = registryWorld();
    const a = actor();
    expect(registry.register('printer', a)).toEqual({ ok: true });
    expect(registry.register('printer', a)).toEqual(taken(a));
  });

  it.each([
    ['is stopped', (ref: AnyActorRef) => (ref as ReturnType<typeof actor>).stop()],
    ['is killed', (ref: AnyActorRef) => exit(ref, 'kill')],
    ['is told to end', (ref: AnyActorRef) => exit(ref, 'shutdown')],
  ])('is free at once when its owner %s', (_, end) => {
    const { registry, facts, table } = registryWorld();
    const [a, b] = [actor('a'), actor('b')];
    registry.register('printer', a, { metadata: { floor: 1 } });
    end(a);
    expect([registry.whereis('printer'), registry.lookup('printer'), registry.count()]).toEqual([undefined, [], 0]);
    expect(registry.register('printer', b)).toEqual({ ok: true });
    expect(registry.whereis('printer')).toBe(b);
    expect(table.counts.owners).toBe(1);
    expect(facts).toEqual([
      { type: 'registry.registered', namespace: 'default', key: 'printer', owner: 'a' },
      { type: 'registry.unregistered', namespace: 'default', key: 'printer', owner: 'a', because: 'ended' },
      { type: 'registry.registered', namespace: 'default', key: 'printer', owner: 'b' },
    ]);
  });

  it('is free when its owner is done, or has crashed', async () => {
    const { registry } = registryWorld();
    const done = createActor(fromPromise(async () => 1));
    const crashed = createActor(fromPromise(async () => Promise.reject(new Error('no'))));
    crashed.subscribe({ error: () => {} });
    for (const [key, ref] of Object.entries({ done, crashed })) expect(registry.register(key, ref.start())).toEqual({ ok: true });
    await new Promise<void>((resolve) => onExit(crashed, () => resolve()));
    expect([registry.count(), registry.whereis('done'), registry.whereis('crashed')]).toEqual([0, undefined, undefined]);
  });

  it('passes to a successor in the midst of the news of a death, and the news that comes after leaves it there', () => {
    const { registry } = registryWorld();
    const [a, b] = [actor('a'), actor('b')];
    // Told before the registry is: it was there first.
    onExit(a, () => {
      expect(registry.whereis('printer')).toBeUndefined();
      expect(registry.select()).toEqual([]);
      expect(registry.register('printer', b, { metadata: 'new' })).toEqual({ ok: true });
    });
    registry.register('printer', a, { metadata: 'old' });
    registry.register('scanner', a);
    a.stop();
    expect(registry.lookup('printer')).toEqual([{ namespace: 'default', key: 'printer', ref: b, metadata: 'new' }]);
    expect(registry.whereis('scanner')).toBeUndefined();
    b.stop();
    expect(registry.count()).toBe(0);
  });

  it('is taken away from its owner only', () => {
    const { registry, table } = registryWorld();
    const [a, b] = [actor(), actor()];
    registry.register('printer', a);
    expect(registry.unregister('printer', b)).toBe(0);
    expect(registry.unregister('nobody', a)).toBe(0);
    expect(registry.whereis('printer')).toBe(a);
    expect(registry.unregister('printer', a)).toBe(1);
    expect(registry.unregister('printer', a)).toBe(0);
    expect([registry.whereis('printer'), table.counts.owners]).toEqual([undefined, 0]);
  });

  it('is not given to the dead, nor to one that was never started', () => {
    const { registry, facts } = registryWorld();
    const dead = actor('dead');
    dead.stop();
    expect(registry.register('printer', dead)).toEqual({ ok: false, reason: 'noproc' });
    expect(registry.register('printer', createActor(idle, { id: 'unborn' }))).toEqual({ ok: false, reason: 'notRunning' });
    expect(facts.map((fact) => 'reason' in fact && fact.reason)).toEqual(['noproc', 'notRunning']);
  });

  it('is one of many that an owner has: all go with it', () => {
    const { registry } = registryWorld();
    const a = actor();
    for (const key of ['c', 'a', 'b']) registry.register(key, a);
    expect(registry.keys(a)).toEqual(['c', 'a', 'b']);
    a.stop();
    expect(registry.status()).toEqual({ entries: 0, waiting: 0, namespaces: [] });
  });

  it('is found by a listener that registers while it is told', () => {
    const { registry, facts } = registryWorld();
    const [a, b] = [actor('a'), actor('b')];
    registry.on('registry.registered', ({ key }) => {
      if (key === 'first') registry.register('second', b);
    });
    registry.register('first', a);
    expect(registry.whereis('second')).toBe(b);
    expect(facts.map((fact) => 'key' in fact && fact.key)).toEqual(['first', 'second']);
  });

  it('is refused beyond the bound', () => {
    const { registry } = registryWorld({ maxEntries: 2 });
    const a = actor();
    expect(['x', 'y', 'z'].map((key) => registry.register(key, a))).toEqual([{ ok: true }, { ok: true }, { ok: false, reason: 'full' }]);
    registry.unregister('x', a);
    expect(registry.register('z', a)).toEqual({ ok: true });
  });

  it('that is reserved is nobody’s; in another namespace it is a name like any other', () => {
    const { registry } = registryWorld({ reserved: ['config'] });
    expect(registry.register('config', actor())).toEqual({ ok: false, reason: 'reserved' });
    expect(registry.in('tests').register('config', actor())).toEqual({ ok: true });
  });
});

describe('an actor that is started under a name', () => {
  const unborn = (id: string) => createActor(idle, { id });

  it('has it before its first event; the second is never started', () => {
    const { registry } = registryWorld();
    let seen: unknown = 'nothing';
    const first = createActor(setup({ actions: { look: () => (seen = registry.whereis('s')) } }).createMachine({ id: 'first', entry: 'look' }));
    const second = unborn('second');
    expect(registry.start('s', first)).toEqual({ ok: true, ref: first });
    expect(seen).toBe(first);
    expect(registry.start('s', second)).toEqual({ ok: false, reason: 'alreadyStarted', ref: first });
    expect(second.getSnapshot().status).toBe('active');
    first.stop();
    expect(registry.start('s', second)).toEqual({ ok: true, ref: second });
    second.stop();
  });

  it('that does not outlive its start keeps nothing', () => {
    const { registry, facts } = registryWorld();
    const fails = createActor(
      fromCallback(() => {
        throw new Error('no');
      }),
    );
    fails.subscribe({ error: () => {} });
    expect(registry.start('s', fails)).toEqual({ ok: false, reason: 'ended' });
    expect([registry.count(), facts.map(({ type }) => type)]).toEqual([0, ['registry.registered', 'registry.unregistered']]);
  });

  it('that was over before its start is not given it', () => {
    const { registry } = registryWorld();
    const over = createActor(setup({}).createMachine({ initial: 'done', states: { done: { type: 'final' } } }));
    expect(registry.start('s', over)).toEqual({ ok: false, reason: 'noproc' });
    expect(registry.count()).toBe(0);
  });

  it('must not have been started', () => {
    const { registry } = registryWorld();
    expect(() => registry.start('s', actor())).toThrow(/registry\/invalid-options.*not started/);
  });
});

describe('a duplicate name', () => {
  it('is of all that ask, of one owner several times', () => {
    const { registry } = registryWorld({ keys: 'duplicate' });
    const [a, b] = [actor('a'), actor('b')];
    for (const [ref, metadata] of [
      [a, 1],
      [b, 2],
      [a, 3],
      [a, 3],
    ] as const)
      expect(registry.register('topic', ref, { metadata })).toEqual({ ok: true });
    expect(registry.lookup('topic').map(({ ref, metadata }) => [ref.id, metadata])).toEqual([
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['a', 3],
    ]);
    expect([registry.keys(a), registry.count({ key: 'topic' })]).toEqual([['topic', 'topic', 'topic'], 4]);
    expect(registry.unregister('topic', a, ({ metadata }) => metadata === 3)).toBe(2);
    a.stop();
    expect(registry.lookup('topic').map(({ ref }) => ref)).toEqual([b]);
  });

  it('has no whereis and no update', () => {
    const { registry } = registryWorld({ keys: 'duplicate' });
    const a = actor();
    registry.register('topic', a, { metadata: 1 });
    expect(() => registry.whereis('topic')).toThrow(/registry\/invalid-options.*lookup/);
    expect(registry.update('topic', a, () => 2)).toEqual({ ok: false, reason: 'duplicateKeys' });
  });

  it('is sent an event, each of its owners once for each entry', () => {
    const { registry } = registryWorld({ keys: 'duplicate' });
    const heard: unknown[] = [];
    const ear = (id: string) =>
      createActor(
        fromTransition((state: null, event) => (event.type.startsWith('xstate.') || heard.push([id, event]), state), null),
        { id },
      ).start();
    const [a, b] = [ear('a'), ear('b')];
    registry.register('topic', a, { metadata: 1 });
    registry.register('topic', b, { metadata: 2 });
    registry.register('other', b);
    expect(registry.dispatch('topic', { type: 'hello' })).toBe(2);
    expect(registry.dispatch('topic', ({ metadata }) => ({ type: 'n', metadata }))).toBe(2);
    expect(registry.dispatch('nobody', { type: 'hello' })).toBe(0);
    a.stop();
    expect(registry.dispatch('topic', { type: 'bye' })).toBe(1);
    b.stop();
    const [hello, bye] = [{ type: 'hello' }, { type: 'bye' }];
    expect(heard).toEqual([
      ['a', hello],
      ['b', hello],
      ['a', { type: 'n', metadata: 1 }],
      ['b', { type: 'n', metadata: 2 }],
      ['b', bye],
    ]);
  });

  it('can be kept beside unique ones, in a namespace of its own', () => {
    const { registry } = registryWorld({ namespaces: { topics: { keys: 'duplicate' } } });
    const [a, b] = [actor(), actor()];
    const topics = registry.in('topics');
    expect([registry.register('x', a), registry.register('x', b).ok]).toEqual([{ ok: true }, false]);
    expect([topics.register('x', a), topics.register('x', b)]).toEqual([{ ok: true }, { ok: true }]);
  });
});

describe('a namespace', () => {
  it('knows nothing of another', () => {
    const { registry } = registryWorld();
    const [one, two] = [registry.in('one'), registry.in('two')];
    const [a, b] = [actor(), actor()];
    expect([one.register('x', a), two.register('x', b)]).toEqual([{ ok: true }, { ok: true }]);
    expect([one.whereis('x'), two.whereis('x'), registry.whereis('x')]).toEqual([a, b, undefined]);
    expect([one.keys(b), one.select({ owner: b }), one.count()]).toEqual([[], [], 1]);
    expect(registry.status().namespaces).toEqual(['one', 'two']);
  });

  it('is cleared by itself', () => {
    const { registry, facts } = registryWorld();
    const a = actor('a');
    for (const where of [registry, registry.in('tests')]) where.register('x', a);
    expect(registry.in('tests').clear()).toBe(1);
    expect([registry.in('tests').count(), registry.whereis('x')]).toEqual([0, a]);
    expect(facts.at(-1)).toEqual({ type: 'registry.unregistered', namespace: 'tests', key: 'x', owner: 'a', because: 'cleared' });
  });
});

describe('what is said of an entry', () => {
  it('is changed by its owner only, and tells what it was', () => {
    const { registry } = registryWorld();
    const [a, b] = [actor(), actor()];
    registry.register('n', a, { metadata: 1 });
    expect(registry.update('n', a, (n) => Number(n) + 5)).toEqual({ ok: true, metadata: 6, before: 1 });
    for (const [key, ref] of [
      ['n', b],
      ['m', a],
    ] as const)
      expect(registry.update(key, ref, () => 0)).toEqual({ ok: false, reason: 'notOwner' });
    expect(registry.lookup('n')[0]?.metadata).toBe(6);
  });

  it('stays as it was where the change throws, or takes the name away', () => {
    const { registry } = registryWorld();
    const a = actor();
    registry.register('n', a, { metadata: 1 });
    const fail = () => {
      throw new Error('no');
    };
    expect(() => registry.update('n', a, fail)).toThrow('no');
    expect(registry.lookup('n')[0]?.metadata).toBe(1);
    expect(registry.update('n', a, () => registry.unregister('n', a))).toEqual({ ok: false, reason: 'notOwner' });
    expect(registry.count()).toBe(0);
  });

  it('finds entries, by indexes and without', () => {
    for (const indexes of [[], ['role', 'zone']]) {
      const { registry } = registryWorld({ indexes });
      const [a, b, c] = [actor('a'), actor('b'), actor('c')];
      registry.register('svc.a', a, { metadata: { role: 'db', zone: 1 } });
      registry.register('svc.b', b, { metadata: { role: 'db', zone: 2 } });
      registry.register('x', c, { metadata: 'db' });
      const found = (query: object) => registry.select(query).map(({ ref }) => ref.id);
      expect(found({ where: { role: 'db' } })).toEqual(['a', 'b']);
      expect(found({ where: { role: 'db', zone: 2 } })).toEqual(['b']);
      expect(found({ where: { zone: '2' } })).toEqual([]);
      expect(found({ where: { other: 1 } })).toEqual([]);
      expect(found({ prefix: 'svc.', limit: 1 })).toEqual(['a']);
      expect(found({ owner: b })).toEqual(['b']);
      expect(found({ key: 'x', filter: ({ metadata }: { metadata: unknown }) => metadata === 'db' })).toEqual(['c']);
      expect(registry.count({ where: { role: 'db' }, prefix: 'svc.b' })).toBe(1);
      expect(registry.update('svc.a', a, () => ({ role: 'cache' })).ok).toBe(true);
      expect([found({ where: { role: 'cache' } }), found({ where: { role: 'db' } }), found({ where: { zone: 1 } })]).toEqual([['a'], ['b'], []]);
      b.stop();
      expect(found({ where: { role: 'db' } })).toEqual([]);
      expect(found({})).toEqual(['a', 'c']);
    }
  });

  it('finds an entry by each value of a field that is a list, by an index and without', () => {
    for (const indexes of [[], ['can']]) {
      const { registry } = registryWorld({ indexes });
      const [a, b, c] = [actor('a'), actor('b'), actor('c')];
      const list = ['vote', 'count', 'vote', undefined];
      registry.register('a', a, { metadata: { can: list } });
      registry.register('b', b, { metadata: { can: 'vote' } });
      registry.register('c', c, { metadata: { can: [] } });
      const found = (can: unknown) => registry.select({ where: { can } }).map(({ key }) => key);
      expect([found('vote'), found('count'), found('fly'), found(list)]).toEqual([['a', 'b'], ['a'], [], []]);
      registry.update('a', a, () => ({ can: ['fly'] }));
      expect([found('vote'), found('count'), found('fly')]).toEqual([['b'], [], ['a']]);
      a.stop();
      expect([found('fly'), registry.count()]).toEqual([[], 2]);
    }
  });

  it.each([
    ['a filter, of all', 'unique', {}],
    ['a filter, of one name', 'duplicate', { key: 'n' }],
    ['a filter, of an owner', 'duplicate', {}],
    ['a filter, by an index', 'duplicate', { where: { role: 'db' } }],
    ['a field without an index', 'unique', { where: { zone: 1 } }],
  ] as const)('asks about what there was, though the answer registers another: %s', (by, keys, query) => {
    const { registry } = registryWorld({ keys, indexes: ['role'] });
    const owner = actor();
    const wanted = registry.count();
    let asked = 0;
    const another = (): boolean => {
      asked++;
      // Ends by itself, so that a registry that goes on and on fails here and hangs nobody.
      if (asked < 20) add();
      return true;
    };
    const metadata =
      by === 'a field without an index' ? Object.defineProperty({}, 'zone', { get: () => Number(another()), enumerable: true }) : { role: 'db' };
    const add = (): unknown => registry.register(keys === 'unique' ? `n${asked}` : 'n', owner, { metadata });
    add();
    const found = registry.select(
      by === 'a field without an index' ? query : { ...query, ...(by === 'a filter, of an owner' ? { owner } : {}), filter: another },
    );
    expect([wanted, found.length, asked, registry.count()]).toEqual([0, 1, 1, 2]);
  });

  it('is taken out of the indexes as it was put in, whatever has become of it', () => {
    const { registry } = registryWorld({ indexes: ['role'] });
    const [a, metadata] = [actor(), { role: 'db' }];
    registry.register('n', a, { metadata });
    metadata.role = 'changed behind its back';
    expect(registry.count({ where: { role: 'db' } })).toBe(1);
    a.stop();
    expect([registry.count({ where: { role: 'db' } }), registry.count({ where: { role: metadata.role } })]).toEqual([0, 0]);
  });
});

describe('the registry’s own memory', () => {
  it('keeps a value for each word, forgets it where told, and has a bound', () => {
    const { registry } = registryWorld();
    expect(registry.meta('m')).toBeUndefined();
    expect(registry.putMeta('m', 7)).toBe(true);
    expect(registry.meta('m')).toBe(7);
    registry.putMeta('m', undefined);
    for (let n = 0; n < 1_000; n++) expect(registry.putMeta(`w${n}`, n)).toBe(true);
    expect([registry.putMeta('one more', 1), registry.putMeta('w1', 2), registry.meta('m')]).toEqual([false, true, undefined]);
  });
});
