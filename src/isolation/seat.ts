/** A seat for one job at a time: a thread, and who carries jobs to it and answers back. What it promises is the same in this process and in another. */
import type { LossCause } from '../../machines/isolation/isolation-events.js';
import type { IsolationPlan } from './options.js';

/** Why a job has failed, in words: what was thrown may be anything. */
export interface JobError {
  /**
   * `threw`: the function; `unloadable`: its module, or it exports no such function; `uncloneable`: what it returned cannot be copied; `exited`: it ended its
   * thread; `crashed`: something that it began threw, or was killed; `unstartable`: its thread did not begin.
   */
  readonly cause: 'threw' | 'unloadable' | 'uncloneable' | 'exited' | 'crashed' | 'unstartable';
  /** Of an error its name; of anything else that was thrown what it is. */
  readonly name: string;
  readonly message: string;
  /** Of an error its code, of a thread its exit code or signal. */
  readonly code: string | number | null;
  readonly stack: string | null;
}

/** What a thread says of a job. */
export type Answer = { readonly status: 'done'; readonly value: unknown } | { readonly status: 'failed'; readonly error: JobError };

/** What a thread is given. */
export interface Task {
  /** An absolute URL. */
  readonly module: string;
  readonly name: string;
  readonly input: unknown;
}

/** How a thread came to its end, by nobody's order. */
export interface Loss {
  readonly cause: LossCause;
  readonly code: string | number | null;
}

/** Whom a seat tells. */
export interface SeatEvents {
  /** Of the job that it has, as soon as that has come to its end. Once for each job, unless the thread is gone. */
  answered(answer: Answer): void;
  /**
   * The thread has looked at what the job left, and can be given the next. After each answer, unless the thread is gone, or is kept by what the job left.
   * @param usedShare  of the heap's ceiling, 0 to 1
   * @param isBusy     does anything go on that the job has begun?
   */
  freed(usedShare: number, isBusy: boolean): void;
  /** The job cannot be given to a thread. Once, in place of an answer. */
  uncloneable(): void;
  /** The thread runs no more; once. Null: it was told to end. */
  gone(loss: Loss | null): void;
}

export interface Seat {
  /** One job at a time. Never throws. */
  run(task: Task): void;
  /** Ends the thread, whatever it is at; then `gone`. Twice is once. */
  end(): void;
}

/** Begins a thread. Never throws: one that cannot begin is `gone`, later. */
export type OpenSeat = (plan: IsolationPlan, events: SeatEvents) => Seat;

/** What V8 dies of, by its code. */
export const outOfMemory = 'ERR_WORKER_OUT_OF_MEMORY';
