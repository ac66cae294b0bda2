/** What a balancer is made with, and what it is asked: what is given, what is the default, and what is refused. */
import type { AnyActorRef } from 'xstate';
import type { BalanceStrategy } from '../../machines/agents/balancer-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { isActor, isPlainObject, optionChecks, shown, shownName, sortOf } from '../option-checks.js';

/** How tasks are spread over agents. Times in ms. */
export interface LoadBalancerOptions {
  /** Who gets the next one. Default `leastLoaded`. */
  readonly strategy?: BalanceStrategy;
  /** By the name of a measure, as `cpu`: an agent that reports more gets nothing until it reports less. Default: none. */
  readonly thresholds?: Readonly<Record<string, number>>;
  /** What becomes of the tasks of an agent that ends or is removed. Default `reassign`. */
  readonly onDeath?: 'reassign' | 'fail';
  /**
   * With how many agents a task may be lost before it fails, `spent`: one that kills whoever has it would kill all. Who is removed, or stopped in order from
   * without, does not count. Default 3, at most 1 000.
   */
  readonly maxAttempts?: number;
  /** Default 10 000, at most 1 000 000. */
  readonly maxAgents?: number;
  /** Tasks that have not ended, those that wait included. Default 100 000, at most 1 000 000. */
  readonly maxTasks?: number;
  /** Tasks in hand of one agent, where the agent names no number of its own. Default 10, at most 100 000. */
  readonly maxTasksPerAgent?: number;
  /** Tasks that wait for an agent. Default 1 000, at most 1 000 000. */
  readonly maxWaiting?: number;
  /** Sets of capabilities that are asked for by tasks that have not ended; each costs a look at every agent when it is new. Default 64, at most 1 000. */
  readonly maxKinds?: number;
  /** How long a task waits for an agent that says nothing of it. Default 0: it does not. */
  readonly waitMs?: number;
  /** How long a task that has lost its agent waits for another. Default 30 000. */
  readonly reassignWithinMs?: number;
  /** Ends that are remembered, and assignments that are over: a later report of an older one is of something unknown. Default 1 000, at most 1 000 000. */
  readonly history?: number;
  /** For `weighted`: which part of the turns goes to a newcomer, of whom no task has ended, or where there is none to whoever has had no turn for longest. Above 0, below 1; default 0.1. */
  readonly explore?: number;
  /** From which those turns are drawn: a whole number. Default 0. */
  readonly seed?: number;
}

/** The same with its defaults filled in. */
export type BalancerPlan = Required<LoadBalancerOptions>;

/** Somebody who can be given tasks. */
export interface BalancedAgent {
  /** Of no other one. */
  readonly name: string;
  /** What it can do. Default: nothing in particular. */
  readonly capabilities?: readonly string[];
  /** Its actor: watched, and told of its tasks. Without one nobody tells of its death. */
  readonly ref?: AnyActorRef;
  /** Tasks that it may have in hand. Default: the balancer's `maxTasksPerAgent`. */
  readonly maxTasks?: number;
}

/** Something to be done by one of the agents. */
export interface BalancedTask {
  /** Of no other one that has not ended. */
  readonly id: string;
  /** What whoever does it must be able to do: all of it. Default: nothing in particular. */
  readonly capabilities?: readonly string[];
  /** How much it weighs on whoever has it: a whole number, 1 to 1 000 000. Default 1. */
  readonly cost?: number;
  /** Of those that wait, the highest is first, then the oldest. A whole number; default 0. */
  readonly priority?: number;
  /** It ends so many ms after it is assigned by the app at the latest. Default: never. */
  readonly deadlineMs?: number;
  /** What its agent is told of it. */
  readonly body?: unknown;
}

/** `balancer/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('balancer/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, requireText, duration, count } = optionChecks(invalid);

const keys = keysOf<LoadBalancerOptions>({
  ...({ strategy: true, thresholds: true, onDeath: true, maxAttempts: true, maxAgents: true, maxTasks: true, maxTasksPerAgent: true } as const),
  ...({ maxWaiting: true, maxKinds: true, waitMs: true, reassignWithinMs: true, history: true, explore: true, seed: true } as const),
});

const strategies: readonly BalanceStrategy[] = ['roundRobin', 'leastLoaded', 'capability', 'weighted'];

/** @throws EspalierError `balancer/invalid-options` */
export function requireStrategy(strategy: unknown): asserts strategy is BalanceStrategy {
  if (!strategies.includes(strategy as BalanceStrategy))
    throw invalid('strategy', strategies.join(', '), typeof strategy === 'string' ? shownName(strategy) : sortOf(strategy));
}

/** A time that may be none at all. */
export function pause(name: string, value: number | undefined, byDefault: number): number {
  return value === 0 ? 0 : duration(name, value, byDefault);
}

/** A whole number, whatever its sign. */
function whole(name: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value)) throw invalid(name, 'a whole number', shown(value));
  return value;
}

function requireNumbers(name: string, numbers: unknown): asserts numbers is Readonly<Record<string, number>> {
  if (!isPlainObject(numbers)) throw invalid(name, 'an object', sortOf(numbers));
  for (const number of Object.values(numbers))
    if (typeof number !== 'number' || Number.isNaN(number)) throw invalid(name, 'numbers by name', shown(number));
}

/** @throws EspalierError `balancer/invalid-options` */
export function planBalancer(options: LoadBalancerOptions): BalancerPlan {
  requireOptions('the options of a balancer', options, keys);
  const { strategy = 'leastLoaded', thresholds = {}, onDeath = 'reassign', explore = 0.1 } = options;
  requireStrategy(strategy);
  requireNumbers('thresholds', thresholds);
  if (onDeath !== 'reassign' && onDeath !== 'fail') throw invalid('onDeath', 'reassign or fail', sortOf(onDeath));
  if (typeof explore !== 'number' || !(explore > 0 && explore < 1)) throw invalid('explore', 'a number above 0 and below 1', shown(explore));
  return {
    ...{ strategy, thresholds: { ...thresholds }, onDeath, explore },
    maxAttempts: count('maxAttempts', options.maxAttempts, 3, 1_000),
    maxAgents: count('maxAgents', options.maxAgents, 10_000, 1_000_000),
    maxTasks: count('maxTasks', options.maxTasks, 100_000, 1_000_000),
    maxTasksPerAgent: count('maxTasksPerAgent', options.maxTasksPerAgent, 10, 100_000),
    maxWaiting: count('maxWaiting', options.maxWaiting, 1_000, 1_000_000),
    maxKinds: count('maxKinds', options.maxKinds, 64, 1_000),
    waitMs: pause('waitMs', options.waitMs, 0),
    reassignWithinMs: duration('reassignWithinMs', options.reassignWithinMs, 30_000),
    history: count('history', options.history, 1_000, 1_000_000),
    seed: whole('seed', options.seed),
  };
}

/** Capabilities, each once, in one order. */
function capabilitiesOf(value: readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > 100) throw invalid('capabilities', 'a list of texts, at most 100', sortOf(value));
  for (const each of value) requireText('capabilities', each);
  return [...new Set(value)].sort((a, b) => (a < b ? -1 : 1));
}

/** An agent as the desk has it. */
export type PlannedAgent = Required<Omit<BalancedAgent, 'ref'>> & { readonly ref: AnyActorRef | null };

/** @throws EspalierError `balancer/invalid-options` */
export function planAgent(agent: BalancedAgent, byDefault: number): PlannedAgent {
  requireOptions('an agent', agent, ['name', 'capabilities', 'ref', 'maxTasks']);
  const { name, ref } = agent;
  requireText('name', name);
  if (ref !== undefined && !isActor(ref)) throw invalid('ref', 'an actor', sortOf(ref));
  return {
    ...{ name, ref: ref ?? null, capabilities: capabilitiesOf(agent.capabilities) },
    maxTasks: count('maxTasks', agent.maxTasks, byDefault, 100_000),
  };
}

/** A task as the desk has it; `deadlineMs` null: it has none. */
export type PlannedTask = Required<Omit<BalancedTask, 'deadlineMs'>> & { readonly deadlineMs: number | null };

/** @throws EspalierError `balancer/invalid-options` */
export function planTask(task: BalancedTask): PlannedTask {
  requireOptions('a task', task, ['id', 'capabilities', 'cost', 'priority', 'deadlineMs', 'body']);
  const { id, body, deadlineMs } = task;
  requireText('id', id);
  return {
    ...{ id, body, capabilities: capabilitiesOf(task.capabilities) },
    cost: count('cost', task.cost, 1, 1_000_000),
    priority: whole('priority', task.priority),
    deadlineMs: deadlineMs === undefined ? null : duration('deadlineMs', deadlineMs, 1),
  };
}

/** @throws EspalierError `balancer/invalid-options` */
export function requireMeasures(
  measures: unknown,
  thresholds: Readonly<Record<string, number>>,
): asserts measures is Readonly<Record<string, number>> {
  requireOptions('measures', measures, Object.keys(thresholds));
  requireNumbers('measures', measures);
}
