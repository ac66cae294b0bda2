/** One job, from being asked for to its outcome; and one thread, as the workshop sees it. */
import type { JobRefusal, JobStatus } from '../../machines/isolation/isolation-events.js';
import type { Deadline } from '../supervision/deadlines.js';
import type { PlannedJob } from './options.js';
import type { Answer, JobError, Loss, Seat } from './seat.js';

/** What has become of a job: exactly one for each. `ref` is its name. */
export type JobOutcome<Value = unknown> =
  | { readonly status: 'done'; readonly ref: string; readonly value: Value }
  | { readonly status: 'failed'; readonly ref: string; readonly error: JobError }
  /** It met the ceiling of its heap, or of its process. */
  | { readonly status: 'outOfMemory'; readonly ref: string }
  /** Its deadline has passed. `where`: it still waited, or it was at work and its thread was ended. */
  | { readonly status: 'timeout'; readonly ref: string; readonly where: 'queue' | 'thread' }
  /** By its signal, by the end of whom it was for, or because the pool has ended. */
  | { readonly status: 'cancelled'; readonly ref: string; readonly because: 'aborted' | 'callerEnded' | 'closed' }
  /** It did not begin. */
  | { readonly status: 'refused'; readonly ref: string; readonly reason: JobRefusal };

/** A job that was taken. */
export class Work implements Deadline {
  dueAt = 0;
  place = -1;
  readonly job: PlannedJob;
  readonly input: unknown;
  readonly askedAt: number;
  /** Null while it waits. */
  thread: Thread | null = null;
  /** What is to be let go of at its end. */
  readonly leave: (() => void)[] = [];
  readonly settle: (outcome: JobOutcome) => void;
  readonly #expired: (work: Work) => void;
  isOver = false;

  constructor(job: PlannedJob, input: unknown, askedAt: number, settle: (outcome: JobOutcome) => void, expired: (work: Work) => void) {
    this.job = job;
    this.input = input;
    this.askedAt = askedAt;
    this.settle = settle;
    this.#expired = expired;
  }

  expired(): void {
    this.#expired(this);
  }
}

/** A thread that runs, or ends. */
export class Thread implements Deadline {
  dueAt = 0;
  place = -1;
  seat!: Seat;
  work: Work | null = null;
  /** What its job has come to, while the thread looks at what that left. */
  answer: Answer | null = null;
  served = 0;
  isEnding = false;
  readonly #expired: (thread: Thread) => void;

  /** @param expired  it had no job for long, or looks for too long at what one left */
  constructor(expired: (thread: Thread) => void) {
    this.#expired = expired;
  }

  expired(): void {
    this.#expired(this);
  }
}

/** What a loss of its thread is to a job. */
export function outcomeOfLoss(ref: string, { cause, code }: Loss): JobOutcome {
  if (cause === 'outOfMemory') return { status: 'outOfMemory', ref };
  const message = { exited: 'the job ended its thread', crashed: 'the thread crashed, or was killed', unstartable: 'the thread did not begin' }[
    cause
  ];
  return { status: 'failed', ref, error: { cause, name: 'ThreadLost', message, code, stack: null } };
}

export interface WorkshopStatus {
  /** Threads that run, those that are being ended included. */
  readonly threads: number;
  /** Jobs that have a thread. */
  readonly running: number;
  /** Jobs that wait for one. */
  readonly waiting: number;
  /** Jobs that have come to their end since the pool began, by how. */
  readonly ended: Readonly<Record<JobStatus, number>>;
}
