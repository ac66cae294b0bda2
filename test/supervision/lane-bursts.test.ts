/** Bursts of tasks and chains of them: the event loop and the stack are not theirs alone. */
import { expect, it } from 'vitest';
import type { TaskOutcome } from '../../src/index.js';
import { inEachLane } from './lanes.js';
import { stage } from './stage.js';

inEachLane((tasksOn) => {
  it('survives tasks each of which starts the next when it has ended at once', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    let count = 0;
    const ended = new Promise<void>((resolve) => {
      const next = (): void => {
        if (++count === 20_000) resolve();
        else tasks.start(() => count, { onEnd: next });
      };
      next();
    });
    await ended;
    expect([count, tasks.count()]).toEqual([20_000, 0]);
  });

  it('survives tasks each of which starts the next within its own function, on whichever of many supervisors', async () => {
    const here = stage();
    const many = Array.from({ length: 40 }, () => tasksOn(here));
    let count = 0;
    const reasons: unknown[] = [];
    await new Promise<void>((resolve) => {
      const next = (): void => {
        if (++count === 20_000) resolve();
        else many[count % many.length]?.start(() => next(), { onEnd: (outcome) => void (outcome.ok || reasons.push(outcome.reason)) });
      };
      next();
    });
    expect([count, reasons]).toEqual([20_000, []]);
  });

  it('leaves the rest of a burst to later turns, in order, and loses nothing', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const began: number[] = [];
    let ended = 0;
    const all = new Promise<void>((resolve) => {
      for (let task = 0; task < 20_000; task++)
        tasks.start(async () => void began.push(task), {
          onEnd: ({ ok }) => {
            if (ok && ++ended === 20_000) resolve();
          },
        });
    });
    expect(tasks.count() + ended).toBe(20_000);
    expect(began.length).toBeLessThan(20_000);
    await all;
    expect(began).toEqual(Array.from({ length: 20_000 }, (_, task) => task));
    expect(tasks.count()).toBe(0);
  });

  it('counts a task of a burst as in time that has come to its end before its deadline, and waits to be told', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const outcomes: TaskOutcome<unknown>[] = [];
    let [letGo, allWait, allEnded] = [() => {}, () => {}, () => {}];
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const begun = new Promise<void>((resolve) => (allWait = resolve));
    const all = new Promise<void>((resolve) => (allEnded = resolve));
    const onEnd = (outcome: TaskOutcome<unknown>): void => {
      if (outcomes.push(outcome) === 20_000) allEnded();
    };
    let waiting = 0;
    const wait = (): Promise<void> => {
      if (++waiting === 20_000) allWait();
      return gate;
    };
    for (let task = 0; task < 20_000; task++) tasks.start(wait, { deadlineMs: 1_000, onEnd });
    await begun;
    letGo();
    await Promise.resolve();
    here.clock.advanceBy(1_000);
    await all;
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('ends tasks of a burst that have not begun, when it is stopped: their functions are never called', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    let [began, told] = [0, 0];
    const never = (): Promise<never> => {
      began++;
      return new Promise(() => {});
    };
    for (let task = 0; task < 50_000; task++) tasks.start(never, { onEnd: () => void told++ });
    const begunNow = began;
    const report = await tasks.stop();
    expect([report.children.length, told, tasks.count()]).toEqual([50_000, 50_000, 0]);
    expect(began).toBe(begunNow);
    // So many begin without a look at the clock; how many more, a slow machine decides.
    expect(begunNow).toBeGreaterThanOrEqual(31);
    expect(begunNow).toBeLessThan(50_000);
  });
});
