/** How the local server makes ephemeral tokens, and how it refuses handshakes: with Google's JSON errors. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { pathOf, shownCredential } from './admission.js';
import type { EphemeralTokens } from './ephemeral-tokens.js';
import { errorText } from './http/google-error.js';
import { bodyOf } from './request-body.js';
import type { Waits } from './waits.js';

/** Largest body of a request, bytes. */
const maxBodyBytes = 65_536;

const tokensPath = /\/(v1|v1beta|v1alpha)\/(auth_tokens|authTokens)$/;

/** Whether a request asks for a token. */
export function asksForToken(request: IncomingMessage): boolean {
  return request.method === 'POST' && tokensPath.test(pathOf(request));
}

/** What it takes to answer. */
export interface TokenDesk {
  /** Undefined: any, but one; null: none needed. */
  readonly key: string | null | undefined;
  readonly tokens: EphemeralTokens;
  readonly waits: Waits;
  /** How long a body may take, ms. */
  readonly deadlineMs: number;
}

/** Answers a request for a token. Never rejects. */
export async function answerToken(request: IncomingMessage, response: ServerResponse, { key, tokens, waits, deadlineMs }: TokenDesk): Promise<void> {
  response.on('error', () => response.destroy());
  const { value } = shownCredential(request);
  if (key !== null && (value === '' || (key !== undefined && value !== key))) {
    return answer(response, 401, errorText({ code: 401, message: value === '' ? 'no API key: send x-goog-api-key or ?key=' : 'API key not valid' }));
  }
  const body = await bodyOf(request, waits, deadlineMs, maxBodyBytes);
  if (typeof body === 'number')
    return answer(response, body, errorText({ code: body, message: body === 413 ? `at most ${maxBodyBytes} bytes` : 'the body did not come' }));
  const minted = tokens.mint(body);
  if (minted.ok) answer(response, 200, `${JSON.stringify(minted.body, null, 2)}\n`);
  else answer(response, minted.status, errorText({ code: minted.status, message: minted.message }));
}

/** Refuses a handshake. */
export function refuseHandshake(socket: Duplex, status: number, message: string): void {
  const body = errorText({ code: status, message });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

function answer(response: ServerResponse, status: number, body: string): void {
  // Whoever has not sent its whole request does not get another on the same socket.
  const close = response.req.complete ? {} : { connection: 'close' };
  response.writeHead(status, { 'content-type': 'application/json', ...close }).end(body);
}
