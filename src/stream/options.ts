/** What a stream is asked for, checked, and turned into the input of its chart and the parts of its actors. */
import type { Backoff } from '../../machines/backoff.js';
import type { StreamInput } from '../../machines/stream/stream-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { type BehindGate, requireBehindGate } from '../gate/behind.js';
import { baseUrlOf } from '../wire/gemini/live-url.js';
import { secretsOf } from '../wire/secrets.js';
import { defaultSseLimits, type SseEvent, type SseLimits } from '../wire/sse.js';
import type { Subject } from '../telemetry/subject.js';
import { type OpenBody, sseBody } from './body.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { asStreamOption, count, duration, invalid, requireFunction, requireJson, requireOptions, requireSignal } from './refusal.js';
import type { RequestAddress } from './request.js';

/** Deadlines, retries and the rest that every stream has; a name that is not here is refused. */
export interface StreamSettings {
  /** From the start of an attempt until the headers of its answer, ms. Default 60 000. */
  readonly connectMs?: number;
  /** The longest time without a byte while the target wants more, ms. Default 60 000. */
  readonly stallMs?: number;
  /** From the start to the end, over all attempts, ms. Default 600 000. */
  readonly totalMs?: number;
  /**
   * Before the first byte, and where it may help: no connection, no answer in time, 408, 429, 5xx but 501 and 505. `attempts` altogether, default 3.
   * A server that asks for a longer wait than `maxRetryAfterMs`, default 60 000, has refused. `backoff` is the least wait.
   */
  readonly retry?: { readonly attempts?: number; readonly maxRetryAfterMs?: number; readonly backoff?: Partial<Backoff> };
  /** Bounds of what is held of the body, characters. Default 8 388 608 for a line, 16 777 216 for an event. */
  readonly limits?: Partial<SseLimits>;
  /** Cancels the stream, at every stage; aborted before the start, no request is made. */
  readonly signal?: AbortSignal;
  /** How requests are made. Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Each attempt needs a permit: it waits for one before it asks, and gives it back before the next begins. Default: none. */
  readonly gate?: BehindGate;
}

/** What a stream of server-sent events is asked for; only `url` must be given. */
export interface HttpStreamOptions<Value = SseEvent> extends StreamSettings {
  /** `http://` or `https://`. A key belongs into a header: URLs end up in logs. */
  readonly url: string | URL;
  /** Default `GET`, or `POST` where there is a body. */
  readonly method?: string;
  /** Or what makes them, called for each attempt: tokens expire. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  /** A text, bytes, or an object that is sent as JSON. */
  readonly body?: string | Uint8Array<ArrayBuffer> | object;
  /** Words that nothing that is told shows, beside the values of headers and of query parameters that are named like secrets. */
  readonly secrets?: readonly string[];
  /** An event as the app's value; undefined for one that is to be left out. What it throws fails the stream, `malformed`. Default: the event itself. */
  readonly decode?: (event: SseEvent) => Value | undefined;
  /** An event without its blank line at the end of the body: a truncation (`refuse`, the default), or an event where its data is whole JSON. */
  readonly unfinished?: 'refuse' | 'takeJson';
}

type Headers = Readonly<Record<string, string>>;

/** The options of every stream. */
export const settingKeys: readonly (keyof StreamSettings)[] = ['connectMs', 'stallMs', 'totalMs', 'retry', 'limits', 'signal', 'fetch', 'gate'];

/** The options of a stream of events. */
export const httpStreamKeys: readonly (keyof HttpStreamOptions)[] = [
  ...settingKeys,
  ...(['url', 'method', 'headers', 'body', 'secrets', 'decode', 'unfinished'] as const),
];

/** What the options come to. Address, body and credentials never enter the chart. */
export interface StreamPlan {
  readonly input: StreamInput;
  address(): RequestAddress | Promise<RequestAddress>;
  readonly method: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
  readonly openBody: OpenBody<unknown>;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal | undefined;
  readonly gate: BehindGate | undefined;
  secrets(): readonly string[];
  /** Which model is asked, where it is one. */
  readonly subject?: Subject | undefined;
}

/** From 500 ms to 20 s, doubling, half of it by chance: a server that is back gets no crowd at one moment. */
const defaultBackoff: Backoff = { minMs: 500, maxMs: 20_000, factor: 2, jitter: 0.5, resetAfterMs: 60_000 };

/** Deadlines that differ where nothing else is said, ms. */
export interface DefaultDeadlines {
  readonly connectMs: number;
}

/** The part of every plan: input of the chart, and the limits. @throws EspalierError `stream/invalid-options`, `gate/invalid-options` */
export function planSettings(
  settings: StreamSettings,
  byDefault: DefaultDeadlines = { connectMs: 60_000 },
): Pick<StreamPlan, 'input' | 'fetch' | 'signal' | 'gate'> & { readonly limits: SseLimits } {
  const { gate, limits = {}, retry = {}, signal, fetch: ask = fetch } = settings;
  requireOptions('retry', retry, ['attempts', 'maxRetryAfterMs', 'backoff']);
  const { backoff = {} } = retry;
  requireOptions('retry.backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  const whole: Backoff = { seed: seedOf(), ...defaultBackoff, ...backoff };
  if (!isBackoff(whole)) throw invalid('retry.backoff', wholeBackoff, 'others');
  requireOptions('limits', limits, ['maxLineLength', 'maxEventLength']);
  requireSignal(signal);
  requireFunction('fetch', ask);
  requireBehindGate(gate);
  return {
    input: {
      connectMs: duration('connectMs', settings.connectMs, byDefault.connectMs),
      stallMs: duration('stallMs', settings.stallMs, 60_000),
      totalMs: duration('totalMs', settings.totalMs, 600_000),
      maxAttempts: count('retry.attempts', retry.attempts, 3),
      maxRetryAfterMs: duration('retry.maxRetryAfterMs', retry.maxRetryAfterMs, 60_000),
      backoff: whole,
      isBehindGate: gate !== undefined,
    },
    limits: {
      maxLineLength: count('limits.maxLineLength', limits.maxLineLength, defaultSseLimits.maxLineLength),
      maxEventLength: count('limits.maxEventLength', limits.maxEventLength, defaultSseLimits.maxEventLength),
    },
    fetch: ask,
    signal,
    gate,
  };
}

/** Streams that fail together must not come back together. */
function seedOf(): number {
  return Math.trunc(Math.random() * 2 ** 31);
}

/**
 * Checks the options of a stream of events, and says what it does with them.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`, with the option's name; never with a secret
 */
export function planStream<Value>(options: HttpStreamOptions<Value>, alsoKnown: readonly string[] = []): StreamPlan {
  requireOptions('options', options, [...httpStreamKeys, ...alsoKnown]);
  const { body, decode = (event: SseEvent) => event as Value, headers = {}, method = body === undefined ? 'GET' : 'POST', secrets = [] } = options;
  const { unfinished = 'refuse', url } = options;
  const { limits, ...settings } = planSettings(options);
  const href = hrefOf(url);
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method)) throw invalid('method', 'such as GET or POST', sortOf(method));
  requireFunction('decode', decode);
  if (unfinished !== 'refuse' && unfinished !== 'takeJson') throw invalid('unfinished', 'refuse or takeJson', sortOf(unfinished));
  if (!Array.isArray(secrets) || secrets.some((secret) => typeof secret !== 'string')) throw invalid('secrets', 'a list of texts', sortOf(secrets));
  const sent = bodyOf(body);
  const plain = { accept: 'text/event-stream', ...(sent.isJson ? { 'content-type': 'application/json' } : {}) };
  let known: readonly string[] = typeof headers === 'function' ? secretsOf(href, {}, secrets) : secretsOf(href, requireHeaders(headers), secrets);
  return {
    ...settings,
    method,
    body: sent.body,
    openBody: sseBody({ decode, limits, unfinished }),
    secrets: () => known,
    address: async () => {
      const given = typeof headers === 'function' ? requireHeaders(await headers()) : headers;
      known = [...new Set([...known, ...secretsOf(href, given, secrets)])];
      return { url: href, headers: { ...plain, ...lowerCased(given) } };
    },
  };
}

function lowerCased(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws EspalierError `stream/invalid-options`; of the URL it shows no query */
function hrefOf(url: string | URL): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text !== 'string' || !URL.canParse(text)) throw invalid('url', 'an http(s) URL', sortOf(url));
  const { hash, host, password, protocol, username } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') throw invalid('url', 'an http(s) URL', 'one of another scheme');
  if (username + password + hash !== '') throw invalid('url', 'a URL without credentials and fragment', host);
  return new URL(text).href;
}

/** @throws EspalierError `stream/invalid-options`; of a value it shows nothing */
export function requireHeaders(headers: unknown): Headers {
  if (!isPlainObject(headers)) throw invalid('headers', 'texts by name', sortOf(headers));
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw invalid('headers', 'names of HTTP headers', 'another text');
    if (typeof value !== 'string' || !/^[\t\x20-\x7e]*$/.test(value))
      throw invalid(`headers['${/^[a-z-]{1,40}$/i.test(name) ? name : 'another name'}']`, 'a text of printable ASCII', sortOf(value));
  }
  return headers as Headers;
}

function bodyOf(body: HttpStreamOptions['body']): { readonly body: string | Uint8Array<ArrayBuffer> | undefined; readonly isJson: boolean } {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return { body, isJson: false };
  return { body: requireJson('body', body), isJson: true };
}

/** The base of an address over HTTP. @throws EspalierError `stream/invalid-options` */
export function httpBase(baseUrl: string): string {
  return asStreamOption(() => baseUrlOf(baseUrl, 'http').href.replace(/\/+$/, ''));
}
