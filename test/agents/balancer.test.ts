/** A load balancer: who has the next task, who may have more, and what becomes of those that wait or end. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { AgentReport, BalancerEmitted } from '../../machines/agents/balancer-events.js';
import { exit } from '../../src/supervision/watch.js';
import { given, room, told, turns, worker } from './balancer-room.js';

const kill = (ref: AnyActorRef): void => exit(ref, 'kill');

describe('the strategies', () => {
  it('give everybody the same number of turns, one after the other', async () => {
    const { balancer } = room({ strategy: 'roundRobin', maxTasksPerAgent: 1_000 });
    for (const name of ['a', 'b', 'c']) balancer.add({ name });
    expect(await turns(balancer, 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
    balancer.add({ name: 'd' });
    expect(await turns(balancer, 4, {}, 'u')).toEqual(['b', 'c', 'a', 'd']);
  });

  it('count what was assigned at once, so that a burst is spread, and what has ended', async () => {
    const { balancer } = room();
    for (const name of ['a', 'b', 'c']) balancer.add({ name });
    const burst = await Promise.all([...Array(6).keys()].map((index) => given(balancer, { id: `t${index}` })));
    expect(burst.map(({ agent }) => agent)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    for (const { agent, assignment } of burst) if (agent === 'b') balancer.complete(assignment, { ok: true });
    expect(balancer.agent('b')).toMatchObject({ load: 0, tasks: [] });
    expect(await turns(balancer, 3, {}, 'u')).toEqual(['b', 'b', 'a']);
  });

  it('weigh a task by its cost', async () => {
    const { balancer } = room();
    for (const name of ['a', 'b']) balancer.add({ name });
    await given(balancer, { id: 'heavy', cost: 3 });
    expect(await turns(balancer, 4)).toEqual(['b', 'b', 'b', 'a']);
  });

  it('spare whoever can do other things too, among the least loaded', async () => {
    const { balancer } = room({ strategy: 'capability' });
    balancer.add({ name: 'both', capabilities: ['draw', 'write'] });
    balancer.add({ name: 'writer', capabilities: ['write'] });
    expect(await turns(balancer, 3, { capabilities: ['write'] })).toEqual(['writer', 'both', 'writer']);
    expect(await turns(balancer, 1, { capabilities: ['draw', 'write', 'draw'] }, 'u')).toEqual(['both']);
  });

  it('prefer whoever is quicker, and let newcomers have a part of the turns, neither all nor none', async () => {
    const drawn = async (seed: number): Promise<string[]> => {
      const { balancer, pass } = room({ strategy: 'weighted', seed, explore: 0.2 });
      for (const name of ['quick', 'slow']) balancer.add({ name });
      const agents: string[] = [];
      for (let index = 0; index < 200; index++) {
        if (index === 100) balancer.add({ name: 'newcomer' });
        const { agent, assignment } = await given(balancer, { id: `t${index}` });
        agents.push(agent);
        if (agent !== 'newcomer') balancer.complete(assignment, { ok: true, durationMs: agent === 'quick' ? 10 : 100 });
        // Nothing is known of it until it has done something.
        else balancer.complete(assignment, { ok: false });
      }
      await pass(0);
      return agents;
    };
    const agents = await drawn(7);
    const count = (name: string): number => agents.filter((each) => each === name).length;
    expect(count('quick')).toBeGreaterThan(140);
    expect(count('slow')).toBeGreaterThan(2);
    expect(count('newcomer')).toBeGreaterThan(5);
    expect(count('newcomer')).toBeLessThan(50);
    expect(await drawn(7)).toEqual(agents);
    expect(await drawn(8)).not.toEqual(agents);
  });

  it('take no agent for quick that fails at once', async () => {
    const { balancer } = room({ strategy: 'weighted', explore: 0.01 });
    for (const name of ['honest', 'broken']) {
      balancer.add({ name });
      const { agent, assignment } = await given(balancer, { id: name }, { waitMs: 1 });
      balancer.complete(assignment, { ok: true, durationMs: 10 });
      expect(agent).toBeDefined();
    }
    const means = (): (number | null | undefined)[] => ['honest', 'broken'].map((name) => balancer.agent(name)?.meanMs);
    const before = means();
    const { assignment, agent } = await given(balancer, { id: 'again' });
    balancer.complete(assignment, { ok: false, durationMs: 0 });
    const index = agent === 'honest' ? 0 : 1;
    expect(Number(means()[index])).toBeGreaterThan(Number(before[index]));
  });

  it('can be changed while tasks are in hand', async () => {
    const { balancer } = room({ strategy: 'roundRobin' });
    const facts: BalancerEmitted[] = [];
    balancer.on('balancer.strategyChanged', (fact) => facts.push(fact));
    for (const name of ['a', 'b']) balancer.add({ name });
    await given(balancer, { id: 'heavy', cost: 5 });
    expect(balancer.setStrategy('leastLoaded')).toBe(true);
    expect(await turns(balancer, 3)).toEqual(['b', 'b', 'b']);
    expect(facts).toEqual([{ type: 'balancer.strategyChanged', from: 'roundRobin', strategy: 'leastLoaded' }]);
    expect(balancer.status()).toMatchObject({ strategy: 'leastLoaded', tasks: 4 });
  });
});

describe('who may have more', () => {
  it('is nobody with as many tasks as it may have, or beyond a threshold', async () => {
    const { balancer } = room({ maxTasksPerAgent: 2, thresholds: { cpu: 0.9, memory: 1_000 } });
    balancer.add({ name: 'a' });
    balancer.add({ name: 'b', maxTasks: 1 });
    expect(balancer.report('b', { cpu: 0.95 })).toBe(true);
    expect(await turns(balancer, 2)).toEqual(['a', 'a']);
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'busy' });
    balancer.report('b', { memory: 1_001 });
    balancer.report('b', { cpu: 0.9 });
    expect(balancer.agent('b')).toMatchObject({ isAvailable: false, measures: { cpu: 0.9, memory: 1_001 } });
    balancer.report('b', { memory: 1_000 });
    expect(await turns(balancer, 1, {}, 'u')).toEqual(['b']);
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'busy' });
    expect(balancer.report('stranger', { cpu: 1 })).toBe(false);
  });

  it('is told apart: nobody can do it, nobody may, too many, twice the same', async () => {
    const { balancer } = room({ maxTasks: 2, maxKinds: 2 });
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'noSuitableAgent' });
    balancer.add({ name: 'a', capabilities: ['write'] });
    expect(await balancer.assign({ id: 'x', capabilities: ['draw'] })).toEqual({ ok: false, reason: 'noSuitableAgent' });
    await given(balancer, { id: 'x' });
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'taken' });
    const { assignment } = await given(balancer, { id: 'y', capabilities: ['write'] });
    expect(await balancer.assign({ id: 'z' })).toEqual({ ok: false, reason: 'full' });
    balancer.complete(assignment, { ok: true });
    await given(balancer, { id: 'z' });
  });

  it('is asked of as many kinds of tasks at once as may be, and kinds that nobody needs give way', async () => {
    const { balancer } = room({ maxKinds: 2 });
    balancer.add({ name: 'a', capabilities: ['1', '2', '3'] });
    const first = await given(balancer, { id: 'x', capabilities: ['1'] });
    await given(balancer, { id: 'y', capabilities: ['2'] });
    expect(await balancer.assign({ id: 'z', capabilities: ['3'] })).toEqual({ ok: false, reason: 'full' });
    balancer.complete(first.assignment, { ok: true });
    await given(balancer, { id: 'z', capabilities: ['3'] });
    expect(await balancer.assign({ id: 'w', capabilities: ['1'] })).toEqual({ ok: false, reason: 'full' });
  });

  it('refuses a second agent of a name, one that has ended, and too many', () => {
    const { balancer } = room({ maxAgents: 1 });
    const { ref } = worker();
    kill(ref);
    expect(balancer.add({ name: 'a', ref })).toEqual({ ok: false, reason: 'ended' });
    expect(balancer.add({ name: 'a' })).toEqual({ ok: true });
    expect(balancer.add({ name: 'a' })).toEqual({ ok: false, reason: 'taken' });
    expect(balancer.add({ name: 'b' })).toEqual({ ok: false, reason: 'full' });
  });
});

describe('a task that waits', () => {
  it('is given away by priority, then by age, as soon as somebody may have more', async () => {
    const { balancer } = room({ maxTasksPerAgent: 1, waitMs: 1_000 });
    balancer.add({ name: 'a' });
    let { assignment } = await given(balancer, { id: 'now' });
    const order: string[] = [];
    const waiting = (
      [
        ['low', 0],
        ['high', 2],
        ['high too', 2],
        ['lowest', -1],
      ] as const
    ).map(async ([id, priority]) => {
      const outcome = await given(balancer, { id, priority });
      order.push(id);
      return outcome;
    });
    expect(balancer.status()).toMatchObject({ waiting: 4, tasks: 5 });
    for (const index of [1, 2, 0, 3]) {
      balancer.complete(assignment, { ok: true });
      ({ assignment } = await (waiting[index] as (typeof waiting)[number]));
    }
    expect(order).toEqual(['high', 'high too', 'low', 'lowest']);
  });

  it('is given to whoever comes, reports less, or is suitable, and to nobody else', async () => {
    const { balancer } = room({ thresholds: { cpu: 0.5 }, waitMs: 1_000 });
    balancer.add({ name: 'reader', capabilities: ['read'] });
    const writing = balancer.assign({ id: 'w', capabilities: ['write'] });
    expect(balancer.status().waiting).toBe(1);
    balancer.add({ name: 'writer', capabilities: ['write'] });
    expect(await writing).toMatchObject({ ok: true, agent: 'writer' });
    for (const name of ['reader', 'writer']) balancer.report(name, { cpu: 1 });
    const any = balancer.assign({ id: 'any' });
    balancer.report('reader', { cpu: 0 });
    expect(await any).toMatchObject({ ok: true, agent: 'reader' });
  });

  it('is refused when its time is over, it is given up, or too many wait', async () => {
    const { balancer, pass } = room({ maxWaiting: 3 });
    const control = new AbortController();
    const waiting = [
      balancer.assign({ id: 'a' }, { waitMs: 100 }),
      balancer.assign({ id: 'b', deadlineMs: 50 }, { waitMs: 100 }),
      balancer.assign({ id: 'c' }, { waitMs: 100, signal: control.signal }),
    ];
    expect(await balancer.assign({ id: 'd' }, { waitMs: 100 })).toEqual({ ok: false, reason: 'full' });
    control.abort();
    expect(await waiting[2]).toEqual({ ok: false, reason: 'cancelled' });
    expect(await balancer.assign({ id: 'd' }, { waitMs: 100, signal: control.signal })).toEqual({ ok: false, reason: 'cancelled' });
    await pass(50);
    expect(await waiting[1]).toEqual({ ok: false, reason: 'late' });
    await pass(50);
    expect(await waiting[0]).toEqual({ ok: false, reason: 'late' });
    expect(balancer.status()).toMatchObject({ waiting: 0, tasks: 0, refused: 4 });
  });
});

describe('the end of a task', () => {
  it('gives its load back once; a second report is dropped and counted', async () => {
    const { balancer, pass } = room();
    balancer.add({ name: 'a' });
    const { assignment, ended } = await given(balancer, { id: 't', cost: 4 });
    await pass(30);
    expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: true });
    expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: false, reason: 'ended' });
    expect(balancer.complete({ ...assignment, number: 99 }, { ok: true })).toEqual({ ok: false, reason: 'unknown' });
    expect(await ended).toEqual({ ok: true, task: 't', agent: 'a', attempts: 1, tookMs: 30 });
    expect(balancer.agent('a')).toMatchObject({ load: 0, meanMs: 7.5 });
    expect(balancer.status()).toMatchObject({ assigned: 1, done: 1, failed: 0, dropped: { ended: 1, unknown: 1, stale: 0 } });
    expect(balancer.history()).toEqual([await ended]);
  });

  it('is told by the agent itself, to whom replyTo is', async () => {
    const { balancer } = room();
    const { ref, told: news } = worker((each) => {
      if (each.type !== 'task.assigned') return;
      const { assignment, replyTo } = each;
      replyTo.send({ type: 'task.begun', assignment } satisfies AgentReport);
      replyTo.send({ type: 'task.completed', assignment, ok: false, error: 'no ink', durationMs: -1 } satisfies AgentReport);
      replyTo.send({ type: 'task.completed', assignment, ok: true } satisfies AgentReport);
      replyTo.send({ type: 'task.completed' });
    });
    balancer.add({ name: 'a', ref });
    const { ended } = await given(balancer, { id: 't', body: { page: 3 } });
    expect(news).toMatchObject([{ type: 'task.assigned', body: { page: 3 } }]);
    expect(await ended).toMatchObject({ ok: false, reason: 'failed', error: 'no ink' });
    expect(balancer.status()).toMatchObject({ done: 0, failed: 1, dropped: { ended: 1, unknown: 1 } });
  });

  it('comes at its deadline, and by its signal; whoever has it is told', async () => {
    const { balancer, pass } = room();
    const agent = worker();
    balancer.add({ name: 'a', ref: agent.ref });
    const control = new AbortController();
    const late = await given(balancer, { id: 'late', deadlineMs: 20 });
    const dropped = await given(balancer, { id: 'dropped' }, { signal: control.signal });
    await pass(20);
    control.abort();
    expect(await late.ended).toMatchObject({ ok: false, reason: 'late', agent: 'a', tookMs: 20 });
    expect(await dropped.ended).toMatchObject({ ok: false, reason: 'cancelled' });
    expect(told(agent).slice(2)).toEqual(['task.withdrawn late: late', 'task.withdrawn dropped: cancelled']);
    expect(balancer.cancel('dropped')).toBe(false);
    expect(balancer.agent('a')).toMatchObject({ load: 0 });
  });

  it('does not come to another task of the same id by an old signal or an old assignment', async () => {
    const { balancer } = room();
    balancer.add({ name: 'a' });
    const control = new AbortController();
    const first = await given(balancer, { id: 't' }, { signal: control.signal });
    balancer.complete(first.assignment, { ok: true });
    await given(balancer, { id: 't' });
    control.abort();
    expect(balancer.complete(first.assignment, { ok: true })).toEqual({ ok: false, reason: 'ended' });
    expect(balancer.status().tasks).toBe(1);
  });
});
