/**
 * generateContent, streamed and whole.
 *
 *   const stream = streamGenerateContent({ apiKey, model: 'gemini-2.5-flash', request: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] } });
 *   for await (const event of stream) if (event.type === 'text' && !event.thought) print(event.text);
 *   const outcome = await stream.ended();   // never rejects
 *   if (outcome.ok) history.push(outcome.answer.content); else log(outcome.failure.code, outcome.failure.status);
 *
 *   const whole = await generateContent({ apiKey, model, request });   // the same outcome, by one answer
 *
 * Nobody has to iterate: `stream.answer()` reads to the end by itself. Leaving the loop cancels the request. A loop over a stream that fails, or that
 * somebody else cancels, throws a `StreamError` after the last event; `ended()` tells the same as a value.
 */
import type { AnyActorRef } from 'xstate';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import type { GenerateAnswer } from '../wire/gemini/generate-answer.js';
import type { GenerateEvent } from './generate-body.js';
import { type GenerateOptions, type GeneratePlan, generateKeys, planGenerate } from './generate-options.js';
import {
  type HttpStreamRef,
  openPlan,
  type OpenOptions,
  type HttpStreamOutcome,
  type TargetOptions,
  type HttpStreamLogic,
  streamLogic,
  type Unfinished,
} from './http-stream.js';

/** How a generation has ended. `partial` is what came of a failed answer: not to be taken for a whole one, nor to be sent back. */
export type GenerateOutcome =
  | { readonly ok: true; readonly answer: GenerateAnswer }
  | { readonly ok: false; readonly failure: Unfinished; readonly partial: GenerateAnswer | null };

/** A generation that is under way. Disposing of it cancels it. */
export interface GenerateStream extends AsyncIterable<GenerateEvent>, AsyncDisposable {
  /** The stream's actor. */
  readonly ref: HttpStreamRef;
  [Symbol.asyncIterator](): AsyncIterableIterator<GenerateEvent, undefined>;
  /** Aborts the request, and settles at the end. Twice is once. */
  cancel(reason?: string): Promise<GenerateOutcome>;
  /** Settles at the end. It reads nothing by itself: where nobody iterates, that is the total deadline. */
  ended(): Promise<GenerateOutcome>;
  /** Reads to the end by itself; events that nobody iterates over are dropped. */
  answer(): Promise<GenerateOutcome>;
}

/**
 * Asks for an answer as it is made. The request starts at once, and is read as the loop asks for it.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`, before anything starts; never with a key
 */
export function streamGenerateContent(options: GenerateOptions & OpenOptions): GenerateStream {
  return openGenerate(options, 'streamGenerateContent');
}

/**
 * Asks for a whole answer.
 * @returns how it ended; it never rejects
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`, at the call; never with a key
 */
export function generateContent(options: GenerateOptions & OpenOptions): Promise<GenerateOutcome> {
  return openGenerate(options, 'generateContent').answer();
}

/**
 * The same as supervised logic: its target is told `stream.event` with each {@link GenerateEvent}, then exactly one end.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`; never with a key
 */
export function generateContentStream(options: GenerateOptions & TargetOptions<GenerateEvent>): HttpStreamLogic {
  const plan = planGenerate(options, 'streamGenerateContent', [...generateKeys, 'target', 'demand']);
  return streamLogic(plan.stream, options);
}

/** Starts a generation: by itself, or beneath an actor, which has to cancel it when it ends. */
export function openGenerate(
  options: GenerateOptions & OpenOptions,
  method: 'generateContent' | 'streamGenerateContent',
  parent?: AnyActorRef,
): GenerateStream {
  const plan = planGenerate(options, method, [...generateKeys, 'clock']);
  const { clock = systemClock } = options;
  requireClock(clock);
  return new Handle(plan, clock, parent);
}

class Handle implements GenerateStream {
  readonly ref: HttpStreamRef;
  readonly #stream: ReturnType<typeof openPlan<GenerateEvent>>;
  readonly #plan: GeneratePlan;

  constructor(plan: GeneratePlan, clock: Clock, parent: AnyActorRef | undefined) {
    this.#plan = plan;
    this.#stream = openPlan<GenerateEvent>(plan.stream, clock, parent);
    this.ref = this.#stream.ref;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<GenerateEvent, undefined> {
    return this.#stream[Symbol.asyncIterator]();
  }

  async cancel(reason = ''): Promise<GenerateOutcome> {
    return this.#outcomeOf(await this.#stream.cancel(reason));
  }

  async ended(): Promise<GenerateOutcome> {
    return this.#outcomeOf(await this.#stream.ended());
  }

  async answer(): Promise<GenerateOutcome> {
    return this.#outcomeOf(await this.#stream.drain());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  #outcomeOf(outcome: HttpStreamOutcome): GenerateOutcome {
    const answer = this.#plan.body.answer();
    if (!outcome.ok) return { ok: false, failure: outcome.failure, partial: answer };
    // A stream that is completed has had a body.
    return { ok: true, answer: answer as GenerateAnswer };
  }
}
