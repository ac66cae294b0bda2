/** Whoever is told of an agent kills somebody above it, who is in the midst of telling it. */
import { expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { AgentFact, Agents } from '../../src/agents/agents-handle.js';
import { exit, supervisorHandle } from '../../src/index.js';
import { agentsWorld, untruth } from './agents-world.js';

const above = ({ ref }: Agents): AnyActorRef => supervisorHandle(ref as AnyActorRef).child('agents') as AnyActorRef;
const chartOf = (agents: Agents, id: string): AnyActorRef => supervisorHandle(above(agents)).child(id) as AnyActorRef;
const keeperOf = (agents: Agents): AnyActorRef =>
  (chartOf(agents, 'ann').getSnapshot() as { children: Record<string, AnyActorRef> }).children['keeper'] as AnyActorRef;

function once<Type extends AgentFact['type']>(agents: Agents, type: Type): Promise<Extract<AgentFact, { type: Type }>> {
  return new Promise((resolve) => {
    const heard = agents.on(type, (fact) => {
      heard.unsubscribe();
      resolve(fact);
    });
  });
}

/** Does it when this is told for the first time. */
function inFact(agents: Agents, type: AgentFact['type'], act: () => void): void {
  const heard = agents.on(type, () => {
    heard.unsubscribe();
    act();
  });
}

it.each([
  ['its chart', (agents: Agents) => chartOf(agents, 'ann')],
  ['the supervisor of all charts', above],
])('runs nobody twice where %s is killed as an agent is restarted: the former has ended before another comes', async (_who, of) => {
  const world = agentsWorld();
  const { agents, held, run, tell } = world;
  const counts: number[] = [];
  const set = held.alive.set.bind(held.alive);
  held.alive.set = (id, count) => {
    counts.push(count);
    return set(id, count);
  };
  await run('ann', { capabilities: ['work'] });
  inFact(agents, 'agent.restarted', () => exit(of(agents), 'kill'));
  const started = once(agents, 'agent.started');
  tell('ann', 'crash');
  expect(await started).toMatchObject({ id: 'ann' });
  expect([counts, untruth(world)]).toEqual([[1, 1, 1], undefined]);
  expect(agents.status('ann')).toMatchObject({ state: 'running' });
});

it('answers an update whose keeper is killed before it is started, and starts the agent again', async () => {
  const { agents, run } = agentsWorld();
  await run('ann');
  inFact(agents, 'agent.startFailed', () => exit(keeperOf(agents), 'kill'));
  expect(await agents.update('ann', { src: 'never' })).toMatchObject({ ok: false, reason: 'failed' });
  expect(agents.status('ann')).toMatchObject({ state: 'failed', src: 'worker' });
  expect(await agents.start('ann')).toEqual({ ok: true, ref: agents.whereis('ann') });
});
