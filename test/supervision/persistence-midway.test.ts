import { createActor, setup } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import { taskSupervisor, taskSupervisorHandle, type App, type SupervisorOptions } from '../../src/index.js';
import { factsOf, stage, told, trapper, worker, type Stage } from './stage.js';

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

describe('a tree that is saved in the middle of something', () => {
  it.each([0, 1_000_000])(
    'shutting down: goes on, the deadline of the one that was asked counts on, and reports how long it took (clock at %i)',
    async (aheadMs) => {
      const here = stage();
      here.clock.advanceTo(3_000);
      const log: string[] = [];
      const options = {
        actors: { trapper: trapper(log), worker: worker(log) },
        children: [
          { id: 'w', src: 'worker' as const },
          { id: 't', src: 'trapper' as const, shutdownMs: 1_000 },
        ],
      };
      const app = here.app(options);
      void app.stop();
      here.clock.advanceBy(700);
      const { there, again } = moved(here, app, options, aheadMs);
      const ended = again.ended();
      there.clock.advanceBy(299);
      expect(await there.peek(ended)).toBe('pending');
      there.clock.advanceBy(1);
      expect(await there.peek(ended)).toMatchObject({
        reason: 'normal',
        killed: ['t'],
        children: [
          { id: 't', reason: 'killed', tookMs: 1_000, killed: true },
          { id: 'w', reason: 'shutdown' },
        ],
      });
      expect(log.filter((entry) => entry.startsWith('?'))).toHaveLength(1);
    },
  );

  it('draining: goes on, with the rest of its deadline', async () => {
    const here = stage();
    const drainable = setup({}).createMachine({ initial: 'a', states: { a: { on: { 'supervisor.drain': 'b' } }, b: {} } });
    const options = { actors: { drainable }, children: [{ id: 'd', src: 'drainable' as const }] };
    const app = here.app(options);
    void app.drain({ deadlineMs: 1_000 });
    here.clock.advanceBy(600);
    expect(app.ref.getSnapshot().value).toEqual({ draining: 'idle' });
    const { there, again } = moved(here, app, options, 5);
    const ended = again.ended();
    expect(await again.startChild({ id: 'x', src: 'drainable' })).toEqual({ ok: false, reason: 'draining' });
    there.clock.advanceBy(399);
    expect(await there.peek(ended)).toBe('pending');
    there.clock.advanceBy(1);
    expect(await there.peek(ended)).toMatchObject({ reason: 'shutdown', children: [{ id: 'd' }] });
  });

  it('stopping the siblings of a group restart: goes on and starts them all', () => {
    const here = stage();
    const log: string[] = [];
    const options = {
      strategy: 'oneForAll' as const,
      actors: { trapper: trapper(log, 500), worker: worker(log) },
      children: [
        { id: 'w', src: 'worker' as const, input: { name: 'w' } },
        { id: 't', src: 'trapper' as const, input: { name: 't' } },
      ],
    };
    const app = here.app(options);
    app.child('w')?.send({ type: 'crash' });
    here.clock.advanceBy(200);
    expect(app.ref.getSnapshot().value).toEqual({ restarting: { stoppingSiblings: 'asking' } });
    const { there, again } = moved(here, app, options);
    const facts = factsOf(again);
    there.clock.advanceBy(300);
    expect(told(facts, 'child.restarted')).toEqual(['child.restarted w', 'child.restarted t']);
    expect(again.ref.getSnapshot().value).toEqual({ running: 'idle' });
  });

  it('a slow start with a deadline: the rest of it is left', async () => {
    const here = stage();
    const slow = setup({}).createMachine({ initial: 'starting', states: { starting: { tags: 'starting' } } });
    const options = { actors: { slow }, children: [{ id: 's', src: 'slow' as const, startMs: 1_000 }] };
    const app = here.app(options);
    here.clock.advanceBy(800);
    const { there, again } = moved(here, app, options);
    expect(await there.peek(again.started())).toBe('pending');
    there.clock.advanceBy(200);
    expect(await again.started()).toMatchObject({ ok: false, reason: ['shutdown', ['failedToStartChild', 's', 'timeout']] });
  });

  it('waiting calls are answered to nobody else: a call of the restored app gets its own answer', async () => {
    const here = stage();
    const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
      initial: 'starting',
      states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
    });
    const options = { actors: { slow, worker: worker() }, children: [{ id: 's', src: 'slow' as const }] };
    vi.resetModules();
    const process1 = await import('../../src/index.js');
    const app = process1.orchestrator(options).start({ clock: here.clock });
    void app.terminateChild('nobody');
    const snapshot = JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as unknown;
    app.ref.stop();
    vi.resetModules();
    const process2 = await import('../../src/index.js');
    const there = stage();
    const again = process2.orchestrator(options).start({ clock: there.clock, snapshot });
    const answers = Promise.all([...Array.from({ length: 3 }, () => again.countChildren())]);
    again.child('s')?.send({ type: 'up' });
    expect(await answers).toEqual(Array.from({ length: 3 }, () => ({ specs: 1, active: 1, supervisors: 0, workers: 1 })));
    await again.stop();
  });
});

describe('saved tasks', () => {
  it('are lost: their supervisor says so to whoever listens, by name, and runs on', async () => {
    const here = stage();
    const root = here.root(taskSupervisor(), { id: 'tasks' });
    const tasks = taskSupervisorHandle(root);
    tasks.start(() => new Promise(() => {}), { name: 'upload' });
    tasks.async(() => new Promise(() => {}));
    const snapshot = JSON.parse(JSON.stringify(root.getPersistedSnapshot())) as unknown;
    root.stop();
    const there = stage();
    const again = createActor(taskSupervisor(), { snapshot: snapshot as never, clock: there.clock, inspect: there.inspect });
    const facts = factsOf(again as never);
    again.start();
    await there.flush();
    expect(facts.map(({ type, name }) => [type, name])).toEqual([
      ['task.lost', 'upload'],
      ['task.lost', 'task#1'],
    ]);
    expect(await taskSupervisorHandle(again).run(() => 'goes on')).toEqual({ ok: true, value: 'goes on' });
    again.stop();
  });

  it('of an app are told as lost to somebody who can hear it', async () => {
    const here = stage();
    const app = here.app({});
    app.tasks.start(() => new Promise(() => {}), { name: 'upload' });
    const { there, again } = moved(here, app, {});
    const heard: string[] = [];
    const listen = (emitter: { on(type: '*', listener: (fact: never) => void): unknown } | undefined) => {
      emitter?.on('*', (fact: { type: string; name?: string }) => {
        if (fact.type === 'task.lost') heard.push(String(fact.name));
      });
    };
    listen(again as never);
    listen(again.child('tasks') as never);
    await there.flush();
    expect(heard).toEqual(['upload']);
  });

  it('keep the bound and the mode of their supervisor', async () => {
    const here = stage();
    const options = { actors: { jobs: taskSupervisor({ maxChildren: 1 }) }, children: [{ id: 'tasks', src: 'jobs' as const }] };
    const { again } = moved(here, here.app(options), options);
    again.tasks.start(() => new Promise(() => {}));
    expect(again.tasks.start(() => 1)).toEqual({ ok: false, reason: 'maxChildren' });
  });
});
