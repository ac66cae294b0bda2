/** What may go wrong around a load balancer, and must not go wrong in it: reports that make no sense, agents that throw or go together, ends in the midst of a telling. */
import { describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, createActor, fromCallback, setup } from 'xstate';
import type { AgentReport, BalancerEmitted } from '../../machines/agents/balancer-events.js';
import { loadBalancer } from '../../src/agents/balancer.js';
import { loadBalancerHandle } from '../../src/agents/balancer-handle.js';
import { Outbox } from '../../src/agents/outbox.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, link } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { given, room, told, turns, worker } from './balancer-room.js';

describe('a report that makes no sense', () => {
  it.each([
    ['no text', { task: Object.create(null) as never, agent: Object.create(null) as never, number: 1 }],
    ['a symbol', { task: Symbol('t') as never, agent: 'a', number: 1 }],
    ['no assignment', null as never],
    ['a text without end', { task: 'x'.repeat(100_000), agent: 'a', number: 1 }],
  ])('is dropped and counted, and harms nobody: %s', async (_, assignment) => {
    const { balancer } = room();
    const dropped: BalancerEmitted[] = [];
    balancer.on('balancer.dropped', (fact) => dropped.push(fact));
    const { ref } = worker((news) => {
      if (news.type === 'task.assigned') news.replyTo.send({ type: 'task.completed', assignment, ok: true } satisfies AgentReport);
    });
    balancer.add({ name: 'a', ref });
    await given(balancer, { id: 't' });
    expect(balancer.status()).toMatchObject({ state: 'open', tasks: 1, dropped: { unknown: 1 } });
    expect(JSON.stringify(dropped).length).toBeLessThan(400);
    if (assignment !== null) expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: false, reason: 'unknown' });
  });
});

describe('an agent that throws when it is sent something', () => {
  it('has its task all the same, and whoever comes after it is told', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { balancer } = room();
    const { ref } = worker();
    const far = new Proxy(ref, {
      get: (target, key): unknown =>
        key === 'send'
          ? () => {
              throw new Error('no line');
            }
          : Reflect.get(target, key, target),
    });
    const facts: BalancerEmitted[] = [];
    balancer.on('balancer.assigned', (fact) => facts.push(fact));
    balancer.add({ name: 'far', ref: far });
    const { agent, assignment } = await given(balancer, { id: 't' });
    expect([agent, facts]).toMatchObject(['far', [{ task: 't' }]]);
    expect(balancer.complete(assignment, { ok: true })).toEqual({ ok: true });
    expect(print).toHaveBeenCalledTimes(1);
    print.mockRestore();
  });
});

describe('a signal', () => {
  it('gives a task up while its agent is being told of it', async () => {
    const { balancer } = room();
    const control = new AbortController();
    const agent = worker(({ type }) => void (type === 'task.assigned' && control.abort()));
    balancer.add({ name: 'a', ref: agent.ref });
    const { ended } = await given(balancer, { id: 't' }, { signal: control.signal });
    expect(await ended).toMatchObject({ ok: false, reason: 'cancelled' });
    expect(told(agent)).toEqual(['task.assigned t', 'task.withdrawn t: cancelled']);
    expect(balancer.status().tasks).toBe(0);
  });

  it('is listened to as long as its task has not ended, and not for another of the same id', async () => {
    const { balancer } = room();
    const { signal } = new AbortController();
    const listen = vi.spyOn(signal, 'addEventListener');
    const leave = vi.spyOn(signal, 'removeEventListener');
    const agent = worker((news) => {
      if (news.type === 'task.assigned' && told(agent).length === 1)
        news.replyTo.send({ type: 'task.completed', assignment: news.assignment, ok: false } satisfies AgentReport);
    });
    balancer.on('balancer.ended', () => void balancer.assign({ id: 't' }));
    balancer.add({ name: 'a', ref: agent.ref });
    expect((await given(balancer, { id: 't' }, { signal })).ended).toBeDefined();
    expect([listen.mock.calls.length, leave.mock.calls.length, balancer.status().tasks]).toEqual([1, 1, 1]);
  });
});

describe('agents that go together', () => {
  const idle = fromCallback(() => {});

  it('lose no task to each other that somebody else can do: their supervisor stops', async () => {
    // By turns, what the first one had goes to the next, who is still there then.
    const { balancer, clock } = room({ strategy: 'roundRobin' });
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const app = orchestrator({ actors: { idle }, children: ids.map((id) => ({ id, src: 'idle' as const })) }).start({ clock });
    await app.started();
    for (const name of ids) balancer.add({ name, ref: app.child(name) as AnyActorRef });
    const tasks = await turns(balancer, 10);
    balancer.add({ name: 'last', maxTasks: 10 });
    await app.stop();
    expect(tasks).toHaveLength(10);
    expect(balancer.agent('last')?.tasks).toHaveLength(10);
    expect(balancer.status()).toMatchObject({ agents: 1, tasks: 10, failed: 0 });
  });

  it('lose none: the actor that made them is stopped', async () => {
    const { balancer } = room();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const crew = setup({ actors: { idle } }).createMachine({ invoke: ids.map((id) => ({ id, src: 'idle' as const })) });
    const parent = createActor(crew).start();
    for (const name of ids) balancer.add({ name, ref: parent.getSnapshot().children[name] as AnyActorRef });
    await turns(balancer, 10);
    balancer.add({ name: 'last', maxTasks: 10 });
    parent.stop();
    expect(balancer.agent('last')?.tasks).toHaveLength(10);
    expect(balancer.status()).toMatchObject({ agents: 1, tasks: 10, failed: 0 });
  });

  it('lose none: they are linked, and have ended when the first one is told of', async () => {
    const { balancer } = room();
    const crew = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, ...worker() }));
    for (const { ref } of crew) for (const other of crew) if (other.ref !== ref) link(ref, other.ref);
    for (const { name, ref } of crew) balancer.add({ name, ref });
    await turns(balancer, 10);
    balancer.add({ name: 'last', maxTasks: 10 });
    exit(crew[0]?.ref as AnyActorRef, 'kill');
    expect(balancer.agent('last')?.tasks).toHaveLength(10);
    // Each has moved once: nobody was given to who was dead.
    expect(balancer.status()).toMatchObject({ agents: 1, failed: 0, moved: 10 });
  });

  it('leave a task that has killed so many, also where each says that it shut down by itself', async () => {
    const { balancer } = room({ maxAttempts: 2 });
    const quitter = setup({ types: { output: {} as string } }).createMachine({
      ...{ initial: 'well', output: () => 'shutdown' },
      states: { well: { on: { 'task.assigned': 'over' } }, over: { type: 'final' } },
    });
    for (const name of ['a', 'b', 'c']) balancer.add({ name, ref: createActor(quitter).start() });
    const { ended } = await given(balancer, { id: 'poison' });
    expect(await ended).toMatchObject({ ok: false, reason: 'spent', attempts: 2 });
    expect(balancer.status().agents).toBe(1);
  });

  it('may be removed one after the other: a task goes on to the last', async () => {
    const { balancer } = room({ maxAttempts: 1 });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) balancer.add({ name });
    const { ended } = await given(balancer, { id: 't' });
    const holder = (): string => names.find((name) => balancer.agent(name)?.tasks.length === 1) ?? '';
    for (let gone = 0; gone < 3; gone++) expect(balancer.remove(holder())).toBe(true);
    const [assignment] = balancer.agent(holder())?.tasks ?? [];
    if (assignment !== undefined) balancer.complete(assignment, { ok: true });
    expect(await ended).toMatchObject({ ok: true, attempts: 4 });
  });
});

describe('a balancer that comes after one that has failed', () => {
  it('takes no report of what that one has assigned', async () => {
    const clock = new VirtualClock();
    const app = orchestrator({ actors: { work: loadBalancer() }, children: [{ id: 'work', src: 'work' }] }).start({ clock });
    ends.push(() => app.stop());
    const balancer = loadBalancerHandle(() => app.child('work'));
    const begin = async () => {
      balancer.add({ name: 'a' });
      return (await given(balancer, { id: 't' })).assignment;
    };
    const before = await begin();
    exit(balancer.ref?.getSnapshot().children.desk as AnyActorRef, 'kill');
    await clock.advanceByAsync(1);
    const after = await begin();
    expect(balancer.complete(before, { ok: true })).toEqual({ ok: false, reason: 'unknown' });
    expect(balancer.complete(after, { ok: true })).toEqual({ ok: true });
  });
});

describe('an end in the midst of a telling', () => {
  it('comes after what was to be told before: nobody has a task taken away, and then given', async () => {
    const { balancer } = room();
    const [ann, bob] = [worker(), worker()];
    balancer.add({ name: 'ann', ref: ann.ref });
    await turns(balancer, 3);
    balancer.add({ name: 'bob', ref: bob.ref });
    balancer.on('balancer.moved', () => void balancer.close());
    balancer.remove('ann');
    const ids = ['t0', 't1', 't2'];
    expect(told(bob)).toEqual([...ids.map((id) => `task.assigned ${id}`), ...ids.map((id) => `task.withdrawn ${id}: closed`)]);
  });
});

describe('an outbox', () => {
  it('tells all in order, what is set off after it, and throws the first fault at the end', () => {
    const outbox = new Outbox();
    const heard: string[] = [];
    const fail = (what: string) => (): never => {
      heard.push(what);
      throw new Error(what);
    };
    outbox.add(() => {
      heard.push('a');
      outbox.add(() => heard.push('d'));
      outbox.tell();
    });
    outbox.add(fail('b'));
    outbox.add(fail('c'));
    expect(() => outbox.tell()).toThrow('b');
    outbox.add(() => heard.push('e'));
    outbox.tell();
    expect(heard).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('tells each once, however many one sets off', () => {
    const outbox = new Outbox();
    const heard: number[] = [];
    const tell = (index: number) => (): void => {
      heard.push(index);
      if (index < 5_000) outbox.add(tell(index + 2));
    };
    outbox.add(tell(0));
    outbox.add(tell(1));
    outbox.tell();
    expect(heard).toEqual([...Array(5_002).keys()]);
  });
});

describe('what is known of an agent’s pace', () => {
  const made = (durationMs = 10) => {
    const { balancer } = room({ strategy: 'weighted' });
    let count = 0;
    const one = async (ok: boolean): Promise<string> => {
      const { agent, assignment } = await given(balancer, { id: `t${count++}` });
      balancer.complete(assignment, { ok, durationMs });
      return agent;
    };
    return { balancer, one };
  };

  it('stays a number however often it fails, and is soon what it was when it is well again', async () => {
    const { balancer, one } = made();
    balancer.add({ name: 'a' });
    await one(true);
    for (let index = 0; index < 5_000; index++) await one(false);
    expect(balancer.agent('a')?.meanMs).toBeCloseTo(1_000);
    for (let index = 0; index < 20; index++) await one(true);
    expect(balancer.agent('a')?.meanMs).toBeLessThan(11);
  });

  it('is nothing as long as all has failed, and then what was done', async () => {
    const { balancer, one } = made();
    balancer.add({ name: 'a' });
    await one(false);
    expect(balancer.agent('a')?.meanMs).toBeNull();
    await one(true);
    expect(balancer.agent('a')?.meanMs).toBeGreaterThanOrEqual(10);
  });

  it('does not let a newcomer that always fails have all the turns in which something is to be found out', async () => {
    const { balancer } = room({ strategy: 'weighted' });
    const names = ['quick', 'b', 'c', 'd', 'broken'];
    for (const name of names) balancer.add({ name });
    const count = new Map<string, number>();
    for (let index = 0; index < 2_000; index++) {
      const { agent, assignment } = await given(balancer, { id: `t${index}` });
      count.set(agent, (count.get(agent) ?? 0) + 1);
      balancer.complete(assignment, { ok: agent !== 'broken', durationMs: agent === 'quick' ? 5 : 10 });
    }
    const [, ...others] = names.map((name) => count.get(name) ?? 0);
    // Of a tenth of 2 000 each of the four has its part.
    for (const turnsOfIt of others) expect(turnsOfIt).toBeGreaterThan(25);
    for (const turnsOfIt of others) expect(turnsOfIt).toBeLessThan(100);
  });
});

describe('time that goes by at once', () => {
  it('ends what is late in a jump, each once', async () => {
    const { balancer, pass } = room({ maxTasksPerAgent: 1, reassignWithinMs: 10 });
    const { ref } = worker();
    balancer.add({ name: 'a', ref });
    const first = await given(balancer, { id: 'first', deadlineMs: 1_000 });
    const waiting = balancer.assign({ id: 'second', deadlineMs: 500 }, { waitMs: 100 });
    exit(ref, 'kill');
    await pass(1_000_000);
    expect([await waiting, await first.ended]).toMatchObject([
      { ok: false, reason: 'late' },
      { ok: false, reason: 'noSuitableAgent' },
    ]);
    expect(balancer.status()).toMatchObject({ waiting: 0, tasks: 0, refused: 1, failed: 1 });
  });
});
