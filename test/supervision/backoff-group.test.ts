import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { Backoff } from '../../machines/backoff.js';
import { dynamicSupervisor, supervisorHandle, type Strategy } from '../../src/index.js';
import { boom, factsOf, stage, told, trapper, worker, type Stage } from './stage.js';

const steady = (ms: number, changes: Partial<Backoff> = {}): Backoff => ({
  minMs: ms,
  maxMs: ms,
  factor: 1,
  jitter: 0,
  resetAfterMs: 10_000,
  ...changes,
});

const growing: Backoff = { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0, resetAfterMs: 5_000 };

describe('backoff in a group', () => {
  const group = (here: Stage, strategy: Strategy, backoffs: Record<string, Backoff | undefined>, logic: 'worker' | 'trapper' = 'worker') => {
    const app = here.app({
      strategy,
      intensity: 100,
      actors: { worker: worker(), trapper: trapper([], 30) },
      children: Object.entries(backoffs).map(([id, backoff]) => ({ id, src: logic, ...(backoff === undefined ? {} : { backoff }) })),
    });
    return {
      app,
      up: () =>
        Object.keys(backoffs)
          .filter((id) => app.child(id) !== undefined)
          .join(''),
      crash: (id: string) => {
        app.child(id)?.send({ type: 'crash' });
      },
      facts: factsOf(app),
    };
  };

  it('oneForAll: all wait together, and start together in order', () => {
    const here = stage();
    const { up, crash, facts } = group(here, 'oneForAll', { a: undefined, b: steady(300), c: undefined });
    crash('b');
    expect(up()).toBe('');
    here.clock.advanceBy(299);
    expect(up()).toBe('');
    here.clock.advanceBy(1);
    expect(up()).toBe('abc');
    expect(told(facts, 'child.restarted')).toEqual(['child.restarted a', 'child.restarted b', 'child.restarted c']);
  });

  it('oneForAll: with siblings that take a while to stop, the wait begins with the crash', () => {
    const here = stage();
    const { up, crash } = group(here, 'oneForAll', { a: undefined, b: steady(300) }, 'trapper');
    crash('b');
    here.clock.advanceBy(299);
    expect(up()).toBe('');
    here.clock.advanceBy(1);
    expect(up()).toBe('ab');
  });

  it('oneForAll: siblings that take longer to stop than the wait: all start when the last has stopped', () => {
    const here = stage();
    const { up, crash } = group(here, 'oneForAll', { a: undefined, b: steady(20), c: undefined }, 'trapper');
    crash('b');
    here.clock.advanceBy(59);
    expect(up(), 'a is still on its way down').toBe('a');
    here.clock.advanceBy(1);
    expect(up()).toBe('abc');
  });

  it('restForOne: overlapping delays are merged into the later one', () => {
    const here = stage();
    const { up, crash } = group(here, 'restForOne', { a: steady(200), b: undefined, c: steady(500), d: undefined });
    crash('c');
    expect(up()).toBe('ab');
    here.clock.advanceBy(100);
    crash('a');
    expect(up()).toBe('');
    here.clock.advanceBy(200);
    expect(up(), 'a is due at 300, but its group holds c, due at 500').toBe('');
    here.clock.advanceBy(200);
    expect(up()).toBe('abcd');
  });

  it('restForOne: a later, shorter delay does not shorten the earlier one, nor start anybody twice', () => {
    const here = stage();
    const { up, crash, facts } = group(here, 'restForOne', { a: steady(500), b: steady(50), c: undefined });
    crash('b');
    here.clock.advanceBy(10);
    crash('a');
    here.clock.advanceBy(499);
    expect(up()).toBe('');
    here.clock.advanceBy(1);
    expect(up()).toBe('abc');
    here.clock.advanceBy(5_000);
    expect(told(facts, 'child.started')).toHaveLength(3);
  });

  it('restForOne: earlier siblings are not touched', () => {
    const here = stage();
    const { app, up, crash } = group(here, 'restForOne', { a: undefined, b: steady(100), c: undefined });
    const first = app.child('a');
    crash('b');
    expect(up()).toBe('a');
    here.clock.advanceBy(100);
    expect(up()).toBe('abc');
    expect(app.child('a')).toBe(first);
  });

  it('one group restart counts once', () => {
    const here = stage();
    const { app, crash } = group(here, 'oneForAll', { a: steady(10), b: steady(20) });
    crash('a');
    here.clock.advanceBy(100);
    expect((app.ref.getSnapshot() as { context: { restarts: readonly number[] } }).context.restarts).toEqual([0]);
  });
});

describe('a budget of one child', () => {
  it('once spent keeps it down; its siblings live on, and the supervisor does not give up', async () => {
    const here = stage();
    const app = here.app({
      intensity: 100,
      actors: { worker: worker() },
      children: [
        { id: 'w', src: 'worker', budget: { intensity: 2, periodMs: 1_000 } },
        { id: 'x', src: 'worker' },
      ],
    });
    const facts = factsOf(app);
    for (let round = 0; round < 3; round++) app.child('w')?.send({ type: 'crash' });
    expect(told(facts, 'child.gaveUp', 'supervisor.gaveUp')).toEqual(['child.gaveUp w']);
    expect([app.child('w'), app.child('x')?.getSnapshot().status]).toEqual([undefined, 'active']);
    expect(await app.restartChild('w')).toMatchObject({ ok: true });
  });

  it('comes back as time passes, with the edge inclusive', () => {
    const here = stage();
    const app = here.app({
      intensity: 100,
      actors: { worker: worker() },
      children: [{ id: 'w', src: 'worker', budget: { intensity: 1, periodMs: 1_000 } }],
    });
    app.child('w')?.send({ type: 'crash' });
    here.clock.advanceBy(1_001);
    app.child('w')?.send({ type: 'crash' });
    expect(app.child('w')).toBeDefined();
    here.clock.advanceBy(1_000);
    app.child('w')?.send({ type: 'crash' });
    expect(app.child('w')).toBeUndefined();
  });

  it("stands beside the supervisor's own: whichever is spent first decides", () => {
    const here = stage();
    const app = here.app({
      intensity: 1,
      actors: { worker: worker() },
      children: [{ id: 'w', src: 'worker', budget: { intensity: 5, periodMs: 1_000 } }],
    });
    app.child('w')?.send({ type: 'crash' });
    app.child('w')?.send({ type: 'crash' });
    expect(app.ref.getSnapshot().status).toBe('done');
  });

  it('counts failed starts of a restart too', () => {
    const here = stage();
    let failing = false;
    const flaky = setup({
      guards: { failing: () => failing },
      actions: {
        crash: () => {
          throw boom;
        },
      },
    }).createMachine({
      initial: 'starting',
      on: { crash: { actions: 'crash' } },
      states: {
        starting: { tags: 'starting', always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }] },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });
    const app = here.app({
      intensity: 50,
      actors: { flaky, worker: worker() },
      children: [
        { id: 'f', src: 'flaky', budget: { intensity: 3, periodMs: 1_000 } },
        { id: 'x', src: 'worker' },
      ],
    });
    const facts = factsOf(app);
    failing = true;
    app.child('f')?.send({ type: 'crash' });
    here.clock.advanceBy(0);
    expect(told(facts, 'child.gaveUp', 'supervisor.gaveUp')).toEqual(['child.gaveUp f']);
    expect(app.child('x')).toBeDefined();
  });
});

describe('backoff and budget of dynamic children', () => {
  const dynamic = (here: Stage, intensity = 100) => {
    const root = here.root(dynamicSupervisor({ intensity, actors: { worker: worker() } }), { id: 'dyn' });
    return { root, handle: supervisorHandle(root), facts: factsOf(root as never) };
  };

  it('wait, grow, and are forgotten after a healthy time', async () => {
    const here = stage();
    const { handle } = dynamic(here);
    await handle.startChild({ id: 'w', src: 'worker', backoff: growing });
    const comeback = () => {
      const from = here.clock.now();
      handle.child('w')?.send({ type: 'crash' });
      while (handle.child('w') === undefined) here.clock.advanceTo(here.clock.nextAt() ?? Number.NaN);
      return here.clock.now() - from;
    };
    expect([comeback(), comeback(), comeback()]).toEqual([100, 200, 400]);
    here.clock.advanceBy(5_000);
    expect(comeback()).toBe(100);
  });

  it('one that waits counts toward maxChildren and can be terminated', async () => {
    const here = stage();
    const root: AnyActorRef = here.root(dynamicSupervisor({ maxChildren: 1, actors: { worker: worker() } }), { id: 'dyn' });
    const handle = supervisorHandle(root);
    await handle.startChild({ id: 'w', src: 'worker', backoff: steady(300) });
    handle.child('w')?.send({ type: 'crash' });
    expect(await handle.startChild({ id: 'x', src: 'worker' })).toEqual({ ok: false, reason: 'maxChildren' });
    expect(await handle.whichChildren()).toEqual([{ id: null, ref: null, restarting: true, type: 'worker' }]);
    expect(await handle.terminateChild('w')).toEqual({ ok: true });
    expect(here.clock.pending()).toBe(0);
    expect(await handle.startChild({ id: 'x', src: 'worker' })).toMatchObject({ ok: true });
  });

  it('one whose budget is spent is forgotten', async () => {
    const here = stage();
    const { handle, facts } = dynamic(here);
    await handle.startChild({ id: 'w', src: 'worker', budget: { intensity: 1, periodMs: 1_000 } });
    handle.child('w')?.send({ type: 'crash' });
    handle.child('w')?.send({ type: 'crash' });
    expect(told(facts, 'child.gaveUp')).toEqual(['child.gaveUp w']);
    expect(await handle.countChildren()).toMatchObject({ specs: 0, active: 0 });
  });
});

describe('a budget that is spent in a group', () => {
  /** Starts fail while `failing`; `crash` ends it. */
  const flaky = (mood: { failing: boolean }) =>
    setup({
      guards: { failing: () => mood.failing },
      actions: {
        crash: () => {
          throw boom;
        },
      },
    }).createMachine({
      initial: 'starting',
      on: { crash: { actions: 'crash' } },
      states: {
        starting: {
          tags: 'starting',
          always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }],
        },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });

  it.each(['oneForAll', 'restForOne'] as const)('%s: the child stays down, and the rest of its group comes up without it', async (strategy) => {
    const here = stage();
    const mood = { failing: false };
    const app = here.app({
      strategy,
      intensity: 100,
      actors: { flaky: flaky(mood), worker: worker() },
      children: [
        { id: 'a', src: 'worker' },
        { id: 'f', src: 'flaky', budget: { intensity: 2, periodMs: 60_000 }, backoff: steady(100) },
        { id: 'z', src: 'worker' },
      ],
    });
    const facts = factsOf(app);
    mood.failing = true;
    app.child('f')?.send({ type: 'crash' });
    here.clock.advanceBy(10_000);
    expect(told(facts, 'child.gaveUp', 'supervisor.gaveUp')).toEqual(['child.gaveUp f']);
    expect(['a', 'f', 'z'].filter((id) => app.child(id) !== undefined)).toEqual(['a', 'z']);
    expect(app.ref.getSnapshot().value).toEqual({ running: 'idle' });
    mood.failing = false;
    expect(await app.restartChild('f')).toMatchObject({ ok: true });
  });

  it('its siblings keep their own budgets', () => {
    const here = stage();
    const app = here.app({
      strategy: 'oneForAll',
      intensity: 100,
      actors: { worker: worker() },
      children: [
        { id: 'a', src: 'worker', budget: { intensity: 1, periodMs: 1_000 } },
        { id: 'b', src: 'worker' },
      ],
    });
    for (let round = 0; round < 5; round++) app.child('b')?.send({ type: 'crash' });
    expect(app.child('a')).toBeDefined();
    app.child('a')?.send({ type: 'crash' });
    expect(app.child('a')).toBeDefined();
    app.child('a')?.send({ type: 'crash' });
    expect(app.child('a')).toBeUndefined();
    expect(app.child('b')).toBeDefined();
  });
});
