/** Agents: registered, started, stopped, restarted and changed; whoever is killed among those who keep them. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { exit } from '../../src/index.js';
import { parentOf } from '../../src/supervision/xstate-internals.js';
import { agentsWorld, untruth } from './agents-world.js';

const refused = (reason: string): object => ({ ok: false, reason });

/** Of an agent that runs: the supervisor that keeps it. */
const keeperOf = (ref: AnyActorRef | undefined): AnyActorRef => parentOf(parentOf(ref as AnyActorRef) as AnyActorRef) as AnyActorRef;

describe('registering', () => {
  it('makes an agent known, which runs when it is started, and not before', async () => {
    const { agents, held, told } = agentsWorld();
    expect(await agents.register({ id: 'ann', src: 'worker', capabilities: ['work', 'work'] })).toEqual({ ok: true });
    expect(agents.status('ann')).toMatchObject({ state: 'registered', ref: undefined, src: 'worker', capabilities: ['work'], restarts: 0 });
    expect([agents.whereis('ann'), agents.withCapability('work'), held.alive.size, agents.names.status().entries]).toEqual([undefined, [], 0, 0]);
    expect(await agents.start('ann')).toEqual({ ok: true, ref: agents.whereis('ann') });
    expect([agents.status('ann')?.state, held.alive.get('ann'), told()]).toEqual(['running', 1, ['ann registered', 'ann started']]);
    expect(agents.withCapability('work')).toEqual([{ id: 'ann', ref: agents.whereis('ann') }]);
  });

  it('refuses a name twice, also at once, and one more than may be', async () => {
    const { agents } = agentsWorld({ maxAgents: 2 });
    const options = { id: 'ann', src: 'worker' };
    expect(await Promise.all([agents.register(options), agents.register(options)])).toEqual([{ ok: true }, refused('alreadyRegistered')]);
    expect(await agents.register({ ...options, id: 'bob' })).toEqual({ ok: true });
    expect(await agents.register({ ...options, id: 'cid' })).toEqual(refused('full'));
    await agents.unregister('ann');
    expect(await agents.register({ ...options, id: 'cid' })).toEqual({ ok: true });
    expect(agents.list().map(({ id }) => id)).toEqual(['bob', 'cid']);
  });

  it.each([
    ['no name', { id: '' }, 'agents/invalid-options'],
    ['an option that is misspelt', { budgte: 1 }, 'agents/invalid-options'],
    ['capabilities that are no list', { capabilities: 'work' }, 'agents/invalid-options'],
    ['a capability that is no word', { capabilities: [''] }, 'agents/invalid-options'],
    ['too many capabilities', { capabilities: Array.from({ length: 33 }, (_, index) => `c${index}`) }, 'agents/invalid-options'],
    ['a logic that is not there', { src: 'nobody' }, 'supervision/unknown-src'],
    ['an input that is a function', { input: () => 1 }, 'supervision/invalid-input'],
    ['a restart that is none', { restart: 'sometimes' }, 'supervision/invalid-restart'],
    ['a budget that is none', { budget: { intensity: -1, periodMs: 1 } }, 'supervision/invalid-budget'],
  ])('refuses %s, and nobody is registered', async (_, options, code) => {
    const { agents } = agentsWorld();
    await expect(agents.register({ id: 'ann', src: 'worker', ...(options as object) })).rejects.toMatchObject({ code });
    expect(agents.list()).toEqual([]);
  });

  it('is undone while the agent runs: it ends first, and all is forgotten', async () => {
    const { agents, held, run, told } = agentsWorld();
    await run('ann');
    held.mood('ann').lingering = true;
    const ref = agents.whereis('ann');
    const gone = agents.unregister('ann');
    expect(agents.status('ann')?.state).toBe('stopping');
    ref?.send({ type: 'letGo' });
    expect(await gone).toEqual({ ok: true });
    expect([agents.status('ann'), agents.whereis('ann'), held.alive.size]).toEqual([undefined, undefined, 0]);
    expect(told().slice(2)).toEqual(['ann stopped', 'ann unregistered']);
    expect(await agents.unregister('ann')).toEqual(refused('notRegistered'));
  });
});

describe('starting and stopping', () => {
  it('answers who asks for what is so already', async () => {
    const { agents, run } = agentsWorld();
    expect([await agents.start('ann'), await agents.stop('ann'), await agents.update('ann', {})]).toEqual(Array(3).fill(refused('notRegistered')));
    await agents.register({ id: 'bob', src: 'worker' });
    expect(await agents.stop('bob')).toEqual(refused('notRunning'));
    await run('ann');
    const ref = agents.whereis('ann');
    expect(await agents.start('ann')).toEqual(refused('alreadyRunning'));
    expect(agents.whereis('ann')).toBe(ref);
    expect(await agents.stop('ann')).toEqual({ ok: true });
    expect(await agents.stop('ann')).toEqual(refused('notRunning'));
    expect(agents.status('ann')).toMatchObject({ state: 'stopped', ref: undefined });
  });

  it('tells why a start failed, and tries again when it is asked to', async () => {
    const { agents, held, told } = agentsWorld();
    await agents.register({ id: 'ann', src: 'worker' });
    held.mood('ann').failing = true;
    expect(await agents.start('ann')).toEqual({ ...refused('failed'), why: 'unwilling' });
    expect([agents.status('ann')?.state, agents.status('ann')?.why, agents.isHealthy()]).toEqual(['failed', 'unwilling', false]);
    held.mood('ann').failing = false;
    expect(await agents.start('ann')).toMatchObject({ ok: true });
    expect([told(), agents.isHealthy()]).toEqual([['ann registered', 'ann startFailed', 'ann failed', 'ann started'], true]);
  });

  it('does not start one whose name somebody else has', async () => {
    const { agents, held, run } = agentsWorld();
    await run('ann');
    const stranger = agents.whereis('ann') as AnyActorRef;
    agents.names.register('bob', stranger);
    await agents.register({ id: 'bob', src: 'worker' });
    expect(await agents.start('bob')).toEqual({ ...refused('failed'), why: ['name', 'alreadyRegistered'] });
    expect([held.alive.has('bob'), agents.whereis('bob'), agents.status('bob')?.state]).toEqual([false, undefined, 'failed']);
    expect(agents.names.whereis('bob')).toBe(stranger);
  });

  it('lets others start and stop while one takes its time over either', async () => {
    const { agents, held, run, clock } = agentsWorld();
    await agents.register({ id: 'ann', src: 'worker', startMs: 1_000 });
    held.mood('ann').slow = true;
    const slow = agents.start('ann');
    expect(agents.status('ann')?.state).toBe('starting');
    await run('bob');
    held.mood('bob').lingering = true;
    const stopping = agents.stop('bob');
    expect([agents.status('bob')?.state, await agents.start('bob')]).toEqual(['stopping', refused('stopping')]);
    await run('cid');
    expect([await agents.stop('cid'), agents.counts()]).toEqual([
      { ok: true },
      { registered: 0, starting: 1, running: 0, restarting: 0, stopping: 1, stopped: 1, failed: 0 },
    ]);
    clock.advanceBy(1_000);
    expect(await slow).toEqual({ ...refused('failed'), why: 'timeout' });
    clock.advanceBy(5_000);
    expect([await stopping, held.alive.size, agents.status('bob')?.state]).toEqual([{ ok: true }, 0, 'stopped']);
  });

  it('answers all who wait for one end, and who waits for a start that is called off', async () => {
    const { agents, held, told } = agentsWorld();
    await agents.register({ id: 'ann', src: 'worker', startMs: 1_000 });
    held.mood('ann').slow = true;
    const started = agents.start('ann');
    const stops = [agents.stop('ann'), agents.stop('ann')];
    // No time passes: a start that is called off ends at once.
    expect([await started, await Promise.all(stops)]).toEqual([refused('stopped'), [{ ok: true }, refused('notRunning')]]);
    expect(told()).toEqual(['ann registered', 'ann stopped']);
    expect([held.alive.size, agents.whereis('ann'), agents.status('ann')?.state]).toEqual([0, undefined, 'stopped']);
  });

  it('says how one ended by itself: in order, or not', async () => {
    const { agents, run, tell, told } = agentsWorld();
    await run('ann', { restart: 'transient' });
    await run('bob', { restart: 'temporary' });
    told();
    tell('ann', 'finish');
    tell('bob', 'crash');
    expect(agents.status('ann')).toMatchObject({ state: 'stopped', why: 'normal' });
    expect(agents.status('bob')).toMatchObject({ state: 'failed', why: { crash: new Error('boom') } });
    expect(told()).toEqual(['ann stopped', 'bob crashed', 'bob failed']);
  });
});

describe('restarts', () => {
  it('are followed by the registry: one name, one actor, the same in every answer', async () => {
    const world = agentsWorld();
    const { agents, run, tell, told } = world;
    await run('ann', { capabilities: ['work'] });
    const first = agents.whereis('ann');
    tell('ann', 'crash');
    const second = agents.whereis('ann');
    expect(second).not.toBe(first);
    expect([agents.status('ann')?.ref, agents.withCapability('work')]).toEqual([second, [{ id: 'ann', ref: second }]]);
    expect([agents.status('ann')?.restarts, untruth(world)]).toEqual([1, undefined]);
    expect(told()).toEqual(['ann registered', 'ann started', 'ann crashed', 'ann restarted']);
    expect(await agents.start('ann')).toEqual(refused('alreadyRunning'));
  });

  it('are counted for each alone: one that flaps spends its own budget, and a hundred others hear nothing', async () => {
    const world = agentsWorld();
    const { agents, run, tell, told } = world;
    const ids = Array.from({ length: 100 }, (_, index) => `other${index}`);
    for (const id of ids) await run(id, { capabilities: ['work'] });
    const before = ids.map((id) => agents.whereis(id));
    await run('ann', { capabilities: ['work'], budget: { intensity: 2, periodMs: 1_000 } });
    told();
    for (let count = 0; count < 3; count++) tell('ann', 'crash');
    expect(told()).toEqual(['ann crashed', 'ann restarted', 'ann crashed', 'ann restarted', 'ann crashed', 'ann failed']);
    expect([agents.status('ann')?.state, agents.whereis('ann'), agents.isHealthy()]).toEqual(['failed', undefined, false]);
    expect([ids.map((id) => agents.whereis(id)), agents.counts().running, untruth(world)]).toEqual([before, 100, undefined]);
    // Started anew, it has its whole budget again.
    expect(await agents.start('ann')).toMatchObject({ ok: true });
    tell('ann', 'crash');
    expect(agents.status('ann')?.state).toBe('running');
  });

  it('wait as long as the agent says, and nobody is found meanwhile', async () => {
    const world = agentsWorld();
    const { agents, run, tell, clock } = world;
    await run('ann', { capabilities: ['work'], backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 } });
    tell('ann', 'crash');
    expect([agents.status('ann')?.state, agents.status('ann')?.ref, agents.whereis('ann')]).toEqual(['restarting', undefined, undefined]);
    expect([agents.withCapability('work'), untruth(world)]).toEqual([[], undefined]);
    expect(agents.names.register('ann', agents.ref as AnyActorRef)).toMatchObject({ ok: false, reason: 'awaited' });
    clock.advanceBy(100);
    expect([agents.status('ann')?.state, untruth(world)]).toEqual(['running', undefined]);
  });

  it('do not come after a stop: of one that waits, and of one that is starting again', async () => {
    const world = agentsWorld();
    const { agents, run, tell, held, clock } = world;
    await run('ann', { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 } });
    tell('ann', 'crash');
    expect(await agents.stop('ann')).toEqual({ ok: true });
    clock.advanceBy(10_000);
    expect([agents.status('ann')?.state, held.alive.size, untruth(world)]).toEqual(['stopped', 0, undefined]);

    await run('bob', { startMs: 500 });
    held.mood('bob').slow = true;
    tell('bob', 'crash');
    expect(agents.status('bob')?.state).toBe('restarting');
    expect(await agents.stop('bob')).toEqual({ ok: true });
    clock.advanceBy(10_000);
    expect([agents.status('bob')?.state, held.alive.size, untruth(world)]).toEqual(['stopped', 0, undefined]);
  });

  it('whose starts fail are told, and spend the budget', async () => {
    const { agents, run, tell, held, told, clock } = agentsWorld();
    await run('ann', { budget: { intensity: 1, periodMs: 1_000 } });
    told();
    held.mood('ann').failing = true;
    tell('ann', 'crash');
    clock.advanceBy(1);
    expect(told()).toEqual(['ann crashed', 'ann startFailed', 'ann failed']);
    expect(agents.status('ann')?.state).toBe('failed');
  });
});

describe('updating', () => {
  it('starts what the agent is to be once what it was has ended, under its name', async () => {
    const world = agentsWorld();
    const { agents, run, held, told } = world;
    await run('ann', { capabilities: ['work'] });
    held.mood('ann').lingering = true;
    const former = agents.whereis('ann');
    const updated = agents.update('ann', { src: 'other', capabilities: ['work', 'rest'] });
    expect([agents.status('ann')?.state, await agents.update('ann', {})]).toEqual(['stopping', refused('busy')]);
    told();
    former?.send({ type: 'letGo' });
    expect(await updated).toEqual({ ok: true });
    expect(agents.status('ann')).toMatchObject({ state: 'running', src: 'other', capabilities: ['work', 'rest'] });
    expect([agents.withCapability('rest').map(({ id }) => id), untruth(world), told()]).toEqual([
      ['ann'],
      undefined,
      ['ann stopped', 'ann started', 'ann updated'],
    ]);
  });

  it('is rolled back when the new start fails: its former self runs again, under its name, able to do what it was', async () => {
    const world = agentsWorld();
    const { agents, run, told } = world;
    await run('ann', { capabilities: ['work'] });
    told();
    const outcome = await agents.update('ann', { src: 'never', capabilities: [] });
    expect(outcome).toEqual({ ...refused('rolledBack'), why: ['EXIT', new Error('never')] });
    expect(agents.status('ann')).toMatchObject({ state: 'running', src: 'worker', capabilities: ['work'], restarts: 0 });
    expect([untruth(world), told()]).toEqual([undefined, ['ann stopped', 'ann startFailed', 'ann started', 'ann rolledBack']]);
  });

  it('fails where its former self does not start either, and the agent is what it was', async () => {
    const { agents, run, held, told } = agentsWorld();
    await run('ann');
    told();
    held.mood('ann').failing = true;
    expect(await agents.update('ann', { src: 'never' })).toEqual({ ...refused('failed'), why: ['EXIT', new Error('never')] });
    expect(agents.status('ann')).toMatchObject({ state: 'failed', src: 'worker', why: 'unwilling' });
    expect(told()).toEqual(['ann stopped', 'ann startFailed', 'ann startFailed', 'ann failed']);
  });

  it('comes to nothing when somebody stops the agent meanwhile', async () => {
    const { agents, run, held } = agentsWorld();
    await run('ann');
    held.mood('ann').lingering = true;
    const former = agents.whereis('ann');
    const updated = agents.update('ann', { src: 'other' });
    const stopped = agents.stop('ann');
    former?.send({ type: 'letGo' });
    expect([await updated, await stopped]).toEqual([refused('stopped'), { ok: true }]);
    expect(agents.status('ann')).toMatchObject({ state: 'stopped', src: 'worker' });
  });

  it('changes one that is down, and starts nobody', async () => {
    const { agents, told } = agentsWorld();
    await agents.register({ id: 'ann', src: 'worker' });
    expect(await agents.update('ann', { src: 'other', budget: { intensity: 0, periodMs: 1 } })).toEqual({ ok: true });
    expect([agents.status('ann')?.src, agents.status('ann')?.state, told()]).toEqual(['other', 'registered', ['ann registered', 'ann updated']]);
    await expect(agents.update('ann', { id: 'bob' } as object)).rejects.toMatchObject({ code: 'agents/invalid-options' });
    await expect(agents.update('ann', { src: 'nobody' })).rejects.toMatchObject({ code: 'supervision/unknown-src' });
  });
});

describe('whoever is killed', () => {
  it('as an agent is restarted; as its keeper takes it along, which is told as its failure', async () => {
    const world = agentsWorld();
    const { agents, run, told } = world;
    await run('ann', { capabilities: ['work'] });
    told();
    exit(agents.whereis('ann') as AnyActorRef, 'kill');
    expect([agents.status('ann')?.state, untruth(world), told()]).toEqual(['running', undefined, ['ann crashed', 'ann restarted']]);
    exit(keeperOf(agents.whereis('ann')), 'kill');
    expect([agents.status('ann')?.state, agents.status('ann')?.why, told()]).toEqual(['failed', 'killed', ['ann failed']]);
    expect(untruth(world)).toBeUndefined();
    expect(await agents.start('ann')).toMatchObject({ ok: true });
    expect(untruth(world)).toBeUndefined();
  });

  it('as the registry is replaced by one that knows all who run', async () => {
    const world = agentsWorld();
    const { agents, run, tell } = world;
    await run('ann', { capabilities: ['work'] });
    const names = agents.names.ref as AnyActorRef;
    exit(names, 'kill');
    expect(agents.names.ref).not.toBe(names);
    expect([agents.status('ann')?.state, untruth(world)]).toEqual(['running', undefined]);
    tell('ann', 'crash');
    expect([agents.status('ann')?.state, untruth(world)]).toEqual(['running', undefined]);
  });
});
