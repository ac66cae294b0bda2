/** What a conversation decides by: pure functions of what it knows. */
import { failureOf } from '../stream/outcome.js';
import type { CallResult } from './calls.js';
import type { ConversationContext, ConversationInput, TurnAnswer } from './conversation-events.js';
import { type ConversationEnd, type ConversationFailure, type ConversationOutput, exitOf, failureAs, type HistoryEntry } from './outcome.js';

/** What a conversation knows as it begins. */
export function initialContext(input: ConversationInput): ConversationContext {
  return { ...input, turn: 1, hasBegun: false, open: null, text: '', answer: null, failure: null, cancellation: null, exit: null };
}

/** Does the model want another turn, and has had the last? */
export function exceedsTurns({ maxTurns, turn }: ConversationContext, { next }: TurnAnswer): boolean {
  return next !== 'nothing' && turn >= maxTurns;
}

/** The history with a turn whose calls were all answered. */
export function withRound({ history, open }: ConversationContext, results: readonly CallResult[]): readonly HistoryEntry[] {
  return [...history, { type: 'items', items: open?.items ?? [] }, { type: 'results', results }];
}

/** The history with a turn that has no calls. */
export function withItems({ history }: ConversationContext, { items }: TurnAnswer): readonly HistoryEntry[] {
  return [...history, { type: 'items', items }];
}

/** The model wanted to go on after its last turn. */
export function turnLimit({ maxTurns }: ConversationContext, { calls, next }: TurnAnswer): ConversationFailure {
  const wish = next === 'calls' ? `call ${calls.map(({ name }) => `'${name}'`).join(', ')}` : 'go on';
  return failureAs('turnLimit', 'maxTurns', `after ${maxTurns} turns the model wants to ${wish}`);
}

/** How it ended, once it has. */
export function endOf({ answer, cancellation, failure, text, turn: turns }: ConversationContext): ConversationEnd {
  if (cancellation !== null) return { type: 'conversation.cancelled', cancellation, turns };
  if (failure !== null) return { type: 'conversation.failed', failure, turns };
  if (answer !== null) return { type: 'conversation.answered', text, answer, turns };
  return { type: 'conversation.failed', failure: failureOf('crashed', 'crash', 'it ended for no known reason'), turns };
}

/** What its actor is done with. */
export function outputOf(context: ConversationContext): ConversationOutput {
  const end = endOf(context);
  const { exit, history, open, text } = context;
  return { ...exitOf(end, exit), end, history, text, unanswered: open?.calls ?? [] };
}
