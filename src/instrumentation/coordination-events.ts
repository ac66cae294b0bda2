/** The facts of what stands on a backend of coordination, in words: leases, elections, locks, barriers, counters, consensus. */
import type { HeldLeaseEmitted } from '../coordination/held-lease.js';
import type { BarrierEmitted } from '../../machines/coordination/barrier-events.js';
import type { ConsensusEmitted } from '../../machines/coordination/consensus-events.js';
import type { CounterEmitted } from '../../machines/coordination/counter-events.js';
import type { LeaderEmitted } from '../../machines/coordination/leader-events.js';
import type { LockEmitted } from '../../machines/coordination/lock-events.js';
import type { EventGroup, Rows } from './event-row.js';

const lease = 'its name';
const until = 'until when it is held for certain, ms of the clock';
const leaseRows: Rows<HeldLeaseEmitted> = {
  'lease.held': { about: 'it was granted', level: 'info', fields: { lease, until } },
  'lease.renewed': { about: 'it has its whole time anew', level: 'debug', fields: { lease, until } },
  'lease.lost': {
    about: 'it is not held any more, and nobody wanted that',
    level: 'warn',
    fields: { lease, reason: '`expired`, `gone` or `closed`', at: 'when the holder knew, ms of the clock' },
  },
};

const election = 'which election';
const term = 'its term';
const token = 'its fencing token';
const leaderRows: Rows<LeaderEmitted> = {
  'leader.elected': { about: 'this one leads', level: 'info', fields: { election, term, token } },
  'leader.lost': {
    about: 'this one leads no more, and nobody wanted that',
    level: 'warn',
    fields: { election, term, token, why: '`expired`, `gone` or `closed` (its lease), `killed` (its holder) or `restored` (from a snapshot)' },
  },
  'leader.resigned': {
    about: 'this one leads no more, in order',
    level: 'info',
    fields: { election, term, token, because: '`asked`, `withdrawn`, `closed`; or its work has `finished`, `crashed` or `ended`' },
  },
  'leader.changed': { about: 'another leads, or nobody', level: 'info', fields: { election, leader: 'its id; null: nobody', term: 'the newest' } },
  'leader.retrying': {
    about: 'something is tried again after a pause',
    level: 'warn',
    fields: {
      ...{ election, what: '`following`, `standing`, `claiming` or `working`', why: 'what was in the way' },
      ...{ attempt: 'how many in a row', pauseMs: 'for how long, ms' },
    },
  },
  'leader.rejected': { about: 'a command was not carried out', level: 'info', fields: { election, command: 'which', reason: '`notLeading`' } },
};

const name = 'of the lock';
const ref = 'which wish to have it';
const lockRows: Rows<LockEmitted> = {
  'lock.queued': { about: 'somebody stands in the queue', level: 'debug', fields: { name, ref, ahead: 'how many are before it' } },
  'lock.acquired': { about: 'it is had', level: 'debug', fields: { name, ref, token, waitedMs: 'since it was asked for, ms' } },
  'lock.refused': {
    about: 'it is not to be had',
    level: 'info',
    fields: { name, ref, reason: '`busy`, `full`, `mismatch`, `late`, `cancelled`, `lost` or `closed`' },
  },
  'lock.released': {
    about: 'it was given back',
    level: 'debug',
    fields: { name, token, heldMs: 'how long it was had, ms', isConfirmed: 'has the backend said so? Else its lease ends by itself' },
  },
  'lock.lost': {
    about: 'it is had no more, and nobody wanted that',
    level: 'warn',
    fields: { name, token, reason: '`expired`, `gone` or `closed`' },
  },
};

const ofBarrier = { name: 'of the barrier', ref: 'which arrival' };
const barrierRows: Rows<BarrierEmitted> = {
  'barrier.arrived': { about: 'somebody waits', level: 'debug', fields: { ...ofBarrier, arrived: 'how many wait, itself included' } },
  'barrier.opened': {
    about: 'a generation has opened, and counts it',
    level: 'debug',
    fields: { ...ofBarrier, generation: 'which', token: 'rises with each generation', waitedMs: 'since it arrived, ms' },
  },
  'barrier.refused': {
    about: 'it did not come through',
    level: 'info',
    fields: { ...ofBarrier, reason: '`busy`, `mismatch`, `extra`, `full`, `late`, `cancelled`, `lost`, `closed` or `unknown`' },
  },
};

const ofCounter = { name: 'of the counter', ref: 'which call' };
const counterRows: Rows<CounterEmitted> = {
  'counter.counted': {
    about: 'an increment is counted',
    level: 'debug',
    fields: { ...ofCounter, by: 'how much', isRepeat: 'had its key been counted before, and this call added nothing?' },
  },
  'counter.doubted': {
    about: 'nobody knows whether an increment is counted',
    level: 'warn',
    fields: { ...ofCounter, reason: '`late`, `cancelled`, `closed` or `forgotten`' },
  },
  'counter.refused': {
    about: 'a call was not carried out',
    level: 'info',
    fields: { ...ofCounter, reason: '`full`, `overflow`, `reused`, `mismatch`, `late`, `cancelled` or `closed`' },
  },
  'counter.summed': { about: 'it was read', level: 'debug', fields: { ...ofCounter, value: 'the sum', revision: 'of the backend, at that moment' } },
};

const log = 'of the log';
const index = 'the index';
const by = 'who proposed it';
const vote = '`accept`, `reject` or `abstain`';
const wish = 'which proposal of this member';
const consensusRows: Rows<ConsensusEmitted> = {
  'consensus.decided': {
    about: 'an index has its value; told once, in order',
    level: 'info',
    fields: { name: log, index, value: 'what was decided', by, token },
    content: ['value'],
  },
  'consensus.missed': {
    about: 'decisions that this member had not heard of are kept no more',
    level: 'warn',
    fields: { name: log, from: 'the first index', to: 'the last' },
  },
  'consensus.proposed': { about: "a member's value is voted on", level: 'debug', fields: { name: log, ref: wish, index } },
  'consensus.won': {
    about: "a member's value is decided",
    level: 'info',
    fields: { name: log, ref: wish, decision: '`index`, `value`, `by`, `id`, `token`' },
    content: ['decision'],
  },
  'consensus.refused': {
    about: "a member's value is not decided; but for `unknown`, nor will be",
    level: 'info',
    fields: {
      ...{ name: log, ref: wish },
      reason:
        '`busy`, `beaten`, `ahead`, `rejected`, `noQuorum`, `abandoned`, `late`, `cancelled`, `lost`, `tooLarge`, `full`, `mismatch`, `closed` or `unknown`',
      winner: 'of `beaten`: what was decided there; null: it is kept no more',
    },
    content: ['winner'],
  },
  'consensus.voted': {
    about: 'this member has voted',
    level: 'debug',
    fields: { name: log, index, by, vote, why: 'it abstains: its app has `crashed`, or was `late`; null: its app said so' },
  },
  'consensus.ignored': {
    about: 'a vote that does not count: this voter had voted before',
    level: 'warn',
    fields: { name: log, index, vote, counted: 'the vote that counts' },
  },
  'consensus.abandoned': { about: 'the proposal of one who is dead was aborted', level: 'info', fields: { name: log, index, by } },
  'consensus.mismatched': {
    about: 'the log is of members with other voters, another quorum or participation: this one takes no part',
    level: 'error',
    fields: { name: log },
  },
  'consensus.retrying': {
    about: 'something is tried again after a pause',
    level: 'warn',
    fields: { name: log, what: '`following` or `writing`', why: 'what was in the way' },
  },
};

export const coordinationEvents: readonly EventGroup[] = [
  { title: 'Leases', from: 'the actor of `heldLease(…)`', machines: [], rows: leaseRows },
  { title: 'Elections', from: '`leaderHandle(…).on`', machines: ['leader'], rows: leaderRows },
  { title: 'Locks', from: '`lock.on`', machines: ['lock'], rows: lockRows },
  { title: 'Barriers', from: '`barrier.on`', machines: ['barrier'], rows: barrierRows },
  { title: 'Counters', from: '`counter.on`', machines: ['counter'], rows: counterRows },
  { title: 'Consensus', from: '`member.on`', machines: ['consensus'], rows: consensusRows },
];
