/**
 * Whom the local server lets in: the paths, versions and credentials under which Gemini Live is reached.
 *
 * @see Gemini API, Live API: WebSockets API reference — `@google/genai` doubles the first slash, keeps a base path, and puts the key in the
 *      query; Python sends it as header
 */
import type { IncomingMessage } from 'node:http';

/** How a client came in. The credential itself is not kept. */
export interface Admission {
  /** By its path: the Developer API, its service for ephemeral tokens, or Vertex. */
  readonly service: 'developer' | 'constrained' | 'vertex';
  /** `v1`, `v1beta`, `v1alpha`; on Vertex `v1`, `v1beta1`. */
  readonly apiVersion: string;
  /** Where and as what it was shown. */
  readonly credential: 'keyInQuery' | 'keyInHeader' | 'token' | 'bearer' | 'none';
}

/** Let in, or the HTTP status with which the handshake is refused. */
export type AdmissionResult =
  | { readonly ok: true; readonly admission: Admission }
  | { readonly ok: false; readonly status: 401 | 404; readonly message: string };

const developerPath = /\/ws\/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?$/;
const vertexPath = /\/ws\/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService\/BidiGenerateContent$/;

/**
 * Looks at a handshake.
 * @param request  its URL and headers
 * @param key      the credential it must show; undefined: any, but one; null: none needed
 */
export function admit(request: Pick<IncomingMessage, 'url' | 'headers'>, key: string | null | undefined): AdmissionResult {
  // Before parsing: to a URL parser `//ws/…` is a host.
  const url = new URL((request.url ?? '/').replace(/^\/+/, '/'), 'http://loopback');
  const path = url.pathname.replace(/\/{2,}/g, '/');
  const developer = developerPath.exec(path);
  const vertex = vertexPath.exec(path);
  const apiVersion = developer?.[1] ?? vertex?.[1];
  if (apiVersion === undefined) return { ok: false, status: 404, message: `no such path: ${path}` };

  const shown = credentialOf(url, request.headers);
  if (key !== null && (shown.value === '' || (key !== undefined && shown.value !== key))) {
    const message = shown.value === '' ? 'no API key: send x-goog-api-key, ?key= or Authorization' : 'API key not valid';
    return { ok: false, status: 401, message };
  }
  const service = vertex ? 'vertex' : developer?.[2] ? 'constrained' : 'developer';
  return { ok: true, admission: { service, apiVersion, credential: shown.credential } };
}

function credentialOf(url: URL, headers: IncomingMessage['headers']): { credential: Admission['credential']; value: string } {
  const inHeader = headers['x-goog-api-key'];
  if (typeof inHeader === 'string' && inHeader !== '') return { credential: 'keyInHeader', value: inHeader };
  const [scheme = '', authorization = ''] = (headers.authorization ?? '').split(/\s+(.*)/s);
  if (/^token$/i.test(scheme) && authorization) return { credential: 'token', value: authorization };
  if (/^bearer$/i.test(scheme) && authorization) return { credential: 'bearer', value: authorization };
  const token = url.searchParams.get('access_token');
  if (token) return { credential: 'token', value: token };
  const inQuery = url.searchParams.get('key');
  if (inQuery) return { credential: 'keyInQuery', value: inQuery };
  return { credential: 'none', value: '' };
}
