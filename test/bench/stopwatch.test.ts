import { describe, expect, test } from 'vitest';
import { machineTime, Stopwatch } from '../../bench/stopwatch.js';

describe('a stopwatch', () => {
  test('stands still while the thread waits for a core', () => {
    let now = 100;
    let waited = 7;
    const watch = new Stopwatch({ now: () => now, waited: () => waited });
    now = 110;
    expect(watch.read()).toBe(10);
    waited = 11;
    expect(watch.read()).toBe(6);
  });

  test('never goes backwards, though the wait is read after the time', () => {
    let waited = 0;
    const watch = new Stopwatch({ now: () => 0, waited: () => waited });
    waited = 3;
    expect(watch.read()).toBe(0);
  });

  test('begins anew', () => {
    let now = 0;
    const watch = new Stopwatch({ now: () => now, waited: () => 0 });
    now = 5;
    watch.start();
    now = 8;
    expect(watch.read()).toBe(3);
  });

  test('of the machine reads a wait that only grows', () => {
    const earlier = machineTime.waited();
    const watch = new Stopwatch();
    expect(earlier).toBeGreaterThanOrEqual(0);
    expect(machineTime.waited()).toBeGreaterThanOrEqual(earlier);
    expect(watch.read()).toBeGreaterThanOrEqual(0);
  });
});
