/**
 * Auctions as protocols: bidders are really asked, all of a round at once.
 *
 *   auction({ kind: 'vickrey', reserve: 500 })
 *
 * A session runs it; by hand it is `createActor(auction(…).logic(requests), { input: { session, agents, seed } })`.
 */
import type { ActorLogic, AnyActorRef, SnapshotFrom } from 'xstate';
import { auctionMachine } from '../../machines/coordination/auction.js';
import type { AuctionEmitted, AuctionEvent, AuctionResult } from '../../machines/coordination/auction-events.js';
import type { ProtocolInput } from '../../machines/coordination/protocol-events.js';
import type { Requests } from '../comms/port.js';
import { withInput } from '../supervision/supervisors.js';
import { type AuctionOptions, planAuction, requireBidders } from './auction-options.js';
import { type Protocol, questions } from './protocol.js';

/** The logic of one auction. */
export type AuctionLogic = ActorLogic<SnapshotFrom<typeof auctionMachine>, AuctionEvent, ProtocolInput, AnyActorRef['system'], AuctionEmitted>;

/** An auction with its rules. */
export interface AuctionProtocol extends Protocol<AuctionResult> {
  readonly name: 'auction';
  logic(requests: Requests): AuctionLogic;
}

/**
 * An auction: decided with an `AuctionResult`, or failed with a `NoSale` and its details. A bidder that is late, ends, passes or answers what is no bid is out
 * of that round, and named with why. The same answers and the same seed have the same end, in whatever order they come. Restored from a snapshot, it goes on
 * with its round, and asks under the same keys.
 * @throws EspalierError `auction/invalid-options`; from `requireAgents` for more than 1 000 bidders, or one twice
 */
export function auction(options: AuctionOptions): AuctionProtocol {
  const plan = planAuction(options);
  return {
    name: 'auction',
    requireAgents: requireBidders,
    logic: (requests) => withInput(auctionMachine.provide({ actors: { questions: questions(requests) } }), plan) as unknown as AuctionLogic,
  };
}
