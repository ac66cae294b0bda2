/** The keepers of metrics that the telemetry bench measures do what they are measured for. */
import { describe, expect, test } from 'vitest';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { espalierSubject, mirroredSubject } from '../../bench/telemetry/espalier.js';
import { facts } from '../../bench/telemetry/facts.js';
import { mapSubject } from '../../bench/telemetry/map.js';
import { counts, times } from '../../bench/telemetry/measure.js';
import { openTelemetrySubject, sdkMeter } from '../../bench/telemetry/opentelemetry.js';
import { telemetryBench } from '../../bench/telemetry.js';
import { most } from './looks.js';

const subjects = [mapSubject, openTelemetrySubject, espalierSubject, mirroredSubject];

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('keeps what it is told, by outcome', async () => {
    const rig = subject.open();
    for (const outcome of ['a', 'b', 'a']) {
      rig.count(outcome);
      rig.time(outcome, 0.5);
    }
    expect([await rig.counted('a'), await rig.counted('b'), await rig.counted('c')]).toEqual([2, 1, 0]);
    expect([await rig.timed('a'), await rig.timed('b'), await rig.timed('c')]).toEqual([2, 1, 0]);
    await rig.close();
  });

  test('is measured', async () => {
    for (const measure of [counts, times]) {
      const look = async (): Promise<number> => {
        const rig = subject.open();
        const ns = await measure(rig, 50);
        await rig.close();
        return ns;
      };
      expect(await most(look)).toBeGreaterThan(0);
    }
  });
});

test('a meter that is told all of ours has it', async () => {
  const { close, meter, pointOf } = sdkMeter();
  meter.createCounter('bench.calls').add(3, { outcome: 'a' });
  expect(await pointOf('bench.calls', 'a')).toBe(3);
  await close();
});

test('every fact is heard by whoever is measured', async () => {
  for (const watcher of ['nobody', 'a listener', 'instrumented'] as const) expect(await most(() => facts(watcher, 5))).toBeGreaterThan(0);
});

test('the limits hold us to the subject that they name', () => {
  const row = (subject: string, metric: string, ns: number): Row => ({
    ...{ bench: 'telemetry', subject, metric, unit: 'ns', median: ns, p25: ns, p75: ns },
  });
  const rows = ['count one', 'time one'].flatMap((metric) => [
    ...[row('map', metric, 1), row('opentelemetry', metric, 4), row('espalier', metric, 2), row('espalier, and a meter', metric, 6)],
  ]);
  const all = [...rows, row('a listener', 'a fact', 10), row('instrumented', 'a fact', 15)];
  expect(judge(telemetryBench.limits, all).map(({ figure }) => figure)).toEqual([2, 0.5, 0.5, 1.5, 1.5]);
});
