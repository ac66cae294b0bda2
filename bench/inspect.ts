/**
 * What it costs an actor to be looked at: by nobody, by a no-op inspector of XState, by our recorder while nobody watches, while somebody does, and while
 * it writes a file; and by `@statelyai/inspect`.
 *
 * The fixture of every subject is tested in test/bench/inspect-subjects.test.ts.
 */
import { createActor } from 'xstate';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { noOp, nothing, toFile, unwatched, watched } from './inspect/espalier.js';
import { conversation, event, nursery, type Subject } from './inspect/subject.js';
import { preparePeers } from './install-peers.js';
import { median, type Limit } from './limits.js';
import { interleave, Samples, type Row } from './rounds.js';
import { Stopwatch } from './stopwatch.js';

const peerName = '@statelyai/inspect';

/** Messages that the actor remembers: a small context, and one that inspectors were seen to freeze over. */
const sizes = [10, 500];
const metricOf = (size: number): string => `an event, ${size} messages in the context`;

/** Events in one turn, of a subject that needs the turns between. */
const breathEvery = 500;

/**
 * While somebody watches: beside the least that XState's own `inspect` can cost, and beside nothing at all. A no-op inspector is 1.3 to 1.75 times
 * nothing by itself, so that 1.5 times nothing is not to be had by who tells of each event. docs/decisions/016-being-watched-has-a-price.md
 */
const mostOfNoOp = 1.5;
const mostOfNothing = 2.5;

/** The bound of what noting them costs: twice what they cost by themselves. A birth is two lines with names, a place and a lineage. */
const mostOfLife = 2;

const fullCount = 100_000;
const smokeCount = 500;

/** A child of a machine, from its start to its end. */
const lifeMetric = 'a birth and a death';

function ratio(name: string, over: string, metric: string): (rows: readonly Row[]) => number | undefined {
  return (rows) => {
    const [ours, theirs] = [median(rows, name, metric), median(rows, over, metric)];
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
}

const limits: readonly Limit[] = [
  ...sizes.flatMap((size) => [
    {
      what: `a recorder that nobody watches, ${size} messages, against nothing attached`,
      unit: 'times',
      atMost: 1.02,
      figure: ratio(unwatched.name, nothing.name, metricOf(size)),
    },
    {
      what: `a recorder that is watched, ${size} messages, against a no-op inspector`,
      unit: 'times',
      atMost: mostOfNoOp,
      figure: ratio(watched.name, noOp.name, metricOf(size)),
    },
    {
      what: `a recorder that is watched, ${size} messages, against nothing attached`,
      unit: 'times',
      atMost: mostOfNothing,
      figure: ratio(watched.name, nothing.name, metricOf(size)),
    },
  ]),
  {
    what: 'a birth and a death that a recorder notes while nobody watches, against nothing attached',
    unit: 'times',
    atMost: mostOfLife,
    figure: ratio(unwatched.name, nothing.name, lifeMetric),
  },
];

export const inspectBench: Bench = {
  name: 'inspect',
  about: 'an event of an actor that is looked at: by nobody, by a no-op inspector, by our recorder, by @statelyai/inspect',
  subjects: [nothing.name, unwatched.name, noOp.name, watched.name, toFile.name, peerName],
  limits,
  run,
};

/** Events to one actor, one after the other. @returns µs for each, until all that was seen of them has been dealt with */
async function cost(subject: Subject, size: number, count: number): Promise<number> {
  const { actor, watcher } = subject.open(conversation(), size);
  sweep();
  const watch = new Stopwatch();
  for (let n = 0; n < count; n++) {
    actor.send(event(n));
    if (n % breathEvery === breathEvery - 1) await watcher.breathe?.();
  }
  await watcher.settle?.();
  const us = (watch.read() * 1_000) / count;
  actor.stop();
  await watcher.close();
  return us;
}

/** Children that come and go, one after the other. @returns µs for each */
export async function costOfLife(subject: Subject, count: number): Promise<number> {
  const { actor, watcher } = subject.open(nursery(), 0);
  sweep();
  const watch = new Stopwatch();
  for (let n = 0; n < count; n++) {
    const id = `child ${n % 64}`;
    actor.send({ type: 'born', id });
    actor.send({ type: 'gone', id });
    if (n % breathEvery === breathEvery - 1) await watcher.breathe?.();
  }
  const us = (watch.read() * 1_000) / count;
  await watcher.settle?.();
  actor.stop();
  await watcher.close();
  return us;
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('inspect');
  const base = options.smoke ? smokeCount : fullCount;
  for (const size of sizes) {
    const countOf = ({ share = 1 }: Subject): number => Math.max(100, Math.round((base * share) / (size > 100 ? 5 : 1)));
    options.progress(`warming up: ${size} messages`);
    for (const subject of subjects) await cost(subject, size, Math.min(countOf(subject), 5_000));
    await interleave(options.rounds, subjects, async (subject, round) => {
      options.progress(`${size} messages, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      samples.add(subject.name, metricOf(size), 'µs', await cost(subject, size, countOf(subject)));
    });
  }
  const lives = Math.max(100, base / 5);
  options.progress('warming up: births and deaths');
  const noters = subjects.filter(({ name }) => name !== peerName);
  for (const subject of noters) await costOfLife(subject, Math.min(lives, 2_000));
  await interleave(options.rounds, noters, async (subject, round) => {
    options.progress(`births and deaths, round ${round + 1} of ${options.rounds}: ${subject.name}`);
    samples.add(subject.name, lifeMetric, 'µs', await costOfLife(subject, lives));
  });
  const rows = samples.rows();
  return { rows, notes: [...ratios(rows), ...notes] };
}

/** Each subject beside nothing, and beside a no-op inspector, in words. */
function ratios(rows: readonly Row[]): string[] {
  return sizes.flatMap((size) =>
    [unwatched.name, noOp.name, watched.name, toFile.name, peerName].flatMap((name) => {
      const [bare, inspected] = [ratio(name, nothing.name, metricOf(size))(rows), ratio(name, noOp.name, metricOf(size))(rows)];
      return bare === undefined || inspected === undefined
        ? []
        : [`${size} messages, ${name}: ${bare.toFixed(2)} times nothing attached, ${inspected.toFixed(2)} times a no-op inspector.`];
    }),
  );
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const notes = [
    'One actor; each event is a transition that adds a message, lets the oldest go, counts and changes the state; µs for each event, in a row.',
    `recorder-watched keeps the lines (in a bounded history) and hands them to a viewer that does nothing; recorder-file also writes them; ${peerName}`,
    'converts each message to text, as its sockets do, and is waited for until its timers have run. A file is whole: between so many events it is written.',
  ];
  const wanted = (subject: Subject): boolean => options.only === undefined || options.only.includes(subject.name);
  const subjects = [nothing, unwatched, noOp, watched, toFile].filter(wanted);
  if (options.only !== undefined && !options.only.includes(peerName)) return { subjects, notes };
  const prepared = await preparePeers(options.progress);
  if (!prepared.ok) return { subjects, notes: [...notes, `${peerName}: skipped, ${prepared.reason}`] };
  const { statelyai } = (await prepared.import('statelyai-inspect.js')) as {
    statelyai: Omit<Subject, 'open'> & { open(...args: [...Parameters<Subject['open']>, typeof createActor]): ReturnType<Subject['open']> };
  };
  return { subjects: [...subjects, { ...statelyai, open: (machine, size) => statelyai.open(machine, size, createActor) }], notes };
}
