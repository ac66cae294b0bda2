/** The limiters that the gate bench measures do what they are measured for: each runs its task once, and no more at a time than it may. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { espalierSubjects } from '../../bench/gate/espalier.js';
import { cancellable, cancelled, contended, uncontended } from '../../bench/gate/measure.js';
import { Obedient } from '../../bench/gate/obey.js';
import type { Metric } from '../../bench/gate/orders.js';
import { loadSubject, names, ours, peers } from '../../bench/gate/subjects.js';
import { gateBench } from '../../bench/gate.js';
import { peersFolder } from '../../bench/install-peers.js';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { most } from './looks.js';

// The peers are installed by the bench command, not by the root: where they are missing, their fixtures are not tested.
const areInstalled = existsSync(join(peersFolder(), 'node_modules', 'p-queue'));
const subjects = await Promise.all(names.filter((name) => areInstalled || !peers.includes(name)).map(loadSubject));

test.each(espalierSubjects)('a task of $name that throws gives its place back', async (subject) => {
  const rig = subject.open(1, 50);
  const throws = (): Promise<never> => Promise.reject(new Error('no'));
  const { signal } = new AbortController();
  for (const pass of [() => rig.pass(throws), () => rig.passUntil?.(throws, signal)]) await Promise.resolve(pass()).catch(() => undefined);
  const ran: number[] = [];
  await rig.pass(async () => ran.push(1));
  expect(ran).toEqual([1]);
  await rig.close?.();
});

test('the limits hold a permit and a run to the peer, each in every measure', () => {
  const row = (subject: string, metric: string, us: number): Row => ({ bench: 'gate', subject, metric, unit: 'µs', median: us, p25: us, p75: us });
  const measures = ['uncontended', 'contended', 'contended, signals', 'cancelled'];
  const ours = { espalier: 1, 'espalier-enter': 2, 'espalier-run': 3 };
  const rows = measures.flatMap((metric) => [row('p-queue', metric, 2), ...Object.entries(ours).map(([subject, us]) => row(subject, metric, us))]);
  const held = judge(gateBench.limits, rows).map(({ limit, holds }) => [limit.what.split(', against')[0], holds]);
  expect(held.slice(0, 12)).toEqual([
    ...measures.map((metric) => [`a permit, ${metric}`, true]),
    ...measures.map((metric) => [`a permit that is entered, ${metric}`, true]),
    ...measures.map((metric) => [`a run, ${metric}`, false]),
  ]);
});

test.each([
  [1.25, true],
  [1.2, false],
])('the limits hold the best way to four fifths of async-sema: at %d µs of its own %s', (theirs, holds) => {
  const row = (subject: string, metric: string, us: number): Row => ({ bench: 'gate', subject, metric, unit: 'µs', median: us, p25: us, p75: us });
  const rows = ['uncontended', 'contended'].flatMap((metric) => [
    ...[row('async-sema', metric, theirs), row('espalier', metric, 3), row('espalier-enter', metric, 1), row('espalier-run', metric, 2)],
  ]);
  const held = judge(gateBench.limits, rows).filter(({ limit }) => limit.what.endsWith('async-sema'));
  expect(held.map((verdict) => verdict.holds)).toEqual([holds, holds]);
});

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('runs each task once, and never more than its limit at a time', async () => {
    const rig = subject.open(3, 50);
    let [running, most, ran] = [0, 0, 0];
    const work = async (): Promise<void> => {
      ran++;
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    await Promise.all(Array.from({ length: 20 }, () => rig.pass(work)));
    expect([ran, running]).toEqual([20, 0]);
    expect(most).toBeLessThanOrEqual(3);
    await rig.close?.();
  });

  test('runs as many at a time as it may: three that wait for each other all end', async () => {
    const rig = subject.open(3, 50);
    let running = 0;
    let meet: () => void = () => {};
    const met = new Promise<void>((resolve) => (meet = resolve));
    const work = (): Promise<void> => {
      if (++running === 3) meet();
      return met;
    };
    await Promise.all([1, 2, 3].map(() => rig.pass(work)));
    expect(running).toBe(3);
    await rig.close?.();
  });

  test('is measured', async () => {
    const rig = subject.open(2, 50);
    for (const measure of [() => uncontended(rig, 500), () => contended(rig, 40, 2)]) expect(await most(measure)).toBeGreaterThan(0);
    await rig.close?.();
  });
});

describe.each(subjects.filter((subject) => subject.open(1, 50).passUntil).map((subject) => [subject.name, subject] as const))(
  'the waiters of %s',
  (_, subject) => {
    test('can be cancelled by themselves: whoever is does not run, and the others do', async () => {
      const rig = subject.open(1, 50);
      let release: () => void = () => {};
      const first = rig.pass(() => new Promise<void>((resolve) => (release = resolve)));
      const ran: number[] = [];
      const controllers = [0, 1, 2].map(() => new AbortController());
      const all = controllers.map(({ signal }, n) => rig.passUntil?.(async () => ran.push(n), signal));
      controllers[1]?.abort();
      await all[1];
      release();
      await Promise.all([first, ...all]);
      expect(ran).toEqual([0, 2]);
      await rig.close?.();
    });

    test('are measured', async () => {
      const rig = subject.open(1, 50);
      for (const measure of [() => cancellable(rig, 10, 2), () => cancelled(rig, 10, 2)]) expect(await most(measure)).toBeGreaterThan(0);
      await rig.close?.();
    });
  },
);

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the orders to %s', (_, subject) => {
  const runIn = { tasks: 10, waiters: 10, times: 1 };

  test.each(['uncontended', 'contended', 'contended, signals', 'cancelled'] satisfies Metric[])(
    'are answered with the figure of %s, or with none',
    async (metric) => {
      const obedient = new Obedient(subject);
      expect(await obedient.obey({ do: 'open', metric, limit: 2, runIn })).toEqual({});
      const figures = await obedient.obey({ do: 'pass', load: { tasks: 20, waiters: 10, times: 2 } });
      const isFeasible = subject.open(1, 1).passUntil !== undefined || metric === 'uncontended' || metric === 'contended';
      expect(Object.keys(figures)).toEqual(isFeasible ? [metric] : []);
      expect(await obedient.obey({ do: 'close' })).toEqual({});
    },
  );

  test('measure nothing of a limiter that is not open', async () => {
    const obedient = new Obedient(subject);
    expect(await obedient.obey({ do: 'pass', load: runIn })).toEqual({});
    expect(await obedient.obey({ do: 'close' })).toEqual({});
    await obedient.obey({ do: 'open', metric: 'contended', limit: 2, runIn });
    await obedient.obey({ do: 'close' });
    expect(await obedient.obey({ do: 'pass', load: runIn })).toEqual({});
  });
});

describe('the subjects', () => {
  test('are found by the names that the bench has of them, and no other', async () => {
    for (const { name } of subjects) expect((await loadSubject(name)).name).toBe(name);
    expect(gateBench.subjects).toEqual(names);
    expect(espalierSubjects.map(({ name }) => name)).toEqual(ours);
    await expect(loadSubject('nobody')).rejects.toThrow('expected the name of a subject, got: nobody');
  });
});
