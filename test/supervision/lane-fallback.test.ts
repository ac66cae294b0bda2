/** An XState that is not the one that the lane of tasks was held to: each task is an actor in full, and the app is told. */
import { createActor } from 'xstate';
import { afterEach, describe, expect, it, vi } from 'vitest';

const internals = '../../src/supervision/xstate-internals.js';

afterEach(() => {
  vi.doUnmock(internals);
  vi.resetModules();
});

describe('where XState has changed', () => {
  it('tasks are actors in full, which is said once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    vi.resetModules();
    vi.doMock(internals, async (original) => ({ ...(await original<object>()), strangeActor: () => 'a mailbox has no start()' }));
    const { taskSupervisor, taskSupervisorHandle } = await import('../../src/supervision/tasks.js');
    const { isInFull } = await import('../../src/supervision/lean-task.js');
    const roots = [1, 2].map(() => createActor(taskSupervisor()).start());
    for (const root of roots) {
      const tasks = taskSupervisorHandle(root);
      const started = tasks.async(() => 1);
      expect(started.ok && isInFull(started.task.ref)).toBe(true);
      expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: 1 });
      await tasks.stop();
    }
    expect(warn.mock.calls).toEqual([
      [
        'tasks run as actors in full: a mailbox has no start()',
        expect.objectContaining({ type: 'EspalierWarning', code: 'ESPALIER_FULL_LANE', detail: expect.stringContaining('peer') }),
      ],
    ]);
    warn.mockRestore();
  });
});
