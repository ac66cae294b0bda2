/**
 * One client of the local server: its unread messages by kind, its answers by call id, and its end.
 *
 * A frame that is no client message closes the connection with 1007, as the real server does (a tool response that is no object, for one).
 */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';

import type { FunctionResponse } from '../../wire/gemini/content.js';
import { type ClientKind, type ClientMessage, type LiveSetup, parseClientMessage } from '../../wire/gemini/live-client.js';
import { Outlet } from './outlet.js';

/** A client message as it arrived. `at` is monotonic ms of the server's clock. */
export interface ReceivedMessage {
  /** Place among all messages of the server, from 0. */
  readonly index: number;
  /** Which connection, from 0 in the order they were let in. */
  readonly connection: number;
  /** The one kind that it holds; `unknown`: none that is known. */
  readonly kind: ClientKind | 'unknown';
  /** With camelCase names, whichever the client wrote. */
  readonly message: ClientMessage;
  /** The opcode of its frame. */
  readonly frame: 'text' | 'binary';
  readonly at: number;
}

/** Why a server closes a connection by itself. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** What a connection asks of its server, and tells it. */
export interface ConnectionHooks {
  now(): number;
  /** Gives a message its index; null when the server has received its fill. */
  received(message: Omit<ReceivedMessage, 'index'>): ReceivedMessage | null;
  /** The client's setup came. Why it is refused (a spent token, an unknown handle), or null. */
  setUp(connection: Connection, setup: LiveSetup): Refusal | null;
  /** A message or the end came: those who wait look again. */
  changed(): void;
}

/** A client that was let in, until its socket has ended. */
export class Connection {
  readonly index: number;
  /** What is written to the client. */
  readonly outlet: Outlet;
  /** Set when the socket is closed: the code the other side sent, 1005 for none, 1006 for a cut. */
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  readonly #hooks: ConnectionHooks;
  readonly #unread = new Map<ReceivedMessage['kind'], ReceivedMessage[]>();
  readonly #answers = new Map<string, FunctionResponse>();
  #refusal: string | null = null;

  /** @param socket  what the WebSocket stands on: TCP, or TLS over it */
  constructor(webSocket: WebSocket, socket: Duplex, index: number, hooks: ConnectionHooks) {
    this.#socket = webSocket;
    this.index = index;
    this.#hooks = hooks;
    this.outlet = new Outlet(webSocket, socket, () => hooks.changed());
    webSocket.on('message', (data, binary) => this.#receive(data, binary));
    // A frame against RFC 6455 or above the size limit; `ws` closes by itself.
    webSocket.on('error', (error) => (this.#refusal ??= `the client broke the protocol: ${error.message}`));
    webSocket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      hooks.changed();
    });
  }

  /** Why nothing more will come from this client, or null. */
  get ended(): string | null {
    if (this.#refusal !== null) return this.#refusal;
    return this.closed && `the connection is closed (${this.closed.code}${this.closed.reason && ` ${this.closed.reason}`})`;
  }

  /** Takes the oldest unread message of a kind that `accepts` likes. */
  take(kind: ReceivedMessage['kind'], accepts: (message: ReceivedMessage) => boolean): ReceivedMessage | undefined {
    const unread = this.#unread.get(kind) ?? [];
    const place = unread.findIndex(accepts);
    return place === -1 ? undefined : unread.splice(place, 1)[0];
  }

  /** The oldest unread message of a kind; it stays unread. */
  peek(kind: ReceivedMessage['kind']): ReceivedMessage | undefined {
    return this.#unread.get(kind)?.[0];
  }

  /** The kinds of unread messages and their count, for people: `realtimeInput ×12`. */
  describeUnread(): string {
    const kinds = [...this.#unread].filter(([, messages]) => messages.length > 0);
    return kinds.map(([kind, messages]) => `${kind} ×${messages.length}`).join(', ') || 'nothing';
  }

  /** The final answer to a call, once it came. */
  answerTo(id: string): FunctionResponse | undefined {
    return this.#answers.get(id);
  }

  /** A call is made (again): an earlier answer to its id does not count. */
  forgetAnswer(id: string): void {
    this.#answers.delete(id);
  }

  /** From here on nothing is read: what the client sends fills the network's buffers, then its own. */
  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  /** From here on a close frame of the client is not answered. */
  ignoreClose(): void {
    // `ws` answers by this method of the instance; the outlet closes by the class's own.
    this.#socket.close = () => undefined;
  }

  /** Cuts the socket; `closed` follows. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Closes because of something the client did, or has not; what it still sends is not looked at. */
  refuse({ code, reason }: Refusal, what = 'the client'): void {
    if (this.#refusal !== null || this.closed !== null) return;
    this.#refusal = `the server refused ${what}: ${reason}`;
    this.outlet.close(code, closeReason(reason));
    this.#hooks.changed();
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.#refusal !== null) return;
    const at = this.#hooks.now();
    const read = parseClientMessage(data);
    const problem = read.ok
      ? (read.faults[0]?.detail ?? (read.kinds.length > 1 ? `one kind per message, got ${read.kinds.join(', ')}` : null))
      : read.detail;
    if (!read.ok || problem !== null) return this.refuse({ code: 1007, reason: `not a client message: ${problem}` }, 'a frame');
    const kind = read.kinds[0] ?? 'unknown';
    const refusal = read.message.setup === undefined ? null : this.#hooks.setUp(this, read.message.setup);
    if (refusal !== null) return this.refuse(refusal, 'the setup');
    const received = this.#hooks.received({ connection: this.index, kind, message: read.message, frame: binary ? 'binary' : 'text', at });
    if (received === null) return this.refuse({ code: 1008, reason: 'too many messages' }, 'a frame');
    const unread = this.#unread.get(kind);
    if (unread) unread.push(received);
    else this.#unread.set(kind, [received]);
    for (const answer of read.message.toolResponse?.functionResponses ?? []) {
      if (answer.id !== undefined && answer.willContinue !== true) this.#answers.set(answer.id, answer);
    }
    this.#hooks.changed();
  }
}

/** A reason short enough for a close frame: at most 123 bytes, cut between characters. */
export function closeReason(reason: string): string {
  let short = reason.slice(0, 123);
  while (Buffer.byteLength(short) > 123) short = short.slice(0, -1);
  return short;
}
