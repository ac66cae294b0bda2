/** What ends under a load balancer: agents, itself; and what it moves. Every task has one end. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { BalancerEmitted } from '../../machines/agents/balancer-events.js';
import { loadBalancer, type LoadBalancerRef } from '../../src/agents/balancer.js';
import { createLoadBalancer, loadBalancerHandle } from '../../src/agents/balancer-handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { given, room, told, turns, worker } from './balancer-room.js';

const kill = (ref: AnyActorRef): void => exit(ref, 'kill');

describe('the death of an agent', () => {
  it('gives its tasks to others; a late report of the former is dropped and counted', async () => {
    const { balancer } = room();
    const [ann, bob] = [worker(), worker()];
    balancer.add({ name: 'ann', ref: ann.ref });
    const { assignment, ended } = await given(balancer, { id: 't' });
    balancer.add({ name: 'bob', ref: bob.ref });
    const moves: BalancerEmitted[] = [];
    balancer.on('balancer.moved', (fact) => moves.push(fact));
    kill(ann.ref);
    expect(told(bob)).toEqual(['task.assigned t']);
    expect(moves).toEqual([{ type: 'balancer.moved', task: 't', from: 'ann', to: 'bob', because: 'lost' }]);
    expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: false, reason: 'stale' });
    const [second] = balancer.agent('bob')?.tasks ?? [];
    expect(second && balancer.complete(second, { ok: true })).toEqual({ ok: true });
    expect(await ended).toMatchObject({ ok: true, agent: 'bob', attempts: 2 });
    expect(balancer.status()).toMatchObject({ agents: 1, moved: 1, dropped: { stale: 1 } });
  });

  it('fails them where that was chosen', async () => {
    const { balancer } = room({ onDeath: 'fail' });
    const { ref } = worker();
    balancer.add({ name: 'a', ref });
    balancer.add({ name: 'b' });
    const { ended } = await given(balancer, { id: 't' });
    kill(ref);
    expect(await ended).toMatchObject({ ok: false, reason: 'agentLost', agent: 'a' });
    expect(balancer.agent('b')).toMatchObject({ load: 0 });
  });

  it('lets a task wait for whoever comes, so long and no longer', async () => {
    const { balancer, pass } = room({ reassignWithinMs: 100, maxWaiting: 2 });
    const { ref } = worker();
    balancer.add({ name: 'a', ref });
    const tasks = [await given(balancer, { id: '1' }), await given(balancer, { id: '2', deadlineMs: 50 }), await given(balancer, { id: '3' })];
    kill(ref);
    expect(await tasks[2]?.ended).toMatchObject({ ok: false, reason: 'noSuitableAgent' });
    await pass(50);
    expect(await tasks[1]?.ended).toMatchObject({ ok: false, reason: 'late' });
    await pass(50);
    expect(await tasks[0]?.ended).toMatchObject({ ok: false, reason: 'noSuitableAgent', agent: null });
    const next = worker();
    balancer.add({ name: 'a', ref: next.ref });
    const { ended } = await given(balancer, { id: '4' });
    kill(next.ref);
    const last = worker();
    balancer.add({ name: 'a', ref: last.ref });
    expect(told(last)).toEqual(['task.assigned 4']);
    expect(balancer.remove('a')).toBe(true);
    expect(told(last)).toEqual(['task.assigned 4', 'task.withdrawn 4: removed']);
    expect(balancer.remove('a')).toBe(false);
    await pass(100);
    expect(await ended).toMatchObject({ ok: false, reason: 'noSuitableAgent', attempts: 2 });
  });

  it('does not go on for ever with a task that kills whoever has it', async () => {
    const { balancer } = room({ maxAttempts: 3 });
    const victims = [...Array(5).keys()].map((index) => {
      const victim = worker((news) => void (news.type === 'task.assigned' && kill(victim.ref)));
      balancer.add({ name: `v${index}`, ref: victim.ref });
      return victim;
    });
    const { ended } = await given(balancer, { id: 'poison' });
    expect(await ended).toMatchObject({ ok: false, reason: 'spent', attempts: 3 });
    expect(victims.filter(({ told: news }) => news.length > 0)).toHaveLength(3);
    expect(balancer.status()).toMatchObject({ agents: 2, tasks: 0 });
  });
});

describe('a rebalance', () => {
  it('moves what has not begun to whoever has less, and tells both', async () => {
    const { balancer } = room();
    const [ann, bob] = [worker(), worker()];
    balancer.add({ name: 'ann', ref: ann.ref });
    const first = await given(balancer, { id: '0' });
    await turns(balancer, 5, {}, 't');
    balancer.begin(first.assignment);
    balancer.add({ name: 'bob', ref: bob.ref });
    const moves = balancer.rebalance();
    expect(moves).toHaveLength(3);
    expect(moves.every(({ from, to, task }) => from === 'ann' && to === 'bob' && task !== '0')).toBe(true);
    expect(['ann', 'bob'].map((name) => balancer.agent(name)?.load)).toEqual([3, 3]);
    expect(told(ann).slice(6).sort()).toEqual(moves.map(({ task }) => `task.withdrawn ${task}: rebalanced`).sort());
    expect(told(bob)).toEqual(moves.map(({ task }) => `task.assigned ${task}`));
    expect(balancer.rebalance()).toEqual([]);
  });

  it('leaves what has begun, but by choice, and no more than so many', async () => {
    const { balancer } = room();
    balancer.add({ name: 'ann' });
    for (let index = 0; index < 6; index++) balancer.begin((await given(balancer, { id: `t${index}` })).assignment);
    balancer.add({ name: 'bob' });
    expect(balancer.rebalance()).toEqual([]);
    expect(balancer.rebalance({ begun: true, most: 2 })).toHaveLength(2);
    expect(balancer.rebalance({ begun: true })).toHaveLength(1);
  });

  it('takes from one that is beyond a threshold, and gives nobody what it cannot do or may not have', async () => {
    const { balancer } = room({ thresholds: { cpu: 0.5 }, waitMs: 1_000 });
    balancer.add({ name: 'ann', capabilities: ['draw'], maxTasks: 3 });
    await turns(balancer, 1, { capabilities: ['draw'] }, 'd');
    await turns(balancer, 2);
    balancer.add({ name: 'bob', maxTasks: 1 });
    balancer.report('ann', { cpu: 1 });
    const waiting = balancer.assign({ id: 'w', capabilities: ['draw'] });
    expect(balancer.rebalance()).toEqual([{ task: 't1', from: 'ann', to: 'bob' }]);
    expect(balancer.rebalance()).toEqual([]);
    balancer.report('ann', { cpu: 0 });
    expect(await waiting).toMatchObject({ ok: true, agent: 'ann' });
  });
});

describe('a balancer', () => {
  it('drains: refuses whoever waits and comes, and ends with its last task', async () => {
    const { balancer } = room({ maxTasksPerAgent: 1, waitMs: 1_000 });
    balancer.add({ name: 'a' });
    const { assignment, ended } = await given(balancer, { id: 't' });
    const waiting = balancer.assign({ id: 'w' });
    const drained = balancer.drain();
    expect(await waiting).toEqual({ ok: false, reason: 'closed' });
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'closed' });
    expect(balancer.status()).toMatchObject({ state: 'draining', tasks: 1 });
    balancer.complete(assignment, { ok: true });
    await drained;
    expect(await ended).toMatchObject({ ok: true });
    expect(balancer.status()).toMatchObject({ state: 'ended', done: 1 });
  });

  it('ends a drain at its deadline, and one that has nothing at once', async () => {
    const { balancer, pass } = room();
    balancer.add({ name: 'a' });
    const { ended } = await given(balancer, { id: 't' });
    const drained = balancer.drain({ deadlineMs: 100 });
    await pass(100);
    await drained;
    expect(await ended).toMatchObject({ ok: false, reason: 'closed' });
    const idle = room().balancer;
    await idle.drain();
    expect(idle.status().state).toBe('ended');
  });

  it('tells every task its end when it is closed, and answers after', async () => {
    const { balancer } = room({ waitMs: 1_000, maxTasksPerAgent: 1 });
    const agent = worker();
    balancer.add({ name: 'a', ref: agent.ref });
    const { assignment, ended } = await given(balancer, { id: 't' });
    const waiting = balancer.assign({ id: 'w' });
    await balancer.close();
    expect(await waiting).toEqual({ ok: false, reason: 'closed' });
    expect(await ended).toMatchObject({ ok: false, reason: 'closed' });
    expect(told(agent)).toEqual(['task.assigned t', 'task.withdrawn t: closed']);
    expect(await balancer.assign({ id: 'x' })).toEqual({ ok: false, reason: 'closed' });
    expect(balancer.add({ name: 'b' })).toEqual({ ok: false, reason: 'closed' });
    expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: false, reason: 'unknown' });
    expect([balancer.remove('a'), balancer.cancel('t'), balancer.setStrategy('weighted'), balancer.agent('a'), balancer.rebalance()]).toEqual([
      ...[false, false, false, null, []],
    ]);
  });

  it('fails when its desk is taken from it, and its supervisor starts another', async () => {
    const clock = new VirtualClock();
    const app = orchestrator({ actors: { work: loadBalancer() }, children: [{ id: 'work', src: 'work' }] }).start({ clock });
    ends.push(() => app.stop());
    const balancer = loadBalancerHandle(() => app.child('work'));
    const lost: unknown[] = [];
    balancer.on('balancer.agentAdded', (fact) => lost.push(fact));
    balancer.add({ name: 'a' });
    const { ended } = await given(balancer, { id: 't' });
    const ref = balancer.ref as LoadBalancerRef;
    kill(ref.getSnapshot().children.desk as AnyActorRef);
    expect(await ended).toMatchObject({ ok: false, reason: 'closed' });
    await clock.advanceByAsync(1);
    expect(balancer.ref).not.toBe(ref);
    expect(balancer.status()).toMatchObject({ state: 'open', agents: 0 });
    balancer.add({ name: 'a' });
    expect(lost).toHaveLength(2);
  });

  it('knows its strategy when it is restored, and nobody', async () => {
    const logic = loadBalancer({ strategy: 'roundRobin' });
    const first = createActor(logic).start();
    first.send({ type: 'strategy.set', strategy: 'leastLoaded' });
    const snapshot = first.getPersistedSnapshot();
    first.stop();
    const second = createActor(logic, { snapshot }).start();
    ends.push(() => second.stop());
    const balancer = loadBalancerHandle(second);
    for (const name of ['a', 'b']) balancer.add({ name });
    await given(balancer, { id: 'heavy', cost: 9 });
    expect(await turns(balancer, 3)).toEqual(['b', 'b', 'b']);
  });

  it('survives listeners that do anything', async () => {
    const { balancer } = room({ waitMs: 1_000 });
    balancer.on('balancer.assigned', ({ task }) => void (task === 'a' && balancer.remove('one')));
    balancer.on('balancer.agentLost', () => void balancer.add({ name: 'two' }));
    balancer.add({ name: 'one' });
    const { ended } = await given(balancer, { id: 'a' });
    const [assignment] = balancer.agent('two')?.tasks ?? [];
    expect(assignment).toMatchObject({ task: 'a' });
    if (assignment !== undefined) balancer.complete(assignment, { ok: true });
    expect(await ended).toMatchObject({ ok: true, agent: 'two' });
  });

  it('refuses what cannot be meant, before anything happens', async () => {
    const { balancer } = room({ thresholds: { cpu: 1 } });
    const misuse = expect.objectContaining({ code: 'balancer/invalid-options' }) as Error;
    const calls: (() => unknown)[] = [
      () => createLoadBalancer({ strategy: 'best' as never }),
      () => createLoadBalancer({ explore: 0 }),
      () => createLoadBalancer({ thresholds: { cpu: Number.NaN } }),
      () => createLoadBalancer({ onDeath: 'mourn' as never }),
      () => createLoadBalancer({ seed: 0.5 }),
      () => createLoadBalancer({ maxTask: 1 } as never),
      () => balancer.add({ name: '' }),
      () => balancer.add({ name: 'a', ref: {} as never }),
      () => balancer.add({ name: 'a', capabilities: 'draw' as never }),
      () => balancer.report('a', { memory: 1 }),
      () => balancer.complete(null as never, { ok: true }),
      () => balancer.complete({ task: 't', agent: 'a', number: 1 }, { ok: 1 as never }),
      () => balancer.complete({ task: 't', agent: 'a', number: 1 }, { ok: true, durationMs: -1 }),
      () => balancer.setStrategy('best' as never),
      () => balancer.rebalance({ begun: 1 as never }),
      () => balancer.on('balancer.nothing' as never, () => {}),
      () => loadBalancerHandle(createActor(loadBalancer()).system as never),
    ];
    for (const call of calls) expect(call).toThrow(misuse);
    await expect(balancer.assign({ id: 't', cost: 0 })).rejects.toEqual(misuse);
    await expect(balancer.assign({ id: 't' }, { signal: {} as never })).rejects.toEqual(misuse);
    await expect(balancer.assign({ id: 't' }, { waitMs: -1 })).rejects.toEqual(misuse);
    await expect(balancer.drain({ deadlineMs: 0 })).rejects.toEqual(misuse);
  });
});
