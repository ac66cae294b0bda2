/**
 * Where a Live client connects, and how it says who it is. The key travels in a header: URLs end up in logs.
 *
 * @see Gemini API, Live API: WebSockets API reference
 */
import { EspalierError } from '../../errors.js';

/** Options of {@link liveUrl}. */
export interface LiveUrlOptions {
  /** `http(s)://` or `ws(s)://` and host; a path is kept as prefix. Default `https://generativelanguage.googleapis.com`; Vertex: `https://LOCATION-aiplatform.googleapis.com`. */
  readonly baseUrl?: string;
  /** `v1`, `v1beta` or `v1alpha`. Default `v1beta`; `v1alpha` for ephemeral tokens; `v1beta1` on Vertex. */
  readonly apiVersion?: string;
  /** `developer` (default), `constrained` (ephemeral token) or `vertex`. */
  readonly service?: 'developer' | 'constrained' | 'vertex';
}

/** Options of {@link liveEndpoint}: exactly one of the three credentials, or none for a server that asks for none. */
export interface LiveEndpointOptions extends LiveUrlOptions {
  /** An API key, or an ephemeral token (`auth_tokens/…`), which selects the constrained service. */
  readonly apiKey?: string;
  /** An OAuth token, as Vertex wants it. */
  readonly accessToken?: string;
  /** Where the API key travels. Default `header`; `query` is for proxies that drop headers, and for browsers. */
  readonly keyIn?: 'header' | 'query';
}

const serviceRoot = 'google.ai.generativelanguage';

/**
 * The WebSocket URL of a Live server, without any credential.
 * @throws EspalierError `live/invalid-options` when `baseUrl` is no http(s) or ws(s) URL
 */
export function liveUrl(options: LiveUrlOptions = {}): string {
  const service = options.service ?? 'developer';
  const url = baseOf(options.baseUrl ?? 'https://generativelanguage.googleapis.com');
  const prefix = url.pathname.replace(/\/+$/, '');
  url.pathname = `${prefix}/ws/${servicePath(service, options.apiVersion)}`;
  return url.href;
}

/**
 * URL and headers of a Live server for these credentials: an API key in `x-goog-api-key`, an ephemeral token as `Authorization: Token …`
 * at the constrained service, an OAuth token as bearer.
 * @throws EspalierError `live/invalid-options` as {@link liveUrl}
 */
export function liveEndpoint(options: LiveEndpointOptions = {}): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
  const { apiKey, accessToken } = options;
  const ephemeral = apiKey?.startsWith('auth_tokens/') ?? false;
  const url = liveUrl(ephemeral && options.service === undefined ? { ...options, service: 'constrained' } : options);
  const headers: Record<string, string> = {};
  if (apiKey && options.keyIn === 'query') {
    const withKey = new URL(url);
    withKey.searchParams.set(ephemeral ? 'access_token' : 'key', apiKey);
    return { url: withKey.href, headers };
  }
  if (apiKey && ephemeral) headers['authorization'] = `Token ${apiKey}`;
  else if (apiKey) headers['x-goog-api-key'] = apiKey;
  if (accessToken) headers['authorization'] = `Bearer ${accessToken}`;
  return { url, headers };
}

/** The path of a model: `gemini-…` → `models/gemini-…`; whatever has a slash (`models/…`, `projects/…`) is a path already. */
export function modelPath(model: string): string {
  return model.includes('/') ? model : `models/${model}`;
}

function servicePath(service: 'developer' | 'constrained' | 'vertex', apiVersion: string | undefined): string {
  if (service === 'vertex') return `google.cloud.aiplatform.${apiVersion ?? 'v1beta1'}.LlmBidiService/BidiGenerateContent`;
  if (service === 'constrained') return `${serviceRoot}.${apiVersion ?? 'v1alpha'}.GenerativeService.BidiGenerateContentConstrained`;
  return `${serviceRoot}.${apiVersion ?? 'v1beta'}.GenerativeService.BidiGenerateContent`;
}

function baseOf(baseUrl: string): URL {
  const schemes: Record<string, string> = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' };
  let url: URL | null = null;
  try {
    url = new URL(baseUrl);
  } catch {
    // falls through to the one error below
  }
  const scheme = url === null ? undefined : schemes[url.protocol];
  if (url === null || scheme === undefined) {
    // Without query and user: people do put keys there.
    const got = baseUrl.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//');
    throw new EspalierError('live/invalid-options', { expected: 'baseUrl: an http(s) or ws(s) URL', got });
  }
  // `url.protocol = …` refuses http → ws on some URL implementations, so the text is rewritten.
  return new URL(scheme + url.href.slice(url.protocol.length));
}
