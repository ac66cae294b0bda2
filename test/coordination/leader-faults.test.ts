/** Elections through faults: one leads at a time, in terms that rise, and once all is well one leads again. */
import { describe, expect, it } from 'vitest';
import { faultRun } from '../../src/testing/network/fault-run.js';
import { brokenClaim } from '../fault-runs/broken-claim.js';
import {
  crashingDefects,
  crashingLeaderRun,
  defects,
  driftingLeaderRun,
  leaderRun,
  slowlyGrantedDefects,
  slowlyGrantedLeaderRun,
  withoutDrift,
} from './leader-world.js';

describe('elections on a network with faults', () => {
  // In parts: a slow machine has a minute for each.
  it.each([1, 51, 101, 151])(
    'have one leader at a time, in terms that rise, and go on after it is healed: 50 seeds from %i',
    { timeout: 60_000 },
    async (from) => {
      const struck: Record<string, number> = {};
      for (let seed = from; seed < from + 50; seed++) {
        const { struck: now } = await faultRun({ ...leaderRun(), seed });
        for (const [kind, count] of Object.entries(now)) struck[kind] = (struck[kind] ?? 0) + count;
      }
      expect(Object.keys(struck).sort()).toEqual([...withoutDrift].sort());
    },
  );

  it('also where the backend is crashed and stopped, too, and opened again with its store: 50 seeds', { timeout: 60_000 }, async () => {
    let lines: string[] = [];
    for (let seed = 1; seed <= 50; seed++) lines = lines.concat((await faultRun({ ...crashingLeaderRun(), seed })).trace);
    const struck = ['crash', 'pause'].map((fault) => lines.some((line) => line.includes(` fault ${fault} backend`)));
    expect([...struck, lines.some((line) => line.includes('boot backend#3'))]).toEqual([true, true, true]);
  });

  it('also where a lease is heard of long after it was granted, and is not renewed: 50 seeds', { timeout: 60_000 }, async () => {
    let elections = 0;
    for (let seed = 1; seed <= 50; seed++)
      elections += (await faultRun({ ...slowlyGrantedLeaderRun(), seed })).trace.filter((line) => line.includes(' elected ')).length;
    expect(elections).toBeGreaterThan(100);
  });

  it('also where clocks run apart, by less than the margin is made for: 50 seeds', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 50; seed++) await faultRun({ ...driftingLeaderRun(), seed });
  });
});

describe('a planted defect of an election is caught:', { timeout: 60_000 }, () => {
  it.each(Object.entries(defects))('%s', async (_, { defect, breaks }) => {
    expect(await brokenClaim(leaderRun(defect), 200)).toBe(breaks);
  });

  it.each(Object.entries(slowlyGrantedDefects))('%s', async (_, { defect, breaks }) => {
    expect(await brokenClaim(slowlyGrantedLeaderRun(defect))).toBe(breaks);
  });

  it.each(Object.entries(crashingDefects))('%s', async (_, { defect, breaks }) => {
    expect(await brokenClaim(crashingLeaderRun(defect))).toBe(breaks);
  });
});
