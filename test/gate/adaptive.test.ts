/** A level that follows the service. */
import { afterEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createActor } from 'xstate';
import { backedOff, climbed } from '../../machines/gate/level.js';
import { gate as gateLogic } from '../../src/gate/gate.js';
import { gateHandle } from '../../src/gate/handle.js';
import type { Permit } from '../../src/gate/permit.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { seed } from '../model/seed.js';
import { gateWorld, leaveNothing, permitOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

async function take(gate: ReturnType<typeof gateWorld>['gate'], count: number): Promise<Permit[]> {
  return Promise.all(Array.from({ length: count }, async () => permitOf(await gate.acquire({ key }))));
}

describe('a key that adapts', () => {
  it('backs off at the first 429, also from two permits', async () => {
    const { gate, facts } = gateWorld({ permits: 2, adaptive: true });
    const [permit] = await take(gate, 1);
    permit?.release({ outcome: 'rateLimited' });
    expect(gate.status(key)?.permits).toBe(1);
    expect(facts).toEqual([{ type: 'gate.levelChanged', key, from: 2, level: 1, because: 'rateLimited' }]);
  });

  it('counts the 429s of calls that were under way together as one', async () => {
    const { gate } = gateWorld({ permits: 8, adaptive: true });
    const levels: unknown[] = [];
    for (const permit of await take(gate, 8)) {
      permit.release({ outcome: 'rateLimited' });
      levels.push(gate.status(key)?.permits);
    }
    const [next] = await take(gate, 1);
    next?.release({ outcome: 'rateLimited' });
    expect([...levels, gate.status(key)?.permits]).toEqual([4, 4, 4, 4, 4, 4, 4, 4, 2]);
  });

  it('climbs by one for as many successes as it has permits, up to its ceiling and not beyond', async () => {
    const { gate } = gateWorld({ permits: 2, adaptive: { ceiling: 4 } });
    const levels: unknown[] = [];
    for (let n = 0; n < 10; n++) {
      for (const permit of await take(gate, 1)) permit.release({ outcome: 'ok' });
      levels.push(gate.status(key)?.permits);
    }
    expect(levels).toEqual([2, 3, 3, 3, 4, 4, 4, 4, 4, 4]);
  });

  it('stops at its floor', async () => {
    const { gate } = gateWorld({ permits: 4, adaptive: { floor: 3 } });
    for (let n = 0; n < 3; n++) for (const permit of await take(gate, 1)) permit.release({ outcome: 'rateLimited' });
    expect(gate.status(key)?.permits).toBe(3);
  });

  it('learns nothing from a success that was granted before the last decrease, from a failure, and from silence', async () => {
    const { gate } = gateWorld({ permits: 2, adaptive: { ceiling: 8 } });
    const [first, second] = await take(gate, 2);
    first?.release({ outcome: 'rateLimited' });
    second?.release({ outcome: 'ok' });
    for (const outcome of ['failed', 'unused'] as const) for (const permit of await take(gate, 1)) permit.release({ outcome });
    for (const permit of await take(gate, 1)) permit.release();
    expect(gate.status(key)?.permits).toBe(1);
    for (const permit of await take(gate, 1)) permit.release({ outcome: 'ok' });
    expect(gate.status(key)?.permits).toBe(2);
  });

  it('lowered among those who wait, grants nothing until it is below its level', async () => {
    const { gate } = gateWorld({ permits: 4, adaptive: true });
    const permits = await take(gate, 4);
    const waiter = new Watched(gate.acquire({ key }));
    const states: string[] = [];
    for (const permit of permits) {
      permit.release({ outcome: 'rateLimited' });
      await settle();
      states.push(waiter.state);
    }
    expect(states).toEqual(['waiting', 'waiting', 'granted', 'granted']);
  });

  it('keeps its level, and what the app has set, over a restart of the process; nobody holds anything then', async () => {
    const { gate } = gateWorld({ permits: 4, adaptive: true });
    for (const permit of await take(gate, 1)) permit.release({ outcome: 'rateLimited' });
    gate.setLimit('other', 1);
    await take(gate, 2);
    const snapshot = JSON.parse(JSON.stringify(gate.ref?.getPersistedSnapshot())) as never;
    const clock = new VirtualClock();
    const again = createActor(gateLogic({ permits: 4, adaptive: true }), { snapshot, clock }).start();
    const restored = gateHandle(again);
    expect([restored.tryAcquire({ key }).ok, restored.status(key), restored.tryAcquire({ key: 'other' }).ok]).toMatchObject([
      true,
      { held: 1, permits: 2 },
      true,
    ]);
    expect(restored.tryAcquire({ key: 'other' }).ok).toBe(false);
    await restored.close();
    expect(clock.pending()).toBe(0);
  });

  it('restored while it drains, ends at once, since nobody holds anything', async () => {
    const { gate } = gateWorld({ permits: 4 });
    await take(gate, 1);
    void gate.drain({ deadlineMs: 1_000 });
    const snapshot = JSON.parse(JSON.stringify(gate.ref?.getPersistedSnapshot())) as never;
    const clock = new VirtualClock();
    const again = createActor(gateLogic({ permits: 4 }), { snapshot, clock }).start();
    expect([again.getSnapshot().value, clock.pending()]).toEqual(['closed', 0]);
  });
});

describe('the level', () => {
  it(`falls by at least one above its floor, climbs by one below its ceiling, and stays within (seed ${seed})`, () => {
    const policy = fc
      .record({
        floor: fc.integer({ min: 1, max: 20 }),
        span: fc.integer({ min: 0, max: 50 }),
        factor: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      })
      .chain(({ floor, span, factor }) => fc.record({ floor: fc.constant(floor), ceiling: fc.constant(floor + span), factor: fc.constant(factor) }))
      .chain((one) => fc.record({ one: fc.constant(one), level: fc.integer({ min: one.floor, max: one.ceiling }) }));
    fc.assert(
      fc.property(policy, ({ one, level }) => {
        const [less, more] = [backedOff(level, one) as number, climbed(level, one) as number];
        expect(less).toBeGreaterThanOrEqual(one.floor);
        expect(less).toBeLessThanOrEqual(level === one.floor ? level : level - 1);
        expect(more).toBe(Math.min(one.ceiling, level + 1));
      }),
      { seed, numRuns: 500 },
    );
    expect([backedOff(null, { floor: 1, ceiling: 2, factor: 0.5 }), climbed(null, { floor: 1, ceiling: 2, factor: 0.5 })]).toEqual([null, null]);
  });
});
