/** The heap of agents, held to a sorted list; and what an assignment costs, in looks at pairs of agents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BalanceStrategy } from '../../machines/agents/balancer-events.js';
import { planAgent, planBalancer, planTask } from '../../src/agents/balancer-options.js';
import { Desk } from '../../src/agents/desk.js';
import type { Columns } from '../../src/agents/columns.js';
import { OrderHeap } from '../../src/agents/order-heap.js';
import { PlaceHeap, type PlaceOrder } from '../../src/agents/place-heap.js';
import { ordersOf } from '../../src/agents/seat.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { worker } from './balancer-room.js';

describe('a heap that knows where things are', () => {
  it('has the first one first, whatever comes, changes and goes', () => {
    const step = fc.tuple(fc.constantFrom('put', 'remove'), fc.nat(9), fc.nat(5));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const items = [...Array(10).keys()].map((name) => ({ name, key: 0 }));
        const inside = new Set<(typeof items)[number]>();
        const order = (a: (typeof items)[number], b: (typeof items)[number]): number => a.key - b.key || a.name - b.name;
        const heap = new OrderHeap(order);
        for (const [what, name, key] of steps) {
          const item = items[name] as (typeof items)[number];
          if (what === 'put') {
            item.key = key;
            heap.put(item);
            inside.add(item);
          } else {
            heap.remove(item);
            inside.delete(item);
          }
          expect(heap.first).toBe([...inside].sort(order)[0]);
          expect(heap.size).toBe(inside.size);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a heap of places', () => {
  it('has the first one first, whatever comes, changes and goes', () => {
    const step = fc.tuple(fc.constantFrom('put', 'put', 'remove'), fc.nat(99), fc.nat(20));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const keys = new Float64Array(100);
        const inside = new Set<number>();
        const order: PlaceOrder = (a, b) => (keys[a] as number) - (keys[b] as number) || a - b;
        const heap = new PlaceHeap(order);
        for (const [what, place, key] of steps) {
          if (what === 'put') {
            keys[place] = key;
            heap.put(place);
            inside.add(place);
          } else {
            heap.remove(place);
            inside.delete(place);
          }
          expect([heap.first, heap.size, heap.has(place)]).toEqual([[...inside].sort(order)[0], inside.size, inside.has(place)]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Looks for each of 2 000 assignments, of which each ends 50 later, among so many agents. */
function looksPerTask(agents: number, strategy: BalanceStrategy): number {
  let looks = 0;
  const counted = Object.fromEntries(
    Object.entries(ordersOf).map(([name, orders]) => [
      name,
      (columns: Columns) =>
        orders(columns).map(
          (order): PlaceOrder =>
            (a, b) => (looks++, order(a, b)),
        ),
    ]),
  ) as unknown as typeof ordersOf;
  const plan = planBalancer({ strategy });
  const { ref: self } = worker();
  const desk = new Desk(plan, { clock: new VirtualClock(), self, emit: () => {}, emptied: () => {} }, counted);
  ends.push(() => desk.close());
  for (let index = 0; index < agents; index++) desk.add(planAgent({ name: `a${index}`, capabilities: ['write'] }, 10));
  const assign = (index: number) => desk.assign(planTask({ id: `t${index}`, capabilities: ['write'] }), 0, () => {});
  assign(0);
  looks = 0;
  const inHand: NonNullable<ReturnType<typeof assign>>[] = [];
  for (let index = 1; index <= 2_000; index++) {
    const outcome = assign(index);
    if (outcome !== null) inHand.push(outcome);
    const oldest = inHand.length > 50 ? inHand.shift() : undefined;
    if (oldest?.ok === true) desk.complete(oldest.assignment, { ok: true, durationMs: index % 7 });
  }
  expect(desk.records.counts.refused).toBe(0);
  return looks / 2_000;
}

describe('what an assignment and its end cost', () => {
  it.each(['roundRobin', 'leastLoaded', 'capability', 'weighted'] as const)(
    'grows with the depth of the heap at the most: %s',
    { timeout: 30_000 },
    (strategy) => {
      const [few, many] = [looksPerTask(100, strategy), looksPerTask(10_000, strategy)];
      // 10 000 agents are less than 14 doublings; a task changes its agent twice, in two orders at the most, and each step down looks twice.
      expect(many).toBeLessThan(2 * 2 * 2 * 14);
      // A list would cost a hundred times as much.
      expect(many).toBeLessThan(4 * few + 20);
    },
  );
});
