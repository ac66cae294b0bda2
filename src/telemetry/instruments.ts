/** Counters, gauges and histograms: what is recorded, and how it stands. What is recorded never throws, and is never forgotten. */
import { heedRejection } from './rejections.js';
import { type Labels, type Series, SeriesSet } from './series.js';

export type InstrumentKind = 'counter' | 'upDown' | 'gauge' | 'histogram';

/** What an instrument was declared as. */
export interface Declaration {
  readonly kind: InstrumentKind;
  /** As OpenTelemetry writes it: `espalier.gate.wait.duration`. */
  readonly name: string;
  readonly about: string;
  /** UCUM: `s`, `By`, `{token}`; empty for none. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** Upper bounds, ascending, inclusive; of histograms only. */
  readonly buckets: readonly number[];
  readonly maxSeries: number;
}

/** Somebody else who is told each record, with labels that are bounded already. It may throw: that is reported, and it is told nothing more. */
export type MirrorRecord = (value: number, labels: Readonly<Record<string, string>>) => unknown;

/** What one series says. */
export interface SeriesReading {
  readonly labels: Readonly<Record<string, string>>;
  /** The sum of a counter or a histogram; else the value that it has. */
  readonly value: number;
  /** How many values a histogram has had. */
  readonly count?: number;
  /** How many of them were within each bucket and above the one before; the last is what was above all bounds. */
  readonly counts?: readonly number[];
}

export interface Counter<Label extends string = string> {
  /** @param value  at least 0; what is less, or no number, is refused and counted */
  add(value: number, labels?: Labels<Label>): void;
  /** The same for one series, found once. */
  of(labels: Labels<Label>): { add(value: number): void };
}

/** What rises and falls by differences: things at work. */
export interface UpDown<Label extends string = string> {
  add(difference: number, labels?: Labels<Label>): void;
}

export interface Gauge<Label extends string = string> {
  set(value: number, labels?: Labels<Label>): void;
}

export interface Histogram<Label extends string = string> {
  record(value: number, labels?: Labels<Label>): void;
  of(labels: Labels<Label>): { record(value: number): void };
}

/** How an instrument tells the registry what it could not take. */
export interface Misgivings {
  refused(name: string): void;
  overflowed(name: string): void;
  mirrorThrew(name: string, error: unknown): void;
}

interface State {
  value: number;
  count: number;
  readonly counts: number[];
}

/** One instrument with all its series; by its kind, only some of it is handed out. */
export class Instrument implements Counter, UpDown, Histogram, Gauge {
  readonly declaration: Declaration;
  readonly #series: SeriesSet<State>;
  readonly #misgivings: Misgivings;
  #mirror: MirrorRecord | undefined;

  constructor(declaration: Declaration, misgivings: Misgivings, mirror: MirrorRecord | undefined) {
    this.declaration = declaration;
    this.#misgivings = misgivings;
    this.#mirror = mirror;
    const places = declaration.kind === 'histogram' ? declaration.buckets.length + 1 : 0;
    this.#series = new SeriesSet<State>({
      names: declaration.labels,
      most: declaration.maxSeries,
      make: () => ({ value: 0, count: 0, counts: Array.from({ length: places }, () => 0) }),
      overflowed: () => misgivings.overflowed(declaration.name),
    });
  }

  add(value: number, labels?: Labels): void {
    this.#take(value, this.#find(labels));
  }

  set(value: number, labels?: Labels): void {
    this.#take(value, this.#find(labels));
  }

  record(value: number, labels?: Labels): void {
    this.#take(value, this.#find(labels));
  }

  of(labels: Labels): { add(value: number): void; record(value: number): void } {
    const series = this.#find(labels);
    const take = (value: number): void => this.#take(value, series);
    return { add: take, record: take };
  }

  readings(): SeriesReading[] {
    const isHistogram = this.declaration.kind === 'histogram';
    return this.#series.all().map(({ labels, state: { value, count, counts } }) => ({
      labels,
      value,
      ...(isHistogram ? { count, counts: [...counts] } : {}),
    }));
  }

  /** Null: the labels threw when they were read. */
  #find(labels: Labels | undefined): Series<State> | null {
    try {
      return this.#series.of(labels);
    } catch {
      return null;
    }
  }

  #take(value: number, series: Series<State> | null): void {
    const { kind, name } = this.declaration;
    if (series === null) return this.#misgivings.refused(name);
    const { present, state } = series;
    if (!Number.isFinite(value) || (kind === 'counter' && value < 0)) return this.#misgivings.refused(name);
    if (kind === 'gauge') state.value = value;
    else state.value += value;
    if (kind === 'histogram') {
      state.count++;
      const place = placeOf(value, this.declaration.buckets);
      state.counts[place] = (state.counts[place] ?? 0) + 1;
    }
    if (this.#mirror !== undefined) this.#reflect(value, present);
  }

  #reflect(value: number, labels: Readonly<Record<string, string>>): void {
    const failed = (error: unknown): void => {
      // Of several rejections the first is told.
      if (this.#mirror === undefined) return;
      this.#mirror = undefined;
      this.#misgivings.mirrorThrew(this.declaration.name, error);
    };
    try {
      heedRejection(this.#mirror?.(value, labels), failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** The first bucket whose bound is not below the value; behind them all, what is above. */
function placeOf(value: number, bounds: readonly number[]): number {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (bounds[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
