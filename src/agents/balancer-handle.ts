/**
 * What an app holds of a balancer.
 *
 * Every promise here has an owner, the balancer's actor: when that ends, however it ends, each is settled. None rejects but for misuse, and a call on a balancer
 * that has ended is answered, where XState would drop the event.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { balancerMachine } from '../../machines/agents/balancer.js';
import type { Assignment, BalancerEmitted, BalanceStrategy } from '../../machines/agents/balancer-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { isPlainObject, shown, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { deskOf, loadBalancer, type LoadBalancerRef } from './balancer.js';
import {
  type BalancedAgent,
  type BalancedTask,
  count,
  duration,
  invalid,
  type LoadBalancerOptions,
  pause,
  planAgent,
  planTask,
  requireMeasures,
  requireOptions,
  requireSignal,
  requireStrategy,
  requireText,
} from './balancer-options.js';
import type { Desk } from './desk.js';
import type { DeskCounts } from './desk-records.js';
import type { AddOutcome, ReportOutcome } from './desk-world.js';
import type { AssignOutcome, TaskEnd } from './task.js';

type Fact<Type extends BalancerEmitted['type']> = Extract<BalancerEmitted, { type: Type }>;

/** How somebody wants a task to be assigned. */
export interface AssignOptions {
  /** How long it may wait for an agent, ms; 0: not at all. Default: the balancer's `waitMs`. */
  readonly waitMs?: number;
  /** Gives the task up, also when somebody has it: its agent is told. */
  readonly signal?: AbortSignal;
}

/** How a go at a task has ended. */
export interface CompleteReport {
  readonly ok: boolean;
  /** Default: since it was assigned, ms. */
  readonly durationMs?: number;
  /** What is told of a failure. */
  readonly error?: unknown;
}

/** How one agent stands. */
export interface AgentStanding {
  readonly name: string;
  /** Sum of the costs of what it has in hand. */
  readonly load: number;
  readonly tasks: readonly Assignment[];
  /** What a task took it for each unit of cost, lately, ms; null: it has done none. */
  readonly meanMs: number | null;
  readonly measures: Readonly<Record<string, number>>;
  /** May it have more? */
  readonly isAvailable: boolean;
}

/** How a balancer stands. */
export interface BalancerStatus extends DeskCounts {
  readonly state: 'open' | 'draining' | 'ended';
  readonly strategy: BalanceStrategy | null;
  readonly agents: number;
  /** That have not ended, those that wait included. */
  readonly tasks: number;
  readonly waiting: number;
}

/** A balancer, as an app holds it. Disposing of it closes it. Each call throws EspalierError `balancer/invalid-options` for misuse; promises reject with it. */
export interface LoadBalancer extends AsyncDisposable {
  /** The balancer's actor; undefined while none runs. */
  readonly ref: LoadBalancerRef | undefined;
  /** From now on it is given tasks; what waits for somebody like it, at once. */
  add(agent: BalancedAgent): AddOutcome;
  /** It is given nothing more; what it had in hand is told to it as `task.withdrawn`, and goes where `onDeath` says. @returns false where it is not there */
  remove(agent: string): boolean;
  /** What an agent measures of itself, by names that have a threshold. @returns false where it is not there */
  report(agent: string, measures: Readonly<Record<string, number>>): boolean;
  /** Gives a task to an agent, within the call where one may have it, and else when one may; its load changes with it. */
  assign(task: BalancedTask, options?: AssignOptions): Promise<AssignOutcome>;
  /** Says that an agent works at it: `rebalance` leaves it there. */
  begin(assignment: Assignment): ReportOutcome;
  /** Says that it has ended; the load is given back with it, once. What comes later, or of one who has it no more, is dropped and counted. */
  complete(assignment: Assignment, report: CompleteReport): ReportOutcome;
  /** Gives a task up, wherever it is; its agent is told. @returns false where there is none of that id that has not ended */
  cancel(task: string): boolean;
  /**
   * Moves tasks that have not begun from whoever has much to whoever has less and can do them; both are told. It looks at all of them, so it is not for each turn.
   * @param options  `begun`: those too that have begun; `most`: how many may move, by default 1 000
   */
  rebalance(options?: {
    readonly begun?: boolean;
    readonly most?: number;
  }): readonly { readonly task: string; readonly from: string; readonly to: string }[];
  /** @returns false where it does not run */
  setStrategy(strategy: BalanceStrategy): boolean;
  /** Null: it is not there. */
  agent(name: string): AgentStanding | null;
  status(): BalancerStatus;
  /** The last ends, oldest first, as many as `history` keeps. */
  history(): readonly TaskEnd[];
  /** Facts, of each balancer that comes after it in its seat too. What a listener throws goes to `console.error`. */
  on<Type extends BalancerEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Refuses whoever waits and whoever comes, and ends when the last task has, at the latest after `deadlineMs` (default: never). */
  drain(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Ends it at once. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a balancer that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `balancer/invalid-options` for a reference that runs no balancer; from each call, for a function that finds one
 */
export function loadBalancerHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): LoadBalancer {
  if (typeof ref === 'function') return new Handle(ref);
  requireBalancer(ref);
  return new Handle(() => ref);
}

/**
 * A balancer that an app starts by itself, the root of a system of its own. In an app with a tree, {@link loadBalancer} is a child of that.
 * @throws EspalierError `balancer/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createLoadBalancer(options: LoadBalancerOptions = {}, where: { readonly clock?: Clock } = {}): LoadBalancer {
  requireOptions('where the balancer runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(loadBalancer(options), { clock, id: 'balancer' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isBalancer(ref: unknown): ref is LoadBalancerRef {
  return runsMachine(ref, balancerMachine);
}

function requireBalancer(ref: unknown): asserts ref is LoadBalancerRef {
  if (!isBalancer(ref)) throw invalid('ref', 'an actor that runs loadBalancer()', sortOf(ref));
}

const factTypes = keysOf<Record<BalancerEmitted['type'], true>>({
  ...{ 'balancer.strategyChanged': true, 'balancer.agentAdded': true, 'balancer.agentLost': true, 'balancer.assigned': true },
  ...{ 'balancer.moved': true, 'balancer.refused': true, 'balancer.ended': true, 'balancer.dropped': true },
});

function requireAssignment(assignment: unknown): void {
  if (!isPlainObject(assignment)) throw invalid('assignment', 'what assign() or task.assigned has told', sortOf(assignment));
}

const nothing: DeskCounts = { assigned: 0, done: 0, failed: 0, moved: 0, refused: 0, dropped: { stale: 0, ended: 0, unknown: 0 } };

class Handle implements LoadBalancer {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): LoadBalancerRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireBalancer(ref);
    return ref;
  }

  /** Of one that has ended too: what it counted can still be read. */
  get #desk(): Desk | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : deskOf(ref);
  }

  get #open(): Desk | undefined {
    const desk = this.#desk;
    return desk?.isOver === true ? undefined : desk;
  }

  add(agent: BalancedAgent): AddOutcome {
    const desk = this.#open;
    const planned = planAgent(agent, desk?.plan.maxTasksPerAgent ?? 1);
    return desk?.add(planned) ?? { ok: false, reason: 'closed' };
  }

  remove(agent: string): boolean {
    requireText('agent', agent);
    return this.#open?.remove(agent) ?? false;
  }

  report(agent: string, measures: Readonly<Record<string, number>>): boolean {
    requireText('agent', agent);
    const desk = this.#open;
    if (desk === undefined) return false;
    requireMeasures(measures, desk.plan.thresholds);
    return desk.measure(agent, measures);
  }

  async assign(task: BalancedTask, options: AssignOptions = {}): Promise<AssignOutcome> {
    const planned = planTask(task);
    requireOptions('how a task is assigned', options, ['waitMs', 'signal']);
    const { signal } = options;
    requireSignal(signal);
    const desk = this.#open;
    const waitMs = pause('waitMs', options.waitMs, desk?.plan.waitMs ?? 0);
    if (desk === undefined) return { ok: false, reason: 'closed' };
    if (signal?.aborted === true) return { ok: false, reason: 'cancelled' };
    let answer: (outcome: AssignOutcome) => void = () => {};
    const later = new Promise<AssignOutcome>((resolve) => (answer = resolve));
    return desk.assign(planned, waitMs, answer, signal) ?? later;
  }

  begin(assignment: Assignment): ReportOutcome {
    requireAssignment(assignment);
    return this.#open?.begin(assignment) ?? { ok: false, reason: 'unknown' };
  }

  complete(assignment: Assignment, report: CompleteReport): ReportOutcome {
    requireAssignment(assignment);
    requireOptions('how it has ended', report, ['ok', 'durationMs', 'error']);
    const { ok, durationMs } = report;
    if (typeof ok !== 'boolean') throw invalid('ok', 'true or false', sortOf(ok));
    if (durationMs !== undefined && !(typeof durationMs === 'number' && durationMs >= 0 && durationMs < Infinity))
      throw invalid('durationMs', 'a number of ms, at least 0', shown(durationMs));
    return this.#open?.complete(assignment, report) ?? { ok: false, reason: 'unknown' };
  }

  cancel(task: string): boolean {
    requireText('task', task);
    return this.#open?.cancel(task) ?? false;
  }

  rebalance(options: { readonly begun?: boolean; readonly most?: number } = {}): ReturnType<Desk['rebalance']> {
    requireOptions('how to rebalance', options, ['begun', 'most']);
    const { begun = false } = options;
    if (typeof begun !== 'boolean') throw invalid('begun', 'true or false', sortOf(begun));
    return this.#open?.rebalance(begun, count('most', options.most, 1_000, 1_000_000)) ?? [];
  }

  setStrategy(strategy: BalanceStrategy): boolean {
    requireStrategy(strategy);
    const { ref } = this;
    if (ref === undefined || hasStopped(ref)) return false;
    ref.send({ type: 'strategy.set', strategy });
    return true;
  }

  agent(name: string): AgentStanding | null {
    requireText('name', name);
    const seat = this.#open?.seats.get(name);
    if (seat === undefined) return null;
    const { load, meanMs, measures, mayHaveMore } = seat;
    const tasks = seat.tasks().flatMap(({ assignment }) => (assignment === null ? [] : [assignment]));
    return { name, load, tasks, meanMs, measures: Object.fromEntries(measures ?? []), isAvailable: mayHaveMore };
  }

  status(): BalancerStatus {
    const { ref } = this;
    const desk = this.#desk;
    const { counts } = desk?.records ?? { counts: nothing };
    const all = { ...counts, dropped: { ...counts.dropped } };
    if (ref === undefined || desk === undefined || hasStopped(ref))
      return { ...all, state: 'ended', strategy: null, agents: 0, tasks: 0, waiting: 0 };
    const { context, value } = ref.getSnapshot();
    const state = typeof value === 'object' ? value.serving : 'ended';
    return { ...all, state, strategy: context.strategy, agents: desk.seats.size, tasks: desk.tasks.size, waiting: desk.waiting };
  }

  history(): readonly TaskEnd[] {
    return this.#desk?.records.history() ?? [];
  }

  on<Type extends BalancerEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isBalancer);
  }

  async drain(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    requireOptions('the options of a drain', options, ['deadlineMs']);
    const { deadlineMs } = options;
    duration('deadlineMs', deadlineMs, 1);
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'balancer.drain', ...(deadlineMs === undefined ? {} : { deadlineMs }) }));
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'balancer.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
