/**
 * The desk of a balancer: who is there, what each has in hand, and what waits.
 *
 * What an agent has in hand changes with the assignment and with the end, at once and nowhere else. As long as a task waits nobody who could do it may have
 * more: so whoever becomes free is given what waits, and need not be compared with anybody.
 */
import { unit } from '../../machines/backoff.js';
import type {
  AgentReport,
  Assignment,
  AssignRefusal,
  BalancerEmitted,
  BalanceStrategy,
  ReportRefusal,
  TaskFailure,
  Withdrawal,
} from '../../machines/agents/balancer-events.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import type { BalancerPlan, PlannedAgent, PlannedTask } from './balancer-options.js';
import { Columns } from './columns.js';
import { Outbox } from './outbox.js';
import { DeskRecords } from './desk-records.js';
import type { AddOutcome, AgentNews, DeskWorld, ReportOutcome } from './desk-world.js';
import { Kinds } from './kinds.js';
import { planMoves } from './rebalance.js';
import { namesIn, reportIn, wasOrdered } from './reports.js';
import { type Kind, ordersOf, Seat } from './seat.js';
import { type AssignOutcome, heed, newTask, type Task, type TaskEnd } from './task.js';

export class Desk {
  readonly plan: BalancerPlan;
  readonly records: DeskRecords;
  readonly seats = new Map<string, Seat>();
  readonly tasks = new Map<string, Task>();
  readonly #world: DeskWorld;
  readonly #orders: typeof ordersOf;
  readonly #outbox = new Outbox();
  readonly #deadlines: DeadlineQueue;
  readonly #columns = new Columns();
  readonly #kinds: Kinds;
  #strategy: BalanceStrategy;
  #waiting = 0;
  #turns = 0;
  #draws = 0;
  #comers = 0;
  #isDraining = false;
  #isOver = false;

  /** @param orders  of the strategies; a test counts how often they look */
  constructor(plan: BalancerPlan, world: DeskWorld, orders: typeof ordersOf = ordersOf) {
    this.plan = plan;
    this.#world = world;
    this.#orders = orders;
    this.#strategy = plan.strategy;
    this.#deadlines = new DeadlineQueue(world.clock);
    this.#kinds = new Kinds(plan.maxKinds, orders[plan.strategy](this.#columns));
    this.records = new DeskRecords(plan.history, world.numbersFrom);
  }

  get waiting(): number {
    return this.#waiting;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  add(agent: PlannedAgent): AddOutcome {
    const { name, ref } = agent;
    if (this.#isOver) return { ok: false, reason: 'closed' };
    if (this.seats.has(name)) return { ok: false, reason: 'taken' };
    if (this.seats.size >= this.plan.maxAgents) return { ok: false, reason: 'full' };
    if (ref !== null && exitReason(ref) !== null) return { ok: false, reason: 'ended' };
    const seat = new Seat(agent, this.#columns, ++this.#turns);
    this.seats.set(name, seat);
    if (ref !== null) seat.watch = onExit(ref, () => this.#lose(seat, 'ended'));
    this.#kinds.add(seat);
    this.#emit({ type: 'balancer.agentAdded', agent: name });
    this.#serve(seat);
    this.#outbox.tell();
    return { ok: true };
  }

  /** @returns false where it is not there */
  remove(name: string): boolean {
    const seat = this.seats.get(name);
    if (seat === undefined) return false;
    this.#lose(seat, 'removed');
    return true;
  }

  /** What an agent has measured of itself. @returns false where it is not there */
  measure(name: string, measures: Readonly<Record<string, number>>): boolean {
    const seat = this.seats.get(name);
    if (seat === undefined) return false;
    seat.measure(measures, this.plan.thresholds);
    this.#refresh(seat);
    this.#serve(seat);
    this.#outbox.tell();
    return true;
  }

  setStrategy(strategy: BalanceStrategy): void {
    if (strategy === this.#strategy) return;
    this.#strategy = strategy;
    this.#kinds.reorder(this.#orders[strategy](this.#columns));
  }

  /** @returns what came of it at once; null: it waits, and `answer` is called */
  assign(plan: PlannedTask, waitMs: number, answer: (outcome: AssignOutcome) => void, signal?: AbortSignal): AssignOutcome | null {
    const outcome = this.#assign(plan, waitMs, answer, signal);
    this.#outbox.tell();
    return outcome;
  }

  #assign(plan: PlannedTask, waitMs: number, answer: (outcome: AssignOutcome) => void, signal?: AbortSignal): AssignOutcome | null {
    const { id } = plan;
    if (this.#isOver || this.#isDraining) return this.#refuse(id, 'closed');
    if (this.tasks.has(id)) return this.#refuse(id, 'taken');
    const kind = this.tasks.size < this.plan.maxTasks ? this.#kinds.of(plan.capabilities, this.seats.values()) : null;
    if (kind === null) return this.#refuse(id, 'full');
    const seat = this.#choose(kind);
    if (seat === null) {
      if (waitMs === 0) return this.#refuse(id, kind.members.size === 0 ? 'noSuitableAgent' : 'busy');
      if (this.#waiting >= this.plan.maxWaiting) return this.#refuse(id, 'full');
    }
    const task = newTask(plan, { kind, answer, order: ++this.#comers, askedAt: this.#world.clock.now(), expired: this.#expire });
    this.tasks.set(id, task);
    kind.tasks++;
    // Before anybody is told of it, who may end it, or abort.
    if (signal !== undefined) heed(task, signal, () => this.cancel(id));
    if (seat === null) {
      this.#await(task, waitMs);
      return null;
    }
    task.answer = null;
    task.attempts = 1;
    const assignment = this.#give(task, seat);
    this.#emit({ type: 'balancer.assigned', task: id, agent: seat.name, attempt: 1 });
    return { ok: true, agent: seat.name, assignment, ended: task.ended };
  }

  begin(assignment: Assignment): ReportOutcome {
    const task = this.#reported(assignment);
    if (typeof task === 'object') task.isBegun = true;
    this.#outbox.tell();
    return typeof task === 'object' ? { ok: true } : { ok: false, reason: task };
  }

  complete(
    assignment: Assignment,
    report: { readonly ok: boolean; readonly durationMs?: number | undefined; readonly error?: unknown },
  ): ReportOutcome {
    const task = this.#reported(assignment);
    if (typeof task === 'object') {
      const seat = task.seat as Seat;
      const { ok, error, durationMs = this.#world.clock.now() - task.assignedAt } = report;
      seat.learn(durationMs / task.cost, ok);
      this.#end(task, ok ? 'done' : 'failed', error);
    }
    this.#outbox.tell();
    return typeof task === 'object' ? { ok: true } : { ok: false, reason: task };
  }

  /** What an agent has sent. What it means cannot be known of one that is none. */
  hear(report: AgentReport): void {
    if (report.type === 'task.begun') this.begin(report.assignment);
    else this.complete(report.assignment, reportIn(report));
  }

  /** @returns false where there is no such task */
  cancel(id: string): boolean {
    const task = this.tasks.get(id);
    if (task === undefined) return false;
    this.#giveUp(task, 'cancelled');
    this.#outbox.tell();
    return true;
  }

  /** Moves tasks from those who have much to those who have less. */
  rebalance(includeBegun: boolean, most: number): { readonly task: string; readonly from: string; readonly to: string }[] {
    const moves = planMoves(this.seats.values(), includeBegun, most).map(({ task, to }) => ({ task, to, from: task.seat as Seat }));
    for (const { task } of moves) {
      this.#tellWithdrawn(task, 'rebalanced');
      this.#take(task, 'stale');
    }
    for (const { task, from, to } of moves) {
      this.#give(task, to);
      this.#moved(task, from, to, 'rebalanced');
    }
    for (const { from } of moves) this.#serve(from);
    this.#outbox.tell();
    return moves.map(({ task, from, to }) => ({ task: task.id, from: from.name, to: to.name }));
  }

  /** Takes nothing more, and says when nothing is left. */
  drain(): void {
    this.#isDraining = true;
    for (const task of [...this.tasks.values()]) if (task.answer !== null) this.#giveUp(task, 'closed');
    this.#lookWhetherEmpty();
    this.#outbox.tell();
  }

  /** Every task has its end, and nobody is watched any more. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const task of [...this.tasks.values()]) this.#giveUp(task, 'closed');
    for (const { watch } of this.seats.values()) watch?.unsubscribe();
    this.#deadlines.clear();
    this.#outbox.tellNow();
  }

  #choose(kind: Kind): Seat | null {
    const [first, second] = kind.free;
    const { seed, explore } = this.plan;
    const isDrawn = second !== undefined && second.size > 0 && unit(Math.imul(seed, 0x9e3779b1) ^ ++this.#draws) < explore;
    const heap = isDrawn ? second : first;
    for (let place = heap?.first; place !== undefined; place = heap?.first) {
      const seat = this.#columns.seats[place] as Seat;
      if (seat.ref === null || !hasStopped(seat.ref)) return seat;
      // Of many who end together, each is told in its turn: what the first one had is not for the next.
      seat.hasEnded = true;
      this.#refresh(seat);
    }
    return null;
  }

  #refresh(seat: Seat): void {
    for (const kind of seat.kinds) kind.refresh(seat);
  }

  #await(task: Task, waitMs: number): void {
    this.#waiting++;
    task.kind.waiting.put(task);
    this.#deadlines.addAt(task, Math.min(task.endsAt, this.#world.clock.now() + waitMs));
  }

  #give(task: Task, seat: Seat): Assignment {
    const assignment: Assignment = { task: task.id, agent: seat.name, number: this.records.next() };
    task.seat = seat;
    task.assignment = assignment;
    task.assignedAt = this.#world.clock.now();
    task.isBegun = false;
    seat.take(task, ++this.#turns);
    this.#refresh(seat);
    this.records.counts.assigned++;
    if (task.endsAt < Infinity) this.#deadlines.addAt(task, task.endsAt);
    else this.#deadlines.remove(task);
    this.#send(seat, { type: 'task.assigned', assignment, body: task.body, replyTo: this.#world.self });
    return assignment;
  }

  #take(task: Task, why: 'stale' | 'ended'): void {
    const { seat, assignment } = task;
    if (seat === null || assignment === null) return;
    this.records.close(assignment.number, why);
    seat.drop(task);
    this.#refresh(seat);
    task.seat = null;
    task.assignment = null;
  }

  /** What waits, the most urgent first. */
  #serve(seat: Seat): void {
    while (this.#waiting > 0 && seat.mayHaveMore) {
      const next = this.#kinds.nextFor(seat);
      if (next === undefined) return;
      this.#unwait(next);
      this.#begins(next, seat, null);
    }
  }

  #unwait(task: Task): void {
    this.#waiting--;
    task.kind.waiting.remove(task);
  }

  /** It has an agent, who was not chosen before the eyes of whoever assigned it. @param from  who was lost with it */
  #begins(task: Task, seat: Seat, from: Seat | null): void {
    const { answer, id, ended } = task;
    const assignment = this.#give(task, seat);
    task.attempts++;
    task.answer = null;
    if (from === null) this.#emit({ type: 'balancer.assigned', task: id, agent: seat.name, attempt: task.attempts });
    else this.#moved(task, from, seat, 'lost');
    answer?.({ ok: true, agent: seat.name, assignment, ended });
  }

  #moved(task: Task, from: Seat, to: Seat, because: 'lost' | 'rebalanced'): void {
    this.records.counts.moved++;
    this.#emit({ type: 'balancer.moved', task: task.id, from: from.name, to: to.name, because });
  }

  #lose(seat: Seat, because: 'ended' | 'removed'): void {
    if (seat.isGone || this.#isOver) return;
    seat.isGone = true;
    seat.watch?.unsubscribe();
    this.seats.delete(seat.name);
    this.#kinds.remove(seat);
    const lost = seat.tasks();
    const isFault = because === 'ended' && seat.ref !== null && !wasOrdered(seat.ref);
    this.#emit({ type: 'balancer.agentLost', agent: seat.name, because, tasks: lost.length });
    for (const task of lost) {
      if (because === 'removed') this.#tellWithdrawn(task, 'removed');
      if (isFault) task.losses++;
      this.#lost(task, seat);
    }
    this.#columns.leave(seat.place);
    this.#outbox.tell();
  }

  #lost(task: Task, from: Seat): void {
    const { plan } = this;
    if (plan.onDeath === 'fail') return this.#end(task, 'agentLost');
    if (task.losses >= plan.maxAttempts) return this.#end(task, 'spent');
    const seat = this.#choose(task.kind);
    if (seat === null && this.#waiting >= plan.maxWaiting) return this.#end(task, 'noSuitableAgent');
    this.#take(task, 'stale');
    if (seat === null) this.#await(task, plan.reassignWithinMs);
    else this.#begins(task, seat, from);
  }

  readonly #expire = (task: Task): void => {
    const isLate = task.seat !== null || task.answer !== null || this.#world.clock.now() >= task.endsAt;
    this.#giveUp(task, isLate ? 'late' : 'noSuitableAgent');
    this.#outbox.tell();
  };

  /** By nobody's work: refused where nobody had it yet, and else ended. */
  #giveUp(task: Task, why: 'late' | 'cancelled' | 'closed' | 'noSuitableAgent'): void {
    if (task.answer !== null) {
      this.#forget(task);
      task.answer(this.#refuse(task.id, why));
      this.#lookWhetherEmpty();
    } else {
      if (why !== 'noSuitableAgent') this.#tellWithdrawn(task, why);
      this.#end(task, why);
    }
  }

  #forget(task: Task): void {
    if (task.seat === null) this.#unwait(task);
    this.#deadlines.remove(task);
    this.tasks.delete(task.id);
    task.unheed?.();
    task.kind.tasks--;
  }

  /** The one end of a task that somebody has had. */
  #end(task: Task, outcome: 'done' | TaskFailure, error?: unknown): void {
    const { seat, id, attempts, askedAt } = task;
    this.#forget(task);
    this.#take(task, 'ended');
    const end = { task: id, agent: seat?.name ?? null, attempts, tookMs: this.#world.clock.now() - askedAt };
    const told: TaskEnd =
      outcome === 'done' ? { ok: true, ...end } : { ok: false, reason: outcome, ...end, ...(error === undefined ? {} : { error }) };
    this.records.end(told);
    task.settle(told);
    this.#emit({ type: 'balancer.ended', task: id, agent: end.agent, outcome, tookMs: end.tookMs });
    if (seat !== null && !this.#isOver) this.#serve(seat);
    this.#lookWhetherEmpty();
  }

  #reported(assignment: Assignment): Task | ReportRefusal {
    const { task: id, number } = (assignment ?? {}) as Partial<Assignment>;
    const task = typeof id === 'string' ? this.tasks.get(id) : undefined;
    if (task !== undefined && task.assignment !== null && task.assignment.number === number) return task;
    const reason = this.records.drop(number);
    this.#emit({ type: 'balancer.dropped', ...namesIn(assignment), reason });
    return reason;
  }

  #refuse(task: string, reason: AssignRefusal): { readonly ok: false; readonly reason: AssignRefusal } {
    this.records.counts.refused++;
    this.#emit({ type: 'balancer.refused', task, reason });
    return { ok: false, reason };
  }

  #lookWhetherEmpty(): void {
    if (this.#isDraining && !this.#isOver && this.tasks.size === 0) this.#outbox.add(() => this.#world.emptied());
  }

  #tellWithdrawn({ seat, assignment }: Task, because: Withdrawal): void {
    if (seat !== null && assignment !== null) this.#send(seat, { type: 'task.withdrawn', assignment, because });
  }

  #send({ ref, name }: Seat, news: AgentNews): void {
    if (ref !== null) this.#outbox.send(ref, news, name);
  }

  #emit(fact: BalancerEmitted): void {
    this.#outbox.add(() => this.#world.emit(fact));
  }
}
