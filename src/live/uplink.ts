/**
 * What a session has to write, over all its sockets: bounded lanes, each with its policy.
 *
 * | lane     | what                                             | bound               | beyond it                                 |
 * |----------|--------------------------------------------------|---------------------|-------------------------------------------|
 * | answers  | the last answer to each call                     | one for each call   | none: reserved, and written first         |
 * |          | parts of answers, answers that nobody asked for  | that of content     | refused: `full`; a generator is held back |
 * | content  | turns, text, activity signals, context updates   | `maxContent`        | refused: `full`                           |
 * | audio    | `realtimeInput` with audio, video or mediaChunks | `maxAudio`          | the oldest is dropped, and told           |
 *
 * What waits, but for the last answers to calls, is bounded by `maxBytes` too, with the same policies. A message that finds nothing waiting may be larger
 * than that. Content and audio keep their order among each other: the end of an activity must not overtake its audio; but content that is no realtime input
 * does not wait behind input that a gated microphone holds. A message is handed to the socket at
 * once where nothing waits before it and the socket holds less than `highWaterBytes`; else it waits. The session opens and holds the uplink as its sockets
 * come and go; what waits stays. An answer counts as written only once the socket has confirmed it: until then the next socket gets it again.
 */
import { fieldOf, isObject, type JsonObject } from '../../machines/live/calls.js';
import type { Lane, RejectReason, SessionEvent, UplinkCommand } from '../../machines/live/session-events.js';
import type { Clock } from '../supervision/clock.js';
import type { SchedulingPlace } from '../wire/gemini/live.js';
import { type Answer, AnswerLane, callOf } from './answer-lane.js';
import { isForTheApp, laneOf, MessageLanes, speechOf, type Waiting, waitingOf } from './message-lanes.js';
import { jsonOf } from '../option-checks.js';
import type { ClientSocket } from './socket.js';

/** Bounds of the lanes. */
export interface UplinkLimits {
  /** Messages of audio or video that may wait. */
  readonly maxAudio: number;
  /** Other messages that may wait, with parts of answers and answers that nobody asked for. */
  readonly maxContent: number;
  /** Bytes that may wait in all of these, counted as characters of JSON: base64 has one byte to each. */
  readonly maxBytes: number;
  /** Bytes that the socket may hold before messages wait. */
  readonly highWaterBytes: number;
}

/** What became of a message of the app. */
export type SendOutcome =
  /** It is with the socket. What a lost socket had not passed on is lost with it; answers to calls are not. */
  | { readonly status: 'sent' }
  /** It waits, for a socket, for a slow one, or for the microphone to be opened again. */
  | { readonly status: 'queued' }
  /** Audio while the model may not hear any. */
  | { readonly status: 'dropped'; readonly reason: 'gated' }
  | { readonly status: 'rejected'; readonly reason: RejectReason };

/** What an uplink is made of. */
export interface UplinkOptions {
  readonly limits: UplinkLimits;
  readonly clock: Clock;
  /** Where an answer says when the model is to speak of it. */
  readonly schedulingPlace: SchedulingPlace;
  /** Its session hears of what it has done. */
  tell(news: UplinkNews): void;
  /** Something was written of which the table knows nothing, and that may have waited: no handle that came meanwhile stands for it. `asks`: for a turn. */
  written(asks: boolean): void;
  /** The id of a call, as its session knows it. */
  idOf(key: number): string;
}

/** What an uplink tells its session. */
export type UplinkNews = Extract<
  SessionEvent,
  { type: `uplink.${'written' | 'withdrawn' | 'seeded' | 'told' | 'settled'}` | 'turn.requested' | 'setup.amended' | `speech.${'started' | 'ended'}` }
>;

/** How often a socket that cannot say when it has written is looked at while messages wait, ms. */
const lookMs = 20;

/** What a session has to write. None of its methods throws. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #answers: AnswerLane;
  readonly #messages = new MessageLanes();
  /** Those who wait for room. */
  readonly #waiters = new Set<() => void>();
  /** Has a socket been told that the user began to speak, by the app itself, and not that this is over? */
  #isSpeaking = false;
  #socket: ClientSocket | null = null;
  #isOpen = false;
  /** Is the socket about to be left? What comes now is for the next. */
  #isSettled = false;
  #isGated = false;
  #isOver = false;
  #timer: unknown;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#answers = new AnswerLane(options.schedulingPlace);
  }

  /** Does it take nothing more? */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages that wait now, answers included. */
  get depth(): number {
    return this.#answers.length + this.#messages.length;
  }

  /** Does a message wait that asks the model for a turn? */
  get holdsQuestion(): boolean {
    return this.#messages.asks;
  }

  /** Does an answer wait, or a part of one? */
  get holdsAnswers(): boolean {
    return this.#answers.length > 0;
  }

  /** Is every answer that it was given with the socket, which has refused none? False once it takes nothing more. */
  get hasHandedAll(): boolean {
    return this.#isOpen && !this.#isOver && this.#answers.length === 0;
  }

  /** May a part of an answer, or one that nobody asked for, be given now? @param messageOf  what it would be; asked for only where it matters */
  hasRoomFor(messageOf: () => JsonObject): boolean {
    return (
      this.#isNextAnswer() || (this.#messages.length === 0 && this.#answers.spareCount === 0) || !this.#isFullFor(this.#answers.textOf(messageOf()))
    );
  }

  /** Settles once less waits than now, at the uplink's end, or when the signal aborts. */
  room(signal: AbortSignal): Promise<void> {
    if (this.#isOver || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiters.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      this.#waiters.add(settle);
      signal.addEventListener('abort', settle, { once: true });
    });
  }

  /** A message of the app. @returns at once, and never throws */
  send(message: JsonObject): SendOutcome {
    if (this.#isOver) return { status: 'rejected', reason: 'closing' };
    if (!isForTheApp(message)) return { status: 'rejected', reason: 'reserved' };
    if (this.#isGated && laneOf(message) === 'audio') return { status: 'dropped', reason: 'gated' };
    const text = jsonOf(message);
    if (text === null) return { status: 'rejected', reason: 'notJson' };
    const waiting = waitingOf(message, text);
    const isNext = this.depth === 0 && !(this.#isGated && waiting.isInput);
    if (isNext && this.#canWrite() && this.#handMessage(waiting)) return { status: 'sent' };
    if (waiting.lane === 'content' && this.#isFullFor(text)) return { status: 'rejected', reason: 'full' };
    this.#messages.push(waiting);
    if (waiting.lane === 'audio') while (this.#messages.audioCount > 0 && this.#holdsTooMuch()) this.#dropOldest();
    this.#watch();
    return { status: 'queued' };
  }

  /** Obeys the session. */
  obey(command: UplinkCommand): void {
    switch (command.type) {
      case 'uplink.send':
        this.#sendFor(command);
        return;
      case 'uplink.seed':
        this.#messages.seed(command.message);
        return;
      case 'uplink.answer':
        this.#answer(this.#answers.read(command));
        return;
      case 'uplink.withdraw':
        for (const answer of this.#answers.withdraw(command.key)) this.#tellWithdrawn(answer);
        this.#tellRoom();
        return;
      case 'uplink.open':
        this.#isOpen = true;
        this.#isSettled = false;
        this.#drain();
        return;
      case 'uplink.hold':
        this.#isOpen = false;
        // Whatever was asked over the socket went with it.
        if (this.holdsQuestion) this.#options.tell({ type: 'turn.requested', awaits: true });
        return;
      case 'uplink.gate':
        this.#gate(command.closed);
        return;
      case 'uplink.settle':
        this.#isSettled = true;
        this.#options.tell({ type: 'uplink.settled' });
        return;
      case 'uplink.end':
        this.#isSettled = false;
        this.#drain();
        this.end();
    }
  }

  /** A socket is open; it is written to once the session has said so. */
  attach(socket: ClientSocket): void {
    this.#socket = socket;
  }

  /** A socket is gone. Answers that it did not confirm are to be written again, and an activity that is open is to begin again. */
  detach(socket: ClientSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#isOpen = false;
    for (const answer of this.#answers.takeBack()) this.#tellWithdrawn(answer);
    if (this.#isSpeaking) this.#messages.repeatStart();
    this.#isSpeaking = false;
  }

  /** Nothing more is taken; what waits is dropped, and told. Twice is once. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
    const { audioCount, contentCount } = this.#messages;
    const droppedCount = contentCount + this.#answers.unownedCount;
    if (droppedCount > 0) this.#tellDropped('content', droppedCount, 'ended');
    if (audioCount > 0) this.#tellDropped('audio', audioCount, 'ended');
    this.#messages.clear();
    this.#answers.clear();
    this.#tellRoom();
  }

  #sendFor({ message, ref }: Extract<UplinkCommand, { type: 'uplink.send' }>): void {
    const outcome = this.send(message);
    if (outcome.status === 'rejected') this.#tell({ type: 'session.rejected', ref, reason: outcome.reason });
    else if (outcome.status === 'dropped') this.#tellDropped('audio', 1, 'gated', ref);
    else if (ref !== null) this.#tell({ type: `session.${outcome.status}`, ref });
    const update = fieldOf(message, 'contextUpdate');
    // What was refused is not in the next setup either.
    if (outcome.status !== 'rejected' && isObject(update)) this.#options.tell({ type: 'setup.amended', update });
    if (outcome.status === 'sent') this.#tellSpeech(speechOf(message));
  }

  #answer(answer: Answer): void {
    const { final, isSpare, key, text } = answer;
    if (this.#isOver) {
      if (!final) this.#tellDropped('content', 1, 'ended');
      return;
    }
    if (isSpare && !this.#isNextAnswer() && this.#isFullFor(text)) {
      if (final) this.#tellWithdrawn(answer);
      else if (key !== null) this.#tell({ type: 'tool.rejected', id: this.#options.idOf(key), reason: 'full' });
      return;
    }
    this.#answers.push(answer);
    this.#drain();
  }

  #tellWithdrawn({ key, final }: Answer): void {
    if (final && key !== null) this.#options.tell({ type: 'uplink.withdrawn', key });
  }

  /** What was said before the gate closed is not to be heard after it either. */
  #gate(closed: boolean): void {
    this.#isGated = closed;
    const { audioCount } = this.#messages;
    if (closed && audioCount > 0) {
      this.#tellDropped('audio', audioCount, 'gated');
      while (this.#messages.audioCount > 0) this.#messages.takeOldestAudio();
      this.#tellRoom();
    }
    if (!closed) this.#drain();
  }

  #dropOldest(): void {
    this.#messages.takeOldestAudio();
    this.#tellDropped('audio', 1, 'oldest');
  }

  /** Is there no room for more content? */
  #isFullFor(text: string): boolean {
    const { maxContent, maxBytes } = this.#options.limits;
    const { spareCount, spareBytes } = this.#answers;
    const holdsAny = this.#messages.length + spareCount > 0;
    return this.#messages.contentCount + spareCount >= maxContent || (holdsAny && this.#messages.bytes + spareBytes + text.length > maxBytes);
  }

  /** Must audio be let go? */
  #holdsTooMuch(): boolean {
    const { maxAudio, maxBytes } = this.#options.limits;
    const { spareCount, spareBytes } = this.#answers;
    const holdsOthers = this.#messages.length + spareCount > 1;
    return this.#messages.audioCount > maxAudio || (holdsOthers && this.#messages.bytes + spareBytes > maxBytes);
  }

  #tell(fact: Extract<UplinkNews, { type: 'uplink.told' }>['fact']): void {
    this.#options.tell({ type: 'uplink.told', fact });
  }

  #tellSpeech(speech: Waiting['speech']): void {
    if (speech !== null) this.#options.tell({ type: speech === 'starts' ? 'speech.started' : 'speech.ended' });
  }

  #tellDropped(lane: Lane, count: number, reason: 'oldest' | 'gated' | 'ended', ref: string | null = null): void {
    this.#tell({ type: 'session.dropped', lane, count, reason, ref });
  }

  #tellRoom(): void {
    for (const settle of [...this.#waiters]) settle();
  }

  #canWrite(): boolean {
    return this.#isOpen && !this.#isSettled && this.#socket !== null && this.#socket.bufferedAmount() < this.#options.limits.highWaterBytes;
  }

  /** Would an answer be written at once? */
  #isNextAnswer(): boolean {
    return this.#answers.length === 0 && this.#canWrite();
  }

  /** Writes what may be written, answers first. */
  #drain(): void {
    while (this.#answers.length > 0 && this.#canWrite()) this.#writeAnswer();
    let [hasWritten, asks] = [false, false];
    while (this.#messages.length > 0 && this.#answers.length === 0 && this.#canWrite()) {
      const place = this.#messages.next(this.#isGated);
      const next = this.#messages.take(place);
      if (next === undefined) break;
      if (!this.#handMessage(next)) this.#messages.putBack(place, next);
      else {
        // Before the word of speech: a socket may be left as soon as nobody speaks.
        if (next.speech !== null) this.#options.written(asks || next.asks);
        [hasWritten, asks] = next.speech === null ? [true, asks || next.asks] : [false, false];
        // Only now does the user speak on this socket: what waited was said to none, or to one that is gone.
        this.#tellSpeech(next.speech);
      }
    }
    if (hasWritten) this.#options.written(asks);
    this.#tellRoom();
    this.#watch();
  }

  #writeAnswer(): void {
    const handed = this.#answers.hand();
    if (handed === undefined) return;
    const { final, text } = handed.answer;
    const key = callOf(handed.answer);
    this.#hand(text, () => {
      if (!this.#answers.confirm(handed)) return; // its socket is gone: it waits for the next
      if (final && key !== null) this.#options.tell({ type: 'uplink.written', key });
      else this.#options.written(false);
      this.#look();
    });
  }

  /** @returns was it taken? */
  #handMessage({ text, speech, isSeed }: Waiting): boolean {
    const isTaken = this.#hand(text, isSeed ? this.#seedTaken(this.#socket) : this.#look);
    if (isTaken && speech !== null) this.#isSpeaking = speech === 'starts';
    return isTaken;
  }

  #seedTaken(socket: ClientSocket | null): () => void {
    return () => {
      if (this.#socket === socket) this.#options.tell({ type: 'uplink.seeded' });
      this.#look();
    };
  }

  /**
   * Hands a text to the socket. One that refuses is given nothing more: it is closing, and its end follows.
   * @param confirmed  called when it is written, and only then
   * @returns was it taken? Not refused at once, that is
   */
  #hand(text: string, confirmed: () => void): boolean {
    const socket = this.#socket;
    let isTaken = true;
    const refuse = () => {
      isTaken = false;
      if (this.#socket === socket) this.#isOpen = false;
    };
    try {
      socket?.send(text, (ok) => (ok ? confirmed() : refuse()));
    } catch {
      refuse(); // against its contract
    }
    return isTaken;
  }

  readonly #look = (): void => {
    if (this.depth > 0 && !this.#isOver) this.#drain();
  };

  /** A socket that holds too much says so no more once it has written: it is looked at. */
  #watch(): void {
    if (this.#timer !== undefined || this.depth === 0 || !this.#isOpen || this.#isOver) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, lookMs);
  }
}
