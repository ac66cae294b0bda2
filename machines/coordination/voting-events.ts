/** What a vote's chart is given, told and emits; what it decides. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolEnd, ProtocolInput, QuestionsEvent } from './protocol-events.js';
import type { Count } from './tally.js';

/** What makes an option the decision. */
export type VotingRule =
  /** More than half of the votes that were cast. */
  | 'majority'
  /** More votes than any other. */
  | 'plurality'
  /** More than half of the weight of the votes that were cast. */
  | 'weighted'
  /** All votes that were cast. */
  | 'unanimous'
  /** So many of all who were asked that no other option can have as many, though `faults` of them tell each asker something else: 2f + 1 of 3f + 1. */
  | 'byzantine';

/** By what a vote is held. JSON throughout. */
export interface VotingTerms {
  readonly options: readonly string[];
  /** What the vote is about, for the agents; null: they know. */
  readonly about: unknown;
  readonly rule: VotingRule;
  /** Of agents by name, for the rule `weighted`; else empty, and each has one. */
  readonly weights: Readonly<Record<string, number>>;
  /** The share of those who are asked that has to take part, 0 to 1. */
  readonly quorum: number;
  /** How many may be faulty, for the rule `byzantine`; null: as many as so many agents allow. */
  readonly faults: number | null;
  readonly abstentions: 'allowed' | 'refused';
  readonly ties: 'fail' | 'draw';
  /** Does it end as soon as the votes that are left cannot change its end? */
  readonly endsEarly: boolean;
  /** How long the agents have, ms. */
  readonly withinMs: number;
}

/** Input of the machine of a vote. */
export interface VotingInput extends ProtocolInput, VotingTerms {}

/** What came of asking one agent. */
export type Ballot =
  | { readonly sort: 'vote'; readonly option: string }
  /** It takes part, and counts for no side. */
  | { readonly sort: 'abstention' }
  /** It answered something that is no vote; it takes no part. */
  | { readonly sort: 'invalid' }
  | { readonly sort: 'absent'; readonly reason: RequestRefusal };

/** A ballot, and whose it is. */
export interface AgentBallot {
  readonly agent: string;
  readonly ballot: Ballot;
}

/** How a vote stands. Agents are named in the order in which they were given, options too. */
export interface VotingTally {
  /** By option: how many votes, or how much weight. */
  readonly votes: readonly { readonly option: string; readonly count: number }[];
  /** Who voted for what. */
  readonly ballots: readonly { readonly agent: string; readonly option: string }[];
  readonly abstained: readonly string[];
  readonly invalid: readonly string[];
  readonly absent: readonly { readonly agent: string; readonly reason: RequestRefusal }[];
  /** Whose vote was not waited for, since it could not change anything. */
  readonly unheard: readonly string[];
  /** Who was heard more than once: the first time counts. */
  readonly repeated: readonly string[];
}

/** What a vote decides. */
export interface VotingDecision {
  readonly option: string;
  /** Was it drawn by the seed, among options that were equal? */
  readonly isDrawn: boolean;
  readonly tally: VotingTally;
}

/** How a vote ended. `why`: `noQuorum`, `noVotes`, `noMajority`, `tie` or `notUnanimous`; `details`: its tally. */
export type VotingEnd = ProtocolEnd<VotingDecision>;

/** What the chart of a vote is told. */
export type VotingEvent = QuestionsEvent;

/** What it emits. */
export type VotingEmitted =
  | { readonly type: 'vote.counted'; readonly session: string; readonly agent: string; readonly sort: Ballot['sort'] }
  | { readonly type: 'vote.repeated'; readonly session: string; readonly agent: string };

/** What the chart of a vote knows. */
export interface VotingContext extends VotingInput {
  /** In the order in which they came, which decides nothing. */
  readonly heard: readonly AgentBallot[];
  /** The count of those: with each answer one more, since to count all anew with each of so many is as many times the work. */
  readonly soFar: Count;
  readonly repeated: readonly string[];
  /** How it ended; null while it has not. */
  readonly end: VotingEnd | null;
  /** Why it crashed; null where it has not. */
  readonly crash: string | null;
}
