/**
 * What a permit costs, beside limiters of concurrency that know nothing of holders: alone, among 10 000 who wait, and for waiters that can be cancelled.
 *
 * Each subject is a process of its own, a fresh one in every round (gate/subject-program.ts says why). The fixture of every subject is tested in
 * test/bench/gate-subjects.test.ts.
 */
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import type { Load, Metric, Order } from './gate/orders.js';
import { cancelling, leanest, names, ours, peers } from './gate/subjects.js';
import { chooseNames } from './install-peers.js';
import { median, type Limit } from './limits.js';
import { MeasuredProcess } from './live/measured-process.js';
import { interleave, type Row, Samples } from './rounds.js';

interface Sizes {
  /** Of one pass. */
  readonly load: Load;
  /** The same where each waiter has a signal, which costs more than the wait. */
  readonly signals: Load;
  /** Into how many passes a round is divided, the subjects in turn: some tens of ms alone would show the collector's mood, or a neighbour's. */
  readonly passes: number;
  readonly limit: number;
}

const full: Sizes = {
  load: { tasks: 50_000, waiters: 10_000, times: 3 },
  signals: { tasks: 0, waiters: 10_000, times: 1 },
  passes: 4,
  limit: 16,
};
const smoke: Sizes = {
  load: { tasks: 250, waiters: 50, times: 1 },
  signals: { tasks: 0, waiters: 50, times: 1 },
  passes: 2,
  limit: 4,
};

interface Measured {
  readonly name: Metric;
  load(sizes: Sizes): Load;
  /** With how many places. */
  limit(sizes: Sizes): number;
}

const metrics: readonly Measured[] = [
  { name: 'uncontended', load: ({ load }) => load, limit: ({ limit }) => limit },
  { name: 'contended', load: ({ load }) => load, limit: ({ limit }) => limit },
  { name: 'contended, signals', load: ({ signals }) => signals, limit: ({ limit }) => limit },
  { name: 'cancelled', load: ({ signals }) => signals, limit: () => 1 },
];

/** What passes before a measure, unmeasured: as much as in two passes, until V8 has compiled what passes. */
function runInOf({ tasks, waiters, times }: Load): Load {
  return { tasks: tasks * 2, waiters, times: times * 2 };
}

const wayNames: Readonly<Record<string, string>> = { espalier: 'a permit', 'espalier-enter': 'a permit that is entered', 'espalier-run': 'a run' };

/** Against the leanest limiter, which knows neither deadlines nor holders: the way that an app would choose which cares what it costs. */
const lean: readonly Limit[] = ['uncontended', 'contended'].map((name) => ({
  what: `the best way, ${name}, against ${leanest}`,
  unit: 'times',
  atMost: 0.8,
  figure: (rows) => {
    const ways = ours.flatMap((way) => median(rows, way, name) ?? []);
    const theirs = median(rows, leanest, name);
    return theirs === undefined || ways.length === 0 ? undefined : Math.min(...ways) / theirs;
  },
}));

const cancellableLimits: readonly Limit[] = ours.flatMap((way) =>
  metrics.map(({ name }) => ({
    what: `${wayNames[way]}, ${name}, against the fastest peer that can cancel a waiter`,
    unit: 'times',
    atMost: 1,
    figure: (rows: readonly Row[]) => {
      const figure = median(rows, way, name);
      const theirs = cancelling.flatMap((peer) => median(rows, peer, name) ?? []);
      return figure === undefined || theirs.length === 0 ? undefined : figure / Math.min(...theirs);
    },
  })),
);

export const gateBench: Bench = {
  name: 'gate',
  about: 'a permit beside p-limit, p-queue, async-sema and Bottleneck: alone, among 10 000 waiters, with signals, cancelled',
  subjects: names,
  limits: [...cancellableLimits, ...lean],
  run,
};

type Subject = MeasuredProcess<Order>;

const program = fileURLToPath(new URL('./gate/subject-program.js', import.meta.url));

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('gate');
  for (let round = 0; round < options.rounds; round++) {
    const first = round % Math.max(subjects.length, 1);
    // Each round begins with the next subject, see rounds.ts.
    await runRound([...subjects.slice(first), ...subjects.slice(0, first)], sizes, samples, (step) =>
      options.progress(`round ${round + 1} of ${options.rounds}, ${step}`),
    );
  }
  return { rows: samples.rows(), notes };
}

/** Each subject's process once, from its start to its end. */
async function runRound(chosen: readonly string[], sizes: Sizes, samples: Samples, progress: BenchOptions['progress']): Promise<void> {
  const running: Subject[] = [];
  try {
    for (const name of chosen) running.push(await MeasuredProcess.start<Order>(name, '', program));
    for (const measured of metrics) {
      const { name: metric } = measured;
      const load = measured.load(sizes);
      for (const subject of running) {
        progress(`${metric}, run-in: ${subject.name}`);
        await subject.obey({ do: 'open', metric, limit: measured.limit(sizes), runIn: runInOf(load) });
      }
      await pass(metric, load, sizes.passes, running, samples, progress);
      for (const subject of running) await subject.obey({ do: 'close' });
    }
  } finally {
    for (const subject of running) subject.end();
  }
}

/** The passes of a round: µs per task of all of them. */
async function pass(
  metric: Metric,
  load: Load,
  passes: number,
  running: readonly Subject[],
  samples: Samples,
  progress: BenchOptions['progress'],
): Promise<void> {
  const totals = new Map<string, number>();
  await interleave(passes, running, async (subject) => {
    progress(`${metric}: ${subject.name}`);
    const us = (await subject.obey({ do: 'pass', load }))[metric];
    if (us !== undefined) totals.set(subject.name, (totals.get(subject.name) ?? 0) + us / passes);
  });
  for (const [name, us] of totals) samples.add(name, metric, 'µs', us);
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: string[]; notes: string[] }> {
  const notes = [
    'uncontended: a task that finds a free place, one after the other; contended: 10 000 at once for 16 places; each µs is for one task, of one microtask.',
    'signals: each waiter has an AbortSignal of its own; cancelled: 10 000 wait, and each is aborted by itself. Of the peers only p-queue can do that:',
    'p-limit (clearQueue) and Bottleneck (stop) drop everything that waits at once, async-sema nothing.',
    'async-sema and espalier: acquire, work, release in `finally`; espalier-enter: the same by `enter`, which makes a promise only for whoever waits;',
    'espalier-run: gate.run, the like of p-queue.add, with its outcome as a value.',
    'bottleneck: a hundredth of the tasks and of those that wait, since it begins each by a timer.',
    'Every wait has a deadline, every permit a holder, a signal or a lease.',
    'before each, in a fresh process for each round: a full collection, then half of what is measured, unmeasured.',
  ];
  return { subjects: await chooseNames(options, names, peers, notes), notes };
}
