/** A room of agents and balancers over so many of them, used as an app uses them. */
import { fromCallback } from 'xstate';
import type { BalanceStrategy } from '../../machines/agents/balancer-events.js';
import { type Agents, createAgents } from '../../src/agents/agents-handle.js';
import { createLoadBalancer, type LoadBalancer } from '../../src/agents/balancer-handle.js';
import { Stopwatch } from '../stopwatch.js';

export const strategies: readonly BalanceStrategy[] = ['roundRobin', 'leastLoaded', 'capability', 'weighted'];

/** What every agent can do, and is asked for; beside it, each can do one of ten other things. */
const common = 'any';
const capabilitiesOf = (agent: number): string[] => [common, `of ten, ${agent % 10}`];

/** So many tasks are in hand at a time: a load, and less than the agents may have. */
const inHand = 50;

export interface Room {
  readonly agents: Agents;
  /** µs for each of so many more agents, one after the other, who are gone at the end. */
  visit(count: number): Promise<Readonly<Record<'register' | 'start' | 'stop' | 'unregister', number>>>;
  close(): Promise<void>;
}

/** A room in which so many agents run. */
export async function openRoom(live: number, maxPassing: number): Promise<Room> {
  const agents = createAgents({ logics: { worker: fromCallback(() => {}) }, maxAgents: live + maxPassing });
  const each = async (count: number, prefix: string, act: (id: string) => Promise<{ readonly ok: boolean }>): Promise<number> => {
    const watch = new Stopwatch();
    for (let index = 0; index < count; index++) {
      const { ok } = await act(`${prefix} ${index}`);
      if (!ok) throw new Error(`expected that it is done with ${prefix} ${index}, got: a refusal`);
    }
    return (watch.read() * 1_000) / count;
  };
  const register = (id: string) => agents.register({ id, src: 'worker', capabilities: [common] });
  await each(live, 'agent', register);
  await each(live, 'agent', (id) => agents.start(id));
  return {
    agents,
    visit: async (count) => ({
      register: await each(count, 'visitor', register),
      start: await each(count, 'visitor', (id) => agents.start(id)),
      stop: await each(count, 'visitor', (id) => agents.stop(id)),
      unregister: await each(count, 'visitor', (id) => agents.unregister(id)),
    }),
    close: () => agents.close(),
  };
}

export interface Balance {
  readonly balancer: LoadBalancer;
  /** So many tasks, one after the other. @returns µs to assign one and to complete another, of fifty that are in hand */
  run(tasks: number): Promise<number>;
}

export function openBalance(strategy: BalanceStrategy, live: number): Balance {
  const balancer = createLoadBalancer({ strategy, maxAgents: live });
  for (let agent = 0; agent < live; agent++) balancer.add({ name: `agent ${agent}`, capabilities: capabilitiesOf(agent) });
  let next = 0;
  const assign = async (): Promise<() => void> => {
    const outcome = await balancer.assign({ id: `task ${next++}`, capabilities: [common] });
    if (!outcome.ok) throw new Error(`expected an agent, got: ${outcome.reason}`);
    return () => void balancer.complete(outcome.assignment, { ok: true, durationMs: 1 });
  };
  return {
    balancer,
    run: async (tasks) => {
      const begun: (() => void)[] = [];
      for (let task = 0; task < inHand; task++) begun.push(await assign());
      const watch = new Stopwatch();
      for (let task = 0; task < tasks; task++) {
        begun[task % inHand]?.();
        begun[task % inHand] = await assign();
      }
      const us = (watch.read() * 1_000) / tasks;
      for (const complete of begun) complete();
      return us;
    },
  };
}
