/** What the chart of an isolation pool is told, orders and emits; what it is given and remembers. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';

/** Input of the isolation machine. */
export interface IsolationInput {
  /** Losses of threads within the period that are made good at once; one more, and no thread is begun for a while. */
  readonly intensity: number;
  readonly periodMs: number;
  /** The pause before a thread is tried again. */
  readonly backoff: Backoff;
  /** Trials in a row that may be lost; one more, and the pool has failed. */
  readonly maxTrials: number;
  /** How long jobs may go on when it closes, ms, where the order says nothing else. */
  readonly drainMs: number;
  /** How long threads may then take to end, ms. */
  readonly endMs: number;
}

/** Why a thread was lost, by nobody's order here. */
export type LossCause = 'outOfMemory' | 'exited' | 'crashed' | 'unstartable';

/** How a job may come to its end. */
export type JobStatus = 'done' | 'failed' | 'outOfMemory' | 'timeout' | 'cancelled' | 'refused';

/** Why a job was refused: as many wait as may, or the pool takes none, or what it is to be given cannot be copied. */
export type JobRefusal = 'full' | 'closed' | 'uncloneable';

/** What an isolation pool may be told. */
export type IsolationEvent =
  /** Of the actor `threads`: it can begin some. */
  | { readonly type: 'threads.opened' }
  /** None can be begun, and to try again would not help. `code`: of an EspalierError. */
  | { readonly type: 'threads.refused'; readonly code: string }
  /** It was ended, by nobody's order here. */
  | { readonly type: 'threads.ended' }
  /** While draining: no job is left, and no thread. */
  | { readonly type: 'threads.emptied' }
  /** `at`: monotonic ms. `isOfJob`: it had begun, and was at a job, whose own loss it is. */
  | { readonly type: 'thread.lost'; readonly cause: LossCause; readonly at: number; readonly isOfJob: boolean }
  /** On trial: a thread has carried a job to its end, or was lost to it. */
  | { readonly type: 'thread.served' }
  /** Takes no more jobs; those that it has may go on for `drainMs`. */
  | { readonly type: 'isolation.close'; readonly drainMs?: number }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What the chart orders of the actor `threads`. */
export type ThreadsCommand =
  /** As many as there may be. */
  | { readonly type: 'threads.open' }
  /** No new one. Those that run go on. */
  | { readonly type: 'threads.pause' }
  /** One new one, to see whether it serves. */
  | { readonly type: 'threads.try' }
  /** No more jobs. Then `threads.emptied`. */
  | { readonly type: 'threads.drain' }
  /** Ends all that is left. */
  | { readonly type: 'threads.end' };

/** What an isolation pool emits. Facts of jobs pass the chart by; none shows what a job was given or gave. */
export type IsolationEmitted =
  /** A job has a thread. `waitedMs`: since it was asked for. */
  | { readonly type: 'isolation.started'; readonly ref: string; readonly waitedMs: number }
  /** A job that was taken has come to its end, whatever that is. */
  | { readonly type: 'isolation.ended'; readonly ref: string; readonly status: JobStatus; readonly tookMs: number }
  /** A job was not taken. */
  | { readonly type: 'isolation.refused'; readonly ref: string; readonly reason: JobRefusal }
  /** A thread was lost, by nobody's order here; `losses`: within the period. */
  | { readonly type: 'isolation.threadLost'; readonly cause: LossCause; readonly losses: number }
  /** Too many were lost: for `pauseMs` none is begun. `trial`: how many were lost in a row, after the first. */
  | { readonly type: 'isolation.degraded'; readonly cause: LossCause; readonly trial: number; readonly pauseMs: number }
  /** A thread has served again. */
  | { readonly type: 'isolation.recovered' };

/** What an isolation pool knows. */
export interface IsolationContext extends IsolationInput {
  /** Losses within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  /** Pauses since a thread last served. */
  readonly pauses: number;
  /** By the order to close; null where it said nothing. */
  readonly orderedDrainMs: number | null;
  readonly reason: ExitReason;
}
