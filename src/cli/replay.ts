/** `espalier replay`: a recording of actors at a moment, or through today's machines. */
import type { AnyStateMachine } from 'xstate';

import { catalogue } from '../../machines/index.js';
import { sceneAt } from '../recording/scene.js';
import { replay, type ReplayResult } from '../testing/replay/replay.js';
import { tellDifference } from '../testing/replay/expect-replay.js';
import type { ActorRecording } from '../wire/recording/parse.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readCall, shownFlags } from './flags.js';
import { isMachine, load } from './machine-module.js';
import { readRecordingFile } from './scene-source.js';
import { printScene } from './screen/print-scene.js';
import { printable } from './screen/spans.js';
import { replayUsage, usageError } from './usage.js';

/** Runs the command. @returns the exit code */
export async function replayCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(args, { ...shownFlags, at: { type: 'string' }, machines: { type: 'string' } }, 'FILE');
  if (flags.help === true) return world.tell(replayUsage);
  if (word === undefined) throw usageError('FILE: a recording of actors', 'none');
  if (flags.at !== undefined && flags.machines !== undefined) throw usageError('--at or --machines, not both', 'both');
  const at = flags.at === undefined ? Infinity : /^\d+$/.test(flags.at) ? Number(flags.at) : Number.NaN;
  if (Number.isNaN(at)) throw usageError('--at: the number of a line', bare(flags.at ?? ''));
  const recording = await readRecordingFile(word, world.directory);
  if (flags.machines === undefined) return printScene(sceneAt(recording.lines, at), flags, world);
  const module = flags.machines;
  const machines = Object.values(await world.aside(() => load(module, world.directory))).filter(isMachine);
  const result = replayed(recording, machines);
  world.tell(flags.json === true ? `${JSON.stringify({ type: 'replay', ...result })}\n` : wordsOf(result));
  return result.ok ? 0 : 1;
}

/** Through the machines that were given, and those of the house; others are left out. */
function replayed(recording: ActorRecording, given: readonly AnyStateMachine[]): ReplayResult {
  const machines = new Map([...Object.values(catalogue as Record<string, AnyStateMachine>), ...given].map((machine) => [machine.id, machine]));
  const recorded = recording.lines.flatMap((line) => (line.type === '@espalier.machine' ? [line.definition.id] : []));
  return replay(recording, { machines: [...machines.values()], skip: [...new Set(recorded.filter((id) => !machines.has(id)))] });
}

function wordsOf(result: ReplayResult): string {
  if (!result.ok) return `${tellDifference(result).split('\n').map(printable).join('\n')}\n`;
  const { actors, transitions, unchecked, cut } = result;
  const lines = [
    `${transitions} transitions of ${actors} actors came out as they were recorded`,
    ...unchecked.map((words) => `not compared: ${words}`),
    ...(cut === null ? [] : [`the recording stops before the app did: ${cut}`]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}
