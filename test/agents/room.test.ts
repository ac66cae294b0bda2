/** A room of agents in a tree, saved with it and ended with it; and what is refused. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback } from 'xstate';
import { agents as agentsLogic } from '../../src/agents/agents.js';
import { agentsHandle, createAgents } from '../../src/agents/agents-handle.js';
import { onExit, orchestrator } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { agentsWorld, Held, logicsOf, untruth } from './agents-world.js';

const refused = (reason: string): object => ({ ok: false, reason });

describe('a room in a tree', () => {
  const describeTree = (held: Held) =>
    orchestrator({
      actors: { agents: agentsLogic({ logics: logicsOf(held) }) },
      children: [{ id: 'agents', src: 'agents', type: 'supervisor' }],
    });

  it('stops its agents with it, all at once, and answers afterwards', async () => {
    const [clock, held] = [new VirtualClock(), new Held()];
    const app = describeTree(held).start({ clock });
    const agents = agentsHandle(() => app.child('agents'));
    for (const id of ['ann', 'bob']) {
      await agents.register({ id, src: 'worker', shutdownMs: 1_000 });
      await agents.start(id);
      held.mood(id).lingering = true;
    }
    const stopped = app.stop();
    expect(agents.counts().stopping).toBe(2);
    clock.advanceBy(1_000);
    await stopped;
    expect([held.alive.size, agents.list(), agents.isHealthy(), agents.whereis('ann')]).toEqual([0, [], false, undefined]);
    expect(await agents.register({ id: 'ann', src: 'worker' })).toEqual(refused('closed'));
    expect(await agents.start('ann')).toEqual(refused('closed'));
    expect(await agents.unregister('ann')).toEqual(refused('closed'));
    await agents.close();
  });

  it('is saved and restored with its agents: who ran runs, under its name, with its budget, and can be stopped', async () => {
    const [clock, held] = [new VirtualClock(), new Held()];
    const tree = describeTree(held);
    const app = tree.start({ clock });
    const before = agentsHandle(() => app.child('agents'));
    for (const id of ['ann', 'bob']) await before.register({ id, src: 'worker', capabilities: ['work'], budget: { intensity: 1, periodMs: 60_000 } });
    await before.start('ann');
    before.whereis('ann')?.send({ type: 'crash' });
    const snapshot: unknown = JSON.parse(JSON.stringify(app.getPersistedSnapshot()));
    await app.stop();
    expect(held.alive.size).toBe(0);

    await using again = tree.start({ clock, snapshot });
    const agents = agentsHandle(() => again.child('agents'));
    expect([agents.status('ann'), agents.status('bob')]).toMatchObject([{ state: 'running', restarts: 1 }, { state: 'registered' }]);
    expect([held.alive.get('ann'), untruth({ agents, held })]).toEqual([1, undefined]);
    agents.whereis('ann')?.send({ type: 'crash' });
    expect([agents.status('ann')?.state, untruth({ agents, held })]).toEqual(['failed', undefined]);
    expect([await agents.start('ann'), await agents.start('bob')]).toMatchObject([{ ok: true }, { ok: true }]);
    expect([await agents.stop('bob'), untruth({ agents, held })]).toEqual([{ ok: true }, undefined]);
  });
});

describe('misuse', () => {
  it('is refused before anything starts', () => {
    expect(() => createAgents({ logics: {}, maxAgents: 0 })).toThrow(expect.objectContaining({ code: 'agents/invalid-options' }));
    expect(() => createAgents({ logics: { ann: 1 as never } })).toThrow(expect.objectContaining({ code: 'supervision/invalid-actor' }));
    expect(() => agentsLogic(undefined as never)).toThrow(expect.objectContaining({ code: 'agents/invalid-options' }));
    const { agents } = agentsWorld();
    expect(() => agentsHandle(agents.names.ref as AnyActorRef)).toThrow(expect.objectContaining({ code: 'agents/invalid-options' }));
    expect(() => agents.on('agent.answered' as never, () => {})).toThrow(expect.objectContaining({ code: 'agents/invalid-options' }));
    expect(() => agents.status('')).toThrow(expect.objectContaining({ code: 'agents/invalid-options' }));
  });

  it('by a listener that throws, or an app that acts in the midst of a fact, harms nobody', async () => {
    const world = agentsWorld({ logics: { worker: fromCallback(() => {}) } });
    const { agents } = world;
    const asked: Promise<unknown>[] = [];
    agents.on('agent.started', ({ id }) => {
      if (id === 'ann') asked.push(agents.register({ id: 'bob', src: 'worker' }), agents.register({ id: 'bob', src: 'worker' }), agents.stop('ann'));
    });
    await agents.register({ id: 'ann', src: 'worker' });
    await agents.start('ann');
    expect(await Promise.all(asked)).toEqual([{ ok: true }, refused('alreadyRegistered'), { ok: true }]);
    expect(agents.counts()).toMatchObject({ registered: 1, stopped: 1 });
    let ends = 0;
    onExit(agents.ref as AnyActorRef, () => ends++);
    await Promise.all([agents.close(), agents.close()]);
    expect(ends).toBe(1);
  });
});
