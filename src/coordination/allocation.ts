/**
 * An allocation as a protocol: its rules, checked, and its chart with somebody who asks.
 *
 *   allocation({ resources: { gpu: 8 }, rule: 'maxMin' })
 *
 * A session runs it; by hand it is `createActor(allocation(…).logic(requests), { input: { session, agents, seed } })`.
 */
import type { ActorLogic, AnyActorRef, SnapshotFrom } from 'xstate';
import { allocationMachine } from '../../machines/coordination/allocation.js';
import type {
  AllocationEmitted,
  AllocationEvent,
  AllocationResult,
  AllocationRule,
  AllocationRules,
  Amounts,
} from '../../machines/coordination/allocation-events.js';
import type { ProtocolInput } from '../../machines/coordination/protocol-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Requests } from '../comms/port.js';
import { EspalierError } from '../errors.js';
import { isPlainObject, jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';
import { withInput } from '../supervision/supervisors.js';
import { type Protocol, questions } from './protocol.js';

/** By what is shared. */
export interface AllocationOptions {
  /** How much there is of each, by name: whole numbers, 0 to 1 000 000 000 000. 1 to 100 of them. */
  readonly resources: Amounts;
  /** Default `maxMin`. */
  readonly rule?: AllocationRule;
  /** Of agents by name, whole numbers, the higher the sooner; who has none has 0. For the rule `priority`, and for no other. Equal ones are drawn by the seed. */
  readonly priorities?: Amounts;
  /** What it is about, for the agents: JSON. Default null. */
  readonly about?: unknown;
  /** How long the agents have, ms. Default 5 000. */
  readonly withinMs?: number;
}

/** The logic of one allocation. */
export type AllocationLogic = ActorLogic<
  SnapshotFrom<typeof allocationMachine>,
  AllocationEvent,
  ProtocolInput,
  AnyActorRef['system'],
  AllocationEmitted
>;

/** An allocation with its rules. */
export interface AllocationProtocol extends Protocol<AllocationResult> {
  readonly name: 'allocation';
  logic(requests: Requests): AllocationLogic;
}

function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('allocation/invalid-options', { expected: `\`${name}\`: ${expected}`, got });
}

const { requireOptions, requireText, duration } = optionChecks(invalid);
const keys = keysOf<AllocationOptions>({ resources: true, rule: true, priorities: true, about: true, withinMs: true });
const rules: readonly AllocationRule[] = ['maxMin', 'proportional', 'priority'];
const mostResources = 100;
/** So that what a thousand agents want is counted exactly. */
const mostAmount = 1_000_000_000_000;
const mostAgents = 1_000;

/**
 * An allocation: decided with an `AllocationResult`, or failed with a `NoAllocation`. Each agent is asked `{ ask: 'demand', about, resources }` and answers
 * `{ demand: { gpu: 4 }, least: { gpu: 2 } }`. Who is late, ends, or answers what is no demand gets nothing and is named with why. The same answers and the same
 * seed are the same shares, in whatever order they come. Restored from a snapshot it asks again under the same keys.
 * @throws EspalierError `allocation/invalid-options`; from `requireAgents` for more than 1 000 agents, or one twice
 */
export function allocation(options: AllocationOptions): AllocationProtocol {
  const plan = planAllocation(options);
  return {
    name: 'allocation',
    requireAgents,
    logic: (requests) => withInput(allocationMachine.provide({ actors: { questions: questions(requests) } }), plan) as unknown as AllocationLogic,
  };
}

/** @throws EspalierError `allocation/invalid-options` */
function planAllocation(options: AllocationOptions): AllocationRules {
  requireOptions('the options of an allocation', options, keys);
  const { rule = 'maxMin', about = null, priorities } = options;
  if (!rules.includes(rule)) throw invalid('rule', rules.join(', '), sortOf(rule));
  if (rule !== 'priority' && priorities !== undefined) throw invalid('priorities', 'nothing but with the rule priority', sortOf(priorities));
  const told = jsonOf(about);
  if (told === null) throw invalid('about', 'JSON', sortOf(about));
  const resources = wholes('resources', options.resources, 0, mostAmount);
  const count = Object.keys(resources).length;
  if (count === 0 || count > mostResources) throw invalid('resources', `1 to ${mostResources} of them`, count);
  return {
    ...{ resources, rule, about: JSON.parse(told) as unknown },
    priorities: priorities === undefined ? {} : wholes('priorities', priorities, -mostAmount, mostAmount),
    withinMs: duration('withinMs', options.withinMs, 5_000),
  };
}

/** A copy of whole numbers by name. */
function wholes(name: string, value: unknown, least: number, most: number): Amounts {
  if (!isPlainObject(value)) throw invalid(name, 'an object of whole numbers by name', sortOf(value));
  for (const [key, amount] of Object.entries(value)) {
    requireText(`a name in ${name}`, key);
    const isWhole = Number.isSafeInteger(amount) && (amount as number) >= least && (amount as number) <= most;
    if (!isWhole) throw invalid(name, `whole numbers, ${least} to ${most}`, shown(amount));
  }
  return Object.fromEntries(Object.entries(value as Amounts));
}

function requireAgents(agents: readonly string[]): void {
  const list: unknown = agents;
  if (!Array.isArray(list) || list.length > mostAgents) throw invalid('agents', `a list of at most ${mostAgents} names`, sortOf(list));
  for (const agent of agents) requireText('agents', agent);
  if (new Set(agents).size < agents.length) throw invalid('agents', 'each once', 'a name twice');
}
