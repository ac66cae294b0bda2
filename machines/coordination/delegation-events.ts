/** What a delegation is made of: its clusters and terms, what agents are asked and answer at each step, and how it ends. JSON throughout. */
import type { RequestRefusal } from '../comms/request.js';
import type { ProtocolInput, QuestionsEvent } from './protocol-events.js';

/**
 * How the results of a cluster's parts become one.
 * - `list`: all of them, as `{ part, value }`.
 * - `sum`: they are numbers, and are added.
 * - `majority`: what more than half of them are.
 * - `representative`: whoever represents the cluster makes one of them.
 * - `function`: the app's own, which the machine does not know.
 */
export type DelegationRule = 'list' | 'sum' | 'majority' | 'representative' | 'function';

/** How many of the parts that were handed out have to deliver: all, at least one, or this share of them, 0 to 1, and at least one. */
export type Required = 'all' | 'any' | { readonly quorum: number };

/** What holds on one level; on the level 0, the coordinator's own, nobody is asked. */
export interface LevelTerms {
  readonly rule: DelegationRule;
  readonly required: Required;
  /** So many representatives of one cluster are replaced at most. */
  readonly replacements: number;
  /** How long a representative has for each answer, ms. */
  readonly withinMs: number;
}

/** One cluster. */
export interface ClusterTerms {
  readonly name: string;
  /** The cluster that delegates to it; null: the coordinator does. */
  readonly above: string | null;
  /** From 1. */
  readonly level: number;
  readonly agents: readonly string[];
  /** To which it delegates. */
  readonly clusters: readonly string[];
}

/** The terms, filled in. */
export interface DelegationTerms {
  /** What is to be done, as the first clusters are told. */
  readonly task: unknown;
  /** All, each before those below it. */
  readonly clusters: readonly ClusterTerms[];
  /** By level, from 0. */
  readonly levels: readonly LevelTerms[];
  /** How long an agent has for its part, ms. */
  readonly workMs: number;
  /** Who represents a cluster first, and who next: as its agents are named, or as the seed draws. */
  readonly succession: 'order' | 'drawn';
}

/** Input of the delegation machine: who takes part is of the session, the terms are of the protocol. */
export interface DelegationInput extends ProtocolInput, DelegationTerms {}

/** A result, and the agent or the cluster that has delivered it. */
export interface PartResult {
  readonly part: string;
  readonly value: unknown;
}

/** A part that has not delivered, and why. */
export interface MissingPart {
  readonly part: string;
  readonly why: WorkStatus | ClusterStatus;
}

/** What agents are asked. */
export type DelegationQuestion =
  /** To a representative: who of its cluster, and which clusters below it, are to do what? */
  | {
      readonly ask: 'delegate';
      readonly cluster: string;
      readonly task: unknown;
      readonly parts: readonly { readonly name: string; readonly sort: 'agent' | 'cluster' }[];
    }
  /** To an agent with a part. */
  | { readonly ask: 'work'; readonly cluster: string; readonly task: unknown }
  /** To a representative: is this what its cluster has to say? */
  | {
      readonly ask: 'approve';
      readonly cluster: string;
      readonly task: unknown;
      readonly results: readonly PartResult[];
      readonly missing: readonly MissingPart[];
      readonly combined: unknown;
    }
  /** To a representative, where it makes one of them itself. */
  | {
      readonly ask: 'combine';
      readonly cluster: string;
      readonly task: unknown;
      readonly results: readonly PartResult[];
      readonly missing: readonly MissingPart[];
    };

/** What they answer. `decline` of a representative is its cluster's. */
export type DelegationAnswer =
  /** To `delegate`: these parts have these tasks, the others none; or all parts have the task as it is. */
  | { readonly tasks: Readonly<Record<string, unknown>> }
  | { readonly accept: true }
  /** To `work` and `combine`. */
  | { readonly result: unknown }
  /** To `approve`. */
  | { readonly approve: true }
  /** To any. */
  | { readonly decline: true };

/** What became of an agent's part. `invalid`: what it answered was none of it, or not what the rule of its cluster takes. */
export type WorkStatus = 'delivered' | 'refused' | 'invalid' | RequestRefusal;

/** What became of a representative; the last that is known of it. */
export type LeadStatus = 'led' | 'refused' | 'invalid' | RequestRefusal;

/** How it stands with a cluster. */
export type ClusterStatus =
  /** Nobody has delegated anything to it. */
  | 'unasked'
  /** It has a task, and its representative is to hand it out. */
  | 'tasked'
  /** That is done, and its parts are at work. */
  | 'split'
  /** Their results are one, and its representative is to say that they are its cluster's. */
  | 'weighed'
  | 'delivered'
  /** Its representative has declined. */
  | 'refused'
  /** Nobody is left who could represent it, or too many were replaced. */
  | 'leaderless'
  /** Not as many of its parts have delivered as are required. */
  | 'tooFew'
  /** Its rule has made nothing of the results: there is no majority, or no finite sum. */
  | 'noResult'
  /** The app's function has thrown, is no function of its arguments alone, or has returned what is no JSON. */
  | 'ruleFailed'
  /** It has delivered what the rule above it does not take. */
  | 'invalid';

/** A representative that was replaced, and why. */
export interface Replaced {
  readonly agent: string;
  readonly reason: 'invalid' | RequestRefusal;
}

/** One cluster, as it stands. */
export interface ClusterRow {
  readonly cluster: string;
  readonly above: string | null;
  readonly status: ClusterStatus;
  /** Who has spoken for it last; null: nobody. */
  readonly by: string | null;
  /** First who was replaced first. */
  readonly replaced: readonly Replaced[];
  /** What it has delivered; null: nothing. */
  readonly value: unknown;
}

/** One agent. */
export interface AgentRow {
  readonly agent: string;
  readonly cluster: string;
  /** As its cluster's representative; null: it was not asked. */
  readonly lead: LeadStatus | null;
  /** As one of its parts; null: it had none. */
  readonly work: WorkStatus | null;
  /** Of its part; null where it has not delivered. */
  readonly result: unknown;
}

/** Everybody: clusters each before those below it, agents as their clusters name them. */
export interface DelegationRows {
  readonly clusters: readonly ClusterRow[];
  readonly agents: readonly AgentRow[];
}

/** What a delegation decides. */
export interface DelegationResult extends DelegationRows {
  /** What the coordinator's rule has made of what the first clusters have delivered. */
  readonly value: unknown;
}

/** Why there is no result. */
export type NoDelegation = 'tooFew' | 'noResult' | 'ruleFailed';

/** How a delegation ends: a `ProtocolEnd`. */
export type DelegationEnd =
  | { readonly outcome: 'decided'; readonly value: DelegationResult }
  | { readonly outcome: 'failed'; readonly why: NoDelegation; readonly details: DelegationRows };

/** What is to be combined, and of whom; `cluster` null: of the coordinator. */
export interface Offer {
  readonly cluster: string | null;
  readonly task: unknown;
  readonly results: readonly PartResult[];
  readonly missing: readonly MissingPart[];
}

/** What has come of it. */
export type Combined = { readonly cluster: string | null } & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: 'noResult' }
  /** `error`: in words. */
  | { readonly ok: false; readonly why: 'ruleFailed'; readonly error: string }
);

/** Input of the actor `combiner`. */
export interface CombinerInput {
  readonly level: number;
  readonly rule: DelegationRule;
  readonly seed: number;
  readonly offers: readonly Offer[];
}

/** What the chart of a delegation is told: by whoever asks, and by the actor `combiner`, once. */
export type DelegationEvent = QuestionsEvent | { readonly type: 'level.combined'; readonly values: readonly Combined[] };

/** What it emits: no task, and no result. */
export type DelegationEmitted =
  | { readonly type: 'delegation.asked'; readonly session: string; readonly ask: Ask; readonly agents: number }
  | {
      readonly type: 'delegation.answered';
      readonly session: string;
      readonly ask: Ask;
      readonly cluster: string;
      readonly agent: string;
      readonly status: LeadStatus | WorkStatus;
    }
  | {
      readonly type: 'delegation.replaced';
      readonly session: string;
      readonly cluster: string;
      readonly agent: string;
      readonly reason: Replaced['reason'];
      readonly by: string | null;
    }
  | { readonly type: 'delegation.ruleFailed'; readonly session: string; readonly cluster: string | null; readonly why: string }
  | { readonly type: 'delegation.decided'; readonly session: string; readonly clusters: number; readonly agents: number }
  | { readonly type: 'delegation.failed'; readonly session: string; readonly why: NoDelegation };

export type Ask = DelegationQuestion['ask'];

/** A question that is out. */
export interface Inquiry {
  readonly id: string;
  readonly agent: string;
  readonly cluster: string;
  readonly body: DelegationQuestion;
}

/** A cluster, as its chart knows it. */
export interface ClusterStand extends ClusterRow {
  readonly task: unknown;
  /** Those that were handed out, agents first, as they are named. */
  readonly parts: readonly { readonly name: string; readonly task: unknown }[];
  readonly combined: unknown;
}

/** What is done next. */
export type DelegationStep = 'delegate' | 'work' | 'report' | 'combine' | 'end';

/** What a delegation's chart knows. */
export interface DelegationContext extends DelegationInput {
  readonly stands: readonly ClusterStand[];
  readonly rows: readonly AgentRow[];
  readonly step: DelegationStep;
  /** The level of that; of work the deepest. */
  readonly level: number;
  /** Whose answer is to come. */
  readonly open: readonly Inquiry[];
  readonly offers: readonly Offer[];
  readonly end: DelegationEnd | null;
  /** What it crashed of; null: it did not. */
  readonly crash: string | null;
}
