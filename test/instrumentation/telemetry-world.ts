/** Telemetry with OpenTelemetry's own SDK behind it, which keeps what it is told; and an app on a virtual clock. */
import * as opentelemetry from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { type Instrumentation, instrument } from '../../src/instrumentation/instrument.js';
import type { InstrumentationOptions } from '../../src/instrumentation/options.js';
import { jsonLogger } from '../../src/telemetry/logger.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export interface TelemetryWorld {
  readonly clock: VirtualClock;
  readonly telemetry: Instrumentation;
  readonly lines: Record<string, unknown>[];
  /** Spans that have ended, in the order of their ends. */
  spans(): ReadableSpan[];
  span(name: string): ReadableSpan;
  /** What the SDK has of a metric, by its attributes. */
  measured(name: string): Promise<{ readonly attributes: object; readonly value: unknown }[]>;
  close(): Promise<void>;
}

export function telemetryWorld(options: InstrumentationOptions = {}, level: 'debug' | 'info' = 'debug'): TelemetryWorld {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const lines: Record<string, unknown>[] = [];
  const logger = jsonLogger({ level, now: () => 0, write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  const own = options.metrics === undefined ? { meter: meters.getMeter('test') } : {};
  const telemetry = instrument({ opentelemetry, tracer: provider.getTracer('test'), logger, ...own, ...options });
  return {
    ...{ clock: new VirtualClock(), telemetry, lines },
    spans: () => exporter.getFinishedSpans(),
    span: (name) => {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name);
      if (found.length !== 1)
        throw new Error(
          `expected one span '${name}', got: ${exporter
            .getFinishedSpans()
            .map((span) => span.name)
            .join()}`,
        );
      return found[0] as ReadableSpan;
    },
    measured: async (name) => {
      metricExporter.reset();
      await reader.forceFlush();
      const all = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
      return all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => ({ attributes, value })));
    },
    close: async () => {
      await meters.shutdown();
      await provider.shutdown();
      opentelemetry.trace.disable();
      opentelemetry.context.disable();
    },
  };
}

/** The span that it is below; undefined for a root. */
export function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}
