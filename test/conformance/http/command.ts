/**
 * `npm run conformance:http -- DIR… [--verbose] [--json]`: plays recorded answers of generateContent and Interactions through the local server and our
 * clients, whole and cut at every kind of boundary.
 *
 * Exit codes: 0 all passed or were skipped with a reason · 1 one failed · 2 a command line that cannot be followed.
 */
import { parseArgs } from 'node:util';
import { type CommandPorts, userPath } from '../standalone.js';
import type { Client } from './client.js';
import { clientFor } from './clients.js';
import { cutsOf } from './cuts.js';
import { play } from './play.js';
import { type Found, type Play, readFiles } from './recordings.js';

const usage = `Usage: npm run conformance:http -- DIR… [--verbose] [--json]

Plays every recorded answer under the folders through the local Gemini server and our clients: whole, in pieces of 1, 7 and 97 bytes, between CR and LF,
between the ends of a blank line, inside a character. The app must see the same each time: the recorded events, and a failure with its code.

  DIR…       folders or files: bodies of generateContent, streamed or whole, errors, chunks line by line, exchanges, interactions; known by their content
  --verbose  what went wrong, and why a file was skipped
  --json     one JSON object for each run: { name, run, status, reason? }
  --help     this text
`;

interface Options {
  readonly paths: readonly string[];
  readonly verbose: boolean;
  readonly json: boolean;
}

interface Verdict {
  readonly name: string;
  readonly run: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly reason?: string;
}

function parse(args: string[]): Options | 'help' {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { verbose: flag, json: flag, help: flag } });
  if (values.help) return 'help';
  if (positionals.length === 0) throw new Error('expected a folder of recordings, got: none');
  return { paths: positionals.map(userPath), verbose: values.verbose, json: values.json };
}

async function* verdicts(found: readonly Found[], ports: CommandPorts, choose: typeof clientFor): AsyncGenerator<Verdict> {
  for (const [index, one] of found.entries()) {
    ports.progress(`${index + 1} of ${found.length}`);
    if ('broken' in one) yield { name: one.name, run: 'read', status: 'failed', reason: one.broken };
    else if ('foreign' in one) yield { name: one.name, run: 'read', status: 'skipped', reason: one.foreign };
    else yield* await playAll(one, choose(one.exchange.request), ports);
  }
}

/** Under each cut, side by side; what the app saw of the whole body must be what it sees of every other. */
async function playAll(one: Play, ask: Client, { takeStray }: CommandPorts): Promise<readonly Verdict[]> {
  takeStray();
  const runs = await Promise.all(
    cutsOf(one.exchange.response.body).map(async (cut) => {
      const thrown = (error: unknown): { heard: undefined; problem: string } => ({ heard: undefined, problem: `the run threw: ${String(error)}` });
      return { run: cut.name, ...(await play(one, cut, ask).catch(thrown)) };
    }),
  );
  const stray = takeStray();
  const surfaced = stray.length > 0 ? `an error surfaced outside: ${stray.map(String).join('; ')}` : undefined;
  const whole = JSON.stringify(runs[0]?.heard);
  return runs.map(({ run, heard, problem }): Verdict => {
    const differs = JSON.stringify(heard) === whole ? undefined : `saw something else than of the whole: ${JSON.stringify(heard).slice(0, 300)}`;
    const reason = problem ?? differs ?? surfaced;
    return reason === undefined ? { name: one.name, run, status: 'passed' } : { name: one.name, run, status: 'failed', reason };
  });
}

/**
 * Follows one command line.
 * @param choose  the client for a request; default ours
 * @returns the exit code
 */
export async function conformanceHttp(args: string[], ports: CommandPorts, choose: typeof clientFor = clientFor): Promise<number> {
  let options: Options | 'help';
  let found: readonly Found[];
  try {
    options = parse(args);
    if (options === 'help') {
      ports.print(usage);
      return 0;
    }
    found = readFiles(options.paths);
  } catch (error) {
    ports.complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const verdict of verdicts(found, ports, choose)) {
    counts[verdict.status]++;
    if (options.json) ports.print(JSON.stringify(verdict));
    else if (verdict.status === 'failed' || (options.verbose && verdict.status === 'skipped')) {
      ports.print(`${verdict.status} ${verdict.name} (${verdict.run})${options.verbose ? `\n  ${verdict.reason ?? ''}` : ''}`);
    }
  }
  ports.print(`http: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}
