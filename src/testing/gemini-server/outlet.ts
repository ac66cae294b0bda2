/**
 * The way out of one connection: whole messages, fragments, segments of a few bytes, bytes that are no frame; and what holds them back.
 *
 * What `ws` sends by itself (pongs, its answer to a close) takes the same way: it never lands between the segments of a frame.
 */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';

import type { OutgoingFrame } from './server-messages.js';

/** How messages are put on the wire: see the options of a step that sends. */
export interface WireShape {
  readonly fragments?: number | undefined;
  readonly chunkBytes?: number | undefined;
}

/** What became of a group of frames: how many are not yet with the kernel, and the first fault. */
export interface Sending {
  pending: number;
  failure: string | null;
}

const opcodes = { continuation: 0x0, text: 0x1, binary: 0x2 } as const;

/** What a server writes to one client. `changed` is called as each frame reaches the kernel, or fails. */
export class Outlet {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #changed: () => void;
  #isStalled = false;
  /** While segments are on their way one by one. */
  #isSlow = false;

  /** @param socket  beneath the WebSocket: TCP, or TLS over it */
  constructor(webSocket: WebSocket, socket: Duplex, changed: () => void) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#changed = changed;
  }

  /** Whether what is sent waits here. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Sends messages back to back, each as `shape` says. */
  send(messages: readonly OutgoingFrame[], shape: WireShape = {}): Sending {
    const { fragments = 1, chunkBytes } = shape;
    const frames = messages.flatMap(({ payload, binary }) =>
      parts(payload, fragments).map((part, index, all) => ({
        part,
        binary,
        opcode: index > 0 ? opcodes.continuation : binary ? opcodes.binary : opcodes.text,
        fin: index === all.length - 1,
      })),
    );
    if (chunkBytes !== undefined) {
      return this.#writeSlowly(slices(Buffer.concat(frames.map(({ opcode, part, fin }) => encodeFrame(opcode, part, fin))), chunkBytes));
    }
    const sending: Sending = { pending: frames.length, failure: null };
    // Stalled: without compression, which would let them pass each other on the way to the socket.
    const compress = !this.#isStalled;
    for (const { part, binary, fin } of frames) this.#webSocket.send(part, { binary, fin, compress }, (error) => this.#settle(sending, error));
    return sending;
  }

  /** Writes bytes beneath the WebSocket. */
  write(bytes: Buffer): Sending {
    const sending: Sending = { pending: 1, failure: null };
    this.#socket.write(bytes, (error) => this.#settle(sending, error));
    return sending;
  }

  /** From here on everything waits; again: the same. */
  stall(): void {
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#socket.cork();
  }

  /** What waited is written. */
  resume(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#socket.uncork();
  }

  /** Sends a close frame; null: one without a code. */
  close(code: number | null, reason: string): void {
    // By the class's own method: Connection.ignoreClose() shadows that of the instance.
    if (code === null) WebSocket.prototype.close.call(this.#webSocket);
    else WebSocket.prototype.close.call(this.#webSocket, code, reason);
  }

  /** One segment in each turn of the event loop, so that a peer in this process reads each by itself. Others who write wait until the last. */
  #writeSlowly(segments: readonly Buffer[]): Sending {
    if (this.#isStalled || this.#isSlow) return this.write(Buffer.concat(segments));
    const sending: Sending = { pending: 1, failure: null };
    const socket = this.#socket;
    const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
    const waiting: unknown[][] = [];
    this.#isSlow = true;
    Object.assign(socket, { write: (...args: unknown[]) => waiting.push(args) > 0 });
    const next = (index: number): void => {
      const isLast = index === segments.length - 1;
      if (!socket.destroyed) write(segments[index], ...(isLast ? [(error?: Error | null) => this.#settle(sending, error)] : []));
      if (!socket.destroyed && !isLast) {
        setImmediate(() => next(index + 1));
        return;
      }
      if (!isLast) this.#settle(sending, new Error('the socket has ended'));
      this.#isSlow = false;
      Reflect.deleteProperty(socket, 'write');
      for (const args of waiting) write(...args);
    };
    // The first too: this turn may be one in which the peer has yet to read what came before.
    setImmediate(() => next(0));
    return sending;
  }

  #settle(sending: Sending, error: Error | null | undefined): void {
    sending.pending -= 1;
    if (error) sending.failure ??= error.message;
    this.#changed();
  }
}

/** One frame of a server: not masked, not compressed. @see RFC 6455 §5.2 */
function encodeFrame(opcode: number, payload: Buffer, fin: boolean): Buffer {
  const first = (fin ? 0x80 : 0) | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  if (payload.length < 65_536) return Buffer.concat([Buffer.from([first, 126, payload.length >> 8, payload.length & 0xff]), payload]);
  const head = Buffer.from([first, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** This many consecutive parts of about the same size, or one for each byte where there are fewer; of nothing: one empty part. */
function parts(bytes: Buffer, count: number): Buffer[] {
  const all = Math.max(1, Math.min(count, bytes.length));
  const start = (index: number): number => Math.floor((index * bytes.length) / all);
  return Array.from({ length: all }, (_, index) => bytes.subarray(start(index), start(index + 1)));
}

/** Consecutive parts of this many bytes, the last as it comes out; of nothing: one empty part. */
function slices(bytes: Buffer, length: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += length) parts.push(bytes.subarray(at, at + length));
  return parts.length === 0 ? [bytes] : parts;
}
