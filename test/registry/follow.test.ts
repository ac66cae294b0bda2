/** Names that follow a restart: they are of a seat in the tree, and of whoever runs there now. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorLogic, type AnyActorRef, fromCallback, setup } from 'xstate';
import type { RegistryEmitted } from '../../machines/registry/registry-events.js';
import { type Registry, registryHandle } from '../../src/registry/handle.js';
import type { RegistryOptions } from '../../src/registry/options.js';
import { registry as registryLogic, tableOf } from '../../src/registry/registry.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { dynamicSupervisor, supervisor } from '../../src/supervision/supervisors.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { actor, idle, leaveNothing, listen, settle, Watched } from './registry-world.js';

type Children = NonNullable<Parameters<typeof orchestrator>[0]>['children'];
type AnyApp = App;

const running: { app: AnyApp; clock: VirtualClock }[] = [];

afterEach(async () => {
  await leaveNothing();
  for (const { app, clock } of running.splice(0)) {
    const names = app.child('names');
    const table = names === undefined ? undefined : tableOf(names);
    await app.stop();
    expect(clock.pending(), 'timers left').toBe(0);
    if (table !== undefined) expect(table.counts).toMatchObject({ waiting: 0, posts: 0 });
  }
});

interface Tree {
  readonly app: AnyApp;
  readonly clock: VirtualClock;
  readonly registry: Registry;
  readonly facts: RegistryEmitted[];
}

const names = { id: 'names', src: 'names', restart: 'permanent' } as const;
const worker = (id: string, more: object = {}) => ({ id, src: 'worker', restart: 'permanent', ...more }) as const;

/** A tree with a registry, and who else is said. */
async function tree(
  options: RegistryOptions,
  children: readonly object[],
  more: { strategy?: string; actors?: Record<string, AnyActorLogic> } = {},
): Promise<Tree> {
  const clock = new VirtualClock();
  const { strategy = 'oneForOne', actors = {} } = more;
  const app = orchestrator({
    ...{ strategy: strategy as never, intensity: 20, periodMs: 1_000 },
    actors: { names: registryLogic(options), worker: idle, ...actors },
    children: children as unknown as Children & [],
  } as never).start({ clock });
  const registry = registryHandle(() => app.child('names'));
  running.push({ app, clock });
  await app.started();
  return { app, clock, registry, facts: listen(registry) };
}

const childOf = (app: AnyApp, ...path: string[]): AnyActorRef => {
  let ref: AnyActorRef = app.ref;
  for (const id of path) ref = supervisorHandle(ref).child(id) ?? expect.fail(`a child ${id}`);
  return ref;
};

describe('a name that follows', () => {
  it('is its successor’s as soon as that runs, with all that was said of it', async () => {
    const { app, clock, registry, facts } = await tree({ indexes: ['role'] }, [names, worker('w')]);
    const first = childOf(app, 'w');
    expect(registry.register('printer', first, { follow: true, metadata: { role: 'out' } })).toEqual({ ok: true });
    for (let life = 0; life < 3; life++) exit(childOf(app, 'w'), { crash: life });
    const now = childOf(app, 'w');
    expect(now).not.toBe(first);
    expect(registry.whereis('printer')).toBe(now);
    expect(registry.select({ where: { role: 'out' } }).map(({ ref }) => ref)).toEqual([now]);
    expect(facts.map(({ type }) => type.replace('registry.', ''))).toEqual(['registered', ...[1, 2, 3].flatMap(() => ['vacated', 'succeeded'])]);
    expect(clock.pending()).toBe(0);
  });

  it('is nobody’s while its successor is awaited, whoever asks; who waits for it gets the successor', async () => {
    const { app, clock, registry } = await tree({}, [
      names,
      worker('w', { backoff: { minMs: 300, maxMs: 300, factor: 1, jitter: 0, resetAfterMs: 0 } }),
    ]);
    registry.register('printer', childOf(app, 'w'), { follow: true });
    exit(childOf(app, 'w'), { crash: 'x' });
    expect([registry.whereis('printer'), registry.lookup('printer')]).toEqual([undefined, []]);
    expect([registry.awaits('printer'), registry.awaits('nobody')]).toEqual([true, false]);
    expect(registry.register('printer', actor())).toEqual({ ok: false, reason: 'awaited' });
    const wait = new Watched(registry.waitFor('printer'));
    clock.advanceBy(299);
    await settle();
    expect(wait.state).toBe('waiting');
    clock.advanceBy(1);
    await settle();
    expect(wait.outcome).toMatchObject({ ok: true, ref: childOf(app, 'w'), waitedMs: 300 });
    expect(registry.awaits('printer')).toBe(false);
  });

  it('is free at once where its supervisor will start no other', async () => {
    const { app, registry, facts } = await tree({}, [names, worker('w', { restart: 'transient' })]);
    registry.register('printer', childOf(app, 'w'), { follow: true });
    exit(childOf(app, 'w'), 'normal');
    expect(facts.at(-1)).toEqual({ type: 'registry.unregistered', namespace: 'default', key: 'printer', owner: null, because: 'notSucceeded' });
    expect(registry.register('printer', actor())).toEqual({ ok: true });
  });

  it('is free when no successor has come in time; one that was stopped by a call comes again within it', async () => {
    const { app, clock, registry } = await tree({ successorMs: 1_000 }, [names, worker('w')]);
    registry.register('printer', childOf(app, 'w'), { follow: true });
    await app.terminateChild('w');
    clock.advanceBy(999);
    await app.restartChild('w');
    expect(registry.whereis('printer')).toBe(childOf(app, 'w'));
    await app.terminateChild('w');
    clock.advanceBy(999);
    expect(registry.register('printer', actor())).toEqual({ ok: false, reason: 'awaited' });
    clock.advanceBy(1);
    expect(registry.register('printer', actor())).toEqual({ ok: true });
  });

  it('may be claimed by the successor itself, before anybody else knows of it', async () => {
    const found: { registry?: Registry } = {};
    const outcomes: unknown[] = [];
    const selfish = fromCallback(({ self }) => {
      outcomes.push(found.registry?.register('printer', self, { metadata: outcomes.length, follow: true }));
      return undefined;
    });
    const { app, registry } = await tree({}, [names, { id: 's', src: 'selfish', restart: 'permanent' }], { actors: { selfish } });
    found.registry = registry;
    expect(registry.register('printer', childOf(app, 's'), { follow: true })).toEqual({ ok: true });
    exit(childOf(app, 's'), 'kill');
    expect(outcomes).toEqual([undefined, { ok: true }]);
    expect(registry.lookup('printer')).toEqual([{ namespace: 'default', key: 'printer', ref: childOf(app, 's'), metadata: 1 }]);
  });

  it('is not given to one that nobody would restart', async () => {
    const { registry } = await tree({}, [names]);
    expect(registry.register('printer', actor(), { follow: true })).toEqual({ ok: false, reason: 'notSupervised' });
  });

  it.each(['oneForAll', 'restForOne'])('follows a restart of all (%s), of which its owner was one', async (strategy) => {
    const { app, registry } = await tree({}, [names, worker('a'), worker('b')], { strategy });
    const before = childOf(app, 'b');
    registry.register('b', before, { follow: true });
    exit(childOf(app, 'a'), 'kill');
    expect(childOf(app, 'b')).not.toBe(before);
    expect(registry.whereis('b')).toBe(childOf(app, 'b'));
  });

  it('follows children of a dynamic supervisor', async () => {
    const { app, registry } = await tree({}, [names, { id: 'jobs', src: 'jobs', type: 'supervisor', restart: 'permanent' }], {
      actors: { jobs: dynamicSupervisor({ actors: { worker: idle } }) },
    });
    const started = await supervisorHandle(childOf(app, 'jobs')).startChild({ id: 'j', src: 'worker', restart: 'permanent' });
    const ref = (started as { ref: AnyActorRef }).ref;
    registry.register('job', ref, { follow: true });
    exit(ref, 'kill');
    expect(registry.whereis('job')).toBe(childOf(app, 'jobs', 'j'));
    await supervisorHandle(childOf(app, 'jobs')).terminateChild('j');
    expect(registry.whereis('job')).toBeUndefined();
  });

  it('follows a branch that is restarted whole, and another within it', async () => {
    const inner = supervisor({ actors: { worker: idle }, children: [worker('x'), worker('y')] });
    const { app, registry, facts } = await tree({}, [names, { id: 'branch', src: 'inner', type: 'supervisor', restart: 'permanent' }], {
      actors: { inner },
    });
    registry.register('x', childOf(app, 'branch', 'x'), { follow: true });
    registry.register('y', childOf(app, 'branch', 'y'), { follow: true });
    exit(childOf(app, 'branch'), 'kill');
    exit(childOf(app, 'branch', 'y'), { crash: 1 });
    expect([registry.whereis('x'), registry.whereis('y')]).toEqual([childOf(app, 'branch', 'x'), childOf(app, 'branch', 'y')]);
    expect(facts.filter(({ type }) => type === 'registry.succeeded')).toHaveLength(3);
  });
});

describe('a planned name', () => {
  it('is of whoever runs in its seat, over restarts, without a word of anybody', async () => {
    const inner = supervisor({ actors: { worker: idle }, children: [worker('mail')] });
    const { app, registry } = await tree(
      { names: { first: 'before', jobs: 'jobs', mail: 'jobs/mail', later: ['later'] } },
      [worker('before'), names, { id: 'jobs', src: 'inner', type: 'supervisor', restart: 'permanent' }],
      { actors: { inner } },
    );
    const here = () => ['first', 'jobs', 'mail', 'later'].map((key) => registry.whereis(key));
    expect(here()).toEqual([childOf(app, 'before'), childOf(app, 'jobs'), childOf(app, 'jobs', 'mail'), undefined]);
    exit(childOf(app, 'before'), 'kill');
    exit(childOf(app, 'jobs'), 'kill');
    expect(here()).toEqual([childOf(app, 'before'), childOf(app, 'jobs'), childOf(app, 'jobs', 'mail'), undefined]);
    const wait = new Watched(registry.waitFor('later'));
    await app.startChild({ id: 'later', src: 'worker' });
    await settle();
    expect(wait.outcome).toMatchObject({ ok: true, ref: childOf(app, 'later') });
  });

  it('is refused to everybody else, and never given up', async () => {
    const { app, clock, registry } = await tree({ names: { w: 'w' }, successorMs: 100 }, [names, worker('w', { restart: 'temporary' })]);
    expect(registry.register('w', actor())).toMatchObject({ ok: false, reason: 'alreadyRegistered' });
    expect([registry.unregister('w', childOf(app, 'w')), registry.clear()]).toEqual([0, 0]);
    exit(childOf(app, 'w'), 'kill');
    clock.advanceBy(60_000);
    expect(registry.register('w', actor())).toEqual({ ok: false, reason: 'reserved' });
    await app.startChild({ id: 'w', src: 'worker' });
    expect(registry.whereis('w')).toBe(childOf(app, 'w'));
  });

  it('is its owner’s once that runs, not while it starts', async () => {
    const slow = setup({}).createMachine({
      id: 'slow',
      initial: 'starting',
      states: { starting: { tags: 'starting', after: { 50: 'ready' } }, ready: {} },
    });
    const clock = new VirtualClock();
    const app = orchestrator({
      actors: { names: registryLogic({ names: { slow: 'slow' } }), slow },
      children: [
        { id: 'names', src: 'names' },
        { id: 'slow', src: 'slow' },
      ],
    }).start({ clock });
    running.push({ app, clock });
    const registry = registryHandle(() => app.child('names'));
    const wait = new Watched(registry.waitFor('slow'));
    await settle();
    expect([wait.state, registry.whereis('slow')]).toEqual(['waiting', undefined]);
    clock.advanceBy(50);
    await settle();
    expect(wait.state).toBe('slow');
  });
});

describe('a registry that is restarted', () => {
  it('knows whom its predecessor knew: names, what was said, and deaths in between', async () => {
    const { app, registry } = await tree({ names: { w: 'w' } }, [names, worker('w'), worker('v')]);
    const [a, b] = [actor('a'), actor('b')];
    registry.register('a', a, { metadata: 1 });
    registry.register('b', b);
    registry.register('v', childOf(app, 'v'), { follow: true });
    registry.putMeta('word', 1);
    const before = registry.ref;
    const wait = new Watched(registry.waitFor('nobody'));
    exit(registry.ref as AnyActorRef, 'kill');
    await settle();
    expect([registry.ref === before, wait.state]).toEqual([false, 'closed']);
    expect([registry.whereis('a'), registry.whereis('w'), registry.whereis('v')]).toEqual([a, childOf(app, 'w'), childOf(app, 'v')]);
    expect([registry.lookup('a')[0]?.metadata, registry.meta('word')]).toEqual([1, 1]);
    exit(childOf(app, 'v'), 'kill');
    expect(registry.whereis('v')).toBe(childOf(app, 'v'));
    a.stop();
    expect(registry.whereis('a')).toBeUndefined();
    expect(registryHandle(before as AnyActorRef).whereis('b')).toBeUndefined();
  });

  it('finds those who ended, and successors who came, while it was down', async () => {
    const { app, clock, registry } = await tree({ successorMs: 500 }, [names, worker('w'), worker('v', { restart: 'temporary' })]);
    const a = actor('a');
    registry.register('a', a);
    registry.register('w', childOf(app, 'w'), { follow: true });
    registry.register('v', childOf(app, 'v'), { follow: true });
    await app.terminateChild('names');
    expect([registry.whereis('a'), registry.register('x', a), registry.count()]).toEqual([undefined, { ok: false, reason: 'closed' }, 0]);
    a.stop();
    exit(childOf(app, 'w'), 'kill');
    exit(childOf(app, 'v'), 'kill');
    await app.restartChild('names');
    expect([registry.whereis('a'), registry.whereis('w')]).toEqual([undefined, childOf(app, 'w')]);
    // Nobody has heard that the other will not come again: its name is given up in time.
    expect(registry.register('v', actor())).toEqual({ ok: false, reason: 'awaited' });
    clock.advanceBy(500);
    expect(registry.register('v', actor())).toEqual({ ok: true });
  });

  it('that was closed by the app forgets, and so does one whose supervisor is new', async () => {
    const { app, registry } = await tree({ names: { w: 'w' } }, [{ ...names, restart: 'permanent' }, worker('w')]);
    registry.register('a', actor('a'));
    await registry.close();
    await settle();
    expect([registry.whereis('a'), registry.whereis('w')]).toEqual([undefined, childOf(app, 'w')]);
  });

  it('restarted with all others, gives planned names to the new', async () => {
    const { app, registry } = await tree({ names: { w: 'w' } }, [names, worker('w')], { strategy: 'oneForAll' });
    exit(registry.ref as AnyActorRef, 'kill');
    expect(registry.whereis('w')).toBe(childOf(app, 'w'));
  });

  it.each([
    ['of another logic', 'others'],
    ['of the same logic', 'names'],
  ])('together with another %s beside it, has its own names again, and each what was said of it', async (_, src) => {
    const { app, registry } = await tree({}, [names, { id: 'second', src, restart: 'permanent' }, worker('w')], {
      strategy: 'oneForAll',
      actors: { others: registryLogic() },
    });
    const second = registryHandle(() => app.child('second'));
    const [a, b] = [actor('a'), actor('b')];
    for (let life = 1; life <= 3; life++) {
      registry.register('first', a, { metadata: 1 });
      second.register('second', b, { metadata: 2 });
      exit(childOf(app, 'w'), 'kill');
      expect([registry.select(), second.select()].map((all) => all.map(({ key, ref, metadata }) => [key, ref, metadata]))).toEqual([
        [['first', a, 1]],
        [['second', b, 2]],
      ]);
    }
  });

  it('replaces its watch ten times in five seconds; once more, and its supervisor replaces the whole', async () => {
    const { app, registry, facts } = await tree({}, [names]);
    const [a, first] = [actor(), registry.ref];
    registry.register('a', a);
    const killWatch = () => {
      for (const part of childrenOf(registry.ref as AnyActorRef)) exit(part, 'kill');
    };
    for (let loss = 0; loss < 10; loss++) killWatch();
    expect([registry.ref === first, registry.whereis('a')]).toEqual([true, a]);
    expect(facts.filter(({ type }) => type === 'registry.restarted').at(-1)).toEqual({ type: 'registry.restarted', attempt: 10 });
    expect(facts.filter(({ type }) => type === 'registry.recovered').at(-1)).toEqual({ type: 'registry.recovered', kept: 1, gone: 0 });
    killWatch();
    expect([registry.ref === first, registry.whereis('a'), app.child('names')]).toEqual([false, a, registry.ref]);
    a.stop();
    expect(registry.whereis('a')).toBeUndefined();
  });
});
