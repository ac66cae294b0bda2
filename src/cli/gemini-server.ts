/** `espalier gemini-server`: the local Gemini server on its own, supervised. */
import { EspalierError } from '../errors.js';
import { orchestrator } from '../supervision/orchestrator.js';
import { requireCertificate } from '../testing/gemini-server/options.js';
import { httpRules, readHttpRecording } from '../testing/gemini-server/http/recording.js';
import { type HttpRule, readRules } from '../testing/gemini-server/http/rules.js';
import { readRecording } from '../testing/gemini-server/recording.js';
import { replayScript } from '../testing/gemini-server/recording-scripts.js';
import { readScript, type Step } from '../testing/gemini-server/steps.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readFlags, shownFlags } from './flags.js';
import { readFileAs } from './input-file.js';
import { weatherRules } from './plays/demo-http.js';
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
    http: { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
  });
  if (flags.help === true) return world.tell(geminiServerUsage);
  if (flags.script !== undefined && flags.replay !== undefined) throw usageError('--script or --replay, not both', 'both');
  const port = portOf(flags.port ?? '0');
  const script = await scriptOf(flags, world.directory);
  const http = await httpOf(flags.http, world.directory);
  const tls = await tlsOf(flags['tls-cert'], flags['tls-key'], world.directory);
  return world.perform(flags, serverPlay({ script, http, port, tls }));
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

/** The rules of a file, or those that replay the recording that it holds, again and again. */
async function httpOf(file: string | undefined, directory: string): Promise<readonly HttpRule[]> {
  if (file === undefined) return weatherRules;
  return readFileAs('gemini-server/invalid-script', directory, file, (bytes) => {
    const value = jsonIn(bytes);
    if (!isListOfRules(value)) return httpRules(readHttpRecording(bytes)).map((rule) => ({ ...rule, times: 'always' }));
    readRules(value);
    return value;
  });
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A recorded stream may be a list as well: of answers. */
function isListOfRules(value: unknown): value is readonly HttpRule[] {
  return Array.isArray(value) && value.some((one) => typeof one === 'object' && one !== null && ('answer' in one || 'interaction' in one));
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

/** What is served, and where. */
interface Serving {
  readonly script: readonly Step[];
  readonly http: readonly HttpRule[];
  readonly port: number;
  readonly tls: false | { key: string; cert: string };
}

/** Serves until it is interrupted. */
function serverPlay({ script, http, port, tls }: Serving): MakePlay {
  return (stage) => {
    // Steps that speak of the next connection make no sense on each.
    const plays = script.some((step) => 'accept' in step || 'refuse' in step) ? 'once' : 'perConnection';
    const gemini = new LocalGemini({
      ...({ script, http, plays, port, tls, maxReceived: 1_000_000, deadlineMs: 600_000, clock: stage.clock } as const),
      // A client that nobody plays for would hang without a word.
      afterScript: 'refuse',
      tell: (news) => stage.tell(news, 'app/gemini'),
    });
    return {
      title: 'a local Gemini server; Ctrl-C ends it',
      task: 'printer',
      deadlineMs: null,
      abouts: { 'app/gemini': 'any API key is let in', 'app/tasks/printer': 'prints what clients send' },
      orchestrator: orchestrator({ actors: { gemini: gemini.logic }, children: [{ id: 'gemini', src: 'gemini', restart: 'temporary' }] }),
      async direct(signal) {
        const server = await stage.until(signal, () => gemini.running);
        const messages = async (): Promise<void> => {
          while (!signal.aborted) {
            const received = await server.next(undefined, { deadlineMs: messageMs });
            if (received.ok) stage.tell({ type: 'client.message', ...received.value }, 'app/gemini');
            else if (received.reason === 'closed') return;
          }
        };
        const requests = async (): Promise<void> => {
          for (let index = 0; !signal.aborted; ) {
            const asked = await server.nthRequest(index, { deadlineMs: messageMs });
            if (!asked.ok && asked.reason === 'closed') return;
            if (!asked.ok) continue;
            const { method, path, operation, rule, body } = asked.value;
            stage.tell({ type: 'client.request', index: index++, method, path, operation, rule, body }, 'app/gemini');
          }
        };
        await Promise.all([messages(), requests()]);
      },
    };
  };
}
