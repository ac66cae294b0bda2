/**
 * The actor `request` of a stream: one attempt, from its permit and its address to the last byte of its answer.
 *
 * Behind a gate, it asks for a permit first; the permit is back with the last byte, or with whatever ends the attempt before that, and the gate is told
 * what became of it. When the permit is lost, the attempt has failed for good.
 *
 * A chunk is read when the target can take more, and not before: what is not read stays in the socket, and the server feels it. Nothing here has a
 * deadline of its own; the chart asks how long it has been quiet. When the actor is stopped, the request is aborted; nothing of it reaches the stream
 * afterwards. Whatever leaves, leaves without the credentials.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import { wordsOf } from '../../machines/live/ending.js';
import { failureOf, type StreamFailure, type StreamSummary } from '../../machines/stream/outcome.js';
import type { RequestCommand, RequestInput, StreamEvent } from '../../machines/stream/stream-events.js';
import { type BehindGate, type GateFault, Pass, reportOf } from '../gate/behind.js';
import type { CallReport } from '../gate/permit.js';
import { clockOf } from '../supervision/clock.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { apiErrorOfBody } from '../wire/gemini/api-error.js';
import { isRetryableStatus, retryAfterMs, retryInfoMs } from '../wire/http-retry.js';
import { hideInExcerpt, hideInJson, type Secrets } from '../wire/secrets.js';
import { isWholeJson } from '../wire/sse.js';
import type { BodyReader, OpenBody } from './body.js';
import { deliveryOf, tellLoss } from './delivery.js';
import type { Lane } from './lane.js';
import { networkFailure } from './network-failure.js';

/** Where a request goes, with its credentials. */
export interface RequestAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What {@link request} asks for, and how it reads. */
export interface RequestOptions {
  /** Called for each attempt: a token may have to be fetched anew. */
  address(): RequestAddress | Promise<RequestAddress>;
  readonly method: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
  readonly openBody: OpenBody<unknown>;
  readonly fetch: typeof fetch;
  readonly gate: BehindGate | undefined;
  /** Words that nothing of the answer shows; those of the address included, once it is known. */
  secrets(): Secrets;
}

/** Bytes that are read of an answer that refuses. */
const longestRefusal = 1_048_576;

/** Its first chunks are told of as they come: whatever ends the attempt before the body ends, finds what it had said. There is no bound to how many come. */
const toldChunks = 16;

/** The logic of one attempt. */
export function request(options: RequestOptions) {
  return fromCallback<RequestCommand, RequestInput>(({ self, system, sendBack, receive }) => {
    const stream = parentOf(self) as AnyActorRef;
    const place = deliveryOf(stream);
    const attempt = new Attempt(options, {
      lane: place?.lane as Lane<unknown>,
      now: () => clockOf(system).now(),
      report: sendBack,
      self,
    });
    tellLoss(self, 'request');
    receive(() => attempt.ask());
    if (place !== undefined && !place.isVoid) void attempt.run();
    return () => attempt.stop();
  });
}

interface Surroundings {
  readonly self: AnyActorRef;
  readonly lane: Lane<unknown>;
  now(): number;
  report(event: StreamEvent): void;
}

class Attempt {
  readonly #options: RequestOptions;
  readonly #around: Surroundings;
  readonly #abort = new AbortController();
  #pass: Pass | null = null;
  #hasAsked = false;
  /** What its status says, with what has come of its words: the rest may never come. */
  #refusedAs: StreamFailure | null = null;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #isOver = false;
  #hasBytes = false;
  /** Since when a byte is waited for, ms; null while none is. */
  #waitingSince: number | null = null;

  constructor(options: RequestOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
  }

  ask(): void {
    const { now } = this.#around;
    this.#report({ type: 'body.quiet', quietMs: this.#waitingSince === null ? 0 : now() - this.#waitingSince });
  }

  stop(): void {
    this.#isOver = true;
    this.#pass?.leave(this.#refusedAs !== null ? reportOf(this.#refusedAs) : this.#hasAsked ? {} : { outcome: 'unused' });
    this.#abort.abort();
    // A fetch that knows no signals has its body cancelled at least.
    this.#reader?.cancel().catch(() => undefined);
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      if (error instanceof Broken) this.#fail(networkFailure(error.cause), !this.#hasBytes);
      else this.#fail(failureOf('crashed', 'crash', wordsOf(error)), false);
    }
  }

  async #run(): Promise<void> {
    const { body, fetch, method } = this.#options;
    // It may be over since it has its permit.
    if (!(await this.#enter()) || this.#isOver) return;
    const where = await this.#address();
    if (where === null || this.#isOver) return;
    this.#hasAsked = true;
    const asked = { method, headers: where.headers, ...(body === undefined ? {} : { body }), signal: this.#abort.signal };
    // A redirect that is followed would take the credentials to another host; it is an answer like any other that is no success.
    const response = await overNetwork(() => fetch(where.url, { ...asked, redirect: 'manual' }));
    this.#reader = (response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined) ?? null;
    if (this.#isOver) {
      this.stop();
      return;
    }
    if (response.ok) await this.#read(response);
    else await this.#refuse(response);
  }

  /** Passes the gate, where there is one. @returns whether it may go on */
  async #enter(): Promise<boolean> {
    const { gate } = this.#options;
    if (gate === undefined) return true;
    this.#pass = new Pass(gate, this.#around.self, (fault) => {
      this.#fail(this.#refusedAs ?? gateFailure(fault), false);
      // What the aborted request says of it is no news.
      this.#isOver = true;
    });
    const fault = await this.#pass.enter();
    if (this.#isOver) return false;
    if (fault === null) this.#report({ type: 'permit.granted' });
    else this.#fail(gateFailure(fault), false);
    return fault === null && !this.#isOver;
  }

  async #address(): Promise<RequestAddress | null> {
    try {
      return await this.#options.address();
    } catch (error) {
      this.#fail(failureOf('noCredentials', 'noCredentials', wordsOf(error)), false);
      return null;
    }
  }

  /** Tells of the refusal at once: its status counts, also where its body never ends. */
  async #refuse(response: Response): Promise<void> {
    const { headers, status } = response;
    const isRetryable = isRetryableStatus(status);
    const wallAt = Date.parse(headers.get('date') ?? '') || Date.now();
    const asked = retryAfterMs(headers.get('retry-after'), wallAt);
    const refusal = (read: string, isAll: boolean): StreamFailure => {
      const text = isAll || isWholeJson(read) ? read : wholeWordsOf(read);
      const { code, details, message, status: name } = apiErrorOfBody(status, text, this.#options.secrets());
      const waits = [asked, retryInfoMs(details)].filter((ms) => ms !== null);
      return {
        ...{ kind: 'refused', code, status: name, message, httpStatus: status },
        ...(details === undefined ? {} : { details }),
        ...(waits.length === 0 ? {} : { retryAfterMs: Math.max(...waits) }),
      };
    };
    const tell = (text: string): void => {
      this.#refusedAs = refusal(text, false);
      this.#report({ type: 'response.refused', failure: this.#hidden(this.#refusedAs), isRetryable });
    };
    tell('');
    const { text, isAll } = await this.#refusal(tell);
    this.#fail(refusal(text, isAll), isRetryable);
  }

  /** The body of an answer that refuses; a broken one as far as it came. */
  async #refusal(tell: (text: string) => void): Promise<{ readonly text: string; readonly isAll: boolean }> {
    const text = new TextDecoder();
    let read = '';
    let bytes = 0;
    let chunks = 0;
    try {
      while (bytes < longestRefusal) {
        const chunk = await this.#reader?.read();
        if (chunk?.done !== false) return { text: read + text.decode(), isAll: true };
        bytes += chunk.value.byteLength;
        read += text.decode(chunk.value, { stream: true });
        if (!this.#isOver && ++chunks <= toldChunks) tell(read);
      }
    } catch {
      // The status says enough.
    }
    return { text: read, isAll: false };
  }

  async #read(response: Response): Promise<void> {
    const { lane } = this.#around;
    const contentType = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const body = this.#options.openBody({ status: response.status, contentType, secrets: this.#options.secrets() });
    const give = (value: unknown): void => lane.give(value);
    this.#report({ type: 'response.opened', status: response.status });
    let failure: StreamFailure | null = null;
    while (failure === null) {
      const chunk = await this.#next();
      if (this.#isOver) return;
      if (chunk === null) break;
      if (chunk.byteLength === 0) continue;
      if (!this.#hasBytes) {
        this.#hasBytes = true;
        this.#report({ type: 'body.began' });
      }
      failure = reading(() => body.feed(chunk, give));
    }
    failure ??= reading(() => body.end(give));
    // The service has done its part, however long the target takes over the last of it.
    this.#pass?.leave({ ...(failure === null ? { outcome: 'ok' } : reportOf(failure)), ...tokensOf(body) });
    // The end comes after the last event, which the target may not have taken yet.
    while (!lane.isDrained && !this.#isOver) await lane.changed();
    if (failure !== null) {
      this.#fail(failure, false);
      return;
    }
    const summary: StreamSummary = {
      status: response.status,
      eventCount: lane.givenCount,
      lastEventId: body.lastEventId ?? null,
      retryMs: body.retryMs ?? null,
    };
    this.#report({ type: 'body.ended', summary });
  }

  /** The next bytes, once the target can take what is in them; null at their end. */
  async #next(): Promise<Uint8Array | null> {
    const { lane, now } = this.#around;
    this.#waitingSince = null;
    while (!lane.isOpen) {
      if (this.#isOver) return null;
      await lane.changed();
    }
    if (this.#isOver || this.#reader === null) return null;
    this.#waitingSince = now();
    const reader = this.#reader;
    const { done, value } = await overNetwork(() => reader.read());
    this.#waitingSince = null;
    return done ? null : value;
  }

  #fail(failure: StreamFailure, isRetryable: boolean): void {
    this.#pass?.leave(this.#hasAsked ? reportOf(failure) : { outcome: 'unused' });
    // Whatever is still to come of this answer is of no use.
    if (!this.#isOver) this.#abort.abort();
    this.#report({ type: 'request.failed', failure: this.#hidden(failure), isRetryable });
  }

  #hidden(failure: StreamFailure): StreamFailure {
    const secrets = this.#options.secrets();
    return {
      ...failure,
      code: typeof failure.code === 'string' ? hideInExcerpt(failure.code, secrets) : failure.code,
      status: hideInExcerpt(failure.status, secrets),
      message: hideInExcerpt(failure.message, secrets),
      ...(failure.details === undefined ? {} : { details: hideInJson(failure.details, secrets, hideInExcerpt) }),
    };
  }

  #report(event: StreamEvent): void {
    if (!this.#isOver) this.#around.report(event);
  }
}

/** What a gate's refusal, or the loss of the permit, is to a stream. */
export function gateFailure(fault: GateFault): StreamFailure {
  return { kind: 'gate', status: '', ...fault };
}

/** Without a last word that may be cut: the beginning of a key may be spelled as nobody knows it. */
function wholeWordsOf(text: string): string {
  return text.slice(0, Math.max(text.lastIndexOf(' '), text.lastIndexOf('\n')) + 1);
}

function tokensOf({ tokensUsed = null }: BodyReader<unknown>): CallReport {
  return tokensUsed === null ? {} : { tokensUsed };
}

/** A reader throws nothing; but what is nested without end may overflow whatever walks through it. */
function reading(act: () => StreamFailure | null): StreamFailure | null {
  try {
    return act();
  } catch (error) {
    return failureOf('malformed', 'unreadable', wordsOf(error));
  }
}

/** What the network threw; the rest that is thrown here is a fault of ours. */
class Broken extends Error {}

async function overNetwork<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw new Broken('no connection, or it broke', { cause: error });
  }
}
