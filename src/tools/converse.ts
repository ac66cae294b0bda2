/**
 * A conversation in the hands of an app: asked, and asked again with what its tools have answered, until there is an answer.
 *
 *   const conversation = converse({ model: generateModel({ apiKey, model: 'gemini-2.5-flash' }), input: 'How is the weather in Oslo?', tools: { weather } });
 *   for await (const event of conversation) if (event.type === 'text') print(event.text);
 *   const outcome = await conversation.ended();   // never rejects
 *   if (outcome.ok) print(outcome.text); else log(outcome.failure.kind, outcome.failure.message);
 *
 * Nobody has to iterate. Leaving the loop cancels the conversation and all that runs. A loop over one that fails, or that somebody else cancels, throws a
 * `ConversationError` after the last event; `ended()` tells the same as a value.
 */
import { createActor } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { wordsOf } from '../../machines/live/ending.js';
import type { ModelCall } from '../../machines/tools/calls.js';
import type { ConversationContext } from '../../machines/tools/conversation-events.js';
import { endOf } from '../../machines/tools/conversation-state.js';
import {
  type ConversationEnd,
  type ConversationFailure,
  type ConversationOutput,
  failureAs,
  type HistoryEntry,
} from '../../machines/tools/outcome.js';
import { type ErrorDetails, EspalierError } from '../errors.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { exitReason } from '../supervision/watch.js';
import { type ConversationRef, logicOf } from './conversation.js';
import { type ConversationNews, newsOf } from './events.js';
import { Feed } from './feed.js';
import type { ConversationModel } from './model.js';
import { conversationKeys, type ConversationOptions, planConversation } from './options.js';
import { readBy } from './place.js';
import { count } from './refusal.js';
import { wireHistory } from './turn.js';

/** Beside the options of the conversation itself. */
export interface ConverseOptions {
  /** Events that may wait for a loop before the model's answer is read no further, 1 to 1 000 000. Default 256. */
  readonly maxBuffered?: number;
  /** The time of its deadlines. Default: the machine's. */
  readonly clock?: Clock;
}

/** Why there is no answer: its failure, or `cancelled`, with who did it as `code` and the reason as `message`. */
export interface Unanswered extends Omit<ConversationFailure, 'kind'> {
  readonly kind: ConversationFailure['kind'] | 'cancelled';
}

/** How a conversation has ended. `turns` are those that were begun. */
export type ConversationOutcome<Answer = unknown, Item = JsonObject> =
  | {
      readonly ok: true;
      /** The last answer, without thoughts; over several turns where the model only went on. */
      readonly text: string;
      /** The last turn, as the model's client has it. */
      readonly answer: Answer;
      /** All that was said, to be gone on with: the model's turns verbatim. */
      readonly history: readonly Item[];
      readonly turns: number;
    }
  | {
      readonly ok: false;
      readonly failure: Unanswered;
      /** What was said up to the last turn that is whole: every call in it has its answer, so it can be gone on with. */
      readonly history: readonly Item[];
      readonly turns: number;
      /** What the model had said, and calls that were not all answered, of the turn that is not in the history. */
      readonly reached: { readonly text: string; readonly calls: readonly ModelCall[] };
    };

/** A conversation under way. Disposing of it cancels it. */
export interface Conversation<Answer = unknown, Item = JsonObject> extends AsyncIterable<ConversationNews>, AsyncDisposable {
  /** Its actor. */
  readonly ref: ConversationRef;
  [Symbol.asyncIterator](): AsyncIterableIterator<ConversationNews, undefined>;
  /** Ends the request and every tool that runs, and settles at the end. Twice is once. */
  cancel(reason?: string): Promise<ConversationOutcome<Answer, Item>>;
  /** Ends one call: the model is told so, and the others go on. @returns whether it was open */
  cancelCall(call: { readonly turn: number; readonly index: number }, reason?: string): boolean;
  /** Settles at the end; never rejects. */
  ended(): Promise<ConversationOutcome<Answer, Item>>;
}

/** Why there is nothing more to read. */
export interface ConversationErrorDetails extends ErrorDetails {
  readonly kind: Unanswered['kind'];
  readonly code: Unanswered['code'];
  readonly status: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A conversation has failed, or was cancelled by somebody else than its reader: `tools/ended`. Never shows a key. */
export class ConversationError extends EspalierError {
  declare readonly details: ConversationErrorDetails;

  constructor({ code, kind, message, retryAfterMs, status }: Unanswered) {
    const got = [kind, code, status, message].filter((word) => word !== '').join(', ');
    const again = retryAfterMs === undefined ? {} : { retryAfterMs };
    const details: ConversationErrorDetails = { expected: 'a conversation that is answered', got, kind, code, status, message, ...again };
    super('tools/ended', details);
  }
}

/**
 * Begins a conversation, at once.
 * @throws EspalierError `tools/invalid-options`, `tools/invalid-tool` or `gate/invalid-options`, before anything starts; never with a key
 */
export function converse<Answer, Item = JsonObject>(options: ConversationOptions<Answer, Item> & ConverseOptions): Conversation<Answer, Item> {
  const plan = planConversation(options, [...conversationKeys, 'clock', 'maxBuffered']);
  const { clock = systemClock, model } = options;
  requireClock(clock);
  const maxBuffered = count('maxBuffered', options.maxBuffered, 256, 1_000_000);
  const ref = createActor(logicOf(plan), { clock, id: 'conversation' });
  return new Handle<Answer, Item>(ref, model, maxBuffered);
}

class Handle<Answer, Item> implements Conversation<Answer, Item> {
  readonly ref: ConversationRef;
  readonly #model: ConversationModel<Answer, Item>;
  readonly #feed: Feed;
  #known: ConversationOutcome<Answer, Item> | null = null;

  constructor(ref: ConversationRef, model: ConversationModel<Answer, Item>, maxBuffered: number) {
    this.ref = ref;
    this.#model = model;
    const feed = new Feed(maxBuffered, () => this.#cancel('its reader has gone'));
    this.#feed = feed;
    readBy(ref, feed);
    ref.on('*', (fact) => {
      const news = newsOf(fact);
      if (news !== null) feed.push(news);
    });
    const finish = (): void => {
      const outcome = this.#outcome();
      feed.end(outcome.ok ? null : new ConversationError(outcome.failure));
    };
    // Heard here, a crash is no uncaught exception: it is the conversation's outcome.
    ref.subscribe({ complete: finish, error: finish });
    ref.start();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ConversationNews, undefined> {
    return this.#feed[Symbol.asyncIterator]();
  }

  cancel(reason = ''): Promise<ConversationOutcome<Answer, Item>> {
    const ended = this.ended();
    this.#cancel(reason);
    return ended;
  }

  cancelCall({ index, turn }: { readonly turn: number; readonly index: number }, reason = ''): boolean {
    const { context, status } = this.ref.getSnapshot();
    if (status !== 'active' || context.turn !== turn || context.open === null) return false;
    const round = (
      this.ref.getSnapshot().children as Record<string, { getSnapshot(): { context: { rows: readonly { status: string }[] } } } | undefined>
    )['round'];
    const isOpen = round !== undefined && (round.getSnapshot().context.rows[index]?.status ?? 'answered') !== 'answered';
    if (isOpen) this.ref.send({ type: 'call.cancel', index, reason });
    return isOpen;
  }

  ended(): Promise<ConversationOutcome<Answer, Item>> {
    return new Promise((resolve) => {
      const look = (): void => resolve(this.#outcome());
      if (this.ref.getSnapshot().status === 'active') this.ref.subscribe({ complete: look, error: look });
      else look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  #cancel(reason: string): void {
    if (this.ref.getSnapshot().status === 'active') this.ref.send({ type: 'conversation.cancel', by: 'app', reason });
  }

  /** The model puts the results into words of its wire, which may throw: once, then, and for everybody the same. */
  #outcome(): ConversationOutcome<Answer, Item> {
    this.#known ??= this.#outcomeOf(outputOfActor(this.ref));
    return this.#known;
  }

  #outcomeOf({ end, history: entries, text, unanswered: calls }: ReturnType<typeof outputOfActor>): ConversationOutcome<Answer, Item> {
    const { history, error } = wholeHistory(this.#model, entries);
    const { turns } = end;
    const reached = { text, calls };
    if (end.type === 'conversation.answered') {
      if (error === null) return { ok: true, text, answer: end.answer as Answer, history, turns };
      return { ok: false, failure: failureAs('crashed', 'crash', wordsOf(error.thrown)), history, turns, reached };
    }
    if (end.type === 'conversation.failed') return { ok: false, failure: end.failure, history, turns, reached };
    const { by, reason } = end.cancellation;
    return { ok: false, failure: { kind: 'cancelled', code: by, status: '', message: reason }, history, turns, reached };
  }
}

/** The history as the wire has it, up to the first turn whose results the model cannot say: with its calls alone it could not be gone on with. */
function wholeHistory<Item>(
  model: ConversationModel<unknown, Item>,
  entries: readonly HistoryEntry[],
): { readonly history: readonly Item[]; readonly error: { readonly thrown: unknown } | null } {
  const whole: (readonly Item[])[] = [];
  for (const entry of entries) {
    try {
      whole.push(wireHistory(model, [entry]));
    } catch (thrown) {
      return { history: whole.slice(0, -1).flat(), error: { thrown } };
    }
  }
  return { history: whole.flat(), error: null };
}

/** The output of a conversation that is no longer active, also of one that came to none. */
function outputOfActor(ref: ConversationRef): Pick<ConversationOutput, 'end' | 'history' | 'text' | 'unanswered'> {
  const { context, error, output, status } = ref.getSnapshot() as {
    context: ConversationContext;
    error?: unknown;
    output?: ConversationOutput;
    status: string;
  };
  if (status === 'done' && output !== undefined) return output;
  const { history, open, text, turn: turns } = context;
  let end: ConversationEnd = { type: 'conversation.cancelled', cancellation: { by: 'supervisor', reason: 'stopped' }, turns };
  if (status === 'error') end = { type: 'conversation.failed', failure: failureAs('crashed', 'crash', wordsOf(error)), turns };
  else if (exitReason(ref) === 'killed') end = { type: 'conversation.failed', failure: failureAs('killed', 'killed', 'it was killed'), turns };
  else if (context.failure !== null || context.cancellation !== null) end = endOf(context);
  return { end, history, text, unanswered: open?.calls ?? [] };
}
