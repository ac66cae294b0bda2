/** What an interaction decides by: pure functions of what it knows. */
import { backoffMs } from '../backoff.js';
import { failureOf, type StreamEnd, type StreamFailure } from '../stream/outcome.js';
import type { Breach, Cursor, InteractionAsk, InteractionContext, InteractionInput, InteractionSummary } from './interaction-events.js';

/** What a status of the server's means. `other`: one that nobody knows. */
export type Verdict = InteractionSummary['outcome'] | 'cancelled' | 'failed' | 'other';

const verdicts: Readonly<Record<string, Verdict>> = {
  completed: 'completed',
  requires_action: 'requiresAction',
  requires_continuation: 'requiresContinuation',
  queued: 'running',
  in_progress: 'running',
  cancelled: 'cancelled',
  failed: 'failed',
  incomplete: 'failed',
  budget_exceeded: 'failed',
};

/** What a status means. The table is open: servers add members. */
export function verdictOf(status: string): Verdict {
  return Object.hasOwn(verdicts, status) ? (verdicts[status] as Verdict) : 'other';
}

/** What an interaction knows as it begins. */
export function initialContext(input: InteractionInput): InteractionContext {
  const asks = { create: 'create', resume: input.lastEventId === null ? 'replay' : 'resume', poll: 'poll' } as const;
  return {
    ...input,
    ...{ ask: asks[input.start], isInDoubt: false, refusal: null, attempt: 0, hasBegun: false },
    ...{ failure: null, cancellation: null, summary: null, exit: null },
  };
}

/** Refusals of an event id: past its retention, or of another interaction. */
const refusedCursors: readonly (number | string)[] = [400, 404, 410];

/**
 * How it goes on after a request that broke.
 * @returns null where it does not. A creation is asked for again only where the server surely did nothing
 */
export function askAfter(context: InteractionContext, { failure, isRetryable, trace }: Breach, cursor: Cursor): InteractionAsk | null {
  const { attempt, maxAttempts, maxRetryAfterMs, start } = context;
  if (attempt >= maxAttempts || (failure.retryAfterMs ?? 0) > maxRetryAfterMs) return null;
  if (context.ask === 'resume' && failure.kind === 'refused' && refusedCursors.includes(failure.httpStatus ?? failure.code))
    return cursor.canReplay ? 'replay' : 'poll';
  if (!isRetryable) return null;
  if (cursor.id === null) return trace === 'none' ? 'create' : null;
  if (cursor.lastEventId !== null) return 'resume';
  // Without ids, what came already could not be told from what comes again.
  return start === 'resume' && cursor.eventCount === 0 ? 'replay' : 'poll';
}

/** Is it asked for its status again, after this? */
export function mayPollAgain({ attempt, maxAttempts, maxRetryAfterMs }: InteractionContext, { failure, isRetryable }: Breach): boolean {
  return isRetryable && attempt < maxAttempts && (failure.retryAfterMs ?? 0) <= maxRetryAfterMs;
}

/** The failure that a request which broke is in the end: of a creation that may have happened, that nobody knows. */
export function failureAfter({ ask }: InteractionContext, { failure, trace }: Breach, cursor: Cursor): StreamFailure {
  if (failure.kind === 'creationUnknown') return failure;
  return ask === 'create' && cursor.id === null && trace === 'unknown' ? creationUnknown(failure) : failure;
}

/** A failure while a creation is under way leaves it unknown whether there is an interaction. */
export function inDoubt({ isInDoubt }: InteractionContext, failure: StreamFailure): StreamFailure {
  return isInDoubt ? creationUnknown(failure) : failure;
}

/** Restored from a snapshot, which may be older than what it asked for: a creation that had no id then may have been made since. */
export function interruption({ id, start }: InteractionContext): StreamFailure {
  const failure = failureOf('interrupted', 'restored', 'restored from a snapshot: its request is gone');
  return start === 'create' && id === null ? creationUnknown(failure) : failure;
}

function creationUnknown(failure: StreamFailure): StreamFailure {
  return { ...failure, kind: 'creationUnknown', message: `whether it was created is not known (${failure.kind}): ${failure.message}` };
}

/** All its time has passed. A refusal whose words are still awaited is what is known by then. */
export function totalTimeout(context: InteractionContext): StreamFailure {
  return inDoubt(context, context.refusal ?? failureOf('totalTimeout', 'timeout', `no end within ${context.totalMs} ms`));
}

/** The failure that a status of the server's is. */
export function failureOfStatus(status: string): StreamFailure {
  return failureOf('finish', status, `the interaction ended as '${status}'`);
}

/** How long until the next request, ms: what the server asks for, but no less than the backoff. */
export function delayOf({ attempt, backoff, failure }: InteractionContext): number {
  return Math.max(backoffMs(backoff, attempt), failure?.retryAfterMs ?? 0);
}

/** How long until the next question for its status, ms: no less than the server asks for; what is longer than all its time no timer need hold. */
export function pauseOf(context: InteractionContext): number {
  const { failure, pollMs, totalMs } = context;
  return Math.min(totalMs, failure === null ? pollMs : Math.max(pollMs, delayOf(context)));
}

/** What is known of an interaction whose end the server has told. */
export function summaryOf(status: string, cursor: Cursor): InteractionSummary {
  const { eventCount, id, lastEventId } = cursor;
  const outcome = verdictOf(status) as InteractionSummary['outcome'];
  return { status: 200, eventCount, lastEventId, retryMs: null, interactionId: id, interactionStatus: status, outcome };
}

/** How it ended, once it has. */
export function endOf({ cancellation, failure, summary }: InteractionContext): StreamEnd {
  if (cancellation !== null) return { type: 'stream.cancelled', cancellation };
  if (summary !== null) return { type: 'stream.completed', summary };
  return { type: 'stream.failed', failure: failure ?? failureOf('crashed', 'crash', 'it ended for no known reason') };
}
