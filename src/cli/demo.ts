/** `espalier demo`: a supervised conversation, drawn as it lives. */
import { basename } from 'node:path';

import { readRecording } from '../testing/gemini-server/recording.js';
import type { CommandWorld } from './command-line.js';
import { readFlags, shownFlags } from './flags.js';
import { readFileAs } from './input-file.js';
import { demoPlay } from './plays/demo-play.js';
import { defaultModel, livePlay } from './plays/live-play.js';
import type { MakePlay } from './plays/play.js';
import { replayPlay } from './plays/replay-play.js';
import { demoUsage, usageError } from './usage.js';

/** Runs the command. @returns the exit code */
export async function demo(args: readonly string[], world: CommandWorld): Promise<number> {
  const flags = readFlags(args, {
    ...shownFlags,
    replay: { type: 'string' },
    live: { type: 'boolean' },
    model: { type: 'string' },
    'base-url': { type: 'string' },
  });
  if (flags.help === true) return world.tell(demoUsage);
  if (flags.replay !== undefined && flags.live === true) throw usageError('--replay or --live, not both', args.join(' '));
  for (const name of ['model', 'base-url'] as const) {
    if (flags[name] !== undefined && flags.live !== true) throw usageError(`--live where there is --${name}`, args.join(' '));
  }
  if (flags.live === true) return world.perform(flags, live(flags.model, flags['base-url'], world.env['GEMINI_API_KEY']));
  if (flags.replay !== undefined) return world.perform(flags, await replay(flags.replay, world.directory));
  return world.perform(flags, demoPlay);
}

function live(model = defaultModel, baseUrl: string | undefined, apiKey = ''): MakePlay {
  if (apiKey.trim() === '') throw usageError('GEMINI_API_KEY to be set for --live (https://aistudio.google.com/apikey)', 'no key');
  return livePlay({ apiKey: apiKey.trim(), model, ...(baseUrl === undefined ? {} : { baseUrl }) });
}

function replay(file: string, directory: string): Promise<MakePlay> {
  return readFileAs('gemini-server/invalid-recording', directory, file, (bytes) => replayPlay(readRecording(bytes), basename(file)));
}
