/** Elections on a backend in memory, on the virtual clock: who leads, until when, and what becomes of those who depend on it. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback, fromPromise } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import { leader } from '../../src/coordination/leader.js';
import { leaderHandle } from '../../src/coordination/leader-handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { ground, noting } from './leader-ground.js';

describe('an election', () => {
  it('has one leader, and who came next follows when it resigns, with a higher term and token', async () => {
    const { clock, join, leading } = ground();
    const notes: string[] = [];
    const a = await join('a', { work: noting('a', notes) });
    const b = await join('b', { work: noting('b', notes) });
    const c = await join('c', { work: noting('c', notes) });
    expect(leading()).toEqual(['a']);
    const first = a.handle.leadership();
    expect(a.handle.resign()).toEqual({ ok: true });
    expect(leading()).toEqual([]);
    expect(first?.signal.aborted).toBe(true);
    await clock.flush();
    expect(leading()).toEqual(['b']);
    const second = b.handle.leadership();
    expect([first?.term, second?.term]).toEqual([1, 2]);
    expect(second?.token).toBeGreaterThan(first?.token ?? Infinity);
    b.handle.resign();
    await clock.flush();
    expect(leading()).toEqual(['c']);
    c.handle.resign();
    await clock.flush();
    expect(leading()).toEqual(['a']);
    expect(clock.now()).toBe(0);
    expect(notes).toEqual([
      ...['a begins in term 1', 'a ends', 'b begins in term 2', 'b ends', 'c begins in term 3', 'c ends', 'a begins in term 4'],
    ]);
  });

  it('tells observers who leads, and they stand when they are told to', async () => {
    const { clock, join, leading } = ground();
    const o = await join('o', { stands: false });
    const a = await join('a');
    expect(o.handle.status()).toMatchObject({ part: 'observing', isFollowing: true, leader: { id: 'a', term: 1 } });
    a.handle.withdraw();
    await clock.flush();
    expect(o.handle.status().leader).toBeNull();
    expect(o.facts).toEqual(['changed a 1', 'changed null 1']);
    expect(leading()).toEqual([]);
    o.handle.stand();
    await clock.flush();
    expect(leading()).toEqual(['o']);
    expect(a.handle.status()).toMatchObject({ part: 'observing', leader: { id: 'o', term: 2 } });
    expect(a.facts).toContain('resigned 1 3 withdrawn');
  });

  it('goes on when its leader is stopped, at once', async () => {
    const { clock, backend, join, leading } = ground();
    const a = await join('a');
    await join('b');
    (a.actor as unknown as { stop(): void }).stop();
    expect(leading()).toEqual([]);
    await clock.flush();
    expect(leading()).toEqual(['b']);
    expect(await backend.status()).toMatchObject({ leases: 1 });
    expect(a.handle.status()).toEqual({ part: 'ended', leader: null, isFollowing: false });
    expect([a.handle.resign(), a.handle.stand()]).toEqual([
      { ok: false, reason: 'ended' },
      { ok: false, reason: 'ended' },
    ]);
  });

  it('goes on when the lease of its leader has run out, never before the leader knows', async () => {
    const { clock, line, join, leading } = ground();
    const notes: string[] = [];
    const a = await join('a', { work: noting('a', notes) });
    await join('b', { stands: false });
    // Nobody hears of its renewals, and they do not arrive.
    line.next(...Array.from({ length: 12 }, () => 'loseRequest' as const));
    await clock.advanceByAsync(809);
    expect(leading()).toEqual(['a']);
    await clock.advanceByAsync(1);
    expect(leading()).toEqual([]);
    expect(notes).toEqual(['a begins in term 1', 'a ends']);
    expect(a.facts).toContain('lost 1 3 expired');
    await clock.advanceByAsync(10_000);
    expect(leading()).toEqual(['a']);
    expect(notes.at(-1)).toBe('a begins in term 2');
  });

  it('is led by nobody whose own clock says that its time is over, though no timer has said so', async () => {
    const { clock, join } = ground();
    let late = 0;
    const { backend } = ground();
    const actor = createActor(leader({ backend, election: 'planner', id: 'a', ttlMs: 900 }), {
      clock: {
        now: () => clock.now() + late,
        setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
        clearTimeout: (id: unknown) => clock.clearTimeout(id),
      } as never,
    }).start();
    ends.push(() => actor.stop());
    await join('other');
    const handle = leaderHandle(actor);
    expect(handle.isLeading()).toBe(true);
    late = 810;
    expect(handle.isLeading()).toBe(false);
    expect(handle.status().part).toBe('backingOff');
  });

  // The seat was taken and nobody heard, or was not asked for, or is taken later; the backend is not there; or it is asked twice.
  it.each(['loseAnswer', 'loseRequest', 'delay', 'unavailable', 'duplicate'] as const)(
    'has one leader where its first claim meets %s',
    async (fault) => {
      const { clock, line, backend, join, leading } = ground();
      const a = await join('a', { stands: false });
      a.handle.stand();
      // A grant and a candidate's place come before it.
      const plan: (typeof fault | undefined)[] = [undefined, undefined, fault];
      const { compareAndSet } = line;
      line.compareAndSet = (...call) => {
        if (call[0].endsWith('/seat')) {
          const next = plan.splice(0).at(-1);
          if (next !== undefined) line.next(next);
        }
        return compareAndSet.apply(line, call);
      };
      await clock.advanceByAsync(300);
      expect(leading()).toEqual(['a']);
      await line.deliver();
      await clock.advanceByAsync(2_000);
      expect(leading()).toEqual(['a']);
      const seat = await backend.get('elections/planner/seat');
      expect(seat).toMatchObject({ entry: { value: { id: 'a', term: 1 }, revision: a.handle.leadership()?.token } });
    },
  );

  it('does not take a seat that somebody else has taken for its own', async () => {
    const { clock, backend, join, leading } = ground();
    const a = await join('a', { stands: false });
    await backend.compareAndSet('elections/planner/seat', 0, { id: 'old', lease: 'lease-of-nobody', term: 7 });
    a.handle.stand();
    await clock.flush();
    expect(leading()).toEqual(['a']);
    expect(a.handle.leadership()?.term).toBe(8);
  });

  it('goes on after more was changed than its participants were told of', async () => {
    const { clock, backend, join, leading } = ground({ maxHistory: 3 });
    const a = await join('a');
    const o = await join('o', { stands: false });
    a.handle.resign();
    await Promise.all(Array.from({ length: 50 }, (_, index) => backend.compareAndSet(`elections/planner/noise-${index}`, 0, {})));
    await clock.advanceByAsync(2_000);
    expect(leading()).toEqual(['a']);
    expect(o.handle.status()).toMatchObject({ isFollowing: true, leader: { id: 'a', term: 2 } });
    expect(o.facts).toContainEqual(expect.stringMatching(/^retrying following gap/));
  });

  it('sees all candidates where they are more than a page', async () => {
    const { clock, backend, join, leading } = ground();
    const before = await join('before', { stands: false });
    for (let index = 0; index < 1_100; index++)
      await backend.compareAndSet(`elections/planner/candidates/zz-${String(index).padStart(4, '0')}`, 0, {});
    const a = await join('a');
    await clock.advanceByAsync(100);
    expect(leading()).toEqual([]);
    expect([a.handle.status().part, before.handle.status().isFollowing]).toEqual(['waiting', true]);
  });
});

describe('what depends on leading', () => {
  it.each([
    ['crashes', 'crashed', fromPromise(async () => Promise.reject(new Error('boom')))],
    ['is done', 'finished', fromPromise(async () => 'all')],
  ])('has its leader resign when it %s', async (_, because, work) => {
    const { clock, join, leading } = ground();
    const a = await join('a', { stands: false, work });
    const b = await join('b', { stands: false });
    a.handle.stand();
    await clock.flush();
    a.handle.withdraw();
    b.handle.stand();
    await clock.flush();
    expect(a.facts).toContain(`resigned 1 3 ${because}`);
    expect(leading()).toEqual(['b']);
  });

  it('has its leader resign when somebody kills it', async () => {
    const { clock, join, leading } = ground();
    const a = await join('a', { work: fromCallback(() => {}) });
    await join('b');
    exit(childrenOf(a.actor).find(({ id }) => id === 'work') as AnyActorRef, 'kill');
    await clock.flush();
    expect(a.facts).toContain('resigned 1 3 ended');
    expect(leading()).toEqual(['b']);
  });

  it.each(['candidacy', 'follower'])('outlasts the loss of the actor %s, or is begun anew', async (part) => {
    const { clock, join, leading } = ground();
    const a = await join('a');
    exit(childrenOf(a.actor).find(({ id }) => id === part) as AnyActorRef, 'kill');
    expect(leading()).toEqual(part === 'candidacy' ? [] : ['a']);
    await clock.advanceByAsync(2_000);
    expect(leading()).toEqual(['a']);
    expect(a.handle.status().isFollowing).toBe(true);
  });

  it('is not begun by one that was restored from a snapshot of a leader, before it is elected anew', async () => {
    const { clock, line, join } = ground();
    const a = await join('a');
    const snapshot: unknown = JSON.parse(JSON.stringify((a.actor as unknown as { getPersistedSnapshot(): unknown }).getPersistedSnapshot()));
    const other = createActor(leader({ backend: line, election: 'planner', id: 'a2', ttlMs: 900 }), { clock, snapshot: snapshot as never }).start();
    ends.push(() => other.stop());
    await clock.flush();
    expect(leaderHandle(other).status()).toMatchObject({ part: 'waiting', leader: { id: 'a' } });
    expect(leaderHandle(other).isLeading()).toBe(false);
    expect(a.handle.isLeading()).toBe(true);
  });
});

describe('a participant under a supervisor', () => {
  it('is killed and restarted: the other leads, and the handle follows', async () => {
    const { clock, line, join, leading } = ground();
    const app = orchestrator({
      actors: { leader: leader({ backend: line, election: 'planner', id: 'a', ttlMs: 900 }) },
      children: [{ id: 'leader', src: 'leader' }],
    }).start({ clock });
    ends.push(async () => {
      const stopped = app.stop();
      await clock.advanceByAsync(10_000);
      await stopped;
    });
    await app.started();
    await clock.flush();
    await join('b');
    const handle = leaderHandle(() => app.child('leader'));
    expect(handle.isLeading()).toBe(true);
    const again = new Promise((resolve) => app.on('child.restarted', resolve));
    exit(app.child('leader') as AnyActorRef, 'kill');
    await again;
    await clock.flush();
    expect(leading()).toEqual(['b']);
    expect(handle.status()).toMatchObject({ part: 'waiting', leader: { id: 'b' } });
  });

  it('that resigns without leading is told so', async () => {
    const { join } = ground();
    const o = await join('o', { stands: false });
    expect(o.handle.resign()).toEqual({ ok: false, reason: 'notLeading' });
    expect(o.facts).toEqual(['rejected leader.resign notLeading']);
  });

  it('leaves nothing behind when it is closed', async () => {
    const { clock, backend, join } = ground();
    const a = await join('a');
    a.actor.send({ type: 'leader.close' });
    await clock.flush();
    expect(await backend.status()).toMatchObject({ leases: 0, watches: 0 });
    expect(clock.pending()).toBe(0);
    expect(a.facts.slice(-2)).toEqual(['resigned 1 3 closed', 'changed null 1']);
  });
});

describe('options of a participant', () => {
  const backend = memoryBackend({ clock: new VirtualClock() });
  it.each([
    ['no backend', { backend: null }],
    ['half a backend', { backend: { list() {} } }],
    ['no election', { election: '' }],
    ['an election in another', { election: 'a/b' }],
    ['an id that is no text', { id: 7 }],
    ['a misspelt name', { ttl: 900 }],
    ['work that is no logic', { work: () => {} }],
    ['a margin beyond the lease', { marginMs: 900 }],
    ['a margin that leaves no time for a renewal', { marginMs: 700 }],
    ['no time', { ttlMs: 0 }],
    ['a backoff that shrinks', { backoff: { factor: 0.5 } }],
    ['stands that is no claim', { stands: 'yes' }],
  ])('that cannot be meant are misuse, at the call: %s', (_, wrong) => {
    const options = { backend, election: 'planner', id: 'a', ttlMs: 900, ...wrong } as never;
    expect(() => leader(options)).toThrow(expect.objectContaining({ code: 'leader/invalid-options' }));
  });

  it('and a handle of what runs none is, too', () => {
    const other = createActor(fromCallback(() => {})).start();
    ends.push(() => other.stop());
    expect(() => leaderHandle(other)).toThrow(expect.objectContaining({ code: 'leader/invalid-options' }));
    expect(() => leaderHandle(() => undefined).on('leader.elect' as never, () => {})).toThrow(
      expect.objectContaining({ code: 'leader/invalid-options' }),
    );
  });
});
