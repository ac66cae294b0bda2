import { afterEach, describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { defaultTasks, exit, exitReason, stopDefaultTasks, type App } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { boom, stage, worker } from './stage.js';

const never = () => new Promise<never>(() => {});

afterEach(async () => {
  await stopDefaultTasks();
});

describe('the default task supervisor', () => {
  it('is started by its first use, once however many start it at once', async () => {
    const clock = new VirtualClock();
    const handles = Array.from({ length: 20 }, () => defaultTasks(clock));
    const started = await Promise.all(
      handles.map(async (tasks) => {
        await Promise.resolve();
        return tasks.async(never);
      }),
    );
    expect(started.every(({ ok }) => ok)).toBe(true);
    expect(new Set(handles.map(({ ref }) => ref)).size).toBe(1);
    expect(handles[0]?.count()).toBe(20);
  });

  it('is not started by being asked for', async () => {
    defaultTasks(new VirtualClock());
    expect(await stopDefaultTasks()).toBeNull();
  });

  it('outlives the actor on whose behalf it was first used', async () => {
    const clock = new VirtualClock();
    const creator = createActor(worker(), { clock }).start();
    const kept = defaultTasks(clock).async(never, { owner: creator, link: false });
    creator.stop();
    expect(exitReason(defaultTasks().ref)).toBeNull();
    expect(kept.ok && exitReason(kept.task.ref)).toBeNull();
  });

  it('is stopped by the app, with a report; the next use starts another', async () => {
    const clock = new VirtualClock();
    const tasks = defaultTasks(clock);
    const running = tasks.async(never, { name: 'upload' });
    const first = tasks.ref;
    expect(await stopDefaultTasks()).toMatchObject({ id: 'defaultTasks', reason: 'shutdown', children: [{ id: 'upload', reason: 'shutdown' }] });
    expect(running.ok && (await running.task.outcome)).toMatchObject({ ok: false });
    expect(await stopDefaultTasks()).toBeNull();
    expect(await tasks.run(() => 'again')).toEqual({ ok: true, value: 'again' });
    expect(tasks.ref).not.toBe(first);
  });

  it('that was killed is started again by the next use', async () => {
    const tasks = defaultTasks(new VirtualClock());
    const lost = tasks.async(never);
    exit(tasks.ref, 'kill');
    expect(lost.ok && (await lost.task.outcome)).toEqual({ ok: false, reason: 'lost' });
    expect(await tasks.run(() => 1)).toEqual({ ok: true, value: 1 });
  });

  it('used while it is being stopped starts another, and the stop touches only the first', async () => {
    const clock = new VirtualClock();
    const tasks = defaultTasks(clock);
    tasks.start(never, { trapExit: true, shutdownMs: 50 });
    const stopped = stopDefaultTasks();
    const second = tasks.async(never);
    clock.advanceBy(50);
    await clock.flush();
    clock.advanceBy(50);
    expect(await stopped).toMatchObject({ reason: 'shutdown' });
    expect(second.ok && exitReason(second.task.ref)).toBeNull();
  });

  it('answers a task that cannot start by a value', async () => {
    const tasks = defaultTasks(new VirtualClock());
    tasks.ref.send({ type: 'supervisor.drain' });
    expect(
      await tasks.run(() => {
        throw boom;
      }),
    ).toMatchObject({ ok: false });
  });
});

describe('the tasks of an app', () => {
  const child = (app: App) => app.child('tasks');

  it('join the tree on first use, once however many start at once', async () => {
    const here = stage();
    const app = here.app({});
    expect(child(app)).toBeUndefined();
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => app.tasks.run(() => index)));
    expect(outcomes).toEqual(Array.from({ length: 10 }, (_, value) => ({ ok: true, value })));
    expect(await app.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 1, workers: 0 });
  });

  it('wait for a supervisor that is busy', async () => {
    const here = stage();
    const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
      initial: 'starting',
      states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
    });
    const app = here.app({ actors: { slow }, children: [{ id: 's', src: 'slow' }] });
    const outcome = app.tasks.run(() => 'done');
    expect(await here.peek(outcome)).toBe('pending');
    expect(app.tasks.start(() => 1)).toEqual({ ok: false, reason: 'noproc' });
    app.child('s')?.send({ type: 'up' });
    expect(await here.peek(outcome)).toEqual({ ok: true, value: 'done' });
  });

  it('stop first, as the last in the tree', async () => {
    const here = stage();
    const app = here.app({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    app.tasks.start(never, { name: 'job' });
    expect(await here.settle(app.stop())).toMatchObject({ children: [{ id: 'tasks', children: [{ id: 'job', reason: 'shutdown' }] }, { id: 'w' }] });
  });

  it('can be stopped alone, and are there again on the next use', async () => {
    const here = stage();
    const app = here.app({});
    await app.tasks.run(() => 1);
    const first = child(app);
    expect(await here.settle(app.tasks.stop())).toMatchObject({ id: 'tasks' });
    expect(child(app)).toBeUndefined();
    expect(await app.tasks.run(() => 2)).toEqual({ ok: true, value: 2 });
    expect(child(app)).not.toBe(first);
  });

  it('are refused by a value after the end of the app, and nothing is left waiting', async () => {
    const here = stage();
    const app = here.app({});
    await app.stop();
    expect(await app.tasks.run(() => 1)).toEqual({ ok: false, reason: 'noproc' });
    expect(app.tasks.start(() => 1)).toEqual({ ok: false, reason: 'noproc' });
    expect(app.tasks.count()).toBe(0);
    await expect(app.tasks.stop()).rejects.toMatchObject({ code: 'supervision/not-a-supervisor' });
  });

  it('that were asked for while the app drains are refused', async () => {
    const here = stage();
    const held = setup({}).createMachine({
      initial: 'a',
      states: { a: { on: { 'supervisor.drain': 'b' } }, b: { on: { finish: 'c' } }, c: { type: 'final' } },
    });
    const app = here.app({ actors: { held }, children: [{ id: 'h', src: 'held' }] });
    void app.drain();
    expect(await app.tasks.run(() => 1)).toEqual({ ok: false, reason: 'noproc' });
    app.child('h')?.send({ type: 'finish' });
  });
});
