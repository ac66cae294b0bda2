/** A market as one would write it who has no time to lose but his own: unit by unit, looking through everybody each time. What the real one is held to. */
import type { MarketInput, OrderTerms } from '../../machines/coordination/market-events.js';

interface Naive {
  readonly id: string;
  readonly came: number;
  readonly trader: string;
  readonly side: 'buy' | 'sell';
  readonly price: number | null;
  open: number;
}

export interface NaiveTrade {
  readonly buyOrder: string;
  readonly sellOrder: string;
  readonly price: number;
  quantity: number;
}

type Bounds = Pick<MarketInput, 'maxOrders' | 'maxPerTrader' | 'selfTrade'>;

export class NaiveMarket {
  readonly #bounds: Bounds;
  orders: Naive[] = [];
  count = 0;
  readonly trades: NaiveTrade[] = [];

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  submit({ trader, side, quantity, price, rest }: Pick<OrderTerms, 'trader' | 'side' | 'quantity' | 'price' | 'rest'>): string | null {
    const former = this.orders.map((order) => ({ ...order }));
    const made: NaiveTrade[] = [];
    const mine: Naive = { id: `1-${this.count + 1}`, came: this.count, trader, side, price, open: quantity };
    const facing = (): Naive[] => this.orders.filter((order) => order.side !== side && order.open > 0);
    const best = this.#best(facing(), side);
    let isOwn = false;
    while (mine.open > 0) {
      const [maker] = facing().sort((a, b) => this.#rank(a, b));
      if (maker === undefined) break;
      const at = maker.price ?? this.#kinder(side, price, best);
      if (at === null || (price !== null && (side === 'buy' ? at > price : at < price))) break;
      isOwn = this.#bounds.selfTrade === 'cancelNewest' && maker.trader === trader;
      if (isOwn) break;
      maker.open -= 1;
      mine.open -= 1;
      const [buyOrder, sellOrder] = side === 'buy' ? [mine.id, maker.id] : [maker.id, mine.id];
      const same = made.find((trade) => trade.buyOrder === buyOrder && trade.sellOrder === sellOrder);
      if (same === undefined) made.push({ buyOrder, sellOrder, price: at, quantity: 1 });
      else same.quantity += 1;
    }
    const mayStand = !isOwn && (price !== null || (rest === 'wait' && facing().length === 0));
    this.orders = this.orders.filter(({ open }) => open > 0);
    if (mine.open > 0 && mayStand) this.orders.push(mine);
    const isTooMany =
      this.orders.length > this.#bounds.maxOrders || this.orders.filter((order) => order.trader === trader).length > this.#bounds.maxPerTrader;
    const isNothing = made.length === 0 && !mayStand;
    if ((mine.open > 0 && mayStand && isTooMany) || isNothing) {
      this.orders = former;
      return null;
    }
    this.count += 1;
    this.trades.push(...made);
    return mine.id;
  }

  cancel(trader: string, id: string): boolean {
    const found = this.orders.some((order) => order.id === id && order.trader === trader);
    if (found) this.orders = this.orders.filter((order) => order.id !== id);
    return found;
  }

  /** Those who stand, each side in turn. */
  standing(): readonly (readonly [id: string, open: number])[] {
    const side = (one: 'buy' | 'sell'): Naive[] => this.orders.filter((order) => order.side === one).sort((a, b) => this.#rank(a, b));
    return [...side('buy'), ...side('sell')].map(({ id, open }) => [id, open]);
  }

  #rank(a: Naive, b: Naive): number {
    const worth = ({ price, side }: Naive): number => (price === null ? Infinity : side === 'buy' ? price : -price);
    return worth(a) === worth(b) ? a.came - b.came : worth(b) - worth(a);
  }

  #best(facing: readonly Naive[], side: 'buy' | 'sell'): number | null {
    const prices = facing.flatMap(({ price }) => (price === null ? [] : [price]));
    return prices.length === 0 ? null : side === 'buy' ? Math.min(...prices) : Math.max(...prices);
  }

  #kinder(side: 'buy' | 'sell', a: number | null, b: number | null): number | null {
    if (a === null || b === null) return a ?? b;
    return side === 'buy' ? Math.min(a, b) : Math.max(a, b);
  }
}
