/** What a stream is given, what it is told, what it tells. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';
import type { StreamCancellation, StreamEnd, StreamFailure, StreamSummary } from './outcome.js';

/** Deadlines and retries. Address, body and credentials stay with the actor `request`: no event, error or snapshot of a stream holds them. */
export interface StreamInput {
  /** From the start of an attempt, or from its permit, until the headers of its answer, ms. */
  readonly connectMs: number;
  /** The longest time without a byte while the target wants more, ms. */
  readonly stallMs: number;
  /** Over all attempts, from the start to the end, ms. */
  readonly totalMs: number;
  /** Attempts altogether, at least 1. */
  readonly maxAttempts: number;
  /** A server that asks for a longer wait than this is not waited for, ms. */
  readonly maxRetryAfterMs: number;
  /** Between attempts, where the server names no time. */
  readonly backoff: Backoff;
  /** Does each attempt need a permit? */
  readonly isBehindGate: boolean;
}

/** What a stream is told: by its request, by its target, by the app and by a supervisor. */
export type StreamEvent =
  /** The gate has let the attempt pass. */
  | { type: 'permit.granted' }
  /** The headers of an answer that is a success. */
  | { type: 'response.opened'; status: number }
  /** The first bytes of its body: from here on nothing is tried again. */
  | { type: 'body.began' }
  /** The answer to `request.ask`: how long no byte has come while one was waited for; 0 while the target wants none. */
  | { type: 'body.quiet'; quietMs: number }
  | { type: 'body.ended'; summary: StreamSummary }
  | { type: 'request.failed'; failure: StreamFailure; isRetryable: boolean }
  /** The headers of an answer that refuses, and what they say; then again, as more of its body comes. The whole of it is told by `request.failed`. */
  | { type: 'response.refused'; failure: StreamFailure; isRetryable: boolean }
  | { type: 'delivery.began' }
  /** One of the stream's own actors was ended by somebody else. */
  | { type: 'worker.lost'; worker: 'delivery' | 'request'; reason: string }
  | { type: 'target.gone'; reason: string }
  | { type: 'target.threw'; reason: string }
  | { type: 'stream.cancel'; by?: 'app' | 'signal'; reason?: string }
  /** The target is ready for so many events more; of a target that asked to be given no more than it wants. */
  | { type: 'stream.demand'; count: number }
  | { type: 'supervisor.shutdown'; reason?: ExitReason };

/** What a stream tells those who listen to it. The target's events come beside the chart: see src/stream/delivery.ts. */
export type StreamFact =
  | { type: 'stream.opened'; status: number; attempt: number }
  /** An attempt has failed; the next one begins `delayMs` from now. */
  | { type: 'stream.retrying'; attempt: number; delayMs: number; failure: StreamFailure }
  | StreamEnd;

/** What the actor `request` is given. */
export interface RequestInput {
  /** 1 for the first. */
  readonly attempt: number;
}

/** How long has it been quiet? Answered by `body.quiet`. */
export interface RequestCommand {
  readonly type: 'request.ask';
}

/** What the actor `delivery` is told. */
export interface DeliveryCommand {
  readonly type: 'delivery.demand';
  readonly count: number;
}

/** What a stream knows of itself. */
export interface StreamContext extends StreamInput {
  /** The attempt that is under way, 1 for the first. */
  readonly attempt: number;
  /** Did its delivery begin in this life of it, or in an earlier one? */
  readonly hasBegun: boolean;
  /** How long it had been quiet when that was asked last, ms. */
  readonly quietMs: number;
  /** The refusal that is being read, as far as it came; null while there is none. */
  readonly refusal: { readonly failure: StreamFailure; readonly isRetryable: boolean } | null;
  /** Of the last attempt that failed. */
  readonly failure: StreamFailure | null;
  readonly cancellation: StreamCancellation | null;
  readonly summary: StreamSummary | null;
  /** The reason that a supervisor asked it to end with. */
  readonly exit: ExitReason | null;
}
