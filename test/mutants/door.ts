/** `npm run mutants`: tries every mutant of the catalogue's machines, and says which ones nothing has noticed. */
import { availableParallelism } from 'node:os';
import { writeFigures } from '../../bench/figures-file.js';
import { type Paint, paintFor } from '../../bench/table.js';
import type { AnyModel } from '../../src/testing/model/model.js';
import type { Mutant } from '../../src/testing/mutation/mutants.js';
import {
  type MutationResult,
  resultOf,
  type Verdict,
  verdictOn,
  type WaivedMutants,
  waiverFaults,
} from '../../src/testing/mutation/mutation-test.js';
import { observed } from '../../src/testing/mutation/observe.js';
import { type MutantsArguments, readArguments, usage } from './arguments.js';
import { admit, type Command, type CommandWorld, fail, refuse } from './command.js';
import type { Trial, tryAll } from './trials.js';

const command: Command = { name: 'mutants', usage };

/** What is tried, and how. */
export interface MutantsWork {
  readonly models: Readonly<Record<string, AnyModel>>;
  /** By machine, by mutant: the reason. */
  readonly waived: Readonly<Record<string, WaivedMutants>>;
  readonly tryAll: typeof tryAll;
}

/** The part of the mutants that must be caught. */
const leastCaught = 0.95;

/**
 * Runs a command line.
 * @param args  without node and script
 * @returns the exit code: 0; 1 when too few mutants are caught, one survives without a reason, a waiver is for nothing, or a machine does not pass its
 *          own tests; 2 for a command line or waivers that are wrong, before anything is tried
 */
export async function enter(args: readonly string[], work: MutantsWork, world: CommandWorld): Promise<number> {
  const read = await admit(readArguments(args, Object.keys(work.models)), command, world);
  if (typeof read === 'number') return read;
  let mutants;
  try {
    mutants = await mutantsOfAll(read, work);
  } catch (error) {
    return fail(error, command, world);
  }
  const fault = faultOfWaivers(work, mutants);
  if (fault !== undefined) return refuse(`waived.json: ${fault}`, command, world);
  let results;
  try {
    results = await resultsOf(read, mutants, work, world);
  } catch (error) {
    return fail(error, command, world);
  }
  return report(read, results, work.waived, world);
}

/** The mutants of the machines that are asked for. What their actions enqueue must be seen, so each is played once. */
async function mutantsOfAll({ machines }: MutantsArguments, { models }: MutantsWork): Promise<ReadonlyMap<string, readonly Mutant[]>> {
  const found = new Map<string, readonly Mutant[]>();
  for (const id of machines) {
    try {
      found.set(id, (await observed(models[id] as AnyModel)).mutants);
    } catch (error) {
      throw new Error(`${id} does not pass its own tests: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return found;
}

function faultOfWaivers({ models, waived }: MutantsWork, mutants: ReadonlyMap<string, readonly Mutant[]>): string | undefined {
  const faults = Object.entries(waived).flatMap(([machine, own]) => {
    if (!Object.hasOwn(models, machine)) return [{ expected: `machines out of ${Object.keys(models).join(', ')}`, got: machine }];
    const known = mutants.get(machine);
    return known === undefined ? [] : waiverFaults(machine, known, own);
  });
  return faults[0] === undefined ? undefined : `expected ${faults[0].expected}, got: ${faults[0].got}`;
}

async function resultsOf(
  { machines, seed, jobs = availableParallelism() }: MutantsArguments,
  mutants: ReadonlyMap<string, readonly Mutant[]>,
  { waived, tryAll }: MutantsWork,
  { stderr }: CommandWorld,
): Promise<MutationResult[]> {
  const trials = machines.flatMap((machine) => (mutants.get(machine) ?? []).map(({ id }): Trial => ({ machine, id })));
  const caughtBy = new Map<string, string | undefined>();
  const keyOf = ({ machine, id }: Trial): string => `${machine} ${id}`;
  let done = 0;
  await tryAll(trials, { seed, jobs }, (trial, by) => {
    caughtBy.set(keyOf(trial), by);
    done++;
    if (stderr.isTTY === true) stderr.write(`\r\u001b[Kmutants: ${done} of ${trials.length}, ${trial.machine}`);
    else if (trials.every((other) => other.machine !== trial.machine || caughtBy.has(keyOf(other))))
      stderr.write(`mutants: ${trial.machine} is done\n`);
  });
  if (stderr.isTTY === true) stderr.write('\r\u001b[K');
  return machines.map((machine) => {
    const verdicts = (mutants.get(machine) ?? []).map(
      (mutant): Verdict => verdictOn(mutant, caughtBy.get(keyOf({ machine, id: mutant.id })), waived[machine] ?? {}),
    );
    return resultOf(machine, verdicts);
  });
}

async function report(
  { json, verbose }: MutantsArguments,
  results: readonly MutationResult[],
  waived: MutantsWork['waived'],
  { stdout, stderr, env }: CommandWorld,
): Promise<number> {
  const paint = paintFor(stdout, env);
  const faults: string[] = [];
  for (const result of results) {
    const { machine, verdicts, survived } = result;
    stdout.write(`${render(result, verbose, paint)}\n`);
    if (survived > 0) faults.push(`${machine}: ${survived} survived without a reason in test/mutants/waived.json`);
    for (const { id, fate, by } of verdicts) {
      if (fate === 'caught' && id in (waived[machine] ?? {})) faults.push(`${machine}: '${id}' is waived, and caught by: ${by}`);
    }
  }
  const sum = (fate: Verdict['fate']): number => results.reduce((total, result) => total + result[fate], 0);
  const total = results.reduce((count, { verdicts }) => count + verdicts.length, 0);
  if (sum('caught') < total * leastCaught) faults.push(`${sum('caught')} of ${total} are caught, fewer than 95 %`);
  const unwritten = json === undefined ? undefined : await writeFigures(json, results);
  if (unwritten !== undefined) faults.push(`the verdicts could not be written to ${json}: ${unwritten}`);
  for (const fault of faults) stderr.write(`mutants: ${fault}\n`);
  stdout.write(`mutants: ${sum('caught')} caught, ${sum('survived')} survived, ${sum('waived')} waived\n`);
  return faults.length === 0 ? 0 : 1;
}

function render({ machine, verdicts, caught }: MutationResult, verbose: boolean, paint: Paint): string {
  const lines = verdicts
    .filter(({ fate }) => verbose || fate !== 'caught')
    .map(({ id, fate, by }) => {
      const mark = { caught: paint.green('caught  '), survived: paint.red('SURVIVED'), waived: paint.dim('waived  ') }[fate];
      return `  ${mark}  ${id}${by === '' ? '' : `\n            ${paint.dim(by)}`}`;
    });
  return [paint.bold(`${machine}: ${caught} of ${verdicts.length} caught`), ...lines].join('\n');
}
