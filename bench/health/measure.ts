/** How late checks begin: each against the moment at which it was due, whole intervals after its first. */
import { performance } from 'node:perf_hooks';
import { quantile, sorted } from '../stats.js';
import type { Subject } from './subject.js';

export interface Lateness {
  readonly checks: number;
  /** ms. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of one core, 0 to 1. */
  readonly core: number;
}

/** @param intervals  how many of each check are measured, after one that is not */
export async function lateness(subject: Subject, count: number, everyMs: number, intervals: number): Promise<Lateness> {
  /** When the check before was due. */
  const former = new Float64Array(count).fill(Number.NaN);
  const late: number[] = [];
  let left = count * intervals;
  let done = (): void => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const end = await subject.begin(count, everyMs, (id, dueAt) => {
    const now = performance.now();
    const before = former[id] as number;
    former[id] = dueAt;
    if (Number.isNaN(before) || left === 0) return;
    // Not against `dueAt` itself: a check that was left out counts as one that is late by an interval.
    late.push(now - before - everyMs);
    if (--left === 0) done();
  });
  const cpu = process.cpuUsage();
  const begunAt = performance.now();
  await all;
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - begunAt;
  await end();
  const inOrder = sorted(late);
  return {
    checks: late.length,
    ...{ p50: quantile(inOrder, 0.5), p99: quantile(inOrder, 0.99), max: quantile(inOrder, 1) },
    core: (user + system) / 1_000 / tookMs,
  };
}
