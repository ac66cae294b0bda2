/** How a Live session ends: what it was, and what that means to a supervisor. */
import { declineStart, type ExitReason, exitWith, failStart } from '../supervision/exit.js';

/** Why a session ended that should not have. `code`: a WebSocket close code, an HTTP status, or a name such as `ECONNREFUSED`, `full`. */
export interface SessionFailure {
  readonly kind:
    | 'connectTimeout'
    | 'connectFailed'
    | 'setupTimeout'
    | 'closedBeforeSetup'
    | 'connectionLost'
    | 'connectionCrashed'
    | 'uplinkCrashed'
    | 'toolsCrashed'
    | 'gate';
  readonly code: number | string;
  readonly reason: string;
}

/** How an orderly session ended; `code` is 1006 where the peer did not answer the close. */
export interface SessionEnd {
  readonly by: 'client' | 'server';
  readonly code: number;
  readonly reason: string;
}

/** Exactly one of the two is there. Beside them, for the supervisor alone, the exit reason. */
export interface SessionOutput {
  readonly end: SessionEnd | null;
  readonly failure: SessionFailure | null;
}

/** A close before there was a conversation. */
export const clientEnd: SessionEnd = { by: 'client', code: 1000, reason: '' };

/**
 * The output of a session.
 *
 * | ended by                | before it was ready     | afterwards                        |
 * |-------------------------|-------------------------|-----------------------------------|
 * | failure                 | the start failed        | crash                             |
 * | `session.close`         | the start was declined  | `normal`                          |
 * | `supervisor.shutdown`   | the request's reason    | the request's reason              |
 * | the server, in order    | (a failure)             | `normal`                          |
 *
 * @param exit  what it was asked to exit with; null where nothing was said
 * @throws never
 */
export function outputOf(session: {
  readonly hasBeenReady: boolean;
  readonly exit: ExitReason | null;
  readonly end: SessionEnd | null;
  readonly failure: SessionFailure | null;
}): SessionOutput {
  const { hasBeenReady, exit, end, failure } = session;
  if (failure !== null) return { ...(hasBeenReady ? exitWith({ crash: failure }) : failStart(failure)), end: null, failure };
  const reason = exit ?? (hasBeenReady ? 'normal' : null);
  return { ...(reason === null ? declineStart() : exitWith(reason)), end: end ?? clientEnd, failure };
}

/** What a request to end asks to exit with. @throws never */
export function exitOf(event: { readonly type: string; readonly reason?: unknown }): ExitReason {
  return (event.reason as ExitReason | undefined) ?? 'shutdown';
}

/** A failure that an event tells of: its `code` and `reason`, or the `error` that an actor died of. @throws never */
export function failureOf(kind: SessionFailure['kind'], event: object): SessionFailure {
  if ('error' in event) return { kind, code: 'crash', reason: wordsOf(event.error) };
  const code = 'code' in event && (typeof event.code === 'number' || typeof event.code === 'string') ? event.code : 'ended';
  return { kind, code, reason: 'reason' in event ? wordsOf(event.reason) : '' };
}

/** The end that a closed or failed socket makes. @throws never */
export function endOf(by: SessionEnd['by'], event: object): SessionEnd {
  const { code, reason } = failureOf('connectionLost', event);
  return { by, code: typeof code === 'number' ? code : 1006, reason };
}

/** What was thrown, or given as a reason, in words. @throws never */
export function wordsOf(value: unknown): string {
  try {
    if (value instanceof Error) return value.message || value.name;
    if (typeof value === 'string') return value;
    return JSON.stringify(value) ?? (value === undefined ? 'undefined' : `a ${typeof value}`);
  } catch {
    return 'something that cannot be shown';
  }
}
