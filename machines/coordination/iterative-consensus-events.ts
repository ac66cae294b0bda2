/** What the chart of an iterative consensus is given, told and emits; what it decides. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolEnd, ProtocolInput, QuestionsEvent } from './protocol-events.js';

/** By what agents come to agree. JSON throughout. */
export interface IterativeTerms {
  /** What is to be agreed on, for the agents; null: they know. */
  readonly about: unknown;
  /** How many at the most. */
  readonly rounds: number;
  /** The share of those who take part that has to propose the same, above 0.5. */
  readonly agreement: number;
  /** Who has left is not asked again: the others go on, or it fails. */
  readonly departures: 'goOn' | 'fail';
  /** The share of those who were asked at first that has to be there, 0 to 1. */
  readonly quorum: number;
  /** Are agents shown who proposed what, or only how many did? */
  readonly proposals: 'anonymous' | 'named';
  /** How long the agents have for each round, ms. */
  readonly withinMs: number;
}

/** Input of the machine of an iterative consensus. */
export interface IterativeInput extends ProtocolInput, IterativeTerms {}

/** What an agent proposes in a round: JSON. */
export interface Proposal {
  readonly agent: string;
  readonly value: unknown;
}

/** Who takes no part any more: it did not answer, or `invalid`ly. */
export interface Departure {
  readonly agent: string;
  readonly round: number;
  readonly reason: RequestRefusal | 'invalid';
}

/** How it stands after a round. Agents are in the order in which they were given. */
export interface IterativeStand {
  /** The last one, from 1. */
  readonly round: number;
  /** The largest share of those who took part that proposed the same. */
  readonly share: number;
  /** Of the last round. */
  readonly proposals: readonly Proposal[];
  readonly left: readonly Departure[];
}

/** What is agreed on. */
export interface IterativeDecision extends IterativeStand {
  readonly value: unknown;
}

/** How it ended. `why`: `noAgreement`, `noQuorum` or `agentLeft`; `details`: how it stood. */
export type IterativeEnd = ProtocolEnd<IterativeDecision>;

/** What the chart is told. */
export type IterativeEvent = QuestionsEvent;

/** What it emits. */
export type IterativeEmitted =
  | { readonly type: 'consensus.roundEnded'; readonly session: string; readonly round: number; readonly agents: number; readonly share: number }
  | {
      readonly type: 'consensus.agentLeft';
      readonly session: string;
      readonly round: number;
      readonly agent: string;
      readonly reason: Departure['reason'];
    };

/** What an agent was heard to say in this round, and who left. */
export type Word = { readonly agent: string; readonly value: unknown } | { readonly agent: string; readonly reason: Departure['reason'] };

/** What the chart knows. */
export interface IterativeContext extends IterativeInput {
  readonly round: number;
  /** Who is asked in this round. */
  readonly present: readonly string[];
  /** By agent, its place in `present`. */
  readonly places: Readonly<Record<string, number>>;
  /** Of this round, each in the place that its agent has in `present`; null: not heard yet. */
  readonly heard: readonly (Word | null)[];
  /** Of the round before. */
  readonly former: readonly Proposal[];
  readonly left: readonly Departure[];
  /** How it ended; null while it has not. */
  readonly end: IterativeEnd | null;
  /** Why it crashed; null where it has not. */
  readonly crash: string | null;
}
