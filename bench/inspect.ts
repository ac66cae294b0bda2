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
import { conversation, event, type Subject } from './inspect/subject.js';
import { preparePeers } from './install-peers.js';
import { median, type Limit } from './limits.js';
import { interleave, Samples, type Row } from './rounds.js';
import { Stopwatch } from './stopwatch.js';

const peerName = '@statelyai/inspect';

/** Messages that the actor remembers: a small context, and one that inspectors were seen to freeze over. */
const sizes = [10, 500];
const metricOf = (size: number): string => `an event, ${size} messages in the context`;

const fullCount = 100_000;
const smokeCount = 500;

function ratio(name: string, over: string, size: number): (rows: readonly Row[]) => number | undefined {
  return (rows) => {
    const [ours, theirs] = [median(rows, name, metricOf(size)), median(rows, over, metricOf(size))];
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
}

const limits: readonly Limit[] = sizes.flatMap((size) => [
  {
    what: `a recorder that nobody watches, ${size} messages, against nothing attached`,
    unit: 'times',
    atMost: 1.02,
    figure: ratio(unwatched.name, nothing.name, size),
  },
  {
    what: `a recorder that is watched, ${size} messages, against a no-op inspector`,
    unit: 'times',
    atMost: 1.5,
    figure: ratio(watched.name, noOp.name, size),
  },
]);

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
  for (let n = 0; n < count; n++) actor.send(event(n));
  await watcher.settle?.();
  const us = (watch.read() * 1_000) / count;
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
  const rows = samples.rows();
  return { rows, notes: [...ratios(rows), ...notes] };
}

/** Each subject beside nothing, and beside a no-op inspector, in words. */
function ratios(rows: readonly Row[]): string[] {
  return sizes.flatMap((size) =>
    [unwatched.name, noOp.name, watched.name, toFile.name, peerName].flatMap((name) => {
      const [bare, inspected] = [ratio(name, nothing.name, size)(rows), ratio(name, noOp.name, size)(rows)];
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
    'converts each message to text, as its sockets do, and is waited for until its timers have run.',
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
