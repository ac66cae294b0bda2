/** What comes of an order that is submitted to a market: nothing here happens, it is only said. */
import type { KeptAnswer, MarketContext, OrderRefusal, OrderTerms, Placed, Trade } from './market-events.js';
import { meet, standing, withOrder } from './order-book.js';

/** Refused; answered as before; or what is known of the market once it is placed. */
export type Verdict =
  | { readonly is: 'refused'; readonly reason: OrderRefusal }
  | { readonly is: 'repeated'; readonly placed: Placed }
  | { readonly is: 'placed'; readonly placed: Placed; readonly after: Pick<MarketContext, 'book' | 'orders' | 'trades' | 'last' | 'kept'> };

/** Of an order, by what is known. An order that is refused changes nothing, not even where part of it could have been traded. */
export function verdictOn(context: MarketContext, order: OrderTerms): Verdict {
  const { trader, key, side, price, quantity, rest, owner, ownerEnded = false } = order;
  const terms = { side, price, quantity, rest };
  const former = key === null ? undefined : context.kept.find((one) => one.trader === trader && one.key === key);
  if (former !== undefined) return isSame(former.terms, terms) ? { is: 'repeated', placed: former.placed } : { is: 'refused', reason: 'keyTaken' };
  if (ownerEnded) return { is: 'refused', reason: 'ownerEnded' };
  const { fills, left, isOwn, book: facing } = meet(context.book, order, context.selfTrade === 'cancelNewest' ? trader : null);
  const id = `${context.incarnation}-${context.orders + 1}`;
  const trades = fills.map(({ maker, price: at, quantity: much }, nth): Trade => {
    const [mine, theirs] = [
      { trader, id },
      { trader: maker.trader, id: maker.id },
    ];
    const [buyer, seller] = side === 'buy' ? [mine, theirs] : [theirs, mine];
    const who = { buyer: buyer.trader, seller: seller.trader, buyOrder: buyer.id, sellOrder: seller.id };
    return { number: context.trades + nth + 1, price: at, quantity: much, ...who };
  });
  // Where those whom it faces have no price either, neither would ever be traded while both wait.
  const isFaced = (side === 'buy' ? facing.asks : facing.bids).length > 0;
  const mayStand = !isOwn && (price !== null || (rest === 'wait' && !isFaced));
  const open = mayStand ? left : 0;
  if (trades.length === 0 && open === 0) return { is: 'refused', reason: isOwn ? 'selfTrade' : 'unfilled' };
  const book = open === 0 ? facing : withOrder(facing, { id, trader, side, price, quantity, open, owner });
  if (open > 0) {
    const all = standing(book);
    if (all.length > context.maxOrders) return { is: 'refused', reason: 'full' };
    if (all.filter((one) => one.trader === trader).length > context.maxPerTrader) return { is: 'refused', reason: 'tooMany' };
  }
  const money = trades.reduce((sum, trade) => sum + trade.price * trade.quantity, 0);
  const placed: Placed = { order: id, filled: quantity - left, money, open, refused: left - open, trades };
  const kept = key === null ? context.kept : bounded([...context.kept, { trader, key, terms, placed }], context.maxKeys);
  const last = trades.at(-1)?.price ?? context.last;
  return { is: 'placed', placed, after: { book, orders: context.orders + 1, trades: context.trades + trades.length, last, kept } };
}

/** Of one more than may be kept, the oldest of whoever has most is forgotten: who submits much forgets his own keys, and nobody else's. */
function bounded(kept: readonly KeptAnswer[], most: number): readonly KeptAnswer[] {
  if (kept.length <= most) return kept;
  const counts = new Map<string, number>();
  for (const { trader } of kept) counts.set(trader, (counts.get(trader) ?? 0) + 1);
  const highest = Math.max(...counts.values());
  const gone = kept.findIndex(({ trader }) => counts.get(trader) === highest);
  return kept.filter((_, nth) => nth !== gone);
}

function isSame(a: KeptAnswer['terms'], b: KeptAnswer['terms']): boolean {
  return a.side === b.side && a.price === b.price && a.quantity === b.quantity && a.rest === b.rest;
}
