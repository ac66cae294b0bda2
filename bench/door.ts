/** The one door to all benchmarks: reads the command line, runs what it names, prints the tables and writes the figures. */
import { availableParallelism } from 'node:os';
import { readArguments, usage, type BenchArguments } from './arguments.js';
import type { Bench } from './bench.js';
import { whyUnwritable, writeFigures } from './figures-file.js';
import { fileOf, keepFigures } from './kept-figures.js';
import { judge } from './limits.js';
import type { Row } from './rounds.js';
import { paintFor, renderRows, renderVerdicts } from './table.js';

/** What the door needs of the process. */
export interface BenchWorld {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
  readonly env: { readonly NO_COLOR?: string | undefined };
}

/**
 * Runs a command line.
 * @param args  without node and script
 * @returns the exit code: 0; 1 when a limit is missed or the figures cannot be written in the end; 2 for a command line that is wrong, before
 *          anything is measured
 */
export async function enter(args: readonly string[], benches: readonly Bench[], world: BenchWorld): Promise<number> {
  const read = readArguments(args, benches);
  if (typeof read === 'string') return refuse(read, world);
  if (read.help) {
    world.stdout.write(usage);
    return 0;
  }
  if (read.names.length === 0) {
    for (const bench of benches) world.stdout.write(`${bench.name}  ${bench.about}\n`);
    return 0;
  }
  const files = [
    ...(read.json === undefined ? [] : [{ flag: '--json', file: read.json }]),
    ...read.names.flatMap((name) => (read.keep === undefined ? [] : [{ flag: '--keep', file: fileOf(read.keep, name) }])),
  ];
  for (const { flag, file } of files) {
    const reason = await whyUnwritable(file);
    if (reason !== undefined) return refuse(`expected ${flag} with a file that can be written, got: ${file} (${reason})`, world);
  }
  return runAll(read, benches, world);
}

function refuse(complaint: string, { stderr }: BenchWorld): number {
  stderr.write(`bench: ${complaint}\n\n${usage}`);
  return 2;
}

async function runAll(read: BenchArguments, benches: readonly Bench[], { stdout, stderr, env }: BenchWorld): Promise<number> {
  const paint = paintFor(stdout, env);
  const rows: Row[] = [];
  let failed = false;
  const told = (file: string, reason: string | undefined): void => {
    if (reason === undefined) return;
    failed = true;
    stderr.write(`bench: the figures could not be written to ${file}: ${reason}\n`);
  };
  for (const bench of benches.filter(({ name }) => read.names.includes(name))) {
    const began = performance.now();
    const result = await bench.run({
      rounds: read.rounds,
      smoke: read.smoke,
      ...(read.only === undefined ? {} : { only: read.only }),
      progress: (step) => stderr.write(`bench: ${step}\n`),
    });
    rows.push(...result.rows);
    const seconds = Math.round((performance.now() - began) / 1_000);
    const where = `Node ${process.versions.node}, ${availableParallelism()} cores, ${read.rounds} rounds in ${seconds} s`;
    stdout.write(`${paint.bold(bench.name)}: median [p25 to p75]; ${where}${read.smoke ? '; smoke sizes, not for quoting' : ''}\n\n`);
    stdout.write(`${renderRows(result.rows, paint)}\n\n`);
    for (const note of result.notes) stdout.write(`${paint.dim(note)}\n`);
    if (read.check) {
      const verdicts = judge(bench.limits, result.rows);
      failed ||= verdicts.some((verdict) => !verdict.holds);
      stdout.write(`\n${renderVerdicts(verdicts, paint)}\n`);
    }
    if (read.keep !== undefined) told(fileOf(read.keep, bench.name), await keepFigures(read.keep, bench.name, read.rounds, result.rows));
  }
  if (read.json !== undefined) told(read.json, await writeFigures(read.json, rows));
  return failed ? 1 : 0;
}
