/** What a market is told and emits; what it is given and remembers. Prices and quantities are whole numbers of the smallest unit. */
import type { ExitReason } from '../supervision/exit.js';

/** What comes of an order that meets one of its own trader: they trade, or what is left of the newcomer is refused. */
export type SelfTrade = 'allow' | 'cancelNewest';

/** What may stand in a market at once, and who may meet. */
export interface MarketInput {
  readonly maxOrders: number;
  readonly maxPerTrader: number;
  /** How many keyed answers are kept; of more, the oldest of whoever has most is forgotten. */
  readonly maxKeys: number;
  readonly selfTrade: SelfTrade;
}

/** Who wants to trade, and what. */
export interface OrderTerms {
  readonly trader: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  /** A limit: a buyer pays no more, a seller takes no less. null: a market order, at whatever price stands. */
  readonly price: number | null;
  /** Of a market order, what nobody stands for: is refused, or waits. */
  readonly rest: 'refuse' | 'wait';
  /** Of this trader's orders: the same key is the same order. null: none. */
  readonly key: string | null;
  /** Which watched actor it dies with; null: none. */
  readonly owner: string | null;
  /** The actor that it would die with has: it is placed no more, and one that was placed under its key is answered as before. */
  readonly ownerEnded?: boolean;
}

/** An order that stands. */
export interface StandingOrder {
  readonly id: string;
  readonly trader: string;
  readonly side: 'buy' | 'sell';
  /** null: it takes whatever comes. */
  readonly price: number | null;
  readonly quantity: number;
  /** What of it is still to be traded, at least 1. */
  readonly open: number;
  readonly owner: string | null;
}

/** Everything that stands, of each side whoever comes first in turn first. */
export interface OrderBook {
  readonly bids: readonly StandingOrder[];
  readonly asks: readonly StandingOrder[];
}

/** So much changed hands at so much a unit. */
export interface Trade {
  /** From 1 in its market. */
  readonly number: number;
  readonly price: number;
  readonly quantity: number;
  readonly buyer: string;
  readonly seller: string;
  readonly buyOrder: string;
  readonly sellOrder: string;
}

/** What came of an order when it was placed. `filled + open + refused` is its quantity. */
export interface Placed {
  readonly order: string;
  readonly filled: number;
  /** What was paid or taken for that. */
  readonly money: number;
  /** What stands now. */
  readonly open: number;
  /** Of a market order, what nobody stood for; of any, what it would have traded with its own trader, and all behind that. */
  readonly refused: number;
  readonly trades: readonly Trade[];
}

/** Why an order was not placed: nothing came of it. */
export type OrderRefusal =
  /** It would stand, and as many do as may; of all traders, or of its own. */
  | 'full'
  | 'tooMany'
  /** Its trader had another order under that key. */
  | 'keyTaken'
  /** A market order, of which nothing could be traded. */
  | 'unfilled'
  /** The first whom it would meet is of its own trader, and `selfTrade` does not allow that. */
  | 'selfTrade'
  /** The actor that it would die with has. */
  | 'ownerEnded'
  /** The market has ended. */
  | 'closed';

/** Why an order stands no more without being filled. */
export type CancelReason = 'asked' | 'ownerEnded' | 'closed';

/** What a market may be told. `ref` names a call, and then its answer. */
export type MarketEvent =
  | { readonly type: 'market.submit'; readonly ref: string; readonly order: OrderTerms }
  | { readonly type: 'market.cancel'; readonly ref: string; readonly trader: string; readonly order: string }
  | { readonly type: 'market.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `owners`: it knows nobody yet. `incarnation`: the how manieth market of these options, from 1. */
  | { readonly type: 'owners.opened'; readonly incarnation: number }
  | { readonly type: 'owner.ended'; readonly owner: string }
  /** It was ended by nobody's order here: nobody watches any more. */
  | { readonly type: 'owners.ended' };

/** What a market emits. */
export type MarketEmitted =
  | ({ readonly type: 'market.placed'; readonly ref: string } & Pick<OrderTerms, 'trader' | 'side' | 'price' | 'quantity'> & Placed)
  /** Placed before, under the same key: what came of it then. */
  | ({ readonly type: 'market.repeated'; readonly ref: string; readonly trader: string } & Placed)
  | ({ readonly type: 'market.traded' } & Trade)
  | { readonly type: 'market.refused'; readonly ref: string; readonly trader: string; readonly reason: OrderRefusal | 'notOpen' }
  /** `open`: what was still to be traded. `ref`: of the call, null where nobody asked. */
  | {
      readonly type: 'market.cancelled';
      readonly ref: string | null;
      readonly order: string;
      readonly trader: string;
      readonly open: number;
      readonly reason: CancelReason;
    }
  | { readonly type: 'market.closed'; readonly trades: number; readonly cancelled: number };

/** What came of an order under a key. */
export interface KeptAnswer {
  readonly trader: string;
  readonly key: string;
  readonly terms: Pick<OrderTerms, 'side' | 'price' | 'quantity' | 'rest'>;
  readonly placed: Placed;
}

/** What a market's chart knows. */
export interface MarketContext extends MarketInput {
  readonly book: OrderBook;
  /** So far. */
  readonly orders: number;
  readonly trades: number;
  /** Of the last trade; null before one. */
  readonly last: number | null;
  /** Oldest first. */
  readonly kept: readonly KeptAnswer[];
  /** First part of its orders' ids, so that none is of a market before it. */
  readonly incarnation: number;
  readonly reason: ExitReason;
}
