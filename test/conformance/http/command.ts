/**
 * `npm run conformance:http -- DIR… [--verbose] [--json]`: plays recorded answers of generateContent and Interactions through the local server and our
 * clients, whole, cut at every kind of boundary, and by a server that repeats the key.
 */
import { parseArgs } from 'node:util';
import { type CommandPorts, userPath } from '../standalone.js';
import { followPlaying, type Playing, playingFlags, requireFolders, type Verdict } from '../verdicts.js';
import type { Client, Heard } from './client.js';
import { clientFor } from './clients.js';
import { cutsOf } from './cuts.js';
import { brief } from './difference.js';
import { echoesOf } from './echo.js';
import { play } from './play.js';
import { type Found, type Play, readFiles } from './recordings.js';

const usage = `Usage: npm run conformance:http -- DIR… [--verbose] [--json]

Plays every recorded answer under the folders through the local Gemini server and our clients: whole, in pieces of 1, 7 and 97 bytes, between CR and LF,
between the ends of a blank line, inside a character. The app must be told the same each time, and what a second reading of the bytes says: each event by
its type, the answer with its calls, signatures and usage, and a failure with its code. Then once more by a server that repeats the key: it must not show.

  DIR…       folders or files: bodies of generateContent, streamed or whole, errors, chunks line by line, exchanges, interactions; known by their content
  --verbose  what went wrong, and why a file was skipped
  --json     one JSON object for each run: { name, run, status, reason? }
  --help     this text
`;

async function* verdicts(found: readonly Found[], ports: CommandPorts, choose: typeof clientFor): AsyncGenerator<Verdict> {
  for (const [index, one] of found.entries()) {
    ports.progress(`${index + 1} of ${found.length}`);
    if ('broken' in one) yield { name: one.name, run: 'read', status: 'failed', reason: one.broken };
    else if ('foreign' in one) yield { name: one.name, run: 'read', status: 'skipped', reason: one.foreign };
    else yield* await playAll(one, choose(one.exchange.request), ports);
  }
}

interface Run {
  readonly run: string;
  readonly heard: Heard | undefined;
  readonly problem: string | undefined;
}

/** Under each cut, side by side; what the app was told of the whole body must be what it is told of every other. */
async function playAll(one: Play, ask: Client, { takeStray }: CommandPorts): Promise<readonly Verdict[]> {
  takeStray();
  const judged = async (run: string, due: Play, cutAt: (body: Uint8Array) => number[]): Promise<Run> => {
    const thrown = (error: unknown): Omit<Run, 'run'> => ({ heard: undefined, problem: `the run threw: ${String(error)}` });
    return { run, ...(await play(due, { cutAt }, ask).catch(thrown)) };
  };
  const runs = await Promise.all(cutsOf(one.exchange.response.body).map(({ cutAt, name }) => judged(name, one, cutAt)));
  const whole = told(runs[0]?.heard);
  const same = runs.map((run): Run => {
    if (run.problem !== undefined || told(run.heard) === whole) return run;
    return { ...run, problem: `was told something else than of the whole: ${brief(run.heard)}` };
  });
  const repeated = await Promise.all(echoesOf(one).map((echo) => judged(echo.run, echo.play, () => [])));
  const stray = takeStray();
  const surfaced = stray.length > 0 ? `an error surfaced outside: ${stray.map(String).join('; ')}` : undefined;
  return [...same, ...repeated].map(({ problem = surfaced, run }): Verdict => {
    return problem === undefined ? { name: one.name, run, status: 'passed' } : { name: one.name, run, status: 'failed', reason: problem };
  });
}

/** What must be the same however it was cut. */
function told(heard: Heard | undefined): string {
  return JSON.stringify({ ...heard, leftovers: '' });
}

/**
 * Follows one command line.
 * @param choose  the client for a request; default ours
 * @returns the exit code
 */
export function conformanceHttp(args: string[], ports: CommandPorts, choose: typeof clientFor = clientFor): Promise<number> {
  const begin = (): Playing | 'help' => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: playingFlags });
    if (values.help) return 'help';
    requireFolders(positionals);
    const found = readFiles(positionals.map(userPath));
    return { verbose: values.verbose, json: values.json, verdicts: () => verdicts(found, ports, choose) };
  };
  return followPlaying(ports, { title: 'http', usage, begin });
}
