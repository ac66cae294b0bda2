/**
 * How late the checks of 1 000 probes begin, beside bare timers.
 *
 * The fixture of every subject is tested in test/bench/health-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { bareSubject, espalierSubject } from './health/espalier.js';
import { lateness } from './health/measure.js';
import { sweep } from './heap.js';
import { median } from './limits.js';
import { interleave, Samples } from './rounds.js';

const full = { probes: 1_000, everyMs: 1_000, intervals: 3 };
const smoke = { probes: 20, everyMs: 20, intervals: 1 };
const all = [espalierSubject, bareSubject];

export const healthBench: Bench = {
  name: 'health',
  about: '1 000 probes, each once a second: how late their checks begin, beside 1 000 bare intervals',
  subjects: all.map(({ name }) => name),
  limits: [
    {
      ...{ what: 'lateness of the checks of 1 000 probes, p99', unit: 'ms', atMost: 20 },
      figure: (rows) => median(rows, espalierSubject.name, 'lateness p99'),
    },
  ],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const { probes, everyMs, intervals } = options.smoke ? smoke : full;
  const samples = new Samples('health');
  const subjects = all.filter(({ name }) => options.only?.includes(name) ?? true);
  await interleave(options.rounds, subjects, async (subject, round) => {
    options.progress(`round ${round + 1} of ${options.rounds}: ${subject.name}`);
    sweep();
    const { p50, p99, max, core } = await lateness(subject, probes, everyMs, intervals);
    samples.add(subject.name, 'lateness p50', 'ms', p50);
    samples.add(subject.name, 'lateness p99', 'ms', p99);
    samples.add(subject.name, 'lateness, most', 'ms', max);
    samples.add(subject.name, 'processor', '% of a core', 100 * core);
  });
  return {
    rows: samples.rows(),
    notes: [
      'lateness: from the moment at which a check was due, whole intervals after the first of its probe, to its beginning; each round 3 intervals of all.',
      'setInterval counts its interval from when it was late, and so is later with each; a probe does not.',
      'espalier: supervised probes with deadline, hysteresis, flapping and silence; setInterval: none of that.',
    ],
  };
}
