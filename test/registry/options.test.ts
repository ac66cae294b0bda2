/** Misuse of a registry is refused at the call, with the option's name, before anything happens. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { registryFacts } from '../../machines/registry/registry-events.js';
import type { ErrorCode, EspalierError } from '../../src/errors.js';
import { createRegistry, registryHandle } from '../../src/registry/handle.js';
import type { RegistryOptions } from '../../src/registry/options.js';
import { registry as registryLogic } from '../../src/registry/registry.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { actor, idle, leaveNothing, registryWorld } from './registry-world.js';

afterEach(leaveNothing);

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    const { code, message } = error as EspalierError;
    expect(code).toBe('registry/invalid-options' satisfies ErrorCode);
    return message.replace('registry/invalid-options: expected ', '');
  }
  return 'nothing was refused';
}

describe('the options of a registry', () => {
  it.each<[object, string]>([
    [
      { kyes: 'unique' },
      'the options of a registry: the keys keys, indexes, namespaces, names, reserved, maxEntries, maxWaiting, successorMs, got: "kyes"',
    ],
    [{ keys: 'both' }, 'keys: unique or duplicate, got: "both"'],
    [{ keys: 3 }, 'keys: unique or duplicate, got: "a number"'],
    [{ indexes: 'role' }, 'indexes: a list of texts, got: "a string"'],
    [{ indexes: ['role', ''] }, 'indexes[1]: a text that is not empty, got: ""'],
    [{ namespaces: [] }, 'namespaces: an object, got: "an Array"'],
    [{ namespaces: { t: { key: 'duplicate' } } }, 'namespaces[\'t\']: the keys keys, indexes, got: "key"'],
    [{ namespaces: { t: { keys: 'x' } } }, 'namespaces[\'t\'].keys: unique or duplicate, got: "x"'],
    [{ names: { a: '' } }, 'names[\'a\'][0]: a text that is not empty, got: ""'],
    [{ names: { a: [] } }, 'names[\'a\']: the id of a child, or a path of ids, got: "an empty list"'],
    [{ names: { a: 1 } }, 'names[\'a\']: a list of texts, got: "a number"'],
    [{ names: { a: 'a' }, reserved: ['a'] }, 'reserved: names that nobody may have, without those of names, got: "a"'],
    [{ names: { a: 'a' }, keys: 'duplicate' }, 'names: none, where keys are duplicate, got: 1'],
    [{ names: { a: 'a', b: 'b' }, maxEntries: 1 }, 'maxEntries: room for the 2 names of names, got: 1'],
    [{ reserved: [1] }, 'reserved[0]: a text that is not empty, got: "a number"'],
    [{ maxEntries: 0 }, 'maxEntries: a whole number, at least 1, got: 0'],
    [{ maxWaiting: 1.5 }, 'maxWaiting: a whole number, at least 1, got: 1.5'],
    [{ successorMs: 0 }, 'successorMs: a number of ms, 1 to 2147483647, got: 0'],
  ])('%j is refused', (options, expected) => {
    expect(refusalOf(() => registryLogic(options as RegistryOptions))).toBe(expected);
  });
});

describe('a call', () => {
  it.each<[string, (it: ReturnType<typeof registryWorld>) => unknown, string]>([
    ['a key that is empty', ({ registry }) => registry.register('', actor()), 'key: a text that is not empty, got: ""'],
    ['a key that is none', ({ registry }) => registry.whereis(7 as never), 'key: a text that is not empty, got: "a number"'],
    ['an owner that is none', ({ registry }) => registry.register('a', {} as never), 'owner: an actor, got: "an Object"'],
    [
      'an unknown option',
      ({ registry }) => registry.register('a', actor(), { folow: true } as never),
      'the options of a registration: the keys metadata, follow, got: "folow"',
    ],
    [
      'a follow that is no claim',
      ({ registry }) => registry.register('a', actor(), { follow: 1 } as never),
      'follow: true or false, got: "a number"',
    ],
    ['a filter that is none', ({ registry }) => registry.unregister('a', actor(), 1 as never), 'filter: a function, got: "a number"'],
    ['a change that is none', ({ registry }) => registry.update('a', actor(), 1 as never), 'change: a function, got: "a number"'],
    [
      'a query that is none',
      ({ registry }) => registry.select({ were: {} } as never),
      'a query: the keys key, prefix, owner, where, filter, limit, got: "were"',
    ],
    ['a where that is none', ({ registry }) => registry.select({ where: [] } as never), 'where: an object, got: "an Array"'],
    ['a limit that is none', ({ registry }) => registry.select({ limit: 0 }), 'limit: a whole number, at least 1, got: 0'],
    [
      'an event that is none',
      ({ registry }) => registry.dispatch('a', 'hello' as never),
      'event: an event, or a function that makes one, got: "a string"',
    ],
    ['an empty namespace', ({ registry }) => registry.in(''), 'namespace: a text that is not empty, got: ""'],
    [
      'an unknown fact',
      ({ registry }) => registry.on('registry.x' as never, () => {}),
      `type: ${Object.keys(registryFacts).join(', ')}, got: "another fact"`,
    ],
    ['a listener that is none', ({ registry }) => registry.on('registry.refused', 1 as never), 'listener: a function, got: "a number"'],
    ['another actor', () => registryHandle(actor()), 'ref: an actor that runs registry(), got: "an Object"'],
    [
      'a found actor that runs none',
      () => registryHandle(() => createActor(idle)).whereis('a'),
      'ref: an actor that runs registry(), got: "an Object"',
    ],
  ])('%s is refused', (_, act, expected) => {
    const world = registryWorld();
    expect(refusalOf(() => act(world))).toBe(expected);
    expect([world.registry.count(), world.facts]).toEqual([0, []]);
  });

  it.each<[object, string]>([
    [{ deadlineMs: -1 }, 'deadlineMs: a number of ms, 1 to 2147483647, got: -1'],
    [{ deadlineMs: Number.NaN }, 'deadlineMs: a number of ms, 1 to 2147483647, got: NaN'],
    [{ signal: {} }, 'signal: an AbortSignal, got: "an Object"'],
    [{ deadline: 1 }, 'the options of a wait: the keys deadlineMs, signal, got: "deadline"'],
  ])('a wait with %j is refused', async (options, expected) => {
    const { registry, clock } = registryWorld();
    await expect(registry.waitFor('a', options)).rejects.toThrow(expected);
    expect(clock.pending()).toBe(0);
  });
});

describe('a registry of its own system', () => {
  it('runs on the clock that it was given, and is closed where it is disposed of', async () => {
    const clock = new VirtualClock();
    const registry = createRegistry({}, { clock });
    registry.register('a', actor());
    await registry[Symbol.asyncDispose]();
    await registry.close();
    const dead = { ok: false, reason: 'closed' };
    expect([registry.whereis('a'), registry.register('a', actor()), registry.update('a', actor(), () => 1)]).toEqual([undefined, dead, dead]);
    expect([registry.putMeta('w', 1), registry.clear(), registry.dispatch('a', { type: 'x' })]).toEqual([false, 0, 0]);
    expect(registry.status()).toEqual({ entries: 0, waiting: 0, namespaces: [] });
  });

  it('that nobody has started yet answers closed', () => {
    const registry = registryHandle(() => undefined);
    expect([registry.ref, registry.register('a', actor())]).toEqual([undefined, { ok: false, reason: 'closed' }]);
    registry.on('registry.refused', () => {}).unsubscribe();
  });
});

describe('metadata whose indexed field throws', () => {
  const bad = (): object => ({
    get role() {
      throw new Error('AIza-SECRET');
    },
  });
  const words = 'metadata: indexed fields that can be read, got: "one that throws"';

  it('is refused, and the name is nobody’s', () => {
    const { registry, facts } = registryWorld({ indexes: ['role'] });
    expect(refusalOf(() => registry.register('a', actor(), { metadata: bad() }))).toBe(words);
    expect([registry.status().entries, registry.clear(), facts]).toEqual([0, 0, []]);
    expect(registry.register('a', actor())).toEqual({ ok: true });
    expect([registry.status().entries, registry.clear()]).toEqual([1, 1]);
  });

  it('is refused in an update, and what was said before stands, and is found', () => {
    const { registry } = registryWorld({ indexes: ['role'] });
    const owner = actor();
    registry.register('a', owner, { metadata: { role: 'first' } });
    expect(refusalOf(() => registry.update('a', owner, bad))).toBe(words);
    expect([registry.count({ where: { role: 'first' } }), registry.lookup('a')[0]?.metadata]).toEqual([1, { role: 'first' }]);
    registry.update('a', owner, () => ({ role: 'second' }));
    expect([registry.count({ where: { role: 'first' } }), registry.count({ where: { role: 'second' } })]).toEqual([0, 1]);
    owner.stop();
    expect([registry.count({ where: { role: 'second' } }), registry.status().entries]).toEqual([0, 0]);
  });

  it('may give the name to somebody else while it is read: then it is his', () => {
    const { registry } = registryWorld({ indexes: ['role'] });
    const [first, second] = [actor('first'), actor('second')];
    const metadata = {
      get role() {
        registry.register('a', second);
        return 'x';
      },
    };
    expect(registry.register('a', first, { metadata })).toMatchObject({ ok: false, reason: 'alreadyRegistered', ref: second });
  });
});

describe('a dispatch', () => {
  it.each([undefined, null, 3, {}, { type: 1 }])('of a function that makes %j is refused, and nobody is sent anything', (made) => {
    const { registry } = registryWorld({ keys: 'duplicate' });
    const heard: string[] = [];
    const owners = ['a', 'b'].map((id) => createActor(createMachine({ on: { '*': { actions: () => heard.push(id) } } }), { id }).start());
    for (const owner of owners) registry.register('topic', owner);
    const make = ({ ref }: { ref: { id: string } }) => (ref.id === 'b' ? made : { type: 'paper' }) as never;
    expect(refusalOf(() => registry.dispatch('topic', make))).toContain('event: a function that makes an event');
    expect([heard, owners.map((owner) => owner.getSnapshot().status)]).toEqual([[], ['active', 'active']]);
    for (const owner of owners) owner.stop();
  });
});
