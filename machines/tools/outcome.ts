/** How a conversation ends: exactly one of three ways, each as JSON. */
import type { JsonObject } from '../live/calls.js';
import { failureOf, type StreamCancellation, type StreamFailure } from '../stream/outcome.js';
import { type ExitReason, exitWith } from '../supervision/exit.js';
import type { CallResult, ModelCall } from './calls.js';

/**
 * What went wrong with a conversation. Never shows a key or a token.
 *
 * | kind             | what it says                                                                                              |
 * |------------------|-----------------------------------------------------------------------------------------------------------|
 * | `turnLimit`      | the model wanted to go on after `maxTurns`                                                                |
 * | `turnTimeout`    | the model's part of a turn did not end within `turnMs`                                                    |
 * | `totalTimeout`   | the conversation did not end within `totalMs` (`code` `conversation`), or a stream of it                  |
 * | `gate`           | the gate let it not pass; `code` is the gate's reason                                                     |
 * | `tools`          | the tools could not be listed, or what they run on was ended                                              |
 * | any other        | of the model's stream, or of the conversation's own actor                                                 |
 */
export interface ConversationFailure extends Omit<StreamFailure, 'kind'> {
  readonly kind: StreamFailure['kind'] | 'turnLimit' | 'turnTimeout' | 'gate' | 'tools';
}

/** Why it was given up: by the app, by a supervisor, by the abort of its signal, or because its subscriber is gone. */
export interface ConversationCancellation extends Omit<StreamCancellation, 'by'> {
  readonly by: 'app' | 'supervisor' | 'signal' | 'subscriber';
}

/** A stretch of the history: what went over the wire as it did, or the results of a turn's calls, which the wire has its own form for. */
export type HistoryEntry =
  | { readonly type: 'items'; readonly items: readonly JsonObject[] }
  | { readonly type: 'results'; readonly results: readonly CallResult[] };

/** How a conversation has ended. */
export type ConversationEnd =
  | { readonly type: 'conversation.answered'; readonly text: string; readonly answer: JsonObject; readonly turns: number }
  | { readonly type: 'conversation.failed'; readonly failure: ConversationFailure; readonly turns: number }
  | { readonly type: 'conversation.cancelled'; readonly cancellation: ConversationCancellation; readonly turns: number };

/** What the actor is done with: its exit, for a supervisor, its end, and what there is to go on with. */
export type ConversationOutput = ReturnType<typeof exitWith> & {
  readonly end: ConversationEnd;
  /** Whole: every call in it has its answer, so that it can be sent again. */
  readonly history: readonly HistoryEntry[];
  /** The text of the last answer, as far as it is known to be whole. */
  readonly text: string;
  /** Calls that the history does not have, since they were not all answered. */
  readonly unanswered: readonly ModelCall[];
};

/** The exit of a conversation: a failure is a crash, all else is orderly. @param exit  the reason that a supervisor asked it to end with */
export function exitOf(end: ConversationEnd, exit: ExitReason | null): ReturnType<typeof exitWith> {
  return end.type === 'conversation.failed' ? exitWith({ crash: end.failure }) : exitWith(exit ?? 'normal');
}

/** A failure that no server has put into words. @throws never */
export function failureAs(kind: ConversationFailure['kind'], code: ConversationFailure['code'], message: string): ConversationFailure {
  return { ...failureOf('crashed', code, message), kind };
}
