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

describe('the limits of supervision', () => {
  const good = [row('task', 30, 100), row('task', 60, 100_000), row('restart p99', 0.25, 10_000), row('stop-all', 1_000, 100_000), row('kept', -8)];

  test('all hold on figures at their edges', () => {
    expect(judge(supervisionBench.limits, good).map((verdict) => verdict.holds)).toEqual([true, true, true, true, true]);
  });

  test('count a task at 100 000 live children against one at 100', () => {
    const worse = good.map((each) => (each.metric === 'task' && each.live === 100 ? row('task', 29, 100) : each));
    expect(judge(supervisionBench.limits, worse).filter((verdict) => !verdict.holds)).toMatchObject([{ figure: 60 / 29 }]);
  });

  test('are five, and none of them holds for a run that measured nothing', () => {
    expect(judge(supervisionBench.limits, []).map((verdict) => verdict.holds)).toEqual([false, false, false, false, false]);
  });
});
