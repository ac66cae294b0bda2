/** Every world of `npm run fault:coordination`, by id: a world that is not here is struck by nobody but its own test. */
import type { VotingRule } from '../../machines/coordination/voting-events.js';
import * as allocation from '../coordination/allocation-world.js';
import * as auction from '../coordination/auction-world.js';
import * as barrier from '../coordination/barrier-world.js';
import { defects as consensusDefects, doubtful } from '../coordination/consensus-defects.js';
import * as consensus from '../coordination/consensus-world.js';
import * as counter from '../coordination/counter-world.js';
import * as delegation from '../coordination/delegation-world.js';
import * as iterative from '../coordination/iterative-consensus-world.js';
import * as leader from '../coordination/leader-world.js';
import * as lock from '../coordination/lock-world.js';
import * as negotiation from '../coordination/negotiation-world.js';
import * as market from '../coordination/market-world.js';
import { troubled } from '../coordination/session-world.js';
import * as vectorClock from '../coordination/vector-clock-world.js';
import * as voting from '../coordination/voting-world.js';
import { faulted, type FaultedWorld } from './faulted.js';

const decidedVotes = ({ ended }: voting.VotingWorld) => ({ decided: ended.filter(({ result }) => result.outcome === 'decided').length });

/** Votes by one rule: what none of them runs by is claimed of nobody. */
const votes = (rule: VotingRule): FaultedWorld =>
  faulted((defect?: voting.VotingDefect) => voting.votingRun(rule, defect), voting.defectsOf(rule), { tells: decidedVotes, defectsIn: troubled });

export const worlds: Readonly<Record<string, FaultedWorld>> = {
  leader: faulted(leader.leaderRun, leader.defects, { tells: ({ elected }) => ({ elected: elected.length }), defectsIn: {}, within: 200 }),
  leaderWithDrift: faulted(leader.driftingLeaderRun, {}, { tells: ({ elected }) => ({ elected: elected.length }) }),
  leaderWithSlowGrants: faulted(leader.slowlyGrantedLeaderRun, leader.slowlyGrantedDefects, {
    tells: ({ elected }) => ({ elected: elected.length }),
    defectsIn: {},
  }),
  leaderWithCrashes: faulted(leader.crashingLeaderRun, leader.crashingDefects, {
    tells: ({ elected }) => ({ elected: elected.length }),
    defectsIn: {},
  }),
  lock: faulted(lock.lockRun, lock.defects, { tells: ({ holders, fenced }) => ({ had: holders.length, fenced }) }),
  lockWithCrashes: faulted(lock.crashingLockRun, {}, { tells: ({ holders }) => ({ had: holders.length }) }),
  barrier: faulted(barrier.barrierRun, barrier.defects, {
    tells: ({ openings, told }) => ({ openings: openings.length, opened: told.filter(({ outcome }) => outcome.ok).length }),
    defectsIn: barrier.slowThroughout,
  }),
  counter: faulted(counter.counterRun, counter.defects, {
    tells: ({ taken, readings }) => ({ counted: taken.keys.size, readings: readings.length }),
    defectsIn: counter.lossy,
  }),
  consensus: faulted(consensus.consensusRun, consensusDefects, {
    tells: ({ decided, endings }) => ({ decided: decided.size, aborted: endings.has('noQuorum') || endings.has('rejected') ? 1 : 0 }),
    defectsIn: doubtful,
  }),
  majority: votes('majority'),
  weighted: votes('weighted'),
  unanimous: votes('unanimous'),
  plurality: votes('plurality'),
  byzantine: votes('byzantine'),
  iterativeConsensus: faulted(iterative.iterativeRun, iterative.defects, {
    tells: ({ ended }) => ({
      decided: ended.filter(({ result }) => result.outcome === 'decided').length,
      later: ended.filter(({ result }) => result.outcome === 'decided' && result.value.round > 1).length,
    }),
    defectsIn: troubled,
  }),
  auction: faulted(auction.auctionRun, auction.defects, {
    tells: ({ sales }) => ({ decided: sales.filter(({ ends }) => ends.some(({ outcome }) => outcome === 'decided')).length }),
  }),
  delegation: faulted(delegation.delegationRun, delegation.defects, {
    tells: ({ ended }) => ({ decided: ended.filter(({ result }) => result.outcome === 'decided').length }),
    defectsIn: troubled,
  }),
  negotiation: faulted(negotiation.negotiationRun, negotiation.defects, {
    tells: ({ ended }) => ({ agreed: ended.filter(({ result }) => result.outcome === 'decided').length }),
    defectsIn: negotiation.restless,
  }),

  allocation: faulted(allocation.allocationRun, allocation.defects, {
    tells: ({ sharings, resumed }) => {
      const decided = [...sharings.values()].filter(({ ends }) => ends.some(({ outcome }) => outcome === 'decided'));
      return { decided: decided.length, resumed: resumed.count };
    },
  }),
  market: faulted(market.marketRun, market.marketDefects, {
    tells: ({ god: { counts, trades } }) => ({ traded: trades.length, cancelled: counts['confirmed'] ?? 0, repeated: counts['told again'] ?? 0 }),
  }),
  vectorClocks: faulted(vectorClock.vectorClockRun, vectorClock.defects, {
    tells: ({ counts }) => ({ ...counts }),
    defectsIn: vectorClock.forgetful,
  }),
  semaphore: faulted(lock.semaphoreRun, lock.semaphoreDefects, { tells: ({ holders }) => ({ had: holders.length }) }),
};
