/** Limits that a benchmark states about our own figures; `--check` holds the run to them. */
import type { Row } from './rounds.js';

/** One stated limit, and how to read its figure from the rows. */
export interface Limit {
  /** What is limited, in words: "a task at 100 000 live children". */
  readonly what: string;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost: number;
  /** The figure, or undefined when this run did not measure it. */
  figure(rows: readonly Row[]): number | undefined;
}

/** A limit with the figure found. A figure that was not measured does not hold. */
export interface Verdict {
  readonly limit: Limit;
  readonly figure: number | undefined;
  readonly holds: boolean;
}

/** The median of one row, or undefined when there is no such row. */
export function median(rows: readonly Row[], subject: string, metric: string, live?: number): number | undefined {
  return rows.find((row) => row.subject === subject && row.metric === metric && row.live === live)?.median;
}

/** Holds the rows to each limit, in the order given. The edges themselves are within. */
export function judge(limits: readonly Limit[], rows: readonly Row[]): Verdict[] {
  return limits.map((limit) => {
    const figure = limit.figure(rows);
    return { limit, figure, holds: figure !== undefined && figure <= limit.atMost && figure >= (limit.atLeast ?? Number.NEGATIVE_INFINITY) };
  });
}

/** At many it costs what it costs at few: one and a half times at the most. @param live  few and many */
export function flat(subject: string, metric: string, [few, many]: readonly [few: number, many: number]): Limit {
  return {
    what: `${metric}, at ${spaced(many)} agents against ${spaced(few)}`,
    unit: 'times',
    atMost: 1.5,
    figure: (rows) => {
      const [before, after] = [few, many].map((live) => median(rows, subject, metric, live));
      return before === undefined || after === undefined ? undefined : after / before;
    },
  };
}

/** Thousands apart, as the tables have them. */
function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}
