/**
 * Who is let in: by the name under which the inspector was asked for, the page that asks, and the token of this run.
 *
 * A server on loopback is within reach of every page that the user has open. `Host` keeps out names that somebody has pointed at 127.0.0.1, `Origin`
 * other pages, and the token whoever else has an account on this machine.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { subprotocol } from './protocol.js';

/** A token for one run: 32 random bytes, in base64url. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

const hostNames = ['127.0.0.1', 'localhost', '[::1]'];

export interface Door {
  readonly token: string;
  readonly port: number;
  readonly origins: readonly string[];
}

/** Why a request is refused before anything of it is read: a status and words; null: it is not. */
export type Rebuff = { readonly status: 401 | 403; readonly words: string } | null;

/** May this request come in at all? It has not shown a token yet. */
export function rebuffOf({ headers, rawHeaders }: IncomingMessage, { port, origins }: Door): Rebuff {
  const { host = '', origin } = headers;
  if (timesIn(rawHeaders, 'host') !== 1 || !hostNames.some((name) => host === `${name}:${port}` || (port === 80 && host === name)))
    return { status: 403, words: 'asked for under a name that is not its own' };
  if (origin === undefined) return null;
  const isOwn = hostNames.some((name) => origin === `http://${name}:${port}` || (port === 80 && origin === `http://${name}`));
  if (timesIn(rawHeaders, 'origin') !== 1 || !(isOwn || origins.includes(origin))) return { status: 403, words: 'asked for by a page that may not' };
  return null;
}

/** Does a request over HTTP show the token? */
export function showsBearer({ headers }: IncomingMessage, { token }: Door): boolean {
  const [, shown] = /^Bearer ([\w-]+)$/i.exec(headers.authorization ?? '') ?? [];
  return isToken(shown, token);
}

/** Does a handshake offer this version of the protocol, and show the token? */
export function showsSubprotocol({ headers }: IncomingMessage, { token }: Door): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const shown = offered.find((one) => one.startsWith('token.'))?.slice('token.'.length);
  return offered.includes(subprotocol) && isToken(shown, token);
}

/** In a time that does not depend on how much of it is right. */
export function isToken(shown: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown ?? ''), digest(token)) && shown !== undefined;
}

function timesIn(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((one, index) => index % 2 === 0 && one.toLowerCase() === name).length;
}
