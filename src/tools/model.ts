/**
 * What a conversation needs of a model: to be asked for one turn, and to say how its wire has inputs and results. {@link generateModel} is one; an app may
 * write its own.
 */
import type { AnyActorRef } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import type { StreamFailure } from '../../machines/stream/outcome.js';
import type { CallResult } from '../../machines/tools/calls.js';
import type { Clock } from '../supervision/clock.js';
import { sortOf } from '../option-checks.js';
import type { ToolDeclaration } from './tool-plan.js';

/** What one turn is asked with. */
export interface TurnRequest<Item = JsonObject> {
  /** All that was said, as the wire has it, oldest first: the input, the model's turns verbatim, the results of its calls. */
  readonly history: readonly Item[];
  readonly tools: readonly ToolDeclaration[];
  /** Aborts when nobody wants the answer any more: the request must end then. */
  readonly signal: AbortSignal;
  /** The time of the conversation. */
  readonly clock: Clock;
  /** The actor of the turn: for actors that are to be beneath it. They have to end with `signal`. */
  readonly parent: AnyActorRef;
  /** 1 for the first. */
  readonly turn: number;
  /**
   * To be told, with what went wrong, as soon as the model knows that it will ask again by itself: each of its requests counts at the conversation's gate, and a
   * 429 slows that down. Where there is no gate it does nothing. What is no failure fails the conversation, `crashed`; it throws nothing.
   * @param delayMs  when it will ask, ms from now, which is when that request counts. Default: it is not known, and counts from now until the turn has ended
   */
  retrying(failure: Pick<StreamFailure, 'code' | 'status' | 'retryAfterMs'>, delayMs?: number): void;
  /**
   * To be told as soon as the model knows that it was refused, though the words of that are still to come: whatever ends the turn before they have, the
   * conversation's gate hears of it. What comes after it, another attempt or the outcome, counts in its place. Otherwise as `retrying`.
   */
  refused(failure: Pick<StreamFailure, 'code' | 'status' | 'retryAfterMs'>): void;
}

/** What a model says while it answers. */
export type ModelEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thought'; readonly text: string }
  /** A piece of a call, for those who show it as it comes: `key` is the same for all of one call. Its shape is the wire's. */
  | { readonly type: 'callPart'; readonly key: number; readonly name: string; readonly piece: unknown };

/** How a turn has ended. */
export type TurnOutcome<Answer = unknown, Item = JsonObject> =
  | {
      readonly ok: true;
      /** What it adds to the history, verbatim: thought signatures and all. */
      readonly items: readonly Item[];
      /** Without thoughts. */
      readonly text: string;
      /** In the model's order, whole. `args` is null where what came could not be read. */
      readonly calls: readonly { readonly id?: string; readonly name: string; readonly args: JsonObject | null }[];
      /** `continue`: the model wants to be asked to go on. Where there are calls, they are made. */
      readonly next: 'calls' | 'continue' | 'nothing';
      /** As the model's client has it; JSON. */
      readonly answer: Answer;
      /** How many tokens the service says it took, for the gate. Default: as many as were reserved. */
      readonly tokensUsed?: number;
    }
  | { readonly ok: false; readonly failure: Omit<StreamFailure, 'kind'> & { readonly kind: StreamFailure['kind'] | 'cancelled' } };

/** A turn under way: its events are read as they are wanted, and then its outcome is asked for. An iteration that throws says nothing: `ended` does. */
export interface ModelTurn<Answer = unknown, Item = JsonObject> extends AsyncIterable<ModelEvent> {
  /** Never rejects. */
  ended(): Promise<TurnOutcome<Answer, Item>>;
}

/** A model, for conversations. */
export interface ConversationModel<Answer = unknown, Item = JsonObject> {
  /** Asks for one turn; called once for each. */
  ask(request: TurnRequest<Item>): ModelTurn<Answer, Item>;
  /** A text, or items, as items of the history. @throws EspalierError for what is neither */
  input(input: string | readonly Item[]): readonly Item[];
  /** The results of a turn's calls, in their order, as items of the history. What it throws fails the conversation, `crashed`. */
  results(results: readonly CallResult[]): readonly Item[];
}

/** A time from now, as a model says it, ms; undefined where that is no number of ms. @throws never */
export function msIn(ms: unknown): number | undefined {
  return Number.isFinite(ms) && (ms as number) >= 0 ? (ms as number) : undefined;
}

/**
 * What a model says went wrong. A model of the app's own may say anything: a hint that is no number of ms is none, and what cannot be read is its fault.
 * @param where  that says it: `ended()`
 * @throws TypeError for what is no failure
 */
export function failureIn<Failure extends Pick<StreamFailure, 'code' | 'retryAfterMs'>>(failure: Failure, where: string): Failure {
  const code: unknown = (failure as Failure | null | undefined)?.code;
  if (typeof code !== 'number' && typeof code !== 'string')
    throw new TypeError(`expected ${where} of the model to say a failure with a code, got: ${sortOf(failure)}`);
  const { retryAfterMs: given, ...rest } = failure;
  const retryAfterMs = msIn(given);
  return (retryAfterMs === undefined ? rest : { ...rest, retryAfterMs }) as Failure;
}
