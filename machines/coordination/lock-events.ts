/** What a lock's chart is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** Input of the lock machine. */
export interface LockInput {
  /** Of the lock: all who queue under it exclude each other. */
  readonly name: string;
  /** How often its owner may have it at once: 1 refuses re-entrancy, more counts it. */
  readonly maxGrips: number;
}

/** Why a place in the queue, or a lock, is lost: no renewal was heard of in time, the backend says so, or the backend was closed. */
export type LockLoss = 'expired' | 'gone' | 'closed';

/** Why a lock was not had. */
export type LockRefusal =
  /** Its owner has it already, queues for it, or is just giving it back. */
  | 'busy'
  /** As many wait as may, or the backend has no room. */
  | 'full'
  /** What stands in the queue is of another kind of lock: another number of permits, or something else altogether. */
  | 'mismatch'
  /** Its time for waiting was over. */
  | 'late'
  /** The signal. */
  | 'cancelled'
  /** Its place in the queue was: the backend had not heard of it for too long. */
  | 'lost'
  /** The lock's actor has ended or is ending, or the backend is closed. */
  | 'closed';

/** What a lock may be told. `ref` names one wish to have it, and then what came of it. */
export type LockEvent =
  /** `withinMs`: it waits so long at the most, ms. */
  | { readonly type: 'lock.acquire'; readonly ref: string; readonly withinMs: number }
  | { readonly type: 'lock.cancel'; readonly ref: string }
  | { readonly type: 'lock.release'; readonly ref: string }
  | { readonly type: 'lock.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `place`: it stands in the queue, behind so many. */
  | { readonly type: 'place.joined'; readonly ahead: number }
  | { readonly type: 'place.moved'; readonly ahead: number }
  /** Its turn has come. `token`: the revision of its write; `waitedMs`: since it was asked for. */
  | { readonly type: 'place.reached'; readonly token: number; readonly waitedMs: number }
  | { readonly type: 'place.refused'; readonly reason: LockRefusal }
  | { readonly type: 'place.lost'; readonly reason: LockLoss }
  /** It is given back. `isConfirmed`: the backend has said so; false: it ends by itself in time. */
  | { readonly type: 'place.left'; readonly isConfirmed: boolean; readonly heldMs: number }
  /** It has crashed, or was ended by nobody's order here. `why`: in words. */
  | { readonly type: 'place.ended'; readonly why: string };

/** What the actor `place` is told. */
export type PlaceCommand = { readonly type: 'place.leave' };

/** What a lock emits. */
export type LockEmitted =
  | { readonly type: 'lock.queued'; readonly name: string; readonly ref: string; readonly ahead: number }
  | { readonly type: 'lock.acquired'; readonly name: string; readonly ref: string; readonly token: number; readonly waitedMs: number }
  | { readonly type: 'lock.refused'; readonly name: string; readonly ref: string; readonly reason: LockRefusal }
  | { readonly type: 'lock.released'; readonly name: string; readonly token: number; readonly heldMs: number; readonly isConfirmed: boolean }
  | { readonly type: 'lock.lost'; readonly name: string; readonly token: number; readonly reason: LockLoss };

/** What a lock's chart knows. */
export interface LockContext extends LockInput {
  /** The wish that is waited for; null: none. */
  readonly claim: { readonly ref: string; readonly withinMs: number } | null;
  /** Those that were fulfilled, and not given back yet, oldest first. */
  readonly grips: readonly string[];
  /** Of the present holding; 0 before there is one. */
  readonly token: number;
  /** How many are before it in the queue. */
  readonly ahead: number;
  /** Does it end when its place is given back? */
  readonly isEnding: boolean;
  readonly reason: ExitReason;
}
