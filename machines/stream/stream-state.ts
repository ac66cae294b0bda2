/** What a stream decides by: pure functions of what it knows. */
import { backoffMs } from '../backoff.js';
import { failureOf, type StreamEnd, type StreamFailure } from './outcome.js';
import type { StreamContext, StreamInput } from './stream-events.js';

/** What a stream knows as it begins. */
export function initialContext(input: StreamInput): StreamContext {
  return { ...input, attempt: 1, hasBegun: false, quietMs: 0, refusal: null, failure: null, cancellation: null, summary: null, exit: null };
}

/** May it be tried again, after this? A server that asks for more patience than there is has refused. */
export function mayRetry({ attempt, maxAttempts, maxRetryAfterMs }: StreamContext, failure: StreamFailure, isRetryable: boolean): boolean {
  return isRetryable && attempt < maxAttempts && (failure.retryAfterMs ?? 0) <= maxRetryAfterMs;
}

/** How long until the next attempt, ms: what the server asks for, but no less than the backoff. */
export function delayOf({ attempt, backoff, failure }: StreamContext): number {
  return Math.max(backoffMs(backoff, attempt), failure?.retryAfterMs ?? 0);
}

/** How much longer it may be quiet, ms: what has passed since the last byte counts. */
export function stallDelay({ stallMs, quietMs }: StreamContext): number {
  return Math.max(1, stallMs - quietMs);
}

/** How long the words of a refusal are waited for, ms: its status says the most. */
export function refusalDelay({ connectMs, stallMs }: StreamContext): number {
  return Math.min(connectMs, stallMs, longestRefusalMs);
}

const longestRefusalMs = 5_000;

/** May it be tried again after the refusal whose words did not come in time? */
export function mayRetryRefused(context: StreamContext): boolean {
  return context.refusal !== null && mayRetry(context, context.refusal.failure, context.refusal.isRetryable);
}

/** All its time has passed. A refusal whose words are still awaited is what is known by then. */
export function totalTimeout({ refusal, totalMs }: StreamContext): StreamFailure {
  return refusal?.failure ?? failureOf('totalTimeout', 'timeout', `no end within ${totalMs} ms`);
}

/** No headers came in time. */
export function connectTimeout({ connectMs }: StreamContext): StreamFailure {
  return failureOf('connectTimeout', 'timeout', `no answer within ${connectMs} ms`);
}

/** How it ended, once it has. */
export function endOf({ cancellation, failure, summary }: StreamContext): StreamEnd {
  if (cancellation !== null) return { type: 'stream.cancelled', cancellation };
  if (summary !== null) return { type: 'stream.completed', summary };
  return { type: 'stream.failed', failure: failure ?? failureOf('crashed', 'crash', 'it ended for no known reason') };
}
