/**
 * Interleaved rounds: every subject is visited once in every round, in one process.
 *
 * The machine's speed drifts by tens of per cent within a run (other tenants, heat, the garbage of the neighbour). Measured one after the other, that
 * drift would be charged to a subject; measured in turn, it falls on all, and the ratios hold.
 */
import { summarise, type Summary } from './stats.js';

/** One line of the report: the median of a metric over the rounds. */
export interface Row extends Summary {
  readonly bench: string;
  readonly subject: string;
  readonly metric: string;
  readonly unit: string;
  /** Children already alive while it was measured; absent where that means nothing. */
  readonly live?: number;
}

/** The samples of a run, one per metric and round. */
export class Samples {
  readonly #series = new Map<string, { row: Omit<Row, keyof Summary>; values: number[] }>();
  readonly #bench: string;

  /** @param bench  name of the benchmark that every row carries */
  constructor(bench: string) {
    this.#bench = bench;
  }

  /** Adds what one round measured. Rows come out in the order in which their first sample came in. */
  add(subject: string, metric: string, unit: string, value: number, live?: number): void {
    const key = `${subject}\n${metric}\n${unit}\n${live ?? ''}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { row: { bench: this.#bench, subject, metric, unit, ...(live === undefined ? {} : { live }) }, values: [] };
      this.#series.set(key, series);
    }
    series.values.push(value);
  }

  /** Median and quartiles of every metric so far. */
  rows(): Row[] {
    return [...this.#series.values()].map(({ row, values }) => ({ ...row, ...summarise(values) }));
  }
}

/**
 * Visits every subject once per round, one at a time. Each round begins with the next subject, so that none always runs in the wake of the same one.
 * @param rounds  how many rounds, at least 1
 * @param visit  measures one subject; `round` counts from 0
 */
export async function interleave<Subject>(
  rounds: number,
  subjects: readonly Subject[],
  visit: (subject: Subject, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(turn + round) % subjects.length];
      if (subject !== undefined) await visit(subject, round);
    }
  }
}
