/** A variable whose value comes from agents: each is asked, and what they say is made into one. */
import type { CoordinationRefusal, FailedAgent } from '../../machines/agents/variables-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Requests } from '../comms/port.js';
import { isObject } from '../option-checks.js';
import { Coordination } from './coordination.js';
import type { Shelf, VariableOutcome } from './shelf.js';
import { keep } from './variables-options.js';

/** What one agent said. */
export interface AgentAnswer {
  readonly agent: string;
  readonly value: unknown;
}

/** How answers become a value: of numbers, of what more than half say, or by a function, which is given them in the order in which the agents were named. */
export type CombineRule = 'mean' | 'median' | 'min' | 'max' | 'sum' | 'majority' | ((answers: readonly AgentAnswer[], current: unknown) => unknown);

/** How agents are asked for a variable. */
export interface CoordinateOptions {
  /** By name, each once, at most 10 000. */
  readonly agents: readonly string[];
  /** All of them are asked and have answered within so many ms. Default 5 000. */
  readonly withinMs?: number;
  /** Default `majority`. */
  readonly combine?: CombineRule;
  /** How many must have answered; with fewer nothing is set, `tooFew`. Default 1. */
  readonly atLeast?: number;
  /** What they are asked. JSON; default: `{ type: 'variable.value', name, value, version }`. */
  readonly body?: unknown;
  /** Asked at once. Default 16, at most 1 000. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

export type CoordinateOutcome =
  | {
      readonly ok: true;
      readonly value: unknown;
      readonly version: number;
      readonly answered: readonly string[];
      readonly failed: readonly FailedAgent[];
    }
  | {
      readonly ok: false;
      readonly reason: CoordinationRefusal;
      readonly answered: readonly string[];
      readonly failed: readonly FailedAgent[];
      readonly error?: unknown;
    };

/** The same with its defaults filled in. */
export interface CoordinatePlan {
  readonly agents: readonly string[];
  readonly withinMs: number;
  readonly combine: CombineRule;
  readonly atLeast: number;
  readonly body: unknown;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
}

/** Does each in its turn, so many at once. @returns what came of each, in order */
export async function inTurns<Item, Value>(items: readonly Item[], most: number, fn: (item: Item) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      values[index] = await fn(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  return values;
}

/** Asks them, and sets the variable. Never rejects. */
export async function coordinate(shelf: Shelf, requests: Requests, name: string, plan: CoordinatePlan): Promise<CoordinateOutcome> {
  const before = shelf.get(name);
  const nothing = { answered: [], failed: [] };
  if (!before.ok) return { ok: false, reason: before.reason, ...nothing };
  if (shelf.coordinations.size >= shelf.plan.maxCoordinations) return { ok: false, reason: 'full', ...nothing };
  const coordination = new Coordination();
  shelf.coordinations.add(coordination);
  plan.signal?.addEventListener('abort', coordination.stop, { once: true });
  if (plan.signal?.aborted === true) coordination.stop();
  try {
    return await run(shelf, requests, name, plan, before, coordination);
  } finally {
    shelf.coordinations.delete(coordination);
    plan.signal?.removeEventListener('abort', coordination.stop);
  }
}

async function run(
  shelf: Shelf,
  requests: Requests,
  name: string,
  plan: CoordinatePlan,
  before: Extract<VariableOutcome, { ok: true }>,
  coordination: Coordination,
): Promise<CoordinateOutcome> {
  const { agents, combine, withinMs } = plan;
  const body = plan.body ?? { type: 'variable.value', name, value: before.value, version: before.version };
  const until = shelf.clock.now() + withinMs;
  const outcomes = await inTurns(agents, plan.concurrency, (agent) => ask(shelf, requests, agent, body, until, coordination));
  const answers: AgentAnswer[] = [];
  const failed: FailedAgent[] = [];
  for (const [index, agent] of agents.entries()) {
    const outcome = outcomes[index] as RequestOutcome;
    const kept = outcome.ok ? usable(outcome.value, combine) : null;
    if (!outcome.ok) failed.push({ agent, reason: outcome.reason });
    else if (kept === null) failed.push({ agent, reason: 'unusable' });
    else answers.push({ agent, value: kept.value });
  }
  const answered = answers.map(({ agent }) => agent);
  const done = (outcome: 'set' | CoordinationRefusal): void =>
    shelf.note({ type: 'variables.coordinated', name, outcome, answered: answered.length, failed: failed.length });
  const refuse = (reason: CoordinationRefusal, error?: unknown): CoordinateOutcome => {
    done(reason);
    return { ok: false, reason, answered, failed, ...(error === undefined ? {} : { error }) };
  };
  if (shelf.isOver) return refuse('closed');
  if (coordination.isOver) return refuse('cancelled');
  if (answers.length < plan.atLeast) return refuse('tooFew');
  let combined: unknown;
  try {
    combined = typeof combine === 'function' ? combine(answers, before.value) : combineBy(combine, answers);
  } catch (error) {
    return refuse('threw', error);
  }
  if (combined === noMajority) return refuse('noMajority');
  const kept = keep(combined);
  if (kept === null) return refuse('notJson');
  const outcome = shelf.set(name, kept.value, { version: before.version, by: 'coordinate' });
  if (!outcome.ok) return refuse(outcome.reason, outcome.error);
  done('set');
  return { ok: true, value: outcome.value, version: outcome.version, answered, failed };
}

/** One agent's answer, at the deadline at the latest, whatever becomes of whoever asks. */
async function ask(
  { clock }: Shelf,
  requests: Requests,
  agent: string,
  body: unknown,
  until: number,
  coordination: Coordination,
): Promise<RequestOutcome> {
  const withinMs = until - clock.now();
  if (coordination.isOver) return { ok: false, reason: 'cancelled' };
  // Of less than that nobody can be given a deadline.
  if (withinMs < 1) return { ok: false, reason: 'late' };
  const own = new AbortController();
  return new Promise((resolve) => {
    const settle = (outcome: RequestOutcome): void => {
      clock.clearTimeout(timer);
      heed();
      resolve(outcome);
    };
    const stop = (reason: 'late' | 'cancelled'): void => {
      settle({ ok: false, reason });
      own.abort();
    };
    const heed = coordination.onStop(() => stop('cancelled'));
    const timer = clock.setTimeout(() => stop('late'), withinMs);
    const asked = async (): Promise<RequestOutcome> => {
      const outcome: unknown = await requests.request(agent, body, { signal: own.signal, withinMs, from: 'variables' });
      if (!isObject(outcome) || typeof outcome.ok !== 'boolean') throw new TypeError('requests.request() has answered nothing that is an outcome');
      return outcome as unknown as RequestOutcome;
    };
    asked().then(settle, (error: unknown) => settle({ ok: false, reason: 'error', error }));
  });
}

const noMajority = Symbol('no majority');

/** A copy of what an agent said, if the rule can use it: that is the agent's, who may change it. */
function usable(value: unknown, combine: CombineRule): { readonly value: unknown } | null {
  const isAny = typeof combine === 'function' || combine === 'majority';
  return isAny || typeof value === 'number' ? keep(value) : null;
}

/** The same text for the same value, in whatever order its keys are. @param value  JSON */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    isObject(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

/** The order of the answers does not matter. */
function combineBy(rule: Exclude<CombineRule, (...all: never) => unknown>, answers: readonly AgentAnswer[]): unknown {
  if (rule === 'majority') {
    const votes = new Map<string, number>();
    for (const { value } of answers) {
      const text = textOf(value);
      const count = (votes.get(text) ?? 0) + 1;
      if (count * 2 > answers.length) return value;
      votes.set(text, count);
    }
    return noMajority;
  }
  const numbers = answers.map(({ value }) => value as number).sort((a, b) => a - b);
  const sum = numbers.reduce((all, each) => all + each, 0);
  const middle = (numbers.length - 1) / 2;
  const at = (index: number): number => numbers[index] ?? 0;
  const values = {
    ...{ sum, mean: sum / numbers.length, min: at(0), max: at(numbers.length - 1) },
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
  };
  return values[rule];
}
