/**
 * One client of the local server: its unread messages by kind, its answers by call id, and its end.
 *
 * A frame that is no client message closes the connection with 1007, as the real server does (a tool response that is no object, for one).
 */
import type { RawData, WebSocket } from 'ws';

import type { FunctionResponse } from '../../wire/gemini/content.js';
import { type ClientKind, type ClientMessage, parseClientMessage } from '../../wire/gemini/live-client.js';
import type { OutgoingFrame } from './server-messages.js';

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

/** What a connection asks of its server, and tells it. */
export interface ConnectionHooks {
  now(): number;
  /** Gives a message its index; null when the server has received its fill. */
  received(message: Omit<ReceivedMessage, 'index'>): ReceivedMessage | null;
  /** A message or the end came: those who wait look again. */
  changed(): void;
}

/** What became of a group of frames: how many are not yet with the kernel, and the first fault. */
export interface Sending {
  pending: number;
  failure: string | null;
}

/** A client that was let in, until its socket has ended. */
export class Connection {
  readonly index: number;
  /** Set when the socket is closed: the code the other side sent, 1005 for none, 1006 for a cut. */
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;
  readonly #hooks: ConnectionHooks;
  readonly #unread = new Map<ReceivedMessage['kind'], ReceivedMessage[]>();
  readonly #answers = new Map<string, FunctionResponse>();
  #refusal: string | null = null;

  constructor(socket: WebSocket, index: number, hooks: ConnectionHooks) {
    this.#socket = socket;
    this.index = index;
    this.#hooks = hooks;
    socket.on('message', (data, binary) => this.#receive(data, binary));
    // A frame against RFC 6455 or above the size limit; `ws` closes by itself.
    socket.on('error', (error) => (this.#refusal ??= `the client broke the protocol: ${error.message}`));
    socket.on('close', (code, reason) => {
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

  /** Sends frames back to back; `changed` is called as each reaches the kernel or fails. */
  send(frames: readonly OutgoingFrame[]): Sending {
    const sending: Sending = { pending: frames.length, failure: null };
    for (const { text, binary } of frames) {
      this.#socket.send(text, { binary }, (error) => {
        sending.pending -= 1;
        if (error) sending.failure ??= error.message;
        this.#hooks.changed();
      });
    }
    return sending;
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Cuts the socket; `closed` follows. */
  terminate(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.#refusal !== null) return;
    const at = this.#hooks.now();
    const read = parseClientMessage(data);
    const problem = read.ok
      ? (read.faults[0]?.detail ?? (read.kinds.length > 1 ? `one kind per message, got ${read.kinds.join(', ')}` : null))
      : read.detail;
    if (!read.ok || problem !== null) return this.#refuse(1007, `not a client message: ${problem}`);
    const kind = read.kinds[0] ?? 'unknown';
    const received = this.#hooks.received({ connection: this.index, kind, message: read.message, frame: binary ? 'binary' : 'text', at });
    if (received === null) return this.#refuse(1008, 'too many messages');
    const unread = this.#unread.get(kind);
    if (unread) unread.push(received);
    else this.#unread.set(kind, [received]);
    for (const answer of read.message.toolResponse?.functionResponses ?? []) {
      if (answer.id !== undefined && answer.willContinue !== true) this.#answers.set(answer.id, answer);
    }
    this.#hooks.changed();
  }

  #refuse(code: number, reason: string): void {
    this.#refusal = `the server refused a frame: ${reason}`;
    this.#socket.close(code, closeReason(reason));
    this.#hooks.changed();
  }
}

/** A reason short enough for a close frame: at most 123 bytes, cut between characters. */
export function closeReason(reason: string): string {
  let short = reason.slice(0, 123);
  while (Buffer.byteLength(short) > 123) short = short.slice(0, -1);
  return short;
}
