import { describe, expect, it } from 'vitest';
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

const never = () => new Promise<never>(() => {});

inEachLane((tasksOn) => {
  describe('the id of a task', () => {
    it('is that of its slot, in whatever order ids are asked for, and in the report of a stop', async () => {
      const tasks = tasksOn(stage());
      const started = Array.from({ length: 12_002 }, () => tasks.start(never));
      const idAt = (slot: number) => {
        const one = started[slot];
        return one?.ok === true ? one.task.id : undefined;
      };
      const slots = [0, 999, 1_000, 1_001, 12_001, 7, 2_000, 1_999, 10_010, 12_000, 999];
      expect(slots.map(idAt)).toEqual(slots.map((slot) => `task#${slot}`));
      const { children } = await tasks.stop();
      expect(children.map(({ id }) => id)).toEqual(started.map((_, slot) => `task#${slot}`));
    });
  });

  describe('the signal of a task', () => {
    it('is never aborted by success', async () => {
      const tasks = tasksOn(stage());
      let signal: AbortSignal | undefined;
      await tasks.run((scope) => {
        ({ signal } = scope);
        return 1;
      });
      await tasks.run(() => 2);
      expect(signal?.aborted).toBe(false);
    });

    it('is the same however often it is read', async () => {
      const tasks = tasksOn(stage());
      const seen: AbortSignal[] = [];
      await tasks.run((scope) => {
        seen.push(scope.signal, scope.signal);
      });
      expect(seen[0]).toBe(seen[1]);
    });

    it('read too late is aborted, and says nothing to the next task in the same slot', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let kept: { readonly signal: AbortSignal } | undefined;
      const first = tasks.async((scope) => {
        kept = scope;
        return never();
      });
      if (first.ok) first.task.cancel();
      const second = tasks.async(never);
      expect(kept?.signal.aborted).toBe(true);
      expect(second.ok && first.ok && second.task.id === first.task.id).toBe(true);
      if (second.ok) second.task.cancel();
    });

    it('says why it was aborted, once for all tasks that end alike, and nobody can change it', async () => {
      const tasks = tasksOn(stage());
      const reasons: DOMException[] = [];
      for (let task = 0; task < 2; task++)
        tasks.start(({ signal }) => {
          signal.addEventListener('abort', () => reasons.push(signal.reason as DOMException));
          return never();
        });
      await tasks.stop();
      const [one, other] = reasons;
      expect([one?.name, one?.message, other === one]).toEqual(['AbortError', 'the task was ended: shutdown', true]);
      expect(Object.isFrozen(one)).toBe(true);
    });

    it('of the app cancels the task; when it has aborted before, the function does not even begin', async () => {
      const tasks = tasksOn(stage());
      const app = new AbortController();
      let began = 0;
      const running = tasks.async(
        () => {
          began++;
          return never();
        },
        { signal: app.signal },
      );
      app.abort();
      const late = tasks.async(
        () => {
          began++;
          return never();
        },
        { signal: app.signal },
      );
      expect(running.ok && (await running.task.outcome)).toEqual({ ok: false, reason: 'cancelled' });
      expect(late.ok && (await late.task.outcome)).toEqual({ ok: false, reason: 'cancelled' });
      expect(began).toBe(1);
      expect(tasks.count()).toBe(0);
      expect(await tasks.run(() => 'next')).toEqual({ ok: true, value: 'next' });
      expect(await tasks.run(() => 'and the next')).toEqual({ ok: true, value: 'and the next' });
    });

    it('of the app is let go when the task has ended', async () => {
      const tasks = tasksOn(stage());
      const app = new AbortController();
      let listeners = 0;
      const { signal } = app;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners--;
        remove(...args);
      };
      await tasks.run(() => 1, { signal });
      await tasks.run(() => Promise.resolve(2), { signal });
      expect(listeners).toBe(0);
    });

    it('may cancel its own task and start another from its listener: the other one lives', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let other: ReturnType<typeof tasks.async> | undefined;
      const started: ReturnType<typeof tasks.async> = tasks.async(({ signal }) => {
        signal.addEventListener('abort', () => {
          if (started.ok) started.task.cancel();
          other = tasks.async(never);
        });
        return never();
      });
      if (!started.ok) throw new Error('refused');
      void started.task.shutdown();
      if (other?.ok !== true) throw new Error('refused');
      expect(await here.peek(other.task.outcome)).toBe('pending');
      other.task.cancel();
    });
  });

  describe('a late result', () => {
    it('touches neither its own outcome nor the next task in the slot', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const slow = deferred<string>();
      const first = tasks.async(() => slow.promise);
      if (!first.ok) throw new Error('refused');
      first.task.cancel();
      const second = tasks.async(never);
      if (!second.ok) throw new Error('refused');
      expect(second.task.id).toBe(first.task.id);
      slow.resolve('too late');
      await here.flush();
      expect(await first.task.outcome).toEqual({ ok: false, reason: 'cancelled' });
      expect(await here.peek(second.task.outcome)).toBe('pending');
      second.task.cancel();
    });

    it('that rejects is no unhandled rejection', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const slow = deferred();
      const first = tasks.async(() => slow.promise);
      if (first.ok) first.task.cancel();
      slow.reject(boom);
      await here.flush();
      expect(tasks.count()).toBe(0);
    });

    it('of a handle whose task is over cannot end the task that has its slot now', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const first = tasks.async(() => 1);
      const second = tasks.async(never);
      if (!first.ok || !second.ok) throw new Error('refused');
      expect(second.task.id).toBe(first.task.id);
      first.task.cancel();
      await first.task.shutdown('brutalKill');
      expect(tasks.terminate(first.task)).toEqual({ ok: false, reason: 'notFound' });
      expect(await here.peek(second.task.outcome)).toBe('pending');
      second.task.cancel();
    });
  });
});
