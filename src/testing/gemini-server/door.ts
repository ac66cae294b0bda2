/**
 * The handshakes of one server: each is answered as it comes, or held until a script lets it in or refuses it.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

import type { Admission } from './admission.js';
import type { EphemeralToken } from './ephemeral-tokens.js';
import { refuseHandshake } from './plain-http.js';

/** A handshake that may be let in, by its path and its credential. */
export interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly admission: Admission;
  /** The server's own token that was shown, if it was one. */
  readonly token: EphemeralToken | undefined;
}

/** One that waits, and what came after it. */
interface HeldHandshake {
  readonly handshake: Handshake;
  readonly early: Buffer[];
  stopReading: () => void;
}

/** What is kept of a client that speaks before it is let in, bytes; above it nothing is read. */
const maxEarlyBytes = 65_536;

/** How a handshake is refused: by an HTTP status and a message, or cut without a word. */
export type Rebuff = 'cut' | { readonly status: number; readonly message?: string | undefined };

/** Settings and the way in. */
export interface DoorOptions {
  readonly answers: 'atOnce' | 'byScript';
  readonly compression: boolean;
  readonly maxMessageBytes: number;
  opened(webSocket: WebSocket, handshake: Handshake): void;
}

/** Where clients knock. Who may hold how many is the server's to decide. */
export class Door {
  readonly #options: DoorOptions;
  readonly #upgrades: WebSocketServer;
  readonly #held: HeldHandshake[] = [];

  constructor(options: DoorOptions) {
    this.#options = options;
    const { compression, maxMessageBytes } = options;
    this.#upgrades = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: compression, maxPayload: maxMessageBytes });
  }

  /** Handshakes that wait. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Lets a client in, or holds it. */
  knock(handshake: Handshake): void {
    if (this.#options.answers === 'atOnce') return this.#open(handshake);
    const held: HeldHandshake = { handshake, early: [handshake.head], stopReading: () => undefined };
    this.#held.push(held);
    const forget = (): void => {
      const place = this.#held.indexOf(held);
      if (place !== -1) this.#held.splice(place, 1);
      handshake.socket.destroy();
    };
    // Read, so that a client who gives up is noticed; a frame that comes too early is kept, within bounds.
    let bytes = 0;
    const read = (data: Buffer): void => {
      held.early.push(data);
      if ((bytes += data.length) > maxEarlyBytes) handshake.socket.pause();
    };
    handshake.socket.on('data', read).once('end', forget).once('close', forget);
    held.stopReading = () => handshake.socket.off('data', read).off('end', forget).off('close', forget).resume();
  }

  /** Lets in whoever has waited longest. @returns false when nobody waits */
  letIn(): boolean {
    const held = this.#held.shift();
    held?.stopReading();
    if (held !== undefined) this.#open({ ...held.handshake, head: Buffer.concat(held.early) });
    return held !== undefined;
  }

  /** Refuses whoever has waited longest. @returns false when nobody waits */
  refuse(how: Rebuff): boolean {
    const held = this.#held.shift();
    if (held === undefined) return false;
    const { socket } = held.handshake;
    if (how === 'cut') socket.destroy();
    else refuseHandshake(socket, how.status, how.message ?? 'refused by the script');
    return true;
  }

  close(): void {
    this.#upgrades.close();
  }

  #open(handshake: Handshake): void {
    const { request, socket, head } = handshake;
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => this.#options.opened(webSocket, handshake));
  }
}
