/** What a market is asked for, checked before anything happens. */
import type { AnyActorRef } from 'xstate';
import type { MarketInput, OrderTerms, SelfTrade } from '../../machines/coordination/market-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { isActor, optionChecks, shown, sortOf } from '../option-checks.js';

/** Options of a market. Prices and quantities are whole numbers of the smallest unit: 1 250 cents, not 12.5, so that nothing is rounded. */
export interface MarketOptions {
  /** Orders that stand at once; one more that would stand is refused, `full`. Default 1 000, at most 10 000. */
  readonly maxOrders?: number;
  /** The same of one trader: `tooMany`. Default 100, at most 10 000. */
  readonly maxPerTrader?: number;
  /** How many answers are kept under their keys; of more, the oldest of whoever has most is forgotten. Default 1 000, at most 10 000. */
  readonly maxKeys?: number;
  /**
   * What comes of an order that meets one of its own trader: they trade (`allow`, the default), or it trades with all before that, and what is left of it is
   * refused (`cancelNewest`).
   */
  readonly selfTrade?: SelfTrade;
  /** No limit is higher. Default 1 000 000 000; times `maxQuantity` at most 2⁵³ − 1, so that money is counted exactly. */
  readonly maxPrice?: number;
  /** No order is for more. Default 1 000 000; times `maxOrders` at most 2⁵³ − 1. */
  readonly maxQuantity?: number;
}

/** The same with its defaults filled in. */
export interface MarketPlan extends MarketInput {
  readonly maxPrice: number;
  readonly maxQuantity: number;
}

/** An order. */
export interface OrderOptions {
  /** By name. At most 200 characters. */
  readonly trader: string;
  readonly side: 'buy' | 'sell';
  /** A whole number, at least 1. */
  readonly quantity: number;
  /** The limit: a buyer pays no more for each, a seller takes no less. A whole number, 0 or more. Absent: a market order, which takes what stands. */
  readonly price?: number;
  /** Of a market order only, what nobody stands for: is refused, or waits, before all that have a limit. Default `refuse`. */
  readonly rest?: 'refuse' | 'wait';
  /** The same key of the same trader is the same order: submitted again, it is answered as before, and nothing happens. At most 200 characters. */
  readonly key?: string;
  /** An actor with which the order ends: what stands of it then is cancelled. */
  readonly owner?: AnyActorRef;
}

/** `market/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('market/invalid-options', { expected: `\`${name}\`: ${expected}`, got });
}

export const { requireOptions, requireText, count } = optionChecks(invalid);

const keys = keysOf<MarketOptions>({
  ...({ maxOrders: true, maxPerTrader: true, maxKeys: true } as const),
  ...({ selfTrade: true, maxPrice: true, maxQuantity: true } as const),
});
const orderKeys = keysOf<OrderOptions>({ trader: true, side: true, quantity: true, price: true, rest: true, key: true, owner: true });
const most = 10_000;

/** @throws EspalierError `market/invalid-options` */
export function planMarket(options: MarketOptions): MarketPlan {
  requireOptions('the options of a market', options, keys);
  const { selfTrade = 'allow' } = options;
  if (selfTrade !== 'allow' && selfTrade !== 'cancelNewest') throw invalid('selfTrade', 'allow or cancelNewest', sortOf(selfTrade));
  const plan = {
    selfTrade,
    maxOrders: count('maxOrders', options.maxOrders, 1_000, most),
    maxPerTrader: count('maxPerTrader', options.maxPerTrader, 100, most),
    maxKeys: count('maxKeys', options.maxKeys, 1_000, most),
    maxPrice: count('maxPrice', options.maxPrice, 1_000_000_000),
    maxQuantity: count('maxQuantity', options.maxQuantity, 1_000_000),
  };
  const mostMoney = plan.maxPrice * plan.maxQuantity;
  if (!Number.isSafeInteger(mostMoney)) throw invalid('maxPrice', 'at most 2^53 - 1 when multiplied by `maxQuantity`', mostMoney);
  const mostOpen = plan.maxOrders * plan.maxQuantity;
  if (!Number.isSafeInteger(mostOpen)) throw invalid('maxQuantity', 'at most 2^53 - 1 when multiplied by `maxOrders`', mostOpen);
  return plan;
}

/** An order in the market's own words, but for whom it ends with. @throws EspalierError `market/invalid-options` */
export function planOrder(options: OrderOptions, { maxPrice, maxQuantity }: Pick<MarketPlan, 'maxPrice' | 'maxQuantity'>): Omit<OrderTerms, 'owner'> {
  requireOptions('an order', options, orderKeys);
  const { trader, side, quantity, price = null, rest = 'refuse', key = null, owner } = options;
  requireText('trader', trader);
  if (key !== null) requireText('key', key);
  if (side !== 'buy' && side !== 'sell') throw invalid('side', 'buy or sell', sortOf(side));
  if (rest !== 'refuse' && rest !== 'wait') throw invalid('rest', 'refuse or wait', sortOf(rest));
  if (!Number.isSafeInteger(quantity) || quantity < 1 || quantity > maxQuantity)
    throw invalid('quantity', `a whole number, 1 to ${maxQuantity}`, shown(quantity));
  if (price !== null && (!Number.isSafeInteger(price) || price < 0 || price > maxPrice))
    throw invalid('price', `a whole number, 0 to ${maxPrice}`, shown(price));
  if (price !== null && options.rest !== undefined) throw invalid('rest', 'of an order without a price', options.rest);
  if (owner !== undefined && !isActor(owner)) throw invalid('owner', 'an actor', sortOf(owner));
  return { trader, side, quantity, price, rest, key };
}
