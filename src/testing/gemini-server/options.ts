/** What can be asked of a local Gemini server, and its defaults. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { isPlainObject, sortOf } from '../../option-checks.js';
import { type Clock, systemClock } from '../../supervision/clock.js';
import { type Certificate, selfSignedCertificate } from './certificate.js';
import type { Outcome } from './player.js';
import { type HttpRule, type ReadRule, readRules } from './http/rules.js';
import { type Recording, readRecording } from './recording.js';
import { replayScript } from './recording-scripts.js';
import { invalidScript, readScript, type Step } from './steps.js';

/** Options of `geminiServer`. Give `script` or `replay`, or neither and drive it with `play()`. */
export interface GeminiServerOptions {
  /** What the server does; see {@link Step}. */
  readonly script?: readonly Step[];
  /** How requests over HTTP are answered; see {@link HttpRule}. Absent: `answer()` adds rules later. */
  readonly http?: readonly HttpRule[];
  /** A recorded session to play: the path of a log, a cassette or chunks (see `readRecording`), or the recording itself. */
  readonly replay?: string | Recording;
  /**
   * `once` (default): one script that goes from connection to connection by its `accept` steps. `perConnection`: every connection gets the
   * script from its start, side by side.
   */
  readonly plays?: 'once' | 'perConnection';
  /** How JSON is framed: `binary` (default, as the real server), `text`, or `alternating`, binary first. A step may say otherwise. */
  readonly frames?: 'binary' | 'text' | 'alternating';
  /** Loopback port; 0 (default) takes a free one. */
  readonly port?: number;
  /** The key that clients must show, or an ephemeral token that the server made. Absent: any, but one; null: none needed. */
  readonly key?: string | null;
  /** TLS: a key and its certificate in PEM, or true for one that is made (needs the package node-forge). Default: none. */
  readonly tls?: boolean | { readonly key: string; readonly cert: string };
  /**
   * `atOnce` (default): a handshake is answered as it comes. `byScript` (default where the script has a `refuse` step; `once` only): it waits for the
   * script, whose `accept` (or first step) lets it in and whose `refuse` does not.
   */
  readonly handshakes?: 'atOnce' | 'byScript';
  /**
   * Which resumption handles are good: `any` (default), or `known`: those that a `resumption` step gave, and only once the connection that gave them has
   * closed (1011, as the real server; 1008 for unknown ones). A connection reaches the script when its setup has been found good.
   */
  readonly handles?: 'any' | 'known';
  /** Whether permessage-deflate is granted to a client that offers it. Default true. */
  readonly compression?: boolean;
  /** Deadline in ms of a step that names none. Default 5 000. */
  readonly deadlineMs?: number;
  /** How long a script waits for a connection, in ms. Default 30 000. */
  readonly acceptMs?: number;
  /** Client messages that are kept; above it the client is closed with 1008. Default 10 000. */
  readonly maxReceived?: number;
  /** Open connections, and handshakes that wait; above it the handshake is answered 503. Default 1 000. */
  readonly maxConnections?: number;
  /** Largest client message in bytes; above it the client is closed with 1009. Default 32 MiB. */
  readonly maxMessageBytes?: number;
  /** Time of the script's waits, of tokens and of `received`; a virtual clock, for one. Default the system's. */
  readonly clock?: Clock;
  /**
   * `once` only: what becomes of a client that comes when no script plays any more. `wait` (default): it waits for the next `play()`. `refuse`: its
   * handshake is answered 410; one that waits already is closed with 1011.
   */
  readonly afterScript?: 'wait' | 'refuse';
  /** Told how each script ended, and of each client that came too late. It must not throw. */
  readonly tell?: (news: ServerNews) => void;
}

/** What a server tells whoever runs it. `connection`: its place among all; null for a script that goes from one to the next. */
export type ServerNews =
  | { readonly type: 'script.ended'; readonly connection: number | null; readonly outcome: Outcome }
  | { readonly type: 'client.refused'; readonly reason: string };

/** Options with every default in its place; `script` is what `script` or `replay` came to, null for neither. */
export type GeminiServerSettings = Required<Omit<GeminiServerOptions, 'script' | 'replay' | 'key' | 'tls' | 'http'>> & {
  readonly http: readonly ReadRule[];
  readonly script: readonly Step[] | null;
  readonly key: string | null | undefined;
  readonly tls: Certificate | null;
};

const ms = z.number().int().min(1).max(86_400_000);
const count = z.number().int().min(1);
const recorded = z.looseObject({ frames: z.array(z.object({ from: z.enum(['client', 'server']), text: z.string() })) });
const shape = z.strictObject({
  script: z.unknown().optional(),
  replay: z.union([z.string(), recorded]).optional(),
  http: z.unknown().optional(),
  plays: z.enum(['once', 'perConnection']).default('once'),
  frames: z.enum(['binary', 'text', 'alternating']).default('binary'),
  port: z.number().int().min(0).max(65_535).default(0),
  key: z.string().min(1).nullish(),
  tls: z.union([z.boolean(), z.strictObject({ key: z.string().min(1), cert: z.string().min(1) })]).default(false),
  handshakes: z.enum(['atOnce', 'byScript']).optional(),
  handles: z.enum(['any', 'known']).default('any'),
  compression: z.boolean().default(true),
  deadlineMs: ms.default(5_000),
  acceptMs: ms.default(30_000),
  maxReceived: count.default(10_000),
  maxConnections: count.default(1_000),
  maxMessageBytes: count.default(32 * 1024 * 1024),
  clock: z.custom<Clock>((clock) => typeof (clock as Clock | null)?.setTimeout === 'function', 'expected a clock').default(() => systemClock),
  afterScript: z.enum(['wait', 'refuse']).default('wait'),
  tell: z.custom<(news: ServerNews) => void>((tell) => typeof tell === 'function', 'expected a function').default(() => () => undefined),
});

/** Options that hold secrets: what came is named, not shown. */
const secrets = ['key', 'tls'];

/**
 * Checks the options, reads the recording, validates the script and makes the certificate.
 * @throws EspalierError `gemini-server/invalid-options`, `gemini-server/invalid-script` or `gemini-server/invalid-recording`; `testing/missing-peer`
 *         where a cassette or a certificate needs a package that is not installed
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
    const given: unknown = options[name as keyof GeminiServerOptions];
    throw invalid(`${name}: ${issue?.message ?? 'valid'}`, secrets.includes(name) ? sortOf(given) : given);
  }
  const { script: given, http, replay, key, tls, handshakes, ...settings } = read.data;
  if (given !== undefined && replay !== undefined) throw invalid('script or replay, not both', ['script', 'replay']);
  const script = given === undefined ? await recordedScript(replay) : readScript(given);
  const refuses = script?.findIndex((step) => 'refuse' in step) ?? -1;
  const answers = handshakes ?? (refuses === -1 ? 'atOnce' : 'byScript');
  if (settings.plays === 'perConnection' && answers === 'byScript') throw invalid("handshakes: 'atOnce' where plays is 'perConnection'", answers);
  if (refuses !== -1 && answers === 'atOnce') throw invalidScript(`step ${refuses} (refuse): a server with handshakes: 'byScript'`, answers);
  return { ...settings, handshakes: answers, key, script, http: http === undefined ? [] : readRules(http), tls: await certificateOf(tls) };
}

function invalid(expected: string, got: unknown, cause?: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-options', { expected, got }, cause === undefined ? undefined : { cause });
}

async function recordedScript(replay: string | Recording | undefined): Promise<readonly Step[] | null> {
  if (replay === undefined) return null;
  return replayScript(typeof replay === 'string' ? readRecording(await contentsOf(replay)) : replay);
}

async function contentsOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EspalierError('gemini-server/invalid-recording', { expected: 'the path of a recorded session', got: path }, { cause });
  }
}

async function certificateOf(tls: boolean | Certificate): Promise<Certificate | null> {
  if (typeof tls === 'boolean') return tls ? selfSignedCertificate() : null;
  requireCertificate(tls);
  return tls;
}

/**
 * Refuses a key and a certificate that no server can use.
 * @throws EspalierError `gemini-server/invalid-options`, which shows neither
 */
export function requireCertificate(tls: Certificate): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw invalid('tls: a private key and its certificate, in PEM', 'a pair that is none', cause);
  }
}
