/**
 * Who gets how much: whole units, never more than there is, nobody more than it asked for, and each its least or nothing. The order in which demands came decides
 * nothing; where units cannot be divided, the seed draws who has one more.
 */
import type { RequestOutcome } from '../comms/request.js';
import { isRecord } from '../supervision/option-keys.js';
import type {
  AllocationContext,
  AllocationEnd,
  AllocationInput,
  AllocationQuestion,
  Amounts,
  ClaimantRow,
  ClaimantStatus,
  Demand,
  Heard,
} from './allocation-events.js';
import type { Question } from './protocol-events.js';
import { drawnOrder } from './tie.js';

/** What all are asked. */
export function questionsOf({ agents, about, resources }: AllocationInput): readonly Question[] {
  const body: AllocationQuestion = { ask: 'demand', about, resources };
  return agents.map((agent) => ({ id: 'demand', agent, body }));
}

/** What an agent has said, in the terms of the rules; a demand counts at most as all that there is. */
export function heardOf({ resources }: Pick<AllocationInput, 'resources'>, agent: string, outcome: RequestOutcome): Heard {
  if (!outcome.ok) return { agent, status: outcome.reason };
  try {
    return demandOf(Object.keys(resources), agent, outcome.value);
  } catch {
    // An agent of this process may answer with an object whose reading throws: that is nonsense of one agent, and no crash of all the others' allocation.
    return { agent, status: 'invalid' };
  }
}

function demandOf(names: readonly string[], agent: string, value: unknown): Heard {
  const { demand, least = {} } = (value ?? {}) as { readonly demand?: unknown; readonly least?: unknown };
  const [wanted, needed] = [amountsOf(demand, names), amountsOf(least, names)];
  if (wanted === null || needed === null || names.some((name) => of(needed, name) > of(wanted, name))) return { agent, status: 'invalid' };
  if (names.every((name) => wanted[name] === 0)) return { agent, status: 'passed' };
  return { agent, status: 'heard', demand: wanted, least: needed };
}

/** Whole numbers of 0 and more by the names of resources, filled up; null for what is something else. */
function amountsOf(value: unknown, names: readonly string[]): Amounts | null {
  // A Map has no entries that are read here: it would be heard to want nothing.
  if (!isRecord(value) || value instanceof Map) return null;
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const known = new Set(names);
  const isWrong = entries.some(([name, amount]) => !known.has(name) || !Number.isSafeInteger(amount) || (amount as number) < 0);
  return isWrong ? null : Object.fromEntries([...names.map((name) => [name, 0] as const), ...(entries as [string, number][])]);
}

const of = (amounts: Amounts, name: string): number => (Object.hasOwn(amounts, name) ? (amounts[name] as number) : 0);

/** What one agent wants of one resource: at most all there is. */
interface Claim {
  readonly agent: string;
  readonly least: number;
  readonly most: number;
}

type Shares = ReadonlyMap<string, number>;

/** Which place each has. */
function turns(drawn: readonly string[]): (one: { readonly agent: string }) => number {
  const places = new Map(drawn.map((agent, nth) => [agent, nth]));
  return ({ agent }) => places.get(agent) ?? 0;
}

/** As the next unit goes to whoever has least: the highest level up to which all are filled, and one more for as many as are drawn. */
function maxMin(amount: number, claims: readonly Claim[], drawn: readonly string[]): Shares {
  const at = (level: number, { least, most }: Claim): number => Math.min(most, Math.max(least, level));
  const total = (level: number): number => claims.reduce((sum, claim) => sum + at(level, claim), 0);
  let [level, above] = [0, amount + 1];
  while (above - level > 1) {
    const middle = Math.floor((level + above) / 2);
    if (total(middle) <= amount) level = middle;
    else above = middle;
  }
  const more = new Set(claims.filter((claim) => at(level + 1, claim) > at(level, claim)).map(({ agent }) => agent));
  const lucky = new Set(drawn.filter((agent) => more.has(agent)).slice(0, amount - total(level)));
  return new Map(claims.map((claim) => [claim.agent, at(level, claim) + (lucky.has(claim.agent) ? 1 : 0)]));
}

/** The leasts, and what is left in proportion to what is wanted beyond them: rounded down, and one more for those who lost most by that. */
function proportional(amount: number, claims: readonly Claim[], drawn: readonly string[]): Shares {
  const turn = turns(drawn);
  const rest = amount - claims.reduce((sum, { least }) => sum + least, 0);
  const wanted = claims.reduce((sum, { least, most }) => sum + most - least, 0);
  if (wanted <= rest) return new Map(claims.map(({ agent, most }) => [agent, most]));
  // The products are beyond what a number holds exactly.
  const parts = claims.map(({ agent, least, most }) => {
    const product = BigInt(rest) * BigInt(most - least);
    return { agent, whole: least + Number(product / BigInt(wanted)), lost: product % BigInt(wanted) };
  });
  const over = amount - parts.reduce((sum, { whole }) => sum + whole, 0);
  const byLoss = [...parts].sort((a, b) => (a.lost === b.lost ? turn(a) - turn(b) : a.lost > b.lost ? -1 : 1));
  const lucky = new Set(byLoss.slice(0, over).map(({ agent }) => agent));
  return new Map(parts.map(({ agent, whole }) => [agent, whole + (lucky.has(agent) ? 1 : 0)]));
}

/** Those whose least can be had together: of those who need any, whoever needs the smallest part of what is there first; equal ones as the seed draws. */
function admitted({ resources, seed }: AllocationInput, demands: readonly Demand[]): readonly Demand[] {
  const names = Object.keys(resources);
  // A resource of which there is nothing is not needed by whoever needs 0 of it.
  const need = ({ least }: Demand): number => Math.max(...names.map((name) => (of(least, name) === 0 ? 0 : of(least, name) / of(resources, name))));
  const agents = demands.map(({ agent }) => agent);
  const turn = turns(drawnOrder(seed, 'admitted', agents));
  const needs = new Map(demands.map((one) => [one, need(one)]));
  const needed = (one: Demand): number => needs.get(one) ?? 0;
  const inTurn = [...demands].sort((a, b) => needed(a) - needed(b) || turn(a) - turn(b));
  const left = new Map(Object.entries(resources));
  return inTurn.filter(({ least }) => {
    if (names.some((name) => of(least, name) > (left.get(name) ?? 0))) return false;
    for (const name of names) left.set(name, (left.get(name) ?? 0) - of(least, name));
    return true;
  });
}

/** Shares by agent, then by resource; who is not in it could not have its least. */
function shared(input: AllocationInput, demands: readonly Demand[]): ReadonlyMap<string, Amounts> {
  const { resources, rule, priorities, seed } = input;
  const names = Object.keys(resources);
  const agents = demands.map(({ agent }) => agent);
  if (rule === 'priority') {
    const turn = turns(drawnOrder(seed, 'priority', agents));
    const inTurn = [...demands].sort((a, b) => of(priorities, b.agent) - of(priorities, a.agent) || turn(a) - turn(b));
    const left = new Map(Object.entries(resources));
    const shares = new Map<string, Amounts>();
    for (const { agent, demand, least } of inTurn) {
      const share = Object.fromEntries(names.map((name) => [name, Math.min(of(demand, name), left.get(name) ?? 0)]));
      if (names.some((name) => of(share, name) < of(least, name))) continue;
      for (const name of names) left.set(name, (left.get(name) ?? 0) - of(share, name));
      shares.set(agent, share);
    }
    return shares;
  }
  const those = admitted(input, demands);
  const divide = rule === 'maxMin' ? maxMin : proportional;
  const byResource = names.map((name) => {
    const amount = of(resources, name);
    const claims = those.map(({ agent, demand, least }) => ({ agent, least: of(least, name), most: Math.min(of(demand, name), amount) }));
    // Drawn anew for each resource: nobody is before another in all of them.
    return [name, divide(amount, claims, drawnOrder(seed, `of ${name}`, agents))] as const;
  });
  return new Map(those.map(({ agent }) => [agent, Object.fromEntries(byResource.map(([name, shares]) => [name, shares.get(agent) ?? 0]))]));
}

/** How it ends with what was heard; who has not been is late. */
export function endOf(context: AllocationContext): AllocationEnd {
  const { resources, rule, agents, heard } = context;
  const demands = agents.flatMap((agent) =>
    heard.filter((one): one is Extract<Heard, { status: 'heard' }> => one.agent === agent && one.status === 'heard'),
  );
  const shares = shared(context, demands);
  const none = Object.fromEntries(Object.keys(resources).map((name) => [name, 0]));
  const claimants = agents.map((agent): ClaimantRow => {
    const said = heard.find((one) => one.agent === agent) ?? { agent, status: 'late' as const };
    if (said.status !== 'heard') return { agent, status: said.status, demand: null, least: null, granted: none };
    const granted = shares.get(agent);
    const hasAny = granted !== undefined && Object.values(granted).some((amount) => amount > 0);
    const status: ClaimantStatus = granted === undefined ? 'leastNotMet' : hasAny ? 'granted' : 'unserved';
    return { agent, status, demand: said.demand, least: said.least, granted: granted ?? none };
  });
  if (!claimants.some(({ status }) => status === 'granted'))
    return { outcome: 'failed', why: demands.length === 0 ? 'noDemands' : 'nothingGranted', details: { claimants } };
  const left = Object.fromEntries(
    Object.entries(resources).map(([name, amount]) => [name, claimants.reduce((rest, { granted }) => rest - of(granted, name), amount)]),
  );
  return { outcome: 'decided', value: { rule, claimants, left } };
}
