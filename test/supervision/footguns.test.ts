/** What XState makes costly or dangerous (DESIGN.md, "costly"), by the name it has there: that it is so, where that is cheap to show, and that we do not step on it. */
import { createActor, setup, spawnChild, type AnyActorRef, type InspectionEvent } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, supervisor, supervisorHandle, taskSupervisor, taskSupervisorHandle } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { stage, worker } from './stage.js';

/** The types of the events that an actor gets from now on. */
function heardBy(events: InspectionEvent[], ref: AnyActorRef): string[] {
  return events.flatMap((event) => (event.type === '@xstate.event' && event.actorRef === ref ? [event.event.type] : []));
}

describe('a chart hears constant events only (footgun: the definition memoises candidates of every event type for ever)', () => {
  it.each(['supervisor', 'dynamic', 'tasks'] as const)('%s: whatever its children are called', async (kind) => {
    const clock = new VirtualClock();
    const events: InspectionEvent[] = [];
    const actors = { worker: worker() };
    const logic =
      kind === 'supervisor'
        ? supervisor({ actors, intensity: 1_000 })
        : kind === 'dynamic'
          ? dynamicSupervisor({ actors, intensity: 1_000 })
          : taskSupervisor({ intensity: 1_000 });
    const root = createActor(logic as ReturnType<typeof supervisor>, { clock, inspect: (event) => events.push(event) }).start();
    for (let index = 0; index < 20; index++) {
      if (kind === 'tasks') {
        await taskSupervisorHandle(root).run(() => Promise.reject(new Error('x')));
      } else {
        const handle = supervisorHandle(root);
        const started = await handle.startChild({ id: `unique-${index}`, src: 'worker' });
        if (started.ok) started.ref?.send({ type: 'crash' });
        await handle.terminateChild(`unique-${index}`);
      }
    }
    const types = heardBy(events, root as never);
    expect(types.filter((type) => type.includes('unique') || /xstate\.(?:done|error)\.actor/.test(type))).toEqual([]);
    expect(new Set(types).size).toBeLessThan(15);
    root.stop();
  });
});

describe('a doubled child id (footgun: the first one runs on for ever)', () => {
  it('in XState leaks the first', () => {
    const log: string[] = [];
    const parent = setup({ actors: { worker: worker(log) } }).createMachine({
      entry: [spawnChild('worker', { id: 'w', input: { name: '1' } }), spawnChild('worker', { id: 'w', input: { name: '2' } })],
    });
    const actor = createActor(parent).start();
    actor.stop();
    expect(log.filter((entry) => entry.startsWith('-'))).toEqual(['-2']);
  });

  it('cannot happen below ours: a static one refuses, a dynamic one gives another key', async () => {
    const here = stage();
    const log: string[] = [];
    const app = here.app({ actors: { worker: worker(log) }, children: [{ id: 'w', src: 'worker' }] });
    expect(await app.startChild({ id: 'w', src: 'worker' })).toMatchObject({ ok: false });
    const dynamic = supervisorHandle(here.root(dynamicSupervisor({ actors: { worker: worker(log) } })));
    await dynamic.startChild({ id: 'w', src: 'worker' });
    await dynamic.startChild({ id: 'w', src: 'worker' });
    await dynamic.stop();
    await app.stop();
    expect(log).toEqual(['+worker', '+worker', '+worker', '-worker', '-worker', '-worker']);
  });
});

describe('send recurses through chains of distinct actors (footgun: the stack)', () => {
  it('a tree two hundred supervisors deep starts, restarts at its bottom, and stops', async () => {
    const here = stage();
    const log: string[] = [];
    let logic = supervisor({ actors: { worker: worker(log) }, children: [{ id: 'w', src: 'worker' }] });
    for (let depth = 0; depth < 200; depth++)
      logic = supervisor({ actors: { below: logic }, children: [{ id: 'below', src: 'below', type: 'supervisor' }] });
    const root = here.root(logic);
    let bottom = supervisorHandle(root);
    for (let depth = 0; depth < 200; depth++) bottom = supervisorHandle(bottom.child('below') as AnyActorRef);
    bottom.child('w')?.send({ type: 'crash' });
    expect(log).toEqual(['+worker', '-worker', '+worker']);
    expect(await here.settle(supervisorHandle(root).stop())).toMatchObject({ reason: 'normal', killed: [] });
    expect(log).toHaveLength(4);
  });

  it('a burst of restarts of one child does not grow the stack', () => {
    const here = stage();
    let crashes = 0;
    const brief = setup({
      guards: { more: () => ++crashes < 5_000 },
      actions: {
        fail: () => {
          throw new Error('x');
        },
      },
    }).createMachine({
      initial: 'a',
      states: { a: { after: { 0: { guard: 'more', actions: 'fail' } } } },
    });
    const app = here.app({ intensity: 10_000, actors: { brief }, children: [{ id: 'b', src: 'brief' }] });
    here.clock.advanceBy(1);
    expect(crashes).toBe(5_000);
    expect(app.ref.getSnapshot().status).toBe('active');
  });

  it('a start that fails at once, ten thousand times, does not grow the stack either', () => {
    const here = stage();
    let attempts = 0;
    const failing = setup({ guards: { failing: () => attempts++ > 0 } }).createMachine({
      initial: 'starting',
      on: {
        crash: {
          actions: () => {
            throw new Error('x');
          },
        },
      },
      states: {
        starting: { tags: 'starting', always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }] },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });
    const app = here.app({ intensity: 2_000, actors: { failing }, children: [{ id: 'f', src: 'failing' }] });
    app.child('f')?.send({ type: 'crash' });
    expect(attempts, 'others are served between two attempts').toBe(2);
    here.clock.advanceBy(0);
    expect(attempts).toBe(2_001);
    expect(app.ref.getSnapshot().status).toBe('done');
  });
});

describe('children map of XState (footgun: O(siblings) per spawn and stop)', () => {
  it('holds nobody but the pool, however many children there are', async () => {
    const here = stage();
    const handle = supervisorHandle(here.root(dynamicSupervisor({ actors: { worker: worker() } })));
    for (let index = 0; index < 100; index++) await handle.startChild({ id: 'w', src: 'worker' });
    expect(Object.keys((handle.ref.getSnapshot() as { children: object }).children)).toEqual(['pool']);
    expect(await handle.countChildren()).toMatchObject({ active: 100 });
  });
});
