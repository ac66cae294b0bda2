/** Whoever listens to a gate may do anything from within: release, abort, acquire, close. What he finds is in order, and what he does is done once. */
import { afterEach, describe, expect, it } from 'vitest';
import { actor, gateWorld, leaveNothing, permitOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

describe('a listener that ends the work whose permit is just being released', () => {
  it.each([
    ['gate.paused', { permits: 2 }, { outcome: 'rateLimited', retryAfterMs: 50 }],
    ['gate.levelChanged', { permits: 2, adaptive: true }, { outcome: 'rateLimited' }],
  ] as const)('at %s: the permit is back once', async (type, options, report) => {
    const { gate, clock, told } = gateWorld(options);
    const work = new AbortController();
    gate.on(type, () => work.abort());
    const other = permitOf(await gate.acquire({ key }));
    const permit = permitOf(await gate.acquire({ key, signal: work.signal }));
    const { lost } = permit;
    expect([permit.release(report), gate.status(key)?.held]).toEqual([{ ok: true }, 1]);
    expect([work.signal.aborted, permit.ended, lost.aborted]).toEqual([true, 'released', false]);
    expect(told()).not.toContain('gate.reclaimed');
    other.release();
    clock.advanceBy(100);
    const granted = [1, 2, 3].map(() => gate.tryAcquire({ key }).ok);
    expect(granted.filter(Boolean)).toHaveLength(gate.status(key)?.permits as number);
  });

  it('leaves a drain waiting for what is still held', async () => {
    const { gate, clock } = gateWorld({ permits: 2 });
    const work = new AbortController();
    gate.on('gate.paused', () => work.abort());
    permitOf(await gate.acquire({ key, signal: work.signal })).release({ retryAfterMs: 5 });
    clock.advanceBy(5);
    const permit = permitOf(await gate.acquire({ key }));
    let report: unknown = null;
    void gate.drain().then((ended) => (report = ended));
    await settle();
    expect([report, permit.isHeld]).toEqual([null, true]);
    permit.release();
    await settle();
    expect(report).toEqual({ held: 0, waiting: 0 });
  });
});

describe('a listener that gives another permit back', () => {
  it('while those who wait are served by the window: each is granted in turn, and the clock goes on', async () => {
    const { gate, clock } = gateWorld({ permits: 10, rate: { requests: 2, windowMs: 1_000 } });
    const kept = [permitOf(await gate.acquire({ key }))];
    clock.advanceBy(500);
    kept.push(permitOf(await gate.acquire({ key })));
    gate.on('gate.waited', () => kept.shift()?.release());
    const waiters = Array.from({ length: 6 }, () => new Watched(gate.acquire({ key, waitMs: 10_000 })));
    const granted: number[] = [];
    for (let step = 0; step < 6; step++) {
      clock.advanceBy(500);
      await settle();
      granted.push(waiters.filter(({ state }) => state === 'granted').length);
    }
    expect(granted).toEqual([1, 2, 3, 4, 5, 6]);
    expect(gate.status(key)).toMatchObject({ held: 6, waiting: 0 });
  });

  it('is told of what that sets off after what he was told of', async () => {
    const { gate, facts } = gateWorld({ permits: 2 });
    const [first, second] = [permitOf(await gate.acquire({ key })), permitOf(await gate.acquire({ key }))];
    const waiters = [1, 2].map((n) => new Watched(gate.acquire({ key, waitMs: n * 1_000 })));
    const heard: string[] = [];
    gate.on('gate.paused', ({ retryAfterMs }) => {
      heard.push(`paused ${retryAfterMs}, ${gate.status(key)?.held} held`);
      if (retryAfterMs === 10) second.release({ retryAfterMs: 20 });
      heard.push(`${gate.status(key)?.held} held`);
    });
    first.release({ retryAfterMs: 10 });
    expect(heard).toEqual(['paused 10, 1 held', '0 held', 'paused 20, 0 held', '0 held']);
    expect(facts.map(({ type }) => type)).toEqual(['gate.paused', 'gate.paused']);
    expect(waiters.map(({ state }) => state)).toEqual(['waiting', 'waiting']);
  });
});

describe('a listener of a loss', () => {
  it('finds all that a dead holder had returned, whichever he hears of first', async () => {
    const { gate } = gateWorld({ permits: 3 });
    const holder = actor();
    const permits = await Promise.all([1, 2, 3].map(async () => permitOf(await gate.acquire({ key, holder }))));
    const found: unknown[] = [];
    for (const { lost } of permits) lost.addEventListener('abort', () => found.push(gate.status(key)?.held, gate.tryAcquire({ key }).ok));
    holder.stop();
    expect(found).toEqual([0, true, 1, true, 2, true]);
  });

  it('may close the gate: everybody hears once', async () => {
    const { gate, told } = gateWorld({ permits: 1 });
    const holder = actor();
    const permit = permitOf(await gate.acquire({ key, holder }));
    permit.lost.addEventListener('abort', () => void gate.close());
    const waiting = [1, 2].map(() => new Watched(gate.acquire({ key })));
    holder.stop();
    await settle();
    expect([permit.ended, ...waiting.map(({ state, heard }) => `${state} ${heard}`)]).toEqual(['holderEnded', 'granted 1', 'closed 1']);
    expect(told().filter((type) => type === 'gate.reclaimed')).toHaveLength(1);
  });
});
