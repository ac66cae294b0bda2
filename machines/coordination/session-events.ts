/** What a coordination session's chart is given, told and emits; how it ends. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';
import type { ProtocolEnd, ProtocolInput } from './protocol-events.js';

/** What follows the crash of a session's worker. */
export interface SessionRetry {
  /** How often the protocol is run at the most, the first time included. */
  readonly attempts: number;
  /** The pause before each further time. */
  readonly backoff: Backoff;
}

/** Input of the session machine. */
export interface SessionInput extends ProtocolInput {
  /** The protocol's name. */
  readonly protocol: string;
  /** From its beginning to its end at the latest, ms; the wait for its turn and the pauses count. */
  readonly withinMs: number;
  readonly retry: SessionRetry;
}

/**
 * How a session ended: by exactly one of four. `attempts`: how often its protocol was begun. Besides what the protocol says, `why` is `crashed`: its worker did,
 * or was killed, as often as was allowed, and `details` is the last crash in words; or `coordinatorLost`: whoever ran it has ended.
 */
export type SessionResult<Value = unknown> =
  | { readonly outcome: 'decided'; readonly value: Value; readonly attempts: number }
  | { readonly outcome: 'failed'; readonly why: string; readonly details?: unknown; readonly attempts: number }
  | { readonly outcome: 'cancelled' | 'expired'; readonly attempts: number };

/** What a session may be told. */
export type SessionEvent =
  | { readonly type: 'session.cancel' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of its turn or its worker: whoever knew what it is to run is gone; so in a session that was restored from a snapshot. */
  | { readonly type: 'session.orphaned' }
  /** Of the actor `turn`: it may begin. */
  | { readonly type: 'turn.came' }
  /** Of the same: it was ended by nobody's order here. */
  | { readonly type: 'turn.lost' }
  /** Of the actor `worker`: the protocol has come to its end. */
  | { readonly type: 'worker.ended'; readonly end: ProtocolEnd }
  /** Of the same: the protocol crashed, or was killed. `why`: in words. */
  | { readonly type: 'worker.crashed'; readonly why: string };

/** What a session emits. */
export type SessionEmitted =
  | { readonly type: 'coordination.started'; readonly session: string; readonly protocol: string; readonly agents: number }
  | {
      readonly type: 'coordination.retrying';
      readonly session: string;
      readonly protocol: string;
      readonly why: string;
      /** Which one comes next: 2 for the first retry. */
      readonly attempt: number;
      readonly pauseMs: number;
    }
  | { readonly type: 'coordination.decided'; readonly session: string; readonly protocol: string; readonly attempts: number }
  | { readonly type: 'coordination.failed'; readonly session: string; readonly protocol: string; readonly attempts: number; readonly why: string }
  | { readonly type: 'coordination.cancelled'; readonly session: string; readonly protocol: string; readonly attempts: number }
  | { readonly type: 'coordination.expired'; readonly session: string; readonly protocol: string; readonly attempts: number };

/** What a session's chart knows. */
export interface SessionContext extends SessionInput {
  /** How often its protocol was begun. */
  readonly attempts: number;
  /** How it ended; null while it has not. */
  readonly result: SessionResult | null;
  readonly reason: ExitReason;
}
