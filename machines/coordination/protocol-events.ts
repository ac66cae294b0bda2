/** What every protocol's chart is given, asks, is told and ends with: the seam between a session and the protocol that it runs. */
import type { RequestOutcome } from '../comms/request.js';

/** Input of a protocol's chart. JSON throughout. */
export interface ProtocolInput {
  /** The session's id: of no other session ever. */
  readonly session: string;
  /** Who takes part, by name, each once, in the order that counts where nothing else does. */
  readonly agents: readonly string[];
  /** A whole number of 32 bits, from which ties are drawn: the same answers and the same seed are the same result. */
  readonly seed: number;
}

/** How a protocol ended; output of its chart. A crash of the chart is neither: its session tries again, as its policy says. */
export type ProtocolEnd<Value = unknown> =
  | { readonly outcome: 'decided'; readonly value: Value }
  /** It came to its end without a decision. `why`: one word of the protocol's own, as `noQuorum`; `details`: what led there. */
  | { readonly outcome: 'failed'; readonly why: string; readonly details?: unknown };

/** A question to one agent. */
export interface Question {
  /** Of this question in its session, as `vote` or `round-2`: asked anew after a crash it is the same, and the agent is not asked twice. */
  readonly id: string;
  readonly agent: string;
  /** What the agent is asked: JSON. */
  readonly body: unknown;
  /**
   * Does the body depend on what others have answered? Asked anew after a crash, one of them may have answered otherwise: then it is another question, and a
   * former answer to it is none.
   */
  readonly isDerived?: boolean;
}

/** Input of the actor `questions`. */
export interface QuestionsInput {
  readonly session: string;
  /** All are put at once. */
  readonly questions: readonly Question[];
  /** Each is answered so many ms later at the latest. */
  readonly withinMs: number;
}

/** What the actor `questions` tells the chart that asks. */
export type QuestionsEvent =
  /** Once for each question, in the order in which the answers came: which must decide nothing. */
  | { readonly type: 'question.answered'; readonly id: string; readonly agent: string; readonly outcome: RequestOutcome }
  /** All are answered. */
  | { readonly type: 'questions.answered' }
  /** What is open will never be told: a stranger has ended the actor, or a question is none. `why`: in words. To the chart a crash. */
  | { readonly type: 'questions.lost'; readonly why: string };
