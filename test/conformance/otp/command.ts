/**
 * `npm run conformance:otp -- FILE.jsonl… [--verbose] [--json] [--only NAME]`: plays golden traces of real Erlang/OTP on our supervisors.
 *
 * Exit codes: 0 every line passed or was skipped with a reason · 1 a line failed · 2 a command line that cannot be followed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

import { type CommandPorts, surfaced, userPath } from '../standalone.js';
import type { Outcome } from './line.js';
import { describe, playLine, readExclusions, readLine, type Exclusion } from './play.js';

const usage = `Usage: npm run conformance:otp -- [FILE.jsonl…] [--verbose] [--json] [--only NAME]

Plays golden traces of real Erlang/OTP and Elixir (test/conformance/otp/FORMAT.md) and counts who agrees.

  FILE.jsonl   files of the format; without any, the sets in test/conformance/otp/sets
  --verbose    the first difference of each failed line, expected beside got, and why a line was skipped
  --json       one JSON object for each line: { file, name, status, reason?, difference? }
  --only NAME  plays only the lines of that name; may be repeated
  --help       this text
`;

interface Options {
  readonly files: readonly string[];
  readonly verbose: boolean;
  readonly json: boolean;
  readonly only: readonly string[];
}

/** The repository: where package.json is, seen from the compiled file as from the source. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('no package.json above this file');
    folder = above;
  }
  return folder;
}

function parse(args: string[], home: string): Options | 'help' {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      verbose: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const own = ['hand', 'public', 'proc-hand', 'proc-public', 'elixir', 'own'].map((set) => join(home, 'sets', `${set}.jsonl`));
  return { files: positionals.length > 0 ? positionals.map(userPath) : own, verbose: values.verbose, json: values.json, only: values.only };
}

interface Played {
  readonly name: string;
  readonly outcome: Outcome;
}

async function playText(text: string, exclusions: readonly Exclusion[], only: readonly string[], ports: CommandPorts): Promise<Played | null> {
  const line = readLine(text);
  if ('broken' in line) return only.length > 0 ? null : { name: '(not a line)', outcome: { status: 'failed', reason: line.broken } };
  if (only.length > 0 && !only.includes(line.name)) return null;
  ports.takeStray();
  const outcome = await playLine(line, exclusions);
  const stray = await surfaced(ports.takeStray);
  if (stray.length === 0 || outcome.status === 'failed') return { name: line.name, outcome };
  return { name: line.name, outcome: { status: 'failed', reason: `an error surfaced outside: ${stray.map((error) => describe(error)).join('; ')}` } };
}

function tell({ name, outcome }: Played, file: string, options: Options, print: (text: string) => void): void {
  if (options.json) print(JSON.stringify({ file: basename(file), name, ...outcome }));
  else if (options.verbose && outcome.status !== 'passed') print(`${outcome.status} ${basename(file)} ${name}\n${detailOf(outcome)}`);
}

/** Why a line failed or was skipped, in indented rows. */
export function detailOf(outcome: Outcome): string {
  if (outcome.status === 'passed') return '';
  if ('reason' in outcome) return `  ${outcome.reason}`;
  const { at, expected, got } = outcome.difference;
  return `  at       ${at}\n  expected ${show(expected)}\n  got      ${show(got)}`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? inspect(value);
}

async function run(
  options: Options,
  texts: readonly (readonly [string, string])[],
  exclusions: readonly Exclusion[],
  ports: CommandPorts,
): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const unseen = new Set(options.only);
  for (const [file, text] of texts) {
    for (const row of text.split('\n')) {
      const played = row.trim() === '' ? null : await playText(row, exclusions, options.only, ports);
      if (played === null) continue;
      unseen.delete(played.name);
      counts[played.outcome.status]++;
      tell(played, file, options, ports.print);
    }
  }
  if (unseen.size > 0) {
    ports.complain(`no line is called ${[...unseen].join(', ')}\n\n${usage}`);
    return 2;
  }
  ports.print(`otp: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}

/**
 * Follows one command line.
 * @returns the exit code
 */
export async function conformance(args: string[], ports: CommandPorts): Promise<number> {
  const home = join(repositoryRoot(), 'test', 'conformance', 'otp');
  let options: Options | 'help';
  let texts: (readonly [string, string])[];
  try {
    options = parse(args, home);
    if (options === 'help') {
      ports.print(usage);
      return 0;
    }
    texts = options.files.map((file) => [file, readFileSync(file, 'utf8')]);
  } catch (error) {
    ports.complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  return run(options, texts, readExclusions(readFileSync(join(home, 'excluded.json'), 'utf8')), ports);
}
