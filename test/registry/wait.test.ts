/** Who waits for a name: told at once, or by the deadline, or when the registry ends; never by looking again. */
import { afterEach, describe, expect, it } from 'vitest';
import { exit } from '../../src/supervision/watch.js';
import { actor, leaveNothing, registryWorld, settle, Watched } from './registry-world.js';

afterEach(leaveNothing);

describe('a wait for a name', () => {
  it('is over at once where somebody has it', async () => {
    const { registry, clock } = registryWorld();
    const a = actor('a');
    registry.register('db', a, { metadata: { port: 1 } });
    expect(await registry.waitFor('db')).toEqual({ ok: true, ref: a, metadata: { port: 1 }, waitedMs: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('sets one timer for all that wait, and looks at nothing until it is told', async () => {
    const { registry, clock } = registryWorld();
    const all = Array.from({ length: 50 }, (_, n) => new Watched(registry.waitFor('db', { deadlineMs: 10_000 + n })));
    await settle();
    expect([clock.pending(), registry.status().waiting]).toEqual([1, 50]);
    clock.advanceBy(400);
    registry.register('other', actor());
    await settle();
    expect(all.every(({ state }) => state === 'waiting')).toBe(true);
    const a = actor('a');
    registry.register('db', a, { metadata: 1 });
    await settle();
    expect(all.map(({ outcome }) => outcome)).toEqual(all.map(() => ({ ok: true, ref: a, metadata: 1, waitedMs: 400 })));
    expect([clock.pending(), registry.status().waiting]).toEqual([0, 0]);
  });

  it('is for its own namespace', async () => {
    const { registry } = registryWorld();
    const here = new Watched(registry.waitFor('db'));
    const other = { registry: registry.in('there') };
    const there = new Watched(other.registry.waitFor('db'));
    other.registry.register('db', actor('b'));
    await settle();
    expect([here.state, there.state]).toEqual(['waiting', 'b']);
  });

  it('ends by its deadline, and not before', async () => {
    const { registry, clock } = registryWorld();
    const wait = new Watched(registry.waitFor('db', { deadlineMs: 500 }));
    const byDefault = new Watched(registry.waitFor('db'));
    clock.advanceBy(499);
    await settle();
    expect(wait.state).toBe('waiting');
    clock.advanceBy(1);
    await settle();
    expect(wait.outcome).toEqual({ ok: false, reason: 'timeout', waitedMs: 500 });
    clock.advanceBy(59_500);
    await settle();
    expect(byDefault.outcome).toEqual({ ok: false, reason: 'timeout', waitedMs: 60_000 });
    registry.register('db', actor());
    await settle();
    expect([wait.heard, byDefault.heard]).toEqual([1, 1]);
  });

  it('of no time is an answer', async () => {
    const { registry } = registryWorld();
    expect(await registry.waitFor('db', { deadlineMs: 0 })).toEqual({ ok: false, reason: 'timeout', waitedMs: 0 });
  });

  it('ends when its signal aborts; one that has aborted does not begin', async () => {
    const { registry, clock } = registryWorld();
    const controller = new AbortController();
    const wait = new Watched(registry.waitFor('db', { signal: controller.signal }));
    clock.advanceBy(5);
    controller.abort();
    await settle();
    expect(wait.outcome).toEqual({ ok: false, reason: 'cancelled', waitedMs: 5 });
    expect(await registry.waitFor('db', { signal: controller.signal })).toEqual({ ok: false, reason: 'cancelled', waitedMs: 0 });
    expect(clock.pending()).toBe(0);
  });

  it.each([
    ['is closed', (world: ReturnType<typeof registryWorld>) => void world.registry.close()],
    ['is killed', (world: ReturnType<typeof registryWorld>) => exit(world.registry.ref as never, 'kill')],
  ])('ends when the registry %s', async (_, end) => {
    const world = registryWorld();
    const wait = new Watched(world.registry.waitFor('db'));
    end(world);
    await settle();
    expect(wait.outcome).toEqual({ ok: false, reason: 'closed', waitedMs: 0 });
    expect(await world.registry.waitFor('db')).toEqual({ ok: false, reason: 'closed', waitedMs: 0 });
    expect(world.clock.pending()).toBe(0);
  });

  it('goes on where only the watch over owners is lost', async () => {
    const { registry, part } = registryWorld();
    const wait = new Watched(registry.waitFor('db'));
    exit(part('names'), 'kill');
    registry.register('db', actor('a'));
    await settle();
    expect(wait.state).toBe('a');
  });

  it('is refused beyond the bound', async () => {
    const { registry } = registryWorld({ maxWaiting: 1 });
    const first = new Watched(registry.waitFor('a'));
    expect(await registry.waitFor('b')).toEqual({ ok: false, reason: 'full', waitedMs: 0 });
    registry.register('a', actor('a'));
    await settle();
    expect(first.state).toBe('a');
    const next = new Watched(registry.waitFor('b'));
    await settle();
    expect(next.state).toBe('waiting');
  });

  it('hears of one that died before it could look', async () => {
    const { registry } = registryWorld();
    const wait = new Watched(registry.waitFor('db'));
    const a = actor('a');
    registry.register('db', a);
    a.stop();
    await settle();
    expect(wait.state).toBe('a');
  });
});
