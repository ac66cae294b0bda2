/**
 * What an event store costs beside the bare database that it stands on: one event after the other, many at once, and reading them back.
 *
 * The fixture of every subject is tested in test/bench/events-subjects.test.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { bareSubject } from './events/bare.js';
import { espalierSubjects } from './events/espalier.js';
import { streamOf, type Subject } from './events/subject.js';
import { sweep } from './heap.js';
import { type Limit, median } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';
import { Stopwatch } from './stopwatch.js';

interface Sizes {
  readonly single: number;
  readonly many: number;
}

const full: Sizes = { single: 1_000, many: 20_000 };
const smoke: Sizes = { single: 10, many: 200 };
const all: readonly Subject[] = [bareSubject, ...espalierSubjects];

/** Times the bare database: it has one index and no versions, no ids, no fences; ours has five, and looks before it writes. */
const against = (subject: string, metric: string, atMost: number): Limit => ({
  what: `${subject}: ${metric}, against the bare database`,
  unit: 'times',
  atMost,
  figure: (rows: readonly Row[]) => {
    const [ours, bare] = [median(rows, subject, metric), median(rows, 'bare', metric)];
    return ours === undefined || bare === undefined ? undefined : ours / bare;
  },
});

export const eventsBench: Bench = {
  name: 'events',
  about: 'an event beside the bare embedded database: stored one by one, twenty thousand at once, read back in pages',
  subjects: all.map(({ name }) => name),
  limits: ['espalier', 'espalier-service'].flatMap((subject) => [
    against(subject, 'one by one', 2),
    against(subject, 'at once', 6),
    against(subject, 'read back', 3),
  ]),
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const subjects = all.filter(({ name }) => options.only === undefined || options.only.includes(name));
  const samples = new Samples('events');
  await interleave(options.rounds, subjects, async (subject, round) => {
    options.progress(`round ${round + 1} of ${options.rounds}: ${subject.name}`);
    for (const { metric, us } of await measure(subject, sizes)) samples.add(subject.name, metric, 'µs', us);
  });
  const notes = [
    'Each µs is for one event of some 300 bytes, in one of fifty streams, in a new file with WAL and synchronous = FULL.',
    'one by one: each is on the disk before the next is given. at once: all are given in one turn; bare: five hundred in a commit, by hand.',
    'bare: one index, on the stream. Ours: five, with versions, unique ids and fences looked at in each commit.',
    'espalier-service: by its handle. espalier-memory: the store of tests, which has no disk.',
  ];
  return { rows: samples.rows(), notes };
}

async function measure(subject: Subject, { single, many }: Sizes): Promise<readonly { readonly metric: string; readonly us: number }[]> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
  const rig = await subject.open(join(folder, 'events.db'));
  try {
    const timed = async (metric: string, count: number, work: () => Promise<unknown>): Promise<{ metric: string; us: number }> => {
      sweep();
      const watch = new Stopwatch();
      await work();
      return { metric, us: (watch.read() * 1_000) / count };
    };
    const stored = [await timed('one by one', single, () => rig.oneByOne(single)), await timed('at once', many, () => rig.atOnce(many))];
    const readAll = async (): Promise<void> => {
      let count = 0;
      for (let n = 0; n < 50; n++) count += await rig.readStream(streamOf(n));
      if (count !== single + many) throw new Error(`expected ${single + many} events, got: ${count}`);
    };
    return [...stored, await timed('read back', single + many, readAll)];
  } finally {
    await rig.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
