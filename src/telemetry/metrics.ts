/**
 * The metrics of an app: counters, gauges and histograms by name, kept as long as the process lives.
 *
 *   const metrics = createMetrics();
 *   const calls = metrics.counter('shop.calls', { about: 'calls of the shop', labels: ['outcome'] });
 *   calls.add(1, { outcome: 'ok' });
 *
 * Nothing is cleaned up after a time and nothing is averaged away: a counter only rises, a histogram keeps sum, count and buckets. What bounds the memory is
 * the number of series: see {@link overflowLabel}.
 * @see https://opentelemetry.io/docs/specs/otel/metrics/api/
 */
import { sortOf } from '../option-checks.js';
import {
  type Counter,
  type Declaration,
  type Gauge,
  type Histogram,
  Instrument,
  type InstrumentKind,
  type MirrorRecord,
  type Misgivings,
  type SeriesReading,
  type UpDown,
} from './instruments.js';
import { atCollection, type MeterLike, mirrorOf } from './meter.js';
import { promNames, promText } from './prometheus.js';
import { count, invalid, requireFunction, requireOptions, requireText } from './refusal.js';
import { heedRejection } from './rejections.js';
import type { Labels } from './series.js';

/** What an instrument is. */
export interface InstrumentOptions<Label extends string = never> {
  /** What it counts, for people: one line. */
  readonly about: string;
  /** UCUM: `s`, `By`, `{call}`. Default none. */
  readonly unit?: string;
  /** Names of labels: small letters, digits, `_` and `.`. Default none. */
  readonly labels?: readonly Label[];
  /** How many series there may be, that of the overflow apart. Default that of the metrics. */
  readonly maxSeries?: number;
}

export interface HistogramOptions<Label extends string = never> extends InstrumentOptions<Label> {
  /** Upper bounds, ascending, inclusive. */
  readonly buckets: readonly number[];
}

/** Told once for each instrument. */
export interface Overflow {
  readonly name: string;
  readonly maxSeries: number;
}

export interface MetricsOptions {
  /** How many series of one instrument there may be. Default 500. */
  readonly maxSeries?: number;
  /** A meter of OpenTelemetry, that is told every record too. */
  readonly meter?: MeterLike;
  /** An instrument has no room for more series; told once for each. */
  readonly onOverflow?: (overflow: Overflow) => unknown;
  /** What a mirror, an observer or `onOverflow` threw. */
  readonly onFault?: (where: string, error: unknown) => unknown;
}

/** How an instrument stands. */
export interface MetricReading extends Declaration {
  readonly series: readonly SeriesReading[];
}

/** The metrics of an app. */
export interface Metrics {
  /** The instrument of that name, made at the first call. @throws EspalierError `telemetry/invalid-options`, also where the name is another instrument's */
  counter<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): Counter<Label>;
  upDown<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): UpDown<Label>;
  gauge<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): Gauge<Label>;
  histogram<const Label extends string = never>(name: string, options: HistogramOptions<Label>): Histogram<Label>;
  /**
   * Has a function called whenever somebody reads: for what is known only then. One that throws, or whose promise rejects, is reported, and called no more.
   * @returns what ends it
   */
  observe(look: () => unknown): { unsubscribe(): void };
  /** Times a function, in seconds, into a histogram; what it throws or rejects with is passed on, and timed too. */
  measure<Label extends string, Result>(histogram: Histogram<Label>, labels: Labels<Label>, work: () => Result): Result;
  /** How all of them stand, in the order in which they were made. */
  read(): readonly MetricReading[];
  /** The sum of a counter, or the value of a gauge, of these labels; of a histogram its sum. 0 where nothing was recorded. */
  valueOf(name: string, labels?: Labels): number;
  /** As Prometheus reads it. */
  text(): string;
}

/** Seconds, for what waits for a model or a tool. @see OpenTelemetry GenAI conventions, gen_ai.client.operation.duration */
export const longSeconds: readonly number[] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** Seconds, for what a machine does by itself. */
export const shortSeconds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const nameRule = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*$/;
const instrumentKeys = ['about', 'unit', 'labels', 'maxSeries'];
const mostInstruments = 1_000;

class MetricsOfApp implements Metrics {
  readonly #instruments = new Map<string, Instrument>();
  /** Whose each name in the text of Prometheus is. */
  readonly #promNames = new Map<string, string>();
  readonly #observers = new Set<() => unknown>();
  readonly #told = new Set<string>();
  readonly #options: MetricsOptions;
  readonly #maxSeries: number;
  readonly #misgivings: Misgivings;
  readonly #overflows: Counter<'instrument'>;
  readonly #refusals: Counter<'instrument'>;

  constructor(options: MetricsOptions) {
    requireOptions('the options of metrics', options, ['maxSeries', 'meter', 'onOverflow', 'onFault']);
    requireFunction('onOverflow', options.onOverflow);
    requireFunction('onFault', options.onFault);
    if (options.meter !== undefined && typeof (options.meter as Partial<MeterLike> | null)?.createCounter !== 'function')
      throw invalid('meter', 'a meter of OpenTelemetry', sortOf(options.meter));
    this.#options = options;
    this.#maxSeries = count('maxSeries', options.maxSeries, 500, 100_000);
    this.#misgivings = {
      refused: (name) => this.#refusals.add(1, { instrument: name }),
      overflowed: (name) => this.#overflowed(name),
      mirrorThrew: (name, error) => this.#fault(`the meter, of ${name},`, error),
    };
    // As many as there may be instruments: these two can never overflow.
    const own = { unit: '{record}', labels: ['instrument'], maxSeries: mostInstruments } as const;
    this.#overflows = this.counter('espalier.telemetry.overflowed', { about: 'records that went to a series named __other__', ...own });
    this.#refusals = this.counter('espalier.telemetry.refused', {
      about: 'records that were no number, would have had a counter fall, or whose labels threw',
      ...own,
    });
    if (options.meter !== undefined) this.#hearCollections(options.meter);
  }

  counter<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): Counter<Label> {
    return this.#instrument('counter', name, options, []);
  }

  upDown<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): UpDown<Label> {
    return this.#instrument('upDown', name, options, []);
  }

  gauge<const Label extends string = never>(name: string, options: InstrumentOptions<Label>): Gauge<Label> {
    return this.#instrument('gauge', name, options, []);
  }

  histogram<const Label extends string = never>(name: string, options: HistogramOptions<Label>): Histogram<Label> {
    requireOptions(`the histogram '${name}'`, options, [...instrumentKeys, 'buckets']);
    const { buckets, ...rest } = options;
    const isAscending = (bounds: readonly unknown[]): boolean =>
      bounds.every((bound, place) => Number.isFinite(bound) && (place === 0 || (bound as number) > (bounds[place - 1] as number)));
    if (!Array.isArray(buckets) || buckets.length === 0 || buckets.length > 200 || !isAscending(buckets))
      throw invalid(`buckets of '${name}'`, 'at most 200 numbers, ascending', sortOf(buckets));
    return this.#instrument('histogram', name, rest, [...buckets]);
  }

  observe(look: () => unknown): { unsubscribe(): void } {
    if (typeof look !== 'function') throw invalid('look', 'a function', sortOf(look));
    const own = (): unknown => look();
    this.#observers.add(own);
    return { unsubscribe: () => void this.#observers.delete(own) };
  }

  measure<Label extends string, Result>(histogram: Histogram<Label>, labels: Labels<Label>, work: () => Result): Result {
    const began = performance.now();
    const done = (): void => histogram.record((performance.now() - began) / 1_000, labels);
    let result: Result;
    try {
      result = work();
    } catch (error) {
      done();
      throw error;
    }
    if (result instanceof Promise) return result.finally(done) as Result;
    done();
    return result;
  }

  read(): readonly MetricReading[] {
    this.#askAll();
    return [...this.#instruments.values()].map((instrument) => ({ ...instrument.declaration, series: instrument.readings() }));
  }

  valueOf(name: string, labels: Labels = {}): number {
    const instrument = this.#instruments.get(name);
    const isMeant = (reading: SeriesReading): boolean => Object.entries(labels).every(([label, value]) => reading.labels[label] === String(value));
    return (instrument?.readings() ?? []).filter(isMeant).reduce((sum, { value }) => sum + value, 0);
  }

  text(): string {
    return promText(this.read());
  }

  #instrument(kind: InstrumentKind, name: string, options: InstrumentOptions<string>, buckets: readonly number[]): Instrument {
    const wanted = this.#declare(kind, name, options, buckets);
    const known = this.#instruments.get(name);
    if (known !== undefined) {
      // Whoever begins anew goes on with what there is.
      const shape = ({ kind, unit, labels, buckets }: Declaration): string => JSON.stringify([kind, unit, labels, buckets]);
      if (shape(known.declaration) !== shape(wanted)) throw invalid(`'${name}'`, `the ${known.declaration.kind} that it is already`, kind);
      return known;
    }
    if (this.#instruments.size >= mostInstruments) throw invalid(`'${name}'`, `one of at most ${mostInstruments} instruments`, mostInstruments + 1);
    const names = promNames(wanted);
    const taken = names.find((one) => this.#promNames.has(one));
    if (taken !== undefined)
      throw invalid(`'${name}'`, 'a name that is its own in the text of Prometheus, too', `${taken}, as of '${this.#promNames.get(taken)}'`);
    const instrument = new Instrument(wanted, this.#misgivings, this.#mirrorOf(wanted));
    this.#instruments.set(name, instrument);
    for (const one of names) this.#promNames.set(one, name);
    return instrument;
  }

  #declare(kind: InstrumentKind, name: string, options: InstrumentOptions<string>, buckets: readonly number[]): Declaration {
    if (typeof name !== 'string' || !nameRule.test(name) || name.length > 120)
      throw invalid('the name of an instrument', 'words of small letters, digits and _, with dots between them', sortOf(name));
    requireOptions(`the ${kind} '${name}'`, options, instrumentKeys);
    const { about, unit = '', labels = [] } = options;
    requireText(`about of '${name}'`, about);
    if (typeof unit !== 'string' || unit.length > 63) throw invalid(`unit of '${name}'`, 'a text', sortOf(unit));
    const areNames = Array.isArray(labels) && labels.every((label) => typeof label === 'string' && nameRule.test(label) && label !== 'le');
    if (!areNames || new Set(labels.map((label) => label.replaceAll('.', '_'))).size < labels.length)
      throw invalid(`labels of '${name}'`, 'different names, none of them `le`', sortOf(labels));
    return { kind, name, about, unit, labels: [...labels], buckets, maxSeries: count('maxSeries', options.maxSeries, this.#maxSeries, 100_000) };
  }

  #mirrorOf(declaration: Declaration): MirrorRecord | undefined {
    const { meter } = this.#options;
    if (meter === undefined) return undefined;
    try {
      return mirrorOf(meter, declaration);
    } catch (error) {
      this.#fault('the meter', error);
      return undefined;
    }
  }

  #hearCollections(meter: MeterLike): void {
    try {
      atCollection(meter, () => this.#askAll());
    } catch (error) {
      this.#fault('the meter', error);
    }
  }

  #overflowed(name: string): void {
    this.#overflows.add(1, { instrument: name });
    if (this.#told.has(name)) return;
    this.#told.add(name);
    const maxSeries = this.#instruments.get(name)?.declaration.maxSeries ?? this.#maxSeries;
    try {
      heedRejection(this.#options.onOverflow?.({ name, maxSeries }), (error) => this.#fault('onOverflow', error));
    } catch (error) {
      this.#fault('onOverflow', error);
    }
  }

  #askAll(): void {
    for (const look of this.#observers) this.#ask(look);
  }

  #ask(look: () => unknown): void {
    const failed = (error: unknown): void => {
      // Of several rejections the first is told; one that was taken off has nobody who wants to know.
      if (this.#observers.delete(look)) this.#fault('an observer of metrics', error);
    };
    try {
      heedRejection(look(), failed);
    } catch (error) {
      failed(error);
    }
  }

  #fault(where: string, error: unknown): void {
    try {
      heedRejection(this.#options.onFault?.(where, error), () => undefined);
    } catch {
      // Told once, and badly received: there is nobody else to tell.
    }
  }
}

/** @throws EspalierError `telemetry/invalid-options` */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  return new MetricsOfApp(options);
}
