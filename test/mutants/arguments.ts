/** The command line of the mutation run. */
import { complaintOn, readFlags } from '../../bench/flags.js';

export interface MutantsArguments {
  /** Ids of machines, as in the catalogue and in its order. */
  readonly machines: readonly string[];
  readonly seed: number;
  /** Mutants at a time; undefined: one per core. */
  readonly jobs?: number;
  readonly json?: string;
  readonly verbose: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run mutants [-- MACHINE… [--json FILE] [--seed N] [--jobs N] [--verbose]]

  MACHINE…        only the mutants of these machines, by id (default: of all in the catalogue)
  --json FILE     write the verdicts to FILE: an array of { machine, caught, survived, waived, verdicts: [{ id, kind, fate, by }] }
  --seed N        seed of the random walks (default 1)
  --jobs N        mutants that are tried at a time (default: one per core)
  --verbose       every mutant, with what caught it
  --help          this text

Exit code 1 when fewer than 95 % of them are caught, or one survives without a reason in test/mutants/waived.json; 2 for a command line that is wrong.
`;

/**
 * Reads the command line.
 * @param args  without node and script
 * @param known  the ids of the machines there are
 * @returns the arguments, or in a sentence what is wrong with them
 */
export function readArguments(args: readonly string[], known: readonly string[]): MutantsArguments | string {
  const read = readFlags(args, {
    json: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (typeof read === 'string') return read;
  const { values, positionals } = read;
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) return `expected one of ${known.join(', ')}, got: ${unknown}`;
  const complaint = complaintOn(values);
  if (complaint !== undefined) return complaint;
  return {
    machines: known.filter((id) => positionals.length === 0 || positionals.includes(id)),
    seed: Number(values.seed ?? 1),
    verbose: values.verbose,
    help: values.help,
    ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}
