import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { peersFolder } from '../../bench/install-peers.js';
import { espalierSubject } from '../../bench/supervision/espalier.js';
import { bytesKept, fill, latencies, restarts, sustain, windowSize } from '../../bench/supervision/measure.js';
import { promiseSubject } from '../../bench/supervision/promise.js';
import { oneTurn, type Rig, type Subject } from '../../bench/supervision/subject.js';
import { xstateSpawnSubject } from '../../bench/supervision/xstate-spawn.js';

// The peers are installed by the bench command, not by the root: where they are missing, their fixtures are not tested.
const peers = peersFolder();
const { fiberSet, fiberSetRetrySignal } = existsSync(join(peers, 'node_modules', 'effect'))
  ? ((await import(/* @vite-ignore */ pathToFileURL(join(peers, 'effect-fiberset.js')).href)) as { fiberSet: Subject; fiberSetRetrySignal: Subject })
  : {};

const subjects = [promiseSubject, xstateSpawnSubject, espalierSubject, ...(fiberSet && fiberSetRetrySignal ? [fiberSet, fiberSetRetrySignal] : [])];

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

describe.each(subjects.filter(({ openWorkers }) => openWorkers !== undefined).map((subject) => [subject.name, subject] as const))(
  'the workers of %s',
  (_, subject) => {
    test('are restarted once for each crash', async () => {
      let restarted = 0;
      let told = (): void => {};
      const rig = await subject.openWorkers?.(5, () => {
        restarted++;
        told();
      });
      for (let crash = 1; crash <= 3; crash++) {
        const isTold = new Promise<void>((resolve) => (told = resolve));
        rig?.crash();
        await isTold;
        expect(restarted).toBe(crash);
      }
      await rig?.stop();
      expect(restarted).toBe(3);
    });

    test('give a time for each restart', async () => {
      const { p50, p99 } = await restarts(subject, 5, 10);
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
    });
  },
);

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
