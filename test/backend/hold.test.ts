/** Whoever holds a lease knows for itself when it is over, and is told. */
import { afterEach, describe, expect, it } from 'vitest';
import { holdLease, type LeaseBackend, type LeaseHold, type LeaseLoss } from '../../src/backend/hold.js';
import { type MemoryBackend, memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { type FaultyBackend, faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const open: MemoryBackend[] = [];

interface Scene {
  readonly clock: VirtualClock;
  readonly backend: MemoryBackend;
  readonly line: FaultyBackend;
  readonly losses: LeaseLoss[];
  /** When it was renewed, and until when it was told to be held. */
  readonly renewals: [at: number, until: number][];
  hold(ttlMs?: number, by?: LeaseBackend): Promise<LeaseHold>;
}

function scene(): Scene {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock });
  open.push(backend);
  const line = faultyBackend(backend);
  const losses: LeaseLoss[] = [];
  const renewals: [number, number][] = [];
  const hold = async (ttlMs = 900, by: LeaseBackend = line): Promise<LeaseHold> => {
    const onRenewed = (until: number): void => void renewals.push([clock.now(), until]);
    const outcome = await holdLease(by, { clock, ttlMs, onLost: (loss) => losses.push(loss), onRenewed });
    if (outcome.outcome !== 'ok') throw new Error(outcome.outcome);
    return outcome.hold;
  };
  return { clock, backend, line, losses, renewals, hold };
}

afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

describe('a lease that is held', () => {
  it('is renewed in time, for as long as it is wanted', async () => {
    const { clock, backend, losses, renewals, hold } = scene();
    const held = await hold();
    await backend.compareAndSet('a', 0, 1, { lease: held.lease });
    await clock.advanceByAsync(10_000);
    expect([held.isHeld(), losses, renewals.length]).toEqual([true, [], 33]);
    expect(renewals.slice(0, 2)).toEqual([
      [300, 1_110],
      [600, 1_410],
    ]);
    expect(await backend.get('a')).toMatchObject({ entry: { value: 1 } });
    await held.release();
    expect([held.isHeld(), held.signal.aborted, losses]).toEqual([false, true, []]);
    expect(await backend.get('a')).toMatchObject({ entry: null });
    expect(clock.pending()).toBe(0);
  });

  it('is over for its holder before it is for the backend, where no renewal is heard of', async () => {
    const { clock, backend, line, losses, hold } = scene();
    const held = await hold();
    await backend.compareAndSet('a', 0, 1, { lease: held.lease });
    line.next(...Array.from({ length: 20 }, () => 'loseRequest' as const));
    await clock.advanceByAsync(809);
    expect([held.isHeld(), losses]).toEqual([true, []]);
    await clock.advanceByAsync(1);
    expect([held.isHeld(), held.signal.aborted, losses]).toEqual([false, true, [{ lease: held.lease, reason: 'expired', at: 810 }]]);
    expect(await backend.get('a')).toMatchObject({ entry: { value: 1 } });
    await clock.advanceByAsync(90);
    expect(await backend.get('a')).toMatchObject({ entry: null });
  });

  it('counts from before it asked, however late the answer comes', async () => {
    const { clock, backend, losses } = scene();
    const slow = { ...methodsOf(backend), grant: (ttlMs: number) => later(clock, 200, () => backend.grant(ttlMs)) };
    const asked = holdLease(slow, { clock, ttlMs: 900, onLost: (loss) => losses.push(loss) });
    await clock.advanceByAsync(200);
    const outcome = await asked;
    expect(outcome.outcome === 'ok' && outcome.hold.until).toBe(810);
    if (outcome.outcome === 'ok') await outcome.hold.release();
  });

  it('counts from before it asked for its renewal, too', async () => {
    const { clock, backend, renewals, hold } = scene();
    const slow = { ...methodsOf(backend), renew: (lease: string) => later(clock, 100, () => backend.renew(lease)) };
    const held = await hold(900, slow);
    await clock.advanceByAsync(400);
    expect(renewals).toEqual([[400, 1_110]]);
    await held.release();
  });

  it('is none where the answer comes so late that it is over', async () => {
    const { clock, backend } = scene();
    const slow = { ...methodsOf(backend), grant: (ttlMs: number) => later(clock, 810, () => backend.grant(ttlMs)) };
    const asked = holdLease(slow, { clock, ttlMs: 900 });
    await clock.advanceByAsync(810);
    expect(await asked).toEqual({ outcome: 'refused', reason: 'late' });
    expect(await backend.status()).toMatchObject({ leases: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('survives a renewal of which nobody knows: it asks again', async () => {
    const { clock, line, losses, renewals, hold } = scene();
    const held = await hold();
    line.next('loseAnswer', 'loseRequest', 'unavailable');
    await clock.advanceByAsync(600);
    expect([held.isHeld(), losses]).toEqual([true, []]);
    expect(renewals[0]).toEqual([525, 1_335]);
    await held.release();
  });

  it('is lost at once where the backend says that it is gone', async () => {
    const { clock, backend, losses, hold } = scene();
    const held = await hold();
    await backend.revoke(held.lease);
    await clock.advanceByAsync(300);
    expect(losses).toEqual([{ lease: held.lease, reason: 'gone', at: 300 }]);
    expect([held.isHeld(), clock.pending()]).toEqual([false, 0]);
  });

  it('is lost with its backend', async () => {
    const { clock, backend, losses, hold } = scene();
    const held = await hold();
    await backend.close();
    await clock.advanceByAsync(300);
    expect(losses).toEqual([{ lease: held.lease, reason: 'closed', at: 300 }]);
  });

  it('is lost for a process that was paused, before any of its timers says so', async () => {
    const { clock, backend, losses } = scene();
    const paused = { ...timersOf(clock), isPausedMs: 0, now: () => clock.now() + paused.isPausedMs };
    const outcome = await holdLease(backend, { clock: paused, ttlMs: 900, onLost: (loss) => losses.push(loss) });
    const held = outcome.outcome === 'ok' ? outcome.hold : null;
    paused.isPausedMs = 900;
    expect([held?.isHeld(), losses.map(({ reason }) => reason)]).toEqual([false, ['expired']]);
    await clock.advanceByAsync(5_000);
    expect(losses).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });

  it('is held on where a call rejects, as one of a handle does that finds no backend: it is asked again, and nobody has the rejection', async () => {
    const { clock, backend, losses, hold } = scene();
    let isBroken = true;
    const unlessBroken = <Call extends unknown[], Outcome>(ask: (...call: Call) => Promise<Outcome>) => {
      return async (...call: Call): Promise<Outcome> => {
        if (isBroken) throw new Error('no backend');
        return ask(...call);
      };
    };
    const { grant, renew, revoke } = methodsOf(backend);
    const held = await hold(900, { grant, renew: unlessBroken(renew), revoke: unlessBroken(revoke) });
    await clock.advanceByAsync(500);
    isBroken = false;
    await clock.advanceByAsync(5_000);
    expect([held.isHeld(), losses]).toEqual([true, []]);
    isBroken = true;
    expect(await held.release()).toEqual({ outcome: 'unknown', reason: 'lost' });
    expect([held.isHeld(), losses]).toEqual([false, []]);
  });

  it('tells its loss once, and stops what depends on it by its signal', async () => {
    const { clock, backend, losses, hold } = scene();
    const held = await hold();
    let stops = 0;
    held.signal.addEventListener('abort', () => stops++);
    await backend.revoke(held.lease);
    await clock.advanceByAsync(10_000);
    expect([await held.release(), losses.length, stops]).toEqual([{ outcome: 'ok', wasThere: false }, 1, 1]);
  });

  it('that nobody grants is told as it was answered', async () => {
    const clock = new VirtualClock();
    const line = faultyBackend(memoryBackend({ clock, maxLeases: 1 }));
    line.next('loseAnswer');
    expect(await holdLease(line, { clock, ttlMs: 900 })).toEqual({ outcome: 'unknown', reason: 'lost' });
    expect(await holdLease(line, { clock, ttlMs: 900 })).toEqual({ outcome: 'refused', reason: 'full', what: 'maxLeases' });
  });

  it.each<[string, object]>([
    ['no clock', { ttlMs: 900 }],
    ['no time', { clock: new VirtualClock() }],
    ['a pause that is as long as its time', { clock: new VirtualClock(), ttlMs: 900, renewEveryMs: 900 }],
    ['a margin that leaves no time for a renewal', { clock: new VirtualClock(), ttlMs: 900, marginMs: 600 }],
    ['a margin that is as long as its time', { clock: new VirtualClock(), ttlMs: 900, marginMs: 900 }],
    ['a margin below 0', { clock: new VirtualClock(), ttlMs: 900, marginMs: -1 }],
    ['a misspelt option', { clock: new VirtualClock(), ttlMs: 900, margin: 1 }],
    ['a listener that is none', { clock: new VirtualClock(), ttlMs: 900, onLost: 1 }],
    ['a signal that is none', { clock: new VirtualClock(), ttlMs: 900, signal: {} }],
  ])('with %s is misuse', async (_, options) => {
    const { backend } = scene();
    await expect(holdLease(backend, options as never)).rejects.toMatchObject({ code: 'backend/invalid-options' });
    expect(await backend.status()).toMatchObject({ leases: 0 });
  });
});

function methodsOf(backend: Backend): Pick<Backend, 'grant' | 'renew' | 'revoke'> {
  return { grant: (...call) => backend.grant(...call), renew: (...call) => backend.renew(...call), revoke: (...call) => backend.revoke(...call) };
}

function timersOf(clock: VirtualClock): Pick<VirtualClock, 'setTimeout' | 'clearTimeout'> {
  return { setTimeout: (fn, ms) => clock.setTimeout(fn, ms), clearTimeout: (id) => clock.clearTimeout(id) };
}

/** What is asked at once, and answered so many ms later. */
async function later<Answer>(clock: VirtualClock, ms: number, ask: () => Promise<Answer>): Promise<Answer> {
  const answer = await ask();
  await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  return answer;
}
