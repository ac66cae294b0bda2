/**
 * An agent behind which a Live session stands.
 *
 *   createAgents({ logics: { voice: liveAgent({ apiKey, model: 'gemini-3.8-live' }) } })
 */
import type { JsonObject } from '../../machines/live/calls.js';
import { eventsOf, type WireEvent } from '../live/events.js';
import { type LiveSession, liveSessionHandle, outcomeOf } from '../live/handle.js';
import { LiveError } from '../live/live-error.js';
import type { LiveSessionOptions } from '../live/options.js';
import { liveSession, type LiveSessionLogic, type LiveSessionRef } from '../live/session.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { type ExitWatch, onExit } from '../supervision/watch.js';
import { createChild, stopActor } from '../supervision/xstate-internals.js';
import { duration, invalid } from './agents-options.js';
import { type Mind, mindKeys, type MindLogic, type MindOptions, type MindScope, planMind, type Said, thinking } from './mind.js';

/** What a live agent is asked for; `model` must be given. A name that is not here is refused. */
export interface LiveAgentOptions extends MindOptions, LiveSessionOptions {
  /** From a question to the end of the model's turn, its wait for a socket included, ms. Default 60 000. */
  readonly answerMs?: number;
}

const own: readonly string[] = [...mindKeys, 'answerMs'];

/**
 * The logic of an agent that answers `comms.request` with what the model says in one turn of a Live session, its child: the text of that turn, or what it spoke,
 * as far as the session was set up to have that in writing (`outputAudioTranscription`). A socket that is lost or left in a turn costs nothing: the question is
 * put again to the session that was resumed. A question that is taken back interrupts the model. A session that has ended, or a turn that goes on for more than
 * `answerMs`, has all questions answered `error`, and the agent crashes with a {@link LiveError}: its supervisor starts it with another session.
 * @throws EspalierError `agents/invalid-options`, `live/invalid-options`, `live/invalid-tool` or `gate/invalid-options`; never with a key
 */
export function liveAgent(options: LiveAgentOptions): MindLogic {
  if (!isPlainObject(options)) throw invalid('the options of a live agent', 'an object', sortOf(options));
  const logic = liveSession(Object.fromEntries(Object.entries(options).filter(([key]) => !own.includes(key))) as unknown as LiveSessionOptions);
  const answerMs = duration('answerMs', options.answerMs, 60_000);
  return thinking((scope) => new LiveMind(scope, logic, answerMs), planMind(options));
}

/** A question, as long as the model has not come to the end of its turn. */
interface Turn {
  readonly question: string;
  readonly settle: (said: Said) => void;
  readonly timer: unknown;
  text: string;
  spoken: string;
  /** Has a socket had it? Else it waits for the next, which gets it by itself. */
  isWritten: boolean;
  /** The model was cut off: the end of the turn that comes next is not that of the answer. */
  isCut: boolean;
  isTakenBack: boolean;
}

class LiveMind implements Mind {
  readonly #scope: MindScope;
  readonly #answerMs: number;
  readonly #session: LiveSession;
  readonly #watch: ExitWatch;
  #turn: Turn | null = null;

  constructor(scope: MindScope, logic: LiveSessionLogic, answerMs: number) {
    this.#scope = scope;
    this.#answerMs = answerMs;
    const ref = createChild(logic, { parent: scope.self, id: 'session' }) as LiveSessionRef;
    this.#session = liveSessionHandle(ref);
    this.#session.on('session.message', ({ message }) => this.#hear(message));
    this.#session.on('session.ready', () => this.#askAgain());
    this.#watch = onExit(ref, () => scope.lost(endOf(ref)));
    ref.start();
  }

  think(question: string, settle: (said: Said) => void): () => void {
    const timer = this.#scope.clock.setTimeout(() => {
      const reason = `a turn took more than ${this.#answerMs} ms`;
      this.#scope.lost(new LiveError('live/events-ended', 'a session whose model answers', { kind: 'aborted', code: 'answerMs', reason }));
    }, this.#answerMs);
    const turn: Turn = { question, settle, timer, text: '', spoken: '', isWritten: false, isCut: false, isTakenBack: false };
    this.#turn = turn;
    this.#ask(turn);
    return () => {
      if (this.#turn !== turn) return;
      turn.isTakenBack = true;
      // Whatever the user says interrupts the model. It is not asked to answer this, and the next question waits until it has fallen silent.
      this.#session.sendClientContent({ turns: [{ role: 'user', parts: [{ text: 'Never mind.' }] }], turnComplete: false });
    };
  }

  end(): void {
    this.#watch.unsubscribe();
    if (this.#turn !== null) this.#scope.clock.clearTimeout(this.#turn.timer);
    this.#turn = null;
    stopActor(this.#session.ref);
  }

  #ask(turn: Turn): void {
    const outcome = this.#session.sendText(turn.question);
    turn.isWritten = outcome.status === 'sent';
    if (outcome.status === 'rejected' || outcome.status === 'dropped') {
      this.#settle(turn, { ok: false, why: `the session did not take the question: ${outcome.reason}` });
    }
  }

  /** There is another socket. What the last one had been asked is not answered over this one. */
  #askAgain(): void {
    const turn = this.#turn;
    if (turn === null) return;
    if (turn.isTakenBack) this.#settle(turn, { ok: false, why: 'taken back' });
    else if (turn.isWritten) {
      Object.assign(turn, { text: '', spoken: '', isCut: false });
      this.#ask(turn);
    } else turn.isWritten = true;
  }

  #hear(message: JsonObject): void {
    for (const event of eventsOf(message)) if (this.#turn !== null) this.#note(this.#turn, event);
  }

  #note(turn: Turn, event: WireEvent): void {
    if (event.type === 'text' && !event.thought) turn.text += event.text;
    else if (event.type === 'transcription' && event.of === 'output') turn.spoken += event.text;
    else if (event.type === 'interrupted') Object.assign(turn, { text: '', spoken: '', isCut: true });
    else if (event.type === 'turnComplete') this.#complete(turn);
  }

  #complete(turn: Turn): void {
    if (turn.isTakenBack) return this.#settle(turn, { ok: false, why: 'taken back' });
    if (turn.isCut) {
      turn.isCut = false;
      return;
    }
    // It speaks again once its tools have answered.
    if (this.#session.ref.getSnapshot().matches({ open: { tools: 'called' } })) return;
    this.#settle(turn, { ok: true, text: turn.text === '' ? turn.spoken : turn.text });
  }

  #settle(turn: Turn, said: Said): void {
    if (this.#turn !== turn) return;
    this.#turn = null;
    this.#scope.clock.clearTimeout(turn.timer);
    turn.settle(said);
  }
}

/** How it has ended: an agent without its session is none, also where that was closed in order. */
function endOf(ref: LiveSessionRef): LiveError {
  const outcome = outcomeOf(ref);
  const { code, reason, ...rest } = outcome.ok ? { ...outcome.end, kind: 'closed' as const } : outcome.failure;
  return new LiveError('live/events-ended', 'a session that goes on', { kind: rest.kind, code, reason });
}
