/** What an ephemeral token is asked for, checked, and turned into the request. */
import { EspalierError } from '../../errors.js';
import { isAbortSignal, isPlainObject, longestMs } from '../../option-checks.js';
import { setup as setupSchema } from './live-setup.js';
import { baseUrlOf, googleBaseUrl, isEphemeralToken, modelPath, requireHeaderText } from './live-url.js';

/** Options of `createEphemeralToken`; only `apiKey` must be given. A name that is not here is refused. */
export interface EphemeralTokenOptions {
  /** An API key of the Developer API, sent in a header. An ephemeral token mints no other. */
  readonly apiKey: string;
  /** `http(s)://` or `ws(s)://`, host and path: the same as of a session. Default Google's. */
  readonly baseUrl?: string;
  /** Sessions that may be opened with the token; 0 for any number. A resumption is none. The service's default: 1. */
  readonly uses?: number;
  /** When sessions with the token end: a Date, or RFC 3339 text (`2026-11-22T12:00:00Z`). The service's default: in 30 minutes; it allows less than 20 h. */
  readonly expireTime?: string | Date;
  /** The same as ms from now; instead of `expireTime`. */
  readonly expireMs?: number;
  /** Until when a session may be opened. The service's default: in 60 s. */
  readonly newSessionExpireTime?: string | Date;
  /** The same as ms from now; instead of `newSessionExpireTime`. */
  readonly newSessionExpireMs?: number;
  /** The setup that sessions with the token get, as the wire has it; `model` may be a name or a path. */
  readonly setup?: Readonly<Record<string, unknown>>;
  /**
   * Which fields of the setup a session cannot choose (`generationConfig.temperature`), as a list or joined by commas. Absent, beside a `setup`: all,
   * and what the session asks for is ignored.
   */
  readonly fieldMask?: string | readonly string[];
  /** Gives up waiting; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For the whole answer, ms. Default 10 000. */
  readonly timeoutMs?: number;
  /** How the request is made. Default: the runtime's. */
  readonly fetch?: typeof fetch;
  /** Ms since the epoch, for `expireMs` and `newSessionExpireMs`. Default: `Date.now`. */
  readonly wallNow?: () => number;
}

/** What the options come to. */
export interface TokenRequest {
  readonly url: string;
  readonly apiKey: string;
  /** JSON. */
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
  readonly fetch: typeof fetch;
}

const known: readonly (keyof EphemeralTokenOptions)[] = [
  'apiKey',
  'baseUrl',
  'uses',
  'expireTime',
  'expireMs',
  'newSessionExpireTime',
  'newSessionExpireMs',
  'setup',
  'fieldMask',
  'signal',
  'timeoutMs',
  'fetch',
  'wallNow',
];

/**
 * Checks the options and says what to send.
 * @throws EspalierError `live/invalid-options`, with the option's name; never with the key
 * @see Gemini API, ephemeral tokens; @google/genai 3.1.0: tokens.create, CreateAuthTokenConfig
 */
export function planToken(options: EphemeralTokenOptions): TokenRequest {
  if (!isPlainObject(options)) throw invalid('options: an object', typeof options);
  const unknown = Object.keys(options).find((key) => !(known as readonly string[]).includes(key));
  if (unknown !== undefined) throw invalid(`the options ${known.join(', ')}`, unknown);
  const { apiKey, baseUrl = googleBaseUrl, fetch: fetchNow = fetch, signal, timeoutMs = 10_000, uses, wallNow = Date.now } = options;
  requireHeaderText('apiKey', apiKey);
  if (typeof apiKey !== 'string' || apiKey === '') throw invalid('apiKey: an API key', typeof apiKey);
  if (isEphemeralToken(apiKey)) throw invalid('apiKey: an API key', 'an ephemeral token');
  if (uses !== undefined && !isWhole(uses, 0)) throw invalid(`uses: a whole number, 0 to ${longestMs}`, uses);
  if (!isWhole(timeoutMs, 1)) throw invalid(`timeoutMs: a whole number of ms, 1 to ${longestMs}`, timeoutMs);
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal: an AbortSignal', typeof signal);
  if (typeof fetchNow !== 'function') throw invalid('fetch: a function', typeof fetchNow);
  if (typeof wallNow !== 'function') throw invalid('wallNow: a function', typeof wallNow);
  const url = baseUrlOf(baseUrl, 'http');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1alpha/auth_tokens`;
  const body = {
    uses,
    expireTime: timeOf(options, 'expireTime', 'expireMs', wallNow),
    newSessionExpireTime: timeOf(options, 'newSessionExpireTime', 'newSessionExpireMs', wallNow),
    bidiGenerateContentSetup: options.setup === undefined ? undefined : setupOf(options.setup),
    fieldMask: options.fieldMask === undefined ? undefined : maskOf(options.fieldMask),
  };
  return { url: url.href, apiKey, body: asJson(body), timeoutMs, signal: signal ?? null, fetch: fetchNow };
}

function timeOf(
  options: EphemeralTokenOptions,
  timeKey: 'expireTime' | 'newSessionExpireTime',
  msKey: 'expireMs' | 'newSessionExpireMs',
  wallNow: () => number,
): string | undefined {
  const time = options[timeKey];
  const ms = options[msKey];
  if (time !== undefined && ms !== undefined) throw invalid(`${timeKey} or ${msKey}, not both`, 'both');
  if (ms !== undefined) {
    if (!isWhole(ms, 1)) throw invalid(`${msKey}: a whole number of ms, 1 to ${longestMs}`, ms);
    return new Date(wallNow() + ms).toISOString();
  }
  if (time === undefined) return undefined;
  const text = time instanceof Date && Number.isFinite(time.getTime()) ? time.toISOString() : time;
  const isTime =
    typeof text === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isTime) throw invalid(`${timeKey}: a Date, or RFC 3339 text such as '2026-11-22T12:00:00Z'`, String(time));
  return text;
}

/** The setup with its model as a path. Its shape is looked at here: the service would say no more than "invalid". */
function setupOf(setup: unknown): object {
  if (!isPlainObject(setup)) throw invalid('setup: an object', typeof setup);
  const read = setupSchema.partial().safeParse(setup);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw invalid(['setup', ...(issue?.path ?? [])].join('.'), issue?.message);
  }
  const { model } = read.data;
  return { ...setup, ...(model === undefined ? {} : { model: modelPath(model) }) };
}

function maskOf(fieldMask: unknown): string {
  const fields = typeof fieldMask === 'string' ? fieldMask.split(',') : Array.isArray(fieldMask) ? (fieldMask as readonly unknown[]) : [];
  const isField = (field: unknown) => typeof field === 'string' && /^[a-z_]\w*(?:\.[a-z_]\w*)*$/i.test(field);
  if (fields.length === 0 || !fields.every(isField))
    throw invalid("fieldMask: fields of the setup, such as 'generationConfig.temperature'", fieldMask);
  return fields.join(',');
}

/** @throws EspalierError where a part of `setup` is not JSON: the rest is made here */
function asJson(body: object): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new EspalierError('live/invalid-options', { expected: 'setup: JSON', got: String(cause) }, { cause });
  }
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= longestMs;
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-options', { expected, got });
}
