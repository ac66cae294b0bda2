/** What an app is told of a conversation while it goes on. How it ends is its outcome. */
import type { JsonObject } from '../../machines/live/calls.js';
import type { CallFault } from '../../machines/tools/calls.js';
import type { ConversationFact } from '../../machines/tools/conversation-events.js';
import type { ModelEvent } from './model.js';

/** One event of a conversation; `turn` is 1 for the first. */
export type ConversationNews =
  /** The model is asked. */
  | { readonly type: 'turn'; readonly turn: number }
  | (ModelEvent & { readonly turn: number })
  /** The model's part of the turn is whole. `next`: its calls are made, it is asked to go on, or that was the answer. */
  | { readonly type: 'turnEnd'; readonly turn: number; readonly next: 'calls' | 'continue' | 'nothing' }
  /** A call, whole; those of one turn come together, in the model's order. `id` is null where the model gave none. */
  | {
      readonly type: 'toolCall';
      readonly turn: number;
      readonly index: number;
      readonly id: string | null;
      readonly name: string;
      readonly args: JsonObject;
    }
  /** Its answer, as the model gets it; these come as they are ready. `fault` is null for a success. */
  | {
      readonly type: 'toolResult';
      readonly turn: number;
      readonly index: number;
      readonly id: string | null;
      readonly name: string;
      readonly response: JsonObject;
      readonly fault: CallFault | null;
    }
  /** An abort listener of a tool threw, or rejected: the tool's own fault, which changes nothing. */
  | { readonly type: 'listenerThrew'; readonly turn: number; readonly name: string; readonly reason: string }
  /** So many events came before anybody iterated, and were let go, the oldest first. */
  | { readonly type: 'dropped'; readonly count: number };

/** What is told beside the chart, as the actor emits it. */
export type ConversationData = (ModelEvent & { readonly turn: number }) | Extract<ConversationNews, { type: 'listenerThrew' }>;

/** All that a conversation's actor emits. */
export type ConversationEmitted = ConversationFact | ConversationData;

/** The event that an emitted fact is; null for the end, which is the outcome's. */
export function newsOf(fact: ConversationEmitted): ConversationNews | null {
  switch (fact.type) {
    case 'turn.started':
      return { type: 'turn', turn: fact.turn };
    case 'turn.ended':
      return { type: 'turnEnd', turn: fact.turn, next: fact.next };
    case 'tool.called': {
      const { index, id, name, args } = fact.call;
      return { type: 'toolCall', turn: fact.turn, index, id, name, args };
    }
    case 'tool.answered':
      return { type: 'toolResult', turn: fact.turn, ...fact.result };
    case 'conversation.answered':
    case 'conversation.failed':
    case 'conversation.cancelled':
      return null;
    default:
      return fact;
  }
}
