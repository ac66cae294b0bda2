import { describe, expect, test } from 'vitest';
import { medianBounds, quantile, sorted, summarise } from '../../bench/stats.js';

describe('quantiles', () => {
  test('of an odd number of samples, the median is the middle one', () => {
    expect(summarise([5, 1, 4, 2, 3])).toEqual({ median: 3, p25: 2, p75: 4 });
  });

  test('between two samples they are interpolated', () => {
    expect(summarise([1, 2, 3, 4])).toEqual({ median: 2.5, p25: 1.75, p75: 3.25 });
  });

  test('of one sample they are that sample', () => {
    expect(summarise([7])).toEqual({ median: 7, p25: 7, p75: 7 });
  });

  test('of no sample they are not a number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  test('the ends are the least and the greatest sample', () => {
    const samples = sorted([30, 10, 20]);
    expect([quantile(samples, 0), quantile(samples, 1)]).toEqual([10, 30]);
  });

  test('p99 of 0 to 100 is 99', () => {
    expect(
      quantile(
        Float64Array.from({ length: 101 }, (_, i) => i),
        0.99,
      ),
    ).toBe(99);
  });

  test('the median lies between samples whose ranks the binomial says; of few, between all', () => {
    const upTo = (count: number) => Float64Array.from({ length: count }, (_, index) => count - index);
    expect(medianBounds(upTo(100))).toEqual({ low: 40, high: 61 });
    expect(medianBounds(upTo(5))).toEqual({ low: 1, high: 5 });
    expect(medianBounds([7])).toEqual({ low: 7, high: 7 });
    expect(medianBounds([]).low).toBeNaN();
  });

  test('samples are ordered as numbers, not as text, and the argument keeps its order', () => {
    const samples = [10, 9, 100];
    expect([...sorted(samples)]).toEqual([9, 10, 100]);
    expect(samples).toEqual([10, 9, 100]);
  });
});
