/**
 * What an app holds of a running Live session.
 *
 * Every promise here has an owner, the session's actor: when that ends, however it ends, each is settled. None ever rejects, and a call on a session
 * that has ended is answered, where XState would drop the event.
 */
import { type SessionEnd, type SessionFailure, wordsOf } from '../../machines/live/ending.js';
import { type RejectReason, type SessionEmitted, sessionMachine } from '../../machines/live/session.js';
import type { JsonObject } from '../../machines/live/calls.js';
import { logicOf } from '../supervision/xstate-internals.js';
import type { ClientMessage } from '../wire/gemini/live.js';
import { invalid, isPlainObject, requireOptions, sortOf } from './refusal.js';
import type { LiveSessionRef } from './session.js';

/** `lost`: handed to the socket, but the session ended before it was known to be written. `full`: {@link maxUnconfirmed} sends wait already. */
export type SendOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: RejectReason | 'lost' | 'full' };

/** Beyond what the session itself says: `stopped` from outside, without a word; `crashed` in a transition. */
export type LiveFailure = SessionFailure | { readonly kind: 'stopped' | 'crashed'; readonly code: string; readonly reason: string };

/** How a session has ended: in order, or by a failure. */
export type SessionOutcome = { readonly ok: true; readonly end: SessionEnd } | { readonly ok: false; readonly failure: LiveFailure };

/** `failure.kind` is `closed` where somebody closed it before it was ready, or before it was asked. */
export type ReadyOutcome = { readonly ok: true } | { readonly ok: false; readonly failure: LiveFailure | ({ readonly kind: 'closed' } & SessionEnd) };

type Emitted<Type extends SessionEmitted['type']> = Extract<SessionEmitted, { type: Type }>;

/** A running session, as an app holds it: made by {@link liveSessionHandle}. Disposing of it closes the session. */
export interface LiveSession extends AsyncDisposable {
  /** The session's actor. */
  readonly ref: LiveSessionRef;
  /** Settles when messages can be sent, or when that will never be; at the latest after `connectMs` + `setupMs`. */
  ready(): Promise<ReadyOutcome>;
  /** Settles at the session's end. */
  ended(): Promise<SessionOutcome>;
  /**
   * A turn of the user. `turnComplete: false` leaves the turn open. Settles when written. Like the other sends it rejects for misuse only, with
   * EspalierError `live/invalid-options`: what is no text, or no object of the protocol, would cost the conversation.
   */
  sendText(text: string, options?: { readonly turnComplete?: boolean }): Promise<SendOutcome>;
  /** Turns of the conversation, in order; they interrupt the model. Settles when written. */
  sendClientContent(content: NonNullable<ClientMessage['clientContent']>): Promise<SendOutcome>;
  /** Audio, video or text as it flows, and where the user's activity begins and ends. Settles when written. */
  sendRealtimeInput(input: NonNullable<ClientMessage['realtimeInput']>): Promise<SendOutcome>;
  /** Abandons running calls, closes in order, settles at the session's end. Twice is once. */
  close(): Promise<SessionOutcome>;
  /**
   * Facts of the session, as it emits them. A listener that throws harms neither the session nor other listeners.
   * @throws EspalierError `live/invalid-options` when the listener is no function
   */
  on<Type extends SessionEmitted['type']>(type: Type, listener: (fact: Emitted<Type>) => void): { unsubscribe(): void };
}

/** Options of {@link liveSessionHandle}. */
export interface LiveHandleOptions {
  /** Told what a listener threw. Default: `console.error`. */
  readonly onListenerError?: (error: unknown, type: string) => void;
}

/** Sends of one handle that may wait to be written. */
export const maxUnconfirmed = 1_000;

/**
 * The handle of a running session. Any number of handles may hold one session.
 * @param ref  the actor that runs {@link liveSession}, or that a supervisor runs it as
 * @throws EspalierError `live/invalid-options` when the actor runs something else
 */
export function liveSessionHandle(ref: LiveSessionRef, options: LiveHandleOptions = {}): LiveSession {
  if (!isSession(ref)) throw invalid('ref', 'an actor that runs liveSession()', sortOf(ref));
  requireOptions('options of the handle', options, ['onListenerError']);
  const { onListenerError = printError } = options;
  if (typeof onListenerError !== 'function') throw invalid('onListenerError', 'a function', sortOf(onListenerError));
  return new Handle(ref, onListenerError);
}

/** Does the actor run the session's chart? Told by its definition, which provide() keeps. */
function isSession(ref: LiveSessionRef | null | undefined): boolean {
  return typeof ref?.getSnapshot === 'function' && (logicOf(ref) as { config?: unknown } | undefined)?.config === sessionMachine.config;
}

/** Tells the sends of one handle from those of another. */
let handleCount = 0;

class Handle implements LiveSession {
  readonly ref: LiveSessionRef;
  readonly #name = `h${++handleCount}`;
  readonly #onListenerError: (error: unknown, type: string) => void;
  readonly #unconfirmed = new Map<string, (outcome: SendOutcome) => void>();
  #sendCount = 0;

  constructor(ref: LiveSessionRef, onListenerError: (error: unknown, type: string) => void) {
    this.ref = ref;
    this.#onListenerError = onListenerError;
    ref.on('session.sent', (fact) => this.#settle(fact.ref, { ok: true }));
    ref.on('session.rejected', (fact) => this.#settle(fact.ref, { ok: false, reason: fact.reason }));
    const lose = () => {
      for (const sendRef of [...this.#unconfirmed.keys()]) this.#settle(sendRef, { ok: false, reason: 'lost' });
    };
    ref.subscribe({ complete: lose, error: lose });
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

  async sendText(text: string, options: { readonly turnComplete?: boolean } = {}): Promise<SendOutcome> {
    if (typeof text !== 'string') throw invalid('text', 'text', sortOf(text));
    requireOptions('options', options, ['turnComplete']);
    const { turnComplete = true } = options;
    return this.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }], turnComplete });
  }

  async sendClientContent(clientContent: NonNullable<ClientMessage['clientContent']>): Promise<SendOutcome> {
    if (!isPlainObject(clientContent)) throw invalid('content', 'a plain object', sortOf(clientContent));
    return this.#send({ clientContent });
  }

  async sendRealtimeInput(realtimeInput: NonNullable<ClientMessage['realtimeInput']>): Promise<SendOutcome> {
    if (!isPlainObject(realtimeInput)) throw invalid('input', 'a plain object', sortOf(realtimeInput));
    return this.#send({ realtimeInput });
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #send(message: JsonObject): Promise<SendOutcome> {
    if (this.ref.getSnapshot().status !== 'active') return Promise.resolve({ ok: false, reason: 'closed' });
    if (this.#unconfirmed.size >= maxUnconfirmed) return Promise.resolve({ ok: false, reason: 'full' });
    const sendRef = `${this.#name}:${++this.#sendCount}`;
    return new Promise((resolve) => {
      this.#unconfirmed.set(sendRef, resolve);
      this.ref.send({ type: 'session.send', message, ref: sendRef });
    });
  }

  #settle(sendRef: string | null, outcome: SendOutcome): void {
    if (sendRef === null) return;
    const resolve = this.#unconfirmed.get(sendRef);
    this.#unconfirmed.delete(sendRef);
    resolve?.(outcome);
  }
}

/** How a session that is no longer active has ended. */
function outcomeOf(ref: LiveSessionRef): SessionOutcome {
  const { status, output, error } = ref.getSnapshot();
  if (status === 'done' && output !== undefined) {
    if (output.failure !== null) return { ok: false, failure: output.failure };
    if (output.end !== null) return { ok: true, end: output.end };
  }
  if (status === 'error') return { ok: false, failure: { kind: 'crashed', code: 'crash', reason: wordsOf(error) } };
  return { ok: false, failure: { kind: 'stopped', code: 'stopped', reason: 'stopped from outside' } };
}

function printError(error: unknown, type: string): void {
  // oxlint-disable-next-line no-console -- the app's bug must be seen somewhere, and rethrowing it would end the process
  console.error(`espalier: a listener of '${type}' threw`, error);
}
