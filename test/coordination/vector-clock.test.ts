/** Vector clocks: a partial order of what could be known, whose joins are merges. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClockOrder,
  compareClocks,
  incrementClock,
  maxClockNodes,
  mergeClocks,
  newClock,
  type VectorClock,
} from '../../src/coordination/vector-clock.js';
import { EspalierError } from '../../src/errors.js';

/** Few nodes, of which some have names that an object has already, and small counts: so that all four orders are met. */
const counts = fc.dictionary(fc.constantFrom('ann', 'bob', '__proto__', 'constructor', '1'), fc.integer({ min: 0, max: 3 }));
const clocks = counts.map((each) => newClock(each));
const nodes = fc.constantFrom('ann', 'bob', '__proto__', 'toString');

const isWithin = (one: VectorClock, other: VectorClock): boolean => ['before', 'equal'].includes(compareClocks(one, other));
const mirrored: Readonly<Record<ClockOrder, ClockOrder>> = { before: 'after', after: 'before', concurrent: 'concurrent', equal: 'equal' };

/** The code of what a call throws; null: nothing. */
function codeOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof EspalierError) return error.code;
    throw error;
  }
}

describe('a vector clock', () => {
  it.each<[ClockOrder, VectorClock, VectorClock]>([
    ['equal', {}, {}],
    ['equal', { ann: 1 }, { ann: 1, bob: 0 }],
    ['before', { ann: 1 }, { ann: 2 }],
    ['before', { ann: 1 }, { ann: 1, bob: 1 }],
    ['after', { ann: 2, bob: 1 }, { ann: 1, bob: 1 }],
    ['concurrent', { ann: 1 }, { bob: 1 }],
    ['concurrent', { ann: 2, bob: 1 }, { ann: 1, bob: 2 }],
  ])('is %s: %j to %j', (order, one, other) => {
    expect(compareClocks(one, other)).toBe(order);
  });

  it('orders what was sent before what was heard, and nothing between two who did not speak', () => {
    const sent = incrementClock(newClock(), 'ann');
    const heard = incrementClock(mergeClocks(newClock(), sent), 'bob');
    const alone = incrementClock(newClock(), 'eve');
    expect([compareClocks(sent, heard), compareClocks(heard, alone)]).toEqual(['before', 'concurrent']);
  });

  it('is a partial order', () => {
    fc.assert(
      fc.property(clocks, clocks, clocks, (a, b, c) => {
        expect(compareClocks(a, a)).toBe('equal');
        expect(compareClocks(b, a)).toBe(mirrored[compareClocks(a, b)]);
        // Who is within each other is one and the same, as text too.
        if (compareClocks(a, b) === 'equal') expect(JSON.stringify(a)).toBe(JSON.stringify(b));
        if (isWithin(a, b) && isWithin(b, c)) expect(isWithin(a, c)).toBe(true);
      }),
    );
  });

  it('merges to the least upper bound', () => {
    fc.assert(
      fc.property(clocks, clocks, clocks, (a, b, c) => {
        const both = mergeClocks(a, b);
        expect([isWithin(a, both), isWithin(b, both)]).toEqual([true, true]);
        // Whatever else is above both is above that.
        if (isWithin(a, c) && isWithin(b, c)) expect(isWithin(both, c)).toBe(true);
        expect(mergeClocks(b, a)).toEqual(both);
        expect(mergeClocks(a, a)).toEqual(a);
        expect(mergeClocks(both, c)).toEqual(mergeClocks(a, mergeClocks(b, c)));
      }),
    );
  });

  it('is before itself with one event more, of which nobody else knows', () => {
    fc.assert(
      fc.property(clocks, clocks, nodes, (clock, other, node) => {
        const later = incrementClock(clock, node);
        expect(compareClocks(clock, later)).toBe('before');
        if (isWithin(other, clock)) expect(compareClocks(other, later)).toBe('before');
        expect(compareClocks(later, newClock(JSON.parse(JSON.stringify(later))))).toBe('equal');
      }),
    );
  });

  it('changes nothing that it is given, and cannot be changed', () => {
    fc.assert(
      fc.property(counts, counts, nodes, (one, other, node) => {
        const before = JSON.stringify([one, other]);
        const made = [newClock(one), incrementClock(one, node), mergeClocks(one, other)];
        compareClocks(one, other);
        expect(JSON.stringify([one, other])).toBe(before);
        expect(made.every((clock) => Object.isFrozen(clock) && !Object.values(clock).includes(0))).toBe(true);
      }),
    );
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', [1]],
    ['a Map', new Map([['ann', 1]])],
    ['a text', 'ann'],
    ['a count that is no number', { ann: '1' }],
    ['a count below 0', { ann: -1 }],
    ['half a count', { ann: 0.5 }],
    ['a count without end', { ann: Infinity }],
    ['a node without a name', { '': 1 }],
    ['a name that is too long', { ['a'.repeat(201)]: 1 }],
    ['a name with control characters', { 'a\n': 1 }],
  ])('is not %s', (_, bad) => {
    const clock = bad as VectorClock;
    const calls = [() => newClock(clock), () => incrementClock(clock, 'ann'), () => mergeClocks({}, clock), () => mergeClocks(clock, {})];
    const codes = [...calls, () => compareClocks(clock, {}), () => compareClocks({}, clock)].map(codeOf);
    expect(new Set(codes)).toEqual(new Set(['vector-clock/invalid-clock']));
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 1],
    ['an empty text', ''],
    ['half of a pair', '\ud800'],
  ])('counts no events of %s', (_, node) => {
    expect(codeOf(() => incrementClock({}, node as string))).toBe('vector-clock/invalid-clock');
  });

  it('has a bound, of nodes and of their events', () => {
    const most = Object.fromEntries(Array.from({ length: maxClockNodes }, (_, index) => [`n${index}`, 1]));
    const codes = [
      () => incrementClock(most, 'n0'),
      () => incrementClock(most, 'one more'),
      () => mergeClocks(most, { 'one more': 1 }),
      () => newClock({ ...most, 'one more': 1 }),
      () => newClock({ ann: Number.MAX_SAFE_INTEGER }),
      () => incrementClock({ ann: Number.MAX_SAFE_INTEGER }, 'ann'),
    ].map(codeOf);
    const full = 'vector-clock/full';
    expect(codes).toEqual([null, full, full, full, null, full]);
  });
});
