/** The command line of the door. */
import type { Bench } from './bench.js';
import { readFlags } from './flags.js';

export interface BenchArguments {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly smoke: boolean;
  readonly check: boolean;
  readonly help: boolean;
  readonly json?: string;
  readonly keep?: string;
  readonly only?: readonly string[];
}

export const usage = `usage: npm run bench -- NAME… [--json FILE] [--keep FOLDER] [--rounds N] [--only SUBJECT,…] [--smoke | --check]

  NAME…           benchmarks to run, one after the other; without a name they are listed
  --json FILE     write the figures to FILE: an array of { bench, subject, metric, unit, live?, median, p25, p75 }
  --keep FOLDER   keep the figures, and with what they were measured, in FOLDER/BENCH-nodeMAJOR.json: 'bench:page' reads them
  --rounds N      rounds over which the medians are taken (default 5; with --smoke 1)
  --only S,…      only these subjects
  --smoke         tiny sizes: proves that all of it runs, and measures nothing
  --check         hold the figures to the stated limits: exit code 1 when one is missed
  --help          this text
`;

/**
 * Reads the command line.
 * @param args  without node and script
 * @param known  the benchmarks there are
 * @returns the arguments, or in a sentence what is wrong with them
 */
export function readArguments(args: readonly string[], known: readonly Pick<Bench, 'name' | 'subjects'>[]): BenchArguments | string {
  const read = readFlags(args, {
    json: { type: 'string' },
    keep: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (typeof read === 'string') return read;
  const { values, positionals: names } = read;
  const unknown =
    stranger(
      names,
      known.map(({ name }) => name),
    ) ??
    stranger(
      values.only?.split(',') ?? [],
      known.flatMap(({ subjects }) => subjects),
    );
  if (unknown !== undefined) return unknown;
  if (values.rounds !== undefined && !/^[1-9]\d{0,3}$/.test(values.rounds))
    return `expected --rounds as a positive whole number, got: ${values.rounds}`;
  if (values.smoke && values.check) return '--smoke measures nothing that --check could judge: give one of them';
  if (values.smoke && values.keep !== undefined) return '--smoke measures nothing that --keep could keep: give one of them';
  if (values.keep === '') return 'expected --keep with the name of a folder, got: an empty one';
  if (values.json === '') return 'expected --json with the name of a file, got: an empty one';
  return {
    names,
    rounds: values.rounds === undefined ? (values.smoke ? 1 : 5) : Number(values.rounds),
    smoke: values.smoke,
    check: values.check,
    help: values.help,
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.keep === undefined ? {} : { keep: values.keep }),
    ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  };
}

function stranger(given: readonly string[], known: readonly string[]): string | undefined {
  const unknown = given.find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `expected one of ${known.join(', ')}, got: ${unknown}`;
}
