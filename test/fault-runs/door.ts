/** `npm run fault:coordination`: random faults over every world of the catalogue, and over each of its planted defects. */
import { availableParallelism } from 'node:os';
import { writeFigures } from '../../bench/figures-file.js';
import { paintFor } from '../../bench/table.js';
import { admit, type Command, type CommandWorld, fail } from '../mutants/command.js';
import { type FaultArguments, readArguments, usage } from './arguments.js';
import type { FaultedWorld } from './faulted.js';
import { render } from './report.js';
import { added, type Assignment, type Finding, nothingYet, type Violation } from './trials.js';
import { complaintsOn, type DefectVerdict, isCaught, type WorldResult } from './verdicts.js';

const command: Command = { name: 'fault:coordination', usage };

/** What is tried, and how. */
export interface FaultWork {
  readonly worlds: Readonly<Record<string, FaultedWorld>>;
  /** Tries assignments, so many at a time, and tells of each as it ends. @returns in their order. @throws Error for what cannot be tried */
  tryAll(assignments: readonly Assignment[], jobs: number, onFinding: (assignment: Assignment) => void): Promise<Finding[]>;
}

/** Seeds that a thread tries before it tells of them. */
const together = 10;

/**
 * Runs a command line.
 * @param args  without node and script
 * @returns the exit code: 0; 1 when a claim is broken, a defect is not caught by the claim that it is to break, too little happened to prove anything, or a world
 *          cannot be run; 2 for a command line that is wrong, before anything is tried
 */
export async function enter(args: readonly string[], work: FaultWork, world: CommandWorld): Promise<number> {
  const read = await admit(readArguments(args, Object.keys(work.worlds)), command, world);
  if (typeof read === 'number') return read;
  let results;
  try {
    results = await resultsOf(read, work, world);
  } catch (error) {
    return fail(error, command, world);
  }
  return report(read, results, world);
}

/** All seeds of the worlds, and each defect with the seeds from 1 on: that one is caught shall not hang on where the others begin. */
function assignmentsOf({ worlds, seeds, seed: first, defects, schedule }: FaultArguments, work: FaultWork): Assignment[] {
  return worlds.flatMap((world) => {
    const planted = schedule === undefined ? Object.entries((work.worlds[world] as FaultedWorld).defects) : [];
    const seeded: Assignment[] = [];
    const end = defects ? 0 : seeds;
    for (let from = 0; from < end; from += together) {
      const count = Math.min(together, end - from);
      const given = schedule === undefined ? {} : { schedule };
      seeded.push({ world, seed: first + from, count, endsAtFailure: false, mostShrinkRuns: 0, ...given });
    }
    const caught = planted.map(([defect, { within }]) => ({ world, defect, seed: 1, count: within, endsAtFailure: true, mostShrinkRuns: 0 }));
    return [...seeded, ...caught];
  });
}

async function resultsOf(read: FaultArguments, work: FaultWork, world: CommandWorld): Promise<WorldResult[]> {
  const { jobs = availableParallelism() } = read;
  const assignments = assignmentsOf(read, work);
  const left = new Set(assignments);
  const findings = await work.tryAll(assignments, jobs, (assignment) => {
    left.delete(assignment);
    progress(assignment.world, left, assignments.length, world);
  });
  if (world.stderr.isTTY === true) world.stderr.write('\r\u001b[K');
  const results: WorldResult[] = [];
  for (const id of read.worlds) {
    const own = assignments.flatMap((assignment, index) => (assignment.world === id ? [{ assignment, finding: findings[index] as Finding }] : []));
    results.push(await resultOf(id, own, read, { work, jobs, world }));
  }
  return results;
}

function progress(id: string, left: ReadonlySet<Assignment>, all: number, { stderr }: CommandWorld): void {
  if (stderr.isTTY === true) stderr.write(`\r\u001b[Kfault:coordination: ${Math.floor((100 * (all - left.size)) / all)} %, ${id}`);
  else if (![...left].some(({ world }) => world === id)) stderr.write(`fault:coordination: ${id} is done\n`);
}

interface Ways {
  readonly work: FaultWork;
  readonly jobs: number;
  readonly world: CommandWorld;
}

async function resultOf(
  id: string,
  own: readonly { readonly assignment: Assignment; readonly finding: Finding }[],
  { seed: first, schedule }: FaultArguments,
  ways: Ways,
): Promise<WorldResult> {
  const known = ways.work.worlds[id] as FaultedWorld;
  const seeded = own.flatMap(({ assignment, finding }) => (assignment.defect === undefined ? [finding] : []));
  const sums = seeded.reduce((sum, finding) => added(sum, finding.sums), nothingYet);
  const broken = seeded.flatMap(({ violations }) => violations);
  const violations = schedule === undefined ? await shortenedOf(id, broken, ways) : broken.map((one) => ({ ...one, isShort: true }));
  const defects = own.flatMap(({ assignment: { defect }, finding }): DefectVerdict[] => {
    const planted = defect === undefined ? undefined : known.defects[defect];
    if (defect === undefined || planted === undefined) return [];
    const [caught] = finding.violations;
    const by = caught === undefined ? {} : { caught: { seed: caught.seed, claim: caught.claim, problem: caught.problem } };
    return [{ defect, breaks: planted.breaks, within: planted.within, ...by }];
  });
  const proof = seeded.length === 0 || schedule !== undefined ? undefined : sums;
  return { world: id, first, ...sums, violations, defects, complaints: complaintsOn(known, proof, { violations, defects }) };
}

/** Makes the first violation of each claim short: what a thousand seeds break is most often one thing. */
async function shortenedOf(id: string, broken: readonly Violation[], { work, jobs, world }: Ways): Promise<WorldResult['violations']> {
  const firsts = broken.filter(({ claim }, index) => broken.findIndex((other) => other.claim === claim) === index);
  if (firsts.length === 0) return [];
  world.stderr.write(`fault:coordination: ${id}: making ${firsts.length} of ${broken.length} short\n`);
  const assignments = firsts.map(({ seed }): Assignment => ({ world: id, seed, count: 1, endsAtFailure: true }));
  const findings = await work.tryAll(assignments, jobs, () => undefined);
  return broken.map((violation) => {
    const place = firsts.indexOf(violation);
    if (place === -1) return { ...violation, isShort: false };
    const [short] = findings[place]?.violations ?? [];
    if (short !== undefined) return { ...short, isShort: true };
    return { ...violation, note: 'it did not happen again: something in the world is not deterministic', isShort: false };
  });
}

async function report(
  { json, verbose, seeds, defects: onlyDefects, schedule }: FaultArguments,
  results: readonly WorldResult[],
  { stdout, stderr, env }: CommandWorld,
): Promise<number> {
  const paint = paintFor(stdout, env);
  for (const result of results) stdout.write(`${render(result, { verbose, hasSeeds: !onlyDefects }, paint)}\n`);
  const faults = results.flatMap(({ world, complaints }) => complaints.map((complaint) => `${world}: ${complaint}`));
  const unwritten = json === undefined ? undefined : await writeFigures(json, results.map(withoutTrace));
  if (unwritten !== undefined) faults.push(`the verdicts could not be written to ${json}: ${unwritten}`);
  for (const fault of faults) stderr.write(`fault:coordination: ${fault}\n`);
  const defects = results.flatMap((result) => result.defects);
  if (schedule === undefined) stdout.write(`fault:coordination: ${defects.filter(isCaught).length} of ${defects.length} planted defects caught\n`);
  const violations = results.reduce((sum, result) => sum + result.violations.length, 0);
  if (!onlyDefects) stdout.write(`fault:coordination: ${seeds} seeds over ${results.length} worlds, ${violations} violations\n`);
  return faults.length === 0 ? 0 : 1;
}

/** A trace is for people, and a schedule gives it back. */
function withoutTrace(result: WorldResult): object {
  const violations = result.violations.map(({ seed, claim, problem, schedule, note }) => ({ seed, claim, problem, schedule, note }));
  return { ...result, violations };
}
