import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue, type Deadline } from '../../src/supervision/deadlines.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A deadline that says when it fired. */
class Entry implements Deadline {
  dueAt = 0;
  place = -1;
  readonly name: number;
  readonly fire: (name: number) => void;

  constructor(name: number, fire: (name: number) => void) {
    this.name = name;
    this.fire = fire;
  }

  expired(): void {
    this.fire(this.name);
  }
}

type Op =
  | { readonly op: 'add'; readonly ms: number }
  | { readonly op: 'remove'; readonly which: number }
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'clear' };

const ops: fc.Arbitrary<Op[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ op: fc.constant('add' as const), ms: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant(Infinity)) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('remove' as const), which: fc.nat(60) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
  ),
  { maxLength: 120 },
);

describe('the deadline queue', () => {
  it('has an entry once, however often it is added: the last word counts, and it ends', () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(clock);
    const fired: [number, number][] = [];
    const [first, second] = [1, 2].map((name) => new Entry(name, () => fired.push([name, clock.now()]))) as [Entry, Entry];
    for (const ms of [30, 10, 20]) queue.add(first, ms);
    queue.add(second, 15);
    expect(queue.size).toBe(2);
    clock.advanceBy(100);
    expect([fired, queue.size, clock.pending()]).toEqual([
      [
        [2, 15],
        [1, 20],
      ],
      0,
      0,
    ]);
  });

  it('fires what a sorted list would, when it would, behind one timer', () => {
    fc.assert(
      fc.property(ops, (steps) => {
        const clock = new VirtualClock();
        const queue = new DeadlineQueue(clock);
        const fired: [number, number][] = [];
        const entries: Entry[] = [];
        let model: { readonly name: number; readonly dueAt: number }[] = [];
        const expected: [number, number][] = [];
        for (const step of steps) {
          if (step.op === 'add') {
            const entry = new Entry(entries.length, (name) => {
              fired.push([name, clock.now()]);
            });
            entries.push(entry);
            queue.add(entry, step.ms);
            model.push({ name: entry.name, dueAt: clock.now() + step.ms });
          } else if (step.op === 'remove') {
            const entry = entries[step.which];
            if (entry !== undefined) queue.remove(entry);
            model = model.filter(({ name }) => name !== step.which);
          } else if (step.op === 'clear') {
            queue.clear();
            model = [];
          } else {
            const until = clock.now() + step.ms;
            clock.advanceBy(step.ms);
            for (const { name, dueAt } of model.filter((entry) => entry.dueAt <= until).sort((a, b) => a.dueAt - b.dueAt))
              expected.push([name, dueAt]);
            model = model.filter((entry) => entry.dueAt > until);
          }
          expect(queue.size).toBe(model.length);
          expect(clock.pending()).toBeLessThanOrEqual(1);
          if (model.some(({ dueAt }) => dueAt !== Infinity)) expect(clock.pending()).toBe(1);
          if (model.length === 0) expect(clock.pending()).toBe(0);
          for (const entry of entries) expect(entry.place >= 0).toBe(model.some(({ name }) => name === entry.name));
        }
        const byMoment = (list: [number, number][]) =>
          list.map(([name, at]) => [at, name]).sort((a, b) => (a[0] as number) - (b[0] as number) || (a[1] as number) - (b[1] as number));
        expect(byMoment(fired)).toEqual(byMoment(expected));
        expect(fired.map(([, at]) => at)).toEqual(fired.map(([, at]) => at).sort((a, b) => a - b));
        queue.clear();
      }),
      { numRuns: 300 },
    );
  });

  it('one that fires may add and remove others, and itself again', () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(clock);
    const fired: string[] = [];
    const victim = new Entry(9, () => {
      fired.push('victim');
    });
    const again: Entry = new Entry(1, () => {
      fired.push(`again ${clock.now()}`);
      queue.remove(victim);
      if (clock.now() < 30) queue.add(again, 10);
    });
    queue.add(again, 10);
    queue.add(victim, 10);
    clock.advanceBy(100);
    expect(fired).toEqual(['again 10', 'again 20', 'again 30']);
    expect([queue.size, clock.pending()]).toEqual([0, 0]);
  });

  it('one that throws when it fires does not silence those after it', () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(clock);
    const fired: number[] = [];
    queue.add(
      new Entry(1, () => {
        throw new Error('boom');
      }),
      10,
    );
    queue.add(
      new Entry(2, (name) => {
        fired.push(name);
      }),
      20,
    );
    expect(() => {
      clock.advanceBy(10);
    }).toThrow('boom');
    clock.advanceBy(10);
    expect(fired).toEqual([2]);
  });

  it('a timer that comes too early looks, and arms the next', () => {
    let now = 0;
    const timers: { fn: () => void; ms: number }[] = [];
    const queue = new DeadlineQueue({ now: () => now, setTimeout: (fn, ms) => timers.push({ fn, ms }), clearTimeout: () => {} });
    const fired: number[] = [];
    queue.add(
      new Entry(1, (name) => {
        fired.push(name);
      }),
      10,
    );
    now = 9.4;
    timers[0]?.fn();
    expect(fired).toEqual([]);
    expect(timers[1]?.ms).toBeCloseTo(0.6);
    now = 10;
    timers[1]?.fn();
    expect(fired).toEqual([1]);
  });
});
