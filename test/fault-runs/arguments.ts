/** The command line of the fault runs. */
import { complaintOn, readFlags } from '../../bench/flags.js';
import { type NetworkFaultKind, networkFaultKinds, type Schedule } from '../../src/testing/network/schedule.js';

export interface FaultArguments {
  /** Ids of worlds, as in the catalogue and in its order. */
  readonly worlds: readonly string[];
  readonly seeds: number;
  /** The first of them. */
  readonly seed: number;
  /** Seeds at a time; undefined: one per core. */
  readonly jobs?: number;
  readonly json?: string;
  /** Only the planted defects. */
  readonly defects: boolean;
  /** Only this, once. */
  readonly schedule?: Schedule;
  readonly verbose: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run fault:coordination [-- WORLD… [--seeds N] [--seed FIRST] [--jobs N] [--json FILE] [--defects] [--verbose]]

Runs the primitives of coordination on a simulated network: faults and clients at random, every claim looked at after every event. What breaks one is told
by the shortest schedule that still does, and by the command line that runs it again. Then each world with each of its planted defects: nothing that is
wrong may pass unnoticed.

  WORLD…           only these worlds, by id (default: all in the catalogue)
  --seeds N        how many for each world (default 100); from 25 on every kind of fault must strike and every operation be done
  --seed FIRST     the first of them (default 1); the same seed is the same run
  --jobs N         threads (default: one per core)
  --json FILE      write what was found to FILE: an array of { world, seeds, first, events, struck, operations, told, violations, defects, complaints }
  --defects        only the planted defects
  --schedule JSON  one world with one seed, and this instead of what the seed draws
  --verbose        with each violation, the trace of its run
  --help           this text

Exit code 1 when a claim is broken, a defect is not caught, or too little happened to prove anything; 2 for a command line that is wrong.
`;

/**
 * Reads the command line.
 * @param args  without node and script
 * @param known  the ids of the worlds there are
 * @returns the arguments, or in a sentence what is wrong with them
 */
export function readArguments(args: readonly string[], known: readonly string[]): FaultArguments | string {
  const read = readFlags(args, {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    json: { type: 'string' },
    defects: { type: 'boolean', default: false },
    schedule: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (typeof read === 'string') return read;
  const { values, positionals } = read;
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) return `expected one of ${known.join(', ')}, got: ${unknown}`;
  const complaint = complaintOn(values);
  if (complaint !== undefined) return complaint;
  if (values.seeds !== undefined && !/^[1-9]\d{0,6}$/.test(values.seeds))
    return `expected --seeds as a whole number from 1 to 9999999, got: ${values.seeds}`;
  const worlds = known.filter((id) => positionals.length === 0 || positionals.includes(id));
  const schedule = values.schedule === undefined ? undefined : scheduleOf(values.schedule);
  if (typeof schedule === 'string') return schedule;
  if (schedule !== undefined && (worlds.length !== 1 || values.defects || values.seeds !== undefined))
    return 'expected --schedule with one world, and neither --seeds nor --defects';
  return {
    worlds,
    seeds: schedule === undefined ? Number(values.seeds ?? 100) : 1,
    seed: Number(values.seed ?? 1),
    defects: values.defects,
    verbose: values.verbose,
    help: values.help,
    ...(schedule === undefined ? {} : { schedule }),
    ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function scheduleOf(text: string): Schedule | string {
  try {
    const read = JSON.parse(text) as Partial<Schedule> | null;
    if (Array.isArray(read?.steps) && read.steps.every(isStep)) return read as Schedule;
  } catch {
    // Said below.
  }
  return `expected --schedule as the JSON of a schedule, { "steps": […] }, got: ${text}`;
}

/** Is it a step by its kind? Whether its world knows the operation and the node is seen when it is run. */
function isStep(step: unknown): boolean {
  if (typeof step !== 'object' || step === null) return false;
  const { atMs, operation, fault, node } = step as Readonly<Record<string, unknown>>;
  const isKnown = networkFaultKinds.includes(fault as NetworkFaultKind);
  return typeof atMs === 'number' && atMs >= 0 && (typeof operation === 'string' ? typeof node === 'string' : isKnown);
}
