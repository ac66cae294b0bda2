/**
 * The way out of one answer: its head with the first byte, its body in the pieces it is cut into, each a chunk of HTTP and a turn of the event loop of its
 * own, no faster than the client takes them.
 */
import type { ServerResponse } from 'node:http';

import type { Waits } from '../waits.js';
import { longestMs } from './rules.js';

/** How bytes are cut: see the options of a step that writes. */
export interface Cuts {
  readonly chunkBytes?: number | undefined;
  readonly cutAt?: readonly number[] | undefined;
  readonly firstBytes?: number | undefined;
}

/** How an answer ended: `answered` in order, `gone` for a client that left, `dropped` by the script, `closed` with the server. */
export type AnswerEnd = 'answered' | 'gone' | 'dropped' | 'closed';

/** One answer, until it has ended. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #waits: Waits;
  /** Sent with the first byte. */
  #head: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  #end: AnswerEnd | null = null;
  /** Bytes of the body that the kernel has taken. */
  takenBytes = 0;

  /** @param waits  of the server: told whenever something changed */
  constructor(response: ServerResponse, waits: Waits, contentType: string) {
    this.#response = response;
    this.#waits = waits;
    this.#head = { status: 200, headers: { 'content-type': contentType } };
    response.on('error', () => response.destroy());
    response.once('close', () => this.#ended(response.writableFinished ? 'answered' : 'gone'));
    // A client that left while its request was read: nothing closes any more.
    if (response.destroyed || response.req.socket.destroyed) this.#ended('gone');
  }

  /** How it ended; null while it has not. */
  get end(): AnswerEnd | null {
    return this.#end;
  }

  /** Whether status and headers are gone already. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** Sets what differs from the default; with `now` it is sent at once, before any byte of the body. */
  head(status: number, headers: Readonly<Record<string, string>>, now = false): void {
    const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    this.#head = { status, headers: { ...this.#head.headers, ...lowered } };
    if (now) {
      this.#begin();
      this.#response.flushHeaders();
    }
  }

  /**
   * Writes, and waits until the kernel has it all: a client that reads no further holds the script back.
   * @returns false when the client has gone or the server closes
   */
  async write(bytes: Uint8Array, cuts: Cuts, deadlineMs = longestMs): Promise<boolean> {
    if (this.#end !== null) return false;
    let pending = 0;
    const settled = async (): Promise<boolean> => {
      const waited = await this.#waits.until(() => (this.#end !== null ? 'ended' : pending === 0 ? 'taken' : undefined), deadlineMs);
      return waited.ok && waited.value === 'taken';
    };
    for (const piece of pieces(bytes, cuts)) {
      // A client of this process, too, gets its turn to read between two pieces: it would see them as one.
      await turn();
      if (this.#end !== null) return false;
      this.#begin();
      pending += 1;
      const isFull = !this.#response.write(piece, (error) => {
        pending -= 1;
        if (error === null || error === undefined) this.takenBytes += piece.length;
        if (pending === 0) this.#waits.changed();
      });
      if (isFull && !(await settled())) return false;
    }
    await turn();
    return settled();
  }

  /** Ends it in order, and waits until it has. */
  async finish(): Promise<void> {
    if (this.#end !== null) return;
    this.#begin();
    this.#response.end();
    await this.gone();
  }

  /** Ends the socket without the end of the answer; with a reset, that is seen even by clients to which the end of a connection ends the body. */
  drop(isReset = false): void {
    this.#ended('dropped');
    const { socket } = this.#response;
    if (isReset && socket !== null && 'resetAndDestroy' in socket) socket.resetAndDestroy();
    else this.#response.destroy();
  }

  /** Waits until it has ended, by whomever; a server that closes ends it. */
  async gone(): Promise<void> {
    const waited = await this.#waits.until(() => this.#end ?? undefined, longestMs);
    if (waited.ok) return;
    this.#ended('closed');
    this.#response.destroy();
  }

  #begin(): void {
    if (this.#response.headersSent || this.#end !== null) return;
    // Whoever has not sent its whole request does not get another on the same socket.
    const close = this.#response.req.complete ? {} : { connection: 'close' };
    this.#response.writeHead(this.#head.status, { ...this.#head.headers, ...close });
  }

  #ended(how: AnswerEnd): void {
    this.#end ??= how;
    this.#waits.changed();
  }
}

/** A turn of the event loop, in which sockets are read. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Cuts bytes into pieces; none is empty. */
export function pieces(bytes: Uint8Array, { chunkBytes, cutAt = [], firstBytes }: Cuts): readonly Uint8Array[] {
  const kept = firstBytes === undefined ? bytes : bytes.subarray(0, firstBytes);
  const regular = chunkBytes === undefined ? [] : Array.from({ length: Math.ceil(kept.length / chunkBytes) }, (_, index) => index * chunkBytes);
  const bounds = [...new Set([0, ...regular, ...cutAt, kept.length])].filter((bound) => bound <= kept.length).sort((one, other) => one - other);
  return bounds.slice(1).map((bound, index) => kept.subarray(bounds[index], bound));
}
