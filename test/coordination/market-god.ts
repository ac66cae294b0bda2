/** Whoever sees all that a market tells, and what its traders are told of it: whether it can be so. For runs through faults. */
import type { MarketEmitted, StandingOrder, Trade } from '../../machines/coordination/market-events.js';
import type { Market, SubmitOutcome } from '../../src/coordination/market-handle.js';
import type { OrderOptions } from '../../src/coordination/market-options.js';

/** What a trader wants, as it has it on its disk: sent again, it is the same. */
export interface Intent {
  readonly day: number;
  readonly order: Omit<OrderOptions, 'owner'> & { readonly key: string };
  /** Ends with the process that submits it. */
  readonly isBound: boolean;
}

export type Claim =
  | 'one key is one order'
  | 'quantity is conserved'
  | 'money is conserved'
  | 'nobody trades beyond its limit, nor with itself'
  | 'nothing trades after its cancel was confirmed'
  | 'nothing is placed or traded after the close was confirmed'
  | 'no order outlives whom it ends with'
  | 'who could trade has'
  | 'a trader is told what came of its order';

export const claims: readonly Claim[] = [
  ...(['one key is one order', 'quantity is conserved', 'money is conserved'] as const),
  ...(['nobody trades beyond its limit, nor with itself', 'nothing trades after its cancel was confirmed'] as const),
  ...(['nothing is placed or traded after the close was confirmed', 'no order outlives whom it ends with', 'who could trade has'] as const),
  'a trader is told what came of its order',
];

/** An order, over all processes that the market has run in. */
interface Known {
  readonly placed: Extract<MarketEmitted, { type: 'market.placed' }>;
  traded: number;
  cancelled: number;
  /** Its trader has heard that it stands no more. */
  isOver: boolean;
  /** With which process of the market and of its trader it ends; null: it ends with nobody. */
  readonly bound: { readonly market: number; readonly trader: string; readonly incarnation: number } | null;
}

interface Day {
  readonly number: number;
  readonly market: Market;
  readonly orders: Map<string, Known>;
  /** Which order a trader's key is. */
  readonly keys: Map<string, string>;
  isClosed: boolean;
}

/** Sees what is told, and writes down the first that cannot be, for each claim. */
export class MarketGod {
  readonly problems = new Map<Claim, string>();
  readonly counts: Record<string, number> = {};
  readonly trades: (Trade & { readonly day: number })[] = [];
  readonly #days = new Map<number, Day>();
  readonly #purses = new Map<string, { money: number; stock: number }>();
  readonly #processes = new Map<string, number>();
  #boots = 0;
  #submitted: { readonly key: string; readonly bound: Known['bound'] } = { key: '', bound: null };

  /** A new process of the market: what the last one had beside its disk is gone. */
  boots(): number {
    return ++this.#boots;
  }

  /** Hears the market of a day, as long as its process is the last one. */
  watch(number: number, market: Market): void {
    const boot = this.#boots;
    const { orders = new Map<string, Known>(), keys = new Map<string, string>(), isClosed = false } = this.#days.get(number) ?? {};
    const day: Day = { number, market, orders, keys, isClosed };
    this.#days.set(number, day);
    const hear = <Type extends MarketEmitted['type']>(type: Type, listener: (fact: Extract<MarketEmitted, { type: Type }>) => void): void => {
      market.on(type, (fact) => {
        if (boot !== this.#boots) return;
        const { reason } = fact as { readonly reason?: string };
        this.count(reason === undefined ? type : `${type} ${reason}`);
        listener(fact);
      });
    };
    hear('market.placed', (fact) => this.#placed(day, fact));
    hear('market.traded', (fact) => this.#traded(day, fact));
    hear('market.cancelled', ({ order, open }) => {
      const known = orders.get(order);
      if (known !== undefined) known.cancelled += open;
    });
    for (const type of ['market.repeated', 'market.closed', 'market.refused'] as const) hear(type, () => undefined);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** What is placed next, of which process of its trader: the market's facts don't say. */
  submits({ order: { trader, key }, isBound }: Intent, incarnation: number): void {
    this.#submitted = { key: `${trader} ${key}`, bound: isBound ? { market: this.#boots, trader, incarnation } : null };
  }

  /** The market knows of that process of a trader: those before it are dead. */
  knows(trader: string, incarnation: number): void {
    this.#processes.set(trader, Math.max(incarnation, this.#processes.get(trader) ?? 0));
  }

  /** A trader was answered. */
  told({ day: number, order: { trader, key } }: Intent, outcome: SubmitOutcome): void {
    const day = this.#days.get(number);
    const known = day?.orders.get(day.keys.get(`${trader} ${key}`) ?? '');
    if (!outcome.ok) {
      this.count(`told ${outcome.reason}`);
      // A refusal says that nothing came of it.
      if (known !== undefined) this.#note('a trader is told what came of its order', `${trader} ${key}: ${outcome.reason}`);
      return;
    }
    this.count(outcome.isRepeat ? 'told again' : 'told');
    const { order, filled, money, open, refused, trades } = outcome;
    const placed = known?.placed;
    const first = placed === undefined ? null : [placed.order, placed.filled, placed.money, placed.open, placed.refused, placed.trades];
    const isTrue = JSON.stringify([order, filled, money, open, refused, trades]) === JSON.stringify(first);
    if (!isTrue) this.#note('a trader is told what came of its order', `${trader} ${key}: ${JSON.stringify(outcome)}`);
  }

  /** A trader was told that its order stands no more. */
  confirmedCancel(number: number, order: string): void {
    this.count('confirmed');
    const known = this.#days.get(number)?.orders.get(order);
    if (known !== undefined) known.isOver = true;
  }

  confirmedClose(number: number): void {
    const day = this.#days.get(number);
    if (day !== undefined) day.isClosed = true;
  }

  /** Looks at how all stands, after each event. */
  look(): void {
    const [money, stock] = [...this.#purses.values()].reduce(([a, b], purse) => [a + purse.money, b + purse.stock], [0, 0]);
    if (money !== 0) this.#note('money is conserved', `${money} in all purses`);
    if (stock !== 0) this.#note('quantity is conserved', `${stock} in all stocks`);
    for (const day of this.#days.values()) this.#lookAt(day);
  }

  #lookAt({ number, market, orders }: Day): void {
    const book = market.orders();
    const open = new Map(book.map((one) => [one.id, one.open]));
    for (const id of open.keys()) if (!orders.has(id)) this.#note('quantity is conserved', `${number}/${id} stands, and was never placed`);
    for (const [id, { placed, traded, cancelled, bound }] of orders) {
      const rest = open.get(id) ?? 0;
      const sum = traded + cancelled + placed.refused + rest;
      if (sum !== placed.quantity)
        this.#note('quantity is conserved', `${number}/${id}: ${traded} + ${cancelled} + ${placed.refused} + ${rest} of ${placed.quantity}`);
      const isDead = bound !== null && (bound.market < this.#boots || bound.incarnation < (this.#processes.get(bound.trader) ?? 0));
      if (rest > 0 && isDead) this.#note('no order outlives whom it ends with', `${number}/${id} of ${bound.trader}#${bound.incarnation}`);
    }
    const first = (side: StandingOrder['side']): (typeof book)[number] | undefined => book.find((one) => one.side === side);
    const [bid, ask] = [first('buy'), first('sell')];
    if (bid !== undefined && ask !== undefined && (bid.price ?? Infinity) >= (ask.price ?? -Infinity))
      this.#note('who could trade has', `${number}: ${bid.id} and ${ask.id}`);
  }

  #placed(day: Day, placed: Known['placed']): void {
    const { key, bound } = this.#submitted;
    const former = day.keys.get(key);
    if (former !== undefined) this.#note('one key is one order', `${key} is ${former} and ${placed.order}`);
    if (day.orders.has(placed.order)) this.#note('one key is one order', `${day.number}/${placed.order} is placed twice`);
    day.keys.set(key, placed.order);
    if (day.isClosed) this.#note('nothing is placed or traded after the close was confirmed', `${day.number}/${placed.order}`);
    day.orders.set(placed.order, { placed, traded: 0, cancelled: 0, isOver: false, bound });
    // Who takes is told at once what it paid; who stood hears of each trade.
    const sign = placed.side === 'buy' ? 1 : -1;
    this.#move(placed.trader, -sign * placed.money, sign * placed.filled);
  }

  #traded(day: Day, trade: Trade): void {
    this.trades.push({ ...trade, day: day.number });
    const { price, quantity, buyer, seller, buyOrder, sellOrder } = trade;
    const what = `${day.number}/${trade.number}: ${buyOrder} of ${sellOrder} at ${price}`;
    if (buyer === seller) this.#note('nobody trades beyond its limit, nor with itself', what);
    if (day.isClosed) this.#note('nothing is placed or traded after the close was confirmed', what);
    const both = [day.orders.get(buyOrder), day.orders.get(sellOrder)];
    for (const known of both) {
      if (known === undefined) continue;
      const { side, price: limit } = known.placed;
      if (limit !== null && (side === 'buy' ? price > limit : price < limit)) this.#note('nobody trades beyond its limit, nor with itself', what);
      if (known.isOver) this.#note('nothing trades after its cancel was confirmed', what);
      known.traded += quantity;
    }
    // The one who came last is told with its own answer.
    const isBuyerLast = [...day.orders.keys()].at(-1) === buyOrder;
    if (isBuyerLast) this.#move(seller, price * quantity, -quantity);
    else this.#move(buyer, -price * quantity, quantity);
  }

  #move(trader: string, money: number, stock: number): void {
    const purse = this.#purses.get(trader) ?? { money: 0, stock: 0 };
    this.#purses.set(trader, { money: purse.money + money, stock: purse.stock + stock });
  }

  #note(claim: Claim, problem: string): void {
    if (!this.problems.has(claim)) this.problems.set(claim, problem);
  }
}
