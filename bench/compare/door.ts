/** The door of the comparison: reads the command line, runs case after case, prints what came of it. */
import { whyUnwritable, writeFigures } from '../figures-file.js';
import { paintFor } from '../table.js';
import { readArguments, usage } from './arguments.js';
import { type Case, verdictOf } from './case.js';
import type { Observation } from './facts.js';
import { type Cell, type Look, renderCase, renderScore, renderSummary } from './report.js';
import type { Subject } from './subject-process.js';
import { type Chosen, ours } from './subjects.js';

/** What the door needs of the process. */
export interface CompareWorld {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: { readonly NO_COLOR?: string | undefined };
}

/** What is compared, and how. */
export interface Comparison {
  readonly cases: readonly Case[];
  readonly subjectNames: readonly string[];
  chooseSubjects(names: readonly string[], say: (line: string) => void): Promise<Chosen>;
  runCell(which: Case, subject: Subject): Promise<Observation>;
}

/**
 * Runs a command line.
 * @param args  without node and script
 * @returns the exit code: 0; 1 when ours is wrong in a case, or what was seen cannot be written in the end; 2 for a command line that is wrong, before
 *          anything runs
 */
export async function enter(args: readonly string[], comparison: Comparison, world: CompareWorld): Promise<number> {
  const known = { cases: comparison.cases, subjects: comparison.subjectNames };
  const read = readArguments(args, known);
  const refuse = (complaint: string): number => {
    world.stderr.write(`compare: ${complaint}\n\n${usage(known)}`);
    return 2;
  };
  if (typeof read === 'string') return refuse(read);
  if (read.help) {
    world.stdout.write(usage(known));
    return 0;
  }
  const reason = read.json === undefined ? undefined : await whyUnwritable(read.json);
  if (reason !== undefined) return refuse(`expected --json with a file that can be written, got: ${read.json} (${reason})`);
  const cases = comparison.cases.filter(({ id }) => read.cases.includes(id));
  const rows = await runAll(cases, read.subjects, comparison, world);
  const unwritten = read.json === undefined ? undefined : await writeFigures(read.json, rows.flatMap(entries));
  if (unwritten !== undefined) world.stderr.write(`compare: what was seen could not be written to ${read.json}: ${unwritten}\n`);
  const isOursWrong = rows.some(({ cells }) => cells.some(({ subject, verdict }) => subject === ours && !verdict.right));
  return isOursWrong || unwritten !== undefined ? 1 : 0;
}

interface Row {
  readonly id: string;
  readonly which: Case;
  readonly cells: readonly Cell[];
}

async function runAll(cases: readonly Case[], names: readonly string[], comparison: Comparison, world: CompareWorld): Promise<readonly Row[]> {
  const { stdout, stderr, env } = world;
  const look: Look = { paint: paintFor(stdout, env), width: stdout.isTTY === true ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY };
  const progress = progressOn(stderr);
  const { subjects, skipped } = await comparison.chooseSubjects(names, progress.say);
  const rows: Row[] = [];
  for (const which of cases) {
    const cells: Cell[] = [];
    for (const subject of subjects) {
      progress.say(`${which.id}, ${subject.name} (${rows.length * subjects.length + cells.length + 1} of ${cases.length * subjects.length})`);
      const seen = await comparison.runCell(which, subject);
      cells.push({ subject: subject.name, version: subject.version, verdict: verdictOf(which, seen), seen });
    }
    progress.clear();
    if (cells.length > 0) stdout.write(`${renderCase(which, cells, look)}\n\n`);
    rows.push({ id: which.id, which, cells });
  }
  progress.clear();
  if (subjects.length > 0) stdout.write(`${renderSummary(rows, look)}\n\n${renderScore(rows)}\n`);
  for (const line of skipped) stdout.write(`${line}\n`);
  return rows;
}

/** What goes on now: on a terminal one line that is written over, else a line for each step. */
function progressOn(stderr: CompareWorld['stderr']): { say(line: string): void; clear(): void } {
  const wipe = '\r\u001b[2K';
  if (stderr.isTTY !== true) return { say: (line) => void stderr.write(`compare: ${line}\n`), clear: () => {} };
  return { say: (line) => void stderr.write(`${wipe}compare: ${line}`), clear: () => void stderr.write(wipe) };
}

function entries({ which: { id, title, rule }, cells }: Row): object[] {
  return cells.map(({ subject, version, verdict, seen }) => ({ case: id, title, rule, subject, version, ...verdict, seen }));
}
