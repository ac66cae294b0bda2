/**
 * What an app holds of a running Live session.
 *
 * Every promise here has an owner, the session's actor: when that ends, however it ends, each is settled. None ever rejects, and a call on a session
 * that has ended is answered, where XState would drop the event.
 */
import { isOpen, type JsonObject, rowOf } from '../../machines/live/calls.js';
import { type SessionEnd, type SessionFailure, wordsOf } from '../../machines/live/ending.js';
import { asksForTurn } from '../../machines/live/messages.js';
import { sessionMachine } from '../../machines/live/session.js';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { printFault } from '../supervision/last-resort.js';
import { isInTurn, runsMachine } from '../supervision/xstate-internals.js';
import type { ClientMessage } from '../wire/gemini/live.js';
import type { LiveEvent } from './events.js';
import { answerMessage } from './parts.js';
import { isPlainObject, jsonOf, sortOf } from '../option-checks.js';
import { invalid, requireOptions } from './refusal.js';
import { requireInput, requireKind } from './sendable.js';
import type { LiveSessionRef } from './session.js';
import { liveEvents, type LiveEventsOptions } from './stream.js';
import { answerTo, listOf, type LiveToolResponse } from './tool-plan.js';
import { isListOfParts, objectOf, schedulings } from './tools.js';
import type { SendOutcome } from './uplink.js';
import { uplinkOf } from './uplink-actor.js';

/** Beyond what the session itself says: `stopped` from outside, without a word; `crashed` in a transition. */
export type LiveFailure = SessionFailure | { readonly kind: 'stopped' | 'crashed'; readonly code: string; readonly reason: string };

/** How a session has ended: in order, or by a failure. */
export type SessionOutcome = { readonly ok: true; readonly end: SessionEnd } | { readonly ok: false; readonly failure: LiveFailure };

/** `failure.kind` is `closed` where somebody closed it before it was ready, or before it was asked. */
export type ReadyOutcome = { readonly ok: true } | { readonly ok: false; readonly failure: LiveFailure | ({ readonly kind: 'closed' } & SessionEnd) };

/** An answer that is sent by hand: it names its call. */
export type LiveAnswer = LiveToolResponse & { readonly id: string };

/** One answer, a list of them, or either in the form that `@google/genai` has. */
export type LiveAnswers = LiveAnswer | readonly LiveAnswer[] | { readonly functionResponses: LiveAnswer | readonly LiveAnswer[] };

/** What became of an answer. */
export type AnswerOutcome =
  /**
   * `sent`: a socket has it; where that one is lost before it was passed on, the next one gets it. `queued`: it waits for a socket, or for the turn that the
   * session is in. The last answer to a call is told to be written by `tool.answered`; what turns out not to be taken, by `tool.rejected`; what the session
   * could not write before its end, or before it lost the conversation, by `tool.abandoned`.
   */
  | { readonly id: string; readonly status: 'sent' | 'queued' }
  /**
   * `unknown`: no such call; `ended`: it has its answer, or was taken back. Of a part of an answer: `pending`, its call does not run yet; `blocking`, the
   * model waits for all of it. Of a part, or an answer that nobody asked for: `full`, beyond what may wait.
   */
  | { readonly id: string; readonly status: 'rejected'; readonly reason: 'unknown' | 'pending' | 'ended' | 'closed' | 'blocking' | 'full' };

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
  /**
   * Settles when messages can be sent, or when that will never be. Each attempt takes at most `connectMs` + `setupMs`, behind a gate its `waitMs` before the
   * first. A session that was never ready has one, one that comes back from a lost socket has as many as `reconnect` allows, with the pauses
   * between them; either has another, at once, where the server refuses its handle.
   */
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
  /** Replaces the instruction, or the tools, of the conversation that is going on, and of every socket from now on. */
  sendContextUpdate(update: NonNullable<ClientMessage['contextUpdate']>): SendOutcome;
  /**
   * Answers calls: from anywhere, at any time, also from inside a callback of this session. It never waits for the session's turn.
   * @throws EspalierError `live/invalid-options` for what is no answer, before any is sent
   */
  sendToolResponse(responses: LiveAnswers): readonly AnswerOutcome[];
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
  if (!runsMachine(ref, sessionMachine)) throw invalid('ref', 'an actor that runs liveSession()', sortOf(ref));
  requireOptions('options of the handle', options, ['onListenerError']);
  const { onListenerError = (error: unknown, type: string) => printFault(`a listener of '${type}'`, error) } = options;
  if (typeof onListenerError !== 'function') throw invalid('onListenerError', 'a function', sortOf(onListenerError));
  return new Handle(ref, onListenerError);
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
    return this.#send({ clientContent: { turns: [{ role: 'user', parts: [{ text }] }], turnComplete } });
  }

  sendClientContent(clientContent: NonNullable<ClientMessage['clientContent']>): SendOutcome {
    requireKind('content', 'clientContent', clientContent);
    return this.#send({ clientContent });
  }

  sendRealtimeInput(realtimeInput: NonNullable<ClientMessage['realtimeInput']>): SendOutcome {
    requireInput(realtimeInput);
    const outcome = this.#send({ realtimeInput });
    // The app says itself when its user speaks. What waits is told when it is written, by the uplink; a refused word changes nothing.
    if (outcome.status === 'sent' && realtimeInput.activityStart !== undefined) this.ref.send({ type: 'speech.started' });
    if (outcome.status === 'sent' && realtimeInput.activityEnd !== undefined) this.ref.send({ type: 'speech.ended' });
    return outcome;
  }

  sendContextUpdate(contextUpdate: NonNullable<ClientMessage['contextUpdate']>): SendOutcome {
    requireKind('update', 'contextUpdate', contextUpdate);
    const outcome = this.#send({ contextUpdate });
    // A copy: the session keeps it for the setup of its next sockets.
    if (outcome.status !== 'rejected') this.ref.send({ type: 'setup.amended', update: JSON.parse(JSON.stringify(contextUpdate)) as JsonObject });
    return outcome;
  }

  sendToolResponse(responses: LiveAnswers): readonly AnswerOutcome[] {
    const list = listOf(responses) as readonly LiveAnswer[];
    for (const answer of list) {
      const isAnswer = isPlainObject(answer) && typeof answer.id === 'string' && Object.hasOwn(answer, 'response');
      if (!isAnswer || jsonOf(answer.response ?? null) === null)
        throw invalid('response', '{ id, response } with a response that is JSON', sortOf(answer));
      if (!isListOfParts(answer.parts)) throw invalid('parts', 'a list of objects of JSON', sortOf(answer.parts));
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
  #send(message: JsonObject): SendOutcome {
    if (this.ref.getSnapshot().status !== 'active') return { status: 'rejected', reason: 'closed' };
    const outcome = uplinkOf(this.ref)?.send(message) ?? ({ status: 'rejected', reason: 'unstarted' } as const);
    if (outcome.status !== 'sent' && outcome.status !== 'queued') return outcome;
    // Told only where it changes anything: audio flows, and only the first of it makes a handle old.
    const awaits = asksForTurn(message);
    if (awaits || isInTurn(this.ref) || this.ref.getSnapshot().context.isFresh) this.ref.send({ type: 'turn.requested', awaits });
    return outcome;
  }

  #answer(answer: LiveAnswer): AnswerOutcome {
    const { id } = answer;
    if (this.ref.getSnapshot().status !== 'active') return { id, status: 'rejected', reason: 'closed' };
    // Within the session's own turn the call may be so new that its snapshot has none yet: what becomes of the answer is told by a fact.
    if (isInTurn(this.ref)) {
      answerTo(this.ref, id, answer);
      return { id, status: 'queued' };
    }
    const reason = this.#refusalOf(answer);
    if (reason !== null) return { id, status: 'rejected', reason };
    answerTo(this.ref, id, answer);
    const isSent = uplinkOf(this.ref)?.hasHandedAll === true || this.#rowOf(id)?.status === 'answered';
    return { id, status: isSent ? 'sent' : 'queued' };
  }

  #refusalOf({ id, response, scheduling, unsolicited, willContinue }: LiveAnswer): Extract<AnswerOutcome, { status: 'rejected' }>['reason'] | null {
    const uplink = uplinkOf(this.ref);
    const row = this.#rowOf(id);
    const hasRoom = (rest: { name: string; scheduling?: string; willContinue?: boolean }) =>
      uplink?.hasRoomFor(() => answerMessage({ id, response: objectOf(id, response), ...rest })) !== false;
    if (row === undefined) {
      // A call that this session never heard of: only an answer that says so is written, and none once the session takes its leave.
      if (unsolicited === undefined) return 'unknown';
      if (uplink?.isOver !== false) return 'closed';
      return hasRoom({ name: unsolicited }) ? null : 'full';
    }
    if (!isOpen(row) || row.status === 'answering') return 'ended';
    if (willContinue !== true) return null;
    if (row.blocking) return 'blocking';
    if (row.status === 'pending') return 'pending';
    return hasRoom({ name: row.name, ...(scheduling === undefined ? {} : { scheduling }), willContinue }) ? null : 'full';
  }

  #rowOf(id: string) {
    return rowOf(this.ref.getSnapshot().context.calls, id);
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
