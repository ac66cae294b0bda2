/**
 * What supervision costs: a task, its latencies, its bytes, the collections it is marked in, the stop of all, the restart of one, what stays when a task
 * has ended, and how long a burst holds the event loop.
 *
 * Each subject is a process of its own, a fresh one in every round (supervision/subject-program.ts says why). The fixture of every subject is tested in
 * test/bench/subjects.test.ts, so that no figure here stands on a task that never ran.
 */
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { chooseNames } from './install-peers.js';
import { MeasuredProcess } from './live/measured-process.js';
import { interleave, Samples } from './rounds.js';
import { burstTasks, keptTasks, limits, lives } from './supervision/limits.js';
import { type Figures, type Order, spent, units } from './supervision/orders.js';
import { flagsOf, names, peers } from './supervision/subjects.js';

/** How much is measured in one round. */
interface Sizes {
  readonly lives: readonly number[];
  readonly warm: number;
  readonly tasks: number;
  /** Into how many passes they are divided, the subjects in turn: a neighbour's load lasts for seconds, and falls on all of them. */
  readonly passes: number;
  readonly latencies: number;
  readonly collections: number;
  readonly kept: number;
  readonly burst: number;
  readonly siblings: number;
  readonly restarts: number;
  /** Live children over which bytes are measured at least; with fewer in one supervisor, several are filled. */
  readonly bytesOver: number;
}

const full: Sizes = {
  lives,
  warm: 50_000,
  tasks: 200_000,
  passes: 4,
  latencies: 20_000,
  collections: 5,
  kept: keptTasks,
  burst: burstTasks,
  siblings: 10_000,
  restarts: 20_000,
  bytesOver: 1_000,
};
const smoke: Sizes = {
  lives: [0, 100, 500],
  warm: 100,
  tasks: 500,
  passes: 2,
  latencies: 100,
  collections: 1,
  kept: 1_000,
  burst: 500,
  siblings: 100,
  restarts: 50,
  bytesOver: 100,
};

export const supervisionBench: Bench = {
  name: 'supervision',
  about: 'a supervised task beside a bare promise, Effect and raw XState: time, latency, bytes, collections, stop, restart, what stays, bursts',
  subjects: names,
  limits,
  run,
};

type Subject = MeasuredProcess<Order>;

const program = fileURLToPath(new URL('./supervision/subject-program.js', import.meta.url));

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const figures = new Collected();
  for (let round = 0; round < options.rounds; round++) {
    const first = round % Math.max(subjects.length, 1);
    const said = (step: string): void => options.progress(`round ${round + 1} of ${options.rounds}, ${step}`);
    // Each round begins with the next subject, see rounds.ts.
    await runRound([...subjects.slice(first), ...subjects.slice(0, first)], sizes, round, figures, said);
  }
  notes.push(figures.busyNote());
  return { rows: figures.samples.rows(), notes };
}

/** Each subject's process once, from its start to its end. */
async function runRound(
  chosen: readonly string[],
  sizes: Sizes,
  round: number,
  figures: Collected,
  progress: BenchOptions['progress'],
): Promise<void> {
  const running: Subject[] = [];
  // One order after the other, so that neighbours in a round measure the same thing.
  const all = async (order: Order, live?: number): Promise<void> => {
    for (const subject of running) {
      progress(`${live === undefined ? '' : `${live} live, `}${order.do}: ${subject.name}`);
      figures.add(subject.name, await subject.obey(order), live);
    }
  };
  try {
    for (const name of chosen) running.push(await MeasuredProcess.start<Order>(name, '', program, flagsOf(name)));
    await all({ do: 'warm', count: sizes.warm });
    for (const live of sizes.lives) {
      await all({ do: 'open', live, bytesOver: sizes.bytesOver, runIn: sizes.tasks / 4 }, live);
      await sustained(running, live, sizes, figures, progress);
      await all({ do: 'latency', count: sizes.latencies }, live);
      await all({ do: 'collect', times: sizes.collections }, live);
      await all({ do: 'stop', round }, live);
    }
    await all({ do: 'restart', siblings: sizes.siblings, count: sizes.restarts }, sizes.siblings);
    await all({ do: 'burst', count: sizes.burst }, sizes.burst);
    await all({ do: 'kept', count: sizes.kept });
  } finally {
    for (const subject of running) subject.end();
  }
}

/** The tasks of a round in passes: µs per task of all of them. */
async function sustained(
  running: readonly Subject[],
  live: number,
  { tasks, passes }: Sizes,
  figures: Collected,
  progress: BenchOptions['progress'],
): Promise<void> {
  const totals = new Map<string, number>();
  await interleave(passes, running, async (subject) => {
    progress(`${live} live, task: ${subject.name}`);
    const { task, ...rest } = await subject.obey({ do: 'task', count: tasks / passes });
    figures.add(subject.name, rest, live);
    if (task !== undefined) totals.set(subject.name, (totals.get(subject.name) ?? 0) + task / passes);
  });
  for (const [name, task] of totals) figures.add(name, { task }, live);
}

/** What all processes have told. */
class Collected {
  readonly samples = new Samples('supervision');
  #waitedMs = 0;
  #tookMs = 0;

  add(subject: string, { [spent.waitedMs]: waitedMs = 0, [spent.tookMs]: tookMs = 0, ...figures }: Figures, live?: number): void {
    this.#waitedMs += waitedMs;
    this.#tookMs += tookMs;
    for (const [metric, figure] of Object.entries(figures)) this.samples.add(subject, metric, units[metric] ?? '', figure, live);
  }

  busyNote(): string {
    const share = Math.round((100 * this.#waitedMs) / Math.max(1, this.#tookMs));
    const advice = share >= 10 ? ': a busy machine, on which every figure is inflated and only ratios can be trusted' : '';
    return `Waiting for a core that others held took ${share} % of the run${advice}. Each figure is without it but the latencies, which are by the wall clock.`;
  }
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: string[]; notes: string[] }> {
  const notes = [
    'task: µs for each of many tasks with 100 in flight; live: children that stay alive meanwhile; bytes: heap for each live child, with its promise.',
    'collection: a forced full collection with that many live, the whole process in it. No collection is forced while a task, a latency or a burst is measured.',
    'kept: heap bytes that stay for each of 1 000 000 ended tasks with names of their own (of fewer where a task is dear).',
    'restart: from the crash of a task to the first line of its successor; of a machine: until the supervisor knows the running successor. Half as many go',
    'before those that are measured: until then V8 has not compiled what restarts, and the p99 is that.',
    'longest hold: between two turns of the event loop, collections included, while so many tasks are handed over at once: by one call, or in one loop where',
    'there is no such call. All let go in one turn: what they wait for comes at once, and their own continuations hold the loop even where nobody supervises.',
    'espalier-small-young: espalier, in a process of --max-semi-space-size=1.',
    'xstate-spawn: 100 000 live children are not feasible (a spawn takes 80 ms there); its stop of 10 000 is measured once.',
    'promise: cannot be stopped or restarted.',
  ];
  return { subjects: await chooseNames(options, names, peers, notes), notes };
}
