/**
 * One probe's lane: when its checks are due and late, what their results come to, and whether there are any.
 *
 * All of it is kept here, and none of it goes through a chart: a thousand checks in a second cost their own time and a few lines of this. What is news goes
 * to the probe's chart. A lane outlives the table and the monitor, with all that it knows.
 */
import type { AnyActorRef } from 'xstate';
import type { Answer, ProbeEvent } from '../../machines/health/probe.js';
import { type Health, judged, type Standing, unknownStanding } from '../../machines/health/verdict.js';
import type { Clock } from '../supervision/clock.js';
import type { Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import { timeout } from './answer.js';
import { type Attempt, Call, type Ended, type Question } from './attempt.js';
import type { ProbePlan } from './probe-options.js';

/** The table that runs lanes. */
export interface Host {
  readonly clock: Clock;
  /** The one queue of all lanes. */
  readonly queue: DeadlineQueue;
  /** To the probe's chart. */
  send(lane: Lane, event: ProbeEvent): void;
  /** A question whose answer comes to the table. */
  question(ended: Ended): Question;
}

class Moment implements Deadline {
  dueAt = 0;
  place = -1;
  readonly expired: () => void;

  constructor(expired: () => void) {
    this.expired = expired;
  }
}

export class Lane {
  readonly plan: ProbePlan;
  /** Its chart, also one that has ended; undefined before the first. */
  chart: AnyActorRef | undefined;
  /** By the results. */
  standing: Standing = unknownStanding;
  /** By the chart, as it was told. */
  health: Health = 'unknown';
  isFlapping = false;
  isSilent = false;
  last: Answer | null = null;
  /** When the latest result came, monotonic ms; null before the first. */
  lastAt: number | null = null;
  #attempt: Attempt | null = null;
  #host: Host | undefined;
  /** When a check was found to be late: an interval that was over by then is no failure more. */
  #lateAt = 0;
  #silentAt = 0;
  readonly #due = new Moment(() => this.#checkIfDue());
  readonly #late = new Moment(() => this.#giveUp());
  readonly #silence = new Moment(() => this.#listen());

  constructor(plan: ProbePlan) {
    this.plan = plan;
  }

  get id(): string {
    return this.plan.input.id;
  }

  /** Does a check go on that was told to stop? */
  get isOverdue(): boolean {
    return this.#attempt?.isLate === true;
  }

  /** When its next check is due, monotonic ms; of one that checks nothing it says nothing. */
  get nextAt(): number {
    return this.#due.dueAt;
  }

  /** Begins, or goes on: the first check in `firstMs`, and the time without a result anew from then on. */
  run(host: Host): void {
    const { firstMs, silentMs, isPassive } = this.plan.input;
    const now = host.clock.now();
    this.#host = host;
    this.#lateAt = this.#lateFrom(now);
    // Before its first check is due, nobody can have heard anything.
    this.#silentAt = now + (isPassive ? 0 : firstMs) + silentMs;
    host.queue.addAt(this.#silence, this.#silentAt);
    if (!isPassive) host.queue.addAt(this.#due, now + firstMs);
  }

  /** Nothing more is checked. @returns a check that goes on all the same, after it was told to stop */
  halt(): Attempt | null {
    const host = this.#host;
    this.#host = undefined;
    for (const moment of [this.#due, this.#late, this.#silence]) host?.queue.remove(moment);
    if (this.#attempt !== null && !this.#attempt.isLate) {
      this.#attempt.isLate = true;
      this.#attempt.abort('the probe has ended', 'AbortError');
    }
    return this.#attempt;
  }

  /** Takes over a check that was told to stop and goes on: no other begins beside it. */
  adopt(attempt: Attempt): void {
    this.#attempt = attempt;
    attempt.ended = (answer) => this.#settle(attempt, answer);
  }

  /** Checks now, unless a check is under way. */
  check(): void {
    const host = this.#host;
    const { check, ask, input } = this.plan;
    if (host === undefined || this.#attempt !== null || input.isPassive) return;
    const dueAt = host.clock.now() + input.deadlineMs;
    const ended: Ended = (answer) => this.#settle(attempt, answer);
    let attempt: Attempt;
    if (ask !== undefined) {
      const question = (attempt = this.#attempt = host.question(ended));
      question.dueAt = dueAt;
      question.begin(ask);
    } else {
      const call = (attempt = this.#attempt = new Call(input.id, ended));
      call.dueAt = dueAt;
      call.begin(check as NonNullable<typeof check>);
    }
    if (this.#attempt === attempt && this.#host === host) host.queue.addAt(this.#late, dueAt);
  }

  /** One more result. */
  count(answer: Answer): void {
    const host = this.#host;
    if (host === undefined) return;
    const { input } = this.plan;
    this.last = answer;
    this.lastAt = host.clock.now();
    this.#silentAt = this.lastAt + input.silentMs;
    if (this.#silence.place < 0) host.queue.addAt(this.#silence, this.#silentAt);
    this.standing = judged(this.standing, answer.outcome, input);
    const { health, isFlapping } = this.standing;
    if (health !== this.health || isFlapping !== this.isFlapping || this.isSilent)
      host.send(this, { type: 'result.judged', answer, health, isFlapping });
  }

  /** From when on an interval in which a former table's check goes on is a failure: not before its deadline, nor sooner than without the restart. */
  #lateFrom(now: number): number {
    const { everyMs } = this.plan.input;
    const dueAt = this.#attempt?.dueAt ?? now;
    return dueAt > now ? dueAt : Math.max(now, (this.lastAt ?? now - everyMs) + everyMs);
  }

  #settle(attempt: Attempt, answer: Answer | null): void {
    this.#attempt = null;
    this.#host?.queue.remove(this.#late);
    if (attempt.isLate) this.#host?.send(this, { type: 'check.ended' });
    else if (answer !== null) this.count(answer);
  }

  #checkIfDue(): void {
    const host = this.#host as Host;
    const { everyMs } = this.plan.input;
    const at = this.#due.dueAt;
    const now = host.clock.now();
    // Whole intervals from the moment that it was due: what is late once stays where it belongs, and what was missed is not made up for.
    host.queue.addAt(this.#due, at + everyMs * (Math.floor((now - at) / everyMs) + 1));
    // A process that stood still for so long says so first.
    if (this.#silence.place >= 0 && at < this.#silentAt && this.#silentAt <= now) this.#listen();
    if (this.#late.place >= 0 && this.#late.dueAt <= now) this.#giveUp();
    if (this.#attempt === null) this.check();
    else if (this.#attempt.isLate && this.#lateAt < at) this.count(timeout());
  }

  /** The check that is under way is late: it has failed, and is told to stop. */
  #giveUp(): void {
    const attempt = this.#attempt as Attempt;
    this.#host?.queue.remove(this.#late);
    this.#lateAt = this.#late.dueAt;
    attempt.isLate = true;
    attempt.abort('the check is late', 'TimeoutError');
    if (this.#attempt === attempt) this.#host?.send(this, { type: 'check.overdue' });
    this.count(timeout());
  }

  #listen(): void {
    const host = this.#host as Host;
    // The check of this very moment may be heard.
    if (this.#due.place >= 0 && this.#due.dueAt === this.#silentAt) {
      host.queue.remove(this.#due);
      this.#checkIfDue();
    }
    host.queue.remove(this.#silence);
    if (this.#silentAt > host.clock.now()) host.queue.addAt(this.#silence, this.#silentAt);
    else host.send(this, { type: 'result.missed' });
  }
}
