/** The facts of agents that talk, in words: comms, the sessions in which they coordinate, and markets. */
import type { CoordinatorEmitted } from '../coordination/session-ledger.js';
import type { ChannelEmitted } from '../../machines/comms/channel-events.js';
import type { CommsEmitted } from '../../machines/comms/comms-events.js';
import type { AuctionEmitted } from '../../machines/coordination/auction-events.js';
import type { AllocationEmitted } from '../../machines/coordination/allocation-events.js';
import type { DelegationEmitted } from '../../machines/coordination/delegation-events.js';
import type { MarketEmitted } from '../../machines/coordination/market-events.js';
import type { IterativeEmitted } from '../../machines/coordination/iterative-consensus-events.js';
import type { NegotiationEmitted } from '../../machines/coordination/negotiation-events.js';
import type { SessionEmitted } from '../../machines/coordination/session-events.js';
import type { VotingEmitted } from '../../machines/coordination/voting-events.js';
import type { EventGroup, Rows } from './event-row.js';

const agent = 'the agent, by name';
const from = 'who has sent it, by name; null where that was not said';
const kind = '`request`, `notice` or `event`';
const topic = 'its name';
const noAnswer = '`noAgent`, `full`, `dropped`, `error`, `crashed`, `late`, `cancelled` or `closed`';
const commsRows: Rows<CommsEmitted> = {
  'comms.answered': {
    about: 'one who asked has heard',
    level: 'debug',
    fields: { agent, from, outcome: `\`ok\`, or why there is no answer: ${noAnswer}`, tookMs: 'since it was asked, ms' },
  },
  'comms.refused': {
    about: 'a message was not taken',
    level: 'info',
    fields: { agent, from, kind, reason: '`noAgent`, `full`, `error`; or `notAll`: it was for all or none' },
  },
  'comms.replyDropped': { about: 'an agent has answered what nobody asks any more', level: 'info', fields: { ref: 'of the delivery that it names' } },
  'comms.published': {
    about: 'a topic had something to tell',
    level: 'debug',
    fields: { topic, from, taken: 'how many subscribers have taken it', refused: 'how many have not' },
  },
  'comms.subscribed': { about: 'an agent hears a topic', level: 'debug', fields: { topic, agent } },
  'comms.unsubscribed': { about: 'it does so no more', level: 'debug', fields: { topic, agent, because: '`asked`, or `gone` (the agent)' } },
  'comms.deadLetter': {
    about: 'a message was taken, or published, and will never be delivered',
    level: 'warn',
    fields: {
      id: 'by which it is sent again',
      agent,
      kind,
      why: '`noAgent`, `full`, `dropped`, `error`, `crashed`, `late`, `cancelled` or `closed`',
    },
  },
};

const channelRows: Rows<ChannelEmitted> = {
  'channel.flowing': { about: 'what is sent to the agent is delivered at once', level: 'debug', fields: { agent } },
  'channel.paused': { about: 'as much as it takes is out at it: what is sent waits', level: 'debug', fields: { agent } },
  'channel.vacated': { about: 'nobody goes by the name, and somebody is awaited: what is sent waits', level: 'info', fields: { agent } },
  'channel.closed': { about: 'it has ended', level: 'debug', fields: { agent, because: '`idle`, `gone` (nobody is awaited) or `closed`' } },
};

const session = 'which session';
const rounds = 'how many there were';
const auctionRows: Rows<AuctionEmitted> = {
  'auction.asked': {
    about: 'a round has begun, and all bidders are asked',
    level: 'debug',
    fields: { session, round: 'from 1', least: 'the lowest bid that counts' },
  },
  'auction.answered': {
    about: 'a bidder was heard, or is known not to be',
    level: 'debug',
    fields: {
      ...{ session, round: 'in which one', agent: 'who' },
      status: '`bid`, `passed`, `tooLow`, `invalid`; or why there is no answer, as `late` or `crashed`',
    },
  },
  'auction.sold': { about: 'there is a winner', level: 'info', fields: { session, rounds, winner: 'who', price: 'in the smallest unit' } },
  'auction.unsold': {
    about: 'there is no winner',
    level: 'info',
    fields: { session, rounds, why: '`noBids`, `reserveNotMet`, `tie` or `leaderDied`' },
  },
};

const negotiationRows: Rows<NegotiationEmitted> = {
  'negotiation.offered': { about: 'an offer is on the table', level: 'debug', fields: { session, round: 'from 1', by: 'whose it is' } },
  'negotiation.answered': {
    about: 'a party was heard, or is known not to be',
    level: 'debug',
    fields: {
      ...{ session, round: 'in which one; 0 before the first offer', agent: 'who' },
      status: '`offered`, `accepted`, `left`, `invalid`; or why there is no answer, as `late` or `crashed`',
    },
  },
  'negotiation.agreed': { about: 'all others have accepted an offer', level: 'info', fields: { session, rounds, by: 'whose it was' } },
  'negotiation.failed': {
    about: 'nothing was agreed',
    level: 'info',
    fields: { session, rounds, why: '`left`, `lost`, `late`, `invalid`, `noAgreement`, `timeUp` or `tooFew`' },
  },
};

const protocol = 'which protocol';
const attempts = 'how often the protocol was begun';
const sessionRows: Rows<SessionEmitted> = {
  'coordination.started': { about: 'its turn has come', level: 'debug', fields: { session, protocol, agents: 'how many take part' } },
  'coordination.retrying': {
    about: 'its worker crashed, or was killed, and there is to be another',
    level: 'warn',
    fields: { session, protocol, why: 'in words', attempt: 'which one comes next', pauseMs: 'after how long, ms' },
  },
  'coordination.decided': { about: 'it has a value', level: 'info', fields: { session, protocol, attempts } },
  'coordination.failed': {
    about: 'it has none',
    level: 'info',
    fields: { session, protocol, attempts, why: "the protocol's word; or `crashed`, or `coordinatorLost`" },
  },
  'coordination.cancelled': { about: 'it was cancelled', level: 'info', fields: { session, protocol, attempts } },
  'coordination.expired': { about: 'its time was over', level: 'warn', fields: { session, protocol, attempts } },
};
const coordinatorRows: Rows<Exclude<CoordinatorEmitted, SessionEmitted>> = {
  'coordination.refused': {
    about: 'a session was not begun',
    level: 'info',
    fields: { session, protocol, reason: '`full`, `taken`, `cancelled` or `closed`' },
  },
};

const voter = 'who';
const votingRows: Rows<VotingEmitted> = {
  'vote.counted': {
    about: 'an agent has been heard',
    level: 'debug',
    fields: { session, agent: voter, sort: '`vote`, `abstention`, `invalid` or `absent`' },
  },
  'vote.repeated': { about: 'it was heard again, which counts for nothing', level: 'warn', fields: { session, agent: voter } },
};

const iterativeRows: Rows<IterativeEmitted> = {
  'consensus.roundEnded': {
    about: 'all of a round have been heard',
    level: 'debug',
    fields: {
      session,
      ...{ round: 'which, from 1', agents: 'how many proposed something', share: 'the largest share of them that proposed the same' },
    },
  },
  'consensus.agentLeft': {
    about: 'an agent takes no part any more',
    level: 'info',
    fields: { session, round: 'in which', agent: voter, reason: 'why it has not answered, or `invalid`' },
  },
};

const order = 'which order';
const trader = 'whose';
const call = 'of the call';
const placedFields = {
  ...{ order, filled: 'how much was traded at once', money: 'for how much in all', open: 'how much stands now' },
  ...{ refused: 'how much nobody stood for, or would have been traded with its own trader', trades: 'with whom, each as in `market.traded`' },
};
const marketRows: Rows<MarketEmitted> = {
  'market.placed': {
    about: 'an order was placed; what of it was traded is told after it',
    level: 'debug',
    fields: { ref: call, trader, side: '`buy` or `sell`', price: 'its limit; null: a market order', quantity: 'for how much', ...placedFields },
  },
  'market.repeated': { about: 'an order had been placed before, under the same key', level: 'debug', fields: { ref: call, trader, ...placedFields } },
  'market.traded': {
    about: 'something changed hands',
    level: 'info',
    fields: {
      ...{ number: 'from 1', price: 'for one', quantity: 'how much', buyer: 'who', seller: 'from whom' },
      ...{ buyOrder: 'of whoever bought', sellOrder: 'of whoever sold' },
    },
  },
  'market.refused': {
    about: 'an order was not placed, or not cancelled',
    level: 'debug',
    fields: { ref: call, trader, reason: '`full`, `tooMany`, `keyTaken`, `unfilled`, `selfTrade`, `ownerEnded`; of one to be cancelled `notOpen`' },
  },
  'market.cancelled': {
    about: 'an order stands no more',
    level: 'debug',
    fields: { ref: `${call}; null: nobody's`, order, trader, open: 'how much was still to be traded', reason: '`asked`, `ownerEnded` or `closed`' },
  },
  'market.closed': { about: 'it has ended, for good', level: 'info', fields: { trades: 'how many there were', cancelled: 'how many orders stood' } },
};

const allocationRows: Rows<AllocationEmitted> = {
  'allocation.answered': {
    about: 'an agent was heard, or is known not to be',
    level: 'debug',
    fields: { session, agent: 'who', status: '`heard`, `passed`, `invalid`; or why there is no answer, as `late` or `crashed`' },
  },
  'allocation.decided': { about: 'what is there is shared', level: 'info', fields: { session, served: 'how many have something' } },
  'allocation.failed': { about: 'nobody has anything', level: 'info', fields: { session, why: '`noDemands` or `nothingGranted`' } },
};

const ask = 'what they are asked: `delegate`, `work`, `approve` or `combine`';
const ofCluster = 'of which cluster';
const delegationRows: Rows<DelegationEmitted> = {
  'delegation.asked': { about: 'all whose turn it is are asked', level: 'debug', fields: { session, ask, agents: 'how many' } },
  'delegation.answered': {
    about: 'an agent was heard, or is known not to be',
    level: 'debug',
    fields: {
      ...{ session, ask, cluster: ofCluster, agent: 'who' },
      status: '`led` or `delivered`, `refused`, `invalid`; or why there is no answer, as `late` or `crashed`',
    },
  },
  'delegation.replaced': {
    about: 'a representative could not be heard, or made no sense',
    level: 'warn',
    fields: {
      session,
      cluster: ofCluster,
      agent: 'who',
      reason: 'as its status says',
      by: 'who is next; null: nobody, and the cluster delivers nothing',
    },
  },
  'delegation.ruleFailed': {
    about: "an app's own rule has made nothing of results",
    level: 'warn',
    fields: { session, cluster: 'whose; null: of the coordinator', why: 'in words' },
  },
  'delegation.decided': {
    about: 'there is a result',
    level: 'info',
    fields: { session, clusters: 'how many have delivered', agents: 'how many have done their part' },
  },
  'delegation.failed': { about: 'there is none', level: 'info', fields: { session, why: '`tooFew`, `noResult` or `ruleFailed`' } },
};

export const sessionEvents: readonly EventGroup[] = [
  { title: 'Comms', from: '`comms.on`', machines: ['comms'], rows: commsRows },
  { title: 'Channels of comms', from: 'their chart', machines: ['channel'], rows: channelRows },
  { title: 'Auctions', from: 'the actor of `auction(…).logic(…)`', machines: ['auction'], rows: auctionRows },
  { title: 'Allocations', from: 'the actor of `allocation(…).logic(…)`', machines: ['allocation'], rows: allocationRows },
  { title: 'Markets', from: '`market.on`', machines: ['market'], rows: marketRows },
  { title: 'Delegations', from: 'the actor of `delegation(…).logic(…)`', machines: ['delegation'], rows: delegationRows },
  { title: 'Negotiations', from: 'the actor of `negotiation(…).logic(…)`', machines: ['negotiation'], rows: negotiationRows },
  {
    title: 'Coordination sessions',
    from: 'their chart; their coordinator tells them too, by `coordinator.on`',
    machines: ['coordinationSession'],
    rows: sessionRows,
  },
  { title: 'Coordinators', from: '`coordinator.on`', machines: ['dynamicSupervisor'], rows: coordinatorRows },
  { title: 'Votes', from: 'their chart', machines: ['voting'], rows: votingRows },
  { title: 'Iterative consensus', from: 'their chart', machines: ['iterativeConsensus'], rows: iterativeRows },
];
