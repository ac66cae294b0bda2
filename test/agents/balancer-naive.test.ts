/** Whatever happens to a balancer, it is as a naive one would have it; and what is broken in it is found. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Columns } from '../../src/agents/columns.js';
import { Desk } from '../../src/agents/desk.js';
import { Outbox } from '../../src/agents/outbox.js';
import { DeskRecords } from '../../src/agents/desk-records.js';
import { Kinds } from '../../src/agents/kinds.js';
import { PlaceHeap } from '../../src/agents/place-heap.js';
import { Kind, ordersOf } from '../../src/agents/seat.js';
import { happen, steps } from './balancer-naive.js';

const seed = 20_251_123;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a balancer beside a naive one', () => {
  it.each(['reassign', 'fail'] as const)('does the same, where the death of an agent has tasks %s', { timeout: 60_000 }, async (onDeath) => {
    await fc.assert(
      fc.asyncProperty(steps, (all) => happen(all, onDeath)),
      { numRuns: 200, seed },
    );
  });
});

const defects: Readonly<Record<string, readonly [said: RegExp, plant: () => void]>> = {
  'a second report gives the load back again': [
    /a load of/,
    () => {
      const { complete } = Desk.prototype;
      vi.spyOn(Desk.prototype, 'complete').mockImplementation(function again(this: Desk, assignment, report) {
        const outcome = complete.call(this, assignment, report);
        const seat = this.seats.get(assignment.agent);
        if (!outcome.ok && seat !== undefined) seat.columns.load[seat.place] = seat.load - 1;
        return outcome;
      });
    },
  ],
  'the most loaded is chosen': [
    /went to one with/,
    () => {
      const { leastLoaded } = ordersOf;
      vi.spyOn(ordersOf, 'leastLoaded').mockImplementation((columns) => leastLoaded(columns).map((order) => (a, b) => -order(a, b)));
    },
  ],
  'a change of its load does not move an agent': [
    /went to one with|more than it may|threshold/,
    () => {
      const { put } = PlaceHeap.prototype;
      vi.spyOn(PlaceHeap.prototype, 'put').mockImplementation(function once(this: PlaceHeap, place) {
        if (!this.has(place)) put.call(this, place);
      });
    },
  ],
  'whoever is gone keeps its turn': [
    /gone/,
    () => {
      vi.spyOn(Kind.prototype, 'leave').mockImplementation(() => {});
      vi.spyOn(Columns.prototype, 'leave').mockImplementation(() => {});
    },
  ],
  'what waits is forgotten': [
    /waits, and somebody could do it/,
    () => {
      vi.spyOn(Kinds.prototype, 'nextFor').mockReturnValue(undefined);
    },
  ],
  'newcomers are not looked at': [
    /was not given to anybody|waits, and|went to one with/,
    () => {
      vi.spyOn(Kinds.prototype, 'add').mockImplementation(() => {});
    },
  ],
  'what nobody can do is done': [
    /cannot do it/,
    () => {
      vi.spyOn(Kind.prototype, 'suits').mockReturnValue(true);
    },
  ],
  'late reports are not known for what they are': [
    /not counted/,
    () => {
      vi.spyOn(DeskRecords.prototype, 'close').mockImplementation(() => {});
    },
  ],
  'not everybody is told': [
    /in hand|taken from|ended/,
    () => {
      const { add } = Outbox.prototype;
      let told = 0;
      vi.spyOn(Outbox.prototype, 'add').mockImplementation(function mostly(this: Outbox, tell) {
        if (++told % 7 > 0) add.call(this, tell);
      });
    },
  ],
};

describe('a planted defect', () => {
  it.each(Object.entries(defects))('is found: %s', { timeout: 60_000 }, async (_, [said, plant]) => {
    plant();
    const found = await fc.check(
      fc.asyncProperty(steps, (all) => happen(all, 'reassign')),
      { numRuns: 200, seed, endOnFailure: true },
    );
    expect(String(found.errorInstance)).toMatch(said);
  });
});
