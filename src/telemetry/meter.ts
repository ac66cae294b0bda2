/** Records passed on to a meter of OpenTelemetry. Its API is not imported: what is needed of it is written here, and any of its versions from 1.9 on has it. */
import type { Declaration, MirrorRecord } from './instruments.js';

interface MeterOptions {
  description?: string;
  unit?: string;
  advice?: { explicitBucketBoundaries?: number[] };
}

type Attributes = Record<string, string>;

/** What tells a meter of OpenTelemetry when it collects. */
interface ObservableLike {
  addCallback(look: () => void): void;
}

/** What is asked of a `Meter` of @opentelemetry/api. */
export interface MeterLike {
  createCounter(name: string, options?: MeterOptions): { add(value: number, attributes?: Attributes): void };
  createUpDownCounter(name: string, options?: MeterOptions): { add(value: number, attributes?: Attributes): void };
  createGauge(name: string, options?: MeterOptions): { record(value: number, attributes?: Attributes): void };
  createHistogram(name: string, options?: MeterOptions): { record(value: number, attributes?: Attributes): void };
  createObservableGauge?(name: string, options?: MeterOptions): ObservableLike;
}

/**
 * Has a function called at each collection, before anything is collected: what it records is in that. It observes nothing itself, so that nothing is exported
 * by that name.
 * @throws what the meter throws
 */
export function atCollection(meter: MeterLike, look: () => void): void {
  meter.createObservableGauge?.('espalier.telemetry.collection', { description: 'asks who is asked at each reading' }).addCallback(look);
}

/** @throws what the meter throws */
export function mirrorOf(meter: MeterLike, { kind, name, about, unit, buckets }: Declaration): MirrorRecord {
  const options: MeterOptions = {
    description: about,
    unit,
    ...(kind === 'histogram' ? { advice: { explicitBucketBoundaries: [...buckets] } } : {}),
  };
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, options);
      return (value, labels) => counter.add(value, labels);
    }
    case 'upDown': {
      const upDown = meter.createUpDownCounter(name, options);
      return (value, labels) => upDown.add(value, labels);
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      return (value, labels) => gauge.record(value, labels);
    }
    case 'histogram': {
      const histogram = meter.createHistogram(name, options);
      return (value, labels) => histogram.record(value, labels);
    }
  }
}
