/** Whoever is killed above an agent: nobody who was registered is lost, those that ran run again, and it is told. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { agents as agentsLogic } from '../../src/agents/agents.js';
import { type Agents, agentsHandle } from '../../src/agents/agents-handle.js';
import { exit, orchestrator, supervisorHandle } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { agentsWorld, Held, listen, logicsOf, untruth } from './agents-world.js';

const refused = (reason: string): object => ({ ok: false, reason });
const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };

const above = ({ ref }: Agents): AnyActorRef => supervisorHandle(ref as AnyActorRef).child('agents') as AnyActorRef;
const chartOf = (agents: Agents, id: string): AnyActorRef => supervisorHandle(above(agents)).child(id) as AnyActorRef;

/** Does it, and waits until all are there again. */
async function recovered(agents: Agents, kill: () => void): Promise<object> {
  return await new Promise((resolve) => {
    const heard = agents.on('agents.recovered', (fact) => {
      heard.unsubscribe();
      resolve(fact);
    });
    kill();
  });
}

describe('the chart of an agent, killed', () => {
  it('is there again, and tells it: its agent runs, under its name, as what it was changed into', async () => {
    const world = agentsWorld();
    const { agents, run, told, tell } = world;
    await run('ann', { capabilities: ['rest'] });
    await agents.update('ann', { capabilities: ['work'], src: 'other' });
    tell('ann', 'crash');
    told();
    const [chart, former] = [chartOf(agents, 'ann'), agents.whereis('ann')];
    exit(chart, 'kill');
    expect([chartOf(agents, 'ann') === chart, agents.whereis('ann') === former, untruth(world)]).toEqual([false, false, undefined]);
    expect(agents.status('ann')).toMatchObject({ state: 'running', src: 'other', capabilities: ['work'], restarts: 1 });
    expect(told()).toEqual(['ann recovered', 'ann started']);
    expect([await agents.stop('ann'), untruth(world)]).toEqual([{ ok: true }, undefined]);
  });

  it('stays down when it was, and says why it was', async () => {
    const { agents, run, held, told } = agentsWorld();
    await agents.register({ id: 'new', src: 'worker' });
    await run('ann');
    await agents.stop('ann');
    await agents.register({ id: 'bad', src: 'worker' });
    held.mood('bad').failing = true;
    await agents.start('bad');
    told();
    for (const id of ['new', 'ann', 'bad']) exit(chartOf(agents, id), 'kill');
    expect(['new', 'ann', 'bad'].map((id) => agents.status(id))).toMatchObject([
      { state: 'registered', why: undefined },
      { state: 'stopped' },
      { state: 'failed', why: 'unwilling' },
    ]);
    expect([told(), held.alive.size]).toEqual([['new recovered', 'ann recovered', 'bad recovered'], 0]);
    expect(await agents.unregister('new')).toEqual({ ok: true });
    expect(await agents.register({ id: 'new', src: 'worker' })).toEqual({ ok: true });
    expect(agents.status('new')?.restarts).toBe(0);
  });

  it('keeps what was said yes to: a stop, and an end of its registration; who waits for an answer is told', async () => {
    const world = agentsWorld();
    const { agents, held, run } = world;
    for (const id of ['ann', 'bob', 'cid']) {
      await run(id, { capabilities: ['work'] });
      held.mood(id).lingering = true;
    }
    const asked = [agents.stop('ann'), agents.unregister('bob'), agents.update('cid', { src: 'other' })];
    for (const id of ['ann', 'bob', 'cid']) exit(chartOf(agents, id), 'kill');
    expect(await Promise.all(asked)).toEqual([refused('lost'), { ok: true }, refused('lost')]);
    expect([agents.status('ann')?.state, agents.status('bob'), agents.status('cid')]).toMatchObject([
      'stopped',
      undefined,
      { state: 'running', src: 'worker' },
    ]);
    expect(untruth(world)).toBeUndefined();
  });

  it('starts again what was being started, restarted or waiting for that', async () => {
    const world = agentsWorld();
    const { agents, held, run, tell, clock } = world;
    await agents.register({ id: 'ann', src: 'worker', capabilities: ['work'] });
    held.mood('ann').slow = true;
    const started = agents.start('ann');
    await run('bob', { backoff, capabilities: ['work'] });
    tell('bob', 'crash');
    held.mood('ann').slow = false;
    for (const id of ['ann', 'bob']) exit(chartOf(agents, id), 'kill');
    expect([await started, agents.counts().running, untruth(world)]).toEqual([refused('lost'), 2, undefined]);
    clock.advanceBy(1_000);
    expect([agents.counts().running, untruth(world)]).toEqual([2, undefined]);
  });

  it('tells what cannot be: an agent that does not start any more has failed', async () => {
    const { agents, run, held, told } = agentsWorld();
    await run('ann');
    held.mood('ann').failing = true;
    told();
    exit(chartOf(agents, 'ann'), 'kill');
    expect([told(), agents.status('ann')]).toMatchObject([['ann recovered', 'ann startFailed', 'ann failed'], { state: 'failed', why: 'unwilling' }]);
  });
});

describe('the supervisor of all agents, killed', () => {
  it('comes back with all of them, and counts them', async () => {
    const world = agentsWorld();
    const { agents, run, told } = world;
    await run('ann', { capabilities: ['work'] });
    await run('bob');
    await agents.stop('bob');
    await agents.register({ id: 'cid', src: 'worker' });
    told();
    const before = above(agents);
    const fact = await recovered(agents, () => exit(before, 'kill'));
    expect(fact).toEqual({ type: 'agents.recovered', registered: 3, started: 1, lost: 0 });
    expect(above(agents)).not.toBe(before);
    expect(['ann', 'bob', 'cid'].map((id) => agents.status(id)?.state)).toEqual(['running', 'stopped', 'registered']);
    expect([told(), untruth(world)]).toEqual([
      ['ann stopped', 'ann recovered', 'ann started', 'bob recovered', 'cid recovered', '3+1-0 recovered'],
      undefined,
    ]);
  });

  it('has calls wait for that, and shows those who are not there yet as what they are to be', async () => {
    const world = agentsWorld();
    const { agents, run } = world;
    for (const id of ['ann', 'bob', 'cid']) await run(id, { capabilities: ['work'] });
    const calls = await recovered(agents, () => exit(above(agents), 'kill')).then(() => agents.list().length);
    expect(calls).toBe(3);
    exit(above(agents), 'kill');
    expect(
      agents
        .list()
        .map(({ id }) => id)
        .sort((a, b) => a.localeCompare(b)),
    ).toEqual(['ann', 'bob', 'cid']);
    expect(agents.status('cid')?.state).toBe('starting');
    const again = [
      agents.register({ id: 'cid', src: 'worker' }),
      agents.start('cid'),
      agents.stop('bob'),
      agents.update('ann', {}),
      agents.unregister('cid'),
    ];
    expect(await Promise.all(again)).toEqual([refused('alreadyRegistered'), refused('alreadyRunning'), { ok: true }, { ok: true }, { ok: true }]);
    expect([agents.counts(), untruth(world)]).toMatchObject([{ running: 1, stopped: 1 }, undefined]);
  });

  it('is lost for more charts that are killed than its budget has, and loses nobody', async () => {
    const world = agentsWorld();
    const { agents, run } = world;
    for (const id of ['ann', 'bob']) await run(id, { capabilities: ['work'] });
    const before = above(agents);
    await recovered(agents, () => {
      for (let count = 0; count < 11; count++) exit(chartOf(agents, 'ann'), 'kill');
    });
    expect([above(agents) === before, agents.counts().running, untruth(world)]).toEqual([false, 2, undefined]);
  });

  it('is killed again before all are back, and it is the next that brings them', async () => {
    const world = agentsWorld();
    const { agents, run, told } = world;
    for (const id of ['ann', 'bob', 'cid']) await run(id, { capabilities: ['work'] });
    told();
    await recovered(agents, () => {
      exit(above(agents), 'kill');
      exit(above(agents), 'kill');
    });
    expect([agents.counts().running, told().filter((fact) => fact.startsWith('3+')), untruth(world)]).toEqual([3, ['3+3-0 recovered'], undefined]);
  });
});

describe('the room, killed below a supervisor', () => {
  const start = () => {
    const [clock, held] = [new VirtualClock(), new Held()];
    const logic = agentsLogic({ logics: logicsOf(held) });
    const app = orchestrator({ actors: { agents: logic }, children: [{ id: 'agents', src: 'agents', type: 'supervisor' }] }).start({ clock });
    return { app, held, clock, agents: agentsHandle(() => app.child('agents')) };
  };

  it('comes back with its agents', async () => {
    const { app, held, agents } = start();
    for (const id of ['ann', 'bob']) {
      await agents.register({ id, src: 'worker', capabilities: ['work'] });
      await agents.start(id);
    }
    await agents.stop('bob');
    const facts = listen(agents);
    const room = agents.ref;
    expect(await recovered(agents, () => exit(room as AnyActorRef, 'kill'))).toMatchObject({ registered: 2, started: 1, lost: 0 });
    expect([agents.ref === room, facts.at(-1), untruth({ agents, held })]).toEqual([false, '2+1-0 recovered', undefined]);
    expect([agents.status('ann')?.state, agents.status('bob')?.state]).toEqual(['running', 'stopped']);
    await app.stop();
  });

  it('is empty after it was closed by the app', async () => {
    const { app, agents } = start();
    await agents.register({ id: 'ann', src: 'worker' });
    await agents.close();
    expect([agents.ref !== undefined, agents.list()]).toEqual([true, []]);
    await app.stop();
  });
});
