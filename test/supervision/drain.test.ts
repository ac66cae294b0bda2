import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exitReason, supervisorHandle, taskSupervisor, taskSupervisorHandle } from '../../src/index.js';
import { boom, factsOf, stage, told, worker } from './stage.js';

const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
  initial: 'starting',
  states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
});

describe('drain', () => {
  const drainable = (log: string[]) =>
    setup({
      actions: {
        note: () => {
          log.push('draining');
        },
      },
    }).createMachine({
      initial: 'working',
      states: { working: { on: { 'supervisor.drain': 'finishing' } }, finishing: { entry: 'note', on: { finish: 'over' } }, over: { type: 'final' } },
    });

  it('refuses new children, lets those that can finish do so, then stops the rest in order', async () => {
    const here = stage();
    const log: string[] = [];
    const app = here.app({
      actors: { drainable: drainable(log), worker: worker(log) },
      children: [
        { id: 'd', src: 'drainable' },
        { id: 'w', src: 'worker', input: { name: 'w' } },
      ],
    });
    const drained = app.drain();
    expect(log).toEqual(['+w', 'draining']);
    expect(await app.startChild({ id: 'x', src: 'worker' })).toEqual({ ok: false, reason: 'draining' });
    expect(await app.restartChild('w')).toEqual({ ok: false, reason: 'draining' });
    expect(await app.countChildren()).toMatchObject({ active: 2 });
    expect(await here.peek(drained)).toBe('pending');
    app.child('d')?.send({ type: 'finish' });
    expect(await here.peek(drained)).toMatchObject({
      reason: 'shutdown',
      children: [
        { id: 'd', reason: 'normal' },
        { id: 'w', reason: 'shutdown' },
      ],
    });
  });

  it('with a deadline stops who has not finished', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    expect(await here.settle(app.drain({ deadlineMs: 90 }))).toMatchObject({
      reason: 'shutdown',
      tookMs: 90,
      children: [{ id: 'd', reason: 'shutdown' }],
    });
  });

  it('restarts nobody, and does not wait for one between two attempts', async () => {
    const here = stage();
    const app = here.app({
      actors: { worker: worker() },
      children: [{ id: 'w', src: 'worker', backoff: { minMs: 500, maxMs: 500, factor: 1, jitter: 0, resetAfterMs: 0 } }],
    });
    app.child('w')?.send({ type: 'crash' });
    expect(await here.settle(app.drain())).toMatchObject({ reason: 'shutdown', tookMs: 0 });
  });

  it('goes down the tree: a supervisor below drains its own, a dynamic one and tasks too', async () => {
    const here = stage();
    const log: string[] = [];
    const dyn = dynamicSupervisor({ actors: { drainable: drainable(log) } });
    const app = here.app({ actors: { dyn }, children: [{ id: 'dyn', src: 'dyn', type: 'supervisor' }] });
    const handle = supervisorHandle(app.child('dyn') as AnyActorRef);
    await handle.startChild({ id: 'd', src: 'drainable' });
    let finish: () => void = () => {};
    const task = app.tasks.async(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    const drained = app.drain();
    expect(log).toEqual(['draining']);
    expect(app.tasks.start(() => 1)).toEqual({ ok: false, reason: 'draining' });
    handle.child('d')?.send({ type: 'finish' });
    expect(await here.peek(drained)).toBe('pending');
    finish();
    expect(await here.settle(drained)).toMatchObject({ reason: 'shutdown' });
    expect(task.ok && (await task.task.outcome)).toMatchObject({ ok: true });
  });

  it('asked twice ends once; a second, shorter deadline holds', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    const first = app.drain();
    const second = app.drain({ deadlineMs: 80 });
    const calls = app.countChildren();
    expect(await here.peek(calls)).toMatchObject({ active: 1 });
    expect(await here.settle(Promise.all([first, second]))).toMatchObject([{ tookMs: 80 }, { tookMs: 80 }]);
  });

  it('of a dynamic supervisor and of tasks, asked twice, keeps waiting, and a second, shorter deadline holds', async () => {
    const here = stage();
    const root = here.root(dynamicSupervisor({ actors: { drainable: drainable([]) } }), { id: 'dyn' });
    const dyn = supervisorHandle(root);
    await dyn.startChild({ id: 'd', src: 'drainable' });
    const tasks = taskSupervisorHandle(here.root(taskSupervisor(), { id: 'tasks' }));
    tasks.start(() => new Promise(() => {}));
    const drained = Promise.all([
      dyn.drain(),
      tasks.drain(),
      dyn.drain({ deadlineMs: 80 }),
      tasks.drain({ deadlineMs: 80 }),
      dyn.drain(),
      tasks.drain(),
    ]);
    here.clock.advanceBy(79);
    expect(await here.peek(drained)).toBe('pending');
    expect((await here.settle(drained)).map(({ tookMs }) => tookMs)).toEqual([80, 80, 80, 80, 80, 80]);
  });

  it('asked twice ends at the deadline that was given last', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    const first = app.drain({ deadlineMs: 50 });
    here.clock.advanceBy(40);
    void app.drain({ deadlineMs: 1_000 });
    expect(await here.settle(first)).toMatchObject({ tookMs: 1_040 });
  });

  it('asked twice while it is busy leaves no call unanswered', async () => {
    const here = stage();
    const app = here.app({
      actors: { drainable: drainable([]), slow },
      children: [
        { id: 'd', src: 'drainable' },
        { id: 's', src: 'slow' },
      ],
    });
    void app.drain();
    void app.drain();
    const refused = app.startChild({ id: 'x', src: 'slow' });
    app.child('s')?.send({ type: 'up' });
    expect(await here.peek(refused)).toEqual({ ok: false, reason: 'draining' });
    app.child('d')?.send({ type: 'finish' });
  });

  it('a child that crashes while it drains is not restarted, and not waited for', async () => {
    const here = stage();
    const crashing = setup({
      actions: {
        fail: () => {
          throw boom;
        },
      },
    }).createMachine({ initial: 'a', states: { a: { on: { 'supervisor.drain': 'b' } }, b: { on: { crash: { actions: 'fail' } } } } });
    const app = here.app({ actors: { crashing }, children: [{ id: 'c', src: 'crashing' }] });
    const facts = factsOf(app);
    const drained = app.drain();
    app.child('c')?.send({ type: 'crash' });
    expect(await here.peek(drained)).toMatchObject({ reason: 'shutdown' });
    expect(told(facts, 'child.restarted')).toEqual([]);
  });

  it('stopped meanwhile stops at once', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    const drained = app.drain({ deadlineMs: 1_000 });
    expect(await here.settle(app.stop())).toMatchObject({ reason: 'normal', tookMs: 0 });
    expect(await drained).toMatchObject({ reason: 'normal' });
    expect(exitReason(app.ref)).toBe('normal');
  });
});
