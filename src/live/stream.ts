/**
 * The events of a session, to be iterated over.
 *
 *   for await (const event of liveEvents(session)) if (event.type === 'text') print(event.text);
 *
 * Each iteration has a backlog of its own, and a reader that falls behind is felt by the server: at `maxBuffered` events the session's socket is read no
 * more, and again once half of them are. Then nothing of the server is heard, an interruption neither; so take events as they come, and let a player of
 * your own keep the audio. A socket that can't be paused, as in a browser, is read on; at {@link overflow} times `maxBuffered`, but no less than 256, the
 * oldest audio is let go for each event that comes (where there is none, the oldest event), which the reader is told first of all: `stream.dropped`.
 *
 * | the session               | the iteration                                                                     |
 * |---------------------------|-----------------------------------------------------------------------------------|
 * | is closed, in order       | ends after its last event, `session.closed`                                       |
 * | fails, or is stopped      | throws after its last event: {@link LiveError} `live/events-ended`                |
 * | goes on over a new socket | goes on                                                                           |
 *
 * Leaving the loop, or aborting `signal`, lets go of all that the iteration has: its listeners, its backlog, its pause.
 */
import type { AnyActorRef } from 'xstate';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { Backlog } from './backlog.js';
import { eventsOfFact, type LiveEvent } from './events.js';
import type { LiveSession, SessionOutcome } from './handle.js';
import { pauseIntake } from './intake.js';
import { isAbortSignal, sortOf } from '../option-checks.js';
import { aborted, LiveError } from './live-error.js';
import { invalid, requireOptions } from './refusal.js';

/** Options of {@link liveEvents}. */
export interface LiveEventsOptions {
  /** Events that may wait before the socket is paused, at least 1. Default 256. */
  readonly maxBuffered?: number;
  /** Ends the iteration: it throws {@link LiveError} `live/events-ended`, kind `aborted`. */
  readonly signal?: AbortSignal;
}

/** How many times `maxBuffered` may wait where the socket goes on all the same. */
export const overflow = 4;

const defaultMaxBuffered = 256;

/**
 * The events of a session as an async iterable. An iteration begins when its loop does; of a session made by `connectLive`, the first one has what was
 * told before, too (the last {@link defaultMaxBuffered} events). Any number may go on side by side; each gets every event.
 * @throws EspalierError `live/invalid-options`
 */
export function liveEvents(session: LiveSession, options: LiveEventsOptions = {}): AsyncIterable<LiveEvent> {
  requireOptions('options of the events', options, ['maxBuffered', 'signal']);
  const { maxBuffered = defaultMaxBuffered, signal } = options;
  if (!Number.isInteger(maxBuffered) || maxBuffered < 1) throw invalid('maxBuffered', 'a whole number, at least 1', maxBuffered);
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', sortOf(signal));
  return { [Symbol.asyncIterator]: () => new LiveEventIterator(session, maxBuffered, signal) };
}

/** What sessions have told that nobody iterated over yet. */
const beginnings = new WeakMap<AnyActorRef, { readonly backlog: Backlog; release(): void }>();

/** Keeps what a session tells, from now on, for its first iteration. The session is still to be started. */
export function keepBeginning(session: AnyActorRef): void {
  const backlog = new Backlog(defaultMaxBuffered);
  const listening = session.on('*', (fact) => {
    for (const event of eventsOfFact(fact as SessionEmitted)) backlog.push(event);
  });
  beginnings.set(session, { backlog, release: () => listening.unsubscribe() });
}

type Step = IteratorResult<LiveEvent, undefined>;

interface Reader {
  resolve(step: Step): void;
  reject(error: LiveError): void;
}

const done: Step = Object.freeze({ done: true, value: undefined });

class LiveEventIterator implements AsyncIterableIterator<LiveEvent, undefined> {
  readonly #session: LiveSession;
  readonly #maxBuffered: number;
  readonly #backlog: Backlog;
  /** Those who wait, each for one event; none while any waits for them. */
  readonly #readers: Reader[] = [];
  readonly #release: () => void;
  #resumeIntake: (() => void) | null = null;
  /** Has it ended; and with what, which is thrown once? */
  #end: { error: LiveError | null } | null = null;

  constructor(session: LiveSession, maxBuffered: number, signal: AbortSignal | undefined) {
    const { ref } = session;
    this.#session = session;
    this.#maxBuffered = maxBuffered;
    this.#backlog = new Backlog(Math.max(maxBuffered * overflow, defaultMaxBuffered));
    const listening = ref.on('*', (fact) => {
      for (const event of eventsOfFact(fact)) this.#tell(event);
    });
    const watching = ref.subscribe({ complete: () => this.#settle(), error: () => this.#settle() });
    const abort = () => this.#leave(new LiveError('live/events-ended', 'the events of a session', aborted, { cause: signal?.reason }));
    signal?.addEventListener('abort', abort, { once: true });
    this.#release = () => {
      listening.unsubscribe();
      watching.unsubscribe();
      signal?.removeEventListener('abort', abort);
      this.#resumeIntake?.();
      this.#resumeIntake = null;
    };
    this.#takeBeginning();
    if (signal?.aborted === true) abort();
    else if (ref.getSnapshot().status !== 'active') this.#settle();
  }

  next(): Promise<Step> {
    const value = this.#backlog.take();
    if (value !== undefined) {
      if (this.#backlog.length <= this.#maxBuffered / 2) {
        const resume = this.#resumeIntake;
        this.#resumeIntake = null; // before: what the socket has held back comes at once, and may pause it again
        resume?.();
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#end === null) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const { error } = this.#end;
    this.#end = { error: null };
    return error === null ? Promise.resolve(done) : Promise.reject(error);
  }

  return(): Promise<Step> {
    this.#leave(null);
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #takeBeginning(): void {
    const beginning = beginnings.get(this.#session.ref);
    if (beginning === undefined) return;
    beginnings.delete(this.#session.ref);
    beginning.release();
    for (let event = beginning.backlog.take(); event !== undefined; event = beginning.backlog.take()) this.#tell(event);
  }

  #tell(event: LiveEvent): void {
    if (this.#end !== null) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#backlog.push(event);
    if (this.#backlog.length >= this.#maxBuffered) this.#resumeIntake ??= pauseIntake(this.#session.ref);
  }

  /** The session is over: what waits is still read. */
  #settle(): void {
    void this.#session.ended().then((outcome) => this.#finish(errorOf(outcome)));
  }

  /** The reader is gone: what waits is not read. */
  #leave(error: LiveError | null): void {
    this.#backlog.clear();
    if (this.#end === null) this.#finish(error);
    else this.#end = { error: null };
  }

  #finish(error: LiveError | null): void {
    this.#release();
    if (this.#end !== null) return;
    const [first, ...others] = this.#readers.splice(0);
    this.#end = { error: first === undefined ? error : null };
    if (error === null) first?.resolve(done);
    else first?.reject(error);
    for (const reader of others) reader.resolve(done);
  }
}

function errorOf(outcome: SessionOutcome): LiveError | null {
  return outcome.ok ? null : new LiveError('live/events-ended', 'a session that goes on, or is closed in order', outcome.failure);
}
