/** How a stream ends: exactly one of three ways, each as JSON. */
import { type ExitReason, exitWith } from '../supervision/exit.js';

/** What went wrong with a stream. Never shows a key or a token. */
export interface StreamFailure {
  /**
   * | kind                                          | what it says                                                                      |
   * |-----------------------------------------------|-----------------------------------------------------------------------------------|
   * | `refused`                                     | the server answered with an HTTP status that is no success                        |
   * | `serverError`                                 | the server said in mid-stream that it failed                                      |
   * | `network`                                     | no connection, or it broke                                                        |
   * | `connectTimeout`, `stalled`, `totalTimeout`   | a deadline passed: until the headers, between two chunks, over all attempts       |
   * | `truncated`                                   | the body ended before its end                                                     |
   * | `malformed`, `tooLarge`                       | what came cannot be read, or is longer than the limits                            |
   * | `blocked`, `finish`                           | Gemini: the prompt was refused; the answer ended by a reason that is a failure    |
   * | `noCredentials`                               | the function that fetches the token failed                                        |
   * | `gate`                                        | its gate let it not pass, or took the permit back (`lost`); `code` is the reason   |
   * | `targetThrew`                                 | the target's callback, or `decode`, threw                                         |
   * | `interrupted`                                 | restored from a snapshot: the request that it had is gone                         |
   * | `killed`, `crashed`                           | the stream's actor was killed, or died of an error                                |
   * | `creationUnknown`                             | Interactions: it failed before anybody could know whether the server has created it |
   */
  readonly kind:
    | ('refused' | 'serverError' | 'network' | 'connectTimeout' | 'stalled' | 'totalTimeout' | 'truncated' | 'malformed' | 'tooLarge')
    | ('blocked' | 'finish' | 'noCredentials' | 'targetThrew' | 'interrupted' | 'killed' | 'crashed' | 'creationUnknown' | 'gate');
  /** An HTTP status or Google's code, or a name: `ECONNRESET`, `timeout`, `SAFETY`. */
  readonly code: number | string;
  /** Google's name of the status, `RESOURCE_EXHAUSTED`; empty where there is none. */
  readonly status: string;
  readonly message: string;
  /** Google's `details`, as they came. */
  readonly details?: readonly unknown[];
  /** When the server wants to be asked again, ms from then. */
  readonly retryAfterMs?: number;
  /** Of HTTP, of an answer that refuses: `code` is what its body says, which may be another. */
  readonly httpStatus?: number;
  /** There was no connection, so nothing of the request was sent. */
  readonly isUnsent?: true;
}

/** Why a stream was given up: by the app, by its supervisor, by the abort of its signal, by the server, or because its target is gone. */
export interface StreamCancellation {
  readonly by: 'app' | 'supervisor' | 'signal' | 'target' | 'server';
  readonly reason: string;
}

/** What is known of a body that was read to its end. */
export interface StreamSummary {
  /** Of HTTP. */
  readonly status: number;
  /** Events that the target was given. */
  readonly eventCount: number;
  /** The id of the last event that had one. */
  readonly lastEventId: string | null;
  /** What the server said by `retry:` last, ms. */
  readonly retryMs: number | null;
}

/** How a stream has ended. */
export type StreamEnd =
  | { readonly type: 'stream.completed'; readonly summary: StreamSummary }
  | { readonly type: 'stream.failed'; readonly failure: StreamFailure }
  | { readonly type: 'stream.cancelled'; readonly cancellation: StreamCancellation };

/** What a stream's actor is done with: its exit, for a supervisor, and its end. */
export type StreamOutput = ReturnType<typeof exitWith> & { readonly end: StreamEnd };

/**
 * The output for an end: a failure is a crash, all else is orderly. But a creation in doubt must not be made once more by a restart: that is an exit which
 * restarts no transient child.
 * @param exit  the reason that a supervisor asked it to end with
 */
export function outputOf(end: StreamEnd, exit: ExitReason | null): StreamOutput {
  if (end.type === 'stream.failed' && end.failure.kind === 'creationUnknown') return { ...exitWith(['shutdown', end.failure]), end };
  if (end.type === 'stream.failed') return { ...exitWith({ crash: end.failure }), end };
  return { ...exitWith(exit ?? 'normal'), end };
}

/** A failure that no server has put into words. @throws never */
export function failureOf(kind: StreamFailure['kind'], code: StreamFailure['code'], message: string): StreamFailure {
  return { kind, code, status: '', message };
}
