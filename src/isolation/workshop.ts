/** What there is of an isolation pool beside its chart: the queue, the threads, and every job until its outcome. */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { IsolationEmitted, IsolationEvent, JobStatus, ThreadsCommand } from '../../machines/isolation/isolation-events.js';
import { EspalierError } from '../errors.js';
import { clockOf, type Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { obstacleIn } from './carried.js';
import type { IsolationPlan, PlannedJob } from './options.js';
import type { Loss, OpenSeat } from './seat.js';
import { type JobOutcome, outcomeOfLoss, Thread, Work, type WorkshopStatus } from './work.js';

/** Of the heap's ceiling: a thread that keeps more after a job makes place for a new one, so that no job meets the ceiling for what others left. */
const mostKept = 0.5;

/** How long a thread may look at what its job has left, ms. One that takes longer is kept by that. */
const mostLookMs = 1_000;

const workshops = new WeakMap<AnyActorRef, Workshop>();

/** The workshop of a pool's actor; undefined for one that never ran. */
export function workshopOf(owner: AnyActorRef): Workshop | undefined {
  return workshops.get(owner);
}

/** How seats are found, for tests with seats of their own. */
export type FindSeats = (inside: IsolationPlan['inside']) => Promise<OpenSeat>;

/** The actor `threads` of the chart. */
export function threadsActor(plan: IsolationPlan, find: FindSeats): ReturnType<typeof fromCallback<ThreadsCommand>> {
  return fromCallback<ThreadsCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const workshop = new Workshop(plan, owner, sendBack);
    workshops.set(owner, workshop);
    receive((command) => workshop.obey(command));
    void workshop.open(find);
    // Stopped by the chart it ends `shutdown`; by anybody else it was killed, and nobody tells the chart.
    onExit(self, (reason) => {
      if (reason !== 'shutdown' && !hasStopped(owner)) owner.send({ type: 'threads.ended' });
    });
    return () => workshop.end();
  });
}

export class Workshop {
  readonly plan: IsolationPlan;
  readonly #owner: AnyActorRef;
  readonly #report: (event: IsolationEvent) => void;
  readonly #clock: Clock;
  readonly #deadlines: DeadlineQueue;
  readonly #queue = new Set<Work>();
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[] = [];
  readonly #ended: Record<JobStatus, number> = { done: 0, failed: 0, outOfMemory: 0, timeout: 0, cancelled: 0, refused: 0 };
  #openSeat: OpenSeat | null = null;
  #mode: 'closed' | 'open' | 'paused' | 'trial' = 'closed';
  /** On trial: the one thread that is tried. */
  #tried: Thread | null = null;
  #running = 0;
  #isDraining = false;
  #isOver = false;

  constructor(plan: IsolationPlan, owner: AnyActorRef, report: (event: IsolationEvent) => void) {
    this.plan = plan;
    this.#owner = owner;
    this.#report = report;
    this.#clock = clockOf(owner.system);
    this.#deadlines = new DeadlineQueue(this.#clock);
  }

  /** Never rejects. */
  async open(find: FindSeats): Promise<void> {
    let openSeat: OpenSeat;
    try {
      openSeat = await find(this.plan.inside);
    } catch (error) {
      if (!this.#isOver) this.#report({ type: 'threads.refused', code: error instanceof EspalierError ? error.code : 'threadsFailed' });
      return;
    }
    if (this.#isOver) return;
    this.#openSeat = openSeat;
    this.#report({ type: 'threads.opened' });
  }

  get status(): WorkshopStatus {
    return { threads: this.#threads.size, running: this.#running, waiting: this.#queue.size, ended: { ...this.#ended } };
  }

  /** Takes a job, or refuses it. `settle` is called once. */
  take(job: PlannedJob, settle: (outcome: JobOutcome) => void): void {
    const { ref, signal, from } = job;
    const refuse = (reason: 'full' | 'closed' | 'uncloneable'): void => {
      this.#ended.refused++;
      this.#tell({ type: 'isolation.refused', ref, reason });
      settle({ status: 'refused', ref, reason });
    };
    if (this.#isOver || this.#isDraining) return refuse('closed');
    // Whoever finds a thread free does not wait, so with `maxQueue: 0` too there is a place for each thread.
    if (this.#queue.size >= this.plan.maxQueue + this.#room) return refuse('full');
    let input: unknown;
    try {
      input = structuredClone(job.input);
    } catch {
      return refuse('uncloneable');
    }
    // Asked of the clone, in which there is nothing that runs.
    const obstacle = obstacleIn(input);
    if (obstacle === 'deep' || (obstacle !== null && this.plan.inside === 'process')) return refuse('uncloneable');
    const work = new Work(job, input, this.#clock.now(), settle, (late) => this.#expire(late));
    if (signal?.aborted === true) return this.#cancel(work, 'aborted');
    if (from !== undefined && exitReason(from) !== null) return this.#cancel(work, 'callerEnded');
    this.#queue.add(work);
    this.#deadlines.add(work, job.deadlineMs);
    if (signal !== undefined) {
      const abort = (): void => this.#cancel(work, 'aborted');
      signal.addEventListener('abort', abort, { once: true });
      work.leave.push(() => signal.removeEventListener('abort', abort));
    }
    if (from !== undefined) {
      const watch = onExit(from, () => this.#cancel(work, 'callerEnded'));
      work.leave.push(() => void watch.unsubscribe());
    }
    this.#next();
  }

  obey({ type }: ThreadsCommand): void {
    this.#tried = null;
    if (type === 'threads.end') return this.#endAll();
    if (type === 'threads.drain') this.#isDraining = true;
    this.#mode = type === 'threads.pause' ? 'paused' : type === 'threads.try' ? 'trial' : 'open';
    this.#next();
  }

  /** The actor has ended, however: so does all that it has. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endAll();
    this.#deadlines.clear();
  }

  /** Jobs that can begin beyond those that wait already. */
  get #room(): number {
    if (this.#mode === 'paused') return this.#idle.length;
    return this.#idle.length + Math.max(0, this.plan.threads - this.#threads.size);
  }

  get #mayBegin(): boolean {
    if (this.#openSeat === null || this.#threads.size >= this.plan.threads) return false;
    return this.#mode === 'open' || (this.#mode === 'trial' && this.#tried === null);
  }

  /** Gives waiting jobs to threads, in order. */
  #next(): void {
    for (const work of this.#queue) {
      const thread = this.#idle.pop() ?? (this.#mayBegin ? this.#begin() : null);
      if (thread === null) break;
      this.#deadlines.remove(thread);
      this.#queue.delete(work);
      this.#running++;
      Object.assign(work, { thread });
      thread.work = work;
      const { ref, module, name } = work.job;
      this.#tell({ type: 'isolation.started', ref, waitedMs: this.#clock.now() - work.askedAt });
      // A listener may have cancelled it.
      if (thread.work === work) thread.seat.run({ module, name, input: work.input });
    }
    if (this.#isDraining) this.#empty();
  }

  #begin(): Thread {
    const thread = new Thread((late) => (late.answer === null ? this.#retire(late) : this.#looked(late, 1, true)));
    this.#threads.add(thread);
    if (this.#mode === 'trial') this.#tried = thread;
    thread.seat = (this.#openSeat as OpenSeat)(this.plan, {
      answered: (answer) => {
        if (thread.work === null) return;
        // It came in time: what the thread still does is not the job's.
        this.#deadlines.remove(thread.work);
        thread.answer = answer;
        this.#deadlines.add(thread, mostLookMs);
      },
      freed: (usedShare, isBusy) => this.#looked(thread, usedShare, isBusy),
      uncloneable: () => {
        const { work } = thread;
        if (work !== null) this.#finish(work, { status: 'refused', ref: work.job.ref, reason: 'uncloneable' });
        this.#free(thread, 0);
      },
      gone: (loss) => this.#gone(thread, loss),
    });
    return thread;
  }

  /** Its job has its outcome only now, so that whoever asks for one job after the other finds the thread free. */
  #looked(thread: Thread, usedShare: number, isBusy: boolean): void {
    const { work, answer } = thread;
    if (work === null || answer === null) return;
    thread.answer = null;
    thread.served++;
    this.#deadlines.remove(thread);
    this.#finish(work, { ref: work.job.ref, ...answer });
    const isTried = thread === this.#tried;
    // First it has its next job, so that none is begun beside it for that.
    this.#free(thread, usedShare, isBusy);
    if (isTried) this.#report({ type: 'thread.served' });
  }

  /** It has no job now. */
  #free(thread: Thread, usedShare: number, isBusy = false): void {
    if (thread.isEnding) return;
    // What a job has left running would be the next one's fault, or its delay.
    if (thread.served >= this.plan.jobsPerThread || usedShare > mostKept || isBusy) this.#retire(thread);
    else {
      this.#idle.push(thread);
      this.#deadlines.add(thread, this.plan.idleMs);
    }
    if (!this.#isOver) this.#next();
  }

  #retire(thread: Thread): void {
    if (thread.isEnding) return;
    thread.isEnding = true;
    this.#deadlines.remove(thread);
    const place = this.#idle.indexOf(thread);
    if (place >= 0) this.#idle.splice(place, 1);
    thread.seat.end();
  }

  #gone(thread: Thread, loss: Loss | null): void {
    thread.isEnding = true;
    this.#threads.delete(thread);
    this.#deadlines.remove(thread);
    const place = this.#idle.indexOf(thread);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#isOver) return;
    // By what its job has left: that job has come to its end, and the next has not begun.
    if (thread.answer !== null) this.#looked(thread, 1, true);
    else if (loss !== null) {
      // First whoever counts on the chart, so that no thread is begun that it would not have.
      const { work } = thread;
      const isOfJob = work !== null && loss.cause !== 'unstartable';
      const isTried = thread === this.#tried;
      this.#report({ type: 'thread.lost', cause: loss.cause, at: this.#clock.now(), isOfJob });
      if (work !== null) this.#finish(work, outcomeOfLoss(work.job.ref, loss));
      // It began, and was given a job: more is not tried.
      if (isTried && isOfJob) this.#report({ type: 'thread.served' });
    }
    if (!this.#isEnded()) this.#next();
  }

  #isEnded(): boolean {
    return this.#isOver;
  }

  #expire(work: Work): void {
    this.#finish(work, { status: 'timeout', ref: work.job.ref, where: work.thread === null ? 'queue' : 'thread' });
  }

  #cancel(work: Work, because: 'aborted' | 'callerEnded' | 'closed'): void {
    const { thread } = work;
    // One that has come to its end has its outcome; its thread may look no longer.
    if (thread !== null && thread.answer !== null) this.#looked(thread, 1, true);
    else this.#finish(work, { status: 'cancelled', ref: work.job.ref, because });
  }

  /** Its outcome, once. A thread that is still at it is ended. */
  #finish(work: Work, outcome: JobOutcome): void {
    if (work.isOver) return;
    work.isOver = true;
    this.#queue.delete(work);
    this.#deadlines.remove(work);
    for (const leave of work.leave.splice(0)) leave();
    const { thread } = work;
    if (thread !== null) {
      this.#running--;
      thread.work = null;
      if (outcome.status === 'timeout' || outcome.status === 'cancelled') {
        // Ended by order, a trial says nothing: another is made.
        if (thread === this.#tried) this.#tried = null;
        this.#retire(thread);
      }
    }
    this.#ended[outcome.status]++;
    const { ref, status } = outcome;
    this.#tell({ type: 'isolation.ended', ref, status, tookMs: this.#clock.now() - work.askedAt });
    work.settle(outcome);
    if (!this.#isOver && this.#isDraining) this.#empty();
  }

  #endAll(): void {
    this.#isDraining = true;
    for (const work of [...this.#queue]) this.#cancel(work, 'closed');
    for (const thread of [...this.#threads]) {
      if (thread.work !== null) this.#cancel(thread.work, 'closed');
      else this.#retire(thread);
    }
    if (!this.#isOver) this.#empty();
  }

  /** While draining: threads without a job end; without any, it is done. */
  #empty(): void {
    if (this.#queue.size > 0) return;
    for (const thread of [...this.#idle]) this.#retire(thread);
    if (this.#threads.size === 0 && this.#running === 0 && this.#openSeat !== null) this.#report({ type: 'threads.emptied' });
  }

  #tell(fact: IsolationEmitted): void {
    if (!hasStopped(this.#owner)) emitFrom(this.#owner, fact);
  }
}
