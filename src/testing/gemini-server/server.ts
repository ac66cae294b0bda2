/**
 * A local Gemini endpoint: a real server on loopback that plays scripts and recordings, Live over WebSocket and the rest of the API over HTTP, so that
 * everything runs with no key and no network.
 *
 *   await using server = await geminiServer({ script: [{ expect: 'setup' }, { send: { setupComplete: {} } }] });
 *   connect to server.url, then: await server.outcome
 *
 * It answers on every path, version and credential of the real service (admission.ts), makes ephemeral tokens, negotiates permessage-deflate, speaks TLS
 * when asked to, and frames JSON as the real one does. `close()` leaves nothing: no socket, no timer, no open wait.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

import { EspalierError } from '../../errors.js';
import type { FunctionResponse } from '../../wire/gemini/content.js';
import type { LiveSetup } from '../../wire/gemini/live-client.js';
import { admit, type Arrival } from './admission.js';
import { Connection, type ReceivedMessage, type Refusal } from './connection.js';
import { Door, type Handshake } from './door.js';
import { type EphemeralToken, EphemeralTokens } from './ephemeral-tokens.js';
import type { GeminiServer } from './gemini-server.js';
import { Handles } from './handles.js';
import { HttpSide, httpStage, type ReceivedRequest } from './http/http-side.js';
import { type HttpRule, readRules } from './http/rules.js';
import { type GeminiServerOptions, type GeminiServerSettings, readOptions } from './options.js';
import { answerToken, asksForToken, refuseHandshake } from './plain-http.js';
import { type Outcome, Player, type Stage } from './player.js';
import { invalidScript, readScript, type Step } from './steps.js';
import { type Waited, Waits } from './waits.js';

export type { GeminiServer } from './gemini-server.js';

/** Scripts that may wait behind the one that plays. */
const maxWaitingScripts = 100;

/** What a client hears that comes too late. */
const scriptIsOver = 'the script is over';

/**
 * Starts a local Gemini Live server on 127.0.0.1.
 * @throws EspalierError (as rejection) `gemini-server/invalid-options`, `gemini-server/invalid-script`, `gemini-server/invalid-recording`;
 *         `gemini-server/invalid-options` with its `cause` when the port cannot be had; `testing/missing-peer` where a cassette or a certificate needs
 *         a package that is not installed
 */
export async function geminiServer(options: GeminiServerOptions = {}): Promise<GeminiServer> {
  const server = new LocalServer(await readOptions(options));
  await server.listen();
  return server;
}

class LocalServer implements GeminiServer {
  readonly received: ReceivedMessage[] = [];
  readonly connections: Arrival[] = [];
  readonly outcome: Promise<Outcome>;
  readonly #settings: GeminiServerSettings;
  readonly #http: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>;
  readonly #door: Door;
  readonly #tokens: EphemeralTokens;
  readonly #handles = new Handles();
  readonly #httpSide: HttpSide;
  #connectionCount = 0;
  /** Every TCP socket, upgraded or not. */
  readonly #sockets = new Set<Duplex>();
  readonly #live = new Set<Connection>();
  /** Connections whose setup must be found good before a script gets them, with the token that they came by, and how it gets them. */
  readonly #unproven = new Map<Connection, { readonly token: EphemeralToken | undefined; readonly offer: () => void }>();
  /** Connections that no script plays on yet; bounded by maxConnections. */
  readonly #unplayed: Connection[] = [];
  /** Messages that `next` has not handed out; bounded by maxReceived. */
  readonly #unread: ReceivedMessage[] = [];
  /** Waits of `nth`, `next`, of tokens and requests, and of the player of `once`; a player per connection has its own. */
  readonly #waits: Waits;
  readonly #ownWaits = new Set<Waits>();
  readonly #player: Player;
  /** The last of the scripts that play one after the other. */
  #playing: Promise<Outcome>;
  #playingCount = 0;
  #waitingScripts = 0;
  /** What else is under way: scripts of connections, requests, tokens that will expire. */
  readonly #underWay = new Set<Promise<unknown>>();
  #firstFailure: Outcome = { ok: true };
  #frames = 0;
  #closing: Promise<void> | null = null;
  #closed!: () => void;

  constructor(settings: GeminiServerSettings) {
    this.#settings = settings;
    const { compression, maxMessageBytes, script, plays, clock, tls, handshakes } = settings;
    const answer = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response);
    this.#http = tls === null ? createServer(answer) : createTlsServer(tls, answer);
    this.#http.on('connection', (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    this.#door = new Door({ answers: handshakes, compression, maxMessageBytes, opened: (webSocket, handshake) => this.#open(webSocket, handshake) });
    this.#tokens = new EphemeralTokens(clock);
    this.#waits = new Waits(clock);
    this.#httpSide = new HttpSide(
      httpStage(settings, this.#waits, (work) => this.#track(work)),
      settings.http,
    );
    this.#player = new Player(this.#stage(this.#waits, () => this.#nextConnection()));
    const nothing: Outcome = { ok: true };
    this.#playing = script !== null && plays === 'once' ? this.#run(this.#player, script, null) : Promise.resolve(nothing);
    const closed = new Promise<void>((resolve) => (this.#closed = resolve));
    this.outcome = plays === 'once' || script === null ? this.#playing : closed.then(() => this.#firstFailure);
  }

  get port(): number {
    return (this.#http.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    return `${this.#settings.tls === null ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  get certificate(): string | null {
    return this.#settings.tls?.cert ?? null;
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

  held(count = 1, options?: { readonly deadlineMs?: number }): Promise<Waited<true>> {
    return this.#waits.until(() => this.#door.heldCount >= count || undefined, options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  play(script: readonly Step[]): Promise<Outcome> {
    const steps = readScript(script);
    const { plays, handshakes } = this.#settings;
    if (plays === 'perConnection') throw invalidScript("a server that plays 'once'", plays);
    if (handshakes === 'atOnce' && steps.some((step) => 'refuse' in step))
      throw invalidScript("refuse: a server with handshakes: 'byScript'", handshakes);
    if (this.#waitingScripts >= maxWaitingScripts)
      return Promise.resolve({ ok: false, step: 0, reason: `${maxWaitingScripts} scripts wait already` });
    this.#waitingScripts += 1;
    this.#playing = this.#playing.then(() => {
      this.#waitingScripts -= 1;
      return this.#run(this.#player, steps, null);
    });
    return this.#playing;
  }

  idle(options?: { readonly deadlineMs?: number }): Promise<Waited<true>> {
    const check = (): true | undefined => (this.#playingCount === 0 && this.#waitingScripts === 0 ? true : undefined);
    return this.#waits.until(check, options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  get requests(): readonly ReceivedRequest[] {
    return this.#httpSide.received;
  }

  nthRequest(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedRequest>> {
    return this.#waits.until(() => this.requests[index], options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  answered(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedRequest>> {
    const isOver = (request: ReceivedRequest | undefined): boolean => (request?.end ?? null) !== null;
    const ended = (): ReceivedRequest | undefined => (isOver(this.requests[index]) ? this.requests[index] : undefined);
    return this.#waits.until(ended, options?.deadlineMs ?? this.#settings.deadlineMs);
  }

  answer(rules: readonly HttpRule[]): void {
    this.#httpSide.add(readRules(rules));
  }

  release(name: string): void {
    this.#httpSide.release(name);
  }

  httpOutcome(): { readonly failure: string | null; readonly unused: readonly number[] } {
    return { failure: this.#httpSide.failure, unused: this.#httpSide.unused() };
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
    this.#door.close();
    for (const waits of [this.#waits, ...this.#ownWaits]) waits.close();
    await Promise.all([portFreed, this.#playing, ...this.#underWay]);
    this.#closed();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { key, deadlineMs } = this.#settings;
    const desk = { key, tokens: this.#tokens, waits: this.#waits, deadlineMs };
    this.#track(asksForToken(request) ? answerToken(request, response, desk) : this.#httpSide.answer(request, response));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const entry = admit(request, this.#settings.key, (name) => this.#tokens.find(name));
    if (!entry.ok) return refuseHandshake(socket, entry.status, entry.message);
    const { maxConnections } = this.#settings;
    if (this.#closing !== null || this.#live.size + this.#door.heldCount >= maxConnections || this.#unplayed.length >= maxConnections) {
      return refuseHandshake(socket, 503, 'too many connections');
    }
    if (this.#isOver) {
      this.#settings.tell({ type: 'client.refused', reason: scriptIsOver });
      return refuseHandshake(socket, 410, scriptIsOver);
    }
    this.#door.knock({ request, socket, head, admission: entry.admission, token: entry.token });
    this.#waits.changed();
  }

  #open(webSocket: WebSocket, { socket, admission, token }: Handshake): void {
    const { plays, clock, script, handles, maxReceived } = this.#settings;
    const own = plays === 'perConnection' ? new Waits(clock) : null;
    const connection = new Connection(webSocket, socket, this.#connectionCount++, {
      now: () => clock.now(),
      received: (message) => this.#keep(message),
      setUp: (which, setup) => this.#setUp(which, setup),
      changed: () => {
        own?.changed();
        this.#waits.changed();
      },
    });
    const offer = (): void => {
      if (own !== null && script !== null) this.#playOn(connection, own, script);
      else if (this.#isOver) this.#turnAway(connection);
      else this.#unplayed.push(connection);
    };
    if (this.connections.length < maxReceived)
      this.connections.push({ ...admission, compressed: webSocket.extensions.includes('permessage-deflate') });
    this.#live.add(connection);
    webSocket.once('close', () => {
      this.#live.delete(connection);
      this.#unproven.delete(connection);
    });
    if (token !== undefined) this.#watch(connection, token);
    if (token !== undefined || handles === 'known') this.#unproven.set(connection, { token, offer });
    else offer();
    this.#waits.changed();
  }

  /** Ends a connection when its token ends, as the real server does. */
  #watch(connection: Connection, { expiresAt }: EphemeralToken): void {
    const leftMs = expiresAt - this.#settings.clock.now();
    if (leftMs <= 0) return;
    const watching = this.#waits
      .until(() => connection.closed ?? undefined, leftMs)
      .then((waited) => {
        if (!waited.ok && waited.reason === 'deadline') connection.refuse({ code: 1011, reason: 'auth token has expired' });
      });
    this.#track(watching);
  }

  #setUp(connection: Connection, { sessionResumption }: LiveSetup): Refusal | null {
    const unproven = this.#unproven.get(connection);
    if (unproven === undefined) return null;
    const { token, offer } = unproven;
    const handle = sessionResumption?.handle || null;
    const refusal =
      (handle !== null && this.#settings.handles === 'known' ? this.#handles.refusalOf(handle, connection) : null) ??
      (token === undefined ? null : this.#tokens.begin(token, handle !== null));
    this.#unproven.delete(connection);
    if (refusal === null) offer();
    return refusal;
  }

  /** Where scripts open the door, one opens it to one client at a time. */
  #nextConnection(): Connection | undefined {
    if (this.#unplayed.length === 0 && this.#unproven.size === 0) this.#door.letIn();
    return this.#unplayed.shift();
  }

  #playOn(connection: Connection, waits: Waits, script: readonly Step[]): void {
    this.#ownWaits.add(waits);
    const free = [connection];
    const player = new Player(this.#stage(waits, () => free.shift()));
    this.#track(this.#run(player, script, connection.index).then(() => this.#ownWaits.delete(waits)));
  }

  #track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work.then(() => void this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  async #run(player: Player, script: readonly Step[], connection: number | null): Promise<Outcome> {
    this.#playingCount += 1;
    const outcome = await player.play(script);
    this.#playingCount -= 1;
    if (this.#firstFailure.ok) this.#firstFailure = outcome;
    if (this.#closing === null) this.#settings.tell({ type: 'script.ended', connection, outcome });
    if (this.#isOver) this.#sendAway();
    this.#waits.changed();
    return outcome;
  }

  /** Will nobody play for a client that comes now? */
  get #isOver(): boolean {
    const { afterScript, plays } = this.#settings;
    return afterScript === 'refuse' && plays === 'once' && this.#playingCount === 0 && this.#waitingScripts === 0;
  }

  /** Whoever waits, waits for nothing. */
  #sendAway(): void {
    while (this.#door.refuse({ status: 410, message: scriptIsOver })) this.#settings.tell({ type: 'client.refused', reason: scriptIsOver });
    for (const connection of this.#unplayed.splice(0)) this.#turnAway(connection);
  }

  #turnAway(connection: Connection): void {
    this.#settings.tell({ type: 'client.refused', reason: scriptIsOver });
    connection.refuse({ code: 1011, reason: scriptIsOver });
  }

  #stage(waits: Waits, nextConnection: Stage['nextConnection']): Stage {
    const { deadlineMs, acceptMs, frames } = this.#settings;
    return {
      waits,
      nextConnection,
      refuse: (how) => this.#door.refuse(how),
      giveHandle: (handle, by) => this.#handles.give(handle, by),
      nextFrameIsBinary: () => frames === 'binary' || (frames === 'alternating' && this.#frames++ % 2 === 0),
      deadlineMs,
      acceptMs,
    };
  }

  #keep(message: Omit<ReceivedMessage, 'index'>): ReceivedMessage | null {
    if (this.received.length >= this.#settings.maxReceived) return null;
    const received = { ...message, index: this.received.length };
    this.received.push(received);
    this.#unread.push(received);
    return received;
  }
}
