/** A lock through faults: whatever happens to the nodes and the links, no two have it at one moment, and once all is well everybody gets it. */
import { describe, expect, it } from 'vitest';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import { harsh } from '../fault-runs/faulted.js';
import { onSeeds } from '../fault-runs/seeds.js';
import { crashingLockRun, defects, lockRun, semaphoreDefects, semaphoreRun } from './lock-world.js';

describe('a lock on a network with faults', () => {
  it('is had by one at a time, with rising tokens, and by everybody in the end, on 200 seeds', { timeout: 240_000 }, async () => {
    let [had, fenced] = [0, 0];
    const struck = await onSeeds(200, lockRun, (world) => {
      had += world.holders.length;
      fenced += world.fenced;
    });
    // What would hold of a network on which nothing goes wrong, or of a lock that nobody ever has, is no proof.
    expect({ kinds: struck.size, isOftenHad: had > 1_000, isFenced: fenced > 0 }).toEqual({ kinds: 10, isOftenHad: true, isFenced: true });
  });

  it('is so where the backend is crashed and stopped, too, and opened again with its store: 60 seeds', { timeout: 120_000 }, async () => {
    let lines: string[] = [];
    for (let seed = 1; seed <= 60; seed++) lines = lines.concat((await faultRun({ ...crashingLockRun(), seed })).trace);
    const struck = ['crash', 'pause'].map((fault) => lines.some((line) => line.includes(` fault ${fault} backend`)));
    expect([...struck, lines.some((line) => line.includes('boot backend#3'))]).toEqual([true, true, true]);
  });

  it('is caught where such a backend has no store', { timeout: 60_000 }, async () => {
    const claims = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      await faultRun({ ...crashingLockRun({ forgets: true }), mostShrinkRuns: 0, seed }).catch((error: unknown) => {
        if (!(error instanceof FaultRunFailure)) throw error;
        claims.add(error.claim);
      });
    }
    expect([...claims]).toContain('tokens rise in the order in which it was had');
  });

  it('as a semaphore is had by no more than may', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 30; seed++) await faultRun({ ...semaphoreRun(), seed });
  });

  it.each(Object.entries(defects))('is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...lockRun(defect), ...harsh })).toBe(breaks);
  });

  it.each(Object.entries(semaphoreDefects))('as a semaphore is caught where %s', { timeout: 60_000 }, async (_, { defect, breaks }) => {
    expect(await brokenClaim({ ...semaphoreRun(defect), ...harsh })).toBe(breaks);
  });
});
