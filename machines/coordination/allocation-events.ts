/** What an allocation is made of: its rules, what agents are asked and answer, and how it ends. Amounts are whole numbers. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolEnd, ProtocolInput, QuestionsEvent } from './protocol-events.js';

/**
 * - `maxMin`: whoever has least gets more, until it has what it asked for or nothing is left.
 * - `proportional`: what is there is shared in proportion to what is asked for.
 * - `priority`: whoever is before the others gets what it asked for, then the next.
 */
export type AllocationRule = 'maxMin' | 'proportional' | 'priority';

/** So much of each resource, by name. */
export type Amounts = Readonly<Record<string, number>>;

/** The rules, filled in. */
export interface AllocationRules {
  readonly resources: Amounts;
  readonly rule: AllocationRule;
  /** Of agents by name, the higher the sooner; who is not in it has 0. For the rule `priority`, else empty. */
  readonly priorities: Amounts;
  /** What it is about, for the agents: JSON. */
  readonly about: unknown;
  readonly withinMs: number;
}

/** Input of the allocation machine: who takes part is of the session, the rules are of the protocol. */
export interface AllocationInput extends ProtocolInput, AllocationRules {}

/** What an agent is asked. */
export interface AllocationQuestion {
  readonly ask: 'demand';
  readonly about: unknown;
  readonly resources: Amounts;
}

/** What an agent answers: how much it wants, and with how much less it can do nothing. What is not named is 0. */
export interface AllocationAnswer {
  readonly demand: Amounts;
  readonly least?: Amounts;
}

/** What became of an agent. */
export type ClaimantStatus =
  | 'granted'
  /** It could not have its least of everything, and has nothing. */
  | 'leastNotMet'
  /** Nothing was left for it. */
  | 'unserved'
  /** It wants nothing. */
  | 'passed'
  /** Its answer was no demand: another shape, a resource that there is not, a fraction, below 0, a least above its demand. */
  | 'invalid'
  /** There was no answer. */
  | RequestRefusal;

/** What an agent asked for, in all resources. */
export interface Demand {
  readonly agent: string;
  readonly demand: Amounts;
  readonly least: Amounts;
}

/** One agent. `demand` and `least`: null where it was not heard to want anything. */
export interface ClaimantRow {
  readonly agent: string;
  readonly status: ClaimantStatus;
  readonly demand: Amounts | null;
  readonly least: Amounts | null;
  /** Of each resource, 0 and more. */
  readonly granted: Amounts;
}

/** What an allocation decided. */
export interface AllocationResult {
  readonly rule: AllocationRule;
  /** Everybody who was asked, in the session's order. */
  readonly claimants: readonly ClaimantRow[];
  /** What nobody got. */
  readonly left: Amounts;
}

/** Why nobody got anything. */
export type NoAllocation =
  /** Nobody was asked, was heard, or wants anything. */
  | 'noDemands'
  /** Somebody does, but nobody can have its least. */
  | 'nothingGranted';

/** How an allocation ends. */
export type AllocationEnd =
  | (Extract<ProtocolEnd<AllocationResult>, { outcome: 'decided' }> & { readonly why?: never })
  | { readonly outcome: 'failed'; readonly why: NoAllocation; readonly details: { readonly claimants: readonly ClaimantRow[] } };

/** What an allocation's chart is told: what its actor `questions` has to say. */
export type AllocationEvent = QuestionsEvent;

/** What an allocation emits. */
export type AllocationEmitted =
  | { readonly type: 'allocation.answered'; readonly session: string; readonly agent: string; readonly status: 'heard' | ClaimantStatus }
  | { readonly type: 'allocation.decided'; readonly session: string; readonly served: number }
  | { readonly type: 'allocation.failed'; readonly session: string; readonly why: NoAllocation };

/** What an agent was heard to say. */
export type Heard = (Demand & { readonly status: 'heard' }) | { readonly agent: string; readonly status: 'passed' | 'invalid' | RequestRefusal };

/** What an allocation's chart knows. */
export interface AllocationContext extends AllocationInput {
  /** In the order in which they came, which decides nothing. */
  readonly heard: readonly Heard[];
  readonly end: AllocationEnd | null;
  /** What it crashed of; null: it did not. */
  readonly crash: string | null;
}
