/** Who died with a supervisor that was killed stands in the exit report all the same. */
import { describe, expect, it } from 'vitest';
import { type App, dynamicSupervisor, orchestrator, supervisor, supervisorHandle, taskSupervisor, taskSupervisorHandle } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type AnyActorLogic, createMachine } from 'xstate';

const worker = createMachine({ id: 'worker' });

const brutal = { shutdownMs: 'brutalKill', type: 'supervisor' } as const;

async function stopped(inner: AnyActorLogic, prepare: (app: App) => Promise<void>) {
  const clock = new VirtualClock();
  const app = orchestrator({ actors: { inner, worker }, children: [{ id: 'in', src: 'inner', ...brutal }] }).start({ clock });
  await app.started();
  await prepare(app);
  const report = await app.stop();
  return { killed: report.killed, children: report.children.find(({ id }) => id === 'in')?.children };
}

describe('the exit report of an app whose supervisor was killed', () => {
  it('names the children of a static one, and those below them', async () => {
    const below = supervisor({ actors: { worker }, children: [{ id: 'z', src: 'worker' }] });
    const inner = supervisor({
      actors: { worker, below },
      children: [
        { id: 'x', src: 'worker' },
        { id: 'y', src: 'below', type: 'supervisor' },
      ],
    });
    const { killed, children } = await stopped(inner, () => Promise.resolve());
    expect(children?.map(({ id, reason }) => [id, reason])).toContainEqual(['x', 'killed']);
    expect(killed).toEqual(expect.arrayContaining(['in', 'in/x']));
  });

  it('names the children of a dynamic one', async () => {
    const { killed, children } = await stopped(dynamicSupervisor({ actors: { worker } }), async (app) => {
      await supervisorHandle(app.child('in') as never).startChild({ id: 'd', src: 'worker' });
    });
    expect(children).toEqual([{ id: 'd', reason: 'killed', tookMs: 0, killed: true }]);
    expect(killed).toEqual(['in', 'in/d']);
  });

  it('names the tasks of a task supervisor', async () => {
    const { killed, children } = await stopped(taskSupervisor(), (app) => {
      taskSupervisorHandle(app.child('in') as never).start(() => new Promise(() => {}), { name: 'job' });
      return Promise.resolve();
    });
    expect(children).toEqual([{ id: 'job', reason: 'killed', tookMs: 0, killed: true }]);
    expect(killed).toEqual(['in', 'in/job']);
  });
});

describe('an order to a task supervisor', () => {
  it('takes effect at the call: what comes after a drain is refused', async () => {
    const app = orchestrator({ actors: {}, children: [] }).start({ clock: new VirtualClock() });
    await app.started();
    let finish = (): void => {};
    app.tasks.start(() => new Promise<void>((resolve) => (finish = resolve)), { name: 'old' });
    const report = app.tasks.drain();
    expect(app.tasks.start(() => new Promise(() => {}))).toEqual({ ok: false, reason: 'draining' });
    finish();
    expect(await report).toMatchObject({ children: [{ id: 'old' }] });
    await app.stop();
  });

  it('takes effect at the call: nothing runs after a stop', async () => {
    const app = orchestrator({ actors: {}, children: [] }).start({ clock: new VirtualClock() });
    await app.started();
    let ran = false;
    const report = app.tasks.stop();
    const started = app.tasks.start(() => {
      ran = true;
    });
    expect(started.ok && ran).toBe(false);
    await report;
    await app.stop();
  });
});
