/**
 * A client WebSocket as the Live connection needs it: the port. Its default over `ws` is in node-socket.ts, that of browsers in browser-socket.ts.
 *
 * A socket tells of its end exactly once, whatever happens; after {@link ClientSocket.terminate} it may tell nothing. Nothing here throws after the
 * socket was made.
 */
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
  /**
   * The end. `code`: of the close frame (1005 without one, 1006 for a cut), an HTTP status where the server refused, else a name such as `ECONNREFUSED`.
   */
  closed(code: number | string, reason: string): void;
}

/** A socket as {@link OpenSocket} hands it over: opening still. None of its methods throws. */
export interface ClientSocket {
  /** Sends a text frame. `written(true)` once the runtime has passed it on; `written(false)` when the socket cannot take it: it is given nothing more. Later, or at once. */
  send(text: string, written: (ok: boolean) => void): void;
  /** Bytes that were sent and that the runtime still holds; 0 where it cannot say. */
  bufferedAmount(): number;
  /** Reads no more frames until `resume`, so that the peer feels it; false where the runtime cannot. */
  pause(): boolean;
  resume(): void;
  /** Begins the closing handshake. Twice is once. */
  close(code: number, reason: string): void;
  /** Ends the socket now. Twice is once. */
  terminate(): void;
}

/** The port: opens a socket and tells its listener. */
export type OpenSocket = (address: SocketAddress, listener: SocketListener) => ClientSocket;
