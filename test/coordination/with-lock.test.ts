/** A lock that several may have, a function under a lock, and what cannot be meant. */
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { createLock, lockHandle, withLock } from '../../src/coordination/lock-handle.js';
import type { LockOptions } from '../../src/coordination/lock-options.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { queue, taken, world } from './lock-room.js';

describe('a semaphore', () => {
  it('is had by as many as may, and by the next in order when one leaves', async () => {
    const { owner } = world();
    const options = { permits: 2 };
    const [one, two] = [await taken(owner(options)), await taken(owner(options))];
    const [third, fourth] = [await queue(owner(options)), await queue(owner(options))];
    expect([one.isHeld(), two.isHeld()]).toEqual([true, true]);
    await one.release();
    const next = await third.outcome;
    await two.release();
    expect([next, await fourth.outcome]).toMatchObject([{ ok: true }, { ok: true }]);
  });

  it('refuses whoever counts other permits', async () => {
    const { owner } = world();
    await taken(owner({ permits: 2 }));
    expect(await owner({ permits: 3 }).acquire()).toEqual({ ok: false, reason: 'mismatch' });
    expect(await owner().acquire()).toEqual({ ok: false, reason: 'mismatch' });
  });

  it.each([1, 2])('does not refuse whoever comes behind one of those (%i permits)', async (permits) => {
    const { owner } = world();
    const had = await Promise.all(Array.from({ length: permits }, () => taken(owner({ permits }))));
    const [stranger, next] = [owner({ permits: 3 }).acquire(), owner({ permits }).acquire()];
    expect(await stranger).toEqual({ ok: false, reason: 'mismatch' });
    await had[0]?.release();
    expect(await next).toMatchObject({ ok: true });
  });

  it('is had by nobody as long as one of those stands before it', async () => {
    const { owner, backend, pass } = world();
    await taken(owner({ permits: 3 }));
    // It cannot give its place back, which ends with its lease.
    const line = faultyBackend(backend, ({ method }) => (method === 'revoke' ? 'loseRequest' : null));
    expect(await owner({ permits: 2, ttlMs: 1_000 }, line).acquire()).toEqual({ ok: false, reason: 'mismatch' });
    const next = owner({ permits: 3 });
    const { outcome } = await queue(next);
    await pass(500);
    expect(next.status()).toMatchObject({ state: 'waiting', ahead: 2 });
    await pass(500);
    expect(await outcome).toMatchObject({ ok: true });
  });
});

describe('withLock', () => {
  it('gives the token and a signal, and gives the lock back whatever happens', async () => {
    const { owner } = world();
    const ann = owner();
    const done = await withLock(ann, ({ token, signal, isHeld }) => [token > 0, signal.aborted, isHeld()]);
    expect(done).toEqual({ ok: true, value: [true, false, true] });
    await expect(withLock(ann, () => Promise.reject(new Error('oops')))).rejects.toThrow('oops');
    expect(ann.status().state).toBe('idle');
    expect(await withLock(ann, () => 1, { signal: AbortSignal.abort() })).toEqual({ ok: false, reason: 'cancelled' });
  });

  it('aborts its function when the lock is lost, and says so', async () => {
    const { owner, backend, pass } = world();
    const ann = owner(
      {},
      faultyBackend(backend, ({ method }) => (method === 'renew' ? 'loseRequest' : null)),
    );
    const outcome = withLock(ann, ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopped'))));
    await pass(2_700);
    expect(await outcome).toEqual({ ok: false, reason: 'lostMeanwhile', value: 'stopped' });
  });

  it("aborts it with the caller's signal too", async () => {
    const { owner } = world();
    const caller = new AbortController();
    const outcome = withLock(
      owner(),
      ({ signal }) => signal.aborted || new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopped'))),
      {
        signal: caller.signal,
      },
    );
    await new Promise((resolve) => setImmediate(resolve));
    caller.abort();
    expect(await outcome).toEqual({ ok: true, value: 'stopped' });
  });
});

describe('misuse of a lock', () => {
  const backend = memoryBackend({ clock: new VirtualClock() });
  it.each([
    [{ name: '' }],
    [{ name: 'a/b' }],
    [{ name: 'a\n' }],
    [{ name: 'a', permits: 0 }],
    [{ name: 'a', maxWaiters: 0.5 }],
    [{ name: 'a', maxGrips: 1_001 }],
    [{ name: 'a', ttlMs: 0 }],
    [{ name: 'a', ttlMs: 100, marginMs: 100 }],
    [{ name: 'a', ttlMs: 100, renewEveryMs: 95 }],
    [{ name: 'a', ttl: 100 }],
  ])('is refused at the call: %j', (options) => {
    expect(() => createLock(backend, options as LockOptions)).toThrow(expect.objectContaining({ code: 'lock/invalid-options' }));
  });

  it('is refused for what is no backend, no lock, no fact, no listener, no function', async () => {
    const refusal = expect.objectContaining({ code: 'lock/invalid-options' });
    expect(() => createLock({} as Backend, { name: 'a' })).toThrow(refusal);
    const other = createActor(setup({}).createMachine({ id: 'other' })).start();
    expect(() => lockHandle(other)).toThrow(refusal);
    await expect(lockHandle(() => other).acquire()).rejects.toEqual(refusal);
    const none = lockHandle(() => undefined);
    expect(await none.acquire()).toEqual({ ok: false, reason: 'closed' });
    await expect(none.acquire({ withinMs: 0 })).rejects.toEqual(refusal);
    await expect(withLock(none, undefined as never)).rejects.toEqual(refusal);
    const real = createLock(backend, { name: 'a' });
    expect(() => real.on('lock.none' as never, () => {})).toThrow(refusal);
    expect(() => real.on('lock.lost', undefined as never)).toThrow(refusal);
    await real.close();
  });
});
