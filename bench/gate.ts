/**
 * What a permit costs, beside limiters of concurrency that know nothing of holders: alone, among 10 000 who wait, and for waiters that can be cancelled.
 *
 * The fixture of every subject is tested in test/bench/gate-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { espalierEnterSubject, espalierRunSubject, espalierSubject } from './gate/espalier.js';
import { cancellable, cancelled, contended, uncontended } from './gate/measure.js';
import type { Rig, Subject } from './gate/subject.js';
import { sweep } from './heap.js';
import { preparePeers } from './install-peers.js';
import { median, type Limit } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';

interface Sizes {
  readonly tasks: number;
  readonly waiters: number;
  /** How often so many wait in one round: some tens of ms alone would show the collector's mood. */
  readonly times: number;
  readonly limit: number;
}

const full: Sizes = { tasks: 100_000, waiters: 10_000, times: 5, limit: 16 };
const smoke: Sizes = { tasks: 500, waiters: 100, times: 1, limit: 4 };

const peerNames = ['p-limit', 'p-queue', 'async-sema', 'bottleneck'];

/** Those of the four that can cancel a waiter by itself; p-limit and Bottleneck can only clear their whole queue. */
const cancelling = ['p-queue'];

interface Metric {
  readonly name: string;
  /** Is it measured with a signal for each waiter? */
  readonly hasSignals: boolean;
  measure(rig: Rig, sizes: Sizes, share: number): Promise<number>;
  limit(sizes: Sizes): number;
}

const metrics: readonly Metric[] = [
  { name: 'uncontended', hasSignals: false, measure: (rig, { tasks }, share) => uncontended(rig, tasks * share), limit: ({ limit }) => limit },
  {
    name: 'contended',
    hasSignals: false,
    measure: (rig, { waiters, times }, share) => contended(rig, waiters, share < 1 ? 1 : times),
    limit: ({ limit }) => limit,
  },
  {
    name: 'contended, signals',
    hasSignals: true,
    measure: (rig, { waiters, times }) => cancellable(rig, waiters, times),
    limit: ({ limit }) => limit,
  },
  { name: 'cancelled', hasSignals: true, measure: (rig, { waiters, times }) => cancelled(rig, waiters, times), limit: () => 1 },
];

/** Each way to use a gate: a permit by hand, the same without a promise where it is free, and `run`, which is what the peers have. */
const ways = [
  { subject: espalierSubject, what: 'a permit' },
  { subject: espalierEnterSubject, what: 'a permit that is entered' },
  { subject: espalierRunSubject, what: 'a run' },
];

/** Against the leanest limiter, which knows neither deadlines nor holders: the way that an app would choose which cares what it costs. */
const lean: readonly Limit[] = ['uncontended', 'contended'].map((name) => ({
  what: `the best way, ${name}, against async-sema`,
  unit: 'times',
  atMost: 0.8,
  figure: (rows) => {
    const ours = ways.flatMap(({ subject }) => median(rows, subject.name, name) ?? []);
    const theirs = median(rows, 'async-sema', name);
    return theirs === undefined || ours.length === 0 ? undefined : Math.min(...ours) / theirs;
  },
}));

const cancellableLimits: readonly Limit[] = ways.flatMap(({ subject, what }) =>
  metrics.map(({ name }) => ({
    what: `${what}, ${name}, against the fastest peer that can cancel a waiter`,
    unit: 'times',
    atMost: 1,
    figure: (rows: readonly Row[]) => {
      const ours = median(rows, subject.name, name);
      const theirs = cancelling.flatMap((peer) => median(rows, peer, name) ?? []);
      return ours === undefined || theirs.length === 0 ? undefined : ours / Math.min(...theirs);
    },
  })),
);

export const gateBench: Bench = {
  name: 'gate',
  about: 'a permit beside p-limit, p-queue, async-sema and Bottleneck: alone, among 10 000 waiters, with signals, cancelled',
  subjects: [...peerNames, ...ways.map(({ subject }) => subject.name)],
  limits: [...cancellableLimits, ...lean],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('gate');
  for (const { name, hasSignals, measure, limit } of metrics) {
    const once = async (subject: Subject): Promise<number | undefined> => {
      const rig = subject.open(limit(sizes), sizes.waiters + 1);
      sweep();
      const us = hasSignals && rig.passUntil === undefined ? undefined : await measure(rig, sizes, subject.share ?? 1);
      await rig.close?.();
      return us;
    };
    options.progress(`warming up: ${name}`);
    for (const subject of subjects) if (subject.share === undefined) await once(subject);
    await interleave(options.rounds, subjects, async (subject, round) => {
      options.progress(`${name}, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      const us = await once(subject);
      if (us !== undefined) samples.add(subject.name, name, 'µs', us);
    });
  }
  return { rows: samples.rows(), notes };
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const notes = [
    'uncontended: a task that finds a free place, one after the other; contended: 10 000 at once for 16 places; each µs is for one task, of one microtask.',
    'signals: each waiter has an AbortSignal of its own; cancelled: 10 000 wait, and each is aborted by itself. Of the peers only p-queue can do that:',
    'p-limit (clearQueue) and Bottleneck (stop) drop everything that waits at once, async-sema nothing.',
    'async-sema and espalier: acquire, work, release in `finally`; espalier-enter: the same by `enter`, which makes a promise only for whoever waits;',
    'espalier-run: gate.run, the like of p-queue.add, with its outcome as a value.',
    'Every wait has a deadline, every permit a holder, a signal or a lease.',
  ];
  const wanted = (subject: Subject) => options.only === undefined || options.only.includes(subject.name);
  let peers: Subject[] = [];
  if (options.only === undefined || peerNames.some((name) => options.only?.includes(name))) {
    const prepared = await preparePeers(options.progress);
    if (prepared.ok) {
      const limiters = (await prepared.import('limiters.js')) as Record<'pLimit' | 'pQueue' | 'asyncSema' | 'bottleneck', Subject>;
      peers = [limiters.pLimit, limiters.pQueue, limiters.asyncSema, limiters.bottleneck];
    } else notes.push(`${peerNames.join(', ')}: skipped, ${prepared.reason}`);
  }
  return { subjects: [...peers, ...ways.map(({ subject }) => subject)].filter(wanted), notes };
}
