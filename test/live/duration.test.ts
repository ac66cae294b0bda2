import { describe, expect, it } from 'vitest';
import { durationMs } from '../../machines/live/duration.js';

describe('a duration', () => {
  it.each([
    ['50s', 50_000],
    ['0s', 0],
    ['0.250s', 250],
    ['9.999999999s', 10_000],
    ['-1.5s', 0],
  ])('%s is %d ms', (duration, ms) => {
    expect(durationMs(duration)).toBe(ms);
  });

  it.each([undefined, '', '50', 's', '5m', '1e3s', ' 5s', '.5s', 'NaNs'])('%s is none', (duration) => {
    expect(durationMs(duration)).toBeNull();
  });
});
