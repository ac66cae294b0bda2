/**
 * What a stream costs: events of server-sent events, read as they are, and the chunks of a generation.
 *
 * Beside it the least that a reader can do with the same parser, and `@google/genai`. The server is a process of its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { median, type Limit } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';
import { bareJsonSubject, bareSubject } from './stream/bare.js';
import { callbackSubject, generateSubject, loopSubject } from './stream/espalier.js';
import { genaiSubject } from './stream/genai.js';
import type { StreamSubject } from './stream/subject.js';

/** What the server says: events of a size, so many in one write. */
interface Load {
  readonly name: string;
  readonly count: number;
  readonly length: number;
  readonly together: number;
}

const full: readonly Load[] = [
  { name: 'small, many in a write', count: 60_000, length: 200, together: 50 },
  { name: 'small, each by itself', count: 15_000, length: 200, together: 1 },
  { name: 'large', count: 800, length: 65_536, together: 1 },
];
const smoke: readonly Load[] = full.map((load) => ({ ...load, count: Math.ceil(load.count / 100) }));

const subjects = [bareSubject, callbackSubject, loopSubject, bareJsonSubject, generateSubject, genaiSubject];

/** How many times the processor time of the bare reader with the same parser. */
function ratio(load: string, ours: StreamSubject): Limit {
  const figure = (rows: readonly Row[]): number | undefined => {
    const [one, other] = [median(rows, ours.name, `${load}, cpu`), median(rows, bareSubject.name, `${load}, cpu`)];
    return one === undefined || other === undefined ? undefined : one / other;
  };
  return {
    what: `processor time of an event, ${load}, ${ours.name}, against the bare reader with the same parser`,
    unit: 'times',
    atMost: 1.3,
    figure,
  };
}

const limits: readonly Limit[] = full.map(({ name }) => ratio(name, callbackSubject));

export const streamBench: Bench = {
  name: 'stream',
  about: 'server-sent events and generations beside a bare fetch reader with the same parser and @google/genai',
  subjects: subjects.map(({ name }) => name),
  limits,
  run,
};

async function run({ only, progress, rounds, smoke: isSmoke }: BenchOptions): Promise<BenchResult> {
  const loads = isSmoke ? smoke : full;
  const samples = new Samples('stream');
  const chosen = subjects.filter(({ name }) => only === undefined || only.includes(name));
  const { server, url } = await startServer();
  try {
    for (const subject of chosen) {
      progress(`warming up ${subject.name}`);
      for (const load of loads) await visit(subject, url, { ...load, count: Math.ceil(load.count / 4) }, new Samples('stream'));
    }
    await interleave(rounds, chosen, async (subject, round) => {
      progress(`round ${round + 1} of ${rounds}: ${subject.name}`);
      for (const load of loads) await visit(subject, url, load, samples);
    });
  } finally {
    server.disconnect();
  }
  const notes = [
    ...loads.map(({ count, length, name, together }) => `${name}: ${count} events of ${length} characters of text, ${together} in a write.`),
    'cpu: processor time of all threads of the reader for an event. Readers of events parse no JSON, those of answers do.',
  ];
  return { rows: samples.rows(), notes };
}

async function visit(subject: StreamSubject, url: string, load: Load, samples: Samples): Promise<void> {
  sweep();
  const { count, length, name, together } = load;
  const began = performance.now();
  const before = process.cpuUsage();
  const { characters, events } = await subject.read(url, `${count}-${length}-${together}`);
  const { system, user } = process.cpuUsage(before);
  const tookMs = performance.now() - began;
  if (events !== count || characters < count * length)
    throw new Error(`expected ${count} events of ${length}, got: ${events}, ${characters} characters`);
  samples.add(subject.name, name, '1/s', (count * 1_000) / tookMs);
  samples.add(subject.name, `${name}, text`, 'MB/s', (count * length) / 1_000 / tookMs);
  samples.add(subject.name, `${name}, cpu`, 'µs', (system + user) / count);
}

function startServer(): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const server = fork(fileURLToPath(new URL('stream/server.js', import.meta.url)), { execArgv: [] });
  return new Promise((resolve, reject) => {
    server.once('message', (port) => resolve({ server, url: `http://127.0.0.1:${Number(port)}` }));
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`expected a server, got: exit ${String(code)}`)));
  });
}
