/** What a subject's process is told to do, one order after the other; each is answered with its figures, by the names of the metrics. */

export type Metric = 'uncontended' | 'contended' | 'contended, signals' | 'cancelled';

/** How much passes at once. */
export interface Load {
  /** One after the other, where each finds the limiter free. */
  readonly tasks: number;
  /** All at once, and that so many times. */
  readonly waiters: number;
  readonly times: number;
}

export type Order =
  /** Opens a limiter of `limit` places, collects all garbage, and lets `runIn` pass unmeasured. */
  | { readonly do: 'open'; readonly metric: Metric; readonly limit: number; readonly runIn: Load }
  /** Lets `load` pass: the metric for which the limiter was opened, µs. */
  | { readonly do: 'pass'; readonly load: Load }
  /** Lets the limiter go. */
  | { readonly do: 'close' };

/** By the name of the metric; missing where that means nothing for a subject. All are µs for one task. */
export type Figures = Readonly<Record<string, number>>;
