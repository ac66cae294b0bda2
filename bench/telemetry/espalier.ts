/** Metrics of ours: by themselves, and with a meter of OpenTelemetry that is told all of it. */
import { createMetrics, shortSeconds } from '../../src/telemetry/metrics.js';
import { sdkMeter } from './opentelemetry.js';
import type { Rig, Subject } from './subject.js';

function rig(meter?: ReturnType<typeof sdkMeter>): Rig {
  const metrics = createMetrics(meter === undefined ? {} : { meter: meter.meter });
  const counter = metrics.counter('bench.calls', { about: 'calls', labels: ['outcome'] });
  const histogram = metrics.histogram('bench.took', { about: 'times', unit: 's', labels: ['outcome'], buckets: shortSeconds });
  return {
    count: (outcome) => counter.add(1, { outcome }),
    time: (outcome, seconds) => histogram.record(seconds, { outcome }),
    counted: (outcome) => metrics.valueOf('bench.calls', { outcome }),
    timed: (outcome) => {
      const series = metrics.read().find(({ name }) => name === 'bench.took')?.series ?? [];
      return series.find(({ labels }) => labels['outcome'] === outcome)?.count ?? 0;
    },
    close: () => meter?.close(),
  };
}

export const espalierSubject: Subject = { name: 'espalier', open: () => rig() };
export const mirroredSubject: Subject = { name: 'espalier, and a meter', open: () => rig(sdkMeter()) };
