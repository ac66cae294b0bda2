/**
 * Ephemeral tokens: minted on a server with the API key, used by a browser in its place.
 *
 * @see Gemini API, ephemeral tokens: POST /v1alpha/auth_tokens
 */
import { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { hideInExcerpt } from '../secrets.js';
import { shownUrl } from './live-url.js';
import { type EphemeralTokenOptions, planToken, type TokenRequest } from './token-options.js';

export type { EphemeralTokenOptions } from './token-options.js';

const token = z.looseObject({
  name: z.string().startsWith('auth_tokens/'),
  expireTime: z.string().optional(),
  newSessionExpireTime: z.string().optional(),
  uses: z.number().optional(),
});
/** A token: `name` is what a session takes as `apiKey`, a secret too. The rest is there where the service tells it; unknown fields are kept. */
export type EphemeralToken = z.infer<typeof token>;

/** Why a token was refused: `details.got` of `live/token-refused`. */
export interface TokenRefusal {
  /** Of HTTP. */
  readonly status: number;
  /** Google's name for it (`PERMISSION_DENIED`); empty where the answer has none. */
  readonly reason: string;
  /** Of the service, at most 300 characters; the key blotted out where it repeats it. */
  readonly message: string;
}

/** An answer's bytes that are read; a token's has some hundred. */
const longestAnswer = 1_048_576;
const longestMessage = 300;

/**
 * Mints an ephemeral token. One request is made, and not repeated: a retry is for the caller to decide, since each use is counted.
 * @returns the token
 * @throws EspalierError (the promise rejects) `live/invalid-options`, before anything starts; `live/token-refused`, whose `details.got` is a
 *         {@link TokenRefusal}; `live/token-failed` when no answer came in time, or none that is a token. None shows the key. After an abort: the
 *         signal's reason
 */
export async function createEphemeralToken(options: EphemeralTokenOptions): Promise<EphemeralToken> {
  const request = planToken(options);
  request.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const end = request.signal === null ? deadline : AbortSignal.any([request.signal, deadline]);
  const secrets = [request.apiKey];
  const hide = (text: string) => hideInExcerpt(text, secrets);
  try {
    // A fetch of the app's own may not heed the signal.
    const answer = await Promise.race([ask(request, end), aborted(end)]);
    return tokenOf(answer, hide);
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    request.signal?.throwIfAborted();
    if (deadline.aborted) throw failed(`an answer within ${request.timeoutMs} ms`, 'none');
    // No cause: what a fetch throws may hold the request, and with it the key.
    throw failed(`an answer of ${shownUrl(request.url)}`, hide(wordsOf(error)));
  }
}

interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly text: string;
}

async function ask({ apiKey, body, fetch, url }: TokenRequest, signal: AbortSignal): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-goog-api-key': apiKey };
  // A redirect would take the key to another host.
  const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
  return { status: response.status, ok: response.ok, text: await textOf(response) };
}

/** The body as text. @throws Error for one that does not end */
async function textOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  let bytes = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    bytes += chunk.value.byteLength;
    if (bytes > longestAnswer) {
      await reader.cancel();
      throw new Error(`an answer of more than ${longestAnswer} bytes`);
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

/** Rejects when the signal aborts, and else never settles. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

function tokenOf({ ok, status, text }: Answer, hide: (text: string) => string): EphemeralToken {
  const value = jsonOf(text);
  if (!ok) {
    const said = refusal.safeParse(value).data?.error;
    const message = hide(hide(said?.message ?? text.trim()).slice(0, longestMessage));
    const got: TokenRefusal = { status, reason: hide(said?.status ?? ''), message };
    throw new EspalierError('live/token-refused', { expected: 'a token', got });
  }
  const read = token.safeParse(value);
  // Nothing of the answer is shown: it may be a token all the same.
  if (!read.success) throw failed('a token: { name: "auth_tokens/…" }', read.error.issues[0]?.path.join('.') || 'something else');
  return read.data;
}

/** How Google's services refuse. */
const refusal = z.looseObject({ error: z.looseObject({ message: z.string().optional(), status: z.string().optional() }) });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch failed (ECONNREFUSED)`: fetch tells the reason in the cause of its error. */
function wordsOf(error: unknown): string {
  const { message = String(error), cause } = (typeof error === 'object' && error !== null ? error : {}) as { message?: string; cause?: unknown };
  const { code, message: reason } = (typeof cause === 'object' && cause !== null ? cause : {}) as { code?: unknown; message?: unknown };
  const why = typeof code === 'string' ? code : typeof reason === 'string' ? reason : '';
  return why === '' ? message : `${message} (${why})`;
}

function failed(expected: string, got: string): EspalierError {
  return new EspalierError('live/token-failed', { expected, got });
}
