/** The stores of names that the registry bench measures do what they are measured for. */
import { describe, expect, test } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { judge } from '../../bench/limits.js';
import { espalierSubject } from '../../bench/registry/espalier.js';
import { mapSubject, watchedMapSubject } from '../../bench/registry/map.js';
import { actors, deaths, furnish, lookups, registrations, searches } from '../../bench/registry/measure.js';
import { registryBench } from '../../bench/registry.js';
import type { Row } from '../../bench/rounds.js';
import { most } from './looks.js';

const subjects = [mapSubject, watchedMapSubject, espalierSubject];

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('gives a name to one, finds it, and takes it from its owner only', () => {
    const rig = subject.open();
    const [a, b] = actors(2) as [AnyActorRef, AnyActorRef];
    expect([rig.register('x', a), rig.register('x', b), rig.whereis('x') === a]).toEqual([true, false, true]);
    expect([rig.unregister('x', b), rig.unregister('x', a), rig.whereis('x'), rig.register('x', b)]).toEqual([false, true, undefined, true]);
    rig.close();
  });

  test('forgets the dead, or says that it does not', () => {
    const rig = subject.open();
    const [a] = actors(1) as [AnyActorRef & { stop(): void }];
    rig.register('x', a);
    a.stop();
    expect(rig.whereis('x') === undefined).toBe(rig.forgetsTheDead);
    rig.close();
  });

  test('finds those of a zone', () => {
    const rig = subject.open();
    const refs = actors(3) as [AnyActorRef, AnyActorRef, AnyActorRef];
    for (const [n, ref] of refs.entries()) {
      rig.register(`x${n}`, ref);
      rig.describe(`x${n}`, ref, n % 2);
    }
    expect([rig.inZone(0), rig.inZone(1), rig.inZone(2)]).toEqual([[refs[0], refs[2]], [refs[1]], []]);
    rig.close();
  });

  test('is measured', async () => {
    const stage = furnish(subject.open(), actors(20));
    const measures = [
      () => lookups(stage, 20),
      () => registrations(stage, actors(20), 5),
      () => deaths(stage, actors(20)),
      () => searches(stage, 20),
    ];
    for (const measure of measures) expect(await most(measure)).toBeGreaterThan(0);
    stage.rig.close();
  });
});

test('the limits hold us to the subject that they name', () => {
  const row = (subject: string, metric: string, us: number): Row => ({
    ...{ bench: 'registry', subject, metric, unit: 'µs', median: us, p25: us, p75: us },
  });
  const measures = ['whereis', 'register, unregister', 'register, die', 'search by a field'];
  const rows = measures.flatMap((metric) => [row('map', metric, 1), row('map-and-onexit', metric, 2), row('espalier', metric, 3)]);
  expect(judge(registryBench.limits, rows).map(({ figure }) => figure)).toEqual([3, 1.5, 1.5, 3]);
});
