/** Clients for the tests of the local Gemini Live server, and the proof that a test left nothing open. */
import { connect as connectTcp, type Socket } from 'node:net';
import { expect } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { GeminiServer } from '../../src/testing/index.js';
import { liveUrl, parseServerMessage, type ServerMessage } from '../../src/wire/gemini/live.js';

/** A WebSocket client without any knowledge of Live: what it got, in order, and how it ended. */
export class RawClient {
  /** Those that the running test made. */
  static readonly all: RawClient[] = [];
  readonly frames: { text: string; binary: boolean }[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #readers: (() => void)[] = [];
  #read = 0;

  constructor(url: string, headers: Record<string, string> = { 'x-goog-api-key': 'k' }, options: ClientOptions = {}) {
    RawClient.all.push(this);
    this.#socket = new WebSocket(url, { headers, ...options });
    this.#socket.on('message', (data: Buffer, binary) => {
      this.frames.push({ text: data.toString(), binary });
      this.#readers.shift()?.();
    });
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('unexpected-response', (_, response) => {
        reject(new Error(`HTTP ${response.statusCode}`));
        response.destroy();
        this.#socket.terminate();
      });
      this.#socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  get extensions(): string {
    return this.#socket.extensions;
  }

  /** What the client has sent and the kernel has not taken yet, bytes. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Asks the peer for a sign of life; resolves when it gives one. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('pong', () => resolve());
      this.#socket.ping();
    });
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next frame, whenever it comes. */
  async next(): Promise<ServerMessage> {
    const place = this.#read++;
    if (this.frames.length <= place) await new Promise<void>((resolve) => this.#readers.push(resolve));
    const read = parseServerMessage(this.frames[place]!.text);
    if (!read.ok) throw new Error(read.detail);
    return read.message;
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

export async function connect(server: GeminiServer): Promise<RawClient> {
  const client = new RawClient(liveUrl({ baseUrl: server.url }));
  await client.opened;
  return client;
}

/** A client that knows TCP only: what came after the handshake, segment by segment, as it was read. */
export class RawSocket {
  static readonly all: RawSocket[] = [];
  readonly segments: Buffer[] = [];
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  #changed: () => void = () => undefined;
  #head = '';

  constructor(port: number, url: string) {
    RawSocket.all.push(this);
    this.#socket = connectTcp(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.ended = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.on('error', () => undefined);
    const { pathname } = new URL(url);
    const lines = [
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
      'x-goog-api-key: k',
    ];
    this.#socket.write(`GET ${pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    this.#socket.on('data', (data) => this.#read(data));
  }

  /** Everything after the handshake. */
  get bytes(): Buffer {
    return Buffer.concat(this.segments);
  }

  /** Waits for this many bytes after the handshake. */
  async until(count: number): Promise<Buffer> {
    while (this.bytes.length < count) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.bytes;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    let rest = data;
    if (!this.#head.includes('\r\n\r\n')) {
      const all = Buffer.concat([Buffer.from(this.#head, 'latin1'), data]);
      const end = all.indexOf('\r\n\r\n');
      this.#head = all.toString('latin1', 0, end === -1 ? all.length : end + 4);
      rest = end === -1 ? Buffer.alloc(0) : all.subarray(end + 4);
    }
    if (rest.length > 0) this.segments.push(rest);
    this.#changed();
  }
}

/** Sockets and servers of this process. */
const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP'));

/** After each test: ends its clients and expects no socket and no server in this process. */
export async function nothingIsLeft(): Promise<void> {
  const clients = RawClient.all.splice(0);
  for (const client of clients) client.terminate();
  await Promise.all(clients.map(({ closed }) => closed));
  const sockets = RawSocket.all.splice(0);
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map(({ ended }) => ended));
  // Node forgets a closed handle in the close phase of its event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(openSockets()).toEqual([]);
}
