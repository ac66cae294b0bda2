/** The command line of the comparison. */
import { readFlags } from '../flags.js';

export interface CompareArguments {
  readonly help: boolean;
  /** The ids of cases to run, and the names of subjects; all of them where nothing of the sort was named. */
  readonly cases: readonly string[];
  readonly subjects: readonly string[];
  readonly json?: string;
}

/** What can be named. */
export interface Known {
  readonly cases: readonly { readonly id: string; readonly title: string }[];
  readonly subjects: readonly string[];
}

export function usage({ cases, subjects }: Known): string {
  const widest = Math.max(...cases.map(({ id }) => id.length));
  return `usage: npm run compare:live [-- --only NAME,… --json FILE --help]

Takes each Live client through the same cases against the local Gemini server, each in a process of its own, and says what reached the wire, what the app
saw, and after how many ms. The clients that are not ours are installed once, into bench/peers/live. It takes about two minutes.

  --only NAME,…  only these cases and subjects
  --json FILE    write all that was seen to FILE: an array of { case, title, rule, subject, version, right, why, afterMs, seen }
  --help         this text

cases
${cases.map(({ id, title }) => `  ${id.padEnd(widest)}  ${title}`).join('\n')}

subjects
${subjects.map((name) => `  ${name}`).join('\n')}

exit code: 0; 1 when espalier is wrong in a case, or FILE cannot be written in the end; 2 for a command line that is wrong
`;
}

/**
 * Reads the command line.
 * @param args  without node and script
 * @returns the arguments, or in a sentence what is wrong with them
 */
export function readArguments(args: readonly string[], known: Known): CompareArguments | string {
  const read = readFlags(args, {
    only: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (typeof read === 'string') return read;
  const { values, positionals } = read;
  if (positionals.length > 0) return `expected no names without --only, got: ${positionals.join(' ')}`;
  if (values.json === '') return 'expected --json with the name of a file, got: an empty one';
  const only = values.only?.split(',') ?? [];
  const ids = known.cases.map(({ id }) => id);
  const unknown = only.find((name) => !ids.includes(name) && !known.subjects.includes(name));
  if (unknown !== undefined) return `expected --only with some of ${[...ids, ...known.subjects].join(', ')}, got: ${unknown || 'an empty name'}`;
  return {
    help: values.help,
    cases: named(ids, only),
    subjects: named(known.subjects, only),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

/** Those of the list that are named; where none is, the list. */
function named(list: readonly string[], only: readonly string[]): readonly string[] {
  const found = list.filter((name) => only.includes(name));
  return found.length === 0 ? list : found;
}
