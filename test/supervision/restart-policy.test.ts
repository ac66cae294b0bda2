import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { isExpectedOfAll, isExpectedStop, isReported, restartGroup, shouldRestart } from '../../machines/supervision/restart-policy.js';
import { addRestart, exceedsIntensity } from '../../machines/supervision/restart-window.js';

const clean: ExitReason[] = ['normal', 'shutdown', ['shutdown', 'x']];
const abnormal: ExitReason[] = ['killed', { crash: 'x' }];
const restarts = ['permanent', 'transient', 'temporary'] as const;

describe('what an exit leads to', () => {
  it('permanent is always restarted, transient after an abnormal exit, temporary never', () => {
    const table = restarts.map((restart) => [...clean, ...abnormal].map((reason) => shouldRestart(restart, reason)));
    expect(table).toEqual([
      [true, true, true, true, true],
      [false, false, false, true, true],
      [false, false, false, false, false],
    ]);
  });

  it('every exit of a permanent child is reported, and every abnormal one', () => {
    for (const restart of restarts) {
      for (const reason of abnormal) expect(isReported(restart, reason)).toBe(true);
      for (const reason of clean) expect(isReported(restart, reason)).toBe(restart === 'permanent');
    }
  });

  it('an ordered stop expects shutdown, of one killed by order killed, and of those that are not permanent any clean end', () => {
    expect(isExpectedStop({ restart: 'permanent', shutdownMs: 5 }, 'shutdown')).toBe(true);
    expect(isExpectedStop({ restart: 'permanent', shutdownMs: 5 }, 'normal')).toBe(false);
    expect(isExpectedStop({ restart: 'transient', shutdownMs: 5 }, 'normal')).toBe(true);
    expect(isExpectedStop({ restart: 'permanent', shutdownMs: 'brutalKill' }, 'killed')).toBe(true);
    expect(isExpectedStop({ restart: 'permanent', shutdownMs: 'infinity' }, 'killed')).toBe(false);
    expect(isExpectedOfAll({ restart: 'permanent', shutdownMs: 'brutalKill' }, 'shutdown', true)).toBe(false);
    expect([true, false].map((templated) => isExpectedOfAll({ restart: 'permanent', shutdownMs: 5 }, ['shutdown', 'x'], templated))).toEqual([
      false,
      true,
    ]);
  });
});

describe('who restarts together', () => {
  const lists = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });

  it('is, by strategy, the one, all, or the one and those after it, always in start order', () => {
    fc.assert(
      fc.property(lists, fc.nat(), (ids, index) => {
        const id = ids[index % ids.length] as string;
        expect(restartGroup('oneForOne', ids, id)).toEqual([id]);
        expect(restartGroup('oneForAll', ids, id)).toEqual(ids);
        expect(restartGroup('restForOne', ids, id)).toEqual(ids.slice(ids.indexOf(id)));
      }),
    );
  });
});

describe('the restart window', () => {
  const history = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 });

  it('gives up exactly when a window of `periodMs`, its edge included, would hold more than `intensity` restarts', () => {
    fc.assert(
      fc.property(history, fc.nat(6), fc.integer({ min: 1, max: 1_000 }), (gaps, intensity, periodMs) => {
        let at = 0;
        let kept: readonly number[] = [];
        const all: number[] = [];
        for (const gap of gaps) {
          at += gap;
          const tooMany = all.filter((earlier) => at - earlier <= periodMs).length + 1 > intensity;
          expect(exceedsIntensity(kept, at, intensity, periodMs)).toBe(tooMany);
          if (tooMany) return;
          kept = addRestart(kept, at, periodMs);
          all.push(at);
          expect(kept).toEqual(all.filter((earlier) => at - earlier <= periodMs).reverse());
          expect(kept.length).toBeLessThanOrEqual(intensity);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('counts a restart exactly one period ago, and not one a moment older', () => {
    expect(exceedsIntensity([0], 1_000, 1, 1_000)).toBe(true);
    expect(exceedsIntensity([0], 1_000.001, 1, 1_000)).toBe(false);
  });

  it('with intensity 0 allows none, and does not remember what it was not given', () => {
    expect(exceedsIntensity([], 0, 0, 1)).toBe(true);
    expect(addRestart([], 5, 1)).toEqual([5]);
  });

  it('never changes the list that it was given', () => {
    const before = Object.freeze([3, 2, 1]);
    expect(addRestart(before, 4, 1)).toEqual([4, 3]);
    expect(before).toEqual([3, 2, 1]);
  });
});
