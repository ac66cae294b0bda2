/**
 * A local Gemini Live endpoint: a real WebSocket server on loopback that plays a script or a recording, so that everything runs with no key
 * and no network.
 *
 *   await using server = await geminiServer({ script: [{ expect: 'setup' }, { send: { setupComplete: {} } }] });
 *   connect to server.url, then: await server.outcome
 *
 * It answers on every path, version and credential of the real service (admission.ts), negotiates permessage-deflate, and frames JSON as
 * the real one does. `close()` leaves nothing: no socket, no timer, no open wait.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

import { EspalierError } from '../../errors.js';
import type { FunctionResponse } from '../../wire/gemini/content.js';
import { type Admission, admit } from './admission.js';
import { Connection, type ReceivedMessage } from './connection.js';
import { type GeminiServerOptions, type GeminiServerSettings, readOptions } from './options.js';
import { type Outcome, Player, type Stage } from './player.js';
import { readScript, type Step } from './steps.js';
import { type Waited, Waits } from './waits.js';

/** A running local server. */
export interface GeminiServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the base URL for clients; over `ws:` the same host and port. */
  readonly url: string;
  /** The loopback port that it listens on. */
  readonly port: number;
  /** Every client message, in the order they arrived, over all connections. */
  readonly received: readonly ReceivedMessage[];
  /** How each connection came in, in order (the first `maxReceived` of them). */
  readonly connections: readonly Admission[];
  /**
   * How the script ended; of several, the first failure. With `perConnection` it is known when the server closes; with no script it is
   * `{ ok: true }`. Never rejects.
   */
  readonly outcome: Promise<Outcome>;
  /** All function responses so far, in order: those of every `toolResponse`. */
  answers(): readonly FunctionResponse[];
  /** Waits for the client message at this index of `received`. Default deadline: the server's. Never rejects. */
  nth(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedMessage>>;
  /** Waits for the oldest message (of this kind, if given) that `next` has not handed out yet. Never rejects. */
  next(kind?: ReceivedMessage['kind'], options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedMessage>>;
  /**
   * Plays further steps, after those that are playing; they begin on the current connection. Never rejects.
   * @throws EspalierError `gemini-server/invalid-script`; also for a server that plays `perConnection`
   */
  play(script: readonly Step[]): Promise<Outcome>;
  /** Waits until no script is playing. Default deadline: the server's. Never rejects. */
  idle(options?: { readonly deadlineMs?: number }): Promise<Waited<true>>;
  /** Cuts every socket, ends every wait, frees the port. Again: the same promise. */
  close(): Promise<void>;
}

/** Scripts that may wait behind the one that plays. */
const maxWaitingScripts = 100;

/**
 * Starts a local Gemini Live server on 127.0.0.1.
 * @throws EspalierError (as rejection) `gemini-server/invalid-options`, `gemini-server/invalid-script`, `gemini-server/invalid-recording`;
 *         `gemini-server/invalid-options` with its `cause` when the port cannot be had
 */
export async function geminiServer(options: GeminiServerOptions = {}): Promise<GeminiServer> {
  const server = new LocalServer(await readOptions(options));
  await server.listen();
  return server;
}

class LocalServer implements GeminiServer {
  readonly received: ReceivedMessage[] = [];
  readonly connections: Admission[] = [];
  readonly outcome: Promise<Outcome>;
  readonly #settings: GeminiServerSettings;
  readonly #http = createServer((_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' }).end(errorBody(404, 'this server speaks Gemini Live over WebSocket only'));
  });
  readonly #upgrades: WebSocketServer;
  #connectionCount = 0;
  /** Every TCP socket, upgraded or not. */
  readonly #sockets = new Set<Duplex>();
  readonly #live = new Set<Connection>();
  /** Connections that no script plays on yet; bounded by maxConnections. */
  readonly #unplayed: Connection[] = [];
  /** Messages that `next` has not handed out; bounded by maxReceived. */
  readonly #unread: ReceivedMessage[] = [];
  /** Waits of `nth`, `next` and the player of `once`; a player per connection has its own. */
  readonly #waits: Waits;
  readonly #ownWaits = new Set<Waits>();
  readonly #player: Player;
  /** The last of the scripts that play one after the other. */
  #playing: Promise<Outcome>;
  #playingCount = 0;
  #waitingScripts = 0;
  readonly #perConnection = new Set<Promise<Outcome>>();
  #firstFailure: Outcome = { ok: true };
  #frames = 0;
  #closing: Promise<void> | null = null;
  #closed!: () => void;

  constructor(settings: GeminiServerSettings) {
    this.#settings = settings;
    const { compression, maxMessageBytes, script, plays, clock } = settings;
    this.#upgrades = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: compression, maxPayload: maxMessageBytes });
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#waits = new Waits(clock);
    this.#player = new Player(this.#stage(this.#waits, () => this.#unplayed.shift()));
    const nothing: Outcome = { ok: true };
    this.#playing = script !== null && plays === 'once' ? this.#run(this.#player, script) : Promise.resolve(nothing);
    const closed = new Promise<void>((resolve) => (this.#closed = resolve));
    this.outcome = plays === 'once' || script === null ? this.#playing : closed.then(() => this.#firstFailure);
  }

  get port(): number {
    return (this.#http.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#http.once('error', reject);
        this.#http.listen(this.#settings.port, '127.0.0.1', resolve);
      });
    } catch (cause) {
      await this.close();
      throw new EspalierError('gemini-server/invalid-options', { expected: 'port: one that is free', got: this.#settings.port }, { cause });
    }
  }

  answers(): readonly FunctionResponse[] {
    return this.received.flatMap(({ message }) => message.toolResponse?.functionResponses ?? []);
  }

  nth(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedMessage>> {
    return this.#waits.until(() => this.received[index], options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  next(kind?: ReceivedMessage['kind'], options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedMessage>> {
    const take = (): ReceivedMessage | undefined => {
      const place = kind === undefined ? 0 : this.#unread.findIndex((message) => message.kind === kind);
      return place === -1 ? undefined : this.#unread.splice(place, 1)[0];
    };
    return this.#waits.until(take, options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  play(script: readonly Step[]): Promise<Outcome> {
    const steps = readScript(script);
    if (this.#settings.plays === 'perConnection') {
      throw new EspalierError('gemini-server/invalid-script', { expected: "a server that plays 'once'", got: this.#settings.plays });
    }
    if (this.#waitingScripts >= maxWaitingScripts)
      return Promise.resolve({ ok: false, step: 0, reason: `${maxWaitingScripts} scripts wait already` });
    this.#waitingScripts += 1;
    this.#playing = this.#playing.then(() => {
      this.#waitingScripts -= 1;
      return this.#run(this.#player, steps);
    });
    return this.#playing;
  }

  idle(options?: { readonly deadlineMs?: number }): Promise<Waited<true>> {
    const check = (): true | undefined => (this.#playingCount === 0 && this.#waitingScripts === 0 ? true : undefined);
    return this.#waits.until(check, options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shut(): Promise<void> {
    const portFreed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const connection of this.#live) connection.terminate();
    for (const socket of this.#sockets) socket.destroy();
    this.#upgrades.close();
    for (const waits of [this.#waits, ...this.#ownWaits]) waits.close();
    await Promise.all([portFreed, this.#playing, ...this.#perConnection]);
    this.#closed();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const entry = admit(request, this.#settings.key);
    if (!entry.ok) return refuse(socket, entry.status, entry.message);
    const { maxConnections, maxReceived } = this.#settings;
    if (this.#closing !== null || this.#live.size >= maxConnections || this.#unplayed.length >= maxConnections) {
      return refuse(socket, 503, 'too many connections');
    }
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      const own = this.#settings.plays === 'perConnection' ? new Waits(this.#settings.clock) : null;
      const connection = new Connection(webSocket, this.#connectionCount++, {
        now: () => this.#settings.clock.now(),
        received: (message) => this.#keep(message),
        changed: () => {
          own?.changed();
          this.#waits.changed();
        },
      });
      if (this.connections.length < maxReceived) this.connections.push(entry.admission);
      this.#live.add(connection);
      webSocket.once('close', () => this.#live.delete(connection));
      if (own !== null && this.#settings.script !== null) this.#playOn(connection, own, this.#settings.script);
      else this.#unplayed.push(connection);
      this.#waits.changed();
    });
  }

  #playOn(connection: Connection, waits: Waits, script: readonly Step[]): void {
    this.#ownWaits.add(waits);
    const free = [connection];
    const player = new Player(this.#stage(waits, () => free.shift()));
    const playing = this.#run(player, script).then((outcome) => {
      this.#ownWaits.delete(waits);
      this.#perConnection.delete(playing);
      return outcome;
    });
    this.#perConnection.add(playing);
  }

  async #run(player: Player, script: readonly Step[]): Promise<Outcome> {
    this.#playingCount += 1;
    const outcome = await player.play(script);
    this.#playingCount -= 1;
    if (this.#firstFailure.ok) this.#firstFailure = outcome;
    this.#waits.changed();
    return outcome;
  }

  #stage(waits: Waits, nextConnection: Stage['nextConnection']): Stage {
    const { deadlineMs, acceptMs, frames } = this.#settings;
    const nextFrameIsBinary = (): boolean => frames === 'binary' || (frames === 'alternating' && this.#frames++ % 2 === 0);
    return { waits, nextConnection, nextFrameIsBinary, deadlineMs, acceptMs };
  }

  #keep(message: Omit<ReceivedMessage, 'index'>): ReceivedMessage | null {
    if (this.received.length >= this.#settings.maxReceived) return null;
    const received = { ...message, index: this.received.length };
    this.received.push(received);
    this.#unread.push(received);
    return received;
  }
}

const statusTexts = { 401: 'Unauthorized', 404: 'Not Found', 503: 'Service Unavailable' } as const;
const statusNames = { 401: 'UNAUTHENTICATED', 404: 'NOT_FOUND', 503: 'UNAVAILABLE' } as const;

function errorBody(code: keyof typeof statusNames, message: string): string {
  return `${JSON.stringify({ error: { code, message, status: statusNames[code] } }, null, 2)}\n`;
}

function refuse(socket: Duplex, status: keyof typeof statusNames, message: string): void {
  const body = errorBody(status, message);
  const head = `HTTP/1.1 ${status} ${statusTexts[status]}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}
