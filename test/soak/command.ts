/**
 * `npm run soak:live -- [--conversations N] [--seed N]… [--json]`: made-up conversations with faults at random, one after the other, on virtual time.
 *
 * Exit codes: 0 every call was accounted for and nothing was left · 1 something was lost, or left, or the heap grew · 2 a command line that cannot be followed.
 */
import { parseArgs } from 'node:util';
import { heldBytes } from '../../bench/heap.js';
import { Chance } from '../../src/testing/world/chance.js';
import { type CommandPorts, wholeNumber } from '../conformance/standalone.js';
import { appOf, described, type FaultyRun, playRun, withdrawal } from '../conformance/live/faults.js';
import { faultKinds, type Fault } from '../conformance/live/faulty-peer.js';
import type { Session } from '../conformance/live/recordings.js';
import { problemIn } from '../conformance/verdicts.js';
import { madeUpSession } from './conversation.js';
import { TimerWatch } from './left-timers.js';

const usage = `Usage: npm run soak:live -- [--conversations N] [--seed N]… [--json]

Plays conversations with faults at random through our session, and looks at what stays: calls, sockets, timers, heap.

  --conversations N  how many for each seed; default 10000
  --seed N           default 1; the same seed plays the same; may be given more than once
  --json             the figures of each seed as one JSON object
  --help             this text
`;

/** How much the heap may grow over all conversations after the first tenth, bytes: less than 200 for each of 10 000. */
const mostGrowth = 2_000_000;

export interface SoakFigures {
  readonly conversations: number;
  readonly seed: number;
  readonly failures: readonly string[];
  /** Bytes held after the first tenth, and after the last. */
  readonly heapBytes: readonly [number, number];
  /** Sockets, servers and the like that the process holds more than at the start, and timers that were set since, whatever they keep running. */
  readonly handlesLeft: readonly string[];
}

/** Plays them all. */
export async function soak(
  conversations: number,
  seed: number,
  { progress, takeStray }: Pick<CommandPorts, 'progress' | 'takeStray'>,
): Promise<SoakFigures> {
  const failures: string[] = [];
  // Opened when they are first looked at, and nobody's leftovers.
  void [process.stdin, process.stdout, process.stderr];
  const before = process.getActiveResourcesInfo();
  const timers = new TimerWatch();
  const firstTenth = Math.max(1, Math.floor(conversations / 10));
  let early = 0;
  for (let index = 0; index < conversations; index++) {
    const chance = new Chance(seed, `conversation ${index}`);
    const session = madeUpSession(`conversation ${index}`, chance);
    const run = runOf(session, chance);
    const problem = await problemIn(() => playRun(session, run), takeStray);
    if (problem !== undefined) failures.push(`${session.name}, ${described(run)}: ${problem}`);
    if (index + 1 === firstTenth) early = await heldBytes();
    if (index % 500 === 499) progress(`seed ${seed}: ${index + 1} of ${conversations}`);
  }
  const late = await heldBytes();
  const left = await timers.left();
  timers.stop();
  const others = surplus(before, process.getActiveResourcesInfo()).filter((name) => name !== 'Timeout');
  return { conversations, seed, failures, heapBytes: [early, late], handlesLeft: [...others, ...left] };
}

/** Up to three faults. */
function runOf({ recording: { frames } }: Session, chance: Chance): FaultyRun {
  // Where the server waits for an answer, faults do most harm.
  const answers = frames.flatMap(({ text }, frame) => (text.startsWith('{"toolResponse"') ? [frame] : []));
  if (answers.length > 0 && chance.next() < 0.1) return withdrawal(chance.pick(answers), chance);
  const somewhere = (): number => (answers.length > 0 && chance.next() < 0.6 ? chance.pick(answers) : Math.floor(chance.next() * frames.length));
  const count = Math.floor(chance.next() * 4);
  const faults = Array.from({ length: count }, (): Fault => ({ kind: chance.pick(faultKinds), frame: somewhere(), chance: chance.next() }));
  return { faults, ...appOf(chance) };
}

/** What of the second list the first does not account for. */
function surplus(before: readonly string[], after: readonly string[]): readonly string[] {
  const known = [...before];
  return after.filter((name) => {
    const place = known.indexOf(name);
    if (place !== -1) known.splice(place, 1);
    return place === -1;
  });
}

/** Why a soak has failed, in words; empty where it has not. */
export function faultsIn({ failures, handlesLeft, heapBytes: [early, late] }: SoakFigures): readonly string[] {
  const grown = late - early;
  return [
    ...failures.slice(0, 10),
    ...(handlesLeft.length > 0 ? [`left: ${handlesLeft.join(', ')}`] : []),
    ...(grown > mostGrowth ? [`the heap grew by ${grown} bytes (at most ${mostGrowth})`] : []),
  ];
}

/**
 * Follows one command line.
 * @returns the exit code
 */
export async function soakLive(args: string[], ports: CommandPorts): Promise<number> {
  let conversations: number;
  let seeds: readonly number[];
  let isJson: boolean;
  try {
    const options = {
      conversations: { type: 'string', default: '10000' },
      seed: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
    } as const;
    const { values } = parseArgs({ args, options: { ...options, help: { type: 'boolean', default: false } } });
    if (values.help) {
      ports.print(usage);
      return 0;
    }
    conversations = wholeNumber('--conversations', values.conversations, 1);
    seeds = (values.seed ?? ['1']).map((text) => wholeNumber('--seed', text, Number.MIN_SAFE_INTEGER));
    isJson = values.json;
  } catch (error) {
    ports.complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  let isSound = true;
  for (const seed of seeds) {
    const figures = await soak(conversations, seed, ports);
    const faults = faultsIn(figures);
    isSound &&= faults.length === 0;
    if (isJson) {
      ports.print(JSON.stringify(figures));
      continue;
    }
    for (const fault of faults) ports.print(fault);
    const [early, late] = figures.heapBytes;
    ports.print(`heap: ${early} bytes after a tenth, ${late} at the end; handles left: ${figures.handlesLeft.length}`);
    ports.print(`soak: ${conversations} conversations, ${figures.failures.length} failed, seed ${seed}`);
  }
  return isSound ? 0 : 1;
}
