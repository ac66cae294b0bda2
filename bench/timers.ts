/**
 * What it costs to set a moment and take it back, as every deadline does that is met and every `after` whose state is left in time.
 *
 * The fixture of every subject is tested in test/bench/timers-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { interleave, Samples } from './rounds.js';
import { machineTime } from './stopwatch.js';
import { deadlineSubject, delayedSubject, runtimeSubject, xstateSubject, type Subject } from './timers/subjects.js';

const full = { waiting: [0, 100, 100_000], times: 100_000 };
const smoke = { waiting: [0, 10], times: 100 };
const all = [deadlineSubject, delayedSubject, runtimeSubject, xstateSubject];

export const timersBench: Bench = {
  name: 'timers',
  about: 'a deadline or delayed event, set and taken back while others wait, beside setTimeout and the scheduler of XState',
  subjects: all.map(({ name }) => name),
  limits: [],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const { waiting, times } = options.smoke ? smoke : full;
  const samples = new Samples('timers');
  const subjects = all.filter(({ name }) => options.only?.includes(name) ?? true);
  for (const subject of subjects) setAndTakeBack(subject, 10, times / 4);
  for (const others of waiting) {
    await interleave(options.rounds, subjects, (subject, round) => {
      options.progress(`${others} waiting, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      sweep();
      samples.add(subject.name, 'set and take back', 'µs', setAndTakeBack(subject, others, times), others);
      return Promise.resolve();
    });
  }
  return {
    rows: samples.rows(),
    notes: ['live: others that wait meanwhile, in 60 to 68 s; without others, a timer of the runtime is set and cleared each time.'],
  };
}

/** @returns µs for each */
function setAndTakeBack(subject: Subject, others: number, times: number): number {
  const moments = subject.open(others + 1, () => {});
  for (let which = 1; which <= others; which++) moments.set(which, 60_000 + (which % 8_192));
  const [waited, began] = [machineTime.waited(), machineTime.now()];
  for (let count = 0; count < times; count++) {
    moments.set(0, 61_000);
    moments.takeBack(0);
  }
  const tookMs = machineTime.now() - began - (machineTime.waited() - waited);
  for (let which = 1; which <= others; which++) moments.takeBack(which);
  return (tookMs * 1_000) / times;
}
