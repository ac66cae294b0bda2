/**
 * A stopwatch that stands still while the kernel has given our core to somebody else.
 *
 * On a machine that is shared, a process that waits for a core loses slices of 3 to 10 ms: one in a hundred samples of 50 µs, which is what a p99 shows.
 * Linux tells each thread how long it was ready to run and did not; elsewhere nothing is deducted. A wait for our own collector's threads is not deducted.
 * @see https://docs.kernel.org/scheduler/sched-stats.html — /proc/<pid>/schedstat, second field
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** Where a stopwatch reads the time, in ms. */
export interface TimeSource {
  now(): number;
  /** How long this thread has been ready to run and waited for a core, since it began. */
  waited(): number;
}

const digits = Buffer.alloc(96);
const schedstat = openSchedstat();

function openSchedstat(): number | undefined {
  try {
    // Opened, the file stays that of the thread that opened it.
    const file = openSync('/proc/thread-self/schedstat', 'r');
    if (Number.isFinite(readWaited(file))) return file;
    closeSync(file);
  } catch {
    // No Linux, or no such statistics: the wall clock it is.
  }
  return undefined;
}

function readWaited(file: number): number {
  const length = readSync(file, digits, 0, digits.length, 0);
  return Number(digits.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

/** The machine's own. */
export const machineTime: TimeSource = {
  now: () => performance.now(),
  waited: () => (schedstat === undefined ? 0 : readWaited(schedstat)),
};

export class Stopwatch {
  readonly #time: TimeSource;
  #waited = 0;
  #began = 0;

  constructor(time: TimeSource = machineTime) {
    this.#time = time;
    this.start();
  }

  /** Begins anew. */
  start(): void {
    this.#waited = this.#time.waited();
    this.#began = this.#time.now();
  }

  /** Milliseconds since the start, without what was spent waiting for a core. */
  read(): number {
    const took = this.#time.now() - this.#began;
    return Math.max(0, took - (this.#time.waited() - this.#waited));
  }
}
