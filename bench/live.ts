/**
 * What a Live session costs: messages of audio in and out, a tool's round trip, and how late others are handled while a tool runs.
 *
 * Beside it the least that a client can do (`ws` and JSON.parse), and `@google/genai`. The server is a process of its own, and so is each subject, a fresh
 * one in every round (live/subject-program.ts says why, and what it does before it is measured). The messages of a round pass in several passes, the
 * subjects in turn, and ours are held against the others' of the same round: a neighbour's load lasts for seconds, and falls on all of them.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { median, type Limit } from './limits.js';
import { espalierSubject } from './live/espalier.js';
import { genaiSubject } from './live/genai.js';
import { MeasuredProcess } from './live/measured-process.js';
import type { Way } from './live/orders.js';
import { rawWsSubject } from './live/raw-ws.js';
import type { LiveSubject } from './live/subject.js';
import { interleave, Samples } from './rounds.js';

interface Sizes {
  readonly messages: number;
  /** Into how many passes they are divided. */
  readonly passes: number;
  /** What passes before, unmeasured: turns, messages of each, and calls. */
  readonly runIn: { readonly turns: number; readonly messages: number; readonly calls: number };
  readonly calls: number;
  /** Messages while a tool runs, and ms between two. */
  readonly beats: number;
  readonly beatMs: number;
}

const full: Sizes = { messages: 20_000, passes: 4, runIn: { turns: 10, messages: 1_000, calls: 10_000 }, calls: 2_000, beats: 200, beatMs: 10 };
const smoke: Sizes = { messages: 500, passes: 2, runIn: { turns: 2, messages: 50, calls: 10 }, calls: 50, beats: 10, beatMs: 5 };

const subjects = [rawWsSubject, genaiSubject, espalierSubject];

/** The metric that holds ours against a peer's of the same round. */
const against = (way: Way, peer: LiveSubject): string => `${way}, cpu, against ${peer.name}`;

const tripAgainst = `round trip p50, against ${rawWsSubject.name}`;

function ratio(what: string, way: Way, peer: LiveSubject, atMost: number): Limit {
  return { what, unit: 'times', atMost, figure: (rows) => median(rows, espalierSubject.name, against(way, peer)) };
}

const limits: readonly Limit[] = [
  ratio('processor time of a message of audio that comes, against ws + JSON.parse', 'in', rawWsSubject, 1.1),
  ratio('processor time of a message of audio that comes, against @google/genai', 'in', genaiSubject, 1),
  ratio('processor time of a message of audio that is sent, against ws + JSON.parse', 'out', rawWsSubject, 1.1),
  ratio('processor time of a message of audio that is sent, against @google/genai', 'out', genaiSubject, 1.1),
  {
    what: 'round trip of a call of a tool, p50, against ws + JSON.parse',
    unit: 'times',
    atMost: 1.25,
    figure: (rows) => median(rows, espalierSubject.name, tripAgainst),
  },
  {
    what: 'how much later a message is handled while a tool of 2 s runs, p99, against ws + JSON.parse',
    unit: 'ms',
    atMost: 5,
    figure: (rows) => {
      const [ours, theirs] = [median(rows, 'espalier', 'lag p99'), median(rows, rawWsSubject.name, 'lag p99')];
      return ours === undefined || theirs === undefined ? undefined : Math.max(0, ours - theirs);
    },
  },
];

export const liveBench: Bench = {
  name: 'live',
  about: 'a Live session beside ws with JSON.parse and @google/genai: audio in and out, tool round trips, handling while a tool runs',
  subjects: subjects.map(({ name }) => name),
  limits,
  run,
};

async function run({ only, progress, rounds, smoke: isSmoke }: BenchOptions): Promise<BenchResult> {
  const sizes = isSmoke ? smoke : full;
  const samples = new Samples('live');
  const chosen = subjects.filter(({ name }) => only === undefined || only.includes(name));
  const { server, url } = await startServer();
  try {
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}`);
      // Each round begins with the next subject, see rounds.ts.
      const first = round % Math.max(chosen.length, 1);
      await runRound([...chosen.slice(first), ...chosen.slice(0, first)], url, sizes, samples, progress);
    }
  } finally {
    server.disconnect();
  }
  const { beatMs, beats, messages, passes, runIn } = sizes;
  const notes = [
    `in, out: ${messages} messages of audio of 4 KiB, in ${passes} passes; cpu: processor time of all threads of the client's process for each.`,
    `before: a fresh process for each round, a full collection, then ${runIn.turns} turns of ${runIn.messages} messages of the kind (${runIn.calls} calls: until a client's code for them is compiled again).`,
    'against: ours in times of the other, in the same round.',
    'round trip: from the frame of a call to the arrival of its answer at the server, another process.',
    "call, cpu: processor time of all threads of the client's process for each call.",
    `lag: from the server's sending to the app's hearing, of ${beats} messages ${beatMs} ms apart while a tool runs.`,
  ];
  return { rows: samples.rows(), notes };
}

/** Each subject's process once, from its start to its end. */
async function runRound(
  chosen: readonly LiveSubject[],
  url: string,
  sizes: Sizes,
  samples: Samples,
  progress: BenchOptions['progress'],
): Promise<void> {
  const running: MeasuredProcess[] = [];
  try {
    for (const { name } of chosen) running.push(await MeasuredProcess.start(name, url));
    for (const way of ['in', 'out'] as const) {
      progress(`  audio ${way}`);
      addFlow(way, await flow(way, running, sizes), sizes, samples);
    }
    const trips = new Map<string, number>();
    for (const subject of running) {
      progress(`  calls: ${subject.name}`);
      const order = { do: 'trips', runIn: sizes.runIn.calls, count: sizes.calls } as const;
      const { p50 = Number.NaN, p99 = Number.NaN, cpuUs = Number.NaN } = await subject.obey(order);
      samples.add(subject.name, 'round trip p50', 'µs', p50);
      samples.add(subject.name, 'round trip p99', 'µs', p99);
      samples.add(subject.name, 'call, cpu', 'µs', cpuUs);
      trips.set(subject.name, p50);
    }
    const [ours, theirs] = [trips.get(espalierSubject.name), trips.get(rawWsSubject.name)];
    if (ours !== undefined && theirs !== undefined) samples.add(espalierSubject.name, tripAgainst, 'times', ours / theirs);
    // Not at once after its calls: the kernel lets a process wait that has just had a core for long.
    for (const subject of running) {
      progress(`  messages while a tool runs: ${subject.name}`);
      const lag = await subject.obey({ do: 'lag', count: sizes.beats, everyMs: sizes.beatMs });
      samples.add(subject.name, 'lag p99', 'ms', lag['p99'] ?? Number.NaN);
      await subject.obey({ do: 'close' });
    }
  } finally {
    for (const subject of running) subject.end();
  }
}

/** What all passes of a way have taken. */
interface Total {
  ms: number;
  cpuUs: number;
}

/** The passes of one way, the subjects in turn. @returns by subject */
async function flow(way: Way, running: readonly MeasuredProcess[], { messages, passes, runIn }: Sizes): Promise<ReadonlyMap<string, Total>> {
  const totals = new Map<string, Total>(running.map(({ name }) => [name, { ms: 0, cpuUs: 0 }]));
  for (const subject of running) await subject.obey({ do: 'prepare', way, turns: runIn.turns, count: runIn.messages });
  await interleave(passes, running, async (subject) => {
    const { ms = Number.NaN, cpuUs = Number.NaN } = await subject.obey({ do: 'pass', way, count: messages / passes });
    const total = totals.get(subject.name);
    if (total === undefined) return;
    total.ms += ms;
    total.cpuUs += cpuUs;
  });
  return totals;
}

function addFlow(way: Way, totals: ReadonlyMap<string, Total>, { messages }: Sizes, samples: Samples): void {
  for (const [name, { ms, cpuUs }] of totals) {
    samples.add(name, way, '1/s', (messages * 1_000) / ms);
    samples.add(name, `${way}, cpu`, 'µs', cpuUs / messages);
  }
  const ours = totals.get(espalierSubject.name);
  for (const peer of [rawWsSubject, genaiSubject]) {
    const theirs = totals.get(peer.name);
    if (ours !== undefined && theirs !== undefined) samples.add(espalierSubject.name, against(way, peer), 'times', ours.cpuUs / theirs.cpuUs);
  }
}

function startServer(): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const server = fork(fileURLToPath(new URL('live/server.js', import.meta.url)), { execArgv: [] });
  return new Promise((resolve, reject) => {
    server.once('message', (port) => resolve({ server, url: `http://127.0.0.1:${Number(port)}` }));
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`expected a server, got: exit ${String(code)}`)));
  });
}
