/** What a supervisor keeps does not grow with how often somebody below it was stopped and started again. */
import type { AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exit, supervisorHandle, taskSupervisor, taskSupervisorHandle } from '../../src/index.js';
import { world } from '../application/application-world.js';
import { stage, trapper, worker } from './stage.js';

const cycles = 500;

interface Saves {
  getPersistedSnapshot(): unknown;
}

/** The saved tree, with all numbers alike: incarnations are counted, and moments pass. */
function saved(app: Saves): string {
  return JSON.stringify(app.getPersistedSnapshot()).replaceAll(/\d+/g, '0');
}

function endedOf(app: Saves): unknown {
  return (app.getPersistedSnapshot() as { context: { ended: unknown } }).context.ended;
}

/** Does a cycle once, and then often. @throws when more is saved afterwards */
async function expectNoGrowth(app: Saves, cycle: () => Promise<unknown>): Promise<void> {
  await cycle();
  const before = saved(app);
  for (let count = 0; count < cycles; count++) await cycle();
  expect(saved(app)).toBe(before);
}

describe('as much is kept after five hundred as after one', { timeout: 60_000 }, () => {
  it('of a child that is terminated and restarted', async () => {
    const here = stage();
    const app = here.app({
      actors: { worker: worker() },
      children: [
        { id: 'a', src: 'worker' },
        { id: 'b', src: 'worker' },
      ],
    });
    await expectNoGrowth(app, async () => {
      await app.terminateChild('a');
      await app.restartChild('a');
    });
    expect(endedOf(app)).toEqual([]);
    expect((await here.settle(app.stop())).children.map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('of siblings that are stopped for a restart, or die meanwhile', async () => {
    const here = stage();
    const app = here.app({
      actors: { worker: worker(), trapper: trapper([], 10) },
      strategy: 'oneForAll',
      children: [
        { id: 'a', src: 'worker' },
        { id: 'b', src: 'worker' },
        { id: 'c', src: 'trapper' },
      ],
    });
    const child = (id: string) => app.child(id) as AnyActorRef;
    await expectNoGrowth(app, async () => {
      const gone = child('c');
      exit(child('a'), 'kill');
      exit(child('b'), 'kill');
      here.clock.advanceBy(10_000);
      await here.flush();
      expect(child('c')).not.toBe(gone);
    });
    expect(endedOf(app)).toEqual([]);
    expect((await here.settle(app.stop())).children.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('of dynamic children and of tasks', async () => {
    const here = stage();
    const app = here.app({
      actors: { dyn: dynamicSupervisor({ actors: { worker: worker() } }), tasks: taskSupervisor({}) },
      children: [
        { id: 'dyn', src: 'dyn', type: 'supervisor' },
        { id: 'tasks', src: 'tasks', type: 'supervisor' },
      ],
    });
    const pool = supervisorHandle(app.child('dyn') as AnyActorRef);
    const tasks = taskSupervisorHandle(app.child('tasks') as never);
    await expectNoGrowth(app, async () => {
      await pool.startChild({ id: 'd', src: 'worker' });
      await pool.terminateChild('d');
      const task = tasks.async(() => Promise.resolve(1));
      expect(task.ok).toBe(true);
      await here.flush();
      expect([tasks.count(), pool.child('d')]).toEqual([0, undefined]);
    });
  });

  it('of a service that is restarted with who depends on it', async () => {
    const { app } = world([{ id: 'a' }, { id: 'b', dependsOn: ['a'] }]);
    await app.whenReady();
    await expectNoGrowth(app, () => app.restartService('a'));
  });
});
