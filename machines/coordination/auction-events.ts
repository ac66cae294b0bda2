/** What an auction is made of: its rules, what bidders are asked and answer, and how it ends. Prices are whole numbers of the currency's smallest unit. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolEnd, ProtocolInput, QuestionsEvent } from './protocol-events.js';

/**
 * - `firstPrice`: one round, sealed; the highest bid wins and pays what it bid.
 * - `vickrey`: one round, sealed; the highest bid wins and pays the second highest, or the reserve where that is more.
 * - `dutch`: the price falls from round to round; whoever takes it first wins and pays it.
 * - `english`: the price rises from round to round, until nobody raises it; whoever bid last wins and pays that.
 */
export type AuctionKind = 'firstPrice' | 'vickrey' | 'dutch' | 'english';

/** The rules, filled in. */
export interface AuctionRules {
  readonly kind: AuctionKind;
  /** What is sold, as bidders are told: JSON. */
  readonly lot: unknown;
  /** No bid below it wins. */
  readonly reserve: number;
  /** Of a Dutch auction the first price, of an English one the least first bid; else 0. */
  readonly startPrice: number;
  /** By what the price of a Dutch auction falls, and that of an English one rises at least; at least 1. */
  readonly step: number;
  /** Of equal highest bids the seed draws one, or there is no winner. */
  readonly ties: 'draw' | 'fail';
  /** English: whoever bid highest is found dead as the hammer falls. */
  readonly whenLeaderDies: 'next' | 'fail';
  /** After so many the hammer falls. */
  readonly maxRounds: number;
  /** For each round: who has not answered in so many ms is late. */
  readonly withinMs: number;
}

/** Input of the auction machine: who takes part is of the session, the rules are of the protocol. */
export interface AuctionInput extends ProtocolInput, AuctionRules {}

/** What a bidder is asked, once in each round. */
export interface AuctionQuestion {
  readonly ask: 'bid';
  readonly auction: AuctionKind;
  readonly lot: unknown;
  /** From 1. */
  readonly round: number;
  /** A lower bid counts as none: 0 in a sealed auction, in a Dutch one the price, in an English one what raises. */
  readonly least: number;
  /** English: the highest bid so far, whoever gave it; else null. */
  readonly highest: number | null;
  /** English: it is the bidder's own, and stands whatever it answers. */
  readonly isLeading: boolean;
}

/** What a bidder answers: a price, or null for none in this round. */
export interface AuctionAnswer {
  readonly bid: number | null;
}

/** What became of a bidder in the last round in which it was asked. */
export type BidderStatus =
  /** It bid, or led and was heard of. */
  | 'bid'
  | 'passed'
  /** Below what was asked for. */
  | 'tooLow'
  /** Its answer was no bid: another shape, no number, a fraction, below 0, beyond 2⁵³ − 1. */
  | 'invalid'
  /** There was no answer. */
  | RequestRefusal;

/** One bidder. */
export interface BidderRow {
  readonly agent: string;
  readonly status: BidderStatus;
  /** What it bid, of an English auction the last time; null: nothing that counts. Of one who was found dead in an English auction, none does. */
  readonly bid: number | null;
}

/** What an auction decided. */
export interface AuctionResult {
  readonly kind: AuctionKind;
  readonly winner: string;
  readonly price: number;
  readonly rounds: number;
  /** Who bid the same as the winner, itself among them, by name: the seed has drawn. Empty where nobody did. */
  readonly tied: readonly string[];
  /** Might somebody have raised it still, had there been more rounds? */
  readonly isCut: boolean;
  /** Everybody who was asked, in the session's order. */
  readonly bidders: readonly BidderRow[];
}

/** Why there is no winner. */
export type NoSale =
  /** There was nobody to be asked, or nobody bid. */
  | 'noBids'
  /** Somebody bid, but nobody as much as the reserve; in a Dutch auction somebody passed at the reserve. */
  | 'reserveNotMet'
  /** Several bid the same, and nothing is drawn. */
  | 'tie'
  /** Whoever led an English auction was found dead, and nobody else's bid may stand for it. */
  | 'leaderDied';

/** The `details` of an auction that failed. */
export interface NoSaleDetails {
  readonly rounds: number;
  readonly tied: readonly string[];
  readonly bidders: readonly BidderRow[];
}

/** How an auction ends. */
export type AuctionEnd =
  | (Extract<ProtocolEnd<AuctionResult>, { outcome: 'decided' }> & { readonly why?: never })
  | { readonly outcome: 'failed'; readonly why: NoSale; readonly details: NoSaleDetails };

/** What an auction's chart is told: what its actor `questions` has to say. */
export type AuctionEvent = QuestionsEvent;

/** What an auction emits. Of a bid only that there was one: a sealed one stays so. */
export type AuctionEmitted =
  | { readonly type: 'auction.asked'; readonly session: string; readonly round: number; readonly least: number }
  | { readonly type: 'auction.answered'; readonly session: string; readonly round: number; readonly agent: string; readonly status: BidderStatus }
  | { readonly type: 'auction.sold'; readonly session: string; readonly rounds: number; readonly winner: string; readonly price: number }
  | { readonly type: 'auction.unsold'; readonly session: string; readonly rounds: number; readonly why: NoSale };

/** What an auction's chart knows. */
export interface AuctionContext extends AuctionInput {
  /** The present one, from 1; 0 before the first. */
  readonly round: number;
  /** Whose answer in this round is to come. */
  readonly open: readonly string[];
  readonly rows: readonly BidderRow[];
  /** English: who led, and with what, when the round began. */
  readonly leader: { readonly agent: string; readonly bid: number } | null;
  readonly end: AuctionEnd | null;
  /** What it crashed of; null: it did not. */
  readonly crash: string | null;
}
