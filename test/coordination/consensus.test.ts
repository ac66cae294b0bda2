/** A log that many agree on: a quorum of accepts decides an index, once; what is aborted never is; everyone hears the same, in order. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { consensus as consensusLogic, type ConsensusRef } from '../../src/coordination/consensus.js';
import { type Consensus, consensusHandle } from '../../src/coordination/consensus-handle.js';
import type { ConsensusOptions } from '../../src/coordination/consensus-options.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { facts, next, says, world } from './consensus-room.js';

const indexes = (heard: readonly object[]): unknown[] =>
  heard.filter((fact) => (fact as { type: string }).type === 'consensus.decided').map((fact) => (fact as { index: number }).index);

describe('a log', () => {
  it('has a value at an index once a quorum has accepted it, with a token that rises, and everyone hears it', async () => {
    const { member, pass } = world();
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((id) => member(id, { vote: says('accept') })) as [Consensus, Consensus, Consensus];
    const heard = [ann, bob, eve].map(facts);
    const first = await ann.propose({ go: 'north' });
    const second = await bob.propose([1, null]);
    await pass(10);
    expect(first).toMatchObject({ ok: true, index: 1, value: { go: 'north' } });
    expect(second).toMatchObject({ ok: true, index: 2, value: [1, null] });
    expect(first.ok && second.ok && first.token < second.token).toBe(true);
    for (const each of heard) {
      expect(each.filter((fact) => 'by' in fact && 'token' in fact)).toMatchObject([
        { type: 'consensus.decided', index: 1, value: { go: 'north' }, by: 'ann', token: first.ok && first.token },
        { type: 'consensus.decided', index: 2, value: [1, null], by: 'bob', token: second.ok && second.token },
      ]);
    }
    expect(await eve.decided(1)).toMatchObject({ ok: true, decision: { value: { go: 'north' }, by: 'ann', token: first.ok && first.token } });
    expect(await eve.decided(2)).toMatchObject({ ok: true, decision: { value: [1, null] } });
    expect(await eve.decided(3)).toEqual({ ok: false, reason: 'undecided' });
  });

  it('decides nothing where a minority accepts, and the proposal is late', async () => {
    const { member, pass } = world();
    const ann = member('ann', { vote: says('accept') });
    const outcome = ann.propose('alone', { withinMs: 500 });
    await pass(500);
    expect(await outcome).toEqual({ ok: false, reason: 'late' });
    const bob = member('bob', { vote: says('accept') });
    const heard = facts(bob);
    await pass(1_000);
    expect(heard).toEqual([]);
    expect(await bob.decided(1)).toEqual({ ok: false, reason: 'undecided' });
  });

  it.each([
    ['rejected', ['reject', 'reject', 'accept'], {}],
    ['rejected', ['reject', 'reject', 'reject'], {}],
    ['noQuorum', ['accept', 'abstain', 'abstain'], {}],
    ['noQuorum', ['accept', 'reject', 'abstain'], {}],
    ['noQuorum', ['accept', 'accept', 'abstain'], { quorum: 3 }],
  ] as const)('%s where the votes are %j (%j)', async (reason, votes, options) => {
    const { member } = world();
    const [ann] = (['ann', 'bob', 'eve'] as const).map((id, at) => member(id, { ...options, vote: says(votes[at] ?? 'accept') })) as [Consensus];
    expect(await ann.propose('no')).toEqual({ ok: false, reason });
    expect(await ann.decided(1)).toEqual({ ok: false, reason: 'undecided' });
  });

  it('counts an abstention for participation only where that is asked', async () => {
    const { member, pass } = world();
    const all = { participation: 3 };
    const ann = member('ann', { ...all, vote: says('accept') });
    member('bob', { ...all, vote: says('accept') });
    const outcome = ann.propose('wanted by all', { withinMs: 2_000 });
    await pass(1_000);
    expect(ann.status()).toMatchObject({ state: 'open', next: 1 });
    member('eve', { ...all, vote: says('abstain') });
    await pass(10);
    expect(await outcome).toMatchObject({ ok: true, index: 1 });
  });

  it('lets as many vote as there may be, where their names are not told', async () => {
    const { member, pass } = world(2);
    const [ann, bob] = [member('ann', { vote: says('accept') }), member('bob', { vote: says('reject') })];
    expect(await ann.propose(1)).toEqual({ ok: false, reason: 'rejected' });
    await bob.close();
    member('joe', { vote: says('accept') });
    const outcome = ann.propose(2);
    await pass(10);
    expect(await outcome).toMatchObject({ ok: true, index: 1 });
  });

  it('takes one of two proposals at an index: the other hears what won, or goes on to the next', async () => {
    const { member, pass } = world();
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((id) => member(id, { vote: says('accept') })) as [Consensus, Consensus, Consensus];
    const outcomes = [ann.propose('a', { index: 1 }), bob.propose('b', { index: 1 }), eve.propose('e')];
    await pass(1_000);
    const [a, b, e] = await Promise.all(outcomes);
    const won = await ann.decided(1);
    const winner = won.ok ? won.decision : null;
    for (const [value, outcome] of [['a', a] as const, ['b', b] as const]) {
      expect(outcome).toMatchObject(winner?.value === value ? { ok: true, index: 1 } : { ok: false, reason: 'beaten', winner });
    }
    expect(e?.ok).toBe(true);
    expect([a, b, e].filter((each) => each?.ok)).toHaveLength(winner?.value === 'e' ? 1 : 2);
    expect(await eve.propose('far', { index: 9 })).toEqual({ ok: false, reason: 'ahead' });
  });

  it('has one proposal of a member at a time', async () => {
    const { member, pass } = world();
    const ann = member('ann');
    const first = ann.propose(1, { withinMs: 100 });
    expect(await ann.propose(2)).toEqual({ ok: false, reason: 'busy' });
    await pass(100);
    expect(await first).toEqual({ ok: false, reason: 'late' });
  });

  it('keeps a window of decisions, and tells who comes late what it misses', async () => {
    const { member, backend, pass } = world(1);
    const ann = member('ann', { vote: says('accept'), window: 3 });
    for (let index = 1; index <= 8; index++) expect(await ann.propose(index * 10)).toMatchObject({ ok: true, index });
    const kept = await backend.list('consensus/a/at/');
    expect(kept.outcome === 'ok' && kept.entries.length).toBe(3);
    expect(await ann.decided(4)).toEqual({ ok: false, reason: 'truncated' });
    expect(await ann.decided(5)).toMatchObject({ ok: true, decision: { value: 50 } });
    const [late, later] = [facts(member('bob')), facts(member('eve', { from: 7 }))];
    await pass(10);
    expect(late[0]).toEqual({ type: 'consensus.missed', name: 'a', from: 1, to: 4 });
    expect([indexes(late), indexes(later)]).toEqual([
      [5, 6, 7, 8],
      [7, 8],
    ]);
    expect(await ann.propose(1, { index: 2 })).toEqual({ ok: false, reason: 'beaten', winner: null });
  });

  it('counts the first vote of a voter, and tells of another', async () => {
    const { member, pass } = world();
    let say: (vote: 'reject') => void = () => {};
    const slow = member('bob', { vote: () => new Promise((resolve) => void (say = resolve)) });
    const outcome = member('ann').propose(1, { withinMs: 1_000 });
    const [twin, ignored] = [member('bob', { vote: says('accept') }), next(slow, 'consensus.ignored')];
    await next(twin, 'consensus.voted');
    say('reject');
    expect(await ignored).toEqual({ type: 'consensus.ignored', name: 'a', index: 1, vote: 'reject', counted: 'accept' });
    await pass(1_000);
    expect(await outcome).toEqual({ ok: false, reason: 'late' });
  });
});

describe('a voter', () => {
  it.each<[string, ConsensusOptions['vote'], string]>([
    ['throws', () => Promise.reject(new Error('no')), 'crashed'],
    ['says what is no vote', (() => 'yes') as never, 'crashed'],
    ['says nothing in time', () => new Promise<never>(() => {}), 'late'],
  ])('that %s abstains', async (_, vote, why) => {
    const { member, pass } = world(1);
    const ann = member('ann', { voteMs: 200, ...(vote === undefined ? {} : { vote }) });
    const voted = next(ann, 'consensus.voted');
    const outcome = ann.propose(1);
    await pass(200);
    expect(await outcome).toEqual({ ok: false, reason: 'noQuorum' });
    expect(await voted).toEqual({ type: 'consensus.voted', name: 'a', index: 1, by: 'ann', vote: 'abstain', why });
  });

  it('is told that its vote is not wanted any more, and is not heard after an abort', async () => {
    const { member, pass } = world(1);
    let say: (vote: 'accept') => void = () => {};
    let signal: AbortSignal | undefined;
    const ann = member('ann', {
      vote: (_, info) => {
        ({ signal } = info);
        return new Promise((resolve) => void (say = resolve));
      },
    });
    const outcome = ann.propose(1, { withinMs: 100 });
    await pass(100);
    expect(await outcome).toEqual({ ok: false, reason: 'late' });
    expect(signal?.aborted).toBe(true);
    say('accept');
    await pass(1_000);
    expect(await ann.decided(1)).toEqual({ ok: false, reason: 'undecided' });
  });

  it('is given a copy of the value', async () => {
    const { member } = world(1);
    const ann = member('ann', {
      vote: (value) => {
        (value as { go: string }).go = 'south';
        return 'accept';
      },
    });
    expect(await ann.propose({ go: 'north' })).toMatchObject({ ok: true, value: { go: 'north' } });
  });
});

describe('a proposer', () => {
  it('that dies gives way: the others see its proposal off, once its lease is over', async () => {
    const { member, pass } = world();
    const frozen = new VirtualClock();
    const ann = member('ann', {}, undefined, frozen);
    const bob = member('bob', { vote: says('abstain') });
    // Its process runs on, but for its clock: it may be the first to see that its own lease is over.
    const heard = [ann, bob].map(facts);
    const dead = ann.propose('left');
    await next(bob, 'consensus.voted');
    const outcome = bob.propose('mine', { withinMs: 20_000 });
    await pass(2_999);
    expect(bob.status().state).toBe('queueing');
    await pass(10);
    expect(heard.flat()).toContainEqual({ type: 'consensus.abandoned', name: 'a', index: 1, by: 'ann' });
    expect(bob.status().state).toBe('open');
    member('eve', { vote: says('abstain') });
    await pass(10);
    expect(await outcome).toEqual({ ok: false, reason: 'noQuorum' });
    // It finds out when it wakes: what was aborted is not its own to decide any more.
    await frozen.advanceByAsync(10_000);
    expect(await dead).toMatchObject({ ok: false, reason: 'abandoned' });
    await ann.close();
  });

  it('that is killed leaves nothing open, and nobody knows what became of it', async () => {
    const { member, backend, clock, pass } = world();
    const actors = { plan: consensusLogic(backend, { name: 'a', id: 'ann', voters: ['ann', 'bob', 'eve'], ttlMs: 3_000 }) };
    const app = orchestrator({ actors, children: [{ id: 'plan', src: 'plan', restart: 'temporary' }] }).start({ clock });
    ends.push(() => app.stop());
    await app.started();
    const ann = consensusHandle(() => app.child('plan'));
    const bob = member('bob', { vote: says('accept') });
    const abandoned = next(bob, 'consensus.abandoned');
    const outcome = ann.propose(1);
    await next(bob, 'consensus.voted');
    exit(app.child('plan') as AnyActorRef, 'kill');
    expect(await outcome).toEqual({ ok: false, reason: 'unknown' });
    await pass(10);
    expect(await abandoned).toMatchObject({ index: 1, by: 'ann' });
    expect(await ann.propose(1)).toEqual({ ok: false, reason: 'closed' });
    expect(ann.status().state).toBe('ended');
  });

  it('waits until the signal, the deadline, or its close, and then nothing of it is open', async () => {
    const { member, backend, pass } = world();
    const signalled = new AbortController();
    const [ann, bob, eve] = [member('ann'), member('bob'), member('eve')];
    const outcomes = [ann.propose(1, { signal: signalled.signal }), bob.propose(2, { withinMs: 500 }), eve.propose(3)];
    await pass(100);
    signalled.abort();
    await pass(400);
    await eve.close();
    expect(await Promise.all(outcomes)).toEqual(['cancelled', 'late', 'closed'].map((reason) => ({ ok: false, reason })));
    expect(await ann.propose(1, { signal: signalled.signal })).toEqual({ ok: false, reason: 'cancelled' });
    expect(await eve.propose(1)).toEqual({ ok: false, reason: 'closed' });
    expect(await backend.get('consensus/a/log')).toMatchObject({ entry: { value: { open: null, next: 1 } } });
    expect(await backend.list('consensus/a/by/')).toMatchObject({ entries: [] });
  });

  it('is refused where the log is of others, where its value is too large, and where the backend is closed or full', async () => {
    const { member, clock, pass } = world();
    const ann = member('ann', { vote: says('accept') });
    const outcome = ann.propose(1, { withinMs: 100 });
    await pass(100);
    expect(await outcome).toEqual({ ok: false, reason: 'late' });
    const other = member('bob', { quorum: 3, vote: says('accept') });
    const heard = facts(other);
    expect(await other.propose(1)).toEqual({ ok: false, reason: 'mismatch' });
    await pass(10);
    expect(heard).toContainEqual({ type: 'consensus.mismatched', name: 'a' });
    expect(await other.decided(1)).toEqual({ ok: false, reason: 'mismatch' });
    expect(await member('bob', { maxValueBytes: 5 }).propose('long')).toEqual({ ok: false, reason: 'tooLarge' });
    const closed = memoryBackend({ clock });
    await closed.close();
    expect(await member('ann', {}, closed).propose(1)).toEqual({ ok: false, reason: 'closed' });
    const small = memoryBackend({ clock, maxLeases: 1 });
    await small.grant(60_000);
    expect(await member('ann', {}, small).propose(1)).toEqual({ ok: false, reason: 'full' });
    await small.close();
  });

  it('is not waited for when it is restored from a snapshot, and decisions are told from where they were', async () => {
    const { member, backend, clock, pass } = world(2);
    const bob = member('bob', { vote: says('accept') });
    const logic = consensusLogic(backend, { name: 'a', id: 'ann', voters: 2, ttlMs: 3_000, vote: says('accept') });
    const first = createActor(logic, { clock }).start();
    expect(await consensusHandle(first).propose('one')).toMatchObject({ ok: true, index: 1 });
    const open = bob.propose('two', { withinMs: 50 });
    await pass(1);
    void consensusHandle(first).propose('three');
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();
    await pass(100);
    expect(await open).toMatchObject({ ok: true, index: 2 });
    const restored = createActor(logic, { clock, snapshot });
    const again = consensusHandle(restored);
    const heard = facts(again);
    restored.start();
    await pass(100);
    expect(again.status().state).toBe('idle');
    expect(await again.propose('four')).toMatchObject({ ok: true, index: 3 });
    expect(indexes(heard)).not.toContain(1);
    await again.close();
  });
});

describe('the chart of a member, told by events alone', () => {
  it('has a value decided; also after it was restored while it proposed', async () => {
    const { member, backend, clock, pass } = world(2);
    const logic = consensusLogic(backend, { name: 'a', id: 'ann', voters: 2, ttlMs: 3_000, vote: says('accept') });
    const told = async (snapshot?: object): Promise<{ heard: string[]; ref: ConsensusRef }> => {
      const ref = createActor(logic, { clock, ...(snapshot === undefined ? {} : { snapshot: snapshot as never }) });
      const heard: string[] = [];
      ref.on('consensus.proposed', ({ ref: of, index }) => void heard.push(`${of} at ${index}`));
      ref.on('consensus.won', ({ ref: of, decision }) => void heard.push(`${of} won ${decision.index}`));
      ref.on('consensus.refused', ({ reason }) => void heard.push(reason));
      ref.start();
      await pass(10);
      ref.send({ type: 'consensus.propose', ref: 'mine', value: 1, index: null, withinMs: 60_000 });
      await pass(10);
      return { heard, ref };
    };
    const first = await told();
    expect(first.heard).toEqual(['mine at 1']);
    const proposing = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    const bob = member('bob', { vote: says('accept') });
    await pass(10);
    expect(first.heard).toEqual(['mine at 1', 'mine won 1']);
    const idle = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    first.ref.stop();
    const second = await told(idle);
    expect(second.heard).toEqual(['mine at 2', 'mine won 2']);
    second.ref.stop();
    const third = await told(proposing);
    expect(third.heard).toEqual(['unknown', 'mine at 3', 'mine won 3']);
    third.ref.stop();
    await bob.close();
  });
});

describe('a log on a bad line', () => {
  it.each(['loseRequest', 'loseAnswer', 'unavailable', 'duplicate'] as const)('has a value once, whatever call %s happens to', async (fault) => {
    for (let at = 0; at < 10; at++) {
      const { backend, member, pass } = world(2);
      const line = (): Backend => faultyBackend(backend, ({ index }) => (index === at ? fault : null));
      const [ann, bob] = [member('ann', { vote: says('accept') }, line()), member('bob', { vote: says('accept') }, line())];
      const heard = facts(bob);
      const outcomes = [ann.propose('a'), bob.propose('b')];
      await pass(4_000);
      const decided = await Promise.all(outcomes);
      expect(new Set(decided.map((each) => each.ok && each.index))).toEqual(new Set([1, 2]));
      expect(indexes(heard)).toEqual([1, 2]);
    }
  });

  it('says that nobody knows, where nobody can be asked any more', async () => {
    const { member, backend, pass } = world();
    let isDown = false;
    const ann = member(
      'ann',
      {},
      faultyBackend(backend, () => (isDown ? 'loseRequest' : null)),
    );
    const opened = next(ann, 'consensus.proposed');
    const outcome = ann.propose(1, { withinMs: 500 });
    await opened;
    isDown = true;
    await pass(4_500);
    expect(await outcome).toEqual({ ok: false, reason: 'unknown' });
    isDown = false;
  });

  it('fails where its backend crashes, and answers so', async () => {
    const { member, backend } = world();
    const broken = new Proxy(backend, {
      get: (target, name: keyof Backend) => (name === 'grant' ? () => Promise.reject(new Error('no more')) : target[name].bind(target)),
    });
    const ann = member('ann', {}, broken);
    expect(await ann.propose(1)).toEqual({ ok: false, reason: 'unknown' });
    expect(ann.status().state).toBe('ended');
  });
});
