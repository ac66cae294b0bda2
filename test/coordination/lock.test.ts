/** A lock on a backend: who comes first has it first, whoever vanishes gives way, and what nobody knows is asked again. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { lockHandle } from '../../src/coordination/lock-handle.js';
import { lock as lockLogic, type LockRef } from '../../src/coordination/lock.js';
import { createEventStore } from '../../src/event-store/handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { facts, queue, taken, world } from './lock-room.js';

describe('a lock', () => {
  it('is had by one at a time, in the order in which they came, with rising tokens', async () => {
    const { owner } = world();
    const [ann, bob, eve] = [owner(), owner(), owner()];
    const first = await taken(ann);
    const [second, third] = [await queue(bob), await queue(eve)];
    expect([ann, bob, eve].map((each) => each.status())).toMatchObject([{ state: 'holding' }, { ahead: 1 }, { state: 'waiting', ahead: 2 }]);
    expect(await first.release()).toBe(true);
    const next = await second.outcome;
    expect(next).toMatchObject({ ok: true });
    expect(eve.status()).toMatchObject({ state: 'waiting' });
    const grips = [first, next.ok ? next.grip : first];
    await grips[1]?.release();
    const last = await third.outcome;
    if (last.ok) grips.push(last.grip);
    const tokens = grips.map(({ token }) => token);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(grips.map((grip) => grip.isHeld())).toEqual([false, false, true]);
  });

  it('wakes only the one behind whoever leaves', async () => {
    const { owner, backend } = world();
    let lists = 0;
    const counted = new Proxy(backend, {
      get: (target, name: keyof Backend) => {
        if (name === 'list') lists++;
        return (...call: unknown[]) => (target[name] as (...all: unknown[]) => unknown)(...call);
      },
    });
    const first = await taken(owner());
    const waiting = [await queue(owner({}, counted)), await queue(owner({}, counted)), await queue(owner({}, counted))];
    lists = 0;
    await first.release();
    expect(await waiting[0]?.outcome).toMatchObject({ ok: true });
    expect(lists).toBe(1);
  });

  it('excludes nobody who wants another one', async () => {
    const { owner } = world();
    await taken(owner());
    expect((await taken(owner({ name: 'b' }))).isHeld()).toBe(true);
  });

  it('refuses its owner a second time, or counts where that was chosen', async () => {
    const { owner } = world();
    const strict = owner();
    const grip = await taken(strict);
    expect(await strict.acquire()).toEqual({ ok: false, reason: 'busy' });
    await grip.release();
    const counting = owner({ maxGrips: 2 });
    const [one, two] = [await taken(counting), await taken(counting)];
    expect(two.token).toBe(one.token);
    expect(await counting.acquire()).toEqual({ ok: false, reason: 'busy' });
    expect(await one.release()).toBe(true);
    expect([one.signal.aborted, one.isHeld(), two.isHeld(), counting.status().grips]).toEqual([true, false, true, 1]);
    expect(await one.release()).toBe(false);
    expect(two.isHeld()).toBe(true);
    expect(await two.release()).toBe(true);
    expect(counting.status().state).toBe('idle');
  });

  it('is not given back by whoever has lost it', async () => {
    const { owner, pass, clock } = world();
    const frozen = new VirtualClock();
    await frozen.advanceByAsync(clock.now());
    const ann = owner({}, undefined, frozen);
    const stale = await taken(ann);
    const { outcome } = await queue(owner());
    await pass(3_000);
    const next = await outcome;
    expect(next).toMatchObject({ ok: true });
    // Its process stood still, and goes on long after the backend has let somebody else.
    await frozen.advanceByAsync(2_700);
    expect(await stale.release()).toBe(false);
    expect(next.ok && next.grip.isHeld()).toBe(true);
    expect(next.ok && next.grip.token > stale.token).toBe(true);
  });

  it('is lost by its own clock before the backend lets the next one', async () => {
    const { owner, backend, clock, pass } = world();
    const line = faultyBackend(backend, ({ method }) => (method === 'renew' || method === 'revoke' ? 'loseRequest' : null));
    const ann = owner({}, line);
    const heard = facts(ann);
    const order: string[] = [];
    const grip = await taken(ann);
    grip.signal.addEventListener('abort', () => order.push(`lost at ${clock.now()}`));
    const { outcome } = await queue(owner());
    void outcome.then(() => order.push(`had at ${clock.now()}`));
    await pass(2_999);
    expect(order).toEqual(['lost at 2700']);
    await pass(1);
    expect(order).toEqual(['lost at 2700', 'had at 3000']);
    expect(heard.at(-1)).toMatchObject({ type: 'lock.lost', token: grip.token, reason: 'expired' });
    expect(grip.isHeld()).toBe(false);
  });

  it('passes on when a holder is killed, and when one who waits is', async () => {
    const { owner, backend, clock } = world();
    const actors = { lock: lockLogic(backend, { name: 'a', ttlMs: 3_000 }) };
    const app = orchestrator({ actors, children: [{ id: 'lock', src: 'lock', restart: 'temporary' }] }).start({ clock });
    ends.push(() => app.stop());
    await app.started();
    const ann = lockHandle(() => app.child('lock'));
    const grip = await taken(ann);
    const waiter = owner();
    const killed = await queue(waiter);
    const last = await queue(owner());
    exit(waiter.ref as AnyActorRef, 'kill');
    expect(await killed.outcome).toEqual({ ok: false, reason: 'closed' });
    exit(app.child('lock') as AnyActorRef, 'kill');
    expect(await last.outcome).toMatchObject({ ok: true });
    expect([grip.isHeld(), grip.signal.aborted]).toEqual([false, true]);
    expect(await ann.acquire()).toEqual({ ok: false, reason: 'closed' });
    expect(ann.status().state).toBe('ended');
  });

  it('passes on when the next one only vanishes, after its lease', async () => {
    const { owner, pass } = world();
    const frozen = new VirtualClock();
    const first = await taken(owner());
    const vanished = await queue(owner({}, undefined, frozen));
    const last = await queue(owner());
    await pass(3_000);
    await first.release();
    expect(await last.outcome).toMatchObject({ ok: true });
    await frozen.advanceByAsync(3_000);
    expect(await vanished.outcome).toEqual({ ok: false, reason: 'lost' });
  });

  it('is waited for until the signal, the deadline, or its close', async () => {
    const { owner, backend, pass } = world();
    const grip = await taken(owner());
    const signalled = new AbortController();
    const [ann, bob, eve] = [owner(), owner(), owner()];
    const waits = [await queue(ann, { signal: signalled.signal }), await queue(bob, { withinMs: 500 }), await queue(eve)];
    signalled.abort();
    await pass(500);
    await eve.close();
    const outcomes = await Promise.all(waits.map(({ outcome }) => outcome));
    expect(outcomes).toEqual(['cancelled', 'late', 'closed'].map((reason) => ({ ok: false, reason })));
    expect(await ann.acquire({ signal: signalled.signal })).toEqual({ ok: false, reason: 'cancelled' });
    const there = await backend.list('lock/a/');
    expect(there).toMatchObject({ entries: [{ value: { permits: 1 } }] });
    expect(grip.isHeld()).toBe(true);
    expect(await eve.acquire()).toEqual({ ok: false, reason: 'closed' });
  });

  it('refuses whoever comes when as many wait as may', async () => {
    const { owner } = world();
    const grip = await taken(owner({ maxWaiters: 1 }));
    const second = await queue(owner({ maxWaiters: 1 }));
    expect(await owner({ maxWaiters: 1 }).acquire()).toEqual({ ok: false, reason: 'full' });
    await grip.release();
    expect(await second.outcome).toMatchObject({ ok: true });
  });

  it('gives back before it ends, when it is shut down', async () => {
    const { owner, backend } = world();
    const ann = owner();
    const heard = facts(ann);
    const grip = await taken(ann);
    await ann.close();
    await ann.close();
    expect([grip.isHeld(), await grip.release()]).toEqual([false, false]);
    expect(heard.at(-1)).toMatchObject({ type: 'lock.released', token: grip.token, isConfirmed: true });
    expect(await backend.list('lock/')).toMatchObject({ entries: [] });
  });

  it('has nothing when it is restored from a snapshot', async () => {
    const { backend, clock } = world();
    const logic = lockLogic(backend, { name: 'a', ttlMs: 3_000 });
    const first = createActor(logic, { clock }).start();
    expect(await lockHandle(first).acquire()).toMatchObject({ ok: true });
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();
    const again = lockHandle(createActor(logic, { clock, snapshot }).start());
    expect(again.status()).toEqual({ state: 'idle', ahead: 0, grips: 0 });
    const grip = await taken(again);
    expect(grip.isHeld()).toBe(true);
    await again.close();
  });
});

describe('the chart of a lock, told by events alone', () => {
  it('queues, has it, and gives it back; also after it was restored', async () => {
    const { backend, clock } = world();
    const logic = lockLogic(backend, { name: 'a', ttlMs: 3_000 });
    const tell = async (snapshot?: object): Promise<{ heard: string[]; ref: LockRef }> => {
      const ref = createActor(logic, { clock, ...(snapshot === undefined ? {} : { snapshot: snapshot as never }) });
      const heard: string[] = [];
      for (const type of ['lock.acquired', 'lock.refused', 'lock.released', 'lock.lost'] as const) ref.on(type, (fact) => void heard.push(fact.type));
      ref.start();
      await clock.flush();
      ref.send({ type: 'lock.acquire', ref: 'mine', withinMs: 100 });
      await clock.flush();
      return { heard, ref };
    };
    const first = await tell();
    expect(first.heard).toEqual(['lock.acquired']);
    const held = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    first.ref.send({ type: 'lock.release', ref: 'mine' });
    await clock.flush();
    expect(first.heard).toEqual(['lock.acquired', 'lock.released']);
    const idle = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    first.ref.stop();
    const second = await tell(idle);
    expect(second.heard).toEqual(['lock.acquired']);
    second.ref.stop();
    const third = await tell(held);
    expect(third.heard).toEqual(['lock.lost', 'lock.acquired']);
    third.ref.stop();
  });
});

describe('a lock on a bad line', () => {
  it('has one key, and the token of that, where the answer to its write was lost', async () => {
    const { owner, backend, pass } = world();
    const ann = owner(
      {},
      faultyBackend(backend, ({ method, index }) => (method === 'compareAndSet' && index < 4 ? 'loseAnswer' : null)),
    );
    const outcome = ann.acquire();
    await pass(1_000);
    const grip = await outcome;
    const there = await backend.list('lock/');
    expect(there.outcome === 'ok' && there.entries.map(({ revision }) => revision)).toEqual([grip.ok && grip.grip.token]);
  });

  it.each(['loseRequest', 'loseAnswer', 'unavailable', 'duplicate'] as const)('is had once, whatever call %s happens to', async (fault) => {
    for (let at = 0; at < 4; at++) {
      const { owner, backend, pass } = world();
      const outcome = owner(
        {},
        faultyBackend(backend, ({ index }) => (index === at ? fault : null)),
      ).acquire();
      await pass(1_000);
      expect(await outcome).toMatchObject({ ok: true });
    }
  });

  it('is given back by asking again, and its fact says whether that was confirmed', async () => {
    const { owner, backend, pass } = world();
    let isDown = false;
    const ann = owner(
      {},
      faultyBackend(backend, () => (isDown ? 'loseRequest' : null)),
    );
    const heard = facts(ann);
    const first = await taken(ann);
    isDown = true;
    const released = first.release();
    expect([first.isHeld(), ann.status().state]).toEqual([false, 'leaving']);
    await pass(100);
    isDown = false;
    await pass(200);
    expect(await released).toBe(true);
    expect(heard.at(-1)).toMatchObject({ type: 'lock.released', isConfirmed: true });
    const second = await taken(ann);
    isDown = true;
    const lost = second.release();
    await pass(3_000);
    expect(await lost).toBe(true);
    expect(heard.at(-1)).toMatchObject({ type: 'lock.released', isConfirmed: false });
    isDown = false;
  });

  it('gives its place away at once, though it was just about to watch who is before it', async () => {
    const { owner, backend, clock } = world();
    await taken(owner());
    // Answers when it is not wanted any more.
    const watch: Backend['watch'] = (_, { signal } = {}) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve({ outcome: 'refused', reason: 'cancelled' })));
    const slow: Backend = new Proxy(backend, {
      get: (target, name: keyof Backend) => (name === 'watch' ? watch : (target[name] as (...call: unknown[]) => unknown).bind(target)),
    });
    const bob = owner({}, slow);
    const vain = new AbortController();
    const { outcome } = await queue(bob, { signal: vain.signal });
    vain.abort();
    expect(await outcome).toEqual({ ok: false, reason: 'cancelled' });
    await clock.flush();
    expect([bob.status().state, await backend.list('lock/')]).toMatchObject(['idle', { entries: [{}] }]);
  });

  it('is refused where the backend is closed, or has no room', async () => {
    const { owner, clock } = world();
    const small = memoryBackend({ clock, maxLeases: 1 });
    await taken(owner({}, small));
    expect(await owner({}, small).acquire()).toEqual({ ok: false, reason: 'full' });
    const gone = memoryBackend({ clock });
    await gone.close();
    expect(await owner({}, gone).acquire()).toEqual({ ok: false, reason: 'closed' });
    await small.close();
  });

  it('fails where its backend crashes, and answers so', async () => {
    const { owner, backend } = world();
    const broken = new Proxy(backend, {
      get: (target, name: keyof Backend) => (name === 'list' ? () => Promise.reject(new Error('no more')) : target[name].bind(target)),
    });
    expect(await owner({}, broken).acquire()).toEqual({ ok: false, reason: 'closed' });
    expect(await backend.list('lock/')).toMatchObject({ entries: [] });
  });
});

describe('a fence', () => {
  it('refuses the token of whoever had the lock before', async () => {
    const { owner } = world();
    const store = createEventStore({ memory: true });
    ends.push(() => store.close());
    const first = await taken(owner());
    const waiting = await queue(owner());
    await first.release();
    const outcome = await waiting.outcome;
    const next = outcome.ok ? outcome.grip : null;
    const append = (token: number): ReturnType<typeof store.append> => store.append('work', [{ type: 'done' }], { fence: { name: 'a', token } });
    expect(await append(first.token)).toMatchObject({ ok: true });
    expect(await append(next?.token ?? 0)).toMatchObject({ ok: true });
    expect(await append(first.token)).toMatchObject({ ok: false, reason: 'fenced' });
  });
});
