/**
 * What supervision costs: a task, its latencies, its bytes, the stop of all, the restart of one, and what stays when a task has ended.
 *
 * The fixture of every subject is tested in test/bench/subjects.test.ts, so that no figure here stands on a task that never ran.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { heldBytes, sweep } from './heap.js';
import { preparePeers } from './install-peers.js';
import { median, type Limit } from './limits.js';
import { interleave, Samples } from './rounds.js';
import { espalierSubject } from './supervision/espalier.js';
import { machineTime } from './stopwatch.js';
import { bytesKept, bytesPerLive, fill, latencies, restarts, stopAll, sustain } from './supervision/measure.js';
import { promiseSubject } from './supervision/promise.js';
import type { Subject } from './supervision/subject.js';
import { xstateSpawnSubject } from './supervision/xstate-spawn.js';

/** How much is measured in one round. */
interface Sizes {
  readonly lives: readonly number[];
  readonly tasks: number;
  readonly latencies: number;
  readonly kept: number;
  readonly siblings: number;
  readonly restarts: number;
  /** Live children over which bytes are measured at least; with fewer in one supervisor, several are filled. */
  readonly bytesOver: number;
}

const full: Sizes = {
  lives: [1, 100, 10_000, 100_000],
  tasks: 20_000,
  latencies: 4_000,
  kept: 200_000,
  siblings: 10_000,
  restarts: 1_000,
  bytesOver: 1_000,
};
const smoke: Sizes = { lives: [1, 100, 500], tasks: 500, latencies: 100, kept: 1_000, siblings: 100, restarts: 50, bytesOver: 100 };

const peerNames = ['effect-fiberset', 'effect-fiberset-retry-signal'];

const limits: Limit[] = [
  { what: 'a task at 100 000 live children', unit: 'µs', atMost: 60, figure: (rows) => median(rows, 'espalier', 'task', 100_000) },
  {
    what: 'a task at 100 000 live children against one at 100',
    unit: 'times',
    atMost: 2,
    figure: (rows) => {
      const many = median(rows, 'espalier', 'task', 100_000);
      const few = median(rows, 'espalier', 'task', 100);
      return many === undefined || few === undefined ? undefined : many / few;
    },
  },
  { what: 'restart among 10 000 siblings, p99', unit: 'ms', atMost: 0.25, figure: (rows) => median(rows, 'espalier', 'restart p99', 10_000) },
  { what: 'stop of 100 000 children', unit: 'ms', atMost: 1_000, figure: (rows) => median(rows, 'espalier', 'stop-all', 100_000) },
  {
    what: 'kept per ended task, after 200 000 with names of their own',
    unit: 'bytes',
    atLeast: -8,
    atMost: 8,
    figure: (rows) => median(rows, 'espalier', 'kept'),
  },
];

export const supervisionBench: Bench = {
  name: 'supervision',
  about: 'a supervised task beside a bare promise, Effect and raw XState: time, latency, bytes, stop, restart, what stays',
  subjects: [promiseSubject.name, ...peerNames, xstateSpawnSubject.name, espalierSubject.name],
  limits,
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('supervision');
  const [waited, began] = [machineTime.waited(), machineTime.now()];

  for (const subject of subjects) {
    options.progress(`warming up ${subject.name}`);
    const rig = await subject.open();
    await sustain(rig, sizes.tasks / 4);
    await latencies(rig, sizes.latencies / 4);
    await rig.stop?.();
  }

  // One phase after the other, so that neighbours in a round measure the same thing.
  const phases = [...sizes.lives.map((live) => liveVisit(live, sizes)), keptVisit(sizes), restartVisit(sizes)];
  for (const { what, concerns, visit } of phases) {
    await interleave(options.rounds, subjects.filter(concerns), async (subject, round) => {
      options.progress(`${what}, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      sweep();
      await visit(subject, samples, round);
    });
  }
  notes.push(busyNote(machineTime.waited() - waited, machineTime.now() - began));
  return { rows: samples.rows(), notes };
}

function busyNote(waitedMs: number, tookMs: number): string {
  const share = Math.round((100 * waitedMs) / tookMs);
  const advice = share >= 10 ? ': a busy machine, on which every figure is inflated and only ratios can be trusted' : '';
  return `Waiting for a core that others held took ${share} % of the run${advice}. Task, stop-all and restart are without it; latencies are by the wall clock.`;
}

/** What is measured of each subject in one round. */
interface Phase {
  readonly what: string;
  concerns(subject: Subject): boolean;
  visit(subject: Subject, samples: Samples, round: number): Promise<void>;
}

function liveVisit(live: number, sizes: Sizes): Phase {
  const visit: Phase['visit'] = async (subject, samples, round) => {
    const { name } = subject;
    const share = subject.share?.(live) ?? 1;
    const few = live < sizes.bytesOver;
    const bytesOfFew = few ? await bytesPerLive(subject, live, Math.ceil(sizes.bytesOver / live)) : 0;
    const rig = await subject.open();
    const before = few ? 0 : await heldBytes();
    const held = fill(rig, live);
    const bytes = few ? bytesOfFew : ((await heldBytes()) - before) / live;
    sweep();
    samples.add(name, 'task', 'µs', await sustain(rig, Math.ceil(sizes.tasks * share)), live);
    sweep();
    const { startToEntry, endToNotice } = await latencies(rig, Math.ceil(sizes.latencies * share));
    samples.add(name, 'start-to-entry p50', 'µs', startToEntry.p50, live);
    samples.add(name, 'start-to-entry p99', 'µs', startToEntry.p99, live);
    samples.add(name, 'end-to-notice p50', 'µs', endToNotice.p50, live);
    samples.add(name, 'end-to-notice p99', 'µs', endToNotice.p99, live);
    samples.add(name, 'bytes', 'bytes', bytes, live);
    if (rig.stop !== undefined && (round === 0 || live <= (subject.maxLiveStoppedEachRound ?? live))) {
      sweep();
      samples.add(name, 'stop-all', 'ms', await stopAll(rig), live);
    }
    held.length = 0;
  };
  return { what: `${live} live`, concerns: (subject) => live <= (subject.maxLive ?? live), visit };
}

function keptVisit(sizes: Sizes): Phase {
  const visit: Phase['visit'] = async (subject, samples) => {
    const share = subject.share?.(0) ?? 1;
    const rig = await subject.open();
    samples.add(subject.name, 'kept', 'bytes', await bytesKept(rig, Math.ceil(sizes.kept * share)));
    await rig.stop?.();
  };
  return { what: 'what stays', concerns: () => true, visit };
}

function restartVisit(sizes: Sizes): Phase {
  const visit: Phase['visit'] = async (subject, samples, round) => {
    const share = subject.share?.(sizes.siblings) ?? 1;
    // Not sooner: V8 drops the code of what has not run for a few collections, and it takes thousands of restarts to settle again.
    if (round === 0) await restarts(subject, sizes.siblings / 100, Math.ceil(5 * sizes.restarts * (subject.share?.(0) ?? 1)));
    const { p50, p99 } = await restarts(subject, sizes.siblings, Math.ceil(sizes.restarts * share));
    samples.add(subject.name, 'restart p50', 'ms', p50, sizes.siblings);
    samples.add(subject.name, 'restart p99', 'ms', p99, sizes.siblings);
  };
  return { what: 'restarts', concerns: (subject) => subject.openWorkers !== undefined, visit };
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const notes = [
    'task: µs for each of many tasks with 100 in flight; live: children that stay alive meanwhile; bytes: heap for each live child.',
    'kept: heap bytes that stay for each ended task; restart: from the crash to the running successor, which the supervisor knows.',
    'xstate-spawn: 100 000 live children are not feasible (a spawn takes 80 ms there); its stop of 10 000 is measured once, and it runs a tenth of the tasks.',
    'promise: cannot be stopped or restarted.',
  ];
  const wanted = (subject: Subject) => options.only === undefined || options.only.includes(subject.name);
  let peers: Subject[] = [];
  if (options.only === undefined || peerNames.some((name) => options.only?.includes(name))) {
    const prepared = await preparePeers(options.progress);
    if (prepared.ok) {
      const { fiberSet, fiberSetRetrySignal } = (await prepared.import('effect-fiberset.js')) as { fiberSet: Subject; fiberSetRetrySignal: Subject };
      peers = [fiberSet, fiberSetRetrySignal];
    } else {
      notes.push(`${peerNames.join(', ')}: skipped, ${prepared.reason}`);
    }
  }
  return { subjects: [promiseSubject, ...peers, xstateSpawnSubject, espalierSubject].filter(wanted), notes };
}
