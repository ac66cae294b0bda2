/**
 * What it costs to ask, to tell and to publish, beside an EventEmitter and a p-queue for each agent, and what an agent that does not answer costs the others.
 *
 * An emitter calls a function, and a p-queue has neither deadlines nor a bound; comms have a bounded mailbox, credits and a watch for each agent, and a deadline
 * and a reference for each question. So the ratio is the price of that. The fixture of every subject is tested in test/bench/comms-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { espalierSubject, openStage } from './comms/espalier.js';
import { eventEmitterSubject } from './comms/event-emitter.js';
import { costToOthers, notices, publications, requests } from './comms/measure.js';
import type { Rig, Subject } from './comms/subject.js';
import { sweep } from './heap.js';
import { preparePeers } from './install-peers.js';
import { flat, type Limit, median } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';

interface Sizes {
  /** Agents that are there, few and many. */
  readonly live: readonly [few: number, many: number];
  readonly subscribers: number;
  readonly times: number;
  readonly publications: number;
  /** Of what a stalled agent costs: pairs and questions of a slice, of one that answers nothing and of one that answers one of them in each slice. */
  readonly paused: { readonly turns: number; readonly pairs: number; readonly slice: number };
  readonly slow: { readonly turns: number; readonly pairs: number; readonly slice: number };
}

const full: Sizes = {
  ...{ live: [100, 10_000], subscribers: 1_000, times: 20_000, publications: 20 },
  ...{ paused: { turns: 20, pairs: 10, slice: 500 }, slow: { turns: 5, pairs: 4, slice: 8_000 } },
};
const smoke: Sizes = {
  ...{ live: [10, 40], subscribers: 10, times: 40, publications: 2 },
  ...{ paused: { turns: 1, pairs: 2, slice: 20 }, slow: { turns: 1, pairs: 2, slice: 20 } },
};

const peerNames = ['p-queue'];

interface Metric {
  readonly name: string;
  measure(rig: Rig, live: number, sizes: Sizes): Promise<number>;
}

const metrics: readonly Metric[] = [
  { name: 'request and reply', measure: (rig, live, { times }) => requests(rig, live, times) },
  { name: 'notify', measure: (rig, live, { times }) => notices(rig, live, times) },
  { name: 'publish to 1 000', measure: (rig, _, sizes) => publications(rig, sizes.publications) },
];

/** What one agent costs the others: one that answers nothing, and one that answers a question while they answer a slice of them. */
const stalls = [
  { name: 'others, one is paused', crawls: false },
  { name: 'others, one is slow', crawls: true },
];

const unharmed = (name: string): Limit => ({
  what: `${name}, against when it is not`,
  unit: 'times',
  atMost: 1.01,
  figure: (rows: readonly Row[]) => median(rows, espalierSubject.name, name, full.live[0]),
});

export const commsBench: Bench = {
  name: 'comms',
  about:
    'a question, a notice and a word to 1 000 beside an EventEmitter and p-queues, at 100 and 10 000 agents; what a paused agent costs the others',
  subjects: [eventEmitterSubject.name, ...peerNames, espalierSubject.name],
  limits: [...metrics.map(({ name }) => flat(espalierSubject.name, name, full.live)), ...stalls.map(({ name }) => unharmed(name))],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('comms');
  // They stay for all rounds: ten thousand channels take their time to be made.
  const crews: { readonly name: string; readonly live: number; readonly rig: Rig }[] = [];
  for (const live of sizes.live)
    for (const subject of subjects) {
      options.progress(`${subject.name}: ${live} agents come`);
      crews.push({ name: subject.name, live, rig: await subject.open(live, sizes.subscribers) });
    }
  for (const { name, measure } of metrics) {
    options.progress(`warming up: ${name}`);
    for (const { rig, live } of crews) await measure(rig, live, sizes);
    await interleave(options.rounds, crews, async ({ name: subject, live, rig }, round) => {
      options.progress(`${name}, round ${round + 1} of ${options.rounds}: ${subject}, ${live} agents`);
      sweep();
      samples.add(subject, name, 'µs', await measure(rig, live, sizes), live);
    });
  }
  for (const { rig } of crews) await rig.close();
  if (subjects.includes(espalierSubject)) await stalled(options, sizes, samples);
  return { rows: samples.rows(), notes };
}

async function stalled(options: BenchOptions, sizes: Sizes, samples: Samples): Promise<void> {
  const agents = sizes.live[0];
  const stages = [await openStage(agents), await openStage(agents)] as const;
  const once = (crawls: boolean): Promise<number> => costToOthers(stages, { ...(crawls ? sizes.slow : sizes.paused), agents, crawls });
  options.progress('warming up: others');
  await once(false);
  await interleave(options.rounds, stalls, async ({ name, crawls }, round) => {
    options.progress(`${name}, round ${round + 1} of ${options.rounds}`);
    sweep();
    samples.add(espalierSubject.name, name, 'times', await once(crawls), agents);
  });
  for (const { rig } of stages) await rig.close();
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const { paused, slow } = full;
  const notes = [
    'request and reply, notify: one after the other, to a hundred of all agents that are there, spread evenly; publish: µs until each of 1 000 more has it.',
    'EventEmitter: listeners, one for each agent, and a callback for the answer. p-queue: one of concurrency 16 for each agent; nobody bounds or watches it.',
    `others, one is paused: questions to a hundred agents while one more has 16 out and a full mailbox of 100, against the same where it has none: slices of`,
    `${paused.slice} questions with and without in turn, ${2 * paused.turns * paused.pairs} pairs a round, the median of their ratios. Slow: slices of ${slow.slice}, in each of which it answers one`,
    'question and is asked the next, as one does that takes about a second for each of its 16.',
  ];
  const wanted = ({ name }: Subject) => options.only === undefined || options.only.includes(name);
  let peers: Subject[] = [];
  if (options.only === undefined || peerNames.some((name) => options.only?.includes(name))) {
    const prepared = await preparePeers(options.progress);
    if (prepared.ok) peers = [((await prepared.import('queues.js')) as { queues: Subject }).queues];
    else notes.push(`${peerNames.join(', ')}: skipped, ${prepared.reason}`);
  }
  return { subjects: [eventEmitterSubject, ...peers, espalierSubject].filter(wanted), notes };
}
