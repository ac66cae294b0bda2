/** Probes: opt-in, isolated, concurrent, with deadlines; told on transition only; silence is an alert. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Said } from '../../src/health/answer.js';
import { exitReason } from '../../src/supervision/watch.js';
import { healthWorld, leaveNothing, settle, troublesOf } from './health-world.js';

afterEach(leaveNothing);
afterEach(() => {
  vi.restoreAllMocks();
});

const every = { everyMs: 100, firstMs: 100 };

/** A check that says what it is told to. */
function saying(first?: Said) {
  const check = { says: first as unknown, calls: 0, fn: () => (check.calls++, check.says as Said) };
  return check;
}

describe('a probe', () => {
  it('is healthy by its first good result, and nothing is told of it but that the whole is', async () => {
    const check = saying();
    const { pass, facts, health } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, ...every }] } });
    expect([health.overall(), health.status('db')]).toMatchObject(['unknown', { health: 'unknown', last: null, lastAgoMs: null }]);
    await pass(100, 10);
    expect(check.calls).toBe(10);
    expect(facts).toEqual(['health.changed probes healthy']);
    expect(health.status('db')).toMatchObject({ health: 'healthy', isSilent: false, last: { outcome: 'ok', because: 'said' }, lastAgoMs: 0 });
  });

  it('is degraded by one failure, unhealthy by three in a row, and healthy again by two that are good: each told once', async () => {
    const check = saying();
    const { pass, facts, health } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, ...every }] } });
    await pass(100, 2);
    check.says = false;
    await pass(100, 6);
    expect(facts.slice(1)).toEqual(['health.degraded db', 'health.changed probes degraded', 'health.failed db', 'health.changed probes unhealthy']);
    check.says = true;
    await pass(100);
    expect(health.status('db')?.health).toBe('unhealthy');
    await pass(100, 5);
    expect(facts.slice(5)).toEqual(['health.recovered db', 'health.changed probes healthy']);
  });

  it.each([
    ['nothing', undefined, 'healthy', 'said'],
    ['true', true, 'healthy', 'said'],
    ['ok', 'ok', 'healthy', 'said'],
    ['degraded', { outcome: 'degraded', detail: 'slow' }, 'degraded', 'said'],
    ['false', false, 'degraded', 'said'],
    ['something else', { size: 0 }, 'degraded', 'misanswered'],
    ['a number', 0, 'degraded', 'misanswered'],
  ])('that says %s counts as what it says', async (_, says, as, because) => {
    const { pass, health } = await healthWorld({ health: { probes: [{ id: 'db', check: saying(says as Said).fn, ...every }] } });
    await pass(100);
    expect(health.status('db')).toMatchObject({ health: as, last: { because } });
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('with AIza-SECRET');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('with AIza-SECRET'))],
  ])('that %s has failed, harms nobody, and its words are not kept', async (_, check) => {
    const other = saying();
    const { pass, health, app } = await healthWorld({
      health: {
        probes: [
          { id: 'db', check, ...every },
          { id: 'b', check: other.fn, ...every },
        ],
      },
    });
    await pass(100, 3);
    expect(health.status('db')).toMatchObject({ health: 'unhealthy', last: { outcome: 'failed', because: 'threw', detail: 'TypeError' } });
    expect([health.status('b')?.health, other.calls, exitReason(app.ref)]).toEqual(['healthy', 3, null]);
    expect(JSON.stringify(health.all())).not.toContain('SECRET');
  });

  it('that never answers fails at its deadline and once each interval, is told to stop, and never overlaps itself', async () => {
    const release: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const check = ({ signal }: { signal: AbortSignal }): Promise<void> => {
      signals.push(signal);
      return new Promise((resolve) => release.push(resolve));
    };
    const { pass, health, facts, part } = await healthWorld({ health: { probes: [{ id: 'db', check, ...every, deadlineMs: 50 }] } });
    const pace = (): string => (part('db').getSnapshot() as { value: { pace: string } }).value.pace;
    await pass(100);
    await pass(50);
    expect([signals.length, signals[0]?.aborted, health.status('db')]).toMatchObject([1, true, { health: 'degraded', last: { because: 'timeout' } }]);
    await pass(100, 5);
    expect([signals.length, health.status('db')?.health, health.status('db')?.isSilent, pace()]).toEqual([1, 'unhealthy', false, 'overdue']);
    release[0]?.();
    await settle();
    expect(pace()).toBe('kept');
    expect(health.status('db')?.health).toBe('unhealthy');
    await pass(50);
    expect(signals.length).toBe(2);
    release[1]?.();
    await settle();
    await pass(100);
    release[2]?.();
    await settle();
    expect([health.status('db')?.health, facts.at(-2)]).toEqual(['healthy', 'health.recovered db']);
    await pass(100);
    release[3]?.();
    await settle();
  });

  it('that is slow delays no other', async () => {
    const quick = saying();
    let end = (): void => {};
    const slow = (): Promise<void> => new Promise((resolve) => (end = resolve));
    const { pass } = await healthWorld({
      health: {
        probes: [
          { id: 'slow', check: slow, ...every },
          { id: 'quick', check: quick.fn, ...every },
        ],
      },
    });
    await pass(100, 10);
    expect(quick.calls).toBe(10);
    end();
    await settle();
  });

  it('keeps its pace: a check that took 30 ms of 100 is followed by the next 70 ms later', async () => {
    const began: number[] = [];
    let end = (): void => {};
    const world = await healthWorld({
      health: { probes: [{ id: 'db', check: () => (began.push(world.clock.now()), new Promise<void>((resolve) => (end = resolve))), ...every }] },
    });
    for (let time = 0; time < 3; time++) {
      await world.pass(time === 0 ? 100 : 70);
      await world.pass(30);
      end();
      await settle();
    }
    expect(began).toEqual([100, 200, 300]);
  });

  it('whose first check comes later than it may be silent is not silent before', async () => {
    const check = saying(null);
    const { pass, facts, health } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, everyMs: 100, firstMs: 1_000 }] } });
    await pass(100, 12);
    expect([check.calls, health.status('db')?.isSilent, facts]).toEqual([3, false, []]);
    await pass(100);
    expect(facts).toEqual(['health.silenced db', 'health.changed probes unhealthy']);
  });

  it('that has no result in three intervals, for whatever reason, is silent: that is an alert by itself, once, until it is heard', async () => {
    const check = saying(null);
    const { pass, facts, health } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, ...every }] } });
    await pass(100, 8);
    expect(facts).toEqual(['health.silenced db', 'health.changed probes unhealthy']);
    expect([check.calls, health.status('db')]).toMatchObject([8, { health: 'unknown', isSilent: true }]);
    check.says = true;
    await pass(100);
    expect(facts.slice(2)).toEqual(['health.heard db', 'health.changed probes healthy']);
  });

  it('for which results are brought is silent when they stop coming', async () => {
    const { pass, facts, health } = await healthWorld({ health: { probes: [{ id: 'feed', everyMs: 100 }] } });
    expect([health.report('feed', 'ok'), health.report('none', 'ok'), health.checkNow('feed')]).toEqual([true, false, true]);
    await pass(100, 2);
    expect(health.report('feed', 'degraded', 'late')).toBe(true);
    expect(health.status('feed')).toMatchObject({ health: 'degraded', last: { because: 'reported', detail: 'late' } });
    await pass(299);
    expect(facts.at(-1)).toBe('health.changed probes degraded');
    await pass(1);
    expect(facts.slice(-2)).toEqual(['health.silenced feed', 'health.changed probes unhealthy']);
  });

  it('that goes to and fro flaps: that is told once, and where it stands when it has settled', async () => {
    const check = saying();
    const flapping = { of: 6, starts: 4, ends: 1 };
    const { pass, facts, health, part } = await healthWorld({
      health: { flapping, healthyAfter: 1, probes: [{ id: 'db', check: check.fn, ...every }] },
    });
    for (let time = 0; time < 12; time++) {
      check.says = time % 2 === 0;
      await pass(100);
    }
    const told = facts.filter((fact) => fact.includes(' db'));
    expect(told).toEqual(['health.degraded db', 'health.recovered db', 'health.degraded db', 'health.flapped db']);
    expect(health.status('db')?.isFlapping).toBe(true);
    check.says = true;
    await pass(100, 6);
    expect(facts.filter((fact) => fact.includes(' db')).slice(4)).toEqual(['health.settled db healthy']);
    expect(health.status('db')?.isFlapping).toBe(false);
    expect(troublesOf(part('health')), 'what a snapshot would say').toEqual({});
  });

  it('that is not critical leaves the whole degraded at worst', async () => {
    const { pass, health } = await healthWorld({ health: { probes: [{ id: 'db', check: saying(false).fn, isCritical: false, ...every }] } });
    await pass(100, 4);
    expect([health.status('db')?.health, health.overall()]).toEqual(['unhealthy', 'degraded']);
  });

  it('checks when it is asked to, unless it does', async () => {
    const check = saying();
    const { health, pass } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, everyMs: 1_000, firstMs: 1_000 }] } });
    expect([health.checkNow('db'), health.checkNow('none')]).toEqual([true, false]);
    await settle();
    expect([check.calls, health.overall()]).toEqual([1, 'healthy']);
    await pass(999);
    expect(check.calls).toBe(1);
    await pass(1);
    expect(check.calls).toBe(2);
  });

  it('that is added again while a check of its former self hangs begins none beside it', async () => {
    const ends: (() => void)[] = [];
    const probe = { id: 'db', check: () => new Promise<void>((resolve) => ends.push(resolve)), ...every };
    const { pass, health } = await healthWorld({ health: { maxProbes: 1, probes: [probe] } });
    await pass(100);
    expect(health.unwatch('db')).toBe(true);
    // What hangs takes a place: else an app that adds and removes would gather checks without a bound.
    expect(health.watch({ ...probe, id: 'other' })).toEqual({ ok: false, reason: 'full' });
    expect([health.watch(probe), health.status('db')]).toMatchObject([{ ok: true }, { isOverdue: true, health: 'unknown', last: null }]);
    await pass(100, 2);
    expect([ends.length, health.status('db')]).toMatchObject([1, { health: 'degraded', last: { because: 'timeout' } }]);
    ends[0]?.();
    await settle();
    expect(health.status('db')?.isOverdue).toBe(false);
    await pass(100);
    expect(ends.length).toBe(2);
    ends[1]?.();
    await settle();
    expect(health.status('db')?.last).toMatchObject({ outcome: 'ok' });
  });

  it('that is added again while a check of its former self is within its deadline has not failed before that', async () => {
    let end = (): void => {};
    const probe = { id: 'db', check: () => new Promise<void>((resolve) => (end = resolve)), everyMs: 1_000, deadlineMs: 900, firstMs: 1 };
    const { pass, facts, health } = await healthWorld({ health: { unhealthyAfter: 1, probes: [probe] } });
    await pass(1);
    await pass(100);
    health.unwatch('db');
    health.watch(probe);
    await pass(100);
    expect([health.status('db'), facts.filter((fact) => fact.endsWith(' db'))]).toMatchObject([{ health: 'unknown', last: null }, []]);
    await pass(901);
    expect(health.status('db')).toMatchObject({ health: 'unhealthy', last: { because: 'timeout' } });
    end();
    await settle();
  });

  it('may be taken away by its own check, and leaves no timer', async () => {
    let end = (): void => {};
    const check = (): Promise<void> => (world.health.unwatch('db'), new Promise((resolve) => (end = resolve)));
    const world = await healthWorld({ health: { probes: [{ id: 'db', check, ...every }] } });
    await world.pass(100);
    expect([world.health.all(), world.clock.pending()]).toEqual([[], 0]);
    end();
    await settle();
  });

  it('that was taken away leaves its place when its check has ended', async () => {
    let end = (): void => {};
    const hangs = { id: 'db', check: () => new Promise<void>((resolve) => (end = resolve)), ...every };
    const { pass, health } = await healthWorld({ health: { maxProbes: 1, probes: [hangs] } });
    await pass(100);
    health.unwatch('db');
    end();
    await settle();
    expect(health.watch({ id: 'other', ...every })).toEqual({ ok: true });
  });

  it('of a process that stood still for longer than it may be silent says so, before it goes on', async () => {
    const check = saying();
    const { pass, facts, health, clock } = await healthWorld({ health: { probes: [{ id: 'db', check: check.fn, ...every }] } });
    await pass(100);
    // The clock has moved on when the next timer fires.
    const now = vi.spyOn(clock, 'now').mockReturnValue(1_050);
    clock.advanceTo(200);
    now.mockRestore();
    clock.advanceTo(1_050);
    await settle();
    expect(facts.slice(1)).toEqual(['health.silenced db', 'health.changed probes unhealthy', 'health.heard db', 'health.changed probes healthy']);
    expect(check.calls).toBe(2);
    await pass(50);
    expect([check.calls, health.status('db')?.isSilent]).toEqual([3, false]);
  });

  it('may come and go while the monitor runs', async () => {
    const check = saying(false);
    const { health, pass } = await healthWorld({ health: { maxProbes: 1, unhealthyAfter: 1 } });
    expect(health.overall()).toBe('healthy');
    expect(health.watch({ id: 'db', check: check.fn, ...every })).toEqual({ ok: true });
    expect([health.watch({ id: 'db', check: check.fn }), health.watch({ id: 'b', check: check.fn })]).toEqual([
      { ok: false, reason: 'taken' },
      { ok: false, reason: 'full' },
    ]);
    await pass(100);
    expect(health.overall()).toBe('unhealthy');
    expect([health.unwatch('db'), health.unwatch('db'), health.overall(), health.status('db')]).toEqual([true, false, 'healthy', null]);
    await pass(100, 3);
    expect(check.calls).toBe(1);
    await health.close();
  });
});
