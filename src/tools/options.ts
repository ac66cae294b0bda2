/** What a conversation is asked for, checked, and turned into the input of its chart and the parts of its actors. */
import type { AnyActorRef } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import type { ConversationInput } from '../../machines/tools/conversation-events.js';
import { type BehindGate, requireBehindGate } from '../gate/behind.js';
import type { ConversationModel } from './model.js';
import { isActor, jsonOf, sortOf } from '../option-checks.js';
import { count, duration, invalid, requireOptions, requireSignal } from './refusal.js';
import { planTools, type ReadTools, type ToolsOption } from './tool-plan.js';

/** What a conversation is asked for; `model` and `input` must be given. A name that is not here is refused. */
export interface ConversationOptions<Answer = unknown, Item = JsonObject> {
  /** {@link generateModel}, or one of the app's own. */
  readonly model: ConversationModel<Answer, Item>;
  /** What is said now: a text, or items as the model's wire has them. */
  readonly input: string | readonly Item[];
  /** What was said before: the `history` of an outcome. Default: nothing. */
  readonly history?: readonly Item[];
  /** What the model may call. Default: nothing. */
  readonly tools?: ToolsOption;
  /** Answers of the model altogether, 1 to 1 000. Default 10. */
  readonly maxTurns?: number;
  /** For each call of a tool that has no `timeoutMs`, ms. Default 30 000. */
  readonly toolMs?: number;
  /**
   * Of one turn, the model's answer and its calls, ms. Passed while the model answers, the conversation has failed; passed while tools run, those that are
   * open are answered with that. Default 300 000.
   */
  readonly turnMs?: number;
  /** From the start to the end, ms. Default 1 800 000. */
  readonly totalMs?: number;
  /** Calls that run at once, 1 to 64; others wait. Default 8. */
  readonly maxParallel?: number;
  /** Calls of one turn that are run, 1 to 1 000; those beyond are answered with an error. Default 64. */
  readonly maxCalls?: number;
  /** Cancels the conversation; aborted before the start, nothing is asked. */
  readonly signal?: AbortSignal;
  /** The actor that it is for: its end cancels the conversation. */
  readonly subscriber?: AnyActorRef;
  /** Each turn of the model needs a permit, which is back while tools run. */
  readonly gate?: BehindGate;
}

/** The options there are. */
export const conversationKeys: readonly (keyof ConversationOptions)[] = [
  ...(['model', 'input', 'history', 'tools', 'maxTurns', 'toolMs', 'turnMs', 'totalMs', 'maxParallel', 'maxCalls'] as const),
  ...(['signal', 'subscriber', 'gate'] as const),
];

/** What the options come to. */
export interface ConversationPlan {
  readonly input: ConversationInput;
  readonly model: ConversationModel;
  readonly readTools: ReadTools;
  readonly toolMs: number;
  readonly gate: BehindGate | undefined;
  readonly signal: AbortSignal | undefined;
  readonly subscriber: AnyActorRef | undefined;
}

/**
 * Checks the options, and says what is done with them.
 * @throws EspalierError `tools/invalid-options`, `tools/invalid-tool` or `gate/invalid-options`, with the option's name; never with a key
 */
export function planConversation<Answer, Item>(options: ConversationOptions<Answer, Item>, known: readonly string[]): ConversationPlan {
  requireOptions('options', options, known);
  const { gate, history = [], input, model, signal, subscriber, tools } = options;
  const { ask, input: say, results } = (model ?? {}) as Partial<ConversationModel>;
  if (typeof ask !== 'function' || typeof say !== 'function' || typeof results !== 'function')
    throw invalid('model', 'a model: generateModel({ … }), or what has ask, input and results', sortOf(model));
  if (typeof input !== 'string' && !Array.isArray(input)) throw invalid('input', 'a text, or a list of items', sortOf(input));
  if (input.length === 0) throw invalid('input', 'a text, or a list of items', 'nothing');
  if (!Array.isArray(history)) throw invalid('history', 'a list of items', sortOf(history));
  requireSignal(signal);
  if (subscriber !== undefined && !isActor(subscriber)) throw invalid('subscriber', 'an actor', sortOf(subscriber));
  requireBehindGate(gate);
  const readTools = planTools(tools);
  const items = [...(history.length === 0 ? [] : model.input(history)), ...model.input(input)];
  return {
    input: {
      history: [{ type: 'items', items: asJson(items) }],
      maxTurns: count('maxTurns', options.maxTurns, 10, 1_000),
      turnMs: duration('turnMs', options.turnMs, 300_000),
      totalMs: duration('totalMs', options.totalMs, 1_800_000),
      maxParallel: count('maxParallel', options.maxParallel, 8, 64),
      maxCalls: count('maxCalls', options.maxCalls, 64, 1_000),
    },
    model: model as unknown as ConversationModel,
    readTools,
    toolMs: duration('toolMs', options.toolMs, 30_000),
    ...{ gate, signal, subscriber },
  };
}

/** As JSON, now: what the app changes later is the app's. @throws EspalierError `tools/invalid-options` */
function asJson(items: readonly unknown[]): readonly JsonObject[] {
  const text = jsonOf(items);
  if (text === null) throw invalid('input', 'items that are JSON', 'what is none');
  return JSON.parse(text) as readonly JsonObject[];
}
