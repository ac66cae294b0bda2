/** Whatever is submitted and cancelled, a market does what one does that looks at everybody each time; nothing is made, and nothing is lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, enqueueActions } from 'xstate';
import type { marketMachine } from '../../machines/coordination/market.js';
import type { MarketEmitted, OrderBook, OrderTerms, Placed, SelfTrade, StandingOrder, Trade } from '../../machines/coordination/market-events.js';
import { verdictOn } from '../../machines/coordination/market-rules.js';
import { equilibriumOf, standing, without } from '../../machines/coordination/order-book.js';
import { market } from '../../src/coordination/market.js';
import { NaiveMarket } from './naive-market.js';

const runs = 2_000;
const bounds = { maxOrders: 6, maxPerTrader: 3, selfTrade: 'allow' as SelfTrade };

type Step = { readonly is: 'submit'; readonly order: OrderTerms } | { readonly is: 'cancel'; readonly trader: string; readonly nth: number };

const trader = fc.constantFrom('ann', 'bob', 'eve');
const submit = fc.record({
  is: fc.constant('submit' as const),
  order: fc.record({
    trader,
    side: fc.constantFrom('buy' as const, 'sell' as const),
    quantity: fc.integer({ min: 1, max: 6 }),
    price: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 4 }),
    rest: fc.constantFrom('refuse' as const, 'wait' as const),
    key: fc.constant(null),
    owner: fc.constant(null),
  }),
});
const cancel = fc.record({ is: fc.constant('cancel' as const), trader, nth: fc.nat({ max: 6 }) });
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof({ weight: 5, arbitrary: submit }, { weight: 1, arbitrary: cancel }), { maxLength: 40 });

const selfTrades = fc.constantFrom<SelfTrade>('allow', 'cancelNewest');

/** Runs them on a market and on the naive one. @returns what was told, and how both stand after each */
function play(all: readonly Step[], selfTrade: SelfTrade = 'allow', logic: ReturnType<typeof market> = market({ ...bounds, selfTrade })) {
  const actor = createActor(logic).start();
  const facts: MarketEmitted[] = [];
  actor.on('*', (fact) => void facts.push(fact));
  const naive = new NaiveMarket({ ...bounds, selfTrade });
  const differ: string[] = [];
  const book = (): OrderBook => actor.getSnapshot().context.book;
  const look = (what: string, got: unknown, due: unknown): void => {
    if (JSON.stringify(got) !== JSON.stringify(due)) differ.push(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(due)}`);
  };
  for (const step of all) {
    const from = facts.length;
    if (step.is === 'submit') {
      actor.send({ type: 'market.submit', ref: 'c', order: step.order });
      const id = naive.submit(step.order);
      const [first] = facts.slice(from);
      look('placed', first?.type === 'market.placed' ? first.order : null, id);
    } else {
      const order = naive.standing()[step.nth]?.[0] ?? 'none';
      actor.send({ type: 'market.cancel', ref: 'c', trader: step.trader, order });
      look('cancelled', facts.at(-1)?.type === 'market.cancelled', naive.cancel(step.trader, order));
    }
    look(
      'stands',
      standing(book()).map(({ id, open }) => [id, open]),
      naive.standing(),
    );
  }
  const trades = facts.filter((fact): fact is { type: 'market.traded' } & Trade => fact.type === 'market.traded');
  look(
    'trades',
    trades.map(({ buyOrder, sellOrder, price, quantity }) => ({ buyOrder, sellOrder, price, quantity })),
    naive.trades,
  );
  return { facts, trades, book: book(), differ };
}

/** By order: what was asked for, and what of it went where. */
function ledger(facts: readonly MarketEmitted[], book: OrderBook): readonly string[] {
  const wrong: string[] = [];
  for (const placed of facts) {
    if (placed.type !== 'market.placed') continue;
    const mine = facts.filter(
      (fact): fact is Extract<MarketEmitted, { type: 'market.traded' }> =>
        fact.type === 'market.traded' && (fact.buyOrder === placed.order || fact.sellOrder === placed.order),
    );
    const traded = mine.reduce((sum, { quantity }) => sum + quantity, 0);
    const cancelled = facts.reduce((sum, fact) => (fact.type === 'market.cancelled' && fact.order === placed.order ? sum + fact.open : sum), 0);
    const open = standing(book).find(({ id }) => id === placed.order)?.open ?? 0;
    if (traded + cancelled + open + placed.refused !== placed.quantity)
      wrong.push(`${placed.order}: ${traded} ${cancelled} ${open} ${placed.refused}`);
    const money = placed.trades.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
    if (money !== placed.money || placed.filled + placed.open + placed.refused !== placed.quantity) wrong.push(`${placed.order}: ${placed.money}`);
    const { price, side } = placed;
    if (price !== null && mine.some((trade) => (side === 'buy' ? trade.price > price : trade.price < price)))
      wrong.push(`${placed.order}: beyond its limit`);
  }
  return wrong;
}

describe('a market', () => {
  it(`does what a naive one does, on ${runs} sequences`, { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(steps, selfTrades, (all, selfTrade) => {
        expect(play(all, selfTrade).differ).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it('makes nothing and loses nothing: quantity, money, limits', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(steps, selfTrades, (all, selfTrade) => {
        const { facts, trades, book } = play(all, selfTrade);
        if (selfTrade !== 'allow') expect(trades.filter(({ buyer, seller }) => buyer === seller)).toEqual([]);
        expect(ledger(facts, book)).toEqual([]);
        expect(trades.map(({ number }) => number)).toEqual(trades.map((_, nth) => nth + 1));
        // Nobody who stands could have traded with another who does.
        const [bid, ask] = [book.bids[0], book.asks[0]];
        if (bid !== undefined && ask !== undefined) expect(bid.price ?? Infinity).toBeLessThan(ask.price ?? -Infinity);
      }),
      { numRuns: 500 },
    );
  });

  it('says the same, word for word, of the same', () => {
    fc.assert(
      fc.property(steps, (all) => {
        expect(JSON.stringify(play(all).facts)).toBe(JSON.stringify(play(all).facts));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a wrong market', () => {
  type Wrong = Parameters<(typeof marketMachine)['provide']>[0];
  const found = (changes: Wrong, selfTrade: SelfTrade = 'allow'): boolean => {
    const seen = fc.property(steps, (all) => {
      const logic = (market({ ...bounds, selfTrade }) as unknown as typeof marketMachine).provide(changes) as unknown as ReturnType<typeof market>;
      const { differ, facts, book } = play(all, selfTrade, logic);
      return differ.length === 0 && ledger(facts, book).length === 0;
    });
    return fc.check(seen, { numRuns: 300, seed: 1 }).failed;
  };
  /** Places with what is asked for, or with what comes of it, changed. */
  const placing = (order: (one: OrderTerms) => OrderTerms, book: (after: OrderBook, placed: Placed) => OrderBook, price = 0, room = {}): Wrong => ({
    actions: {
      place: enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'market.submit') return;
        const verdict = verdictOn({ ...context, ...room }, order(event.order));
        if (verdict.is !== 'placed') return;
        enqueue.assign({ ...verdict.after, book: book(verdict.after.book, verdict.placed) });
        enqueue.emit({ type: 'market.placed', ref: event.ref, ...event.order, ...verdict.placed });
        for (const trade of verdict.placed.trades) enqueue.emit({ type: 'market.traded', ...trade, price: trade.price + price });
      }),
    },
  });
  const [asIs, asItStands] = [(one: OrderTerms): OrderTerms => one, (book: OrderBook): OrderBook => book];
  const lastFirst = ({ bids, asks }: OrderBook): OrderBook => {
    const turned = (list: readonly StandingOrder[]): StandingOrder[] => [...list].sort((a, b) => (a.price === b.price ? (a.id < b.id ? 1 : -1) : 0));
    return { bids: turned(bids), asks: turned(asks) };
  };
  const only = (one: OrderTerms): OrderTerms => (one.price === null ? { ...one, price: one.side === 'buy' ? 999_999 : 0 } : one);

  it('is told from one that is right', () => {
    expect(found(placing(asIs, asItStands))).toBe(false);
  });

  it('that lets a trader meet itself is caught, and one that does not is not', () => {
    expect(found(placing(asIs, asItStands, 0, { selfTrade: 'allow' }), 'cancelNewest')).toBe(true);
    expect(found(placing(asIs, asItStands), 'cancelNewest')).toBe(false);
  });

  it.each<[string, Wrong]>([
    ['lets whoever came last go first', placing(asIs, lastFirst)],
    ['takes 999 999 for no limit', placing(only, asItStands)],
    ['forgets what is left of an order', placing(asIs, (book, { order }) => without(book, ({ id }) => id === order))],
    ['trades at another price than it says', placing(asIs, asItStands, 1)],
    [
      'trades more than there is',
      placing(asIs, (book, { trades }) => (trades.length > 0 ? { ...book, bids: book.bids.map((one) => ({ ...one, open: one.quantity })) } : book)),
    ],
    ['cancels nothing', { actions: { cancelOne: () => {} } }],
    [
      'cancels for anybody',
      { guards: { stands: ({ context, event }) => standing(context.book).some(({ id }) => id === (event as { order?: string }).order) } },
    ],
    ['has room for all', { ...placing(asIs, asItStands, 0, { maxOrders: 99, maxPerTrader: 99 }), guards: { isRefused: () => false } }],
  ])('that %s is caught', (_, changes) => {
    expect(found(changes)).toBe(true);
  });
});

describe('the equilibrium', () => {
  const order = fc.record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    price: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 5 }),
    open: fc.integer({ min: 1, max: 5 }),
  });
  type Priced = Pick<StandingOrder, 'side' | 'price' | 'open'>;
  const wanted = (orders: readonly Priced[], side: 'buy' | 'sell', at: number): number =>
    orders
      .filter((one) => one.side === side && (one.price === null || (side === 'buy' ? one.price >= at : one.price <= at)))
      .reduce((sum, { open }) => sum + open, 0);

  it('is where most would change hands, and then least is left over: no price does better', () => {
    fc.assert(
      fc.property(fc.array(order, { maxLength: 12 }), (orders) => {
        const found = equilibriumOf(orders);
        const isPossible = new Set(orders.map(({ side }) => side)).size === 2 && orders.some(({ price }) => price !== null);
        expect(found !== null).toBe(isPossible);
        if (found === null) return;
        const at = (price: number): readonly [number, number] => {
          const [demand, supply] = [wanted(orders, 'buy', price), wanted(orders, 'sell', price)];
          return [Math.min(demand, supply), -Math.abs(demand - supply)];
        };
        const [most, least] = at(found.price);
        expect(found.quantity).toBe(most);
        for (const price of [found.low, found.high]) expect(at(price)).toEqual([most, least]);
        for (let price = 0; price <= 11; price++) {
          const [quantity, over] = at(price);
          expect(quantity < most || (quantity === most && over <= least)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is found by looking at each order a few times, however many there are', () => {
    let looks = 0;
    const orders = Array.from({ length: 2_000 }, (_, nth): Priced => {
      const side = nth % 2 === 0 ? 'buy' : 'sell';
      const price = nth % 2 === 0 ? nth : 10_000 + nth;
      return Object.defineProperty({ side, price, open: 1 }, 'open', { get: () => (looks++, 1) });
    });
    expect(equilibriumOf(orders)).toEqual({ price: 5_999, low: 1_999, high: 10_000, quantity: 0 });
    expect(looks).toBeLessThan(3 * orders.length);
  });

  it('of what is to meet is the price at which it clears', () => {
    const orders: readonly Priced[] = [
      { side: 'buy', price: 12, open: 3 },
      { side: 'buy', price: 10, open: 2 },
      { side: 'sell', price: 8, open: 2 },
      { side: 'sell', price: 10, open: 3 },
    ];
    expect(equilibriumOf(orders)).toEqual({ price: 10, low: 10, high: 10, quantity: 5 });
  });
});
