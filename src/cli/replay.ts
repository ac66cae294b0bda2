/** `espalier replay`: a recording of actors at a moment, or through today's machines. */
import { basename } from 'node:path';
import type { AnyStateMachine } from 'xstate';

import { catalogue } from '../../machines/index.js';
import { sceneAt } from '../recording/scene.js';
import { replay, type ReplayResult } from '../testing/replay/replay.js';
import { tellDifference } from '../testing/replay/expect-replay.js';
import type { ActorRecording } from '../wire/recording/parse.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readCall, shownFlags } from './flags.js';
import { exported, sequenceIn } from './exports.js';
import { isMachine, load } from './machine-module.js';
import { writeOut } from './output-file.js';
import { readRecordingFile } from './scene-source.js';
import { printLines, printScene } from './screen/print-scene.js';
import { sequenceData, sequenceLines } from './screen/sequence-lines.js';
import { printable } from './screen/spans.js';
import { replayUsage, usageError } from './usage.js';

/** Most actors without a machine that are named. */
const mostNamed = 20;

/** Runs the command. @returns the exit code */
export async function replayCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(
    args,
    {
      ...{ ...shownFlags, at: { type: 'string' }, machines: { type: 'string' }, actor: { type: 'string' } },
      ...{ sequence: { type: 'boolean' }, export: { type: 'string' }, out: { type: 'string' } },
    },
    'FILE',
  );
  if (flags.help === true) return world.tell(replayUsage);
  if (word === undefined) throw usageError('FILE: a recording of actors', 'none');
  requireOne(flags);
  const at = flags.at === undefined ? Infinity : /^\d+$/.test(flags.at) ? Number(flags.at) : Number.NaN;
  if (Number.isNaN(at)) throw usageError('--at: the number of a line', bare(flags.at ?? ''));
  const recording = await readRecordingFile(word, world.directory);
  const begin = recording.lines[0]?.seq ?? 0;
  if (at < begin) throw usageError(`--at: ${begin}, where the file begins, or later`, at);
  const part = { recording, at, actor: flags.actor ?? null };
  if (flags.export !== undefined) return give(await exported(flags.export, { ...part, title: basename(word) }), flags, world);
  if (flags.sequence === true) {
    const { rows } = sequenceIn(part);
    if (flags.json !== true) return printLines(sequenceLines(rows, recording.lines), flags, world, 'nothing was said');
    return world.tell(
      sequenceData(rows, recording.lines)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    );
  }
  if (flags.machines === undefined) return printScene(sceneAt(recording.lines, at), flags, world);
  const module = flags.machines;
  const machines = Object.values(await world.aside(() => load(module, world.directory))).filter(isMachine);
  const { result, skipped, isIdle } = replayed(recording, machines);
  const ok = result.ok && !isIdle;
  world.tell(flags.json === true ? `${JSON.stringify({ type: 'replay', ...result, ok, isIdle, skipped })}\n` : wordsOf(result, skipped, isIdle));
  return ok ? 0 : 1;
}

/** Of what excludes each other, one. @throws EspalierError `cli/usage` */
function requireOne(flags: Readonly<Record<string, unknown>>): void {
  const pairs = ['at machines', 'actor machines', 'sequence machines', 'export machines', 'export sequence', 'export json'];
  for (const [one = '', other = ''] of pairs.map((pair) => pair.split(' ')))
    if (flags[one] !== undefined && flags[other] !== undefined) throw usageError(`--${one} or --${other}, not both`, 'both');
  if (flags['out'] !== undefined && flags['export'] === undefined) throw usageError('--export where there is --out', 'none');
}

/** Writes an export to where it is wanted. @returns the exit code */
async function give(text: string, { out }: { readonly out?: string }, world: CommandWorld): Promise<number> {
  if (out === undefined) return world.tell(text);
  await writeOut(out, world.directory, text);
  return 0;
}

/** What came of a replay, and of whom nothing could. */
interface Replayed {
  readonly result: ReplayResult;
  /** Actors of a machine of which none with its id was given. */
  readonly skipped: readonly { readonly actor: string; readonly machine: string }[];
  /** Nothing was replayed, or only actors of Espalier's own although the app had others: that proves nothing of it. */
  readonly isIdle: boolean;
}

/** Through the machines that were given, and those of the house; others are left out, and named. */
function replayed(recording: ActorRecording, given: readonly AnyStateMachine[]): Replayed {
  const house: readonly AnyStateMachine[] = Object.values(catalogue as Record<string, AnyStateMachine>);
  const machines = new Map([...house, ...given].map((machine) => [machine.id, machine]));
  const ids = new Map(recording.lines.flatMap((line) => (line.type === '@espalier.machine' ? [[line.machine, line.definition.id]] : [])));
  const skip = [...new Set(ids.values())].filter((id) => !machines.has(id));
  const result = replay(recording, { machines: [...machines.values()], skip });
  const own = new Set(house.map(({ id }) => id));
  const actors = new Map<string, string>();
  for (const line of recording.lines)
    if (line.type === '@xstate.actor' && line.machine !== null && line.state !== undefined) actors.set(line.actor, ids.get(line.machine) ?? '');
  const skipped = [...actors].flatMap(([actor, machine]) => (machines.has(machine) ? [] : [{ actor, machine }]));
  const isEmpty = result.ok && result.transitions === 0;
  const isIdle = isEmpty || (skipped.length > 0 && [...actors.values()].every((id) => own.has(id) || !machines.has(id)));
  return { result, skipped, isIdle };
}

function wordsOf(result: ReplayResult, skipped: Replayed['skipped'], isIdle: boolean): string {
  const left = [
    ...skipped.slice(0, mostNamed).map(({ actor, machine }) => `not replayed: ${actor}, no machine with the id '${machine}' was given`),
    ...(skipped.length > mostNamed ? [`not replayed: ${skipped.length - mostNamed} actors more`] : []),
  ];
  const told = (lines: readonly string[]): string => lines.map((line) => `${printable(line)}\n`).join('');
  if (!result.ok) return `${tellDifference(result).split('\n').map(printable).join('\n')}\n${told(left)}`;
  const { actors, transitions, unchecked, cut } = result;
  return told([
    `${transitions} transitions of ${actors} actors came out as they were recorded`,
    ...unchecked.map((words) => `not compared: ${words}`),
    ...left,
    ...(isIdle ? [`${transitions === 0 ? 'nothing' : "none of the app's own machines"} was replayed, which proves nothing of them`] : []),
    ...(cut === null ? [] : [`the recording stops before the app did: ${cut}`]),
  ]);
}
