import { describe, expect, it } from 'vitest';
import { exitWith } from '../../src/index.js';
import { boom, stage } from './stage.js';
import { inEachLane } from './lanes.js';

/** A promise in the hands of the test. */
function deferred<Value = unknown>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** What a task may return besides a promise. */
function thenable<Value>(then: (yes: (value: Value) => void, no: (error: unknown) => void) => void): PromiseLike<Value> {
  // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
  return { then } as unknown as PromiseLike<Value>;
}

const never = () => new Promise<never>(() => {});

inEachLane((tasksOn) => {
  describe('a task with an awaited result', () => {
    it('settles with what its function returns, at once or later', async () => {
      const tasks = tasksOn(stage());
      const later = deferred<string>();
      const first = tasks.async(() => 1);
      const second = tasks.async(() => later.promise);
      expect(tasks.count()).toBe(1);
      later.resolve('two');
      expect(first.ok && (await first.task.outcome)).toEqual({ ok: true, value: 1 });
      expect(second.ok && (await second.task.outcome)).toEqual({ ok: true, value: 'two' });
      expect(tasks.count()).toBe(0);
    });

    it.each([
      [
        'throws in its call',
        () => {
          throw boom;
        },
      ],
      ['rejects', () => Promise.reject(boom)],
      ['returns a thenable that rejects', () => thenable<never>((_yes, no) => no(boom))],
    ])('settles with the crash when its function %s', async (_how, fn) => {
      const tasks = tasksOn(stage());
      expect(await tasks.run(fn)).toEqual({ ok: false, reason: { crash: boom } });
      expect(tasks.count()).toBe(0);
    });

    it('takes any thenable for a promise', async () => {
      const tasks = tasksOn(stage());
      const promised = thenable<string>((yes) => yes('thenable'));
      expect(await tasks.run(() => promised)).toEqual({ ok: true, value: 'thenable' });
    });

    it('settles with a crash when reading `then` of what it returned throws', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const trap: object = {
        // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
        get then(): never {
          throw boom;
        },
      };
      expect(await tasks.run(() => trap)).toEqual({ ok: false, reason: { crash: boom } });
      expect(tasks.count()).toBe(0);
    });

    it('settles with a crash when the thenable that it returned throws in `then`', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const trap = thenable<never>(() => {
        throw boom;
      });
      expect(await tasks.run(() => trap)).toEqual({ ok: false, reason: { crash: boom } });
      expect(tasks.count()).toBe(0);
    });

    it('takes only the first word of a thenable that speaks twice', async () => {
      const tasks = tasksOn(stage());
      const twice = thenable<number>((yes, no) => {
        yes(1);
        no(boom);
        yes(2);
      });
      expect(await tasks.run(() => twice)).toEqual({ ok: true, value: 1 });
      expect(tasks.count()).toBe(0);
    });

    it('is awaited for a time, and goes on when that is over', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const work = deferred<string>();
      const started = tasks.async(() => work.promise);
      if (!started.ok) throw new Error('refused');
      expect(await here.settle(started.task.await(50))).toEqual({ ok: false, reason: 'timeout' });
      expect(await here.settle(started.task.yield(50))).toBeNull();
      expect(here.clock.now()).toBe(100);
      expect(tasks.count()).toBe(1);
      work.resolve('late');
      expect(await started.task.await()).toEqual({ ok: true, value: 'late' });
      expect(await started.task.yield(10)).toEqual({ ok: true, value: 'late' });
    });

    it('is shut down: null when it ended because of that, its outcome when it had ended before', async () => {
      const tasks = tasksOn(stage());
      const running = tasks.async(never);
      const done = tasks.async(() => 'done');
      const brutal = tasks.async(never);
      expect(running.ok && (await running.task.shutdown())).toBeNull();
      expect(done.ok && (await done.task.shutdown())).toEqual({ ok: true, value: 'done' });
      expect(brutal.ok && (await brutal.task.shutdown('brutalKill'))).toBeNull();
    });

    it('that traps exits has until the end of its shutdown time to settle, and is killed then', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const good = tasks.async(
        ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              resolve('tidied');
            });
          }),
        { trapExit: true },
      );
      const bad = tasks.async(never, { trapExit: true });
      if (!good.ok || !bad.ok) throw new Error('refused');
      expect(await good.task.shutdown()).toEqual({ ok: true, value: 'tidied' });
      expect(await here.settle(bad.task.shutdown(70))).toEqual({ ok: false, reason: 'killed' });
      expect(here.clock.now()).toBe(70);
    });

    it('is killed at the first deadline, however often it is told to end', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const started = tasks.async(never, { trapExit: true, shutdownMs: 100 });
      if (!started.ok) throw new Error('refused');
      tasks.terminate(started.task);
      here.clock.advanceBy(90);
      tasks.terminate(started.task);
      here.clock.advanceBy(20);
      expect(await here.peek(started.task.outcome)).toEqual({ ok: false, reason: 'killed' });
    });

    it('is cancelled at once, and twice is once', async () => {
      const tasks = tasksOn(stage());
      const started = tasks.async(never);
      if (!started.ok) throw new Error('refused');
      started.task.cancel();
      started.task.cancel();
      expect(await started.task.outcome).toEqual({ ok: false, reason: 'cancelled' });
    });

    it('times out at its deadline, with its signal aborted', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let signal: AbortSignal | undefined;
      const outcome = tasks.run(
        (scope) => {
          ({ signal } = scope);
          return never();
        },
        { deadlineMs: 30 },
      );
      expect(await here.settle(outcome)).toEqual({ ok: false, reason: 'timedOut' });
      expect(here.clock.now()).toBe(30);
      expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
    });

    it('without end is allowed a deadline without end', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const started = tasks.async(never, { deadlineMs: Infinity });
      expect(here.clock.pending()).toBe(0);
      if (started.ok) started.task.cancel();
    });
  });

  describe('exitWith in a task supervisor', () => {
    it('is unknown to functions: what they return is their value', async () => {
      const tasks = tasksOn(stage());
      expect(await tasks.run(() => exitWith('shutdown'))).toEqual({ ok: true, value: exitWith('shutdown') });
    });
  });
});
