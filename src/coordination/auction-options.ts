/** What an auction is asked for, checked before anything happens. */
import type { AuctionKind, AuctionRules } from '../../machines/coordination/auction-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { isObject, jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';

/** What all auctions have. Prices are whole numbers, 0 to 2⁵³ − 1, of the currency's smallest unit: 1 250 cents, not 12.5, so that nothing is rounded. */
interface AnyAuction {
  /** What is sold, as bidders are told: JSON. Default null. */
  readonly lot?: unknown;
  /** No bid below it wins. Bidders of a sealed or an English auction are not told. Default 0. */
  readonly reserve?: number;
  /** `draw`: of equal highest bids the session's seed draws one. `fail`: there is no winner, `tie`. Default `draw`. */
  readonly ties?: 'draw' | 'fail';
  /** For each round: who has not answered in so many ms is late, and out of that round. Default 5 000. */
  readonly withinMs?: number;
}

/** One round, in which nobody knows of the others' bids. */
export interface SealedAuctionOptions extends AnyAuction {
  /** The highest bid wins, and pays what it bid (`firstPrice`), or the second highest bid, at least the reserve (`vickrey`). */
  readonly kind: 'firstPrice' | 'vickrey';
}

/** The price falls until somebody takes it. */
export interface DutchAuctionOptions extends AnyAuction {
  readonly kind: 'dutch';
  /** Of the first round; at least the reserve. */
  readonly startPrice: number;
  /** By so much it falls from round to round, to the reserve and no further; so that there are 10 000 rounds at most. Default 1. */
  readonly decrement?: number;
}

/** The price rises until nobody raises it. */
export interface EnglishAuctionOptions extends AnyAuction {
  readonly kind: 'english';
  /** The least first bid. Default: the reserve, which is told thereby. */
  readonly startPrice?: number;
  /** A bid is at least so much above the highest before it. Default 1. */
  readonly increment?: number;
  /** After so many the hammer falls: whoever leads has won, and `isCut` says so. Default 100, at most 10 000. */
  readonly maxRounds?: number;
  /**
   * Whoever leads has died, and nobody raises. `next`: the hammer falls to the next highest bid that stands, since that was given in earnest too. `fail`:
   * there is no winner, `leaderDied`. Default `next`.
   */
  readonly whenLeaderDies?: 'next' | 'fail';
}

/** Options of an auction, by its kind. */
export type AuctionOptions = SealedAuctionOptions | DutchAuctionOptions | EnglishAuctionOptions;

const anyKeys = keysOf<AnyAuction & { kind: AuctionKind }>({ kind: true, lot: true, reserve: true, ties: true, withinMs: true });
const keys: Readonly<Record<AuctionKind, readonly string[]>> = {
  firstPrice: anyKeys,
  vickrey: anyKeys,
  dutch: [...anyKeys, 'startPrice', 'decrement'],
  english: [...anyKeys, 'startPrice', 'increment', 'maxRounds', 'whenLeaderDies'],
};
const kinds = Object.keys(keys);
const mostRounds = 10_000;

/** @throws EspalierError always */
function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('auction/invalid-options', { expected: `\`${name}\`: ${expected}`, got });
}

const { requireOptions, requireText, duration, count } = optionChecks(invalid);

function price(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(name, "a whole number of the currency's smallest unit, 0 to 2^53 - 1", shown(value));
  return value;
}

function word<Word extends string>(name: string, value: Word | undefined, words: readonly [Word, ...Word[]]): Word {
  if (value === undefined) return words[0];
  if (!words.includes(value)) throw invalid(name, words.join(' or '), sortOf(value));
  return value;
}

/** What is sold, as JSON would have it: a copy, which nobody changes. */
function lotOf(lot: unknown): unknown {
  const text = jsonOf(lot ?? null);
  if (text === null) throw invalid('lot', 'JSON', sortOf(lot));
  return JSON.parse(text);
}

/** The rules of an auction, with its defaults filled in. @throws EspalierError `auction/invalid-options` */
export function planAuction(options: AuctionOptions): AuctionRules {
  const given: unknown = options;
  const { kind } = isObject(given) ? (given as unknown as AuctionOptions) : { kind: undefined };
  if (kind === undefined || !kinds.includes(kind)) throw invalid('kind', kinds.join(', '), sortOf(kind));
  requireOptions('the options of an auction', options, keys[kind]);
  const reserve = price('reserve', options.reserve, 0);
  const common = {
    ...{ kind, reserve, lot: lotOf(options.lot) },
    ties: word('ties', options.ties, ['draw', 'fail']),
    withinMs: duration('withinMs', options.withinMs, 5_000),
  };
  if (options.kind === 'english') {
    return {
      ...common,
      startPrice: price('startPrice', options.startPrice, reserve),
      step: count('increment', options.increment, 1),
      maxRounds: count('maxRounds', options.maxRounds, 100, mostRounds),
      whenLeaderDies: word('whenLeaderDies', options.whenLeaderDies, ['next', 'fail']),
    };
  }
  const rest = { ...common, whenLeaderDies: 'next' as const };
  if (options.kind !== 'dutch') return { ...rest, startPrice: 0, step: 1, maxRounds: 1 };
  const { decrement } = options;
  const step = count('decrement', decrement, 1);
  const startPrice = price('startPrice', options.startPrice, -1);
  if (startPrice < reserve) throw invalid('startPrice', 'a price, at least the reserve', shown(options.startPrice));
  const maxRounds = Math.ceil((startPrice - reserve) / step) + 1;
  if (maxRounds > mostRounds) throw invalid('decrement', `so much that the reserve is reached in ${mostRounds} rounds`, step);
  return { ...rest, startPrice, step, maxRounds };
}

/** The most who may bid in one auction. */
export const mostBidders = 1_000;

/** Looks at who is to bid: nobody may, which ends it. @throws EspalierError `auction/invalid-options` */
export function requireBidders(agents: readonly string[]): void {
  const list: unknown = agents;
  if (!Array.isArray(list) || list.length > mostBidders) throw invalid('agents', `a list of at most ${mostBidders} names`, sortOf(list));
  for (const agent of agents) requireText('agents', agent);
  if (new Set(agents).size < agents.length) throw invalid('agents', 'each once', 'a name twice');
}
