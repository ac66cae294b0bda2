/**
 * An agent behind which a Live session stands.
 *
 *   createAgents({ logics: { voice: liveAgent({ apiKey, model: 'gemini-3.8-live' }) } })
 */
import { isOpen, isOwed, type JsonObject } from '../../machines/live/calls.js';
import { eventsOf, type WireEvent } from '../live/events.js';
import { type LiveSession, liveSessionHandle, outcomeOf } from '../live/handle.js';
import { LiveError } from '../live/live-error.js';
import type { LiveSessionOptions } from '../live/options.js';
import { liveSession, type LiveSessionLogic, type LiveSessionRef } from '../live/session.js';
import { uplinkOf } from '../live/uplink-actor.js';
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
  const asked = Object.fromEntries(Object.entries(options).filter(([key]) => !own.includes(key))) as unknown as LiveSessionOptions;
  // A question that is put again has its calls made again: the answers to those of before are of no use, and would begin a turn of their own.
  const logic = liveSession({ staleAnswers: 'abandon', ...asked });
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
  /** Has the session been given it? Not while there is no socket. What it has not written yet it writes to the next one by itself. */
  isAsked: boolean;
  /** The last call before it: what is called after that is called for it. */
  readonly lastKey: number;
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
    this.#session.on('session.ready', ({ resumed }) => this.#goOn(resumed));
    this.#watch = onExit(ref, () => scope.lost(endOf(ref)));
    ref.start();
  }

  think(question: string, settle: (said: Said) => void): () => void {
    const timer = this.#scope.clock.setTimeout(() => {
      const reason = `a turn took more than ${this.#answerMs} ms`;
      this.#scope.lost(new LiveError('live/events-ended', 'a session whose model answers', { kind: 'aborted', code: 'answerMs', reason }));
    }, this.#answerMs);
    const { calls } = this.#snapshot.context;
    const turn: Turn = { question, settle, timer, lastKey: calls.lastKey, text: '', spoken: '', isAsked: false, isCut: false, isTakenBack: false };
    this.#turn = turn;
    // What is not asked yet can be taken back without a word.
    if (this.#snapshot.hasTag('accepting')) this.#ask(turn);
    return () => {
      if (this.#turn !== turn) return;
      turn.isTakenBack = true;
      if (!turn.isAsked) return this.#settle(turn, takenBack);
      // The model has heard nothing of it, or the next socket tells it of it again: see there.
      if (!this.#snapshot.hasTag('accepting')) return;
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

  get #snapshot(): ReturnType<LiveSessionRef['getSnapshot']> {
    return this.#session.ref.getSnapshot();
  }

  #ask(turn: Turn): void {
    const outcome = this.#session.sendText(turn.question);
    turn.isAsked = true;
    if (outcome.status === 'rejected' || outcome.status === 'dropped') {
      this.#settle(turn, { ok: false, why: `the session did not take the question: ${outcome.reason}` });
    }
  }

  /** There is another socket. What the last one had been asked is not answered over this one, unless the resumed session waits for a call of it. */
  #goOn(isResumed: boolean): void {
    const turn = this.#turn;
    if (turn === null) return;
    const isHeld = turn.isAsked && uplinkOf(this.#session.ref)?.holdsQuestion === true;
    if (!isHeld && turn.isAsked && isResumed && this.#isKnown(turn)) turn.isCut = false;
    else if (!isHeld && turn.isTakenBack) this.#settle(turn, takenBack);
    else {
      Object.assign(turn, { text: '', spoken: '', isCut: false });
      // One that waits for this very socket is about to be written, also where it was taken back since: that turn is to end before the next begins.
      if (!isHeld) this.#ask(turn);
    }
  }

  /** Has the handle stood for a call of this turn, whose answer the resumed session gets? Then it goes on by itself; asked again, it would answer twice. */
  #isKnown({ lastKey }: Turn): boolean {
    return this.#snapshot.context.calls.rows.some((row) => row.key > lastKey && row.known && (isOpen(row) || isOwed(row)));
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
    if (turn.isTakenBack) return this.#settle(turn, takenBack);
    if (turn.isCut) {
      turn.isCut = false;
      return;
    }
    // It speaks again once its tools have answered.
    if (this.#snapshot.matches({ open: { tools: 'called' } })) return;
    this.#settle(turn, { ok: true, text: turn.text === '' ? turn.spoken : turn.text });
  }

  #settle(turn: Turn, said: Said): void {
    if (this.#turn !== turn) return;
    this.#turn = null;
    this.#scope.clock.clearTimeout(turn.timer);
    turn.settle(said);
  }
}

const takenBack: Said = { ok: false, why: 'taken back' };

/** How it has ended: an agent without its session is none, also where that was closed in order. */
function endOf(ref: LiveSessionRef): LiveError {
  const outcome = outcomeOf(ref);
  const { code, reason, ...rest } = outcome.ok ? { ...outcome.end, kind: 'closed' as const } : outcome.failure;
  return new LiveError('live/events-ended', 'a session that goes on', { kind: rest.kind, code, reason });
}
