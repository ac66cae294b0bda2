/** The rules of auctions: what is asked, what is a bid, who wins and what it costs. Nothing here depends on the order in which answers come. */
import type { RequestOutcome } from '../comms/request.js';
import type { AuctionContext, AuctionEnd, AuctionQuestion, BidderRow, BidderStatus, NoSale } from './auction-events.js';
import type { Question } from './protocol-events.js';
import { drawnOrder } from './tie.js';

type Rows = readonly BidderRow[];
type Bid = BidderRow & { readonly bid: number };

/** The id of a round's questions, by which an answer of another round is told. */
export function roundId(round: number): string {
  return `round-${round}`;
}

/** The lowest bid that counts in the present round. */
export function leastBid({ kind, reserve, startPrice, step, round, leader }: AuctionContext): number {
  if (kind === 'dutch') return Math.max(reserve, startPrice - (round - 1) * step);
  if (kind === 'english') return leader === null ? startPrice : leader.bid + step;
  return 0;
}

/** What everybody is asked in the present round, all at once. */
export function questionsOf(context: AuctionContext): Question[] {
  const { agents, kind, lot, round, leader } = context;
  const least = leastBid(context);
  return agents.map((agent) => {
    const isLeading = leader?.agent === agent;
    const body: AuctionQuestion = { ask: 'bid', auction: kind, lot, round, least, highest: leader?.bid ?? null, isLeading };
    // Of whoever leads an English auction the others have heard: of a Dutch one only that nobody has taken it, or there were no such round.
    return { id: roundId(round), agent, body, isDerived: leader !== null };
  });
}

/** The rows as a round begins: who is not heard of is late. */
export function silent(rows: Rows): BidderRow[] {
  return rows.map((row) => ({ ...row, status: 'late' as const }));
}

/** The rows with what a bidder answered. */
export function noted(context: AuctionContext, agent: string, outcome: RequestOutcome): BidderRow[] {
  return context.rows.map((row) => (row.agent === agent ? heard(context, row, outcome) : row));
}

function heard(context: AuctionContext, row: BidderRow, outcome: RequestOutcome): BidderRow {
  const { kind, leader } = context;
  if (!outcome.ok) {
    // A bid binds whoever gave it, as long as there is somebody to be bound.
    const isDead = outcome.reason === 'crashed' || outcome.reason === 'noAgent';
    return { ...row, status: outcome.reason, bid: isDead ? null : row.bid };
  }
  // Nobody bids against itself: of whoever leads it is only asked whether it lives.
  if (leader?.agent === row.agent) return { ...row, status: 'bid' };
  const said = bidIn(outcome.value);
  if (typeof said !== 'number') return { ...row, status: said };
  const least = leastBid(context);
  if (said < least) return { ...row, status: 'tooLow' };
  // Who would pay more than a Dutch auction asks pays what it asks.
  return { ...row, status: 'bid', bid: kind === 'dutch' ? least : said };
}

/** The price in an answer, or what it is instead. @throws never, whatever the answer is */
export function bidIn(value: unknown): number | Extract<BidderStatus, 'passed' | 'invalid'> {
  try {
    const { bid } = value as { readonly bid?: unknown };
    if (bid === null) return 'passed';
    // Of a zero with a sign JSON makes one without.
    return Number.isSafeInteger(bid) && (bid as number) >= 0 ? Math.abs(bid as number) : 'invalid';
  } catch {
    return 'invalid';
  }
}

/** Who leads: of the highest bids that stand, the one that the seed draws. */
export function leaderOf({ rows, seed }: AuctionContext): Bid | null {
  const highest = highestOf(rows);
  const [first] = drawn(seed, highest);
  return highest.find(({ agent }) => agent === first) ?? null;
}

/** How it ends after the present round, all of whose answers are in; null: there is another round. */
export function endOf(context: AuctionContext): AuctionEnd | null {
  const { kind, reserve, rows } = context;
  if (kind === 'english') return hammerOf(context);
  const isOpen = kind === 'dutch' && rows.length > 0 && highestOf(rows).length === 0;
  if (isOpen && leastBid(context) > reserve) return null;
  return isOpen && rows.some(({ status }) => status === 'passed' || status === 'tooLow') ? unsold(context, 'reserveNotMet') : settled(context, false);
}

function hammerOf(context: AuctionContext): AuctionEnd | null {
  const { rows, leader, round, step, maxRounds, whenLeaderDies } = context;
  const now = leaderOf(context);
  const isRaised = now !== null && now.bid > (leader?.bid ?? -1);
  if (isRaised) {
    const isLast = round >= maxRounds || !Number.isSafeInteger(now.bid + step);
    return isLast ? settled(context, true) : null;
  }
  const isDead = leader !== null && rows.some(({ agent, bid }) => agent === leader.agent && bid === null);
  return isDead && (whenLeaderDies === 'fail' || now === null) ? unsold(context, 'leaderDied') : settled(context, false);
}

/** Who wins by the bids that stand, and what it pays. */
function settled(context: AuctionContext, isCut: boolean): AuctionEnd {
  const { kind, reserve, rows, round, seed, ties } = context;
  const highest = highestOf(rows);
  const [winner, ...others] = drawn(seed, highest);
  const top = highest[0]?.bid;
  if (winner === undefined || top === undefined) return unsold(context, 'noBids');
  if (top < reserve) return unsold(context, 'reserveNotMet');
  const tied = others.length === 0 ? [] : [winner, ...others].sort();
  if (tied.length > 0 && ties === 'fail') return unsold(context, 'tie', tied);
  const price = kind === 'vickrey' ? Math.max(reserve, ...rows.map(({ agent, bid }) => (agent === winner ? 0 : (bid ?? 0)))) : top;
  return { outcome: 'decided', value: { kind, winner, price, rounds: round, tied, isCut, bidders: rows } };
}

function unsold({ rows, round }: AuctionContext, why: NoSale, tied: readonly string[] = []): AuctionEnd {
  return { outcome: 'failed', why, details: { rounds: round, tied, bidders: rows } };
}

function highestOf(rows: Rows): Bid[] {
  const bids = rows.filter((row): row is Bid => row.bid !== null);
  const top = bids.reduce((most, { bid }) => Math.max(most, bid), 0);
  return bids.filter(({ bid }) => bid === top);
}

/** By the price, so that who leads an English auction is who wins it at that price. */
function drawn(seed: number, bids: readonly Bid[]): string[] {
  return drawnOrder(
    seed,
    `price ${bids[0]?.bid ?? 0}`,
    bids.map(({ agent }) => agent),
  );
}
