/**
 * What the local server says to requests that are no handshakes, and how it refuses those that are: Google's JSON errors.
 *
 * Of the HTTP side of the API only the minting of ephemeral tokens is here.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { pathOf, shownCredential } from './admission.js';
import type { EphemeralTokens } from './ephemeral-tokens.js';
import type { Waits } from './waits.js';

/** Largest body of a request, bytes. */
const maxBodyBytes = 65_536;

const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const tokensPath = /\/(v1|v1beta|v1alpha)\/(auth_tokens|authTokens)$/;

/** What it takes to answer. */
export interface HttpAnswers {
  /** Undefined: any, but one; null: none needed. */
  readonly key: string | null | undefined;
  readonly tokens: EphemeralTokens;
  readonly waits: Waits;
  /** How long a body may take, ms. */
  readonly deadlineMs: number;
}

/** Answers one request. Never rejects. */
export async function answerHttp(request: IncomingMessage, response: ServerResponse, { key, tokens, waits, deadlineMs }: HttpAnswers): Promise<void> {
  response.on('error', () => response.destroy());
  if (request.method !== 'POST' || !tokensPath.test(pathOf(request))) {
    return answer(response, 404, errorBody(404, 'this server speaks Gemini Live over WebSocket, and makes ephemeral tokens; nothing else'));
  }
  const { value } = shownCredential(request);
  if (key !== null && (value === '' || (key !== undefined && value !== key))) {
    return answer(response, 401, errorBody(401, value === '' ? 'no API key: send x-goog-api-key or ?key=' : 'API key not valid'));
  }
  const body = await bodyOf(request, waits, deadlineMs);
  if (typeof body === 'number')
    return answer(response, body, errorBody(body, body === 413 ? `at most ${maxBodyBytes} bytes` : 'the body did not come'));
  const minted = tokens.mint(body);
  if (minted.ok) answer(response, 200, `${JSON.stringify(minted.body, null, 2)}\n`);
  else answer(response, minted.status, errorBody(minted.status, minted.message));
}

/** Refuses a handshake. */
export function refuseHandshake(socket: Duplex, status: number, message: string): void {
  const body = errorBody(status, message);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

/** The body as text; or the status with which it is refused. */
async function bodyOf(request: IncomingMessage, waits: Waits, deadlineMs: number): Promise<string | 408 | 413> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let end: string | 408 | 413 | undefined;
  const conclude = (how: string | 408 | 413): void => {
    end ??= how;
    waits.changed();
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) conclude(413);
    else chunks.push(chunk);
  });
  request.on('end', () => conclude(Buffer.concat(chunks).toString('utf8')));
  request.on('error', () => conclude(408));
  const waited = await waits.until(() => end, deadlineMs);
  return waited.ok ? waited.value : 408;
}

function answer(response: ServerResponse, status: number, body: string): void {
  // Whoever has not sent its whole request does not get another on the same socket.
  const close = response.req.complete ? {} : { connection: 'close' };
  response.writeHead(status, { 'content-type': 'application/json', ...close }).end(body);
}

function errorBody(code: number, message: string): string {
  return `${JSON.stringify({ error: { code, message, status: statusNames[code] ?? 'UNKNOWN' } }, null, 2)}\n`;
}
