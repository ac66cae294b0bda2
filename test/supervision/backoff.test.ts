import fc from 'fast-check';
import { setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { backoffMs, type Backoff } from '../../machines/backoff.js';
import type { ChildSpec } from '../../src/index.js';
import { boom, factsOf, stage, told, worker, type Stage } from './stage.js';

const steady = (ms: number, changes: Partial<Backoff> = {}): Backoff => ({
  minMs: ms,
  maxMs: ms,
  factor: 1,
  jitter: 0,
  resetAfterMs: 10_000,
  ...changes,
});

const growing: Backoff = { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0, resetAfterMs: 5_000 };

const policies = fc
  .record({
    minMs: fc.integer({ min: 0, max: 10_000 }),
    more: fc.integer({ min: 0, max: 100_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    resetAfterMs: fc.nat(),
    seed: fc.integer(),
  })
  .map(({ more, ...policy }): Backoff => ({ ...policy, maxMs: policy.minMs + more }));

function one(here: Stage, spec: Partial<ChildSpec>, intensity = 100) {
  const app = here.app({ intensity, actors: { worker: worker() }, children: [{ id: 'w', src: 'worker', ...spec } as never] });
  const crash = () => {
    app.child('w')?.send({ type: 'crash' });
  };
  /** Crashes it, and says after how long it runs again. */
  const comeback = () => {
    const from = here.clock.now();
    crash();
    while (app.child('w') === undefined) here.clock.advanceTo(here.clock.nextAt() ?? Number.NaN);
    return here.clock.now() - from;
  };
  return { app, crash, comeback, facts: factsOf(app) };
}

describe('the delay before an attempt', () => {
  it('is a whole number between 0 and maxMs, whatever the policy and however many attempts', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 100_000 }), (policy, attempt) => {
        const ms = backoffMs(policy, attempt);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(policy.maxMs);
      }),
    );
  });

  it('lies within the jitter of the full delay', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 60 }), (policy, attempt) => {
        const full = Math.min(policy.maxMs, policy.minMs * policy.factor ** (attempt - 1));
        expect(backoffMs(policy, attempt)).toBeGreaterThanOrEqual(Math.round(full * (1 - policy.jitter)));
        expect(backoffMs(policy, attempt)).toBeLessThanOrEqual(Math.round(full));
      }),
    );
  });

  it('never shrinks without jitter, and depends on seed and attempt alone', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 60 }), (policy, attempt) => {
        expect(backoffMs(policy, attempt)).toBe(backoffMs({ ...policy }, attempt));
        expect(backoffMs({ ...policy, jitter: 0 }, attempt + 1)).toBeGreaterThanOrEqual(backoffMs({ ...policy, jitter: 0 }, attempt));
      }),
    );
  });

  it('spreads with the seed: two children of one policy do not come back together', () => {
    const delays = Array.from({ length: 100 }, (_, seed) => backoffMs({ ...growing, jitter: 1, maxMs: 1_000, minMs: 1_000, seed }, 1));
    expect(new Set(delays).size).toBeGreaterThan(80);
    expect(Math.min(...delays)).toBeLessThan(150);
    expect(Math.max(...delays)).toBeGreaterThan(850);
  });

  it('of neighbouring seeds is not the same row, moved by one', () => {
    const row = (seed: number) =>
      Array.from({ length: 20 }, (_, attempt) => backoffMs({ ...growing, minMs: 1_000, jitter: 1, factor: 1, seed }, attempt + 1));
    expect(row(7).slice(1)).not.toEqual(row(8).slice(0, -1));
  });
});

describe('a child with backoff', () => {
  it('waits longer each time, never longer than maxMs', () => {
    const { comeback } = one(stage(), { backoff: growing });
    expect(Array.from({ length: 6 }, comeback)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('begins anew after a healthy time, and not a moment before', () => {
    const here = stage();
    const { comeback } = one(here, { backoff: growing });
    expect([comeback(), comeback()]).toEqual([100, 200]);
    here.clock.advanceBy(4_999);
    expect(comeback()).toBe(400);
    here.clock.advanceBy(5_000);
    expect(comeback()).toBe(100);
  });

  it('waits as its seed says, the same in every run', () => {
    const runs = [1, 1, 2].map((seed) => {
      const { comeback } = one(stage(), { backoff: { ...growing, jitter: 0.5, seed } });
      return Array.from({ length: 5 }, comeback);
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    expect(runs[0]).toEqual([1, 2, 3, 4, 5].map((attempt) => backoffMs({ ...growing, jitter: 0.5, seed: 1 }, attempt)));
  });

  it('is a state meanwhile, and calls are answered', async () => {
    const here = stage();
    const { app, crash } = one(here, { backoff: steady(500) });
    crash();
    expect(app.ref.getSnapshot().value).toEqual({ running: 'awaitingRetry' });
    expect(await app.whichChildren()).toEqual([{ id: 'w', type: 'worker', restarting: true, ref: null }]);
    expect(await app.restartChild('w')).toEqual({ ok: false, reason: 'restarting' });
    expect(await app.deleteChild('w')).toEqual({ ok: false, reason: 'restarting' });
    expect(await app.startChild({ id: 'w', src: 'worker' })).toEqual({ ok: false, reason: 'alreadyPresent' });
    expect(await app.startChild({ id: 'x', src: 'worker' })).toMatchObject({ ok: true });
    here.clock.advanceBy(500);
    expect(app.child('w')).toBeDefined();
  });

  it('counts each delayed attempt toward the intensity, when its child crashes', () => {
    const here = stage();
    const { crash, app, facts } = one(here, { backoff: steady(10) }, 2);
    crash();
    here.clock.advanceBy(10);
    crash();
    here.clock.advanceBy(10);
    crash();
    expect(app.ref.getSnapshot().status).toBe('done');
    expect(told(facts, 'supervisor.gaveUp')).toHaveLength(1);
  });

  it('terminated between two attempts stays down, and no timer waits; restarted by hand it runs', async () => {
    const here = stage();
    const { app, crash } = one(here, { backoff: steady(500) });
    crash();
    expect(await app.terminateChild('w')).toEqual({ ok: true });
    expect(here.clock.pending()).toBe(0);
    here.clock.advanceBy(1_000);
    expect(app.child('w')).toBeUndefined();
    expect(await app.restartChild('w')).toMatchObject({ ok: true });
  });

  it('waits between failed starts too, and each of them counts', () => {
    const here = stage();
    let failing = false;
    const flaky = setup({
      guards: { failing: () => failing },
      actions: {
        crash: () => {
          throw boom;
        },
      },
    }).createMachine({
      initial: 'starting',
      on: { crash: { actions: 'crash' } },
      states: {
        starting: { tags: 'starting', always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }] },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });
    const app = here.app({ intensity: 3, periodMs: 60_000, actors: { flaky }, children: [{ id: 'f', src: 'flaky', backoff: growing }] });
    const facts = factsOf(app);
    const attempts: number[] = [];
    app.on('child.startFailed', () => {
      attempts.push(here.clock.now());
    });
    failing = true;
    app.child('f')?.send({ type: 'crash' });
    here.clock.advanceBy(10_000);
    expect(attempts).toEqual([100, 300, 700]);
    expect(told(facts, 'supervisor.gaveUp')).toEqual(['supervisor.gaveUp f']);
  });

  it('does not forget its failed attempts because its last life was long', () => {
    const here = stage();
    let failing = false;
    const flaky = setup({
      guards: { failing: () => failing },
      actions: {
        crash: () => {
          throw boom;
        },
      },
    }).createMachine({
      initial: 'starting',
      on: { crash: { actions: 'crash' } },
      states: {
        starting: { tags: 'starting', always: [{ guard: 'failing', target: 'bad' }, { target: 'up' }] },
        up: {},
        bad: { type: 'final', tags: 'starting' },
      },
    });
    const app = here.app({ intensity: 100, actors: { flaky }, children: [{ id: 'f', src: 'flaky', backoff: growing }] });
    const attempts: number[] = [];
    app.on('child.startFailed', () => {
      attempts.push(here.clock.now());
    });
    here.clock.advanceBy(20_000);
    failing = true;
    app.child('f')?.send({ type: 'crash' });
    here.clock.advanceBy(2_000);
    expect(attempts.map((at) => at - 20_000)).toEqual([100, 300, 700, 1_500]);
    failing = false;
  });

  it('is not waited for when the supervisor stops', async () => {
    const here = stage();
    const { app, crash } = one(here, { backoff: steady(500) });
    crash();
    expect(await here.settle(app.stop())).toMatchObject({ reason: 'normal', tookMs: 0, children: [] });
  });
});
