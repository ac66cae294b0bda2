/** The one door to all benchmarks: `npm run bench -- NAME…`. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { stderr, stdout } from 'node:process';
import { readArguments, usage, type BenchArguments } from './arguments.js';
import type { Bench } from './bench.js';
import { judge } from './limits.js';
import type { Row } from './rounds.js';
import { supervisionBench } from './supervision.js';
import { paintFor, renderRows, renderVerdicts } from './table.js';

const benches: readonly Bench[] = [supervisionBench];

/** @returns the exit code: 0, 1 when a limit is missed, 2 for a command line that cannot be read */
async function main(args: readonly string[]): Promise<number> {
  const read = readArguments(args, benches);
  if (typeof read === 'string') {
    stderr.write(`bench: ${read}\n\n${usage}`);
    return 2;
  }
  if (read.help) {
    stdout.write(usage);
    return 0;
  }
  if (read.names.length === 0) {
    for (const bench of benches) stdout.write(`${bench.name}  ${bench.about}\n`);
    return 0;
  }
  return runAll(read);
}

async function runAll(read: BenchArguments): Promise<number> {
  const paint = paintFor(stdout, process.env);
  const rows: Row[] = [];
  let missed = false;
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
      missed ||= verdicts.some((verdict) => !verdict.holds);
      stdout.write(`\n${renderVerdicts(verdicts, paint)}\n`);
    }
  }
  if (read.json !== undefined) await writeFile(read.json, `${JSON.stringify(rows, null, 2)}\n`);
  return missed ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
