/**
 * What actors do with models, as operations: conversations, streams, interactions. Live sessions are in live-work.ts.
 *
 * | actor                                   | operations                                                                             |
 * |-----------------------------------------|----------------------------------------------------------------------------------------|
 * | conversation                            | `invoke_agent` from its start to its end; beneath it `chat` for each turn, `execute_tool` for each call |
 * | stream or interaction that asks a model | `chat`, from its start to its end; none of its own beneath a conversation, whose turn it is |
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { ConversationContext } from '../../machines/tools/conversation-events.js';
import { genAi } from '../telemetry/gen-ai.js';
import type { SpanLike } from '../telemetry/tracer.js';
import { type ErrorType, type Operation, type OperationPlan, tokensOf } from './operations.js';
import type { Seen } from './seen.js';

/** A fact, as it came. */
export type Fact = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What work of an actor is asked. */
export interface Work {
  /** The span that what happens now belongs to. */
  span(): SpanLike | null;
  heard(fact: Fact): void;
  /** Its actor has ended, or nobody watches it any more: whatever is open ends so. */
  ended(error: ErrorType): void;
}

/** What work starts operations with. */
export interface Workshop {
  readonly seen: Seen;
  start(plan: OperationPlan): Operation;
  /** What was said, as an attribute; nothing where an app does not want it told. */
  content(name: string, value: unknown): Readonly<Record<string, string>>;
}

interface CallOf {
  readonly index: number;
  readonly id: string | null;
  readonly name: string;
}

export class ConversationWork implements Work {
  readonly #shop: Workshop;
  readonly #agent: Operation;
  #chat: Operation | null = null;
  #at = 0;
  readonly #tools = new Map<number, Operation>();

  constructor(shop: Workshop) {
    this.#shop = shop;
    const { seen } = shop;
    this.#agent = shop.start({ operation: 'invokeAgent', name: seen.ref.id, subject: seen.subject, parent: null });
    // One that is watched from its midst on has told of its turn already.
    const snapshot = seen.ref.getSnapshot() as AnyMachineSnapshot & { readonly context: ConversationContext };
    if (snapshot.matches({ active: { turning: 'answering' } })) this.#turn(snapshot.context.turn);
  }

  span(): SpanLike | null {
    return this.#chat?.span ?? this.#agent.span;
  }

  heard(fact: Fact): void {
    switch (fact.type) {
      case 'turn.started':
        this.#turn(fact['turn'] as number);
        break;
      case 'turn.ended':
        this.#turnEnded();
        break;
      case 'tool.called':
        this.#called(fact['call'] as CallOf & { readonly args: unknown });
        break;
      case 'tool.answered':
        this.#answered(fact['result'] as CallOf & { readonly response: unknown; readonly fault: string | null });
        break;
      case 'conversation.answered':
        this.ended(null);
        break;
      case 'conversation.failed':
        this.ended((fact['failure'] as { readonly kind: string }).kind);
        break;
      case 'conversation.cancelled':
        this.ended('cancelled');
        break;
    }
  }

  ended(error: ErrorType): void {
    for (const tool of this.#tools.values()) tool.end(error ?? 'lost');
    this.#tools.clear();
    this.#chat?.end(error);
    this.#chat = null;
    this.#agent.end(error);
  }

  #turn(turn: number): void {
    if (this.#chat !== null && this.#at === turn) return;
    this.#chat?.end('lost');
    this.#at = turn;
    const subject = this.#shop.seen.subject;
    const attributes = { 'espalier.turn': turn };
    this.#chat = this.#shop.start({ operation: 'chat', name: subject?.model ?? '', subject, attributes, parent: this.#agent.span });
  }

  #turnEnded(): void {
    const { context } = this.#shop.seen.ref.getSnapshot() as { readonly context: Partial<ConversationContext> };
    const answer = context.open?.answer ?? context.answer;
    this.#chat?.used(...tokensOf(answer?.['usageMetadata'] ?? answer?.['usage']));
    this.#chat?.end();
    this.#chat = null;
  }

  #called({ args, id, index, name }: CallOf & { readonly args: unknown }): void {
    const attributes = { ...callId(id), ...this.#shop.content(genAi.toolArguments, args) };
    this.#tools.get(index)?.end('lost');
    this.#tools.set(index, this.#shop.start({ operation: 'executeTool', name, attributes, parent: this.#agent.span }));
  }

  #answered({ fault, index, response }: CallOf & { readonly response: unknown; readonly fault: string | null }): void {
    const tool = this.#tools.get(index);
    tool?.attributes(this.#shop.content(genAi.toolResult, response));
    tool?.end(fault);
    this.#tools.delete(index);
  }
}

/** One request, of a stream or an interaction. */
export class RequestWork implements Work {
  readonly #chat: Operation;

  constructor({ seen, start }: Workshop) {
    const { subject } = seen;
    this.#chat = start({ operation: 'chat', name: subject?.model ?? '', subject, parent: null });
  }

  span(): SpanLike | null {
    return this.#chat.span;
  }

  heard(fact: Fact): void {
    const { failure } = fact as { readonly failure?: { readonly kind: string; readonly code: unknown } };
    if (fact.type === 'stream.retrying' || fact.type === 'interaction.retrying')
      this.#chat.event(fact.type, { 'espalier.failure': failure?.kind ?? '', 'espalier.delay_ms': Number(fact['delayMs']) });
    else if (fact.type === 'stream.completed') this.ended(null);
    else if (fact.type === 'stream.failed') this.ended(failure?.kind ?? 'failed');
    else if (fact.type === 'stream.cancelled') this.ended('cancelled');
  }

  ended(error: ErrorType): void {
    this.#chat.end(error);
  }
}

/** The id of a call, where it has one. */
export function callId(id: string | null): Readonly<Record<string, string>> {
  return id === null ? {} : { [genAi.toolCallId]: id };
}
