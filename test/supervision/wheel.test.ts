import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/supervision/clock.js';
import { DeadlineQueue, type Deadline } from '../../src/supervision/deadlines.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A clock that counts what is asked of it. */
class CountingClock extends VirtualClock {
  sets = 0;

  override setTimeout(fn: () => void, ms: number): unknown {
    this.sets++;
    return super.setTimeout(fn, ms);
  }
}

class Entry implements Deadline {
  dueAt = 0;
  place = -1;
  readonly name: number;
  readonly fire: (entry: Entry) => void;

  constructor(name: number, fire: (entry: Entry) => void) {
    this.name = name;
    this.fire = fire;
  }

  expired(): void {
    this.fire(this);
  }
}

/** What somebody does, at the top or when an entry fires. Entries and owners are picked by number. */
type Act =
  | { readonly act: 'add'; readonly which: number; readonly owner: number; readonly ms: number }
  | { readonly act: 'remove'; readonly which: number }
  | { readonly act: 'clear'; readonly owner: number };
type Step = Act | { readonly act: 'wait'; readonly ms: number } | { readonly act: 'onFire'; readonly which: number; readonly acts: readonly Act[] };

const names = 24;
const owners = 3;
const day = 86_400_000;
const which = fc.nat(names - 1);
const owner = fc.nat(owners - 1);
/** Near and far, on the millisecond and between, on both sides of every round of the wheel, and never. */
const ms = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.double({ min: 0, max: 5, noNaN: true }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.constantFrom(31, 32, 33, 1_023, 1_024, 32_768, 2 ** 20, 2 ** 25, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 1, 2 ** 31 + 7, 40 * day, 400 * day, 1e15),
  fc.constantFrom(-5, -0.5, Infinity),
);
const leap = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1_000, 40_000, 2 ** 21, 2 ** 26, 2 ** 30, 13 * day, 500 * day) },
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('add' as const), which, owner, ms }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('remove' as const), which }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('clear' as const), owner }) },
);
/** When it fires: nothing that is due again at the same moment, which would never end. */
const later = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(0.25, 1_024, 2 ** 30, 20 * day, Infinity));
const reaction: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constant('add' as const), which, owner, ms: later }),
  fc.record({ act: fc.constant('remove' as const), which }),
  fc.record({ act: fc.constant('clear' as const), owner }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: act },
    { weight: 4, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: leap }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('onFire' as const), which, acts: fc.array(reaction, { maxLength: 3 }) }) },
  ),
  { maxLength: 100 },
);

/** The same by a list that is sorted whenever somebody looks. */
class Listed {
  #entries: { name: number; owner: number; dueAt: number; order: number }[] = [];
  #order = 0;
  now = 0;

  do(it: Act): void {
    if (it.act === 'clear') {
      this.#entries = this.#entries.filter((entry) => entry.owner !== it.owner);
      return;
    }
    this.#entries = this.#entries.filter(({ name }) => name !== it.which);
    if (it.act === 'add') this.#entries.push({ name: it.which, owner: it.owner, dueAt: this.now + it.ms, order: this.#order++ });
  }

  passUntil(at: number, fired: (name: number) => void): void {
    for (;;) {
      const [first] = this.#entries.toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order);
      if (first === undefined || first.dueAt > at) break;
      this.now = Math.max(this.now, first.dueAt);
      this.#entries = this.#entries.filter((entry) => entry !== first);
      fired(first.name);
    }
    this.now = at;
  }

  of(which: number): number[] {
    return this.#entries.filter((entry) => entry.owner === which).map(({ name }) => name);
  }

  /** Is anything in it due at some time? */
  get waits(): boolean {
    return this.#entries.some(({ dueAt }) => dueAt !== Infinity);
  }
}

/** Both do the same; what fired, and when. */
function together(all: readonly Step[]): { fired: [number, number][]; expected: [number, number][] } {
  const clock = new VirtualClock();
  const listed = new Listed();
  const queues = Array.from({ length: owners }, () => new DeadlineQueue(clock));
  const homes = new Map<number, number>();
  const reactions = new Map<number, readonly Act[]>();
  const fired: [number, number][] = [];
  const expected: [number, number][] = [];
  const take = (to: Act): void => {
    if (to.act === 'clear') {
      queues[to.owner]?.clear();
      return;
    }
    const entry = entries[to.which] as Entry;
    queues[homes.get(to.which) ?? 0]?.remove(entry);
    if (to.act !== 'add') return;
    homes.set(to.which, to.owner);
    queues[to.owner]?.add(entry, to.ms);
  };
  const entries = Array.from(
    { length: names },
    (_, name) =>
      new Entry(name, () => {
        fired.push([name, clock.now()]);
        for (const to of reactions.get(name) ?? []) take(to);
      }),
  );
  for (const step of all) {
    if (step.act === 'onFire') reactions.set(step.which, step.acts);
    else if (step.act === 'wait') {
      const until = clock.now() + step.ms;
      clock.advanceTo(until);
      listed.passUntil(until, (name) => {
        expected.push([name, listed.now]);
        for (const to of reactions.get(name) ?? []) listed.do(to);
      });
    } else {
      take(step);
      listed.do(step);
    }
    expect(clock.pending()).toBe(listed.waits ? 1 : 0);
    for (const [index, queue] of queues.entries()) {
      const names = listed.of(index);
      expect(queue.size).toBe(names.length);
      expect(new Set(queue.all().map((entry) => (entry as Entry).name))).toEqual(new Set(names));
    }
    const inside = new Set(queues.flatMap((_, index) => listed.of(index)));
    for (const entry of entries) expect(entry.place >= 0).toBe(inside.has(entry.name));
  }
  for (const queue of queues) queue.clear();
  expect(clock.pending()).toBe(0);
  return { fired, expected };
}

describe('the wheel', () => {
  it('fires what a sorted list would, when it would and in its order, for several owners behind one timer, however near or far', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { fired, expected } = together(all);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps the order and the numbers of thousands, through bursts that go', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2_000, max: 6_000 }), (seed, count) => {
        const clock = new CountingClock();
        const queue = new DeadlineQueue(clock);
        let state = seed | 1;
        const chance = (below: number): number => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
          return (state >>> 8) % below;
        };
        const fired: Entry[] = [];
        const order = new Map<Entry, number>();
        const entries = Array.from({ length: count }, (_, name) => new Entry(name, (entry) => fired.push(entry)));
        for (const [index, entry] of entries.entries()) {
          queue.add(entry, chance(4) === 0 ? chance(3) * 50 : chance(100_000) / 8);
          order.set(entry, index);
        }
        const kept = entries.filter((entry) => {
          const stays = chance(20) === 0;
          if (!stays) queue.remove(entry);
          return stays;
        });
        expect([queue.size, clock.pending()]).toEqual([kept.length, 1]);
        clock.advanceBy(100_000);
        const expected = kept.toSorted((a, b) => a.dueAt - b.dueAt || (order.get(a) as number) - (order.get(b) as number));
        expect(fired.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
        expect([queue.size, clock.pending()]).toEqual([0, 0]);
      }),
      { numRuns: 20 },
    );
  });

  it('has one timer for a hundred thousand that wait, and sets it once', () => {
    const clock = new CountingClock();
    const queues = [1, 2, 3].map(() => new DeadlineQueue(clock));
    let fired = 0;
    for (let name = 0; name < 100_000; name++) queues[name % 3]?.add(new Entry(name, () => fired++), 5_000 + (name % 7_000));
    expect([clock.pending(), clock.sets]).toEqual([1, 1]);
    clock.advanceBy(12_000);
    expect([fired, clock.pending()]).toEqual([100_000, 0]);
  });

  it('passes through years without an entry as through a millisecond', () => {
    const clock = new CountingClock();
    const queue = new DeadlineQueue(clock);
    const fired: number[] = [];
    queue.add(new Entry(1, () => fired.push(clock.now())), 10_000 * day + 0.5);
    clock.advanceBy(10_000 * day);
    expect(fired).toEqual([]);
    clock.advanceBy(1);
    expect(fired).toEqual([10_000 * day + 0.5]);
    expect(clock.sets).toBeLessThanOrEqual(3);
  });

  it('sets no timer for what never is due, and takes away the one that is no longer needed', () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(clock);
    const hour = new Entry(2, () => {});
    queue.add(new Entry(1, () => {}), Infinity);
    expect(clock.pending()).toBe(0);
    queue.add(hour, 3_600_000);
    expect(clock.pending()).toBe(1);
    queue.remove(hour);
    expect([queue.size, clock.pending()]).toEqual([1, 0]);
  });

  it('of one that throws, takes the error to the clock and nobody else away, of whatever owner', () => {
    const clock = new VirtualClock();
    const [one, other] = [new DeadlineQueue(clock), new DeadlineQueue(clock)];
    const fired: number[] = [];
    const boom = () => {
      throw new Error('boom');
    };
    one.add(new Entry(1, boom), 10);
    other.add(new Entry(2, ({ name }) => fired.push(name)), 10);
    one.add(new Entry(3, boom), 10);
    other.add(new Entry(4, ({ name }) => fired.push(name)), 20);
    expect(() => clock.advanceTo(10)).toThrow('boom');
    expect(() => clock.advanceTo(10)).toThrow('boom');
    clock.advanceTo(20);
    expect(fired).toEqual([2, 4]);
  });

  it('goes on when its clock is set back', () => {
    let now = 1_000;
    const timers = new Map<number, { fn: () => void; at: number }>();
    let id = 0;
    const clock: Clock = {
      now: () => now,
      setTimeout: (fn, ms) => timers.set(++id, { fn, at: now + ms }) && id,
      clearTimeout: (which) => timers.delete(which as number),
    };
    const due = (): void => {
      for (const [which, { fn, at }] of timers) if (at <= now && timers.delete(which)) fn();
    };
    const queue = new DeadlineQueue(clock);
    const fired: number[] = [];
    const add = (name: number, ms: number): void => queue.add(new Entry(name, () => fired.push(name)), ms);
    add(1, 100);
    add(2, 5_000);
    now = 1_100;
    due();
    now = 50;
    add(3, 10);
    expect(timers.size).toBe(1);
    now = 60;
    due();
    expect(fired).toEqual([1, 3]);
    now = 6_000;
    due();
    expect([fired, timers.size]).toEqual([[1, 3, 2], 0]);
  });

  it('lets others have a turn when its entries take long, and keeps their order', () => {
    let now = 0;
    const set: (() => void)[] = [];
    const clock: Clock = { now: () => now, setTimeout: (fn) => set.push(fn), clearTimeout: () => {} };
    const queue = new DeadlineQueue(clock);
    const fired: number[] = [];
    for (let name = 0; name < 100; name++)
      queue.add(
        new Entry(name, () => {
          fired.push(name);
          now += 1;
        }),
        10,
      );
    now = 10;
    set.shift()?.();
    expect(fired.length).toBeLessThan(50);
    for (let fn = set.shift(); fn !== undefined; fn = set.shift()) fn();
    expect(fired).toEqual(Array.from({ length: 100 }, (_, name) => name));
  });
});
