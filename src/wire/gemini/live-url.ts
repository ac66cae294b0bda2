/**
 * Where a Live client connects, and how it says who it is. The key travels in a header: URLs end up in logs.
 *
 * @see Gemini API, Live API: WebSockets API reference
 */
import { EspalierError } from '../../errors.js';
import { vertexBaseUrl } from './vertex.js';

/** Options of {@link liveUrl}. */
export interface LiveUrlOptions {
  /** `http(s)://` or `ws(s)://` and host; a path is kept as prefix. Default `https://generativelanguage.googleapis.com`; on Vertex that of `location`. */
  readonly baseUrl?: string;
  /** `v1`, `v1beta` or `v1alpha`. Default `v1beta`; `v1alpha` for ephemeral tokens; `v1beta1` on Vertex. */
  readonly apiVersion?: string;
  /** `developer` (default), `constrained` (ephemeral token) or `vertex`. */
  readonly service?: 'developer' | 'constrained' | 'vertex';
  /** Of Vertex, `europe-west1`: says which host, unless `baseUrl` does. */
  readonly location?: string;
}

/** An OAuth token of Vertex, or what fetches one; it is to be called anew for each connection, since tokens live for about an hour. */
export type AccessToken = string | (() => string | Promise<string>);

/** Options of {@link liveEndpoint}: exactly one of the two credentials, or none for a server that asks for none. */
export interface LiveEndpointOptions extends LiveUrlOptions {
  /** An API key, or an ephemeral token (`auth_tokens/…`), which selects the constrained service. */
  readonly apiKey?: string;
  /** An OAuth token, as Vertex wants it; the caller of an {@link AccessToken} has called it. */
  readonly accessToken?: string;
  /** Where the API key, or the ephemeral token, travels. Default `header`; `query` is for proxies that drop headers, and for browsers, which can set none. */
  readonly keyIn?: 'header' | 'query';
}

const serviceRoot = 'google.ai.generativelanguage';

/**
 * The WebSocket URL of a Live server, without any credential.
 * @throws EspalierError `live/invalid-options` when `baseUrl` is no http(s) or ws(s) URL, or more than host and path; when the version is none; when
 *         Vertex has neither `baseUrl` nor `location`
 */
export function liveUrl(options: LiveUrlOptions = {}): string {
  const { apiVersion, location, service = 'developer' } = options;
  if (apiVersion !== undefined && !/^v\d[a-z0-9]*$/.test(apiVersion)) throw invalid("apiVersion: such as 'v1beta'", apiVersion);
  if (service === 'vertex' && options.baseUrl === undefined && location === undefined) throw invalid('location or baseUrl, for Vertex', undefined);
  const byDefault = service === 'vertex' && location !== undefined ? vertexBaseUrl(location) : googleBaseUrl;
  const url = baseUrlOf(options.baseUrl ?? byDefault, 'ws');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/ws/${servicePath(service, apiVersion)}`;
  return url.href;
}

/**
 * URL and headers of a Live server for these credentials: an API key in `x-goog-api-key`, an ephemeral token as `Authorization: Token …`
 * at the constrained service, an OAuth token as bearer. With `keyIn: 'query'` the URL is a secret: log it as {@link shownUrl} has it.
 * @throws EspalierError `live/invalid-options` as {@link liveUrl}, and for two credentials, or one that no header can carry; it shows neither
 */
export function liveEndpoint(options: LiveEndpointOptions = {}): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
  const { accessToken, apiKey, keyIn = 'header' } = options;
  if (apiKey && accessToken) throw invalid('apiKey or accessToken, not both', 'both');
  requireHeaderText('apiKey', apiKey);
  requireHeaderText('accessToken', accessToken);
  const ephemeral = isEphemeralToken(apiKey);
  const url = liveUrl(ephemeral && options.service === undefined ? { ...options, service: 'constrained' } : options);
  if (accessToken) {
    if (keyIn === 'query') throw invalid("keyIn: 'header', for an accessToken", keyIn);
    return { url, headers: { authorization: `Bearer ${accessToken}` } };
  }
  if (!apiKey) return { url, headers: {} };
  if (keyIn === 'header') return { url, headers: ephemeral ? { authorization: `Token ${apiKey}` } : { 'x-goog-api-key': apiKey } };
  const withKey = new URL(url);
  withKey.searchParams.set(ephemeral ? 'access_token' : 'key', apiKey);
  return { url: withKey.href, headers: {} };
}

/** Is this an ephemeral token, not an API key? */
export function isEphemeralToken(apiKey: string | undefined): boolean {
  return apiKey?.startsWith('auth_tokens/') ?? false;
}

/** A URL as it may be shown: without query, fragment and credentials. What is no URL is not shown. @throws never */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return 'no URL';
  const { host, pathname, protocol } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The path of a model: `gemini-…` → `models/gemini-…`; whatever has a slash (`models/…`, `projects/…`) is a path already. */
export function modelPath(model: string): string {
  return model.includes('/') ? model : `models/${model}`;
}

/** Where Gemini's Developer API is. */
export const googleBaseUrl = 'https://generativelanguage.googleapis.com';

const schemes: Readonly<Record<string, { readonly ws: string; readonly http: string }>> = {
  'http:': { ws: 'ws:', http: 'http:' },
  'https:': { ws: 'wss:', http: 'https:' },
  'ws:': { ws: 'ws:', http: 'http:' },
  'wss:': { ws: 'wss:', http: 'https:' },
};

/**
 * A base URL for this protocol: one option serves WebSocket and HTTP.
 * @throws EspalierError `live/invalid-options` for what is no http(s) or ws(s) URL, and for one with query, fragment or credentials: people do put
 *         keys there, so the message shows none of these
 */
export function baseUrlOf(baseUrl: string, protocol: 'ws' | 'http'): URL {
  const url = typeof baseUrl === 'string' && URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const scheme = url === null ? undefined : schemes[url.protocol];
  if (url === null || scheme === undefined) {
    // Without `//` it may be anything, a key as well.
    const isAddress = typeof baseUrl === 'string' && baseUrl.includes('//');
    const got = isAddress ? baseUrl.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//') : typeof baseUrl;
    throw invalid('baseUrl: an http(s) or ws(s) URL', got);
  }
  if (url.search + url.hash + url.username + url.password !== '') {
    throw invalid('baseUrl: a URL without query, fragment and credentials', shownUrl(baseUrl));
  }
  // `url.protocol = …` refuses http → ws on some URL implementations, so the text is rewritten.
  return new URL(scheme[protocol] + url.href.slice(url.protocol.length));
}

/** @throws EspalierError `live/invalid-options` for what no header can carry; of the value it shows the type alone */
export function requireHeaderText(name: string, value: string | undefined): void {
  if (value !== undefined && !(typeof value === 'string' && /^[\x21-\x7e]*$/.test(value)))
    throw invalid(`${name}: ASCII without blanks`, typeof value);
}

function servicePath(service: 'developer' | 'constrained' | 'vertex', apiVersion: string | undefined): string {
  if (service === 'vertex') return `google.cloud.aiplatform.${apiVersion ?? 'v1beta1'}.LlmBidiService/BidiGenerateContent`;
  if (service === 'constrained') return `${serviceRoot}.${apiVersion ?? 'v1alpha'}.GenerativeService.BidiGenerateContentConstrained`;
  return `${serviceRoot}.${apiVersion ?? 'v1beta'}.GenerativeService.BidiGenerateContent`;
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-options', { expected, got });
}
