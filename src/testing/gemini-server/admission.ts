/**
 * Whom the local server lets in: the paths, versions and credentials under which Gemini Live is reached.
 *
 * @see Gemini API, Live API: WebSockets API reference — `@google/genai` doubles the first slash, keeps a base path, and puts the key in the
 *      query; Python sends it as header
 */
import type { IncomingMessage } from 'node:http';

import type { EphemeralToken } from './ephemeral-tokens.js';

/** How a client came in. The credential itself is not kept. */
export interface Admission {
  /** By its path: the Developer API, its service for ephemeral tokens, or Vertex. */
  readonly service: 'developer' | 'constrained' | 'vertex';
  /** `v1`, `v1beta`, `v1alpha`; on Vertex `v1`, `v1beta1`. */
  readonly apiVersion: string;
  /** Where and as what it was shown. */
  readonly credential: 'keyInQuery' | 'keyInHeader' | 'token' | 'bearer' | 'none';
}

/** An {@link Admission}, and what the handshake came to. */
export interface Arrival extends Admission {
  /** Whether permessage-deflate was agreed on. */
  readonly compressed: boolean;
}

/** Let in, with the token of the server's own that was shown, if it was one; or the HTTP status with which the handshake is refused. */
export type AdmissionResult =
  | { readonly ok: true; readonly admission: Admission; readonly token: EphemeralToken | undefined }
  | { readonly ok: false; readonly status: 401 | 404; readonly message: string };

type Handshake = Pick<IncomingMessage, 'url' | 'headers'>;

const developerPath = /\/ws\/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?$/;
const vertexPath = /\/ws\/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService\/BidiGenerateContent$/;

/**
 * Looks at a handshake.
 * @param request    its URL and headers
 * @param key        the credential it must show; undefined: any, but one; null: none needed
 * @param findToken  finds an ephemeral token of this server's, which is as good as the key; what is wrong with it shows at the setup, as with the real server
 */
export function admit(
  request: Handshake,
  key: string | null | undefined,
  findToken: (name: string) => EphemeralToken | undefined = () => undefined,
): AdmissionResult {
  const path = pathOf(request);
  const developer = developerPath.exec(path);
  const vertex = vertexPath.exec(path);
  const apiVersion = developer?.[1] ?? vertex?.[1];
  if (apiVersion === undefined) return { ok: false, status: 404, message: `no such path: ${path}` };

  const shown = shownCredential(request);
  const token = findToken(shown.value);
  if (token === undefined && key !== null && (shown.value === '' || (key !== undefined && shown.value !== key))) {
    const message = shown.value === '' ? 'no API key: send x-goog-api-key, ?key=, ?access_token= or Authorization' : 'API key not valid';
    return { ok: false, status: 401, message };
  }
  const service = vertex ? 'vertex' : developer?.[2] ? 'constrained' : 'developer';
  return { ok: true, admission: { service, apiVersion, credential: shown.credential }, token };
}

/** The path of a request, each run of slashes as one. */
export function pathOf(request: Handshake): string {
  return urlOf(request).pathname.replace(/\/{2,}/g, '/');
}

/** The fields of a request's query. */
export function queryOf(request: Handshake): URLSearchParams {
  return urlOf(request).searchParams;
}

/** What a request shows as its credential, and how; an empty value for none. */
export function shownCredential(request: Handshake): { readonly credential: Admission['credential']; readonly value: string } {
  const { headers } = request;
  const inHeader = headers['x-goog-api-key'];
  if (typeof inHeader === 'string' && inHeader !== '') return { credential: 'keyInHeader', value: inHeader };
  const [scheme = '', authorization = ''] = (headers.authorization ?? '').split(/\s+(.*)/s);
  if (/^token$/i.test(scheme) && authorization) return { credential: 'token', value: authorization };
  if (/^bearer$/i.test(scheme) && authorization) return { credential: 'bearer', value: authorization };
  const { searchParams } = urlOf(request);
  const token = searchParams.get('access_token');
  if (token) return { credential: 'token', value: token };
  const inQuery = searchParams.get('key');
  if (inQuery) return { credential: 'keyInQuery', value: inQuery };
  return { credential: 'none', value: '' };
}

function urlOf({ url = '/' }: Handshake): URL {
  try {
    // Before parsing: to a URL parser `//ws/…` is a host.
    return new URL(url.replace(/^\/+/, '/'), 'http://loopback');
  } catch {
    return new URL('http://loopback/');
  }
}
