/** Coordination sessions: each ends in exactly one way, whatever happens to it, and none ends another. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import { coordinatorHandle } from '../../src/coordination/coordinator-handle.js';
import { coordinator as coordinatorLogic } from '../../src/coordination/coordinator.js';
import type { Protocol } from '../../src/coordination/protocol.js';
import { voting } from '../../src/coordination/voting.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { parentOf } from '../../src/supervision/xstate-internals.js';
import { ends } from '../ends.js';
import { actorOf, allBelow, begun, type Play, played, quick, room, treeRoom } from './session-room.js';
import { silent } from './scripted-agents.js';

const agents = ['ann', 'bob'];
const yes = (): unknown => ({ vote: 'yes' });

describe('a coordination session', () => {
  it('ends with what its protocol decides, which is kept by its id', async () => {
    const { coordinator, agents: scripted } = room({ ann: yes, bob: yes });
    const session = begun(coordinator, voting({ options: ['yes', 'no'] }), { agents, id: 's1' });
    expect([session.id, session.state, coordinator.resultOf('s1')]).toMatchObject(['s1', 'working', { state: 'active', session: { id: 's1' } }]);
    const result = await session.result();
    expect(result).toMatchObject({ outcome: 'decided', value: { option: 'yes' }, attempts: 1 });
    expect([session.state, coordinator.resultOf('s1')]).toEqual(['decided', { state: 'ended', result }]);
    expect(coordinator.resultOf('s2')).toEqual({ state: 'unknown' });
    expect(scripted.asked.map(({ key }) => key)).toEqual(['s1/vote', 's1/vote']);
  });

  it('runs its protocol as an actor of its own, below its supervisor', () => {
    const { coordinator } = room();
    const plays: Play[] = [];
    begun(coordinator, played(plays), { agents, id: 's1' });
    const above: string[] = [];
    for (let actor = plays[0]?.self; actor !== undefined; actor = parentOf(actor)) above.push(actor.id);
    expect(above).toEqual(['played', 'worker', 's1', 'pool', 'coordinator']);
  });

  it('fails with what its protocol says, and is not tried again', async () => {
    const { coordinator } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents });
    plays[0]?.end({ outcome: 'failed', why: 'noAgreement', details: [1] });
    expect(await session.result()).toEqual({ outcome: 'failed', why: 'noAgreement', details: [1], attempts: 1 });
    expect(plays).toHaveLength(1);
  });

  it('is tried again after a crash of its worker, with the same input, and has failed after the last attempt', async () => {
    const { coordinator, clock, pass } = room();
    const plays: Play[] = [];
    const retry = { attempts: 3, backoff: { minMs: 100, factor: 2, jitter: 0 } };
    const session = begun(coordinator, played(plays), { agents, retry, seed: 7 });
    const begunAt: number[] = [];
    for (const attempt of [0, 1, 2]) {
      begunAt.push(clock.now());
      plays[attempt]?.crash(new Error(`crash ${attempt}`));
      await clock.flush();
      expect(session.state).toBe(attempt < 2 ? 'pausing' : 'failed');
      await pass(attempt === 0 ? 100 : 200);
    }
    expect(begunAt).toEqual([0, 100, 300]);
    expect(plays.map(({ input }) => input)).toEqual(Array.from({ length: 3 }, () => ({ session: session.id, agents, seed: 7 })));
    expect(await session.result()).toEqual({ outcome: 'failed', why: 'crashed', details: 'Error: crash 2', attempts: 3 });
  });

  it('decides after a retry', async () => {
    const { coordinator, clock, pass } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents });
    plays[0]?.crash(new Error('once'));
    await clock.flush();
    await pass(100);
    plays[1]?.end({ outcome: 'decided', value: 'late' });
    expect(await session.result()).toEqual({ outcome: 'decided', value: 'late', attempts: 2 });
  });

  it.each([
    ['the chart of its protocol', false],
    ['its worker', true],
  ])('takes it for a crash where a stranger kills %s', async (_, isWorker) => {
    const { coordinator, pass } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents });
    exit(isWorker ? actorOf(coordinator, 'worker') : (plays[0]?.self as AnyActorRef), 'kill');
    expect([session.state, plays[0]?.signal.aborted]).toEqual(['pausing', true]);
    await pass(100);
    plays[1]?.end({ outcome: 'decided', value: 'again' });
    expect(await session.result()).toMatchObject({ outcome: 'decided', attempts: 2 });
  });

  it('has crashed where a stranger kills it itself, or its turn; others go on', async () => {
    const { coordinator } = room({}, { maxSessions: 2, maxWaiting: 1 });
    const plays: Play[] = [];
    const [one, two, three] = ['s1', 's2', 's3'].map((id) => begun(coordinator, played(plays), { agents, id }));
    exit(actorOf(coordinator, 'turn'), 'kill');
    expect(await three?.result()).toEqual({ outcome: 'failed', why: 'crashed', attempts: 0 });
    exit(actorOf(coordinator, 's1'), 'kill');
    expect(await one?.result()).toEqual({ outcome: 'failed', why: 'crashed', details: 'its session was killed', attempts: 1 });
    expect(plays.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    plays[1]?.end({ outcome: 'decided', value: 'mine' });
    expect(await two?.result()).toMatchObject({ outcome: 'decided' });
  });

  it('takes an outcome that is none, a chart that cannot be made, and a chart that ends otherwise for crashes', async () => {
    const { coordinator } = room();
    const retry = { attempts: 1 };
    const plays: Play[] = [];
    const strange = begun(coordinator, played(plays), { agents, retry });
    plays[0]?.end({ outcome: 'failed' } as never);
    expect(await strange.result()).toMatchObject({ why: 'crashed', details: 'it ended without an outcome' });
    const unmade: Protocol = {
      ...quick,
      logic: () => {
        throw new Error('no chart');
      },
    };
    expect(await begun(coordinator, unmade, { agents, retry }).result()).toMatchObject({ why: 'crashed', details: 'Error: no chart' });
  });

  it('is cancelled, and the agents are told', async () => {
    const { coordinator, agents: scripted } = room({ ann: yes, bob: () => silent });
    const session = begun(coordinator, voting({ options: ['yes', 'no'] }), { agents, id: 's1' });
    const gone = new AbortController();
    const other = begun(coordinator, voting({ options: ['yes', 'no'] }), { agents, id: 's2', signal: gone.signal });
    await Promise.resolve();
    session.cancel();
    gone.abort();
    expect([await session.result(), await other.result()]).toEqual([
      { outcome: 'cancelled', attempts: 1 },
      { outcome: 'cancelled', attempts: 1 },
    ]);
    expect(scripted.taken).toEqual(
      expect.arrayContaining([
        { agent: 'bob', key: 's1/vote' },
        { agent: 'bob', key: 's2/vote' },
      ]),
    );
    session.cancel();
    expect(session.state).toBe('cancelled');
  });

  it('expires by its deadline, whatever it does: as it waits, works or pauses', async () => {
    const { coordinator, pass, agents: scripted, clock } = room({ ann: () => silent }, { maxSessions: 2, maxWaiting: 1, withinMs: 1_000 });
    const plays: Play[] = [];
    const works = begun(coordinator, voting({ options: ['yes'], withinMs: 5_000 }), { agents: ['ann'] });
    const pauses = begun(coordinator, played(plays), { agents, retry: { backoff: { minMs: 4_000 } } });
    const waits = begun(coordinator, quick, { agents, withinMs: 999 });
    plays[0]?.crash(new Error('no'));
    await clock.flush();
    await pass(998);
    expect([works, pauses, waits].map(({ state }) => state)).toEqual(['working', 'pausing', 'queued']);
    await pass(2);
    expect(await Promise.all([works, pauses, waits].map((each) => each.result()))).toEqual([
      { outcome: 'expired', attempts: 1 },
      { outcome: 'expired', attempts: 1 },
      { outcome: 'expired', attempts: 0 },
    ]);
    expect(scripted.taken).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });
});

describe('a coordinator', () => {
  it('refuses what is beyond its bound, and has room again when a session has ended', async () => {
    const { coordinator } = room({}, { maxSessions: 100 });
    const plays: Play[] = [];
    const sessions = Array.from({ length: 100 }, () => begun(coordinator, played(plays), { agents }));
    const refused: unknown[] = [];
    coordinator.on('coordination.refused', (fact) => void refused.push(fact));
    expect(coordinator.run(quick, { agents, id: 'late' })).toEqual({ ok: false, reason: 'full' });
    expect(refused).toEqual([{ type: 'coordination.refused', session: 'late', protocol: 'quick', reason: 'full' }]);
    expect(coordinator.status()).toEqual({ state: 'serving', working: 100, waiting: 0, kept: 0 });
    plays[40]?.end({ outcome: 'decided', value: 'x' });
    await sessions[40]?.result();
    expect(await begun(coordinator, quick, { agents, id: 'late' }).result()).toMatchObject({ outcome: 'decided' });
  });

  it('lets as many wait as may, in the order in which they came', async () => {
    const { coordinator, clock } = room({}, { maxSessions: 1, maxWaiting: 2 });
    const plays: Play[] = [];
    const sessions = ['a', 'b', 'c'].map((id) => begun(coordinator, played(plays), { agents, id }));
    expect(coordinator.run(quick, { agents })).toEqual({ ok: false, reason: 'full' });
    expect([sessions.map(({ state }) => state), coordinator.status()]).toMatchObject([['working', 'queued', 'queued'], { working: 1, waiting: 2 }]);
    sessions[1]?.cancel();
    plays[0]?.end({ outcome: 'decided', value: 'x' });
    await clock.flush();
    expect(plays.map(({ input }) => input.session)).toEqual(['a', 'c']);
    expect(await sessions[1]?.result()).toEqual({ outcome: 'cancelled', attempts: 0 });
  });

  it('runs no two sessions of one id, also when the first has ended', async () => {
    const { coordinator } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents, id: 's1' });
    expect(coordinator.run(quick, { agents, id: 's1' })).toEqual({ ok: false, reason: 'taken' });
    plays[0]?.end({ outcome: 'decided', value: 'first' });
    await session.result();
    expect(coordinator.run(quick, { agents, id: 's1' })).toEqual({ ok: false, reason: 'taken' });
  });

  it('does not begin what was given up before', () => {
    const { coordinator } = room();
    const gone = AbortSignal.abort();
    expect(coordinator.run(quick, { agents, signal: gone })).toEqual({ ok: false, reason: 'cancelled' });
  });

  it('keeps so many results, so long', async () => {
    const { coordinator, pass } = room({}, { keepResults: 2, keepMs: 1_000 });
    for (const id of ['a', 'b', 'c']) await begun(coordinator, quick, { agents, id }).result();
    const states = (): string[] => ['a', 'b', 'c'].map((id) => coordinator.resultOf(id).state);
    expect(states()).toEqual(['unknown', 'ended', 'ended']);
    await pass(999);
    expect(states()).toEqual(['unknown', 'ended', 'ended']);
    await pass(1);
    expect([states(), coordinator.status().kept]).toEqual([['unknown', 'unknown', 'unknown'], 0]);
  });

  it('draws the same from the same id, and something else from another', () => {
    const { coordinator } = room();
    const plays: Play[] = [];
    for (const id of ['a', 'b']) begun(coordinator, played(plays), { agents, id });
    const again = room();
    begun(again.coordinator, played(plays), { agents, id: 'a' });
    const [a, b, alsoA] = plays.map(({ input }) => input.seed);
    expect([alsoA === a, b === a]).toEqual([true, false]);
  });

  const lost: SessionResult = { outcome: 'failed', why: 'coordinatorLost', attempts: 1 };

  it('fails its sessions when it is closed, and begins none after', async () => {
    const { coordinator } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents });
    await coordinator.close();
    expect(await session.result()).toEqual(lost);
    expect(plays[0]?.signal.aborted).toBe(true);
    expect(coordinator.run(quick, { agents })).toEqual({ ok: false, reason: 'closed' });
    expect(coordinator.status()).toMatchObject({ state: 'ended' });
    await coordinator.close();
  });

  it('drains: begins none any more, and ends with the last one', async () => {
    const { coordinator, pass } = room();
    const plays: Play[] = [];
    const [first, second] = [begun(coordinator, played(plays), { agents }), begun(coordinator, played(plays), { agents })];
    const drained = coordinator.drain({ deadlineMs: 500 });
    expect([coordinator.status().state, coordinator.run(quick, { agents })]).toEqual(['draining', { ok: false, reason: 'closed' }]);
    plays[0]?.end({ outcome: 'decided', value: 'x' });
    expect(await first.result()).toMatchObject({ outcome: 'decided' });
    await pass(500);
    await drained;
    expect(await second.result()).toEqual(lost);
  });

  it.each(['kill', 'shutdown', { crash: 'broken' }] as const)(
    'fails its sessions when it ends by %j, and is there again without them',
    async (reason) => {
      const { coordinator, app } = treeRoom();
      await app.started();
      const plays: Play[] = [];
      const session = begun(coordinator, played(plays), { agents, id: 's1' });
      const before = coordinator.ref as AnyActorRef;
      exit(before, reason);
      expect(await session.result()).toEqual(lost);
      expect(plays[0]?.signal.aborted).toBe(true);
      expect([coordinator.ref === before, coordinator.resultOf('s1')]).toEqual([false, { state: 'unknown' }]);
      expect(await begun(coordinator, quick, { agents, id: 's1' }).result()).toMatchObject({ outcome: 'decided' });
    },
  );

  it('fails its sessions when its tree is stopped', async () => {
    const { coordinator, app } = treeRoom();
    await app.started();
    const session = begun(coordinator, played(), { agents });
    await app.stop();
    expect(await session.result()).toEqual(lost);
  });

  it('is not restarted, nor are its sessions, by any number of crashes', async () => {
    const { coordinator, app } = treeRoom();
    await app.started();
    const restarts: unknown[] = [];
    app.on('child.restarted', (fact) => void restarts.push(fact));
    const plays: Play[] = [];
    const patient = begun(coordinator, played(plays), { agents });
    const before = coordinator.ref;
    for (let count = 0; count < 20; count++) {
      const session = begun(coordinator, played(plays), { agents, retry: { attempts: 1 } });
      plays.at(-1)?.crash(new Error('broken'));
      expect(await session.result()).toMatchObject({ why: 'crashed' });
      const killed = begun(coordinator, played(plays), { agents, id: `k${count}` });
      exit(actorOf(coordinator, `k${count}`), 'kill');
      expect(await killed.result()).toMatchObject({ why: 'crashed' });
    }
    expect([restarts, coordinator.ref === before, patient.state]).toEqual([[], true, 'working']);
  });

  it('fails what is restored from a snapshot: nobody knows what it ran', async () => {
    const { coordinator, app, clock, start } = treeRoom({}, { maxSessions: 1, maxWaiting: 1 });
    await app.started();
    for (const id of ['s1', 's2']) begun(coordinator, played(), { agents, id });
    const snapshot: unknown = JSON.parse(JSON.stringify(app.getPersistedSnapshot()));
    await app.stop();
    const again = start(snapshot);
    await clock.flush();
    expect(clock.pending()).toBe(0);
    const restored = again.child('coordinator') as AnyActorRef;
    expect(allBelow(restored).map((actor) => actor.id)).toEqual(['pool']);
    expect(coordinatorHandle(restored).status()).toMatchObject({ state: 'serving', working: 0, waiting: 0 });
  });

  it('tells what its sessions do, over its restarts too', async () => {
    const { coordinator, app, clock, pass } = treeRoom();
    const facts: string[] = [];
    const types = ['started', 'retrying', 'decided', 'failed', 'cancelled', 'expired'] as const;
    for (const type of types) coordinator.on(`coordination.${type}`, (fact) => void facts.push(`${fact.type.slice(13)} ${fact.session}`));
    await app.started();
    const plays: Play[] = [];
    begun(coordinator, played(plays), { agents, id: 'a' });
    plays[0]?.crash(new Error('x'));
    await clock.flush();
    await pass(100);
    plays[1]?.end({ outcome: 'decided', value: 'x' });
    await clock.flush();
    exit(coordinator.ref as AnyActorRef, 'kill');
    begun(coordinator, played(plays), { agents, id: 'b' }).cancel();
    begun(coordinator, played(plays), { agents, id: 'c', withinMs: 50 });
    await pass(50);
    expect(facts).toEqual(['started a', 'retrying a', 'decided a', 'started b', 'cancelled b', 'started c', 'expired c']);
  });

  it('is a dynamic supervisor: its sessions are its children', async () => {
    const { coordinator } = room();
    begun(coordinator, played(), { agents, id: 's1' });
    const children = await supervisorHandle(coordinator.ref as AnyActorRef).whichChildren();
    expect(children).toMatchObject([{ restarting: false, type: 'worker', ref: { id: 's1' } }]);
  });

  it('refuses misuse before anything starts', () => {
    const { coordinator } = room();
    const misuse = (options: object, protocol: unknown = quick): unknown => {
      try {
        return coordinator.run(protocol as Protocol, options as never);
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const invalid = 'coordination/invalid-options';
    expect([
      ...[misuse({ agents: ['ann', 'ann'] }), misuse({ agents: 'ann' }), misuse({ agents: [''] }), misuse({}), misuse({ agents, seed: 0.5 })],
      ...[misuse({ agents, withinMs: 0 }), misuse({ agents, retry: { attempts: 0 } }), misuse({ agents, retry: { backoff: { factor: 0 } } })],
      ...[misuse({ agents, id: '' }), misuse({ agents, signal: {} }), misuse({ agents, sead: 1 }), misuse({ agents }, {})],
    ]).toEqual(Array.from({ length: 12 }, () => invalid));
    expect(misuse({ agents: [] }, voting({ options: ['x'] }))).toBe('coordination/insufficient-agents');
    expect(() => coordinatorLogic({} as never)).toThrow(/requests/);
    expect(() => coordinatorLogic({ requests: { request: () => Promise.reject(new Error('x')) }, maxSessions: 0 })).toThrow(/maxSessions/);
    expect(() => coordinator.resultOf('')).toThrow(/id/);
    expect(() => coordinator.on('x' as never, () => {})).toThrow(/type/);
    const stranger = createActor(quick.logic({ request: () => Promise.reject(new Error('x')) }));
    ends.push(() => stranger.stop());
    expect(() => coordinatorHandle(stranger)).toThrow(/coordinator\(\)/);
    expect(coordinatorHandle(() => undefined).run(quick, { agents })).toEqual({ ok: false, reason: 'closed' });
  });
});
