import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { peersFolder } from '../../bench/install-peers.js';
import { espalierSubject, espalierSubjects } from '../../bench/supervision/espalier.js';
import { holds, longestHold, withoutCollections } from '../../bench/supervision/hold.js';
import { bytesKept, fill, latencies, restarts, sustain, windowSize } from '../../bench/supervision/measure.js';
import { Obedient } from '../../bench/supervision/obey.js';
import { units } from '../../bench/supervision/orders.js';
import { promiseSubject } from '../../bench/supervision/promise.js';
import { ignore, oneTurn, type Rig, type Subject, type Work } from '../../bench/supervision/subject.js';
import { loadSubject, names, ours } from '../../bench/supervision/subjects.js';
import { xstateSpawnSubject } from '../../bench/supervision/xstate-spawn.js';

// The peers are installed by the bench command, not by the root: where they are missing, their fixtures are not tested.
const peers = peersFolder();
const { fiberSet, fiberSetRetrySignal } = existsSync(join(peers, 'node_modules', 'effect'))
  ? ((await import(/* @vite-ignore */ pathToFileURL(join(peers, 'effect-fiberset.js')).href)) as { fiberSet: Subject; fiberSetRetrySignal: Subject })
  : {};

const subjects = [
  promiseSubject,
  xstateSpawnSubject,
  ...espalierSubjects,
  ...(fiberSet && fiberSetRetrySignal ? [fiberSet, fiberSetRetrySignal] : []),
];

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('runs each task once and notices its end once, after its last line', async () => {
    const rig = await subject.open();
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      rig.start(
        async () => {
          told.push('entered');
          await oneTurn;
          told.push('left');
        },
        () => {
          told.push('noticed');
          resolve();
        },
        'a-task',
      );
    });
    await nextTurn();
    expect(told).toEqual(['entered', 'left', 'noticed']);
    await rig.stop?.();
  });

  test('sustains a window: every task runs, and never more than the window at once', async () => {
    const rig = await subject.open();
    let running = 0;
    let most = 0;
    let ran = 0;
    await sustain(rig, 2_500, async () => {
      ran++;
      most = Math.max(most, ++running);
      await oneTurn;
      running--;
    });
    expect(ran).toBe(2_500);
    expect(most).toBeLessThanOrEqual(windowSize);
    expect(most).toBeGreaterThan(windowSize / 2);
    await rig.stop?.();
  });

  test('measures positive latencies with children alive', async () => {
    const rig = await subject.open();
    fill(rig, 10);
    const { startToEntry, endToNotice } = await latencies(rig, 20);
    for (const { p50, p99 } of [startToEntry, endToNotice]) {
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
    }
    await rig.stop?.();
  });

  test('gives the same supervisor named tasks, one name each', async () => {
    const rig = await subject.open();
    const names = new Set<string>();
    const watched: Rig = {
      start: (work, noticed, name) => {
        if (name !== undefined) names.add(name);
        return rig.start(work, noticed, name);
      },
    };
    await bytesKept(watched, 200);
    expect(names.size).toBe(220);
    await rig.stop?.();
  });
});

const workers = subjects.flatMap(({ name, openRestarted, openWorkers }) => [
  ...(openRestarted === undefined ? [] : [[`tasks of ${name}`, openRestarted] as const]),
  ...(openWorkers === undefined ? [] : [[`machines of ${name}`, openWorkers] as const]),
]);

describe.each(workers)('the %s that crash', (_, open) => {
  test('are restarted once for each crash', async () => {
    let restarted = 0;
    let told = (): void => {};
    const rig = await open(5, () => {
      restarted++;
      told();
    });
    for (let crash = 1; crash <= 3; crash++) {
      const isTold = new Promise<void>((resolve) => (told = resolve));
      rig.crash();
      await isTold;
      expect(restarted).toBe(crash);
    }
    await rig.stop();
    expect(restarted).toBe(3);
  });

  test('give a time for each restart', async () => {
    const { p50, p99 } = await restarts(open, 5, 10);
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  });
});

describe.each(subjects.map((subject) => [subject.name, subject] as const))('a burst of %s', (_, subject) => {
  test('begins each task, lets all end, and notices each end', async () => {
    const rig = await subject.open();
    let begun = 0;
    let noticed = 0;
    const counted = (work: Work) => () => {
      begun++;
      return work();
    };
    const noting = (told: () => void) => () => {
      noticed++;
      told();
    };
    const watched: Rig = {
      start: (work, told) => rig.start(counted(work), noting(told)),
      ...(rig.burst && { burst: (count, work, told) => rig.burst?.(count, counted(work), noting(told)) }),
    };
    const { starts, startsAndEnds, release } = await holds(watched, 50);
    expect([begun, noticed]).toEqual([100, 100]);
    for (const { all, own } of [starts, startsAndEnds, release]) expect(Math.min(all, own)).toBeGreaterThanOrEqual(0);
    await rig.stop?.();
  });
});

describe('the longest hold of the loop', () => {
  test('is the most that passes between two turns: at once, or later', async () => {
    let at = 0;
    const time = { now: () => at, waited: () => 0 };
    expect((await longestHold(() => (at += 7), Promise.resolve(), time)).all).toBe(7);
    const inTurns = async (...steps: readonly number[]): Promise<void> => {
      for (const step of steps) {
        await nextTurn();
        at += step;
      }
    };
    let settle = ignore;
    const done = new Promise<void>((resolve) => (settle = resolve));
    expect((await longestHold(() => void inTurns(2, 9, 4).then(() => settle()), done, time)).all).toBe(9);
  });

  test('is ours where no collection of the heap falls into it, and in part where one does', () => {
    const turn = { from: 10, to: 20, took: 7 };
    expect(withoutCollections(turn, [{ startTime: 5, duration: 4 }])).toBe(7);
    expect(withoutCollections(turn, [{ startTime: 12, duration: 3 }])).toBe(7);
    expect(
      withoutCollections(turn, [
        { startTime: 8, duration: 4 },
        { startTime: 19, duration: 4 },
      ]),
    ).toBe(7);
    expect(withoutCollections(turn, [{ startTime: 11, duration: 1 }])).toBe(9);
  });
});

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the orders to %s', (_, subject) => {
  test('are answered with figures whose units are known', async () => {
    const obedient = new Obedient(subject);
    const figures = [
      await obedient.obey({ do: 'warm', count: 100 }),
      await obedient.obey({ do: 'open', live: 10, bytesOver: 5, runIn: 20 }),
      await obedient.obey({ do: 'task', count: 50 }),
      await obedient.obey({ do: 'latency', count: 20 }),
      await obedient.obey({ do: 'collect', times: 1 }),
      await obedient.obey({ do: 'stop', round: 0 }),
      await obedient.obey({ do: 'restart', siblings: 5, count: 10 }),
      await obedient.obey({ do: 'burst', count: 20 }),
      await obedient.obey({ do: 'kept', count: 50 }),
    ].map((answer) => Object.keys(answer));
    expect(figures.flat().filter((metric) => units[metric] === undefined)).toEqual([]);
    expect(figures[0]).toEqual([]);
    expect(figures[1]).toEqual(['bytes']);
    expect(figures[2]).toEqual(['task']);
    expect(figures[4]).toEqual(['collection']);
    expect(figures[8]).toEqual(['kept']);
  });

  test('measure nothing of what is not feasible, and nothing of a supervisor that is not open', async () => {
    const obedient = new Obedient({ ...subject, maxLive: 5 });
    expect(await obedient.obey({ do: 'open', live: 6, bytesOver: 1, runIn: 1 })).toEqual({});
    expect(await obedient.obey({ do: 'burst', count: 6 })).toEqual({});
    expect(await obedient.obey({ do: 'task', count: 6 })).toEqual({});
  });
});

describe('the subjects', () => {
  test('are found by the names that the bench has of them, and no other', async () => {
    for (const { name } of subjects) expect((await loadSubject(name)).name).toBe(name);
    expect(names).toEqual(expect.arrayContaining(subjects.map(({ name }) => name)));
    expect(espalierSubjects.map(({ name }) => name)).toEqual(ours);
    await expect(loadSubject('nobody')).rejects.toThrow('expected the name of a subject, got: nobody');
  });
});

describe('the fixture of espalier', () => {
  test('stops its live tasks: each is noticed to have ended', async () => {
    const rig = await espalierSubject.open();
    let noticed = 0;
    for (let i = 0; i < 5; i++)
      rig.start(
        () => new Promise(() => {}),
        () => noticed++,
      );
    await rig.stop?.();
    await nextTurn();
    expect(noticed).toBe(5);
  });
});
