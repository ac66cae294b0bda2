import { expect, it } from 'vitest';
import { Saver } from '../../src/cli/running/saver.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A saver of which each save is ended by the test. */
function saving(everyMs: number) {
  const clock = new VirtualClock();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const save = (): Promise<void> => {
    begun.push(clock.now());
    return new Promise((resolve) => ends.push(resolve));
  };
  return { clock, begun, saver: new Saver(save, everyMs, clock), end: () => ends.shift()?.() };
}

it('saves what has changed, not more often than it may, and never twice at a time', async () => {
  const { begun, clock, end, saver } = saving(100);
  saver.changed();
  saver.changed();
  await clock.advanceByAsync(0);
  expect(begun).toEqual([0]);
  saver.changed();
  await clock.advanceByAsync(250);
  expect(begun).toEqual([0]);
  end();
  await clock.advanceByAsync(10);
  expect(begun).toEqual([0, 250]);
  end();
  await clock.advanceByAsync(500);
  expect(begun).toEqual([0, 250]);
  saver.changed();
  await clock.advanceByAsync(0);
  saver.changed();
  end();
  await clock.advanceByAsync(99);
  expect(begun).toEqual([0, 250, 760]);
  await clock.advanceByAsync(1);
  expect(begun).toEqual([0, 250, 760, 860]);
  end();
  saver.close();
  expect(clock.pending()).toBe(0);
});

it('saves a last time behind what is under way, and then no more', async () => {
  const { begun, clock, end, saver } = saving(100);
  saver.changed();
  await clock.advanceByAsync(0);
  saver.changed();
  const last = saver.last();
  await clock.advanceByAsync(1_000);
  expect(begun).toEqual([0]);
  end();
  await clock.flush();
  end();
  await last;
  await clock.advanceByAsync(1_000);
  expect(begun).toEqual([0, 1_000]);
  expect(clock.pending()).toBe(0);
});
