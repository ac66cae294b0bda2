/** What can be asked of a local Gemini Live server, and its defaults. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { isPlainObject, sortOf } from '../../live/refusal.js';
import { type Clock, systemClock } from '../../supervision/clock.js';
import { type Recording, readRecording, replayScript } from './recording.js';
import { type Step, readScript } from './steps.js';

/** Options of `geminiServer`. Give `script` or `replay`, or neither and drive it with `play()`. */
export interface GeminiServerOptions {
  /** What the server does; see {@link Step}. */
  readonly script?: readonly Step[];
  /** A recorded session to play: the path of a `*.websocket.log`, or the recording itself. */
  readonly replay?: string | Recording;
  /**
   * `once` (default): one script that goes from connection to connection by its `accept` steps. `perConnection`: every connection gets the
   * script from its start, side by side.
   */
  readonly plays?: 'once' | 'perConnection';
  /** How JSON is framed: `binary` (default, as the real server), `text`, or `alternating`, binary first. */
  readonly frames?: 'binary' | 'text' | 'alternating';
  /** Loopback port; 0 (default) takes a free one. */
  readonly port?: number;
  /** The key that clients must show. Absent: any, but one; null: none needed. */
  readonly key?: string | null;
  /** Whether permessage-deflate is granted to a client that offers it. Default true. */
  readonly compression?: boolean;
  /** Deadline in ms of a step that names none. Default 5 000. */
  readonly deadlineMs?: number;
  /** How long a script waits for a connection, in ms. Default 30 000. */
  readonly acceptMs?: number;
  /** Client messages that are kept; above it the client is closed with 1008. Default 10 000. */
  readonly maxReceived?: number;
  /** Open connections; above it the handshake is answered 503. Default 1 000. */
  readonly maxConnections?: number;
  /** Largest client message in bytes; above it the client is closed with 1009. Default 32 MiB. */
  readonly maxMessageBytes?: number;
  /** Time of the script's waits and of `received`; a virtual clock, for one. Default the system's. */
  readonly clock?: Clock;
}

/** Options with every default in its place; `script` is what `script` or `replay` came to, null for neither. */
export type GeminiServerSettings = Required<Omit<GeminiServerOptions, 'script' | 'replay' | 'key'>> & {
  readonly script: readonly Step[] | null;
  readonly key: string | null | undefined;
};

const ms = z.number().int().min(1).max(86_400_000);
const count = z.number().int().min(1);
const shape = z.strictObject({
  script: z.unknown().optional(),
  replay: z.union([z.string(), z.object({ frames: z.array(z.object({ from: z.enum(['client', 'server']), text: z.string() })) })]).optional(),
  plays: z.enum(['once', 'perConnection']).default('once'),
  frames: z.enum(['binary', 'text', 'alternating']).default('binary'),
  port: z.number().int().min(0).max(65_535).default(0),
  key: z.string().min(1).nullish(),
  compression: z.boolean().default(true),
  deadlineMs: ms.default(5_000),
  acceptMs: ms.default(30_000),
  maxReceived: count.default(10_000),
  maxConnections: count.default(1_000),
  maxMessageBytes: count.default(32 * 1024 * 1024),
  clock: z.custom<Clock>((clock) => typeof (clock as Clock | null)?.setTimeout === 'function', 'expected a clock').default(() => systemClock),
});

/**
 * Checks the options, reads the recording and validates the script.
 * @throws EspalierError `gemini-server/invalid-options`, `gemini-server/invalid-script` or `gemini-server/invalid-recording`
 */
export async function readOptions(options: GeminiServerOptions): Promise<GeminiServerSettings> {
  // Neither a Map nor a promise has keys of its own: it would pass for no options at all.
  if (!isPlainObject(options)) throw invalid('options: an object', sortOf(options));
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(shape.shape, name));
  if (unknown !== undefined) throw invalid(`options: the keys ${Object.keys(shape.shape).join(', ')}`, unknown);
  const read = shape.safeParse(options);
  if (!read.success) {
    const issue = read.error.issues[0];
    const name = String(issue?.path[0] ?? 'options');
    // A wrong key is named, not shown.
    throw invalid(`${name}: ${issue?.message ?? 'valid'}`, name === 'key' ? sortOf(options.key) : options[name as keyof GeminiServerOptions]);
  }
  const { script, replay, key, ...settings } = read.data;
  if (script !== undefined && replay !== undefined) {
    throw invalid('script or replay, not both', ['script', 'replay']);
  }
  if (script !== undefined) return { ...settings, key, script: readScript(script) };
  if (replay === undefined) return { ...settings, key, script: null };
  const recording = typeof replay === 'string' ? readRecording(await contentsOf(replay)) : replay;
  return { ...settings, key, script: replayScript(recording) };
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-options', { expected, got });
}

async function contentsOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EspalierError('gemini-server/invalid-recording', { expected: 'the path of a recorded log', got: path }, { cause });
  }
}
