/** `espalier demo`: a supervised conversation, drawn as it lives. */
import { basename } from 'node:path';

import { EspalierError } from '../errors.js';
import { planSession } from '../live/options.js';
import { readRecording } from '../testing/gemini-server/recording.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readFlags, shownFlags } from './flags.js';
import { readFileAs } from './input-file.js';
import { demoPlay } from './plays/demo-play.js';
import { defaultModel, type LiveOptions, livePlay } from './plays/live-play.js';
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
    inspect: { type: 'boolean' },
    agents: { type: 'boolean' },
    seed: { type: 'string' },
  });
  if (flags.help === true) return world.tell(demoUsage);
  if (flags.replay !== undefined && flags.live === true) throw usageError('--replay or --live, not both', 'both');
  if (flags.agents === true && (flags.replay !== undefined || flags.live === true))
    throw usageError('--agents alone, without --replay and --live', given(flags));
  if (flags.seed !== undefined && flags.agents !== true) throw usageError('--agents where there is --seed', given(flags));
  for (const name of ['model', 'base-url'] as const) {
    if (flags[name] !== undefined && flags.live !== true) throw usageError(`--live where there is --${name}`, given(flags));
  }
  const options = { inspects: flags.inspect === true };
  if (flags.agents === true) {
    const seed = seedOf(flags.seed);
    const { agentsPlay } = await import('./plays/agents-play.js');
    return world.perform(flags, agentsPlay(seed), { ...options, time: options.inspects || world.isTerminal ? 'paced' : 'virtual' });
  }
  if (flags.live === true) return world.perform(flags, live(flags.model, flags['base-url'], world.env['GEMINI_API_KEY']), options);
  if (flags.replay !== undefined) return world.perform(flags, await replay(flags.replay, world.directory), options);
  return world.perform(flags, demoPlay, options);
}

/** @throws EspalierError `cli/usage` */
function seedOf(text = '1'): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seed <= 0xffff_ffff)) throw usageError('--seed: a whole number, 0 to 4294967295', bare(text));
  return seed;
}

function live(model = defaultModel, baseUrl: string | undefined, apiKey = ''): MakePlay {
  if (apiKey.trim() === '') throw usageError('GEMINI_API_KEY to be set for --live (https://aistudio.google.com/apikey)', 'no key');
  const options: LiveOptions = { apiKey: apiKey.trim(), model, ...(baseUrl === undefined ? {} : { baseUrl }) };
  checkSession(options);
  return livePlay(options);
}

/** How the user gives the options of a session. */
const flagOf: Readonly<Record<string, string>> = { apiKey: 'GEMINI_API_KEY', baseUrl: '--base-url', model: '--model' };

/** @throws EspalierError `cli/usage` in the words of the command line, before anything starts */
function checkSession(options: LiveOptions): void {
  try {
    planSession(options);
  } catch (error) {
    if (!(error instanceof EspalierError)) throw error;
    const { expected, got } = error.details;
    throw usageError(
      expected.replace(/^\w+/, (name) => flagOf[name] ?? name),
      expected.startsWith('baseUrl') ? bare(options.baseUrl ?? '') : got,
    );
  }
}

/** The names of the flags that were given; not their values, which may be secret. */
function given(flags: object): string {
  return Object.keys(flags)
    .map((name) => `--${name}`)
    .join(' ');
}

function replay(file: string, directory: string): Promise<MakePlay> {
  return readFileAs('gemini-server/invalid-recording', directory, file, (bytes) => replayPlay(readRecording(bytes), basename(file)));
}
