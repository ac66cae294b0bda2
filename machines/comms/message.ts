/** What agents are sent, and what they send back. All but `replyTo` is JSON. */
import type { AnyActorRef } from 'xstate';

/** What is sent: a question, which is answered; a word, which is not; what a topic has to tell. */
export type MessageKind = 'request' | 'notice' | 'event';

interface Delivered {
  /** The agent's own name. */
  readonly to: string;
  /** Which of those who go by that name one after the other it was sent to: credit that comes of it is that one's. */
  readonly holder: string;
  /** Who has sent it, by name; null where that was not said. */
  readonly from: string | null;
  readonly body: unknown;
  /** Who is told {@link CommsReply} and {@link CommsCredit}. */
  readonly replyTo: AnyActorRef;
}

/** A question: to be answered once, by its `ref`. */
export interface CommsRequest extends Delivered {
  readonly type: 'comms.request';
  /** Of this delivery, and of no other. */
  readonly ref: string;
}

/** Nobody waits for the answer any more. */
export interface CommsCancelled {
  readonly type: 'comms.cancelled';
  readonly ref: string;
  readonly to: string;
}

export interface CommsNotice extends Delivered {
  readonly type: 'comms.notice';
}

/** What was published under a topic. */
export interface CommsTopicEvent extends Delivered {
  readonly type: 'comms.event';
  readonly topic: string;
}

/** All that an agent may be sent. */
export type AgentEvent = CommsRequest | CommsCancelled | CommsNotice | CommsTopicEvent;

/** The answer to a question. */
export type CommsReply =
  | { readonly type: 'comms.reply'; readonly ref: string; readonly ok: true; readonly value: unknown }
  | { readonly type: 'comms.reply'; readonly ref: string; readonly ok: false; readonly error: unknown };

/** An agent takes more at once from now on, or less: below 0 is less. What waits is delivered while as much as it takes is not out at it. */
export interface CommsCredit {
  readonly type: 'comms.credit';
  /** The agent's own name. */
  readonly to: string;
  /** As it stands in what the agent was sent: the credit is that agent's, and not of who goes by its name by then. */
  readonly holder: string;
  readonly more: number;
}
