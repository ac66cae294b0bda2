/**
 * What an app holds of a running Live session.
 *
 * Every promise here has an owner, the session's actor: when that ends, however it ends, each is settled. None ever rejects, and a call on a session
 * that has ended is answered, where XState would drop the event.
 */
import { isOpen, type JsonObject } from '../../machines/live/calls.js';
import { type SessionEnd, type SessionFailure, wordsOf } from '../../machines/live/ending.js';
import { sessionMachine } from '../../machines/live/session.js';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { isInTurn, logicOf } from '../supervision/xstate-internals.js';
import type { ClientMessage } from '../wire/gemini/live.js';
import type { LiveEvent } from './events.js';
import { printFault } from './last-resort.js';
import { invalid, isPlainObject, requireOptions, sortOf } from './refusal.js';
import type { LiveSessionRef } from './session.js';
import { answerTo, type LiveToolResponse } from './tool-plan.js';
import { schedulings } from './tools.js';
import { liveEvents, type LiveEventsOptions } from './stream.js';
import { laneOf, type SendOutcome, uplinkOf } from './uplink.js';

/** Beyond what the session itself says: `stopped` from outside, without a word; `crashed` in a transition. */
export type LiveFailure = SessionFailure | { readonly kind: 'stopped' | 'crashed'; readonly code: string; readonly reason: string };

/** How a session has ended: in order, or by a failure. */
export type SessionOutcome = { readonly ok: true; readonly end: SessionEnd } | { readonly ok: false; readonly failure: LiveFailure };

/** `failure.kind` is `closed` where somebody closed it before it was ready, or before it was asked. */
export type ReadyOutcome = { readonly ok: true } | { readonly ok: false; readonly failure: LiveFailure | ({ readonly kind: 'closed' } & SessionEnd) };

/** An answer that is sent by hand: it names its call. */
export type LiveAnswer = LiveToolResponse & { readonly id: string };

/** What became of an answer: `queued` where it waits for a socket, or for the turn that the session is in; a `tool.answered` or a `tool.rejected` follows. */
export type AnswerOutcome =
  | { readonly id: string; readonly status: 'sent' | 'queued' }
  /** `unknown`: no such call; `pending`: a part of an answer to a call that does not run yet; `ended`: it has its answer, or was taken back. */
  | { readonly id: string; readonly status: 'rejected'; readonly reason: 'unknown' | 'pending' | 'ended' | 'closed' };

/** The facts of a type; also where the union of facts writes several types as one, which `Extract` passes over. */
type Emitted<Type extends SessionEmitted['type'], Fact = SessionEmitted> = Fact extends { type: infer Own }
  ? Type extends Own
    ? Fact & { readonly type: Type }
    : never
  : never;

/** A running session, as an app holds it: made by {@link liveSessionHandle}. Disposing of it closes the session. */
export interface LiveSession extends AsyncDisposable {
  /** The session's actor. */
  readonly ref: LiveSessionRef;
  /** Settles when messages can be sent, or when that will never be; at the latest after `connectMs` + `setupMs`. */
  ready(): Promise<ReadyOutcome>;
  /** Settles at the session's end. */
  ended(): Promise<SessionOutcome>;
  /**
   * A turn of the user. `turnComplete: false` leaves the turn open. Like the other sends it answers at once, and throws for misuse only,
   * EspalierError `live/invalid-options`: what is no text, or no object of the protocol, would cost the conversation.
   */
  sendText(text: string, options?: { readonly turnComplete?: boolean }): SendOutcome;
  /** Turns of the conversation, in order; they interrupt the model. */
  sendClientContent(content: NonNullable<ClientMessage['clientContent']>): SendOutcome;
  /** Audio, video or text as it flows, and where the user's activity begins and ends. */
  sendRealtimeInput(input: NonNullable<ClientMessage['realtimeInput']>): SendOutcome;
  /** Replaces the instruction, or the tools, of the conversation that is going on. */
  sendContextUpdate(update: NonNullable<ClientMessage['contextUpdate']>): SendOutcome;
  /**
   * Answers calls: from anywhere, at any time, also from inside a callback of this session. It never waits for the session's turn.
   * @throws EspalierError `live/invalid-options` for what is no answer, before any is sent
   */
  sendToolResponse(responses: LiveAnswer | readonly LiveAnswer[]): readonly AnswerOutcome[];
  /** Abandons running calls, closes in order, settles at the session's end. Twice is once. */
  close(): Promise<SessionOutcome>;
  /**
   * Facts of the session, as it emits them. A listener that throws harms neither the session nor other listeners.
   * @throws EspalierError `live/invalid-options` when the listener is no function
   */
  on<Type extends SessionEmitted['type']>(type: Type, listener: (fact: Emitted<Type>) => void): { unsubscribe(): void };
  /**
   * What the server says and the session tells, to be iterated over: `for await (const event of session.events())`. See `liveEvents`.
   * @throws EspalierError `live/invalid-options`
   */
  events(options?: LiveEventsOptions): AsyncIterable<LiveEvent>;
}

/** Options of {@link liveSessionHandle}. */
export interface LiveHandleOptions {
  /** Told what a listener threw. Default: `console.error`. */
  readonly onListenerError?: (error: unknown, type: string) => void;
}

/**
 * The handle of a running session. Any number of handles may hold one session.
 * @param ref  the actor that runs `liveSession`, or that a supervisor runs it as
 * @throws EspalierError `live/invalid-options` when the actor runs something else
 */
export function liveSessionHandle(ref: LiveSessionRef, options: LiveHandleOptions = {}): LiveSession {
  if (!isSession(ref)) throw invalid('ref', 'an actor that runs liveSession()', sortOf(ref));
  requireOptions('options of the handle', options, ['onListenerError']);
  const { onListenerError = (error: unknown, type: string) => printFault(`a listener of '${type}'`, error) } = options;
  if (typeof onListenerError !== 'function') throw invalid('onListenerError', 'a function', sortOf(onListenerError));
  return new Handle(ref, onListenerError);
}

/** Does the actor run the session's chart? Told by its definition, which provide() keeps. */
function isSession(ref: LiveSessionRef | null | undefined): boolean {
  return typeof ref?.getSnapshot === 'function' && (logicOf(ref) as { config?: unknown } | undefined)?.config === sessionMachine.config;
}

class Handle implements LiveSession {
  readonly ref: LiveSessionRef;
  readonly #onListenerError: (error: unknown, type: string) => void;

  constructor(ref: LiveSessionRef, onListenerError: (error: unknown, type: string) => void) {
    this.ref = ref;
    this.#onListenerError = onListenerError;
  }

  ready(): Promise<ReadyOutcome> {
    return new Promise((resolve) => {
      const look = () => {
        const snapshot = this.ref.getSnapshot();
        if (snapshot.status === 'active' && !snapshot.hasTag('accepting')) return false;
        const outcome = snapshot.status === 'active' ? null : outcomeOf(this.ref);
        if (outcome === null) resolve({ ok: true });
        else resolve(outcome.ok ? { ok: false, failure: { kind: 'closed', ...outcome.end } } : outcome);
        return true;
      };
      if (look()) return;
      const subscription = this.ref.subscribe({
        next: () => {
          if (look()) subscription.unsubscribe();
        },
        complete: look,
        error: look,
      });
    });
  }

  ended(): Promise<SessionOutcome> {
    return new Promise((resolve) => {
      const look = () => resolve(outcomeOf(this.ref));
      if (this.ref.getSnapshot().status === 'active') this.ref.subscribe({ complete: look, error: look });
      else look();
    });
  }

  sendText(text: string, options: { readonly turnComplete?: boolean } = {}): SendOutcome {
    if (typeof text !== 'string') throw invalid('text', 'text', sortOf(text));
    requireOptions('options', options, ['turnComplete']);
    const { turnComplete = true } = options;
    return this.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }], turnComplete });
  }

  sendClientContent(clientContent: NonNullable<ClientMessage['clientContent']>): SendOutcome {
    return this.#send('content', clientContent, { clientContent });
  }

  sendRealtimeInput(realtimeInput: NonNullable<ClientMessage['realtimeInput']>): SendOutcome {
    const outcome = this.#send('input', realtimeInput, { realtimeInput });
    // The app says itself when its user speaks; a refused word changes nothing.
    if (outcome.status !== 'rejected' && realtimeInput.activityStart !== undefined) this.ref.send({ type: 'speech.started' });
    if (outcome.status !== 'rejected' && realtimeInput.activityEnd !== undefined) this.ref.send({ type: 'speech.ended' });
    return outcome;
  }

  sendContextUpdate(contextUpdate: NonNullable<ClientMessage['contextUpdate']>): SendOutcome {
    return this.#send('update', contextUpdate, { contextUpdate });
  }

  sendToolResponse(responses: LiveAnswer | readonly LiveAnswer[]): readonly AnswerOutcome[] {
    const list = Array.isArray(responses) ? (responses as readonly LiveAnswer[]) : [responses as LiveAnswer];
    for (const answer of list) {
      const isAnswer = isPlainObject(answer) && typeof answer.id === 'string' && Object.hasOwn(answer, 'response') && isJson(answer.response);
      if (!isAnswer) throw invalid('response', '{ id, response } with a response that is JSON', sortOf(answer));
      if (answer.scheduling !== undefined && !schedulings.includes(answer.scheduling))
        throw invalid('scheduling', schedulings.join(', '), sortOf(answer.scheduling));
    }
    return list.map((answer) => this.#answer(answer));
  }

  close(): Promise<SessionOutcome> {
    const ended = this.ended();
    if (this.ref.getSnapshot().status === 'active') this.ref.send({ type: 'session.close' });
    return ended;
  }

  on<Type extends SessionEmitted['type']>(type: Type, listener: (fact: Emitted<Type>) => void): { unsubscribe(): void } {
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    // XState makes of a throwing listener an uncaught exception.
    return this.ref.on(type, (fact) => {
      try {
        listener(fact as unknown as Emitted<Type>);
      } catch (error) {
        this.#onListenerError(error, type);
      }
    });
  }

  events(options?: LiveEventsOptions): AsyncIterable<LiveEvent> {
    return liveEvents(this, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Past the chart: audio costs no transition, and all is answered at once, also within the session's own turn. */
  #send(name: string, body: unknown, message: JsonObject): SendOutcome {
    if (!isPlainObject(body)) throw invalid(name, 'a plain object', sortOf(body));
    if (this.ref.getSnapshot().status !== 'active') return { status: 'rejected', reason: 'closed' };
    const outcome = uplinkOf(this.ref)?.send(message) ?? ({ status: 'rejected', reason: 'unstarted' } as const);
    if (outcome.status !== 'rejected' && laneOf(message) === 'content') this.ref.send({ type: 'turn.requested' });
    return outcome;
  }

  #answer(answer: LiveAnswer): AnswerOutcome {
    const { id } = answer;
    if (this.ref.getSnapshot().status !== 'active') return { id, status: 'rejected', reason: 'closed' };
    // Within the session's own turn the call may be so new that its snapshot has none yet: what becomes of the answer is told by a fact.
    if (!isInTurn(this.ref)) {
      const row = this.#rowOf(id);
      if (row === undefined) return this.#answerUnknown(answer);
      if (!isOpen(row) || row.status === 'answering') return { id, status: 'rejected', reason: 'ended' };
      if (row.status === 'pending' && answer.willContinue === true) return { id, status: 'rejected', reason: 'pending' };
    }
    answerTo(this.ref, id, answer);
    return { id, status: this.#rowOf(id)?.status === 'answered' ? 'sent' : 'queued' };
  }

  /** A call that this session never heard of: only an answer that says so is written, and none once the session takes its leave. */
  #answerUnknown(answer: LiveAnswer): AnswerOutcome {
    const { id, unsolicited } = answer;
    if (unsolicited === undefined) return { id, status: 'rejected', reason: 'unknown' };
    if (uplinkOf(this.ref)?.isOver !== false) return { id, status: 'rejected', reason: 'closed' };
    answerTo(this.ref, id, answer);
    return { id, status: 'queued' };
  }

  #rowOf(id: string) {
    return this.ref.getSnapshot().context.calls.rows.find((row) => row.id === id);
  }
}

/** How a session that is no longer active has ended. */
export function outcomeOf(ref: LiveSessionRef): SessionOutcome {
  const { status, output, error } = ref.getSnapshot();
  if (status === 'done' && output !== undefined) {
    if (output.failure !== null) return { ok: false, failure: output.failure };
    if (output.end !== null) return { ok: true, end: output.end };
  }
  if (status === 'error') return { ok: false, failure: { kind: 'crashed', code: 'crash', reason: wordsOf(error) } };
  return { ok: false, failure: { kind: 'stopped', code: 'stopped', reason: 'stopped from outside' } };
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value ?? null) !== undefined;
  } catch {
    return false;
  }
}
