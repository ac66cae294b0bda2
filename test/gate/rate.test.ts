/** Requests and tokens per window, and the pauses that a service asks for. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Budget, type Slice } from '../../src/gate/budget.js';
import { seed } from '../model/seed.js';
import { actor, gateWorld, leaveNothing, permitOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

describe('a window of requests', () => {
  it('lets so many pass, and the next when the first has left it', async () => {
    const { gate, clock } = gateWorld({ permits: 'unlimited', rate: { requests: 2, windowMs: 1_000 } });
    permitOf(await gate.acquire({ key })).release();
    clock.advanceBy(400);
    permitOf(await gate.acquire({ key })).release();
    const waiter = new Watched(gate.acquire({ key }));
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'busy' });
    clock.advanceBy(599);
    await settle();
    expect(waiter.state).toBe('waiting');
    clock.advanceBy(1);
    await settle();
    expect([waiter.state, waiter.permit.waitedMs]).toEqual(['granted', 600]);
  });

  it('says when it is worthwhile to ask again', async () => {
    const { gate, clock } = gateWorld({ rate: { requests: 1, windowMs: 1_000 } });
    permitOf(await gate.acquire({ key })).release();
    clock.advanceBy(100);
    expect(gate.tryAcquire({ key })).toMatchObject({ ok: false, reason: 'overBudget', retryAfterMs: 900 });
    const waiter = new Watched(gate.acquire({ key, waitMs: 300 }));
    clock.advanceBy(300);
    await settle();
    expect(waiter.outcome).toMatchObject({ ok: false, reason: 'timeout', waitedMs: 300, retryAfterMs: 600 });
  });
});

describe('a window of tokens', () => {
  const rate = { tokens: 100, windowMs: 1_000 };

  it('refuses at once what could never fit', async () => {
    const { gate } = gateWorld({ rate });
    expect(await gate.acquire({ key, tokens: 101 })).toMatchObject({ ok: false, reason: 'tooLarge' });
    expect(await gate.acquire({ key, tokens: 100 })).toMatchObject({ ok: true });
  });

  it('is reserved before the call, by nobody twice', async () => {
    const { gate } = gateWorld({ rate });
    permitOf(await gate.acquire({ key, tokens: 60 }));
    expect(gate.tryAcquire({ key, tokens: 60 })).toMatchObject({ reason: 'overBudget' });
    expect(gate.status(key)?.used).toEqual({ requests: 1, tokens: 60 });
  });

  it('gets back at the end what was not used, and whoever waits has it', async () => {
    const { gate } = gateWorld({ rate });
    const permit = permitOf(await gate.acquire({ key, tokens: 90 }));
    const waiter = new Watched(gate.acquire({ key, tokens: 80 }));
    permit.release({ tokensUsed: 20 });
    await settle();
    expect([waiter.state, gate.status(key)?.used]).toEqual(['granted', { requests: 2, tokens: 100 }]);
  });

  it('gets it back as soon as it is known, and counts what was used beyond', async () => {
    const { gate } = gateWorld({ rate });
    const permit = permitOf(await gate.acquire({ key, tokens: 90 }));
    const waiter = new Watched(gate.acquire({ key, tokens: 80 }));
    expect(permit.settle({ tokensUsed: 10 })).toBe(true);
    await settle();
    expect(waiter.state).toBe('granted');
    permit.settle({ tokensUsed: 30 });
    expect(gate.status(key)?.used?.tokens).toBe(110);
    permit.release();
    expect(permit.settle({ tokensUsed: 0 })).toBe(false);
  });

  it('is reconciled in the window where it was reserved, not in the next', async () => {
    const { gate, clock } = gateWorld({ rate });
    const early = permitOf(await gate.acquire({ key, tokens: 100 }));
    clock.advanceBy(1_000);
    permitOf(await gate.acquire({ key, tokens: 70 }));
    early.release({ tokensUsed: 10 });
    expect(gate.status(key)?.used?.tokens).toBe(70);
  });

  it('gives a call that was never made back whole', async () => {
    const { gate } = gateWorld({ rate });
    permitOf(await gate.acquire({ key, tokens: 100 })).release({ outcome: 'unused' });
    expect(gate.status(key)?.used).toEqual({ requests: 0, tokens: 0 });
  });

  it('takes nothing of those who wait, are refused, cancelled or dead', async () => {
    const { gate, clock } = gateWorld({ permits: 1, rate });
    permitOf(await gate.acquire({ key, tokens: 40 }));
    const controller = new AbortController();
    const waiters = [
      new Watched(gate.acquire({ key, tokens: 50, signal: controller.signal })),
      new Watched(gate.acquire({ key, tokens: 50, waitMs: 10 })),
    ];
    controller.abort();
    clock.advanceBy(10);
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['cancelled', 'timeout']);
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0, used: { requests: 1, tokens: 40 } });
  });

  it('lets a small claim pass once the large one before it has left', async () => {
    const { gate, clock } = gateWorld({ permits: 'unlimited', rate });
    permitOf(await gate.acquire({ key, tokens: 50 }));
    const large = new Watched(gate.acquire({ key, tokens: 80, waitMs: 100 }));
    const small = new Watched(gate.acquire({ key, tokens: 20 }));
    await settle();
    expect(small.state).toBe('waiting');
    clock.advanceBy(100);
    await settle();
    expect([large.state, small.state]).toEqual(['timeout', 'granted']);
  });

  it(`never has more than its limit in any window, whatever comes (seed ${seed})`, () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 400 }),
      tokens: fc.integer({ min: 0, max: 60 }),
      used: fc.integer({ min: 0, max: 60 }),
      // Of one that goes out later, as an attempt that is made again does.
      delay: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 1_500 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const budget = new Budget({ requests: 5, tokens: 100, windowMs: 1_000 });
        const taken: { at: number; tokens: number }[] = [];
        let now = 0;
        let slice: Slice | undefined;
        for (const { after, delay, tokens, used } of steps) {
          now += after;
          const waitMs = budget.waitMs(tokens, now);
          if (waitMs > 0) {
            expect(waitMs).toBeLessThanOrEqual(2_500);
            now += waitMs;
            expect(budget.waitMs(tokens, now)).toBe(0);
          }
          slice = budget.take(tokens, now + delay);
          const entry = { at: now + delay, tokens };
          taken.push(entry);
          if (used <= tokens) {
            budget.correct(slice, 0, used - tokens, now);
            entry.tokens = used;
          }
        }
        for (const { at: end } of taken) {
          const within = taken.filter(({ at }) => at > end - 1_000 && at <= end);
          expect(within.length).toBeLessThanOrEqual(5);
          expect(within.reduce((sum, each) => sum + each.tokens, 0)).toBeLessThanOrEqual(100);
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('an attempt that is made again within its permit', () => {
  const windowMs = 1_000;

  it('counts for the time when it goes out, and has its place until then', async () => {
    const { gate, clock } = gateWorld({ permits: 'unlimited', rate: { requests: 2, windowMs } });
    const permit = permitOf(await gate.acquire({ key }));
    expect(permit.again({ outcome: 'failed', delayMs: 1_500 })).toBe(true);
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'overBudget', retryAfterMs: 1_000 });
    clock.advanceTo(1_000);
    permitOf(gate.tryAcquire({ key }));
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'overBudget', retryAfterMs: 1_000 });
    clock.advanceTo(2_000);
    permitOf(gate.tryAcquire({ key }));
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'overBudget', retryAfterMs: 500 });
    permit.release({ outcome: 'ok' });
    expect(gate.status(key)?.used?.requests).toBe(2);
  });

  it('where nobody said when it goes out, counts for the return of its permit: whoever waits does so until it has left the window', async () => {
    const { gate, clock } = gateWorld({ permits: 'unlimited', rate: { requests: 1, windowMs } });
    const permit = permitOf(await gate.acquire({ key }));
    permit.again({ outcome: 'failed' });
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'overBudget', retryAfterMs: null });
    const waiter = new Watched(gate.acquire({ key }));
    clock.advanceTo(1_200);
    permit.release({ outcome: 'ok' });
    clock.advanceTo(2_199);
    await settle();
    expect([waiter.state, gate.tryAcquire({ key })]).toMatchObject(['waiting', { reason: 'busy' }]);
    clock.advanceTo(2_200);
    await settle();
    expect(waiter.state).toBe('granted');
  });

  it('has gone out by the next word of one: who waits then knows how long', async () => {
    const { gate, clock } = gateWorld({ permits: 'unlimited', rate: { requests: 2, windowMs } });
    const permit = permitOf(await gate.acquire({ key }));
    permit.again({ outcome: 'failed' });
    const waiter = new Watched(gate.acquire({ key }));
    clock.advanceTo(300);
    permit.again({ outcome: 'failed', delayMs: 0 });
    expect(gate.status(key)?.used?.requests).toBe(3);
    clock.advanceTo(1_299);
    await settle();
    expect(waiter.state).toBe('waiting');
    clock.advanceTo(1_300);
    await settle();
    expect(waiter.state).toBe('granted');
  });

  it.each([
    ['given up before it goes out, has its place no longer', undefined, 1],
    ['of a call that has ended before it was to go out, counts for now', 'ok', 2],
    ['not made after all, is taken back, and what went out before it stays', 'unused', 1],
  ] as const)('%s', async (_, outcome, requests) => {
    const { gate, clock } = gateWorld({ rate: { requests: 2, windowMs } });
    const permit = permitOf(await gate.acquire({ key }));
    permit.again({ outcome: 'failed', delayMs: 500 });
    clock.advanceTo(100);
    permit.release(outcome === undefined ? {} : { outcome });
    expect(gate.status(key)?.used?.requests).toBe(requests);
    clock.advanceTo(1_100);
    expect(gate.status(key)?.used?.requests).toBe(0);
  });

  it('of a holder that has ended has its place no longer', async () => {
    const { gate } = gateWorld({ rate: { requests: 2, windowMs } });
    const holder = actor();
    permitOf(await gate.acquire({ key, holder })).again({ outcome: 'failed', delayMs: 500 });
    expect(gate.status(key)?.used?.requests).toBe(2);
    holder.stop();
    expect(gate.status(key)?.used?.requests).toBe(1);
  });
});

describe('a pause that the service asks for', () => {
  it('holds back who comes and who waits, each until his own deadline, and then lets them pass', async () => {
    const { gate, clock, facts } = gateWorld({ permits: 2 });
    const permit = permitOf(await gate.acquire({ key }));
    const other = permitOf(await gate.acquire({ key }));
    const [long, short] = [new Watched(gate.acquire({ key })), new Watched(gate.acquire({ key, waitMs: 200 }))];
    permit.release({ outcome: 'rateLimited', retryAfterMs: 500 });
    expect(facts).toContainEqual({ type: 'gate.paused', key, retryAfterMs: 500 });
    expect(gate.status(key)?.pauseMs).toBe(500);
    other.release();
    clock.advanceBy(200);
    await settle();
    expect([long.state, short.state, short.outcome]).toMatchObject(['waiting', 'timeout', { retryAfterMs: 300 }]);
    clock.advanceBy(300);
    await settle();
    expect([long.state, long.permit.waitedMs]).toEqual(['granted', 500]);
  });

  it('is told to who does not wait, and is of its own key', async () => {
    const { gate } = gateWorld();
    permitOf(await gate.acquire({ key })).release({ outcome: 'rateLimited', retryAfterMs: 500 });
    expect(gate.tryAcquire({ key })).toMatchObject({ reason: 'rateLimited', retryAfterMs: 500 });
    expect(gate.tryAcquire({ key: 'other' }).ok).toBe(true);
  });

  it('is not made shorter by a later word', async () => {
    const { gate } = gateWorld();
    const [first, second] = [permitOf(await gate.acquire({ key })), permitOf(await gate.acquire({ key }))];
    first.release({ outcome: 'rateLimited', retryAfterMs: 500 });
    second.release({ outcome: 'rateLimited', retryAfterMs: 100 });
    expect(gate.status(key)?.pauseMs).toBe(500);
  });
});
