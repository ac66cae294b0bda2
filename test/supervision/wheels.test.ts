import { createActor, setup, SimulatedClock, type AnyActorRef } from 'xstate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clockOf, type Clock } from '../../src/supervision/clock.js';
import { DeadlineQueue, type Deadline } from '../../src/supervision/deadlines.js';
import { indexTimers, pendingEvents, reschedule } from '../../src/supervision/scheduler.js';
import { keepApart, wheelOf } from '../../src/supervision/wheels.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A clock that counts the timers that it is asked for. */
class CountingClock extends VirtualClock {
  sets = 0;

  override setTimeout(fn: () => void, ms: number): unknown {
    this.sets++;
    return super.setTimeout(fn, ms);
  }
}

const deadline = (expired: () => void): Deadline => ({ dueAt: 0, place: -1, expired });

const waiting = setup({ delays: { long: 500 } }).createMachine({
  initial: 'a',
  states: { a: { after: { long: 'b' } }, b: {} },
});

/** The clock of those who are given none. */
const runtimeClock = clockOf(createActor(waiting).system);

describe('delayed events on the wheel', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const root = (clock?: { setTimeout: Clock['setTimeout']; clearTimeout: Clock['clearTimeout'] }): AnyActorRef => {
    const actor = createActor(waiting, clock === undefined ? {} : { clock });
    indexTimers(actor);
    return actor.start();
  };

  it('of all systems of a clock are one timer, and none when they have gone', () => {
    const clock = new CountingClock();
    const roots = Array.from({ length: 1_000 }, () => root(clock));
    expect([clock.pending(), clock.sets]).toEqual([1, 1]);
    for (const one of roots.slice(500)) one.stop();
    clock.advanceBy(500);
    expect(roots.filter((one) => one.getSnapshot().value === 'b')).toHaveLength(500);
    expect([clock.pending(), wheelOf(clock)?.size]).toEqual([0, 0]);
  });

  it('and deadlines due at one moment come in the order in which they were added', () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(clock);
    const seen: string[] = [];
    const logic = setup({
      types: { events: {} as { type: 'hit'; name: string } },
      actions: { note: ({ event }) => seen.push(event.name) },
    }).createMachine({ on: { hit: { actions: 'note' } } });
    const actor = createActor(logic, { clock }).start();
    indexTimers(actor);
    const event = (name: string, delay: number): void => reschedule(actor, actor, { type: 'hit', name } as never, delay, name);
    const late = (name: string, delay: number): void =>
      queue.add(
        deadline(() => seen.push(name)),
        delay,
      );
    event('e1', 100);
    late('d1', 100);
    event('e2', 100);
    clock.advanceBy(40);
    late('d2', 60);
    event('e3', 59);
    event('e4', 60);
    clock.advanceBy(60);
    expect(seen).toEqual(['e3', 'e1', 'd1', 'e2', 'd2', 'e4']);
  });

  it("of many moments all come when XState's SimulatedClock jumps past them", () => {
    const clock = new SimulatedClock();
    const seen: string[] = [];
    const logic = setup({
      types: { events: {} as { type: 'hit'; name: string } },
      actions: { note: ({ event }) => seen.push(event.name) },
    }).createMachine({ on: { hit: { actions: 'note' } } });
    const actor = createActor(logic, { clock }).start();
    indexTimers(actor);
    for (const [name, delay] of [
      ['c', 3_000],
      ['a', 10],
      ['b', 2_000],
      ['a2', 10],
      ['d', 9_000],
    ] as const)
      reschedule(actor, actor, { type: 'hit', name } as never, delay, name);
    clock.increment(5_000);
    expect(seen).toEqual(['a', 'a2', 'b', 'c']);
    clock.increment(4_000);
    expect(seen).toEqual(['a', 'a2', 'b', 'c', 'd']);
  });

  it('of a clock that cannot tell the time wait for its timers, not for ours', () => {
    const timers: (() => void)[] = [];
    const clock = { setTimeout: (fn: () => void) => timers.push(fn), clearTimeout: () => {} };
    const [one, other] = [root(clock), root(clock)];
    expect(timers).toHaveLength(2);
    timers[1]?.();
    expect([one.getSnapshot().value, other.getSnapshot().value]).toEqual(['a', 'b']);
  });

  it('each have a timer of their own on a clock whose timers are kept apart', () => {
    const clock = new VirtualClock();
    keepApart(clock);
    const [one, other] = [root(clock), root(clock)];
    new DeadlineQueue(clock).add(
      deadline(() => {}),
      10,
    );
    expect([clock.pending(), wheelOf(clock)]).toEqual([3, undefined]);
    expect([one, other].map((actor) => pendingEvents(actor)[0]?.timer === undefined)).toEqual([false, false]);
    other.stop();
    clock.advanceBy(500);
    expect([one.getSnapshot().value, clock.pending()]).toEqual(['b', 0]);
  });

  it('without a clock of their own share the one of the runtime, and leave it when they go', () => {
    const before = wheelOf(runtimeClock)?.size;
    const one = root();
    expect(wheelOf(runtimeClock)?.size).toBe((before ?? 0) + 1);
    const other = root();
    expect(pendingEvents(other)).toMatchObject([{ delay: 500, timer: undefined }]);
    one.stop();
    other.stop();
    expect(wheelOf(runtimeClock)?.size).toBe(before ?? 0);
  });

  it("while the runtime's timers are replaced have timers of the replacement, which takes nobody else's along", () => {
    const fired: string[] = [];
    const queue = new DeadlineQueue(runtimeClock);
    queue.add(
      deadline(() => fired.push('kept')),
      100_000,
    );
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const shared = wheelOf(runtimeClock)?.size;
    const actor = root();
    const far = root();
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(500);
    expect([actor.getSnapshot().value, far.getSnapshot().value]).toEqual(['b', 'b']);
    expect(wheelOf(runtimeClock)?.size).toBe(shared);
    queue.add(
      deadline(() => fired.push('lost')),
      10,
    );
    expect([queue.size, wheelOf(runtimeClock)?.size]).toEqual([2, 0]);
    vi.useRealTimers();
    queue.add(
      deadline(() => fired.push('new')),
      200_000,
    );
    expect([queue.size, wheelOf(runtimeClock)?.size]).toEqual([3, 3]);
    queue.clear();
    expect([queue.size, wheelOf(runtimeClock)?.size, fired]).toEqual([0, 0, []]);
  });
});
