import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exit, exitReason, supervisorHandle, taskSupervisor } from '../../src/index.js';
import { boom, factsOf, stage, told } from './stage.js';
import { inEachLane } from './lanes.js';

const never = () => new Promise<never>(() => {});

inEachLane((tasksOn) => {
  describe('fire and forget', () => {
    it('is supervised: a crash ends the task and nobody else', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      expect(tasks.start(() => Promise.reject(boom)).ok).toBe(true);
      expect(
        tasks.start(() => {
          throw boom;
        }).ok,
      ).toBe(true);
      await here.flush();
      expect(tasks.count()).toBe(0);
      expect(exitReason(tasks.ref)).toBeNull();
    });

    it.each([
      ['transient', true, 1],
      ['transient', false, 0],
      ['permanent', true, 1],
      ['permanent', false, 1],
      ['temporary', true, 0],
      ['temporary', false, 0],
    ] as const)('restarts a %s task (crash: %s) %i times', async (restart, crash, times) => {
      const here = stage();
      const tasks = tasksOn(here, { intensity: 3, periodMs: 1_000 });
      const facts = factsOf(tasks.ref as never);
      let runs = 0;
      const started = tasks.start(
        () => {
          runs++;
          if (runs > 1) return never();
          if (crash) throw boom;
          return Promise.resolve('done');
        },
        { restart },
      );
      await here.flush();
      expect(runs).toBe(1 + times);
      expect(told(facts, 'task.restarted')).toHaveLength(times);
      expect(tasks.count()).toBe(times);
      expect(started.ok).toBe(true);
    });

    it('gives up after too many restarts, exits shutdown and ends the other tasks', async () => {
      const here = stage();
      const tasks = tasksOn(here, { intensity: 2, periodMs: 1_000 });
      const facts = factsOf(tasks.ref as never);
      const other = tasks.async(never);
      let runs = 0;
      tasks.start(
        () => {
          runs++;
          return Promise.reject(boom);
        },
        { restart: 'permanent' },
      );
      await here.flush();
      expect(runs).toBe(3);
      expect(told(facts, 'supervisor.gaveUp')).toHaveLength(1);
      expect(exitReason(tasks.ref)).toBe('shutdown');
      expect(other.ok && (await other.task.outcome)).toMatchObject({ ok: false, reason: 'shutdown' });
    });

    it('gives every incarnation the deadline of its own', async () => {
      const here = stage();
      const tasks = tasksOn(here, { intensity: 10, periodMs: 10 });
      const starts: number[] = [];
      tasks.start(
        () => {
          starts.push(here.clock.now());
          return never();
        },
        { restart: 'permanent', deadlineMs: 100 },
      );
      here.clock.advanceBy(350);
      expect(starts).toEqual([0, 100, 200, 300]);
    });

    it('counts the deadline of an incarnation from its own start', async () => {
      const here = stage();
      const tasks = tasksOn(here, { intensity: 10, periodMs: 10 });
      const starts: number[] = [];
      let crash: (error: unknown) => void = () => {};
      tasks.start(
        () => {
          starts.push(here.clock.now());
          return new Promise((_resolve, reject) => {
            crash = reject;
          });
        },
        { restart: 'permanent', deadlineMs: 100 },
      );
      here.clock.advanceBy(60);
      crash(boom);
      await here.flush();
      here.clock.advanceBy(60);
      expect(starts).toEqual([0, 60]);
      here.clock.advanceBy(50);
      expect(starts).toEqual([0, 60, 160]);
    });

    it('is not restarted once it was told to end', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let runs = 0;
      const started = tasks.start(
        () => {
          runs++;
          return never();
        },
        { restart: 'permanent' },
      );
      if (!started.ok) throw new Error('refused');
      expect(tasks.terminate(started.task)).toEqual({ ok: true });
      expect(tasks.terminate(started.task)).toEqual({ ok: false, reason: 'notFound' });
      await here.flush();
      expect(runs).toBe(1);
      expect(tasks.count()).toBe(0);
    });

    it('killed by a stranger is restarted when it is permanent', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let runs = 0;
      const started = tasks.start(
        () => {
          runs++;
          return never();
        },
        { restart: 'permanent' },
      );
      if (!started.ok) throw new Error('refused');
      exit(started.task.ref, 'kill');
      expect(runs).toBe(2);
      expect(tasks.count()).toBe(1);
    });

    it('does not wait for ever when a drain arrives while the task that asked for it is being restarted', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let runs = 0;
      tasks.start(
        () => {
          if (++runs === 2) tasks.ref.send({ type: 'supervisor.drain' });
          throw boom;
        },
        { restart: 'permanent' },
      );
      expect(exitReason(tasks.ref)).toBe('shutdown');
    });
  });

  describe('the bound of a task supervisor', () => {
    it('refuses beyond maxChildren by a value, and takes again once one has ended', async () => {
      const tasks = tasksOn(stage(), { maxChildren: 2 });
      const first = tasks.async(never);
      tasks.async(never);
      expect(tasks.async(never)).toEqual({ ok: false, reason: 'maxChildren' });
      expect(tasks.start(never)).toEqual({ ok: false, reason: 'maxChildren' });
      expect(await tasks.run(never)).toEqual({ ok: false, reason: 'maxChildren' });
      if (first.ok) first.task.cancel();
      expect(tasks.start(never).ok).toBe(true);
      expect(tasks.count()).toBe(2);
    });

    it('uses the ids of its slots again', async () => {
      const tasks = tasksOn(stage());
      const ids = new Set<string>();
      for (let index = 0; index < 50; index++) {
        const started = tasks.async(() => Promise.resolve(index));
        if (!started.ok) throw new Error('refused');
        ids.add(started.task.id);
        await started.task.outcome;
      }
      expect(ids.size).toBe(1);
    });

    it('gives every living task an id of its own, also after a burst beyond what it keeps', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const burst = () => Array.from({ length: 1_500 }, () => tasks.async(never));
      for (let round = 0; round < 2; round++) {
        const started = burst();
        expect(new Set(started.map((result) => (result.ok ? result.task.id : 'refused'))).size).toBe(1_500);
        for (const result of started) if (result.ok) result.task.cancel();
        expect(tasks.count()).toBe(0);
      }
    });
  });

  describe('the end of a task supervisor', () => {
    it('ends all tasks at once: at once those that do not trap, at their deadline those that will not end', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      tasks.start(never, { name: 'plain' });
      tasks.start(never, { name: 'stubborn', trapExit: true, shutdownMs: 80 });
      tasks.start(never, { name: 'brutal', trapExit: true, shutdownMs: 'brutalKill' });
      tasks.start(
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              here.clock.setTimeout(() => {
                reject(boom);
              }, 30);
            });
          }),
        { name: 'slow', trapExit: true, shutdownMs: 80 },
      );
      const report = await here.settle(tasks.stop());
      expect(report).toMatchObject({ id: 'tasks', reason: 'normal', tookMs: 80, killed: expect.arrayContaining(['stubborn', 'brutal']) });
      expect(report.killed).toHaveLength(2);
      expect(Object.fromEntries(report.children.map(({ id, tookMs, killed }) => [id, [tookMs, killed]]))).toEqual({
        plain: [0, false],
        brutal: [0, true],
        slow: [30, false],
        stubborn: [80, true],
      });
    });

    it('refuses tasks afterwards by a value, never a throw', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      await here.settle(tasks.stop());
      expect(tasks.async(never)).toEqual({ ok: false, reason: 'noproc' });
      expect(tasks.start(never)).toEqual({ ok: false, reason: 'noproc' });
      expect(await tasks.run(never)).toEqual({ ok: false, reason: 'noproc' });
      expect(tasks.count()).toBe(0);
      expect(await tasks.stop()).toMatchObject({ reason: 'normal', tookMs: 0 });
    });

    it('drains: refuses new tasks, lets the old finish, then ends', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let finish: (value: string) => void = () => {};
      const old = tasks.async(
        () =>
          new Promise<string>((resolve) => {
            finish = resolve;
          }),
      );
      const drained = tasks.drain();
      await here.flush();
      expect(tasks.start(never)).toEqual({ ok: false, reason: 'draining' });
      expect(await here.peek(drained)).toBe('pending');
      finish('finished');
      expect(await here.settle(drained)).toMatchObject({ reason: 'shutdown', killed: [] });
      expect(old.ok && (await old.task.outcome)).toEqual({ ok: true, value: 'finished' });
    });

    it('drains at once when nothing runs', async () => {
      const here = stage();
      expect(await here.settle(tasksOn(here).drain())).toMatchObject({ reason: 'shutdown', children: [] });
    });

    it('drains until the deadline, and ends then who has not finished', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const old = tasks.async(never);
      expect(await here.settle(tasks.drain({ deadlineMs: 60 }))).toMatchObject({ reason: 'shutdown', tookMs: 60 });
      expect(old.ok && (await old.task.outcome)).toMatchObject({ ok: false, reason: 'shutdown' });
    });

    it('restarts nobody while it drains', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let runs = 0;
      let crash: (error: unknown) => void = () => {};
      tasks.start(
        () => {
          runs++;
          return new Promise((_resolve, reject) => {
            crash = reject;
          });
        },
        { restart: 'permanent' },
      );
      const drained = tasks.drain();
      await here.flush();
      crash(boom);
      await here.settle(drained);
      expect(runs).toBe(1);
    });

    it('is told to stop while it drains', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      tasks.start(never);
      const drained = tasks.drain();
      await here.flush();
      const stopped = tasks.stop();
      expect(await here.settle(drained)).toMatchObject({ reason: 'normal' });
      expect(await here.settle(stopped)).toMatchObject({ reason: 'normal' });
    });

    it('is told to stop twice and does so once', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      tasks.start(never, { trapExit: true, shutdownMs: 40, name: 'stubborn' });
      const reports = Promise.all([tasks.stop(), tasks.stop({ reason: 'shutdown' })]);
      const [first, second] = await here.settle(reports);
      expect(first).toMatchObject({ reason: 'normal', killed: ['stubborn'], tookMs: 40 });
      expect(second.children).toEqual(first.children);
    });

    it('by a kill loses its tasks: every owner learns it, exactly once', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let signal: AbortSignal | undefined;
      const one = tasks.async((scope) => {
        ({ signal } = scope);
        return never();
      });
      const two = tasks.async(never, { trapExit: true });
      exit(tasks.ref, 'kill');
      expect(one.ok && (await one.task.outcome)).toEqual({ ok: false, reason: 'lost' });
      expect(two.ok && (await two.task.outcome)).toEqual({ ok: false, reason: 'lost' });
      expect(signal?.aborted).toBe(true);
      expect(exitReason(tasks.ref)).toBe('killed');
    });

    it('as a child of an app: restarted after a kill, and tasks go on there', async () => {
      const here = stage();
      const app = here.app({
        actors: { jobs: taskSupervisor() },
        children: [{ id: 'tasks', src: 'jobs', type: 'supervisor' }],
      });
      const first = app.tasks.ref;
      const lost = app.tasks.async(never);
      exit(first, 'kill');
      expect(lost.ok && (await lost.task.outcome)).toEqual({ ok: false, reason: 'lost' });
      expect(app.tasks.ref).not.toBe(first);
      expect(await app.tasks.run(() => 'again')).toEqual({ ok: true, value: 'again' });
    });
  });

  describe('the handle of supervisors on a task supervisor', () => {
    it('answers every call: none waits for ever', async () => {
      const here = stage();
      const handle = supervisorHandle(here.root(taskSupervisor(), { id: 'tasks' }));
      for (const call of [
        () => handle.whichChildren(),
        () => handle.countChildren(),
        () => handle.terminateChild('x'),
        () => handle.restartChild('x'),
        () => handle.deleteChild('x'),
        () => handle.childSpec('x'),
      ])
        expect(await here.peek<unknown>(call())).not.toBe('pending');
    });
  });

  describe('a task supervisor from its machine alone', () => {
    it("that was given invalid options fails its start with OTP's term", async () => {
      const here = stage();
      const root = createActor(taskSupervisor(), { input: { maxChildren: -1 }, clock: here.clock }).start();
      expect(await supervisorHandle(root).started()).toEqual({ ok: false, reason: ['supervisorData', ['invalidMaxChildren', -1]] });
    });
  });
});
