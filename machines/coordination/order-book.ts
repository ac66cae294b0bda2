/** How orders meet: by price, then by time; whole numbers in, whole numbers out. */
import type { OrderBook, OrderTerms, StandingOrder } from './market-events.js';

type Limits = Pick<StandingOrder, 'side' | 'price'>;

/** So much of one who stands, at a price. */
export interface Fill {
  readonly maker: StandingOrder;
  readonly price: number;
  readonly quantity: number;
}

/** Whom an order meets, in turn; what of it is left, and who stands after that. */
export interface Meeting {
  readonly fills: readonly Fill[];
  readonly left: number;
  /** The next whom it would meet is of the trader that it must not meet. */
  readonly isOwn: boolean;
  readonly book: OrderBook;
}

/**
 * At which price an order meets the one who is first in turn; null: they don't meet. Whoever stands makes the price. One who stands without a limit takes the
 * best price for the other that somebody has named: the newcomer's limit, or the best one of those who stand beside it.
 */
function priceBetween(order: Limits, maker: StandingOrder, best: number | null): number | null {
  const isBuyer = order.side === 'buy';
  if (maker.price !== null) {
    const isMet = order.price === null || (isBuyer ? maker.price <= order.price : maker.price >= order.price);
    return isMet ? maker.price : null;
  }
  if (order.price === null || best === null) return order.price ?? best;
  return isBuyer ? Math.min(order.price, best) : Math.max(order.price, best);
}

/** What comes of an order, before it stands itself. @param own  whose orders it must not meet; null: it may meet all */
export function meet(book: OrderBook, order: Pick<OrderTerms, 'side' | 'price' | 'quantity'>, own: string | null): Meeting {
  const facing = order.side === 'buy' ? book.asks : book.bids;
  const best = facing.find(({ price }) => price !== null)?.price ?? null;
  const fills: Fill[] = [];
  let left = order.quantity;
  let gone = 0;
  let part: StandingOrder | null = null;
  let isOwn = false;
  for (const maker of facing) {
    const price = left === 0 ? null : priceBetween(order, maker, best);
    if (price === null) break;
    isOwn = maker.trader === own;
    if (isOwn) break;
    const quantity = Math.min(left, maker.open);
    fills.push({ maker, price, quantity });
    left -= quantity;
    gone += 1;
    if (quantity < maker.open) part = { ...maker, open: maker.open - quantity };
  }
  const rest = part === null ? facing.slice(gone) : [part, ...facing.slice(gone)];
  return { fills, left, isOwn, book: order.side === 'buy' ? { ...book, asks: rest } : { ...book, bids: rest } };
}

/** Is the first before the second by price? One without a limit is before all who have one. */
function isBetter(a: Limits, b: Limits): boolean {
  if (a.price === null || b.price === null) return a.price === null && b.price !== null;
  return a.side === 'buy' ? a.price > b.price : a.price < b.price;
}

/** The book with one more, behind all that are as good: time decides. */
export function withOrder(book: OrderBook, order: StandingOrder): OrderBook {
  const beside = order.side === 'buy' ? book.bids : book.asks;
  const behind = beside.findIndex((one) => isBetter(order, one));
  const at = behind === -1 ? beside.length : behind;
  const list = [...beside.slice(0, at), order, ...beside.slice(at)];
  return order.side === 'buy' ? { ...book, bids: list } : { ...book, asks: list };
}

/** Everybody who stands: bids, then asks. */
export function standing({ bids, asks }: OrderBook): readonly StandingOrder[] {
  return [...bids, ...asks];
}

/** The book without those. */
export function without({ bids, asks }: OrderBook, isGone: (order: StandingOrder) => boolean): OrderBook {
  return { bids: bids.filter((order) => !isGone(order)), asks: asks.filter((order) => !isGone(order)) };
}

/** Where supply meets demand. */
export interface Equilibrium {
  /** The middle of the prices that will do, rounded down. */
  readonly price: number;
  readonly low: number;
  readonly high: number;
  /** What would change hands at each of these: 0 of a book whose orders have met. */
  readonly quantity: number;
}

/**
 * The price at which most would change hands, and then least be left over: of the orders of a book, or of any others. null where one side has nobody, or nobody
 * names a price. Without a limit an order counts at each price.
 */
export function equilibriumOf(orders: readonly Pick<StandingOrder, 'side' | 'price' | 'open'>[]): Equilibrium | null {
  const isOneSided = orders.every(({ side }) => side === orders[0]?.side);
  const named = orders.filter((order): order is Priced => order.price !== null).sort((a, b) => a.price - b.price);
  if (isOneSided || named.length === 0) return null;
  // Between these, neither demand nor supply changes: a bid counts up to its price, an ask from its price on.
  const prices = new Set(named.flatMap(({ side, price }) => [price, side === 'buy' ? price + 1 : Math.max(0, price - 1)]));
  const [bids, asks] = [named.filter(({ side }) => side === 'buy'), named.filter(({ side }) => side === 'sell')];
  // Once upwards through all prices: who looks through everybody at each of them stands still for seconds before a full book.
  let demand = total(orders.filter(({ side }) => side === 'buy'));
  let supply = total(orders.filter(({ side, price }) => side === 'sell' && price === null));
  let [passed, reached] = [0, 0];
  let [quantity, over, low, high] = [-1, 0, 0, 0];
  for (const price of [...prices].sort((a, b) => a - b)) {
    for (let bid = bids[passed]; bid !== undefined && bid.price < price; bid = bids[++passed]) demand -= bid.open;
    for (let ask = asks[reached]; ask !== undefined && ask.price <= price; ask = asks[++reached]) supply += ask.open;
    const [much, rest] = [Math.min(demand, supply), Math.abs(demand - supply)];
    if (much > quantity || (much === quantity && rest < over)) [quantity, over, low] = [much, rest, price];
    if (much === quantity && rest === over) high = price;
  }
  return { price: low + Math.floor((high - low) / 2), low, high, quantity };
}

type Priced = Pick<StandingOrder, 'side' | 'open'> & { readonly price: number };

const total = (orders: readonly Pick<StandingOrder, 'open'>[]): number => orders.reduce((sum, { open }) => sum + open, 0);
