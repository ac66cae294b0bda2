/** Where Interactions are, with what credentials, deadlines and retries: checked, and turned into the plans of requests. */
import type { InteractionInput } from '../../machines/interactions/interaction-events.js';
import type { AccessToken } from '../wire/gemini/live-url.js';
import { type BehindGate, requireBehindGate } from '../gate/behind.js';
import { googleBaseUrl, requireHeaderText } from '../wire/gemini/live-url.js';
import { vertexBaseUrl, vertexModelPath } from '../wire/gemini/vertex.js';
import { secretsOf } from '../wire/secrets.js';
import type { SseLimits } from '../wire/sse.js';
import { httpBase, planSettings, requireHeaders, settingKeys, type StreamPlan, type StreamSettings } from '../stream/options.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { interactionBody } from './body.js';
import { asInteractionOption, duration, invalid, requireOptions, requireSignal } from './refusal.js';

/** What a client of Interactions is made with; a name that is not here is refused. */
export interface InteractionsOptions extends Omit<StreamSettings, 'signal' | 'retry' | 'gate'> {
  /** An API key. Sent in a header. Absent for a server that asks for none. */
  readonly apiKey?: string;
  /** On Vertex: the project, its location, and an OAuth token or what fetches one, called for each request. */
  readonly vertex?: { readonly project: string; readonly location: string; readonly accessToken?: AccessToken };
  /** `http(s)://` or `ws(s)://`, host and path, nothing more. Default: Google's. */
  readonly baseUrl?: string;
  /** Default `v1beta`; `v1beta1` on Vertex. */
  readonly apiVersion?: string;
  /** Sent as `api-revision`, which names the shape of the events; null sends none. Default `2026-05-20`. */
  readonly apiRevision?: string | null;
  /** Sent beside those of the protocol. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `attempts` in a row without any news, default 5; 1 goes on after no failure. A creation is asked for again only where nothing was sent,
   * and after HTTP 429. `maxRetryAfterMs` and `backoff` as of every stream.
   */
  readonly retry?: StreamSettings['retry'];
  /** Between two questions for a status, ms. Default 2 000. */
  readonly pollMs?: number;
  /**
   * Each request for an interaction or its events (`create`, `stream`, `resume`, `logic`) needs a permit; it is back before the next is made. Questions for a
   * status, `cancel` and `delete` need none. Default: none.
   */
  readonly gate?: BehindGate;
  /** The time of its deadlines. Default: the machine's. */
  readonly clock?: Clock;
}

const clientKeys: readonly (keyof InteractionsOptions)[] = [
  ...settingKeys.filter((key): key is Exclude<(typeof settingKeys)[number], 'signal'> => key !== 'signal'),
  ...(['apiKey', 'vertex', 'baseUrl', 'apiVersion', 'apiRevision', 'headers', 'pollMs', 'clock'] as const),
];

/** One request, before its address and its credentials. */
export interface Asking {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Behind `/interactions`: `/ID/cancel`. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Is it answered by events? */
  readonly isStreamed: boolean;
  /** Attempts altogether, of this request by itself. */
  readonly attempts: number;
  /** Until the headers of its answer, ms. Default: the client's. */
  readonly connectMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A client, as its requests are made. */
export interface ClientPlan {
  readonly clock: Clock;
  readonly limits: SseLimits;
  readonly attempts: number;
  /** Of an interaction, but what it is. */
  readonly input: Omit<InteractionInput, 'start' | 'id' | 'lastEventId' | 'isBehindGate'>;
  readonly gate: BehindGate | undefined;
  /** Did the app say how long headers may take? */
  readonly hasConnectMs: boolean;
  plan(asking: Asking): StreamPlan;
  secrets(): readonly string[];
}

/** What is not said otherwise: an interaction may take a while, and a lost network comes back. */
const defaultAttempts = 5;

/**
 * Checks the options, and says how requests are made.
 * @throws EspalierError `interactions/invalid-options` or `gate/invalid-options`, with the option's name; never with a key
 */
export function planClient(options: InteractionsOptions): ClientPlan {
  const plan = asInteractionOption(() => planRequests(options));
  requireBehindGate(plan.gate);
  return plan;
}

function planRequests(options: InteractionsOptions): ClientPlan {
  requireOptions('options', options, clientKeys);
  const { clock = systemClock, gate, headers = {}, pollMs, retry = {}, ...rest } = options;
  // Questions have no gate: whoever asks for events passes it.
  const { fetch, input, limits } = planSettings({ ...rest, retry: isPlainObject(retry) ? { attempts: defaultAttempts, ...retry } : retry });
  requireClock(clock);
  const base = baseOf(options);
  const fixed = fixedHeaders(options, requireHeaders(headers));
  let secrets = secretsOf(base, fixed);
  const { backoff, maxAttempts, maxRetryAfterMs, totalMs } = input;
  return {
    clock,
    limits,
    attempts: maxAttempts,
    gate,
    hasConnectMs: options.connectMs !== undefined,
    input: { totalMs, pollMs: duration('pollMs', pollMs, 2_000), maxAttempts: maxAttempts - 1, maxRetryAfterMs, backoff },
    secrets: () => secrets,
    plan: ({ attempts, body, connectMs, isStreamed, method, path = '', query = {}, signal }) => {
      const asked = new URLSearchParams(query).toString();
      const url = `${base}${path}${asked === '' ? '' : `?${asked}`}`;
      return {
        ...{ method, body, fetch, signal, gate: undefined, openBody: interactionBody(limits), secrets: () => secrets },
        input: { ...input, maxAttempts: attempts, connectMs: connectMs ?? input.connectMs },
        address: async () => {
          const plain = {
            accept: isStreamed ? 'text/event-stream' : 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          };
          const token = options.vertex?.accessToken;
          if (token === undefined) return { url, headers: { ...plain, ...fixed } };
          const accessToken = typeof token === 'function' ? await token() : token;
          requireHeaderText('accessToken', accessToken);
          const all = { ...plain, ...fixed, authorization: `Bearer ${accessToken}` };
          secrets = [...new Set([...secrets, ...secretsOf(url, all)])];
          return { url, headers: all };
        },
      };
    },
  };
}

function fixedHeaders(
  { apiKey, apiRevision = '2026-05-20' }: InteractionsOptions,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (apiKey !== undefined && (typeof apiKey !== 'string' || apiKey === '')) throw invalid('apiKey', 'ASCII without blanks', sortOf(apiKey));
  requireHeaderText('apiKey', apiKey);
  if (apiRevision !== null && !(typeof apiRevision === 'string' && /^[\w.-]+$/.test(apiRevision)))
    throw invalid('apiRevision', 'such as 2026-05-20, or null', sortOf(apiRevision));
  return {
    ...(apiRevision === null ? {} : { 'api-revision': apiRevision }),
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(apiKey === undefined ? {} : { 'x-goog-api-key': apiKey }),
  };
}

/** The address of all interactions. */
function baseOf({ apiKey, apiVersion, baseUrl, vertex }: InteractionsOptions): string {
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && /^v\d[a-z0-9]*$/.test(apiVersion)))
    throw invalid('apiVersion', 'such as v1beta', sortOf(apiVersion));
  if (vertex === undefined) return `${httpBase(baseUrl ?? googleBaseUrl)}/${apiVersion ?? 'v1beta'}/interactions`;
  requireOptions('vertex', vertex, ['project', 'location', 'accessToken']);
  const { accessToken, location, project } = vertex;
  if (apiKey !== undefined && accessToken !== undefined) throw invalid('apiKey or vertex.accessToken', 'not both', 'both');
  if (accessToken !== undefined && typeof accessToken !== 'function') {
    if (typeof accessToken !== 'string' || accessToken === '') throw invalid('vertex.accessToken', 'a token, or a function', sortOf(accessToken));
    requireHeaderText('vertex.accessToken', accessToken);
  }
  // Its names are checked as those of a model's path are.
  const place = vertexModelPath('models/any', { project, location }).replace(/\/publishers\/.*$/, '');
  return `${httpBase(baseUrl ?? vertexBaseUrl(location))}/${apiVersion ?? 'v1beta1'}/${place}/interactions`;
}

/** Of one call, beside what is asked. */
export interface CallOptions {
  /** Cancels it, at every stage; aborted before the start, no request is made. It does not cancel the interaction on the server: `cancel(id)` does. */
  readonly signal?: AbortSignal;
  /** From the start to the end, over all requests, ms. Default: the client's. */
  readonly totalMs?: number;
}

/** Of one call that asks for an interaction or its events. */
export interface EventsCallOptions extends CallOptions {
  /** For this one: most often it is the key that differs, with the model. Default: the client's. */
  readonly gate?: BehindGate;
}

/** Checks the options of one call. @throws EspalierError `interactions/invalid-options`; `gate/invalid-options` where it may have a gate */
export function requireCall(options: unknown, alsoKnown: readonly string[] = []): void {
  requireOptions('options', options, ['signal', 'totalMs', ...alsoKnown]);
  const { signal, totalMs } = options as CallOptions;
  requireSignal(signal);
  duration('totalMs', totalMs, 1);
  if (alsoKnown.includes('gate')) requireBehindGate((options as EventsCallOptions).gate);
}

/** The path of one interaction. @throws EspalierError `interactions/invalid-options` for what is no id: it must not lead to another address */
export function pathOf(id: unknown): string {
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,1000}$/.test(id) || /^\.{1,2}$/.test(id))
    throw invalid('id', 'the id of an interaction', typeof id === 'string' ? 'another text' : sortOf(id));
  return `/${encodeURIComponent(id)}`;
}
