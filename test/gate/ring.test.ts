/** The queue of a key: its order, its room, and the one deadline of all who wait in it. */
import { afterEach, describe, expect, it } from 'vitest';
import { WaitingClaim } from '../../src/gate/claim.js';
import { Ring } from '../../src/gate/ring.js';
import { gateWorld, leaveNothing, settle } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';
/** Chances that are the same for the same seed, from 0 to below 1. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const waiter = (): WaitingClaim => new WaitingClaim(null as never, { beganAt: 0, endedAt: 0 }, 0);

function all(ring: Ring): WaitingClaim[] {
  const found: WaitingClaim[] = [];
  for (let first = ring.first; first !== null; first = ring.first) {
    found.push(first);
    ring.remove(first);
  }
  return found;
}

describe('a ring', () => {
  it.each([1, 2, 3, 4])('has the order of a list, whoever leaves (seed %i)', (seed) => {
    const chance = chances(seed);
    const ring = new Ring();
    let list: WaitingClaim[] = [];
    let fresh: WaitingClaim[] = [];
    for (let step = 0; step < 20_000; step++) {
      // Long stretches of coming and of leaving, so that it grows, closes its gaps, empties and shrinks.
      const isComing = chance() < (Math.floor(step / 2_500) % 2 === 0 ? 0.8 : 0.2);
      if (isComing) {
        const claim = waiter();
        ring.push(claim);
        list.push(claim);
        fresh.push(claim);
      } else if (list.length > 0) {
        const claim = list[chance() < 0.5 ? 0 : Math.floor(chance() * list.length)] as WaitingClaim;
        ring.remove(claim);
        list = list.filter((each) => each !== claim);
        fresh = fresh.filter((each) => each !== claim);
      }
      const latest = list.at(-1);
      if (ring.first !== (list[0] ?? null) || ring.size !== list.length) throw new Error(`out of order at step ${step}`);
      if (latest !== undefined && ring.isFresh(latest) !== (fresh.at(-1) === latest)) throw new Error(`fresh or not at step ${step}`);
      if (chance() > 0.01) continue;
      const seen: WaitingClaim[] = [];
      ring.takeFresh((claim) => seen.push(claim));
      expect(seen.map((claim) => claim.seat)).toEqual(fresh.map((claim) => claim.seat));
      fresh = [];
    }
    expect(all(ring).map((claim, place) => claim === list[place])).toEqual(list.map(() => true));
  });

  it('moves those up that wait where most have left', () => {
    const ring = new Ring();
    const [patient, ...others] = Array.from({ length: 1_000 }, waiter) as [WaitingClaim, ...WaitingClaim[]];
    ring.push(patient);
    for (const claim of others) {
      ring.push(claim);
      ring.remove(claim);
    }
    const last = waiter();
    ring.push(last);
    expect([patient.seat, last.seat < 16, all(ring)]).toEqual([0, true, [patient, last]]);
  });
});

describe('the waits of a queue', () => {
  it('have one timer, which is gone with the last of them', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const first = gate.tryAcquire({ key });
    if (!first.ok) throw new Error('expected a permit');
    const before = clock.pending();
    const heard: string[] = [];
    for (let i = 0; i < 100; i++) void gate.acquire({ key, waitMs: 1_000 }).then((outcome) => heard.push(outcome.ok ? 'granted' : outcome.reason));
    expect(clock.pending() - before).toBeLessThanOrEqual(1);
    clock.advanceBy(1_000);
    await settle();
    expect([heard.length, new Set(heard), clock.pending()]).toEqual([100, new Set(['timeout']), before]);
  });

  it.each([11, 12, 13, 14, 15])('are over when each is, whoever leaves before (seed %i)', async (seed) => {
    const chance = chances(seed);
    const { gate, clock } = gateWorld({ permits: 2 });
    const held = [gate.tryAcquire({ key, leaseMs: 1e9 }), gate.tryAcquire({ key, leaseMs: 1e9 })];
    const late: number[] = [];
    for (let count = 0; count < 400; count++) {
      const waitMs = chance() < 0.5 ? 200 : 1 + Math.floor(chance() * 400);
      const at = clock.now() + waitMs;
      void gate.acquire({ key, waitMs, leaseMs: 1e9 }).then((outcome) => {
        if (outcome.ok) held.push(outcome);
        else late.push(clock.now() - at);
      });
      if (chance() < 0.3) {
        const next = held.shift();
        if (next?.ok === true) next.permit.release();
      }
      if (chance() < 0.5) clock.advanceBy(1);
      await settle();
    }
    for (let ms = 0; ms < 400; ms++) {
      clock.advanceBy(1);
      await settle();
    }
    expect(late.length).toBeGreaterThan(50);
    expect(new Set(late)).toEqual(new Set([0]));
    expect(gate.status(key)?.waiting).toBe(0);
  });
});
