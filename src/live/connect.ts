/**
 * A session that an app starts by itself: a promise of it, and callbacks in the manner of `@google/genai`.
 *
 *   const session = await connectLive({ apiKey, model, tools }, { signal, callbacks: { onMessage, onClose } });
 *
 * The session is the root of an actor system of its own, and not the child of an orchestrator: a supervisor above a single child that it never restarts
 * would decide nothing, and it starts its child before anybody can listen. What an orchestrator gives beside that, the net beneath (contain.ts), comes
 * with the task supervisor of the session's tools. The session's own deadlines bound every stage, and its owner is whoever has the handle: it ends by
 * `close()`, by `await using`, or by `signal`. In an app with a tree, `liveSession` is a child of that.
 */
import { type ActorOptions, type AnyActorLogic, createActor, type InspectionEvent } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { printFault } from '../supervision/last-resort.js';
import { eventsOfFact, type LiveEvent, type LiveEventOf } from './events.js';
import { type LiveFailure, type LiveSession, liveSessionHandle, outcomeOf, type SessionOutcome } from './handle.js';
import { isAbortSignal, sortOf } from '../option-checks.js';
import { aborted, LiveError } from './live-error.js';
import type { LiveSessionOptions } from './options.js';
import { invalid, requireFunction, requireOptions } from './refusal.js';
import { liveSession } from './session.js';
import { keepBeginning } from './stream.js';

/** The end of a session, as a callback is told it. */
export interface LiveClose {
  /** A close code, an HTTP status, or a name such as `ECONNREFUSED`. */
  readonly code: number | string;
  readonly reason: string;
  /** Was it closed in order, by either side? */
  readonly wasClean: boolean;
  /** What ended it otherwise; null where it was closed in order. */
  readonly failure: LiveFailure | null;
}

/** What went wrong. `message` is for people. */
export type LiveFault =
  /** A frame, or a part of one, could not be read; the session goes on. */
  | { readonly kind: 'malformed'; readonly message: string; readonly reason: string; readonly excerpt: string }
  /** A callback or listener of the app threw, or its promise was rejected; nothing else has come of it. */
  | { readonly kind: 'callbackThrew'; readonly message: string; readonly callback: string; readonly error: unknown }
  /** The session has failed for good; `onClose` follows. A lost socket that is being replaced is an event, `session.reconnecting`. */
  | { readonly kind: 'failed'; readonly message: string; readonly failure: LiveFailure };

/**
 * Told in the order of the wire, and never waited for: one that returns a promise is not awaited. Each gets the session, which is there from the first
 * one on: answering, sending and closing from inside work as from outside. One that throws harms nobody: `onError` is told.
 */
export interface LiveCallbacks {
  /** The server has accepted a setup, and messages can be sent: at first, and again over every new socket. */
  onOpen?(ready: { readonly sessionId: string | null; readonly resumed: boolean }, session: LiveSession): unknown;
  /** Each message of the server as it came, `setupComplete` the first. */
  onMessage?(message: JsonObject, session: LiveSession): unknown;
  /** Each event, see {@link LiveEvent}. */
  onEvent?(event: LiveEvent, session: LiveSession): unknown;
  /** Default: what a callback threw goes to `console.error`; the rest can be had otherwise. */
  onError?(fault: LiveFault, session: LiveSession): unknown;
  /** The session has ended: once, and last, however it ended; also where it never was ready. */
  onClose?(close: LiveClose, session: LiveSession): unknown;
  /** Events by their type: `on: { text: ({ text }) => …, 'tool.called': ({ name }) => … }`. */
  readonly on?: { readonly [Type in LiveEvent['type']]?: (event: LiveEventOf<Type>, session: LiveSession) => unknown };
}

/** Beside the session's own options. */
export interface ConnectOptions {
  /** Honoured at every stage: before the start nothing begins; until it is ready the promise rejects; later the session is closed in order. */
  readonly signal?: AbortSignal;
  readonly callbacks?: LiveCallbacks;
  /** Where time comes from. Default: the machine's own. */
  readonly clock?: Clock;
  /** XState's own: told of every actor, event and transition beneath the session, so that an inspector can look at it. One that throws harms nobody. */
  readonly inspect?: NonNullable<ActorOptions<AnyActorLogic>['inspect']>;
}

const callbackNames = ['onOpen', 'onMessage', 'onEvent', 'onError', 'onClose'] as const;

/**
 * Starts a session and waits until messages can be sent. An attempt takes at most `connectMs` + `setupMs`, in which a token is fetched, too; behind a gate, the
 * wait for its permit comes before the first, at most `waitMs`. There is one attempt, and another without the handle where the server refuses that; only a
 * session that is told to leave its socket in the message that accepts its setup has more, as `reconnect` allows. `signal` bounds it all. Nothing is left
 * behind where that does not come about.
 * @returns (a promise of) the session, ready
 * @throws (as rejection) {@link LiveError} `live/not-connected`, with `kind`, `code` and `reason` in its details; EspalierError `live/invalid-options` or
 *         `live/invalid-tool` for misuse, before anything starts
 */
export async function connectLive(options: LiveSessionOptions, connectOptions: ConnectOptions = {}): Promise<LiveSession> {
  requireOptions('options of connectLive', connectOptions, ['signal', 'callbacks', 'clock', 'inspect']);
  const { signal, callbacks = {}, clock = systemClock, inspect } = connectOptions;
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', sortOf(signal));
  requireCallbacks(callbacks);
  requireClock(clock);
  const inspector = inspect === undefined ? {} : { inspect: inspectorOf(inspect) };
  const logic = liveSession(options);
  if (isAborted(signal)) throw notConnected(aborted, signal?.reason);

  const root = createActor(logic, { clock, id: 'live', ...inspector });
  const session = liveSessionHandle(root, { onListenerError: (error, type) => teller.threw(`on('${type}')`, error) });
  const teller = new Teller(session, callbacks);
  keepBeginning(root);
  root.on('*', (fact) => teller.tell(fact));
  const abort = () => root.send({ type: 'session.close' });
  const ended = () => {
    signal?.removeEventListener('abort', abort);
    teller.close(outcomeOf(root));
  };
  // Heard here, a crash is no uncaught exception: it is the session's outcome.
  root.subscribe({ complete: ended, error: ended });
  signal?.addEventListener('abort', abort, { once: true });
  root.start();

  const ready = await session.ready();
  if (isAborted(signal)) {
    await session.ended();
    throw notConnected(aborted, signal?.reason);
  }
  if (!ready.ok) throw notConnected(ready.failure);
  return session;
}

/** A throw within XState's own step would end the session. @throws EspalierError `live/invalid-options` */
function inspectorOf(inspect: NonNullable<ConnectOptions['inspect']>): (event: InspectionEvent) => void {
  const next = typeof inspect === 'function' ? inspect : inspect?.next?.bind(inspect);
  if (typeof next !== 'function') throw invalid('inspect', 'a function, or an observer with next()', sortOf(inspect));
  return (event) => {
    try {
      next(event);
    } catch (error) {
      printFault('inspect', error);
    }
  };
}

/** Asked anew each time: the compiler would take the first answer for the last. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function notConnected(failure: Pick<LiveError['details'], 'kind' | 'code' | 'reason'>, cause?: unknown): LiveError {
  return new LiveError('live/not-connected', 'a session that the server accepts', failure, cause === undefined ? undefined : { cause });
}

/** Refuses callbacks that are none, and names that nobody would ever call. @throws EspalierError `live/invalid-options` */
function requireCallbacks(callbacks: LiveCallbacks): void {
  requireOptions('callbacks', callbacks, [...callbackNames, 'on']);
  for (const name of callbackNames) requireFunction(`callbacks.${name}`, callbacks[name]);
  const { on } = callbacks;
  if (on === undefined) return;
  if (typeof on !== 'object' || on === null) throw invalid('callbacks.on', 'functions by the type of event', sortOf(on));
  for (const [type, callback] of Object.entries(on)) requireFunction(`callbacks.on['${type}']`, callback);
}

/** Tells the callbacks of one session. None of its methods throws. */
class Teller {
  readonly #session: LiveSession;
  readonly #callbacks: LiveCallbacks;
  readonly #wantsEvents: boolean;

  constructor(session: LiveSession, callbacks: LiveCallbacks) {
    this.#session = session;
    this.#callbacks = callbacks;
    this.#wantsEvents = callbacks.onEvent !== undefined || callbacks.on !== undefined;
  }

  tell(fact: SessionEmitted): void {
    const { onMessage, onOpen } = this.#callbacks;
    if (fact.type === 'session.message' && onMessage !== undefined) this.#call('onMessage', onMessage, fact.message);
    if (fact.type === 'session.ready' && onOpen !== undefined) this.#call('onOpen', onOpen, { sessionId: fact.sessionId, resumed: fact.resumed });
    if (this.#wantsEvents) for (const event of eventsOfFact(fact)) this.#tellEvent(event);
    if (fact.type !== 'session.malformed') return;
    const { reason, detail, excerpt } = fact;
    this.#fault({ kind: 'malformed', message: `a frame could not be read: ${detail}`, reason, excerpt });
  }

  close(outcome: SessionOutcome): void {
    if (!outcome.ok) {
      const { failure } = outcome;
      this.#fault({ kind: 'failed', message: `the session failed: ${failure.kind}, ${failure.code}, ${failure.reason}`, failure });
    }
    const { code, reason } = outcome.ok ? outcome.end : outcome.failure;
    const close: LiveClose = { code, reason, wasClean: outcome.ok, failure: outcome.ok ? null : outcome.failure };
    if (this.#callbacks.onClose !== undefined) this.#call('onClose', this.#callbacks.onClose, close);
  }

  threw(callback: string, error: unknown): void {
    this.#fault({ kind: 'callbackThrew', message: `${callback} threw`, callback, error });
  }

  #tellEvent(event: LiveEvent): void {
    const { onEvent, on } = this.#callbacks;
    if (onEvent !== undefined) this.#call('onEvent', onEvent, event);
    const own = on !== undefined && Object.hasOwn(on, event.type) ? on[event.type] : undefined;
    if (own !== undefined) this.#call(`on['${event.type}']`, own as (event: LiveEvent, session: LiveSession) => unknown, event);
  }

  #call<Told>(
    name: string,
    callback: (told: Told, session: LiveSession) => unknown,
    told: Told,
    threw = (error: unknown) => this.threw(name, error),
  ): void {
    try {
      const result = callback.call(this.#callbacks, told, this.#session);
      // An async callback: its rejection would be an uncaught exception.
      const then = (result as { then?: unknown } | null | undefined)?.then;
      if (typeof then === 'function') then.call(result, undefined, threw);
    } catch (error) {
      threw(error);
    }
  }

  #fault(fault: LiveFault): void {
    const { onError } = this.#callbacks;
    if (onError !== undefined) this.#call('onError', onError, fault, (error) => printFault('onError', error));
    else if (fault.kind === 'callbackThrew') printFault(fault.callback, fault.error);
  }
}
