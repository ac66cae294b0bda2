/** Calls behind a gate: permit, call, reconciliation, and again where that is worthwhile. */
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../src/gate/run.js';
import { exit } from '../../src/supervision/watch.js';
import { actor, gateWorld, leaveNothing, permitOf, settle } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';
const limited = (retryAfterMs?: number) => ({ status: 429, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** A call that throws what it is told, one after the other, and then returns `done`. */
function calls(...errors: unknown[]) {
  const attempts: number[] = [];
  const fn = ({ attempt }: { readonly attempt: number }): string => {
    attempts.push(attempt);
    if (attempt <= errors.length) throw errors[attempt - 1];
    return 'done';
  };
  return { attempts, fn };
}

describe('a run', () => {
  it('has a permit for as long as its call takes, and says what came of it', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const held: unknown[] = [];
    const outcome = await gate.run(key, ({ permit, attempt }) => {
      held.push(permit.isHeld, attempt, gate.status(key)?.held);
      return 'done';
    });
    expect(outcome).toEqual({ ok: true, value: 'done', attempts: 1 });
    expect(held).toEqual([true, 1, 1]);
    expect(gate.status(key)?.held).toBe(0);
  });

  it('never rejects for a call that fails: that is its outcome, and the permit is back', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const error = new Error('no');
    for (const fn of [
      () => Promise.reject(error),
      (): never => {
        throw error;
      },
    ])
      expect(await gate.run(key, fn)).toEqual({ ok: false, reason: 'failed', attempts: 1, error, retryAfterMs: null });
    expect(gate.status(key)?.held).toBe(0);
  });

  it('reserves tokens and reconciles what the result says that it used', async () => {
    const { gate } = gateWorld({ rate: { tokens: 100 } });
    await gate.run(key, () => ({ total: 30 }), { tokens: 90, usage: ({ total }) => total });
    expect(gate.status(key)?.used).toEqual({ requests: 1, tokens: 30 });
    expect(await gate.run(key, () => 1, { tokens: 101 })).toMatchObject({ ok: false, reason: 'tooLarge', attempts: 0 });
  });
});

describe('a call that is answered 429', () => {
  it('is made again when the pause is over, without a permit meanwhile', async () => {
    const { gate, clock } = gateWorld({ permits: 4, adaptive: true });
    const { attempts, fn } = calls(limited(500));
    const outcome = gate.run(key, fn);
    await settle();
    expect([attempts, gate.status(key)]).toMatchObject([[1], { held: 0, permits: 2, pauseMs: 500 }]);
    clock.advanceBy(500);
    expect(await outcome).toEqual({ ok: true, value: 'done', attempts: 2 });
  });

  it('is made as often as was said, and no more', async () => {
    const { gate, clock } = gateWorld();
    const { attempts, fn } = calls(...Array.from({ length: 9 }, () => limited(10)));
    const outcome = gate.run(key, fn, { attempts: 3 });
    for (let n = 0; n < 5; n++) {
      await settle();
      clock.advanceBy(10);
    }
    expect(await outcome).toEqual({ ok: false, reason: 'rateLimited', attempts: 3, error: limited(10), retryAfterMs: 10 });
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('is not waited for where the wait would be longer than was said', async () => {
    const { gate } = gateWorld();
    const { fn } = calls(limited(5_000));
    expect(await gate.run(key, fn, { waitMs: 1_000 })).toMatchObject({ ok: false, reason: 'rateLimited', attempts: 1, retryAfterMs: 5_000 });
  });

  it('without a hint pauses by itself, longer each time', async () => {
    const { gate, clock } = gateWorld();
    const { attempts, fn } = calls(limited(), { status: 503 });
    const outcome = gate.run(key, fn, { backoff: { minMs: 100, jitter: 0 } });
    const made: number[] = [];
    for (const ms of [99, 1, 199, 1]) {
      await settle();
      clock.advanceBy(ms);
      await settle();
      made.push(attempts.length);
    }
    expect(made).toEqual([1, 2, 2, 3]);
    expect(await outcome).toMatchObject({ ok: true, attempts: 3 });
  });

  it('keeps another call, granted in the same moment, from going out', async () => {
    const { gate, clock } = gateWorld({ permits: 1, rate: { requests: 10 } });
    const made: string[] = [];
    const first = gate.run(
      key,
      () => {
        made.push('first');
        throw Object.assign(new Error('slow down'), limited(100));
      },
      { attempts: 1 },
    );
    const second = gate.run(key, () => made.push('second'));
    expect(await first).toMatchObject({ ok: false, reason: 'rateLimited' });
    await settle();
    expect(made).toEqual(['first']);
    clock.advanceBy(100);
    expect(await second).toMatchObject({ ok: true });
    expect(gate.status(key)?.used?.requests).toBe(2);
  });
});

describe('a run that is ended from outside', () => {
  const endings = {
    'its signal aborts': ['cancelled', ({ controller }) => controller.abort()],
    'its holder is killed': ['holderEnded', ({ holder }) => exit(holder, 'kill')],
    'its lease runs out': ['expired', ({ world }) => world.clock.advanceBy(1_000)],
    'the gate closes': ['closed', ({ world }) => void world.gate.close()],
    'the gate is killed': ['closed', ({ world }) => exit(world.gate.ref as never, 'kill')],
  } satisfies Record<
    string,
    [string, (given: { controller: AbortController; holder: ReturnType<typeof actor>; world: ReturnType<typeof gateWorld> }) => void]
  >;

  it.each(Object.entries(endings))('while it calls, because %s: hears it, and the call is told', async (_, [reason, end]) => {
    const world = gateWorld({ permits: 1 });
    const [controller, holder] = [new AbortController(), actor()];
    let told: AbortSignal | undefined;
    const run = world.gate.run(
      key,
      ({ signal }) => {
        told = signal;
        return new Promise(() => {});
      },
      { signal: controller.signal, holder, leaseMs: 1_000 },
    );
    await settle();
    end({ controller, holder, world });
    expect(await run).toEqual({ ok: false, reason, attempts: 1, retryAfterMs: null });
    expect(told?.aborted).toBe(true);
    expect(world.table.heldCount === 0 || world.table.isOver).toBe(true);
  });

  it.each(Object.entries(endings).filter(([name]) => name !== 'its lease runs out'))(
    'while it rests, because %s: hears it',
    async (_, [reason, end]) => {
      const world = gateWorld();
      const [controller, holder] = [new AbortController(), actor()];
      const run = world.gate.run(key, calls(limited(500)).fn, { signal: controller.signal, holder });
      await settle();
      end({ controller, holder, world });
      expect(await run).toMatchObject({ ok: false, reason, attempts: 1 });
      expect(world.clock.pending()).toBe(0);
    },
  );

  it.each(Object.entries(endings).filter(([name]) => name !== 'its lease runs out'))(
    'while it waits, because %s: hears it',
    async (_, [reason, end]) => {
      const world = gateWorld({ permits: 1 });
      permitOf(await world.gate.acquire({ key }));
      const [controller, holder] = [new AbortController(), actor()];
      const run = world.gate.run(key, () => 1, { signal: controller.signal, holder });
      await settle();
      end({ controller, holder, world });
      expect(await run).toMatchObject({ ok: false, reason, attempts: 0 });
    },
  );

  it('is not moved by what its call does later', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const run = gate.run(key, () => new Promise((_, reject) => (fail = reject)), { signal: controller.signal });
    await settle();
    controller.abort();
    expect(await run).toMatchObject({ reason: 'cancelled' });
    fail(new Error('late'));
    await settle();
    expect(gate.status(key)?.held).toBe(0);
  });
});

describe('the reading of an error', () => {
  it.each([
    [{ status: 429 }, { kind: 'rateLimited' }],
    [
      { code: 'RESOURCE_EXHAUSTED', retryAfterMs: 7 },
      { kind: 'rateLimited', retryAfterMs: 7 },
    ],
    [{ status: 429, retryAfterMs: Number.NaN }, { kind: 'rateLimited' }],
    [{ status: 503 }, { kind: 'transient' }],
    [{ status: 400 }, { kind: 'failed' }],
    [null, { kind: 'failed' }],
    ['429', { kind: 'failed' }],
  ])('%j is %j', (error, fault) => {
    expect(faultOf(error)).toEqual(fault);
  });

  it('can be the apps, and where that is at fault the permit is back all the same', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const fn = () => Promise.reject(new Error('slow down'));
    expect(await gate.run(key, fn, { classify: () => ({ kind: 'rateLimited', retryAfterMs: 5 }), attempts: 1 })).toMatchObject({
      reason: 'rateLimited',
    });
    const wrong = () => ({ kind: 'rateLimited', retryAfterMs: Number.NaN }) as const;
    await expect(gate.run('b', fn, { classify: wrong })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    await expect(gate.run('b', fn, { classify: () => ({}) as never })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    await expect(gate.run('b', () => 1, { usage: () => -1 })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    expect(gate.status('b')).toMatchObject({ held: 0 });
  });
});
