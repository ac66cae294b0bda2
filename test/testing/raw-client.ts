/** A WebSocket client for the tests of the local Gemini Live server, and the proof that a test left nothing open. */
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

  close(code?: number): void {
    this.#socket.close(code);
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

/** Sockets and servers of this process. */
const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP'));

/** After each test: ends its clients and expects no socket and no server in this process. */
export async function nothingIsLeft(): Promise<void> {
  const clients = RawClient.all.splice(0);
  for (const client of clients) client.terminate();
  await Promise.all(clients.map(({ closed }) => closed));
  // Node forgets a closed handle in the close phase of its event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(openSockets()).toEqual([]);
}
