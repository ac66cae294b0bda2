/**
 * Gemini by Interactions as a conversation's model: each turn is an interaction that goes on from the one before, and the server keeps what was said.
 *
 * An item of the history is either an input as the wire has it, or `{ type: 'interaction', id }`, which stands for all that the server knows by then. One that
 * the server does not store (`store: false`) is in the history by its steps, verbatim, and they are sent again.
 */
import type { CallResult } from '../../machines/tools/calls.js';
import type { InteractionAnswer, InteractionStreamEvent } from '../interactions/account.js';
import { creation } from '../interactions/client.js';
import { type InteractionOutcome, openInteraction } from '../interactions/handle.js';
import { type InteractionsOptions, planClient } from '../interactions/options.js';
import { requestBody } from '../interactions/request-body.js';
import { geminiSubject, withSubject } from '../telemetry/subject.js';
import type { InteractionRequest } from '../wire/gemini/interactions.js';
import { tokensIn } from '../gate/behind.js';
import type { ConversationModel, ModelEvent, TurnOutcome } from './model.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { invalid, requireOptions } from './refusal.js';
import type { ToolDeclaration } from './tool-plan.js';

/** What the conversation itself says in each request. */
type Said = 'input' | 'previous_interaction_id' | 'stream' | 'background';

/** What a model is asked with, beside what a conversation says. A `gate` is the conversation's. */
export interface InteractionsModelOptions extends Omit<InteractionsOptions, 'clock' | 'gate'> {
  /** Every other field of a creation: `model` or `agent`, `system_instruction`, `generation_config`, tools of the service's own in `tools`, … */
  readonly request: Omit<InteractionRequest, Said>;
}

/** An item of such a conversation. */
export interface InteractionItem {
  readonly type: string;
  readonly [field: string]: unknown;
}

const said: readonly Said[] = ['input', 'previous_interaction_id', 'stream', 'background'];

/**
 * A model that is asked by streamed Interactions, which resume by themselves after a lost connection.
 * @throws EspalierError `tools/invalid-options` or `interactions/invalid-options`, with the option's name; never with a key
 */
export function interactionsModel(options: InteractionsModelOptions): ConversationModel<InteractionAnswer, InteractionItem> {
  if (!isPlainObject(options)) requireOptions('options of the model', options, []);
  const { request, ...client } = options;
  if (!isPlainObject(request)) throw invalid('request', 'an object with `model` or `agent`', sortOf(request));
  const own = said.find((field) => field in request);
  if (own !== undefined) throw invalid('request', `no ${own}: the conversation says it`, own);
  const other = ['clock', 'gate'].find((name) => name in client);
  if (other !== undefined) throw invalid('options of the model', `no ${other}: it is of the conversation`, other);
  planClient(client);
  const fixed = JSON.parse(requestBody({ ...request, input: 'checked' }, false)) as InteractionRequest;
  const model: ConversationModel<InteractionAnswer, InteractionItem> = {
    ask({ clock, history, parent, refused, retrying, signal, tools }) {
      const plan = creation(nextRequest(fixed, history, tools), { signal }, true);
      const stream = openInteraction(planClient({ ...client, clock }), plan, parent);
      stream.ref.on('interaction.retrying', ({ delayMs, failure }) => retrying(failure, delayMs));
      // A crash is its outcome.
      stream.ref.subscribe({ next: ({ context: { refusal } }) => refusal !== null && refused(refusal), error: () => undefined });
      return {
        async *[Symbol.asyncIterator]() {
          for await (const event of stream) {
            const told = eventOf(event);
            if (told !== null) yield told;
          }
        },
        ended: async () => outcomeOf(await stream.ended()),
      };
    },
    input: (input) => (typeof input === 'string' ? [{ type: 'text', text: input }] : requireItems(input)),
    results: (results) => results.map(resultItem),
  };
  return withSubject(model, geminiSubject(fixed));
}

/** What was said behind the last interaction that the server keeps. */
function nextRequest(fixed: InteractionRequest, history: readonly InteractionItem[], tools: readonly ToolDeclaration[]): InteractionRequest {
  const last = history.findLastIndex(({ type }) => type === 'interaction');
  const previous = history[last]?.['id'];
  const declared = [...(fixed.tools ?? []), ...tools.map(declarationOf)];
  return {
    ...fixed,
    input: history.slice(last + 1),
    ...(typeof previous === 'string' ? { previous_interaction_id: previous } : {}),
    ...(declared.length === 0 ? {} : { tools: declared }),
  };
}

function declarationOf({ description, name, parametersJsonSchema }: ToolDeclaration): Record<string, unknown> {
  return { type: 'function', name, description, ...(parametersJsonSchema === undefined ? {} : { parameters: parametersJsonSchema }) };
}

/** @see Interactions API: function_result */
function resultItem({ fault, id, name, response }: CallResult): InteractionItem {
  return { type: 'function_result', call_id: id ?? '', name, result: response, ...(fault === null ? {} : { is_error: true }) };
}

function eventOf(event: InteractionStreamEvent): ModelEvent | null {
  if (event.type !== 'step.delta') return null;
  const { arguments: piece, content, text, type } = event.delta as { readonly [field: string]: unknown };
  if (type === 'text' && typeof text === 'string') return { type: 'text', text };
  if (type === 'arguments_delta') return { type: 'callPart', key: event.index, name: '', piece };
  const thought = (content as { text?: unknown } | undefined)?.text ?? text;
  return (type === 'thought_summary' || type === 'thought') && typeof thought === 'string' ? { type: 'thought', text: thought } : null;
}

function outcomeOf(outcome: InteractionOutcome): TurnOutcome<InteractionAnswer, InteractionItem> {
  if (!outcome.ok) return { ok: false, failure: outcome.failure };
  const { answer } = outcome;
  const isOver = outcome.outcome === 'completed' || (outcome.outcome === 'requiresAction' && answer.calls.length > 0);
  if (!isOver) {
    const message = `the interaction is ${answer.status}, and there is nothing that a conversation could do for it`;
    return { ok: false, failure: { kind: 'finish', code: answer.status, status: '', message } };
  }
  const isKept = answer.id !== null && answer.id !== '';
  const calls = answer.calls.map(({ arguments: args, id, name }) => ({ id, name, args }));
  return {
    ok: true,
    items: isKept ? [{ type: 'interaction', id: answer.id }] : answer.steps,
    text: answer.text,
    calls,
    next: calls.length > 0 ? 'calls' : 'nothing',
    answer,
    ...tokensIn(answer.usage?.total_tokens),
  };
}

function requireItems(input: unknown): readonly InteractionItem[] {
  const isItem = (item: unknown): boolean => isPlainObject(item) && typeof item['type'] === 'string';
  if (!Array.isArray(input) || !input.every(isItem)) throw invalid('input', 'inputs, each with its type', sortOf(input));
  return input as readonly InteractionItem[];
}
