/**
 * What an app must be told of a recorded answer, read off its bytes by readers of the harness's own, without any of the code under test: each event with its
 * type, what the answer comes to, and the end.
 */
import type { RecordedResponse } from '../../../src/testing/gemini-server/http/recording.js';
import type { Asking } from './client.js';
import { expectedGeneration } from './expected-generation.js';
import { expectedInteraction } from './expected-interaction.js';

/** A failure, as far as the wire says which: what is absent here may be anything. */
export interface ExpectedFailure {
  readonly ok: false;
  readonly kinds?: readonly string[];
  readonly codes?: readonly (number | string)[];
  readonly status?: string;
  /** The server's words, which the client's may stand around. */
  readonly message?: string;
  /** Google's, as they came. */
  readonly details?: readonly unknown[];
  /** When the server wants to be asked again, ms; null: it does not say. */
  readonly retryAfterMs?: number | null;
}

/** `outcome`: what a success is one of; empty where there is but one. */
export type ExpectedEnd = { readonly ok: true; readonly outcome: string } | ExpectedFailure;

export interface Expected {
  /** All that a stream tells, in order. Of a whole answer there is none. */
  readonly events: readonly unknown[];
  /** What came cannot be read: whatever was told before is a beginning. */
  readonly mayStopEarly?: boolean;
  /** What the answer comes to, of a failure as far as it came: each field must be just so. Absent where nothing came. */
  readonly answer?: { readonly [field: string]: unknown };
  readonly end: ExpectedEnd;
}

/**
 * @param name  of the file; where it says `success` or `failure`, so it is
 * @returns undefined for an answer that is none of a client of ours
 */
export function expectedOf(name: string, request: Asking, response: RecordedResponse): Expected | undefined {
  if (request.operation === 'other') return undefined;
  const said = /(?:^|[_/-])(success|failure)-/.exec(name)?.[1];
  const read = request.operation.startsWith('interactions.') ? expectedInteraction(request, response) : expectedGeneration(request, response);
  if (read === 'foreign') return said === 'failure' ? { events: [], mayStopEarly: true, end: { ok: false } } : undefined;
  if (said === 'success' && !read.end.ok) return { ...read, end: { ok: true, outcome: '' } };
  return said === 'failure' && read.end.ok ? { events: read.events, mayStopEarly: true, end: { ok: false } } : read;
}
