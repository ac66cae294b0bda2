/** Whoever is killed above an agent: nobody who was registered is lost, those that ran run again, and it is told. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { AgentPast } from '../../machines/agents/agent-events.js';
import { agents as agentsLogic } from '../../src/agents/agents.js';
import { type Agents, agentsHandle } from '../../src/agents/agents-handle.js';
import { placeOf } from '../../src/agents/agents-place.js';
import { exit, orchestrator, supervisorHandle } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { hasStopped, parentOf } from '../../src/supervision/xstate-internals.js';
import { type AgentsWorld, agentsWorld, Held, listen, logicsOf, untruth } from './agents-world.js';

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

describe('an agent that takes its time over its end', () => {
  const run = async (): Promise<AgentsWorld & { end: () => void }> => {
    const world = agentsWorld({ maxAgents: 3 });
    for (const id of ['ann', 'bob']) await world.run(id, { capabilities: ['work'] });
    world.held.mood('ann').lingering = true;
    const ref = world.agents.whereis('ann');
    world.told();
    return { ...world, end: () => ref?.send({ type: 'letGo' }) };
  };

  it('lives once where the supervisor of all is killed: it comes back when it has ended, and nobody else waits for that', async () => {
    const world = await run();
    const { agents, held, told, end } = world;
    exit(above(agents), 'kill');
    expect([(await agents.stop('bob')).ok, (await agents.start('bob')).ok]).toEqual([true, true]);
    expect([agents.status('ann')?.state, agents.whereis('ann'), held.alive.get('ann')]).toEqual(['stopping', undefined, 1]);
    expect(await agents.register({ id: 'ann', src: 'worker' })).toEqual(refused('alreadyRegistered'));
    // It has its place meanwhile.
    expect([await agents.register({ id: 'cid', src: 'worker' }), await agents.register({ id: 'dot', src: 'worker' })]).toEqual([
      { ok: true },
      refused('full'),
    ]);
    told();
    const started = agents.start('ann');
    expect(await recovered(agents, end)).toEqual({ type: 'agents.recovered', registered: 2, started: 2, lost: 0 });
    expect([await started, untruth(world), agents.counts()]).toMatchObject([refused('alreadyRunning'), undefined, { running: 2, registered: 1 }]);
    expect(told()).toEqual(['ann stopped', 'ann recovered', 'ann started', '2+2-0 recovered']);
  });

  it('is on its way down where its keeper is killed, and has failed when it has ended', async () => {
    const world = await run();
    const { agents, held, told, end } = world;
    exit(parentOf(parentOf(agents.whereis('ann') as AnyActorRef) as AnyActorRef) as AnyActorRef, 'kill');
    expect([agents.status('ann')?.state, agents.whereis('ann'), held.alive.get('ann'), told()]).toEqual(['stopping', undefined, 1, []]);
    expect([await agents.start('ann'), await agents.update('ann', {})]).toEqual([refused('stopping'), refused('busy')]);
    end();
    expect([agents.status('ann')?.state, agents.status('ann')?.why, told(), untruth(world)]).toEqual(['failed', 'killed', ['ann failed'], undefined]);
    held.mood('ann').lingering = false;
    expect((await agents.start('ann')).ok).toBe(true);
  });

  it('does not outlive its chart, where that is killed after the keeper', async () => {
    const world = await run();
    const { agents, held } = world;
    exit(parentOf(parentOf(agents.whereis('ann') as AnyActorRef) as AnyActorRef) as AnyActorRef, 'kill');
    exit(chartOf(agents, 'ann'), 'kill');
    expect([agents.status('ann')?.state, held.alive.has('ann'), untruth(world)]).toEqual(['failed', false, undefined]);
  });
});

describe('whoever hears of an agent, and has all killed', () => {
  it('finds again whom it has heard of, and not whom it has heard to be forgotten', async () => {
    const { agents, told } = agentsWorld();
    const heard = agents.on('agent.registered', () => {
      heard.unsubscribe();
      exit(above(agents), 'kill');
    });
    expect(await agents.register({ id: 'ann', src: 'worker' })).toEqual({ ok: true });
    expect([agents.status('ann')?.state, told().slice(0, 2)]).toEqual(['registered', ['ann registered', 'ann recovered']]);
    agents.on('agent.unregistered', () => exit(above(agents), 'kill'));
    expect(await agents.unregister('ann')).toEqual({ ok: true });
    expect([agents.status('ann'), told().filter((fact) => fact !== '1+0-0 recovered')]).toEqual([undefined, ['ann unregistered']]);
  });
});

it('an agent that cannot be registered again ends the supervisor, and no promise is left without an answer', async () => {
  const { agents } = agentsWorld();
  await agents.register({ id: 'ann', src: 'worker' });
  const { ledger } = placeOf(agents.ref as AnyActorRef);
  const past = ledger.get('ann') as AgentPast;
  ledger.set('ann', { ...past, spec: { ...past.spec, id: '' } });
  exit(above(agents), 'kill');
  expect(await agents.start('ann')).toEqual(refused('closed'));
  expect(hasStopped(agents.ref as AnyActorRef)).toBe(true);
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

  it('waits for those who take their time over their ends; the next room says what they do, and who is forgotten', async () => {
    const { app, held, agents } = start();
    for (const id of ['ann', 'bob', 'cid']) {
      await agents.register({ id, src: 'worker', capabilities: ['work'] });
      await agents.start(id);
      held.mood(id).lingering = true;
    }
    const facts = listen(agents);
    const refs = ['ann', 'bob', 'cid'].map((id) => agents.whereis(id));
    const calls = [agents.stop('bob'), agents.unregister('cid')];
    exit(agents.ref as AnyActorRef, 'kill');
    expect([agents.counts().stopping, held.alive.size]).toEqual([3, 3]);
    expect(
      await recovered(agents, () => {
        for (const ref of refs) ref?.send({ type: 'letGo' });
      }),
    ).toMatchObject({ registered: 2, started: 1, lost: 0 });
    expect(await Promise.all(calls)).toEqual([{ ok: true }, { ok: true }]);
    const states = ['ann', 'bob', 'cid'].map((id) => agents.status(id)?.state);
    expect([states, untruth({ agents, held })]).toEqual([['running', 'stopped', undefined], undefined]);
    held.mood('ann').lingering = false;
    expect(facts.filter((fact) => !fact.startsWith('ann'))).toEqual([
      'bob stopped',
      'cid stopped',
      'cid unregistered',
      'bob recovered',
      '2+1-0 recovered',
    ]);
    await app.stop();
  });

  it('says of whom it brings back what they are', async () => {
    const { app, held, agents } = start();
    const states: object[] = [];
    agents.on('agent.recovered', ({ id, state }) => void states.push([id, state]));
    for (const id of ['ann', 'bob', 'cid', 'dot']) await agents.register({ id, src: 'worker' });
    await agents.start('ann');
    await agents.start('bob');
    await agents.stop('bob');
    held.mood('cid').failing = true;
    await agents.start('cid');
    await recovered(agents, () => exit(agents.ref as AnyActorRef, 'kill'));
    expect(states).toEqual([
      ['ann', 'starting'],
      ['bob', 'stopped'],
      ['cid', 'failed'],
      ['dot', 'registered'],
    ]);
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
