/**
 * What a job costs in an isolated thread, beside a bare piscina.
 *
 * The fixture of every subject is tested in test/bench/isolation-subjects.test.ts.
 */
import { performance } from 'node:perf_hooks';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { espalierSubjects, piscinaSubject } from './isolation/subjects.js';
import { interleave, Samples } from './rounds.js';

const full = { short: 500, long: 8, below: 400_000 };
const smoke = { short: 5, long: 1, below: 1_000 };
const all = [...espalierSubjects, piscinaSubject];

export const isolationBench: Bench = {
  name: 'isolation',
  about: 'jobs in two threads: the first, short ones one by one, long ones together, beside a bare piscina',
  subjects: all.map(({ name }) => name),
  limits: [],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const { short, long, below } = options.smoke ? smoke : full;
  const samples = new Samples('isolation');
  const subjects = all.filter(({ name }) => options.only?.includes(name) ?? true);
  await interleave(options.rounds, subjects, async (subject, round) => {
    options.progress(`round ${round + 1} of ${options.rounds}: ${subject.name}`);
    const beganAt = performance.now();
    const pool = subject.begin(2);
    await pool.run('double', 1);
    samples.add(subject.name, 'first job', 'ms', performance.now() - beganAt);
    const shortAt = performance.now();
    for (let count = 0; count < short; count++) await pool.run('double', count);
    samples.add(subject.name, 'short job', 'µs', ((performance.now() - shortAt) * 1_000) / short);
    const longAt = performance.now();
    await Promise.all(Array.from({ length: long }, () => pool.run('primes', below)));
    samples.add(subject.name, 'long jobs, together', 'ms', performance.now() - longAt);
    await pool.end();
  });
  return {
    rows: samples.rows(),
    notes: [
      'first job: from making the pool to the first outcome, with the start of a thread, or of a process and a thread.',
      `short job: asked for when the one before is done. long jobs: ${long} at once, in two threads.`,
      'piscina: without ceiling, deadline, bound, supervision, or a port for each job; its threads begin all at once.',
    ],
  };
}
