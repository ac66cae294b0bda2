import { assign, fromPromise, raise, sendParent, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exit, supervisor, supervisorHandle, type App, type SupervisorOptions } from '../../src/index.js';
import { factsOf, stage, told, worker, type Stage } from './stage.js';

/** The tree as it would come back from a file. */
function saved(app: App): unknown {
  return JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as unknown;
}

/** Saves a tree, pulls the plug, and goes on with it on another stage, whose clock shows another time. */
function moved(here: Stage, app: App, options: SupervisorOptions, aheadMs = 0): { there: Stage; again: App } {
  const snapshot = saved(app);
  app.ref.stop();
  const there = stage();
  there.clock.advanceTo(aheadMs);
  void here;
  return { there, again: there.app(options, snapshot) };
}

/** Counts its ticks: one a second after each, for ever; a delayed raise; a message to its parent. */
const ticker = setup({
  types: { context: {} as { ticks: number; raised: number }, events: {} as { type: 'later' } | { type: 'raised' } },
  actions: { tick: assign({ ticks: ({ context }) => context.ticks + 1 }), note: assign({ raised: ({ context }) => context.raised + 1 }) },
}).createMachine({
  id: 'ticker',
  context: { ticks: 0, raised: 0 },
  initial: 'waiting',
  on: { later: { actions: raise({ type: 'raised' }, { delay: 500, id: 'later' }) }, raised: { actions: 'note' } },
  states: { waiting: { after: { 1000: { target: 'waiting', reenter: true, actions: 'tick' } } } },
});

const contextOf = (ref: AnyActorRef | undefined) => (ref?.getSnapshot() as { context: Record<string, unknown> } | undefined)?.context;

describe('a saved tree', () => {
  const inner = supervisor({
    actors: { ticker, worker: worker() },
    children: [
      { id: 'deep', src: 'ticker' },
      { id: 'deeper', src: 'worker' },
    ],
  });
  const options = {
    actors: { ticker, inner, dyn: dynamicSupervisor({ actors: { ticker } }), worker: worker() },
    children: [
      { id: 'tick', src: 'ticker' as const },
      { id: 'inner', src: 'inner' as const, type: 'supervisor' as const },
      { id: 'dyn', src: 'dyn' as const, type: 'supervisor' as const },
      { id: 'gone', src: 'worker' as const, restart: 'transient' as const },
    ],
  };

  it.each([0, 1_000_000])('comes back as it was: children, states, nested supervisors, dynamic children (clock at %i)', async (aheadMs) => {
    const here = stage();
    const app = here.app(options);
    await supervisorHandle(app.child('dyn') as AnyActorRef).startChild({ id: 'd1', src: 'ticker' });
    app.child('gone')?.send({ type: 'finish' });
    here.clock.advanceBy(2_500);
    const { again } = moved(here, app, options, aheadMs);
    expect(await again.started()).toEqual({ ok: true });
    expect(contextOf(again.child('tick'))).toEqual({ ticks: 2, raised: 0 });
    expect(contextOf(supervisorHandle(again.child('inner') as AnyActorRef).child('deep'))).toEqual({ ticks: 2, raised: 0 });
    expect(contextOf(supervisorHandle(again.child('dyn') as AnyActorRef).child('d1'))).toEqual({ ticks: 2, raised: 0 });
    expect(again.child('gone')).toBeUndefined();
    expect((await again.whichChildren()).map(({ id, ref }) => [id, ref !== null])).toEqual([
      ['gone', false],
      ['dyn', true],
      ['inner', true],
      ['tick', true],
    ]);
    expect(await again.countChildren()).toEqual({ specs: 4, active: 3, supervisors: 2, workers: 2 });
  });

  it.each([0, 1_000_000])('waits what remained of each timer, not all of it, and each fires once (clock at %i)', async (aheadMs) => {
    const here = stage();
    const app = here.app(options);
    await supervisorHandle(app.child('dyn') as AnyActorRef).startChild({ id: 'd1', src: 'ticker' });
    here.clock.advanceBy(700);
    app.child('tick')?.send({ type: 'later' });
    here.clock.advanceBy(200);
    const { there, again } = moved(here, app, options, aheadMs);
    const all = () =>
      [
        again.child('tick'),
        supervisorHandle(again.child('inner') as AnyActorRef).child('deep'),
        supervisorHandle(again.child('dyn') as AnyActorRef).child('d1'),
      ].map((ref) => contextOf(ref)?.ticks);
    there.clock.advanceBy(99);
    expect(all()).toEqual([0, 0, 0]);
    there.clock.advanceBy(1);
    expect(all()).toEqual([1, 1, 1]);
    expect(contextOf(again.child('tick'))?.raised).toBe(0);
    there.clock.advanceBy(200);
    expect(contextOf(again.child('tick'))?.raised).toBe(1);
    there.clock.advanceBy(799);
    expect(all()).toEqual([1, 1, 1]);
    there.clock.advanceBy(1);
    expect(all()).toEqual([2, 2, 2]);
  });

  it('can be saved and restored again and again', () => {
    const here = stage();
    const app = here.app(options);
    here.clock.advanceBy(600);
    const first = moved(here, app, options);
    first.there.clock.advanceBy(300);
    const second = moved(first.there, first.again, options, 77);
    second.there.clock.advanceBy(99);
    expect(contextOf(second.again.child('tick'))?.ticks).toBe(0);
    second.there.clock.advanceBy(1);
    expect(contextOf(second.again.child('tick'))?.ticks).toBe(1);
  });

  it('is not touched by what the old tree does afterwards', () => {
    const here = stage();
    const app = here.app(options);
    const snapshot = app.getPersistedSnapshot();
    const before = JSON.stringify(snapshot);
    here.clock.advanceBy(5_000);
    app.child('gone')?.send({ type: 'crash' });
    expect(JSON.stringify(snapshot)).toBe(before);
  });

  it('restarts its children from their beginning, not from the saved state', () => {
    const here = stage();
    const app = here.app(options);
    here.clock.advanceBy(2_500);
    const { again } = moved(here, app, options);
    expect(contextOf(again.child('tick'))?.ticks).toBe(2);
    exit(again.child('tick') as AnyActorRef, 'kill');
    expect(contextOf(again.child('tick'))?.ticks).toBe(0);
  });

  it('runs a promise anew', async () => {
    const here = stage();
    let runs = 0;
    const load = fromPromise(() => {
      runs++;
      return new Promise(() => {});
    });
    const promised = { actors: { load }, children: [{ id: 'load', src: 'load' as const }] };
    const { again } = moved(here, here.app(promised), promised);
    expect(runs).toBe(2);
    expect(again.child('load')).toBeDefined();
  });

  it('keeps a timer of a child of a child, also one for its parent', () => {
    const here = stage();
    const grandchild = setup({}).createMachine({
      initial: 'a',
      states: { a: { after: { 100: { target: 'b', actions: sendParent({ type: 'news' }) } } }, b: {} },
    });
    const parent = setup({ types: { context: {} as { news: number } }, actors: { grandchild } }).createMachine({
      context: { news: 0 },
      invoke: { id: 'grandchild', src: 'grandchild' },
      on: { news: { actions: assign({ news: ({ context }) => context.news + 1 }) } },
    });
    const nested = { actors: { parent }, children: [{ id: 'p', src: 'parent' as const }] };
    const app = here.app(nested);
    here.clock.advanceBy(60);
    const { there, again } = moved(here, app, nested);
    there.clock.advanceBy(39);
    expect(contextOf(again.child('p'))?.news).toBe(0);
    there.clock.advanceBy(100);
    expect(contextOf(again.child('p'))?.news).toBe(1);
  });
});

describe('a saved restart budget', () => {
  const options = {
    intensity: 2,
    periodMs: 1_000,
    actors: { worker: worker() },
    children: [
      { id: 'w', src: 'worker' as const },
      { id: 'x', src: 'worker' as const },
    ],
  };

  it.each([0, 1_000_000])('partly used is partly used, and comes back as time passes (clock at %i)', (aheadMs) => {
    const here = stage();
    here.clock.advanceTo(10_000);
    const app = here.app(options);
    app.child('w')?.send({ type: 'crash' });
    here.clock.advanceBy(600);
    app.child('w')?.send({ type: 'crash' });
    const { there, again } = moved(here, app, options, aheadMs);
    there.clock.advanceBy(401);
    again.child('w')?.send({ type: 'crash' });
    expect(again.ref.getSnapshot().status).toBe('active');
    again.child('w')?.send({ type: 'crash' });
    expect(again.ref.getSnapshot().status).toBe('done');
  });

  it.each([0, 1_000_000])('of one child is kept too (clock at %i)', (aheadMs) => {
    const here = stage();
    here.clock.advanceTo(10_000);
    const own = {
      intensity: 100,
      actors: { worker: worker() },
      children: [{ id: 'w', src: 'worker' as const, budget: { intensity: 1, periodMs: 1_000 } }],
    };
    const app = here.app(own);
    app.child('w')?.send({ type: 'crash' });
    const { there, again } = moved(here, app, own, aheadMs);
    there.clock.advanceBy(500);
    again.child('w')?.send({ type: 'crash' });
    expect(again.child('w')).toBeUndefined();
  });
});

describe('a child that is saved between two attempts', () => {
  const backoff = { minMs: 400, maxMs: 400, factor: 1, jitter: 0, resetAfterMs: 10_000 };
  const fixed = { actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' as const, backoff }] };

  it.each([0, 5_000, 1_000_000])('starts when the rest of its backoff is over (clock at %i)', (aheadMs) => {
    const here = stage();
    here.clock.advanceTo(5_000);
    const app = here.app(fixed);
    app.child('w')?.send({ type: 'crash' });
    here.clock.advanceBy(300);
    const { there, again } = moved(here, app, fixed, aheadMs);
    expect(again.child('w')).toBeUndefined();
    there.clock.advanceBy(99);
    expect(again.child('w')).toBeUndefined();
    there.clock.advanceBy(1);
    expect(again.child('w')).toBeDefined();
    there.clock.advanceBy(2_000);
    expect(there.living().filter((id) => id === 'w')).toHaveLength(1);
  });

  it.each([0, 5_000, 1_000_000])('of a dynamic supervisor too (clock at %i)', async (aheadMs) => {
    const here = stage();
    here.clock.advanceTo(5_000);
    const dyn = { actors: { dyn: dynamicSupervisor({ actors: { worker: worker() } }) }, children: [{ id: 'dyn', src: 'dyn' as const }] };
    const app = here.app(dyn);
    await supervisorHandle(app.child('dyn') as AnyActorRef).startChild({ id: 'w', src: 'worker', backoff });
    supervisorHandle(app.child('dyn') as AnyActorRef)
      .child('w')
      ?.send({ type: 'crash' });
    here.clock.advanceBy(300);
    const { there, again } = moved(here, app, dyn, aheadMs);
    const handle = supervisorHandle(again.child('dyn') as AnyActorRef);
    expect(handle.child('w')).toBeUndefined();
    there.clock.advanceBy(100);
    expect(handle.child('w')).toBeDefined();
  });

  it.each([0, 5_000, 1_000_000])('after failed starts counts its attempts within the window as they were (clock at %i)', (aheadMs) => {
    let failing = false;
    const flaky = setup({ guards: { failing: () => failing } }).createMachine({
      initial: 'starting',
      on: {
        crash: {
          actions: () => {
            throw new Error('crash');
          },
        },
      },
      states: {
        starting: { tags: 'starting', always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }] },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });
    const options = { intensity: 3, periodMs: 2_000, actors: { flaky }, children: [{ id: 'f', src: 'flaky' as const, backoff }] };
    const here = stage();
    here.clock.advanceTo(5_000);
    const app = here.app(options);
    failing = true;
    app.child('f')?.send({ type: 'crash' });
    here.clock.advanceBy(500);
    const { there, again } = moved(here, app, options, aheadMs);
    const facts = factsOf(again);
    there.clock.advanceBy(1_099);
    expect(again.ref.getSnapshot().status, 'three restarts within the window').toBe('active');
    expect(told(facts, 'child.startFailed')).toHaveLength(2);
    there.clock.advanceBy(1);
    expect(again.ref.getSnapshot().status, 'the fourth').toBe('done');
    expect(told(facts, 'supervisor.gaveUp')).toEqual(['supervisor.gaveUp f']);
    failing = false;
  });
});
