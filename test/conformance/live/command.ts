/** `npm run conformance:live -- DIR… [--verbose] [--json] [--faults] [--seed N]`: plays recorded Live sessions through our session and our server. */
import { parseArgs } from 'node:util';
import { type CommandPorts, userPath, wholeNumber } from '../standalone.js';
import { followPlaying, type Playing, playingFlags, problemIn, requireFolders, type Verdict } from '../verdicts.js';
import { playAgainstClient } from './against-client.js';
import { playAgainstServer } from './against-server.js';
import { playWithFaults } from './faults.js';
import { faultKinds } from './faulty-peer.js';
import { endings, readFiles, type RecordedFile, type Session } from './recordings.js';

const usage = `Usage: npm run conformance:live -- DIR… [--verbose] [--json] [--faults] [--seed N]

Plays every recorded Live session under the folders, as server script against our session and as client script against our server.

  DIR…       folders or files: *.websocket.log, cassettes (*.yaml), server frames (*.chunks.txt, *.jsonl)
  --verbose  what went wrong, and why a file was skipped
  --json     one JSON object for each run: { name, run, status, reason? }
  --faults   besides, each session with each fault at each of its frames: ${faultKinds.join(', ')}
  --seed N   seed of the faults; default 1
  --help     this text
`;

interface Options {
  readonly faults: boolean;
  readonly seed: number;
}

async function judge(name: string, run: string, play: () => Promise<string | undefined>, { takeStray }: CommandPorts): Promise<Verdict> {
  const reason = await problemIn(play, takeStray);
  return reason === undefined ? { name, run, status: 'passed' } : { name, run, status: 'failed', reason };
}

async function* verdicts(files: readonly RecordedFile[], options: Options, ports: CommandPorts): AsyncGenerator<Verdict> {
  for (const file of files) {
    if ('broken' in file) yield { name: file.name, run: 'read', status: 'failed', reason: file.broken };
    else if ('foreign' in file) yield { name: file.name, run: 'read', status: 'skipped', reason: file.foreign };
    else for (const session of file.sessions) yield* playSession(session, options, ports);
  }
}

async function* playSession(session: Session, { faults, seed }: Options, ports: CommandPorts): AsyncGenerator<Verdict> {
  yield await judge(session.name, 'our session', () => playAgainstServer(session), ports);
  yield await judge(session.name, 'our server', () => playAgainstClient(session), ports);
  if (faults) yield await judge(session.name, `faults, seed ${seed}`, () => playWithFaults(session, seed), ports);
}

/**
 * Follows one command line.
 * @returns the exit code
 */
export function conformanceLive(args: string[], ports: CommandPorts): Promise<number> {
  const begin = (): Playing | 'help' => {
    const own = { faults: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...playingFlags, ...own } });
    if (values.help) return 'help';
    requireFolders(positionals);
    const { faults, json, seed, verbose } = values;
    const options = { faults, seed: wholeNumber('--seed', seed) };
    const paths = positionals.map(userPath);
    const files = readFiles(paths);
    if (files.length === 0) throw new Error(`expected recordings (${endings.join(', ')}), got none under: ${paths.join(', ')}`);
    return { verbose, json, verdicts: () => verdicts(files, options, ports) };
  };
  return followPlaying(ports, { title: 'live', usage, begin });
}
