/** What a member's chart is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';
import type { AbortReason, ConsensusVote, Decision, JsonValue } from './consensus-record.js';

/** Input of the consensus machine. */
export interface ConsensusInput {
  /** Of the log. */
  readonly name: string;
  /** Of the member, as others are told. */
  readonly id: string;
  /** Is it asked for its vote? */
  readonly votes: boolean;
  /** The index behind which it begins to tell what was decided. */
  readonly told: number;
  /** How long its app may think about a vote, ms. */
  readonly voteMs: number;
  /** How long one write may take, ms. */
  readonly callMs: number;
  /** The pause before the backend is asked again, ms. */
  readonly retryMs: number;
}

/** Why a value was not decided, for the one who proposed it. */
export type ProposalRefusal =
  | AbortReason
  /** This member has a proposal under way. */
  | 'busy'
  /** The index has another value. */
  | 'beaten'
  /** The index does not come next: one before it has no value yet. */
  | 'ahead'
  /** The value is larger than may be. */
  | 'tooLarge'
  /** The backend has no room. */
  | 'full'
  /** Those who are there have other voters, another quorum or participation; or it is something else altogether. */
  | 'mismatch'
  /** Nobody could be asked in time: it may have been decided, or may be as long as its lease lasts. */
  | 'unknown';

/** What has become of a proposal. `beaten` names the decision at that index; null: it is kept no more. */
export type ProposalOutcome =
  | { readonly ok: true; readonly decision: Decision }
  | { readonly ok: false; readonly reason: ProposalRefusal; readonly winner: Decision | null };

/** A proposal that is open, as a member has seen it. */
export interface SeenProposal {
  readonly id: string;
  readonly index: number;
  readonly by: string;
  readonly value: JsonValue;
  /** Has its proposer a lease? Once it has none it never has again. */
  readonly isAlive: boolean;
  /** Does a vote of this member's name count already? */
  readonly hasVoted: boolean;
}

/** What is new in the log, in order of index. `missed`: they are kept no more. */
export type LogNews =
  | { readonly type: 'decided'; readonly decision: Decision }
  | { readonly type: 'missed'; readonly from: number; readonly to: number };

/** What the app is asked about. */
export interface Ballot {
  readonly proposal: string;
  readonly index: number;
  readonly by: string;
  readonly value: JsonValue;
}

/** What is to be written: a vote on that proposal, or, where `vote` is null, its end. */
export interface ScribeTask {
  readonly proposal: string;
  readonly index: number;
  readonly by: string;
  readonly vote: ConsensusVote | null;
  /** Why it abstains: its app threw or gave no vote, or was late; null: it is as the app said. */
  readonly why: 'crashed' | 'late' | null;
  /** How often it was asked for before, of which nobody knows. */
  readonly tries: number;
}

/** `done`: it is written; `counted`: this voter's vote had been counted before; `over`: there is nothing to write any more. */
export type ScribeOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'counted'; readonly vote: ConsensusVote }
  | { readonly outcome: 'over' }
  | { readonly outcome: 'unanswered'; readonly why: string };

/** What a member may be told. `ref` names one wish to have a value decided. */
export type ConsensusEvent =
  /** `index`: only at that one; null: at the next that is to be had. `withinMs`: it waits so long at the most, ms. */
  | {
      readonly type: 'consensus.propose';
      readonly ref: string;
      readonly value: JsonValue;
      readonly index: number | null;
      readonly withinMs: number;
    }
  | { readonly type: 'consensus.cancel'; readonly ref: string }
  | { readonly type: 'consensus.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `follower`: how the log stands. `isMismatched`: its rules are not this member's, and to that nothing is open. */
  | {
      readonly type: 'log.seen';
      readonly revision: number;
      readonly next: number;
      readonly open: SeenProposal | null;
      readonly isMismatched: boolean;
      readonly news: readonly LogNews[];
    }
  | { readonly type: 'follower.lost'; readonly why: string }

  /** Of the actor `proposal`: it is open at that index. */
  | { readonly type: 'proposal.opened'; readonly index: number }
  /** Its lease is over. */
  | { readonly type: 'proposal.lost' }
  | { readonly type: 'proposal.settled'; readonly outcome: ProposalOutcome }
  /** It has crashed, or was ended by nobody's order here. `why`: in words. */
  | { readonly type: 'proposal.ended'; readonly why: string };

/** What the actor `proposal` is told: which one is open in the log, as of a revision; to see to it that it is not decided any more. */
export type ProposalCommand =
  | { readonly type: 'proposal.look'; readonly revision: number; readonly open: string | null }
  | { readonly type: 'proposal.withdraw'; readonly why: AbortReason };

/** What a member emits. */
export type ConsensusEmitted =
  | {
      readonly type: 'consensus.decided';
      readonly name: string;
      readonly index: number;
      readonly value: JsonValue;
      readonly by: string;
      readonly token: number;
    }
  | { readonly type: 'consensus.missed'; readonly name: string; readonly from: number; readonly to: number }
  | { readonly type: 'consensus.proposed'; readonly name: string; readonly ref: string; readonly index: number }
  | { readonly type: 'consensus.won'; readonly name: string; readonly ref: string; readonly decision: Decision }
  | {
      readonly type: 'consensus.refused';
      readonly name: string;
      readonly ref: string;
      readonly reason: ProposalRefusal;
      readonly winner: Decision | null;
    }
  | {
      readonly type: 'consensus.voted';
      readonly name: string;
      readonly index: number;
      readonly by: string;
      readonly vote: ConsensusVote;
      readonly why: ScribeTask['why'];
    }
  | {
      readonly type: 'consensus.ignored';
      readonly name: string;
      readonly index: number;
      readonly vote: ConsensusVote;
      readonly counted: ConsensusVote;
    }
  | { readonly type: 'consensus.abandoned'; readonly name: string; readonly index: number; readonly by: string }
  | { readonly type: 'consensus.mismatched'; readonly name: string }
  | { readonly type: 'consensus.retrying'; readonly name: string; readonly what: 'following' | 'writing'; readonly why: string };

/** What a member's chart knows. */
export interface ConsensusContext extends ConsensusInput {
  /** The index that is decided next, as it was seen last. */
  readonly next: number;
  readonly open: SeenProposal | null;
  readonly isMismatched: boolean;
  /** The proposal on which it has voted; null: on none yet. */
  readonly voted: string | null;
  /** The proposal that it has seen off, its proposer being dead; null: none yet. */
  readonly abandoned: string | null;
  readonly task: ScribeTask | null;
  /** The wish that is waited for; null: none. */
  readonly wish: Omit<Extract<ConsensusEvent, { type: 'consensus.propose' }>, 'type'> | null;
  /** Does it end when its proposal is settled? */
  readonly isEnding: boolean;
  readonly reason: ExitReason;
}
