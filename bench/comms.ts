/**
 * What it costs to ask, to tell and to publish, beside an EventEmitter and a p-queue for each agent, and what an agent that does not answer costs the others.
 *
 * An emitter calls a function, and a p-queue has neither deadlines nor a bound; comms have a bounded mailbox, credits and a watch for each agent, and a deadline
 * and a reference for each question. So the ratio is the price of that. The fixture of every subject is tested in test/bench/comms-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { espalierSubject, openStage } from './comms/espalier.js';
import { eventEmitterSubject } from './comms/event-emitter.js';
import { costToOthers, notices, publications, requests, type Slices } from './comms/measure.js';
import type { Rig, Subject } from './comms/subject.js';
import { sweep } from './heap.js';
import { preparePeers } from './install-peers.js';
import { flat, type Limit, median } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';
import { medianBounds } from './stats.js';

interface Sizes {
  /** Agents that are there, few and many. */
  readonly live: readonly [few: number, many: number];
  readonly subscribers: number;
  readonly times: number;
  readonly publications: number;
  /** Of what a stalled agent costs: of one that answers nothing, and of one that answers one question in each sample. */
  readonly paused: Omit<Slices, 'agents' | 'crawls'>;
  readonly slow: Omit<Slices, 'agents' | 'crawls'>;
}

const full: Sizes = {
  ...{ live: [100, 10_000], subscribers: 1_000, times: 20_000, publications: 20 },
  ...{ paused: { turns: 20, samples: 30, fours: 1, slice: 100 }, slow: { turns: 10, samples: 3, fours: 20, slice: 200 } },
};
const smoke: Sizes = {
  ...{ live: [10, 40], subscribers: 10, times: 40, publications: 2 },
  ...{ paused: { turns: 1, samples: 2, fours: 1, slice: 20 }, slow: { turns: 1, samples: 2, fours: 2, slice: 20 } },
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

/** What one agent costs the others: one that answers nothing, and one that answers a question while they answer a sample of them. */
const stalls = [
  { name: 'others, one is paused', crawls: false },
  { name: 'others, one is slow', crawls: true },
];

/** What it may be at the most, with what can be told of it: a measure that does not see 1 % does not say that it is less. */
const atMost = (name: string): string => `${name}: at the most`;
const resolution = (name: string): string => `${name}: resolution, ±`;

const unharmed = (name: string): Limit => ({
  what: `${name}: how much longer a question takes, at the most`,
  unit: '%',
  atMost: 1,
  figure: (rows: readonly Row[]) => median(rows, espalierSubject.name, atMost(name), full.live[0]),
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
  const once = (crawls: boolean): Promise<number[]> => costToOthers(stages, { ...(crawls ? sizes.slow : sizes.paused), agents, crawls });
  options.progress('warming up: others');
  await once(false);
  const found = new Map(stalls.map(({ name }): [string, number[]] => [name, []]));
  await interleave(options.rounds, stalls, async ({ name, crawls }, round) => {
    options.progress(`${name}, round ${round + 1} of ${options.rounds}`);
    sweep();
    found.get(name)?.push(...(await once(crawls)));
  });
  for (const [name, figures] of found) {
    const { low, high } = medianBounds(figures);
    for (const figure of figures) samples.add(espalierSubject.name, name, '%', figure, agents);
    samples.add(espalierSubject.name, resolution(name), '%', (high - low) / 2, agents);
    samples.add(espalierSubject.name, atMost(name), '%', high, agents);
  }
  for (const { rig } of stages) await rig.close();
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const { paused, slow } = full;
  const notes = [
    'request and reply, notify: one after the other, to a hundred of all agents that are there, spread evenly; publish: µs until each of 1 000 more has it.',
    'EventEmitter: listeners, one for each agent, and a callback for the answer. p-queue: one of concurrency 16 for each agent; nobody bounds or watches it.',
    'others, one is paused: how much longer questions to a hundred agents take while one more has 16 out and a full mailbox of 100, than where it has none:',
    `slices of ${paused.slice} questions with and without in turn, ${4 * paused.turns * paused.samples * paused.fours} pairs a round, the median of their differences. Slow: in each ${2 * slow.fours * slow.slice} questions it answers one and`,
    'is asked the next, as one does that takes about a second for each of its 16. Resolution: 95 times of a hundred the median is no farther off; the limit is',
    'held against the far end of that.',
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
