/**
 * A client WebSocket as the Live connection needs it: the port, and its default over `ws`.
 *
 * A socket tells of its end exactly once, as `closed` or as `failed`, whatever happens; after {@link ClientSocket.terminate} it may tell nothing.
 * Nothing here throws after the socket was made.
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { Frame } from '../wire/gemini/live.js';

/** Where to connect. `headers` carry the credentials: URLs end up in logs. */
export interface SocketAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the socket may take over a closing handshake that either side began, ms. */
  readonly closeMs: number;
}

/** What a socket tells; each function must be called outside the one that opens the socket. */
export interface SocketListener {
  /** It can be sent on. */
  opened(): void;
  /** A message came, text or binary, in the order of the wire. */
  frame(data: Frame): void;
  /** The end, by a close frame or by a cut (1006). `code` 1005: a close frame without a code. */
  closed(code: number, reason: string): void;
  /** The end, by an error. `code`: an HTTP status where the server refused, else a name such as `ECONNREFUSED`. */
  failed(code: number | string, reason: string): void;
}

/** A socket as {@link OpenSocket} hands it over: opening still. None of its methods throws. */
export interface ClientSocket {
  /** Sends a text frame. `written(true)` once the runtime has passed it on; `written(false)` when the socket cannot take it. Later, or at once. */
  send(text: string, written: (ok: boolean) => void): void;
  /** Begins the closing handshake. Twice is once. */
  close(code: number, reason: string): void;
  /** Ends the socket now. Twice is once. */
  terminate(): void;
}

/** The port: opens a socket and tells its listener. */
export type OpenSocket = (address: SocketAddress, listener: SocketListener) => ClientSocket;

/** How much of a refusal's body is read, characters. */
const longestBody = 2_048;

/** The default {@link OpenSocket}. No compression: it hides from `bufferedAmount` what a stalled peer leaves unsent. */
export const openWebSocket: OpenSocket = ({ url, headers, closeMs }, listener) => {
  // `closeTimeout` is newer than the published types. Later than the session's own deadline, which decides on closes that the session began.
  const options = { headers, perMessageDeflate: false, closeTimeout: closeMs + 1_000 };
  const socket = new WebSocket(url, options);
  let hasEnded = false;
  const end = (tell: () => void) => {
    if (hasEnded) return;
    hasEnded = true;
    tell();
  };
  socket.on('open', () => {
    if (!hasEnded) listener.opened();
  });
  socket.on('message', (data) => {
    if (!hasEnded) listener.frame(data);
  });
  socket.on('unexpected-response', (_request, response) => {
    readRefusal(response, (reason) => {
      end(() => listener.failed(response.statusCode ?? 0, reason));
      socket.terminate();
    });
  });
  // An error ends the socket; `ws` follows it by a close, which says less.
  socket.on('error', (error: Error & { code?: string }) => {
    const { code = 'error', message, name } = error;
    end(() => listener.failed(code, message || (error.code ?? name))); // where a host has several addresses, Node's error has no message
  });
  socket.on('close', (code, reason) => end(() => listener.closed(code, reason.toString('utf8'))));
  return {
    send(text, written) {
      if (socket.readyState !== WebSocket.OPEN) written(false);
      else socket.send(text, (error) => written(error === undefined || error === null));
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
};

/** Status line and what the body says of it: `HTTP 401 Unauthorized: API key not valid`. */
function readRefusal(response: IncomingMessage, done: (reason: string) => void): void {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    body = (body + chunk).slice(0, longestBody);
  });
  response.on('error', () => undefined); // a cut body is as good as a short one; 'close' follows
  response.on('close', () => {
    const words = messageIn(body);
    done(`HTTP ${response.statusCode ?? 0} ${response.statusMessage ?? ''}${words === '' ? '' : `: ${words}`}`);
  });
}

/** The message of Google's JSON errors, else the body's first line. @throws never */
function messageIn(body: string): string {
  try {
    const value = JSON.parse(body) as { error?: { message?: unknown } } | null;
    if (typeof value?.error?.message === 'string') return value.error.message;
  } catch {
    // not JSON
  }
  return body.trim().split('\n', 1)[0] ?? '';
}
