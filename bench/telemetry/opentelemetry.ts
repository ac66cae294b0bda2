/** The API of OpenTelemetry, bare, with its own SDK behind it. */
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { shortSeconds } from '../../src/telemetry/metrics.js';
import type { Subject } from './subject.js';

/** A meter that keeps what it is told, and exports nothing by itself. */
export function sdkMeter() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 86_400_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const pointOf = async (name: string, outcome: string): Promise<unknown> => {
    exporter.reset();
    await reader.forceFlush();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const points = metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
    return points.find(({ attributes }) => attributes['outcome'] === outcome)?.value;
  };
  return { meter: provider.getMeter('bench'), pointOf, close: () => provider.shutdown() };
}

export const openTelemetrySubject: Subject = {
  name: 'opentelemetry',
  open: () => {
    const { close, meter, pointOf } = sdkMeter();
    const counter = meter.createCounter('bench.calls');
    const histogram = meter.createHistogram('bench.took', { unit: 's', advice: { explicitBucketBoundaries: [...shortSeconds] } });
    return {
      count: (outcome) => counter.add(1, { outcome }),
      time: (outcome, seconds) => histogram.record(seconds, { outcome }),
      counted: async (outcome) => ((await pointOf('bench.calls', outcome)) ?? 0) as number,
      timed: async (outcome) => ((await pointOf('bench.took', outcome)) as { count: number } | undefined)?.count ?? 0,
      close,
    };
  },
};
