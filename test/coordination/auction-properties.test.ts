/** What holds of every auction, whoever bids what, and in whatever order answers come. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuctionEnd, AuctionQuestion, AuctionResult } from '../../machines/coordination/auction-events.js';
import { auction } from '../../src/coordination/auction.js';
import type { AuctionOptions } from '../../src/coordination/auction-options.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Requests } from '../../src/comms/port.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { createActor } from 'xstate';
import { settled } from './protocol-room.js';
import { refusal } from './scripted-agents.js';

/** What one bidder is: what the lot is worth to it, how long it takes, and whether it answers at all. */
interface Bidder {
  readonly value: number;
  readonly afterMs: number;
  readonly way: 'bids' | 'passes' | 'nonsense' | 'crashed' | 'late' | 'noAgent';
}

const bidder = fc.record<Bidder>({
  value: fc.nat(30),
  afterMs: fc.nat(40),
  way: fc.oneof({ weight: 5, arbitrary: fc.constant('bids' as const) }, fc.constantFrom('passes', 'nonsense', 'crashed', 'late', 'noAgent')),
});
const bidders = fc.array(bidder, { maxLength: 7 });
const seeds = fc.integer();
const reserves = fc.nat(25);

/** Runs an auction in which each bidder answers by `bid`, after its own time. */
async function runOf(options: AuctionOptions, people: readonly Bidder[], seed: number, bid = honest): Promise<AuctionEnd> {
  const clock = new VirtualClock();
  const agents = people.map((_, index) => `b${index}`);
  const requests: Requests = {
    request: (agent, body, { withinMs = 0 } = {}) =>
      new Promise<RequestOutcome>((resolve) => {
        const one = people[Number(agent.slice(1))] as Bidder;
        const answer: Readonly<Record<Bidder['way'], RequestOutcome>> = {
          bids: { ok: true, value: { bid: bid(one, body as AuctionQuestion) } },
          passes: { ok: true, value: { bid: null } },
          nonsense: { ok: true, value: { bid: -one.value - 0.5 } },
          ...{ crashed: refusal('crashed'), late: refusal('late'), noAgent: refusal('noAgent') },
        };
        clock.setTimeout(() => resolve(answer[one.way]), one.way === 'late' ? withinMs : one.afterMs);
      }),
  };
  const input = { session: 's1', agents, seed };
  const actor = createActor(auction({ withinMs: 50, ...options }).logic(requests), { clock, input }).start();
  await settled(actor, clock);
  return actor.getSnapshot().output as AuctionEnd;
}

/** Bids what it is worth, or what is asked for as long as that is not more. */
function honest({ value }: Bidder, { auction: kind, least }: AuctionQuestion): number | null {
  if (kind === 'firstPrice' || kind === 'vickrey') return value;
  return least <= value ? least : null;
}

const decided = (end: AuctionEnd): AuctionResult | null => (end.outcome === 'decided' ? end.value : null);
const rowsOf = (end: AuctionEnd) => (end.outcome === 'decided' ? end.value.bidders : end.details.bidders);

const kinds = fc
  .tuple(fc.constantFrom('firstPrice', 'vickrey', 'dutch', 'english'), reserves, fc.constantFrom('draw', 'fail'), fc.integer({ min: 1, max: 4 }))
  .map(([kind, reserve, ties, step]): AuctionOptions => {
    if (kind === 'dutch') return { kind, reserve, ties, startPrice: 32, decrement: step };
    if (kind === 'english') return { kind, reserve, ties, startPrice: Math.min(reserve, 4), increment: step };
    return { kind, reserve, ties };
  });

describe('whoever bids what', { timeout: 60_000 }, () => {
  it('the winner is one of those who bid highest, at no less than the reserve, and pays no more than it bid', async () => {
    await fc.assert(
      fc.asyncProperty(kinds, bidders, seeds, async (options, people, seed) => {
        const end = await runOf(options, people, seed);
        const rows = rowsOf(end);
        const highest = Math.max(-1, ...rows.map(({ bid }) => bid ?? -1));
        const result = decided(end);
        if (result !== null) {
          const own = rows.find(({ agent }) => agent === result.winner)?.bid ?? -1;
          expect(own).toBe(highest);
          expect(result.price).toBeGreaterThanOrEqual(options.reserve ?? 0);
          expect(result.price).toBeLessThanOrEqual(own);
          expect(people[Number(result.winner.slice(1))]?.way).toBe('bids');
          if (result.kind !== 'vickrey') expect(result.price).toBe(own);
        } else if (end.why === 'noBids') expect(highest).toBe(-1);
        else if (end.why === 'tie') expect(rows.filter(({ bid }) => bid === highest).map(({ agent }) => agent)).toEqual(end.details?.tied);
        else expect([end.why, highest < (options.reserve ?? 0)]).toEqual(['reserveNotMet', true]);
      }),
    );
  });

  it('there is one status for each who was asked, and it is the right one', async () => {
    await fc.assert(
      fc.asyncProperty(kinds, bidders, seeds, async (options, people, seed) => {
        const rows = rowsOf(await runOf(options, people, seed));
        expect(rows.map(({ agent }) => agent)).toEqual(people.map((_, index) => `b${index}`));
        for (const [index, { status }] of rows.entries()) {
          const { way } = people[index] as Bidder;
          const due = {
            bids: ['bid', 'passed'],
            passes: ['passed'],
            nonsense: ['invalid'],
            crashed: ['crashed'],
            late: ['late'],
            noAgent: ['noAgent'],
          };
          expect(due[way]).toContain(status);
        }
      }),
    );
  });

  it('the result is the same in whatever order answers come', async () => {
    await fc.assert(
      fc.asyncProperty(kinds, bidders, seeds, fc.array(fc.nat(40), { minLength: 7, maxLength: 7 }), async (options, people, seed, times) => {
        const later = people.map((one, index) => ({ ...one, afterMs: times[index] ?? 0 }));
        expect(await runOf(options, later, seed)).toEqual(await runOf(options, people, seed));
      }),
    );
  });

  it('the price of Vickrey is no higher than the first price, and has the same winner', async () => {
    await fc.assert(
      fc.asyncProperty(bidders, reserves, seeds, async (people, reserve, seed) => {
        const [first, second] = [await runOf({ kind: 'firstPrice', reserve }, people, seed), await runOf({ kind: 'vickrey', reserve }, people, seed)];
        expect(decided(second)?.winner).toBe(decided(first)?.winner);
        expect((decided(second)?.price ?? 0) <= (decided(first)?.price ?? 0)).toBe(true);
        const others = people.filter(({ way }, index) => way === 'bids' && `b${index}` !== decided(second)?.winner).map(({ value }) => value);
        if (second.outcome === 'decided') expect(second.value.price).toBe(Math.max(reserve, ...others));
      }),
    );
  });

  it('nobody gains in a Vickrey auction by another bid than what it is worth', async () => {
    const gain = (end: AuctionEnd, value: number): number => {
      const result = decided(end);
      return result?.winner === 'b0' ? value - result.price : 0;
    };
    await fc.assert(
      fc.asyncProperty(bidders, reserves, seeds, fc.nat(30), fc.nat(60), async (others, reserve, seed, value, lie) => {
        const people: Bidder[] = [{ value, afterMs: 0, way: 'bids' }, ...others];
        const truth = await runOf({ kind: 'vickrey', reserve }, people, seed);
        const other = await runOf({ kind: 'vickrey', reserve }, people, seed, (one, question) => (one === people[0] ? lie : honest(one, question)));
        expect(gain(other, value)).toBeLessThanOrEqual(gain(truth, value));
      }),
      { numRuns: 200 },
    );
  });

  it('by rising and by falling prices whoever it is worth most to has it, within one step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 4 }), seeds, async (values, step, seed) => {
        const people = values.map((value, index): Bidder => ({ value, afterMs: index, way: 'bids' }));
        const highest = Math.max(...values);
        const [second = 0] = [...values].sort((a, b) => b - a).slice(1);
        const rising = decided(await runOf({ kind: 'english', increment: step }, people, seed));
        const falling = decided(await runOf({ kind: 'dutch', startPrice: 31, decrement: step }, people, seed));
        for (const result of [rising, falling]) expect(values[Number(result?.winner.slice(1))]).toBeGreaterThan(highest - step - 1);
        // Nobody has to go more than a step beyond what the next one would give.
        expect(rising?.price).toBeLessThanOrEqual(second + step);
        expect(falling?.price).toBeGreaterThan(highest - step);
      }),
    );
  });
});
