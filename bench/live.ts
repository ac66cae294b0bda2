/**
 * What a Live session costs: messages of audio in and out, a tool's round trip, and how late others are handled while a tool runs.
 *
 * Beside it the least that a client can do (`ws` and JSON.parse), and `@google/genai`. The server is a process of its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { median, type Limit } from './limits.js';
import { espalierSubject } from './live/espalier.js';
import { genaiSubject } from './live/genai.js';
import { lagWhileToolRuns, Listening, received, roundTrips, sent } from './live/measure.js';
import { rawWsSubject } from './live/raw-ws.js';
import type { LiveSubject } from './live/subject.js';
import { interleave, type Row, Samples } from './rounds.js';

interface Sizes {
  readonly messages: number;
  readonly calls: number;
  /** Messages while a tool runs, and ms between two. */
  readonly beats: number;
  readonly beatMs: number;
}

const full: Sizes = { messages: 20_000, calls: 2_000, beats: 200, beatMs: 10 };
const smoke: Sizes = { messages: 500, calls: 50, beats: 10, beatMs: 5 };

const subjects = [rawWsSubject, genaiSubject, espalierSubject];

function ratio(what: string, metric: string, peer: LiveSubject, atMost: number): Limit {
  const figure = (rows: readonly Row[]): number | undefined => {
    const [ours, theirs] = [median(rows, 'espalier', metric), median(rows, peer.name, metric)];
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
  return { what, unit: 'times', atMost, figure };
}

const limits: readonly Limit[] = [
  ratio('processor time of a message of audio that comes, against ws + JSON.parse', 'in, cpu', rawWsSubject, 1.25),
  ratio('processor time of a message of audio that comes, against @google/genai', 'in, cpu', genaiSubject, 1.1),
  ratio('processor time of a message of audio that is sent, against ws + JSON.parse', 'out, cpu', rawWsSubject, 1.25),
  ratio('processor time of a message of audio that is sent, against @google/genai', 'out, cpu', genaiSubject, 1.1),
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
    for (const subject of chosen) {
      progress(`warming up ${subject.name}`);
      await visit(subject, url, { ...sizes, messages: Math.ceil(sizes.messages / 2), beats: 1 }, new Samples('live'));
    }
    await interleave(rounds, chosen, async (subject, round) => {
      progress(`round ${round + 1} of ${rounds}: ${subject.name}`);
      await visit(subject, url, sizes, samples);
    });
  } finally {
    server.disconnect();
  }
  const notes = [
    `in, out: ${sizes.messages} messages of audio of 4 KiB in a row; cpu: processor time of all threads of the client for each.`,
    'round trip: from the frame of a call to the arrival of its answer at the server, another process.',
    `lag: from the server's sending to the app's hearing, of ${sizes.beats} messages ${sizes.beatMs} ms apart while a tool runs.`,
  ];
  return { rows: samples.rows(), notes };
}

async function visit(subject: LiveSubject, url: string, sizes: Sizes, samples: Samples): Promise<void> {
  let release: () => void = () => {};
  let isSlow = false;
  const slow = (): Promise<void> => new Promise((resolve) => (release = resolve));
  const listening = await Listening.open(subject, url, () => (isSlow ? slow() : 'echo'));
  const { name } = subject;
  sweep();
  const comes = await received(listening, sizes.messages);
  samples.add(name, 'in', '1/s', comes.perSecond);
  samples.add(name, 'in, cpu', 'µs', comes.cpuUs);
  sweep();
  const goes = await sent(listening, sizes.messages);
  samples.add(name, 'out', '1/s', goes.perSecond);
  samples.add(name, 'out, cpu', 'µs', goes.cpuUs);
  sweep();
  const trips = await roundTrips(listening, sizes.calls);
  samples.add(name, 'round trip p50', 'µs', trips.p50);
  samples.add(name, 'round trip p99', 'µs', trips.p99);
  isSlow = true;
  // The tool ends a little after the last message.
  const timer = setTimeout(() => release(), sizes.beats * (sizes.beatMs + 1) + 100);
  samples.add(name, 'lag p99', 'ms', await lagWhileToolRuns(listening, sizes.beats, sizes.beatMs));
  clearTimeout(timer);
  await listening.rig.close();
}

function startServer(): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const server = fork(fileURLToPath(new URL('live/server.js', import.meta.url)), { execArgv: [] });
  return new Promise((resolve, reject) => {
    server.once('message', (port) => resolve({ server, url: `http://127.0.0.1:${Number(port)}` }));
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`expected a server, got: exit ${String(code)}`)));
  });
}
