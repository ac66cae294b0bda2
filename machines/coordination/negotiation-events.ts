/** What a negotiation is made of: its terms, what parties are asked and answer, and how it ends. JSON throughout. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolInput, QuestionsEvent } from './protocol-events.js';

/** The terms, filled in. */
export interface NegotiationTerms {
  /** What it is about, as parties are told. */
  readonly subject: unknown;
  /** So many offers are answered at most. */
  readonly maxRounds: number;
  /** So many offers are remembered, the newest. */
  readonly maxHistory: number;
  /** For each round: who has not answered in so many ms is late. */
  readonly withinMs: number;
  /** For all of it, ms. */
  readonly deadlineMs: number;
}

/** Input of the negotiation machine: who takes part is of the session, the terms are of the protocol. */
export interface NegotiationInput extends ProtocolInput, NegotiationTerms {}

/** What a party is asked: for the first offer, once, the first of them; about the offer of each round, all but whoever made it. */
export type NegotiationQuestion =
  | { readonly ask: 'offer'; readonly subject: unknown; readonly maxRounds: number }
  | {
      readonly ask: 'answer';
      readonly subject: unknown;
      readonly maxRounds: number;
      /** From 1. */
      readonly round: number;
      /** Whose offer it is. */
      readonly by: string;
      readonly offer: unknown;
    };

/** What a party answers; an offer to an offer refuses that one. Nobody accepts where there is no offer yet. */
export type NegotiationAnswer = { readonly say: 'offer'; readonly offer: unknown } | { readonly say: 'accept' } | { readonly say: 'leave' };

/** What became of a party in the last round. */
export type PartyStatus =
  /** The offer was its own, or it made another. */
  | 'offered'
  | 'accepted'
  | 'left'
  /** What it answered was none of it, or too large. */
  | 'invalid'
  /** Its turn had not come. */
  | 'unasked'
  /** There was no answer. */
  | RequestRefusal;

/** One party. */
export interface PartyRow {
  readonly agent: string;
  readonly status: PartyStatus;
}

/** One offer, and who accepted it. */
export interface OfferRow {
  readonly round: number;
  readonly by: string;
  readonly offer: unknown;
  /** In the session's order. */
  readonly accepted: readonly string[];
}

/** What was agreed. */
export interface NegotiationResult {
  readonly offer: unknown;
  /** Whose offer it was; all others have accepted it in one round. */
  readonly by: string;
  readonly rounds: number;
  /** The newest offers, oldest first; the last is the one that was agreed. */
  readonly history: readonly OfferRow[];
}

/** Why nothing was agreed. Of several the first here. */
export type NoDeal =
  /** There are not two. */
  | 'tooFew'
  /** A party has left. */
  | 'left'
  /** A party has died, or could not be asked. */
  | 'lost'
  /** A party was not heard of in its time. */
  | 'late'
  /** A party answered what is no answer. */
  | 'invalid'
  /** As many offers as may be were answered, and none accepted by all. */
  | 'noAgreement'
  /** The deadline of all has passed. */
  | 'timeUp';

/** The `details` of a negotiation that failed. */
export interface NoDealDetails {
  readonly rounds: number;
  /** All, in the session's order, each as it was in the last round. */
  readonly parties: readonly PartyRow[];
  readonly history: readonly OfferRow[];
}

/** How a negotiation ends: a `ProtocolEnd`. */
export type NegotiationEnd =
  | { readonly outcome: 'decided'; readonly value: NegotiationResult }
  | { readonly outcome: 'failed'; readonly why: NoDeal; readonly details: NoDealDetails };

/** What a negotiation's chart is told: what its actor `questions` has to say. */
export type NegotiationEvent = QuestionsEvent;

/** What a negotiation emits: of an offer only whose it is. */
export type NegotiationEmitted =
  | { readonly type: 'negotiation.offered'; readonly session: string; readonly round: number; readonly by: string }
  | { readonly type: 'negotiation.answered'; readonly session: string; readonly round: number; readonly agent: string; readonly status: PartyStatus }
  | { readonly type: 'negotiation.agreed'; readonly session: string; readonly rounds: number; readonly by: string }
  | { readonly type: 'negotiation.failed'; readonly session: string; readonly rounds: number; readonly why: NoDeal };

/** An offer that may be the next. */
export interface Offer {
  readonly agent: string;
  readonly offer: unknown;
}

/** What a negotiation's chart knows. */
export interface NegotiationContext extends NegotiationInput {
  /** The present one, from 1; 0 while there is no offer. */
  readonly round: number;
  /** The offer of this round. */
  readonly table: Offer | null;
  /** What was offered in answer to it. */
  readonly counters: readonly Offer[];
  /** Whose answer is to come. */
  readonly open: readonly string[];
  readonly rows: readonly PartyRow[];
  readonly history: readonly OfferRow[];
  readonly end: NegotiationEnd | null;
  /** What it crashed of; null: it did not. */
  readonly crash: string | null;
}
