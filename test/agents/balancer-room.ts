/** A balancer on virtual time, and agents that note what they are told; all ends with the test. */
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { AgentNews } from '../../src/agents/desk-world.js';
import { type AssignOptions, createLoadBalancer, type LoadBalancer } from '../../src/agents/balancer-handle.js';
import type { BalancedTask, LoadBalancerOptions } from '../../src/agents/balancer-options.js';
import type { AssignOutcome } from '../../src/agents/task.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

export interface Worker {
  readonly ref: AnyActorRef;
  readonly told: AgentNews[];
}

/** An agent's actor. @param hear  what it does when it is told something */
export function worker(hear: (news: AgentNews) => void = () => {}): Worker {
  const told: AgentNews[] = [];
  const logic = fromCallback<AgentNews>(({ receive }) => {
    receive((news) => {
      told.push(news);
      hear(news);
    });
  });
  const ref = createActor(logic).start();
  ends.push(() => ref.stop());
  return { ref, told };
}

export function room(options: LoadBalancerOptions = {}): {
  readonly clock: VirtualClock;
  readonly balancer: LoadBalancer;
  pass(ms: number): Promise<void>;
} {
  const clock = new VirtualClock();
  const balancer = createLoadBalancer(options, { clock });
  ends.push(() => balancer.close());
  return { clock, balancer, pass: (ms) => clock.advanceByAsync(ms) };
}

type Given = Extract<AssignOutcome, { readonly ok: true }>;

/** Assigns, and must be given an agent. */
export async function given(balancer: LoadBalancer, task: BalancedTask, options?: AssignOptions): Promise<Given> {
  const outcome = await balancer.assign(task, options);
  if (!outcome.ok) throw new Error(`${task.id} was refused: ${outcome.reason}`);
  return outcome;
}

/** Who was given so many tasks, one after the other. */
export async function turns(balancer: LoadBalancer, howMany: number, task: Omit<BalancedTask, 'id'> = {}, name = 't'): Promise<string[]> {
  const agents: string[] = [];
  for (let index = 0; index < howMany; index++) agents.push((await given(balancer, { id: `${name}${index}`, ...task })).agent);
  return agents;
}

export const told = ({ told: all }: Worker): string[] =>
  all.map((news) => `${news.type} ${news.assignment.task}${news.type === 'task.withdrawn' ? `: ${news.because}` : ''}`);
