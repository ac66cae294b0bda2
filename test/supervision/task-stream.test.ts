import { setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Exit, type StreamOptions, type StreamOutcome, type TaskScope } from '../../src/index.js';
import { boom, stage, type Stage } from './stage.js';
import { inEachLane } from './lanes.js';

const never = () => new Promise<never>(() => {});

/** A piece of work that takes its item's milliseconds, and notes how many run at once. */
function work(here: Stage) {
  const seen = { now: 0, most: 0, started: [] as number[] };
  const fn = (ms: number): Promise<number> => {
    seen.started.push(ms);
    seen.most = Math.max(seen.most, ++seen.now);
    return new Promise((resolve) => {
      here.clock.setTimeout(() => {
        seen.now--;
        resolve(ms);
      }, ms);
    });
  };
  return { seen, fn };
}

async function collect<Value>(stream: AsyncIterable<StreamOutcome<Value>>): Promise<StreamOutcome<Value>[]> {
  const outcomes: StreamOutcome<Value>[] = [];
  for await (const outcome of stream) outcomes.push(outcome);
  return outcomes;
}

const values = (outcomes: readonly StreamOutcome<unknown>[]) => outcomes.map((outcome) => (outcome.ok ? outcome.value : outcome.reason));

inEachLane((tasksOn) => {
  describe('a stream of tasks', () => {
    it('gives outcomes in the order of the items', async () => {
      const here = stage();
      const { fn } = work(here);
      expect(values(await here.settle(collect(tasksOn(here).stream([30, 10, 20], fn))))).toEqual([30, 10, 20]);
    });

    it('gives outcomes as the tasks end, when order does not matter', async () => {
      const here = stage();
      const { fn } = work(here);
      expect(values(await here.settle(collect(tasksOn(here).stream([30, 10, 20], fn, { ordered: false }))))).toEqual([10, 20, 30]);
    });

    it.each([true, false])('never runs more than maxConcurrency at a time (ordered: %s)', async (ordered) => {
      const here = stage();
      const { fn, seen } = work(here);
      const items = [50, 10, 10, 40, 10, 10, 30, 10];
      expect(values(await here.settle(collect(tasksOn(here).stream(items, fn, { maxConcurrency: 3, ordered }))))).toHaveLength(items.length);
      expect(seen.most).toBe(3);
    });

    it('reads the iterable no further than it may run', async () => {
      const here = stage();
      let read = 0;
      const endless = {
        *[Symbol.iterator]() {
          for (;;) yield ++read;
        },
      };
      const stream = tasksOn(here).stream(endless, (item) => item, { maxConcurrency: 2 });
      await stream.next();
      expect(read).toBeLessThanOrEqual(3);
      await stream.return();
    });

    it('of nothing ends at once', async () => {
      const here = stage();
      expect(await here.settle(collect(tasksOn(here).stream([], never)))).toEqual([]);
    });

    it('tells a task that throws in its call or later as an outcome, and goes on', async () => {
      const here = stage();
      const outcomes = await here.settle(
        collect(
          tasksOn(here).stream([1, 2, 3], (item) => {
            if (item === 1) throw boom;
            return item === 2 ? Promise.reject(boom) : item;
          }),
        ),
      );
      expect(outcomes).toEqual([
        { ok: false, reason: { crash: boom } },
        { ok: false, reason: { crash: boom } },
        { ok: true, value: 3 },
      ]);
    });

    it('kills the task whose deadline passes, and goes on', async () => {
      const here = stage();
      const { fn } = work(here);
      const outcomes = await here.settle(collect(tasksOn(here).stream([10, 1_000, 20], fn, { deadlineMs: 100 })));
      expect(values(outcomes)).toEqual([10, 'timedOut', 20]);
      here.clock.advanceBy(1_000);
    });

    it('throws when a deadline passes and that is asked for, and ends what runs', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const pending = collect(tasks.stream([1, 2], never, { deadlineMs: 100, onTimeout: 'exit' }));
      await expect(here.settle(pending)).rejects.toBeInstanceOf(Exit);
      expect(tasks.count()).toBe(0);
    });

    it('left early ends the tasks that run, and closes the iterable', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      let closed = false;
      function* items() {
        try {
          yield* [0, 1, 2, 3];
        } finally {
          closed = true;
        }
      }
      const signals: AbortSignal[] = [];
      for await (const outcome of tasks.stream(
        items(),
        (item, { signal }: TaskScope) => {
          signals.push(signal);
          return item === 0 ? 'first' : never();
        },
        { maxConcurrency: 3 },
      )) {
        expect(outcome).toEqual({ ok: true, value: 'first' });
        break;
      }
      expect(tasks.count()).toBe(0);
      expect(signals.slice(1).every((signal) => signal.aborted)).toBe(true);
      expect(closed).toBe(true);
    });

    it('whose signal has aborted before starts nothing', async () => {
      const here = stage();
      let calls = 0;
      const outcomes = await here.settle(collect(tasksOn(here).stream([1, 2], () => ++calls, { signal: AbortSignal.abort() })));
      expect([outcomes, calls]).toEqual([[], 0]);
    });

    it('whose signal aborts meanwhile ends its tasks and itself, and closes the iterable', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const app = new AbortController();
      let calls = 0;
      const pending = collect(
        tasks.stream(
          [1, 2, 3, 4],
          () => {
            calls++;
            return never();
          },
          { signal: app.signal, maxConcurrency: 2 },
        ),
      );
      await here.flush();
      app.abort();
      expect(values(await here.settle(pending))).toEqual(['cancelled', 'cancelled']);
      expect(calls).toBe(2);
      expect(tasks.count()).toBe(0);
    });

    it('whose signal aborts while it waits for the next item ends', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const app = new AbortController();
      async function* items() {
        yield 1;
        await never();
      }
      const pending = collect(tasks.stream(items(), (item) => item, { signal: app.signal }));
      await here.flush();
      app.abort();
      expect(await here.peek(pending)).not.toBe('pending');
    });

    it('over an async iterable that throws throws the same, and ends what runs', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      async function* items() {
        yield 1;
        yield 2;
        throw boom;
      }
      await expect(here.settle(collect(tasks.stream(items(), never)))).rejects.toBe(boom);
      expect(tasks.count()).toBe(0);
    });

    it('over an iterable that throws when it is closed still ends what runs', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const items = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false as const, value: 1 }),
          return: () => {
            throw boom;
          },
        }),
      };
      const stream = tasks.stream(items, (item) => item, { maxConcurrency: 1 });
      await stream.next();
      await expect(stream.return()).rejects.toBe(boom);
      expect(tasks.count()).toBe(0);
    });

    it('tells a task that could not be started, and goes on', async () => {
      const here = stage();
      const tasks = tasksOn(here, { maxChildren: 1 });
      const { fn } = work(here);
      const outcomes = await here.settle(collect(tasks.stream([10, 20], fn)));
      expect(outcomes).toEqual([
        { ok: true, value: 10 },
        { ok: false, reason: 'maxChildren' },
      ]);
    });

    it('ends with its supervisor', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const pending = collect(tasks.stream([1, 2], never));
      await here.flush();
      await here.settle(tasks.stop());
      expect(values(await here.settle(pending))).toEqual(['shutdown', 'shutdown']);
    });

    it('ends with its owner, and so do its tasks', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = here.root(
        setup({
          actions: {
            crash: () => {
              throw boom;
            },
          },
        }).createMachine({ on: { crash: { actions: 'crash' } } }),
        { id: 'owner' },
      );
      owner.subscribe({ error: () => {} });
      const pending = collect(tasks.stream([1, 2, 3], never, { owner, maxConcurrency: 2 }));
      await here.flush();
      owner.send({ type: 'crash' });
      expect(await here.settle(pending)).toEqual([]);
      expect(tasks.count()).toBe(0);
    });

    it.each<[string, StreamOptions]>([
      ['maxConcurrency 0', { maxConcurrency: 0 }],
      ['maxConcurrency 1.5', { maxConcurrency: 1.5 }],
      ['maxConcurrency NaN', { maxConcurrency: Number.NaN }],
      ['deadlineMs -1', { deadlineMs: -1 }],
      ['onTimeout of another word', { onTimeout: 'ignore' as never }],
      ['a signal that is none', { signal: {} as never }],
    ])('with %s is refused at the call', (_what, options) => {
      const tasks = tasksOn(stage());
      expect(() => tasks.stream([1], (item) => item, options)).toThrow(expect.objectContaining({ code: 'supervision/invalid-task' }));
    });

    it('over what cannot be iterated, or with what is no function, is refused at the call', () => {
      const tasks = tasksOn(stage());
      expect(() => tasks.stream(7 as never, (item) => item)).toThrow(expect.objectContaining({ code: 'supervision/invalid-task' }));
      expect(() => tasks.stream([1], 7 as never)).toThrow(expect.objectContaining({ code: 'supervision/invalid-task' }));
    });
  });
});
