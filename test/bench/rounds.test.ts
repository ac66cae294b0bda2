import { describe, expect, test } from 'vitest';
import { interleave, Samples } from '../../bench/rounds.js';

describe('interleaved rounds', () => {
  test('visit every subject once per round, and each round begins with the next one', async () => {
    const visited: string[] = [];
    await interleave(3, ['a', 'b', 'c'], async (subject, round) => {
      visited.push(`${round}${subject}`);
    });
    expect(visited).toEqual(['0a', '0b', '0c', '1b', '1c', '1a', '2c', '2a', '2b']);
  });

  test('never run two visits at once', async () => {
    let running = 0;
    await interleave(2, [1, 2, 3], async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
    expect(running).toBe(0);
  });

  test('of no subjects visit nothing', async () => {
    await expect(interleave(2, [], () => Promise.reject(new Error('visited')))).resolves.toBeUndefined();
  });
});

describe('samples', () => {
  test('become one row for each subject, metric and number of live children, in the order of arrival', () => {
    const samples = new Samples('supervision');
    samples.add('ours', 'task', 'µs', 3, 100);
    samples.add('floor', 'task', 'µs', 1, 100);
    samples.add('ours', 'task', 'µs', 1, 100);
    samples.add('ours', 'task', 'µs', 2, 100);
    samples.add('ours', 'kept', 'bytes', 0);
    expect(samples.rows()).toEqual([
      { bench: 'supervision', subject: 'ours', metric: 'task', unit: 'µs', live: 100, median: 2, p25: 1.5, p75: 2.5 },
      { bench: 'supervision', subject: 'floor', metric: 'task', unit: 'µs', live: 100, median: 1, p25: 1, p75: 1 },
      { bench: 'supervision', subject: 'ours', metric: 'kept', unit: 'bytes', median: 0, p25: 0, p75: 0 },
    ]);
  });

  test('without live children leave the field out, as the file format says', () => {
    const samples = new Samples('supervision');
    samples.add('ours', 'kept', 'bytes', 0);
    expect(samples.rows()[0]).not.toHaveProperty('live');
  });
});
