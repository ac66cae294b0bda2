/** The part of the front door that leads to coordination: its backends, and what stands on them. */
export { holdLease, type HoldOptions, type HoldOutcome, type LeaseBackend, LeaseHold, type LeaseLoss } from './backend/hold.js';
export {
  type BackendEnd,
  type MemoryBackend,
  memoryBackend,
  type MemoryBackendOptions,
  type MemoryBackendSettings,
} from './backend/memory.js';
export type {
  Backend,
  BackendChange,
  BackendClock,
  BackendEntry,
  BackendLimits,
  BackendStatusOutcome,
  BackendWatch,
  CallOptions as BackendCallOptions,
  Conflict as BackendConflict,
  DeleteOutcome as BackendDeleteOutcome,
  GetOutcome as BackendGetOutcome,
  Gone as BackendGone,
  GrantOutcome as BackendGrantOutcome,
  ListOptions as BackendListOptions,
  ListOutcome as BackendListOutcome,
  OpenBackend,
  Refused as BackendRefused,
  RenewOutcome as BackendRenewOutcome,
  RevokeOutcome as BackendRevokeOutcome,
  SetOptions as BackendSetOptions,
  SetOutcome as BackendSetOutcome,
  Unknown as BackendUnknown,
  WatchAnswer as BackendWatchAnswer,
  WatchOptions as BackendWatchOptions,
  WatchOutcome as BackendWatchOutcome,
} from './backend/port.js';
export { backendHandle, coordinationBackend, type CoordinationBackendLogic } from './coordination/backend.js';
export { heldLease, type HeldLeaseEmitted, type HeldLeaseLogic, type HeldLeaseOptions, LeaseLost } from './coordination/held-lease.js';
export { consensus, type ConsensusLogic, type ConsensusRef } from './coordination/consensus.js';
export {
  type Consensus,
  consensusHandle,
  type ConsensusStatus,
  createConsensus,
  type DecidedOutcome as ConsensusDecidedOutcome,
  type ProposeOptions as ConsensusProposeOptions,
  type ProposeOutcome as ConsensusProposeOutcome,
} from './coordination/consensus-handle.js';
export type { BallotInfo as ConsensusBallotInfo, ConsensusOptions, Voter as ConsensusVoter } from './coordination/consensus-options.js';
export type { ConsensusEmitted, ProposalRefusal as ConsensusRefusal } from '../machines/coordination/consensus-events.js';
export type { AbortReason as ConsensusAbortReason, ConsensusVote, Decision as ConsensusDecision } from '../machines/coordination/consensus-record.js';
export { leader, type LeaderLogic, type LeaderRef } from './coordination/leader.js';
export {
  type LeaderAnswer,
  type LeaderHandle,
  leaderHandle,
  type LeaderPart,
  type LeaderStatus,
  type OwnLeadership,
} from './coordination/leader-handle.js';
export type { LeaderOptions } from './coordination/leader-options.js';
export type { LeaderEmitted, Leadership, LeadershipInput } from '../machines/coordination/leader-events.js';
export { lock, type LockLogic, type LockRef } from './coordination/lock.js';
export {
  type AcquireOptions as LockAcquireOptions,
  type AcquireOutcome as LockAcquireOutcome,
  createLock,
  type Lock,
  type LockGrip,
  lockHandle,
  type LockScope,
  type LockStatus,
  withLock,
  type WithLockOutcome,
} from './coordination/lock-handle.js';
export type { LockOptions } from './coordination/lock-options.js';
export { coordinator, type CoordinatorLogic, type CoordinatorRef } from './coordination/coordinator.js';
export {
  type CoordinationSession,
  type Coordinator,
  coordinatorHandle,
  type CoordinatorStatus,
  createCoordinator,
  type RunOutcome as CoordinationOutcome,
  type SessionLookup as CoordinationLookup,
} from './coordination/coordinator-handle.js';
export type {
  CoordinatorOptions,
  RetryOptions as CoordinationRetry,
  SessionOptions as CoordinationSessionOptions,
} from './coordination/coordinator-options.js';
export { iterativeConsensus, type IterativeConsensusOptions } from './coordination/iterative-consensus.js';
export { type Protocol, questions } from './coordination/protocol.js';
export type { CoordinatorEmitted, RunRefusal as CoordinationRefusal, SessionState as CoordinationState } from './coordination/session-ledger.js';
export { voting, type VotingOptions } from './coordination/voting.js';
export type { RequestOptions, Requests } from './comms/port.js';
export type { RequestOutcome, RequestRefusal } from '../machines/comms/request.js';
export type {
  Departure as ConsensusDeparture,
  IterativeDecision,
  IterativeStand,
  Proposal,
} from '../machines/coordination/iterative-consensus-events.js';
export type { ProtocolEnd, ProtocolInput, Question, QuestionsEvent, QuestionsInput } from '../machines/coordination/protocol-events.js';
export type { SessionResult as CoordinationResult } from '../machines/coordination/session-events.js';
export type { VotingDecision, VotingRule, VotingTally } from '../machines/coordination/voting-events.js';
export type { LockEmitted, LockLoss, LockRefusal } from '../machines/coordination/lock-events.js';
export { barrier, type BarrierLogic, type BarrierRef } from './coordination/barrier.js';
export {
  type ArriveOptions as BarrierArriveOptions,
  type ArriveOutcome as BarrierArriveOutcome,
  type Barrier,
  barrierHandle,
  type BarrierStatus,
  createBarrier,
} from './coordination/barrier-handle.js';
export type { BarrierOptions } from './coordination/barrier-options.js';
export type { BarrierEmitted, BarrierLoss, BarrierRefusal } from '../machines/coordination/barrier-events.js';
export {
  type ClockOrder,
  compareClocks,
  incrementClock,
  maxClockNodes,
  mergeClocks,
  newClock,
  type VectorClock,
} from './coordination/vector-clock.js';
export { auction, type AuctionLogic, type AuctionProtocol } from './coordination/auction.js';
export type { AuctionOptions, DutchAuctionOptions, EnglishAuctionOptions, SealedAuctionOptions } from './coordination/auction-options.js';
export type {
  AuctionAnswer,
  AuctionEmitted,
  AuctionEnd,
  AuctionKind,
  AuctionQuestion,
  AuctionResult,
  BidderRow,
  BidderStatus,
  NoSale,
  NoSaleDetails,
} from '../machines/coordination/auction-events.js';
export { counter, type CounterLogic, type CounterRef } from './coordination/counter.js';
export {
  type Counter,
  type CounterCallOptions,
  counterHandle,
  type CounterStatus,
  createCounter,
  type IncrementOptions as CounterIncrementOptions,
  type IncrementOutcome as CounterIncrementOutcome,
  type ReadOutcome as CounterReadOutcome,
} from './coordination/counter-handle.js';
export type { CounterOptions } from './coordination/counter-options.js';
export type { CounterDoubt, CounterEmitted, CounterRefusal } from '../machines/coordination/counter-events.js';
export { negotiation, type NegotiationLogic, type NegotiationProtocol } from './coordination/negotiation.js';
export type { NegotiationOptions } from './coordination/negotiation-options.js';
export type {
  NegotiationAnswer,
  NegotiationEmitted,
  NegotiationEnd,
  NegotiationQuestion,
  NegotiationResult,
  NoDeal,
  NoDealDetails,
  OfferRow,
  PartyRow,
  PartyStatus,
} from '../machines/coordination/negotiation-events.js';
export { market, type MarketLogic, type MarketRef } from './coordination/market.js';
export {
  type CancelOutcome,
  createMarket,
  type Market,
  marketHandle,
  type MarketStatus,
  type OpenOrder,
  type SubmitOutcome,
} from './coordination/market-handle.js';
export type { MarketOptions, OrderOptions } from './coordination/market-options.js';
export { type Equilibrium, equilibriumOf } from '../machines/coordination/order-book.js';
export type { CancelReason, MarketEmitted, OrderRefusal, Placed, Trade } from '../machines/coordination/market-events.js';
export { allocation, type AllocationLogic, type AllocationOptions, type AllocationProtocol } from './coordination/allocation.js';
export type {
  AllocationAnswer,
  AllocationEmitted,
  AllocationEnd,
  AllocationQuestion,
  AllocationResult,
  AllocationRule,
  Amounts,
  ClaimantRow,
  ClaimantStatus,
  NoAllocation,
} from '../machines/coordination/allocation-events.js';
export { delegation, type DelegationLogic, type DelegationProtocol } from './coordination/delegation.js';
export type {
  ClusterOptions as DelegationCluster,
  Combine as DelegationCombine,
  CombineInfo as DelegationCombineInfo,
  DelegationLevelOptions,
  DelegationOptions,
} from './coordination/delegation-options.js';
export type {
  AgentRow as DelegationAgentRow,
  ClusterRow as DelegationClusterRow,
  ClusterStatus as DelegationClusterStatus,
  DelegationAnswer,
  DelegationEmitted,
  DelegationEnd,
  DelegationQuestion,
  DelegationResult,
  DelegationRows,
  DelegationRule,
  LeadStatus as DelegationLeadStatus,
  MissingPart as DelegationMissingPart,
  NoDelegation,
  PartResult as DelegationPartResult,
  Replaced as DelegationReplaced,
  Required as DelegationRequired,
  WorkStatus as DelegationWorkStatus,
} from '../machines/coordination/delegation-events.js';
