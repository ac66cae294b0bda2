/** `espalier gemini-server`: the local Gemini Live server on its own, supervised. */
import { EspalierError } from '../errors.js';
import { orchestrator } from '../supervision/orchestrator.js';
import { requireCertificate } from '../testing/gemini-server/options.js';
import { readRecording } from '../testing/gemini-server/recording.js';
import { replayScript } from '../testing/gemini-server/recording-scripts.js';
import { readScript, type Step } from '../testing/gemini-server/steps.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readFlags, shownFlags } from './flags.js';
import { readFileAs } from './input-file.js';
import { liveScript } from './plays/demo-script.js';
import type { MakePlay } from './plays/play.js';
import { LocalGemini } from './stage/local-gemini.js';
import { geminiServerUsage, usageError } from './usage.js';

/** How long the server waits for the next message of a client before it looks again, ms: a day. */
const messageMs = 86_400_000;

/** Runs the command. @returns the exit code */
export async function geminiServerCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const flags = readFlags(args, {
    ...shownFlags,
    port: { type: 'string' },
    script: { type: 'string' },
    replay: { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
  });
  if (flags.help === true) return world.tell(geminiServerUsage);
  if (flags.script !== undefined && flags.replay !== undefined) throw usageError('--script or --replay, not both', 'both');
  const port = portOf(flags.port ?? '0');
  const script = await scriptOf(flags, world.directory);
  const tls = await tlsOf(flags['tls-cert'], flags['tls-key'], world.directory);
  return world.perform(flags, serverPlay(script, port, tls));
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw usageError('--port: a number from 0 to 65535', bare(text));
  return port;
}

async function scriptOf({ script, replay }: { readonly script?: string; readonly replay?: string }, directory: string): Promise<readonly Step[]> {
  if (replay !== undefined) {
    return readFileAs('gemini-server/invalid-recording', directory, replay, (bytes) => replayScript(readRecording(bytes)));
  }
  if (script === undefined) return liveScript;
  return readFileAs('gemini-server/invalid-script', directory, script, (bytes) => readScript(JSON.parse(bytes.toString('utf8'))));
}

/** The pair of files, read and tried, so that a wrong one is told before anything starts; false for none. */
async function tlsOf(certFile: string | undefined, keyFile: string | undefined, directory: string): Promise<false | { key: string; cert: string }> {
  if (certFile === undefined && keyFile === undefined) return false;
  if (certFile === undefined || keyFile === undefined) {
    throw usageError('--tls-cert and --tls-key, both', certFile === undefined ? '--tls-key' : '--tls-cert');
  }
  const read = (file: string): Promise<string> => readFileAs('gemini-server/invalid-options', directory, file, (bytes) => bytes.toString('utf8'));
  const tls = { key: await read(keyFile), cert: await read(certFile) };
  try {
    requireCertificate(tls);
  } catch (cause) {
    const expected = `a private key in ${bare(keyFile)} and its certificate in ${bare(certFile)}, in PEM`;
    throw new EspalierError('gemini-server/invalid-options', { expected, got: 'a pair that is none' }, { cause });
  }
  return tls;
}

/** Serves until it is interrupted. */
function serverPlay(script: readonly Step[], port: number, tls: false | { key: string; cert: string }): MakePlay {
  return (stage) => {
    // Steps that speak of the next connection make no sense on each.
    const plays = script.some((step) => 'accept' in step || 'refuse' in step) ? 'once' : 'perConnection';
    const gemini = new LocalGemini({
      ...({ script, plays, port, tls, maxReceived: 1_000_000, deadlineMs: 600_000, clock: stage.clock } as const),
      // A client that nobody plays for would hang without a word.
      afterScript: 'refuse',
      tell: (news) => stage.tell(news, 'app/gemini'),
    });
    return {
      title: 'a local Gemini Live server; Ctrl-C ends it',
      task: 'printer',
      deadlineMs: null,
      abouts: { 'app/gemini': 'any API key is let in', 'app/tasks/printer': 'prints what clients send' },
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
