/** A backend whose store fails: what it says then is true, and it goes on, or ends and is opened again. */
import { afterEach, describe, expect, it } from 'vitest';
import { type MemoryBackend, memoryBackend } from '../../src/backend/memory.js';
import { memoryEvents } from '../../src/events/memory.js';
import type { AppendOutcome, EventJournal, EventStore } from '../../src/events/port.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A store of which appends and fences fail as they are told to. */
class Failing {
  readonly store: EventStore = memoryEvents();
  /** What becomes of appends and fences: null, and they are done; `lost`, and they are too, and nobody knows; else their outcome. */
  fault: 'lost' | AppendOutcome | null = null;
  saves = 0;
  #held: Promise<void> | null = null;
  readonly journal: EventJournal = new Proxy(this.store, {
    get: (store, name: keyof EventStore) => {
      const method = store[name] as (...call: unknown[]) => Promise<unknown>;
      if (typeof method !== 'function') return method;
      return async (...call: unknown[]) => {
        if (name === 'save' && String(call[0]).endsWith('/state')) this.saves++;
        if (name !== 'append' && name !== 'fence') return method.apply(store, call);
        await this.#held;
        if (this.fault !== null && this.fault !== 'lost') return this.fault;
        const outcome = await method.apply(store, call);
        return this.fault === 'lost' ? { ok: false, reason: 'unknown', error: 'the disk went away' } : outcome;
      };
    },
  });

  /** They wait from now on. @returns lets them go on */
  hold(): () => void {
    let letGo = (): void => {};
    this.#held = new Promise((resolve) => (letGo = resolve));
    return () => {
      this.#held = null;
      letGo();
    };
  }
}

const open: MemoryBackend[] = [];
const opened = (journal: EventJournal, clock = new VirtualClock()): MemoryBackend => {
  const backend = memoryBackend({ clock, store: journal });
  open.push(backend);
  return backend;
};

afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

const unavailable: AppendOutcome = { ok: false, reason: 'failed', error: 'busy' };

describe('a backend whose store', () => {
  it('cannot write just now refuses, has done nothing of it, and goes on when it can', async () => {
    const failing = new Failing();
    const backend = opened(failing.journal);
    const first = await backend.compareAndSet('a', 0, 1);
    failing.fault = unavailable;
    const refused = { outcome: 'refused', reason: 'unavailable', what: 'failed' };
    expect(await Promise.all([backend.compareAndSet('a', 1, 2), backend.compareAndSet('b', 0, 1), backend.grant(1_000)])).toEqual([
      refused,
      refused,
      refused,
    ]);
    failing.fault = null;
    expect([first, await backend.status()]).toMatchObject([
      { outcome: 'ok', revision: 1 },
      { outcome: 'ok', revision: 1, keys: 1, leases: 0 },
    ]);
    expect(await backend.compareAndSet('a', 1, 2)).toEqual({ outcome: 'ok', revision: 2 });
  });

  it('has done what nobody knows says unknown of the writes, and refuses the reads; opened again it knows', async () => {
    const failing = new Failing();
    const backend = opened(failing.journal);
    await backend.compareAndSet('a', 0, 1);
    const watch = await backend.watch('a');
    failing.fault = 'lost';
    const [write, read, conflict] = await Promise.all([backend.compareAndSet('a', 1, 2), backend.get('a'), backend.compareAndSet('a', 9, 2)]);
    expect(write).toEqual({ outcome: 'unknown', reason: 'lost' });
    expect([read, conflict]).toMatchObject([
      { outcome: 'refused', reason: 'unavailable' },
      { outcome: 'refused', reason: 'unavailable' },
    ]);
    expect(await backend.ended).toMatchObject({ reason: 'lost', error: 'the disk went away' });
    expect(await backend.get('a')).toEqual({ outcome: 'refused', reason: 'closed' });
    expect(watch.outcome === 'ok' && (await watch.watch.next())).toEqual({ outcome: 'ended' });
    failing.fault = null;
    expect(await opened(failing.journal).get('a')).toMatchObject({ outcome: 'ok', entry: { value: 2, revision: 2 } });
  });

  it('answers late: whoever gives up while it writes hears unknown, and whoever reads that it was not told', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const backend = opened(failing.journal, clock);
    await backend.status();
    const letGo = failing.hold();
    const given = new AbortController();
    const inHand = [backend.compareAndSet('a', 0, 1, { withinMs: 100 }), backend.compareAndSet('b', 0, 1, { signal: given.signal })];
    await clock.flush();
    const behind = [backend.compareAndSet('c', 0, 1, { withinMs: 100 }), backend.get('a', { withinMs: 100 })];
    given.abort();
    await clock.advanceByAsync(100);
    expect(await Promise.all(inHand)).toEqual([
      { outcome: 'unknown', reason: 'late' },
      { outcome: 'unknown', reason: 'cancelled' },
    ]);
    expect(await Promise.all(behind)).toEqual([
      { outcome: 'refused', reason: 'late' },
      { outcome: 'refused', reason: 'late' },
    ]);
    letGo();
    expect([await backend.get('a'), await backend.get('b'), await backend.get('c')]).toMatchObject([
      { outcome: 'ok', entry: { value: 1 } },
      { outcome: 'ok', entry: { value: 1 } },
      { outcome: 'ok', entry: null },
    ]);
  });

  it('is away when a lease ends: it is over for whoever asks, and its end is stored when the store is back', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const backend = opened(failing.journal, clock);
    const granted = await backend.grant(1_000);
    const lease = granted.outcome === 'ok' ? granted.lease : '';
    await backend.compareAndSet('a', 0, 1, { lease });
    const watch = await backend.watch('a');
    failing.fault = unavailable;
    await clock.advanceByAsync(5_000);
    expect(await backend.get('a')).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
    expect(await backend.renew(lease)).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
    failing.fault = null;
    await clock.advanceByAsync(100);
    expect(watch.outcome === 'ok' && (await watch.watch.next())).toMatchObject({
      outcome: 'changes',
      changes: [{ type: 'deleted', key: 'a', why: 'expired' }],
    });
    expect(await backend.renew(lease)).toEqual({ outcome: 'gone' });
  });

  it('is away does not renew: the lease ends when it would have', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const backend = opened(failing.journal, clock);
    const granted = await backend.grant(1_000);
    const lease = granted.outcome === 'ok' ? granted.lease : '';
    await clock.advanceByAsync(900);
    failing.fault = unavailable;
    expect(await backend.renew(lease)).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
    failing.fault = null;
    await clock.advanceByAsync(100);
    expect(await backend.renew(lease)).toEqual({ outcome: 'gone' });
  });

  it('is away does not renew, whatever else it refuses: the lease ends when it would have, before another', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const backend = opened(failing.journal, clock);
    const granted = await Promise.all([1_000, 1_800, ...Array.from({ length: 200 }, () => 60_000)].map((ms) => backend.grant(ms)));
    const [lease = '', , ...others] = granted.map((one) => (one.outcome === 'ok' ? one.lease : ''));
    await backend.compareAndSet('a', 0, 1, { lease });
    await clock.advanceByAsync(900);
    failing.fault = unavailable;
    const refused = await Promise.all([backend.renew(lease), ...others.map((other) => backend.revoke(other))]);
    expect(new Set(refused.map(({ outcome }) => outcome))).toEqual(new Set(['refused']));
    failing.fault = null;
    await clock.advanceByAsync(100);
    expect(await backend.get('a')).toMatchObject({ outcome: 'ok', entry: null });
    expect(await backend.status()).toMatchObject({ leases: 201 });
  });

  it('is away when many leases end at once: whoever asks meanwhile is answered, and all of them end', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const backend = opened(failing.journal, clock);
    for (let holder = 0; holder < 8; holder++) {
      const granted = await backend.grant(1_000);
      const lease = granted.outcome === 'ok' ? granted.lease : '';
      await Promise.all(Array.from({ length: 200 }, (_, n) => backend.compareAndSet(`${holder}/${n}`, 0, n, { lease })));
    }
    failing.fault = unavailable;
    await clock.advanceByAsync(1_000);
    const asked = backend.get('0/0', { withinMs: 50 });
    await clock.advanceByAsync(50);
    expect(await asked).toMatchObject({ outcome: 'refused' });
    failing.fault = null;
    await clock.advanceByAsync(100);
    expect(await backend.status()).toMatchObject({ outcome: 'ok', keys: 0, leases: 0 });
  });

  it('commits many ends of leases in parts answers nobody in between: what is over is over', async () => {
    const clock = new VirtualClock();
    const backend = opened(memoryEvents(), clock);
    for (let holder = 0; holder < 8; holder++) {
      const granted = await backend.grant(1_000);
      const lease = granted.outcome === 'ok' ? granted.lease : '';
      await Promise.all(Array.from({ length: 200 }, (_, n) => backend.compareAndSet(`${holder}/${n}`, 0, n, { lease })));
    }
    clock.advanceBy(1_000);
    const answers = await Promise.all([backend.list(''), backend.get('7/199'), backend.compareAndSet('7/0', 0, 'next')]);
    expect(answers).toMatchObject([
      { outcome: 'ok', entries: [] },
      { outcome: 'ok', entry: null },
      { outcome: 'ok', revision: 8 + 1_600 + 8 + 1_600 + 1 },
    ]);
  });

  it('is slow to open gives each lease its whole time from when it is open', async () => {
    const failing = new Failing();
    const clock = new VirtualClock();
    const first = opened(failing.journal, clock);
    const granted = await first.grant(1_000);
    const lease = granted.outcome === 'ok' ? granted.lease : '';
    await first.close();
    const letGo = failing.hold();
    const backend = opened(failing.journal, clock);
    const renewed = backend.renew(lease);
    await clock.advanceByAsync(5_000);
    letGo();
    expect(await renewed).toMatchObject({ outcome: 'ok' });
    await clock.advanceByAsync(999);
    expect(await backend.status()).toMatchObject({ leases: 1 });
    await clock.advanceByAsync(1);
    expect(await backend.status()).toMatchObject({ leases: 0 });
  });

  it('answers leaves no timer of those who asked, nor a listener of their signals', async () => {
    const clock = new VirtualClock();
    const backend = opened(memoryEvents(), clock);
    const given = new AbortController();
    let listeners = 0;
    const { signal } = given;
    const counted = Object.assign(signal, {
      addEventListener: (...call: Parameters<AbortSignal['addEventListener']>) => {
        listeners++;
        AbortSignal.prototype.addEventListener.apply(signal, call);
      },
      removeEventListener: (...call: Parameters<AbortSignal['removeEventListener']>) => {
        listeners--;
        AbortSignal.prototype.removeEventListener.apply(signal, call);
      },
    });
    const watch = await backend.watch('a', { signal: counted });
    const next = watch.outcome === 'ok' ? watch.watch.next({ signal: counted }) : null;
    await Promise.all([backend.compareAndSet('a', 0, 1, { signal: counted }), backend.get('a', { signal: counted })]);
    await next;
    expect([clock.pending(), listeners]).toEqual([0, 0]);
  });

  it('is closed with it while it writes: the writes that are under way are unknown, and the others not done', async () => {
    const failing = new Failing();
    const backend = opened(failing.journal);
    await backend.status();
    const letGo = failing.hold();
    const writing = backend.compareAndSet('a', 0, 1);
    await new VirtualClock().flush();
    const waiting = backend.compareAndSet('b', 0, 1);
    await backend.close();
    letGo();
    expect([await writing, await waiting]).toEqual([
      { outcome: 'unknown', reason: 'lost' },
      { outcome: 'refused', reason: 'closed' },
    ]);
    expect(await backend.ended).toEqual({ reason: 'closed' });
  });

  it('cannot be read ends it, with the word of the store', async () => {
    const failing = new Failing();
    await failing.store.close();
    const backend = opened(failing.journal);
    expect(await backend.get('a')).toEqual({ outcome: 'refused', reason: 'closed' });
    expect(await backend.ended).toMatchObject({ reason: 'notOpened', error: { message: 'the event store beneath does not answer: closed' } });
  });

  it.each(['fence', 'read'] as const)('is opened by another before its own %s is answered is superseded, and nothing is wrong', async (method) => {
    const store = memoryEvents();
    const there = opened(store);
    for (let n = 0; n < 1_200; n++) await there.compareAndSet('a', n, n);
    await there.close();
    let [arrive, letGo] = [(): void => {}, (): void => {}];
    const [arrived, held] = [new Promise<void>((resolve) => (arrive = resolve)), new Promise<void>((resolve) => (letGo = resolve))];
    const slow = new Proxy(store, {
      get:
        (of, name: keyof EventStore) =>
        async (...call: unknown[]) => {
          if (name === method) {
            arrive();
            await held;
          }
          return (of[name] as (...args: unknown[]) => Promise<unknown>).apply(of, call);
        },
    });
    const late = opened(slow);
    await arrived;
    const other = opened(store);
    for (let n = 1_200; n < 3_600; n++) await other.compareAndSet('a', n, n);
    letGo();
    expect(await late.ended).toEqual({ reason: 'superseded' });
    expect(await other.get('a')).toMatchObject({ outcome: 'ok', entry: { value: 3_599 } });
  });

  it('is given the longest name that there is keeps it, and a longer one is misuse', async () => {
    const clock = new VirtualClock();
    for (const store of [undefined, memoryEvents()]) {
      const settings = { clock, ...(store === undefined ? {} : { store }) };
      const backend = memoryBackend({ ...settings, name: 'n'.repeat(492) });
      open.push(backend);
      expect(await backend.compareAndSet('a', 0, 1)).toMatchObject({ outcome: 'ok' });
      expect(() => memoryBackend({ ...settings, name: 'n'.repeat(493) })).toThrow(
        expect.objectContaining({ code: 'backend/invalid-options' }) as Error,
      );
    }
  });

  it('has what is no record ends it, by that name', async () => {
    const failing = new Failing();
    await failing.store.append('$coordination/default', [{ type: 'mine', data: {} }]);
    expect(await opened(failing.journal).ended).toMatchObject({ reason: 'notOpened', error: { code: 'backend/invalid-record' } });
  });

  it('grows no longer than two snapshots, and what is behind them is whole', async () => {
    const failing = new Failing();
    let backend = opened(failing.journal);
    let last = 0;
    for (let n = 0; n < 5_000; n++) {
      const outcome = await backend.compareAndSet(`k${n % 3}`, n < 3 ? 0 : n - 2, n);
      last = outcome.outcome === 'ok' ? outcome.revision : -1;
    }
    expect(failing.saves).toBe(5);
    const status = await failing.store.status();
    expect(status).toMatchObject({ ok: true });
    expect(status.ok && status.events).toBeLessThanOrEqual(2_000);
    await backend.close();
    backend = opened(failing.journal);
    expect([last, await backend.status()]).toMatchObject([5_000, { revision: 5_000, keys: 3 }]);
    expect(await backend.list('')).toMatchObject({ entries: [{ value: 4_998 }, { value: 4_999 }, { value: 4_997 }] });
  });
});
