/** What a test, or an app under test, holds of a running local server. */
import type { FunctionResponse } from '../../wire/gemini/content.js';
import type { Arrival } from './admission.js';
import type { ReceivedMessage } from './connection.js';
import type { ReceivedRequest } from './http/http-side.js';
import type { HttpRule } from './http/rules.js';
import type { Outcome } from './player.js';
import type { Step } from './steps.js';
import type { Waited } from './waits.js';

/** A running local server. */
export interface GeminiServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, with TLS `https:`: the base URL for clients; over `ws:` or `wss:` the same host and port. */
  readonly url: string;
  /** The loopback port that it listens on. */
  readonly port: number;
  /** The certificate in PEM, for clients to trust; null without TLS. */
  readonly certificate: string | null;
  /** Every client message, in the order they arrived, over all connections. */
  readonly received: readonly ReceivedMessage[];
  /** How each connection came in, in order (the first `maxReceived` of them). */
  readonly connections: readonly Arrival[];
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
  /** Waits until this many handshakes (default 1) wait for the script; see `handshakes`. Default deadline: the server's. Never rejects. */
  held(count?: number, options?: { readonly deadlineMs?: number }): Promise<Waited<true>>;
  /**
   * Plays further steps, after those that are playing; they begin on the current connection. Never rejects.
   * @throws EspalierError `gemini-server/invalid-script`; also for a server that plays `perConnection`, and for `refuse` where handshakes are answered
   *         at once
   */
  play(script: readonly Step[]): Promise<Outcome>;
  /** Waits until no script is playing. Default deadline: the server's. Never rejects. */
  idle(options?: { readonly deadlineMs?: number }): Promise<Waited<true>>;
  /** Every request over HTTP, in the order they arrived (the first `maxReceived` of them). */
  readonly requests: readonly ReceivedRequest[];
  /** Waits for the request at this index of `requests`. Default deadline: the server's. Never rejects. */
  nthRequest(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedRequest>>;
  /** Waits until the answer to the request at this index has ended: `requests[index].end` says how. Default deadline: the server's. Never rejects. */
  answered(index: number, options?: { readonly deadlineMs?: number }): Promise<Waited<ReceivedRequest>>;
  /**
   * Further rules for requests over HTTP, behind those that are there.
   * @throws EspalierError `gemini-server/invalid-script`
   */
  answer(rules: readonly HttpRule[]): void;
  /** Lets every answer and interaction go on that waits at a `hold` of this name, now and later. */
  release(name: string): void;
  /** How the answers over HTTP went so far: `unused` are the rules, by their place, that still wait for requests. */
  httpOutcome(): { readonly failure: string | null; readonly unused: readonly number[] };
  /** Cuts every socket, ends every wait, frees the port. Again: the same promise. */
  close(): Promise<void>;
}
