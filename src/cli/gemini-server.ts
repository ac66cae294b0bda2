/** `espalier gemini-server`: the local Gemini Live server on its own, supervised. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { EspalierError } from '../errors.js';
import { orchestrator } from '../supervision/orchestrator.js';
import { readRecording, replayScript } from '../testing/gemini-server/recording.js';
import { readScript, type Step } from '../testing/gemini-server/steps.js';
import type { CommandWorld } from './command-line.js';
import { readFlags, shownFlags } from './flags.js';
import { demoScript } from './plays/demo-script.js';
import type { MakePlay } from './plays/play.js';
import { LocalGemini } from './stage/local-gemini.js';
import { geminiServerUsage, usageError } from './usage.js';

/** How long the server waits for the next message of a client before it looks again, ms: a day. */
const messageMs = 86_400_000;

/** Runs the command. @returns the exit code */
export async function geminiServerCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const flags = readFlags(args, { ...shownFlags, port: { type: 'string' }, script: { type: 'string' }, replay: { type: 'string' } });
  if (flags.help === true) return world.tell(geminiServerUsage);
  if (flags.script !== undefined && flags.replay !== undefined) throw usageError('--script or --replay, not both', args.join(' '));
  const port = portOf(flags.port ?? '0');
  const script = await scriptOf(flags, world.directory);
  return world.perform(flags, serverPlay(script, port));
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw usageError('--port: a number from 0 to 65535', text);
  return port;
}

async function scriptOf({ script, replay }: { readonly script?: string; readonly replay?: string }, directory: string): Promise<readonly Step[]> {
  if (replay !== undefined) return replayScript(readRecording(await contentsOf(replay, directory, 'gemini-server/invalid-recording')));
  if (script === undefined) return demoScript;
  const bytes = await contentsOf(script, directory, 'gemini-server/invalid-script');
  let steps: unknown;
  try {
    steps = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new EspalierError('gemini-server/invalid-script', { expected: 'JSON', got: (cause as Error).message }, { cause });
  }
  return readScript(steps);
}

async function contentsOf(
  file: string,
  directory: string,
  code: 'gemini-server/invalid-recording' | 'gemini-server/invalid-script',
): Promise<Buffer> {
  const path = resolve(directory, file);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EspalierError(code, { expected: 'a file that can be read', got: path }, { cause });
  }
}

/** Serves until it is interrupted. */
function serverPlay(script: readonly Step[], port: number): MakePlay {
  return (stage) => {
    const gemini = new LocalGemini({ script, plays: 'perConnection', port, maxReceived: 1_000_000, deadlineMs: 600_000, clock: stage.clock });
    return {
      title: 'a local Gemini Live server; Ctrl-C ends it',
      deadlineMs: null,
      abouts: { 'app/gemini': 'any API key is let in', 'app/tasks/conversation': 'prints what clients send' },
      orchestrator: orchestrator({ actors: { gemini: gemini.logic }, children: [{ id: 'gemini', src: 'gemini', restart: 'temporary' }] }),
      async direct(signal) {
        const server = await stage.until(signal, () => gemini.running);
        while (!signal.aborted) {
          const received = await server.next(undefined, { deadlineMs: messageMs });
          if (received.ok) stage.tell({ type: 'client.message', ...received.value }, 'app/gemini');
          else if (received.reason === 'closed') return;
        }
      },
    };
  };
}
