/** `npm run compare:http`: reads the command line, runs case after case, prints what came of it. */
import { whyUnwritable, writeFigures } from '../../figures-file.js';
import { paintFor } from '../../table.js';
import { readArguments } from '../arguments.js';
import type { CompareWorld } from '../door.js';
import { type Case, ruleOf, type Seen, type Subject, verdictOf } from './case.js';
import { renderCase, renderTotals } from './report.js';

/** The subject that must be right. */
const ours = 'espalier';

/** What is compared, and how. */
export interface HttpComparison {
  readonly cases: readonly Case[];
  readonly subjectNames: readonly string[];
  chooseSubjects(
    names: readonly string[],
    say: (line: string) => void,
  ): Promise<{ readonly subjects: readonly Subject[]; readonly skipped: readonly string[] }>;
  run(which: Case, subject: Subject): Promise<Seen>;
}

/** One subject in one case. */
export interface Cell {
  readonly subject: string;
  readonly version: string;
  readonly right: boolean;
  readonly why: string;
  readonly seen: Seen;
}

function usage({ cases, subjectNames }: Pick<HttpComparison, 'cases' | 'subjectNames'>): string {
  const widest = Math.max(...cases.map(({ id }) => id.length));
  return `usage: npm run compare:http [-- --only NAME,… --json FILE --help]

Reads the same streams of generateContent with each client, from the local Gemini server, and says what the app saw. ${subjectNames.slice(1).join(', ')} is
installed once, into bench/peers/live. It takes a few seconds.

  --only NAME,…  only these cases and subjects
  --json FILE    write all that was seen to FILE: an array of { case, title, rule, subject, version, right, why, seen }
  --help         this text

cases
${cases.map(({ id, title }) => `  ${id.padEnd(widest)}  ${title}`).join('\n')}

subjects
${subjectNames.map((name) => `  ${name}`).join('\n')}

exit code: 0; 1 when espalier is wrong in a case, or FILE cannot be written in the end; 2 for a command line that is wrong
`;
}

/**
 * Runs a command line.
 * @param args  without node and script
 * @returns the exit code: see the usage
 */
export async function compareHttp(args: readonly string[], comparison: HttpComparison, world: CompareWorld): Promise<number> {
  const { cases, subjectNames } = comparison;
  const read = readArguments(args, { cases, subjects: subjectNames });
  const refuse = (complaint: string): number => {
    world.stderr.write(`compare: ${complaint}\n\n${usage(comparison)}`);
    return 2;
  };
  if (typeof read === 'string') return refuse(read);
  if (read.help) {
    world.stdout.write(usage(comparison));
    return 0;
  }
  const reason = read.json === undefined ? undefined : await whyUnwritable(read.json);
  if (reason !== undefined) return refuse(`expected --json with a file that can be written, got: ${read.json} (${reason})`);
  const paint = paintFor(world.stdout, world.env);
  const { subjects, skipped } = await comparison.chooseSubjects(read.subjects, (line) => void world.stderr.write(`compare: ${line}\n`));
  const rows: { readonly which: Case; readonly cells: readonly Cell[] }[] = [];
  for (const which of cases.filter(({ id }) => read.cases.includes(id))) {
    const cells: Cell[] = [];
    for (const subject of subjects) {
      const seen = await comparison.run(which, subject);
      cells.push({ subject: subject.name, version: subject.version, ...verdictOf(which, seen), seen });
    }
    rows.push({ which, cells });
    if (cells.length > 0) world.stdout.write(`${renderCase(which, cells, paint)}\n`);
  }
  if (subjects.length > 0) world.stdout.write(`\n${renderTotals(rows.flatMap(({ cells }) => cells))}\n`);
  for (const line of skipped) world.stdout.write(`${line}\n`);
  const found = rows.flatMap(({ which, cells }) => cells.map((cell) => ({ case: which.id, title: which.title, rule: ruleOf(which), ...cell })));
  const unwritten = read.json === undefined ? undefined : await writeFigures(read.json, found);
  if (unwritten !== undefined) world.stderr.write(`compare: what was seen could not be written to ${read.json}: ${unwritten}\n`);
  const isOursWrong = found.some(({ subject, right }) => subject === ours && !right);
  return isOursWrong || unwritten !== undefined ? 1 : 0;
}
