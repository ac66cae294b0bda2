/**
 * `npm run conformance:compiled [-- MODULE#export…]`: plays machines compiled beside the same interpreted by XState, and compares all that can be seen of
 * them.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import type { Reach } from '../../../src/testing/equality/side-by-side.js';
import { workOff } from '../../mutants/threads.js';
import { type CommandPorts, wholeNumber } from '../standalone.js';
import { followPlaying, type Playing, playingFlags, type Verdict } from '../verdicts.js';
import { type Defect, defects } from './defects.js';
import type { Finding, Task } from './play.js';
import { allSources, nameOf, type Source, sourceNamed } from './subjects.js';

const usage = `usage: npm run conformance:compiled [-- MODULE#export… [--steps N] [--seed N] [--jobs N] [--verbose] [--json]]
       npm run conformance:compiled -- --defects [--verbose] [--json]

Plays machines as compile() makes them beside the same as XState interprets them, and compares: snapshots whole, actions in order with what they are
given, emitted, sent, raised and scheduled events, microsteps and all else that an inspector is told, logs, errors, what is saved. Along short paths to
every state, and there into everything that can happen; on random walks with faults among their steps (events without their data, actors that fail,
functions that throw, restarts); at the start, at a stop, and after the end.

  MODULE#export  a machine that a module exports, yours too; without #export each of its machines; a machine of the catalogue by its id (default: all of the
                 catalogue, nine that are not ours, and some that are made by chance). What the export \`<name>Samples\` or \`samples\` of the module holds is
                 used: { inputs?: by name, events?: with their data, outputs?: by the src of an actor }. Its actors are replaced by ones that end, fail
                 or hang; its guards and actions run as they are, many times; what is not implemented does nothing. xstate is the one installed here
  --steps N      steps of the random walks of each machine (default 10000); along paths a tenth of it
  --seed N       of the walks (default 1)
  --jobs N       machines at a time (default: one per core)
  --defects      plants defects in the compiler, one at a time: passed are those that some machine shows
  --verbose      what differed, and why a case was skipped; how long each machine took
  --json         one JSON object for each case: { name, run, status, reason? }
  --help         this text
`;

/** Plays tasks, and hands each finding on. */
export type PlayAll = (tasks: readonly Task[], jobs: number, onFinding: (task: Task, finding: Finding) => void) => Promise<unknown>;

const inThreads: PlayAll = (tasks, jobs, onFinding) => workOff(tasks, { jobs, script: new URL('worker.js', import.meta.url) }, onFinding);

/** Machines that are made by chance are many and small: a part of the steps is enough for each. */
const partOfChance = 20;

function taskFor(source: Source, steps: number, seed: number): Task {
  const walkSteps = source.kind === 'chance' ? Math.ceil(steps / partOfChance) : steps;
  return { source, reach: { pathSteps: Math.ceil(walkSteps / 10), walkSteps, seed } };
}

/** Findings as they come. */
async function* findings(tasks: readonly Task[], jobs: number, playAll: PlayAll): AsyncGenerator<readonly [Task, Finding]> {
  const found: (readonly [Task, Finding])[] = [];
  let wake: () => void = () => undefined;
  const state = { isOver: false };
  const all = playAll(tasks, jobs, (...one) => {
    found.push(one);
    wake();
  }).finally(() => {
    state.isOver = true;
    wake();
  });
  // It is awaited below; until then its failure is nobody's.
  all.catch(() => undefined);
  while (!state.isOver || found.length > 0) {
    const one = found.shift();
    if (one !== undefined) yield one;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  await all;
}

async function* machineVerdicts(
  tasks: readonly Task[],
  jobs: number,
  ports: CommandPorts,
  playAll: PlayAll,
  isVerbose: boolean,
): AsyncGenerator<Verdict> {
  let done = 0;
  for await (const [{ source }, { verdicts, tookMs }] of findings(tasks, jobs, playAll)) {
    ports.progress(`${++done} of ${tasks.length}`);
    if (isVerbose) ports.complain(`${nameOf(source)}: ${verdicts.length} cases, ${Math.round(tookMs)} ms`);
    yield* verdicts;
  }
}

/** A defect is caught by the first machine that shows it. */
async function* defectVerdicts(all: readonly Defect[], jobs: number, ports: CommandPorts, playAll: PlayAll): AsyncGenerator<Verdict> {
  let open: readonly Defect[] = all;
  const reach: Reach = { pathSteps: 200, walkSteps: 200, seed: 1 };
  for (const source of allSources()) {
    ports.progress(`${all.length - open.length} of ${all.length}`);
    if (open.length === 0) return;
    const caught = new Set<string>();
    for await (const [{ defect }, { verdicts }] of findings(
      open.map((defect) => ({ source, reach, defect })),
      jobs,
      playAll,
    )) {
      const shown = verdicts.find(({ status }) => status === 'failed');
      if (shown === undefined || defect === undefined) continue;
      if (shown.run === 'read') throw new Error(shown.reason);
      caught.add(defect.what);
      yield { name: defect.what, run: `${shown.name}: ${shown.run}`, status: 'passed' };
    }
    open = open.filter(({ what }) => !caught.has(what));
  }
  for (const { what } of open) yield { name: what, run: 'all', status: 'failed', reason: 'no machine shows it' };
}

/**
 * Follows one command line.
 * @param playAll  who plays; default threads
 * @param planted  what `--defects` plants
 * @returns the exit code
 */
export function conformanceCompiled(
  args: string[],
  ports: CommandPorts,
  playAll: PlayAll = inThreads,
  planted: readonly Defect[] = defects,
): Promise<number> {
  const begin = (): Playing | 'help' => {
    const flags = {
      steps: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string' },
      defects: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...playingFlags, ...flags } });
    if (values.help) return 'help';
    const jobs = values.jobs === undefined ? availableParallelism() : wholeNumber('--jobs', values.jobs, 1);
    const steps = values.steps === undefined ? 10_000 : wholeNumber('--steps', values.steps, 1);
    const seed = values.seed === undefined ? 1 : wholeNumber('--seed', values.seed);
    const { verbose, json } = values;
    if (values.defects && positionals.length > 0) throw new Error(`expected --defects without machines, got: ${positionals.join(' ')}`);
    if (values.defects) return { verbose, json, verdicts: () => defectVerdicts(planted, jobs, ports, playAll) };
    const sources = positionals.length === 0 ? allSources() : positionals.map(sourceNamed);
    // The great ones of the catalogue come last in it, and would be waited for alone.
    const tasks = sources.map((source) => taskFor(source, steps, seed)).reverse();
    return { verbose, json, verdicts: () => machineVerdicts(tasks, jobs, ports, playAll, verbose) };
  };
  return followPlaying(ports, { title: 'compiled', usage, begin });
}
