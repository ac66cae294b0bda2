import fc from 'fast-check';
import { createActor, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

describe('the virtual clock', () => {
  it('fires in the order of time, and of setting where times are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ ms: fc.integer({ min: 0, max: 20 }), cleared: fc.boolean() }), { maxLength: 80 }), (timers) => {
        const clock = new VirtualClock();
        const fired: [number, number][] = [];
        const ids = timers.map(({ ms }, index) =>
          clock.setTimeout(() => {
            fired.push([clock.now(), index]);
          }, ms),
        );
        for (const [index, { cleared }] of timers.entries()) if (cleared) clock.clearTimeout(ids[index]);
        const left = timers.map(({ ms, cleared }, index) => ({ ms, cleared, index })).filter(({ cleared }) => !cleared);
        expect(clock.pending()).toBe(left.length);
        expect(clock.nextAt()).toBe(left.length === 0 ? undefined : Math.min(...left.map(({ ms }) => ms)));
        clock.advanceBy(20);
        expect(fired).toEqual(left.sort((a, b) => a.ms - b.ms || a.index - b.index).map(({ ms, index }) => [ms, index]));
        expect(clock.pending()).toBe(0);
        expect(clock.now()).toBe(20);
      }),
    );
  });

  it("a timer set by a timer counts from that one's moment (footgun of SimulatedClock: chained delays need two increments)", () => {
    const clock = new VirtualClock();
    const chained = createActor(
      setup({}).createMachine({ initial: 'a', states: { a: { after: { 1000: 'b' } }, b: { after: { 1000: 'c' } }, c: {} } }),
      { clock },
    ).start();
    clock.advanceBy(2_000);
    expect(chained.getSnapshot().value).toBe('c');
    chained.stop();
  });

  it('never moves back, and clears a timer twice without harm', () => {
    const clock = new VirtualClock();
    clock.advanceTo(50);
    clock.advanceTo(20);
    expect(clock.now()).toBe(50);
    const id = clock.setTimeout(() => {}, 10);
    clock.clearTimeout(id);
    clock.clearTimeout(id);
    clock.clearTimeout(undefined);
    expect([clock.pending(), clock.nextAt()]).toEqual([0, undefined]);
  });

  it('a timer may clear another that is due at the same moment', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const later: unknown[] = [];
    clock.setTimeout(() => {
      fired.push('first');
      clock.clearTimeout(later[0]);
    }, 10);
    later.push(
      clock.setTimeout(() => {
        fired.push('second');
      }, 10),
    );
    clock.advanceBy(10);
    expect(fired).toEqual(['first']);
  });

  it('lets promises settle between timers, when it moves asynchronously', async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.setTimeout(() => {
      void Promise.resolve().then(() => {
        log.push('promise');
        clock.setTimeout(() => {
          log.push('inner');
        }, 5);
      });
    }, 10);
    clock.setTimeout(() => {
      log.push('second');
    }, 20);
    await clock.advanceByAsync(30);
    expect(log).toEqual(['promise', 'inner', 'second']);
  });

  it('fires what is due at once without moving', () => {
    const clock = new VirtualClock();
    let fired = 0;
    clock.setTimeout(() => {
      fired++;
    }, 0);
    clock.setTimeout(() => {
      fired++;
    }, -5);
    expect(fired).toBe(0);
    clock.advanceBy(0);
    expect(fired).toBe(2);
  });
});
