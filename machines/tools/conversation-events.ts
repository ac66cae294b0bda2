/** What a conversation is given, what it is told, what it tells. */
import type { JsonObject } from '../live/calls.js';
import type { ExitReason } from '../supervision/exit.js';
import type { CallResult, ModelCall } from './calls.js';
import type { ConversationCancellation, ConversationEnd, ConversationFailure, HistoryEntry } from './outcome.js';

/** Limits and deadlines. Model, tools and credentials stay with the actors: no event, error or snapshot of a conversation holds them. */
export interface ConversationInput {
  /** What was said before, and what is said now. */
  readonly history: readonly HistoryEntry[];
  /** Answers of the model altogether, at least 1. */
  readonly maxTurns: number;
  /** Of one turn: the model's answer and the calls that are in it, ms. */
  readonly turnMs: number;
  /** From the start to the end, ms. */
  readonly totalMs: number;
  /** Calls that run at once, 1 to 64. */
  readonly maxParallel: number;
  /** Calls of one turn that are run; those beyond are answered with an error. */
  readonly maxCalls: number;
}

/** A turn of the model, whole. */
export interface TurnAnswer {
  /** What it adds to the history, verbatim. */
  readonly items: readonly JsonObject[];
  readonly text: string;
  readonly calls: readonly ModelCall[];
  /** What is to be done: make the calls, ask the model to go on, or nothing. */
  readonly next: 'calls' | 'continue' | 'nothing';
  /** As the model's client has it. */
  readonly answer: JsonObject;
}

/** What a conversation is told: by its actors, by the app and by a supervisor. */
export type ConversationEvent =
  /** What its tools run on is there. */
  | { type: 'tools.began' }
  | { type: 'tools.failed'; reason: string }
  /** The first of an answer has come. */
  | { type: 'turn.began' }
  | { type: 'turn.ended'; answer: TurnAnswer }
  | { type: 'turn.failed'; failure: ConversationFailure }
  /** Of its round. */
  | { type: 'call.answered'; result: CallResult }
  /** From the app: this call, of the round that runs. */
  | { type: 'call.cancel'; index: number; reason: string }
  /** One of its own actors was ended by somebody else. */
  | { type: 'worker.lost'; worker: string; reason: string }
  | { type: 'conversation.cancel'; by: ConversationCancellation['by']; reason: string }
  | { type: 'supervisor.shutdown'; reason?: ExitReason };

/** What a conversation tells. What the model says meanwhile comes beside the chart: see src/tools/events.ts. */
export type ConversationFact =
  | { type: 'turn.started'; turn: number }
  | { type: 'tool.called'; turn: number; call: ModelCall }
  | { type: 'tool.answered'; turn: number; result: CallResult }
  | { type: 'turn.ended'; turn: number; next: TurnAnswer['next'] }
  | ConversationEnd;

/** What the actor `turn` is given. */
export interface TurnInput {
  /** 1 for the first. */
  readonly turn: number;
  readonly history: readonly HistoryEntry[];
}

/** What a conversation knows of itself. */
export interface ConversationContext extends ConversationInput {
  /** The turn that is under way, 1 for the first. */
  readonly turn: number;
  /** Did its tools begin in this life of it, or in an earlier one? */
  readonly hasBegun: boolean;
  /** The turn whose calls run: it becomes history together with their results. */
  readonly open: TurnAnswer | null;
  /** Of the last answer, over all turns in which the model only went on. */
  readonly text: string;
  /** The last turn of one that is answered. */
  readonly answer: JsonObject | null;
  readonly failure: ConversationFailure | null;
  readonly cancellation: ConversationCancellation | null;
  /** The reason that a supervisor asked it to end with. */
  readonly exit: ExitReason | null;
}
