/** Gemini by generateContent, streamed or whole, as a conversation's model. */
import type { CallResult } from '../../machines/tools/calls.js';
import { type GenerateOutcome, type GenerateStream, openGenerate } from '../stream/generate.js';
import type { GenerateEvent } from '../stream/generate-body.js';
import { type GenerateOptions, generateKeys, planGenerate } from '../stream/generate-options.js';
import { geminiSubject, withSubject } from '../telemetry/subject.js';
import type { Content } from '../wire/gemini/content.js';
import type { GenerateRequest } from '../wire/gemini/generate.js';
import type { GenerateAnswer } from '../wire/gemini/generate-answer.js';
import { tokensIn } from '../gate/behind.js';
import type { ConversationModel, ModelEvent, ModelTurn, TurnOutcome } from './model.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { invalid, requireOptions } from './refusal.js';

/** What a model is asked with, beside what a conversation says; `model` must be given. A `gate` is the conversation's. */
export interface GenerateModelOptions extends Omit<GenerateOptions, 'request' | 'signal' | 'gate'> {
  /** Every field of the request but `contents`: `systemInstruction`, `generationConfig`, `toolConfig`, tools of the service's own in `tools`, … */
  readonly request?: Omit<GenerateRequest, 'contents'>;
  /** Is the answer read as it is made? Default true. */
  readonly streamed?: boolean;
}

/** An item of such a conversation: one turn of one side. */
export type GenerateItem = Content & { readonly [field: string]: unknown };

const keys = [...generateKeys.filter((key) => key !== 'signal' && key !== 'gate'), 'streamed'];

/**
 * A model that is asked by `streamGenerateContent`, or `generateContent`. Its deadlines and retries are those of a stream: `connectMs`, `stallMs`, `totalMs`,
 * `retry`.
 * @throws EspalierError `tools/invalid-options` or `stream/invalid-options`, with the option's name; never with a key
 */
export function generateModel(options: GenerateModelOptions): ConversationModel<GenerateAnswer, GenerateItem> {
  requireOptions('options of the model', options, keys);
  const { request = {}, streamed = true, ...rest } = options;
  if (!isPlainObject(request)) throw invalid('request', 'an object', sortOf(request));
  if ('contents' in request) throw invalid('request', 'no contents: they are the conversation', 'contents');
  if (typeof streamed !== 'boolean') throw invalid('streamed', 'true or false', sortOf(streamed));
  // As JSON, now: what the app changes later is the app's. What it can't be is refused beneath.
  planGenerate({ ...rest, request: { ...request, contents: [{ parts: [] }] } }, 'streamGenerateContent', generateKeys);
  const fixed = JSON.parse(JSON.stringify(request)) as Omit<GenerateRequest, 'contents'>;
  const model: ConversationModel<GenerateAnswer, GenerateItem> = {
    ask({ clock, history, parent, refused, retrying, signal, tools }) {
      const own = (fixed.tools ?? []) as readonly object[];
      const declared = tools.length === 0 ? own : [...own, { functionDeclarations: tools }];
      const whole = { ...fixed, contents: [...history], ...(declared.length === 0 ? {} : { tools: declared }) } as GenerateRequest;
      const asked = { ...rest, request: whole, signal, clock };
      const stream = openGenerate(asked, streamed ? 'streamGenerateContent' : 'generateContent', parent);
      stream.ref.on('stream.retrying', ({ delayMs, failure }) => retrying(failure, delayMs));
      // A crash is its outcome.
      stream.ref.subscribe({ next: ({ context: { refusal } }) => refusal !== null && refused(refusal.failure), error: () => undefined });
      return streamed ? streamedTurn(stream) : wholeTurn(stream);
    },
    input: (input) => (typeof input === 'string' ? [{ role: 'user', parts: [{ text: input }] }] : requireContents(input)),
    results: (results) => [{ role: 'user', parts: results.map(responsePart) }],
  };
  return withSubject(model, geminiSubject(options));
}

function streamedTurn(stream: GenerateStream): ModelTurn<GenerateAnswer, GenerateItem> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const event of stream) {
        const told = eventOf(event);
        if (told !== null) yield told;
      }
    },
    ended: async () => outcomeOf(await stream.ended()),
  };
}

function wholeTurn(stream: GenerateStream): ModelTurn<GenerateAnswer, GenerateItem> {
  const outcome = stream.answer();
  return {
    async *[Symbol.asyncIterator]() {
      const whole = await outcome;
      if (!whole.ok) return;
      for (const { text, thought } of whole.answer.content.parts) {
        if (typeof text === 'string' && text !== '') yield { type: thought === true ? 'thought' : 'text', text };
      }
    },
    ended: async () => outcomeOf(await outcome),
  };
}

/** Of the first candidate: the others are no part of the conversation. */
function eventOf(event: GenerateEvent): ModelEvent | null {
  if (event.type === 'chunk' || event.candidate !== 0) return null;
  if (event.type === 'text') return { type: event.thought ? 'thought' : 'text', text: event.text };
  return event.type === 'callPart' ? { type: 'callPart', key: event.key, name: event.name, piece: event.partialArgs } : null;
}

function outcomeOf(outcome: GenerateOutcome): TurnOutcome<GenerateAnswer, GenerateItem> {
  if (!outcome.ok) return { ok: false, failure: outcome.failure };
  const { answer } = outcome;
  const { calls, content, next, text, usageMetadata } = answer;
  return { ok: true, items: [content as unknown as GenerateItem], text, calls, next, answer, ...tokensIn(usageMetadata?.['totalTokenCount']) };
}

/** @see Gemini API, function calling: results go back in one content of the role `user`, each with the id of its call where that has one */
function responsePart({ id, name, response }: CallResult) {
  return { functionResponse: { ...(id === null ? {} : { id }), name, response: { ...response } } };
}

function requireContents(input: unknown): readonly GenerateItem[] {
  if (!Array.isArray(input) || !input.every(isPlainObject)) throw invalid('input', 'contents, with role and parts', sortOf(input));
  return input;
}
