import { describe, expect, test } from 'vitest';
import { judge, median, type Limit } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { supervisionBench } from '../../bench/supervision.js';

const row = (metric: string, figure: number, live?: number): Row => ({
  bench: 'supervision',
  subject: 'espalier',
  metric,
  unit: '',
  median: figure,
  p25: figure,
  p75: figure,
  ...(live === undefined ? {} : { live }),
});

const limit = (atMost: number, atLeast?: number): Limit => ({
  what: 'a figure',
  unit: '',
  atMost,
  ...(atLeast === undefined ? {} : { atLeast }),
  figure: (rows) => median(rows, 'espalier', 'kept'),
});

describe('limits', () => {
  test('hold on their edges and are missed beyond them', () => {
    const holds = (figure: number) => judge([limit(8, -8)], [row('kept', figure)])[0]?.holds;
    expect([-8.1, -8, 0, 8, 8.1].map(holds)).toEqual([false, true, true, true, false]);
  });

  test('are missed when the figure was not measured', () => {
    expect(judge([limit(8)], [])).toMatchObject([{ figure: undefined, holds: false }]);
  });

  test('are missed by a figure that is not a number', () => {
    expect(judge([limit(8)], [row('kept', Number.NaN)])[0]?.holds).toBe(false);
  });
});

/** A run in which every limit holds by its edge. */
const edges: readonly Row[] = [
  ...[0, 100, 10_000, 100_000].flatMap((live) => [
    row('start-to-entry p50', 1, live),
    row('start-to-entry p99', 5, live),
    row('end-to-notice p50', 1, live),
    row('end-to-notice p99', 5, live),
  ]),
  row('task', 0.5, 0),
  row('task', 0.75, 100_000),
  { ...row('task', 0.25, 0), subject: 'promise' },
  { ...row('task', 0.25, 100_000), subject: 'promise' },
  { ...row('task', 2, 0), subject: 'effect-fiberset' },
  { ...row('task', 6.25, 0), subject: 'espalier-full' },
  { ...row('task', 60, 100_000), subject: 'espalier-full' },
  row('bytes', 600, 100_000),
  { ...row('bytes', 1_000, 100_000), subject: 'effect-fiberset' },
  row('collection', 80, 100_000),
  { ...row('collection', 80, 100_000), subject: 'effect-fiberset' },
  row('restart p50', 3, 10_000),
  row('restart p99', 10, 10_000),
  row('restart of a machine p99', 250, 10_000),
  row('stop-all', 25, 100_000),
  row('kept', -1),
  row('longest hold, starts', 5, 100_000),
  row('longest hold, starts and ends', 5, 100_000),
  { ...row('longest hold, starts', 5, 100_000), subject: 'espalier-small-young' },
  { ...row('longest hold, starts and ends', 5, 100_000), subject: 'espalier-small-young' },
  row('longest hold without collections, starts', 5, 100_000),
  row('longest hold without collections, starts and ends', 5, 100_000),
];

describe('the limits of supervision', () => {
  const missed = (rows: readonly Row[]) => judge(supervisionBench.limits, rows).filter((verdict) => !verdict.holds);
  const changed = (metric: string, live: number | undefined, figure: number) =>
    edges.map((each) => (each.subject === 'espalier' && each.metric === metric && each.live === live ? { ...each, median: figure } : each));

  test('all hold on figures at their edges', () => {
    expect(missed(edges)).toEqual([]);
  });

  test('hold none of a run that measured nothing', () => {
    expect(missed([]).length).toBe(supervisionBench.limits.length);
  });

  test('hold a task against the promise and the set of the same run, and against itself with nobody live', () => {
    expect(missed(changed('task', 0, 1)).map(({ figure }) => figure)).toEqual([4, 0.5]);
    expect(missed(changed('task', 100_000, 1)).map(({ figure }) => figure)).toEqual([4, 2]);
  });

  test.each([0, 100, 10_000, 100_000])('look at a latency with %d live', (live) => {
    expect(missed(changed('end-to-notice p99', live, 6)).map(({ figure }) => figure)).toEqual([6]);
  });

  test('do not take the worst of fewer latencies than there are', () => {
    const fewer = edges.filter(({ metric, live }) => metric !== 'start-to-entry p50' || live !== 100);
    expect(missed(fewer).map(({ figure }) => figure)).toEqual([undefined]);
  });

  test.each([-1.1, 1.1])('miss what stays on either side: %d bytes', (bytes) => {
    expect(missed(changed('kept', undefined, bytes)).map(({ figure }) => figure)).toEqual([bytes]);
  });
});
