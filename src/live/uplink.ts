/**
 * What a session has to write, over all its sockets: bounded lanes, each with its policy.
 *
 * | lane     | what                                             | bound               | beyond it                                 |
 * |----------|--------------------------------------------------|---------------------|-------------------------------------------|
 * | answers  | tool responses                                   | the calls that are open | none: reserved, and written first      |
 * | content  | turns, text, activity signals, context updates   | `maxContent`        | refused: `full`                           |
 * | audio    | `realtimeInput` with audio, video or mediaChunks | `maxAudio`          | the oldest is dropped, and told           |
 *
 * What waits in content and audio is bounded by `maxBytes` too, with the same policies. A message that finds nothing waiting may be larger than that.
 * Content and audio keep their order among each other: the end of an activity must not overtake its audio. A message is handed to the socket at once
 * where nothing waits before it and the socket holds less than `highWaterBytes`; else it waits. The session opens and holds the uplink as its sockets come
 * and go; what waits stays. An answer counts as written only once the socket has confirmed it: until then the next socket gets it again.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import type { Lane, RejectReason, SessionEvent, UplinkCommand } from '../../machines/live/session-events.js';
import { clockOf, type Clock } from '../supervision/clock.js';
import { emitFrom, parentOf } from '../supervision/xstate-internals.js';
import type { ClientSocket } from './socket.js';

/** Bounds of the lanes. */
export interface UplinkLimits {
  /** Messages of audio or video that may wait. */
  readonly maxAudio: number;
  /** Other messages that may wait. */
  readonly maxContent: number;
  /** Bytes that may wait in both, counted as characters of JSON: base64 has one byte to each. */
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

/** An answer to a call, or a part of one. */
interface Answer {
  readonly key: number | null;
  readonly final: boolean;
  readonly text: string;
}

/** An answer that a socket was given, and has not confirmed. `isWithdrawn`: the next socket is not to have it. */
interface Handed {
  readonly answer: Answer;
  isWithdrawn: boolean;
}

/** A message of the app that waits. `isInput`: a `realtimeInput`, which must not pass while the microphone is gated. */
interface Waiting {
  readonly text: string;
  readonly lane: Lane;
  readonly isInput: boolean;
}

/** What an uplink tells its session. */
type News = Extract<SessionEvent, { type: 'uplink.written' | 'uplink.withdrawn' | 'uplink.told' }>;

/** How often a socket that cannot say when it has written is looked at while messages wait, ms. */
const lookMs = 20;

const uplinks = new WeakMap<AnyActorRef, Uplink>();

/** The uplink of a running session; undefined for one that does not run. */
export function uplinkOf(session: AnyActorRef): Uplink | undefined {
  return uplinks.get(session);
}

/** What a session has to write. None of its methods throws. */
export class Uplink {
  readonly #limits: UplinkLimits;
  readonly #clock: Clock;
  readonly #tell: (news: News) => void;
  readonly #answers: Answer[] = [];
  /** In the order in which the present socket was given them. */
  readonly #handed = new Set<Handed>();
  readonly #waiting: Waiting[] = [];
  #audioCount = 0;
  #waitingBytes = 0;
  #socket: ClientSocket | null = null;
  #isOpen = false;
  #isGated = false;
  #isOver = false;
  #timer: unknown;

  constructor(limits: UplinkLimits, clock: Clock, tell: (news: News) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Does it take nothing more? */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages that wait now, answers included. */
  get depth(): number {
    return this.#answers.length + this.#waiting.length;
  }

  /** A message of the app. @returns at once, and never throws */
  send(message: JsonObject): SendOutcome {
    if (this.#isOver) return { status: 'rejected', reason: 'closing' };
    if (!isForTheApp(message)) return { status: 'rejected', reason: 'reserved' };
    const lane = laneOf(message);
    const isInput = Object.hasOwn(message, 'realtimeInput');
    if (this.#isGated && lane === 'audio') return { status: 'dropped', reason: 'gated' };
    const text = jsonOf(message);
    if (text === null) return { status: 'rejected', reason: 'notJson' };
    const isNext = this.#answers.length === 0 && this.#waiting.length === 0 && !(this.#isGated && isInput);
    if (isNext && this.#canWrite() && this.#hand(text, this.#look)) return { status: 'sent' };
    if (lane === 'content' && this.#isFullFor(text)) return { status: 'rejected', reason: 'full' };
    this.#put(this.#waiting.length, { text, lane, isInput });
    if (lane === 'audio') while (this.#audioCount > 0 && this.#holdsTooMuch()) this.#dropOldest();
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
        this.#put(0, { text: jsonOf(command.message) ?? '{}', lane: 'content', isInput: false });
        return;
      case 'uplink.answer':
        if (this.#isOver) return;
        this.#answers.push({ key: command.key, final: command.final, text: jsonOf(command.message) ?? '{}' });
        this.#drain();
        return;
      case 'uplink.withdraw':
        this.#withdraw(command.key);
        return;
      case 'uplink.open':
        this.#isOpen = true;
        this.#drain();
        return;
      case 'uplink.hold':
        this.#isOpen = false;
        return;
      case 'uplink.gate':
        this.#gate(command.closed);
        return;
      case 'uplink.end':
        this.#drain();
        this.end();
    }
  }

  /** A socket is open; it is written to once the session has said so. */
  attach(socket: ClientSocket): void {
    this.#socket = socket;
  }

  /** A socket is gone. Answers that it did not confirm are to be written again. */
  detach(socket: ClientSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#isOpen = false;
    const handed = [...this.#handed];
    this.#handed.clear();
    this.#answers.unshift(...handed.filter(({ isWithdrawn }) => !isWithdrawn).map(({ answer }) => answer));
    for (const { answer, isWithdrawn } of handed) if (isWithdrawn) this.#tellWithdrawn(answer);
  }

  /** Nothing more is taken; what waits is dropped, and told. Twice is once. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    for (const lane of ['content', 'audio'] as const) {
      const count = this.#waiting.filter((message) => message.lane === lane).length;
      if (count > 0) this.#tellDropped(lane, count, 'ended');
    }
    while (this.#waiting.length > 0) this.#take(this.#waiting.length - 1);
    this.#answers.length = 0;
  }

  #sendFor({ message, ref }: Extract<UplinkCommand, { type: 'uplink.send' }>): void {
    const outcome = this.send(message);
    if (outcome.status === 'rejected') this.#tell({ type: 'uplink.told', fact: { type: 'session.rejected', ref, reason: outcome.reason } });
    else if (outcome.status === 'dropped') this.#tellDropped('audio', 1, 'gated', ref);
    else if (ref !== null) this.#tell({ type: 'uplink.told', fact: { type: `session.${outcome.status}`, ref } });
  }

  /** What a socket was given may be on the wire: its word decides, and where it is lost without one, no other gets it. */
  #withdraw(key: number): void {
    for (const handed of this.#handed) if (handed.answer.key === key) handed.isWithdrawn = true;
    const withdrawn = this.#answers.filter((answer) => answer.key === key);
    const kept = this.#answers.filter((answer) => answer.key !== key);
    this.#answers.splice(0, Infinity, ...kept);
    for (const answer of withdrawn) this.#tellWithdrawn(answer);
  }

  #tellWithdrawn({ key, final }: Answer): void {
    if (final && key !== null) this.#tell({ type: 'uplink.withdrawn', key });
  }

  /** What was said before the gate closed is not to be heard after it either. */
  #gate(closed: boolean): void {
    this.#isGated = closed;
    if (closed && this.#audioCount > 0) {
      this.#tellDropped('audio', this.#audioCount, 'gated');
      while (this.#audioCount > 0) this.#take(this.#waiting.findIndex(({ lane }) => lane === 'audio'));
    }
    if (!closed) this.#drain();
  }

  #dropOldest(): void {
    this.#take(this.#waiting.findIndex(({ lane }) => lane === 'audio'));
    this.#tellDropped('audio', 1, 'oldest');
  }

  /** Is there no room for more content? */
  #isFullFor(text: string): boolean {
    const { maxContent, maxBytes } = this.#limits;
    const contentCount = this.#waiting.length - this.#audioCount;
    return contentCount >= maxContent || (this.#waiting.length > 0 && this.#waitingBytes + text.length > maxBytes);
  }

  /** Must audio be let go? */
  #holdsTooMuch(): boolean {
    const { maxAudio, maxBytes } = this.#limits;
    return this.#audioCount > maxAudio || (this.#waiting.length > 1 && this.#waitingBytes > maxBytes);
  }

  #put(place: number, message: Waiting): void {
    this.#waiting.splice(place, 0, message);
    this.#audioCount += message.lane === 'audio' ? 1 : 0;
    this.#waitingBytes += message.text.length;
  }

  /** The message that waits there, which no longer does. */
  #take(place: number): Waiting | undefined {
    const [message] = place < 0 ? [] : this.#waiting.splice(place, 1);
    if (message === undefined) return undefined;
    this.#audioCount -= message.lane === 'audio' ? 1 : 0;
    this.#waitingBytes -= message.text.length;
    return message;
  }

  #tellDropped(lane: Lane, count: number, reason: 'oldest' | 'gated' | 'ended', ref: string | null = null): void {
    this.#tell({ type: 'uplink.told', fact: { type: 'session.dropped', lane, count, reason, ref } });
  }

  #canWrite(): boolean {
    return this.#isOpen && this.#socket !== null && this.#socket.bufferedAmount() < this.#limits.highWaterBytes;
  }

  /** Writes what may be written, answers first. */
  #drain(): void {
    while (this.#answers.length > 0 && this.#canWrite()) this.#writeAnswer(this.#answers.shift() as Answer);
    while (this.#waiting.length > 0 && this.#answers.length === 0 && this.#canWrite()) {
      const place = this.#isGated ? this.#waiting.findIndex(({ isInput }) => !isInput) : 0;
      const next = this.#take(place);
      if (next === undefined) break;
      if (!this.#hand(next.text, this.#look)) this.#put(place, next);
    }
    this.#watch();
  }

  #writeAnswer(answer: Answer): void {
    const handed = { answer, isWithdrawn: false };
    this.#handed.add(handed);
    this.#hand(answer.text, () => {
      if (!this.#handed.delete(handed)) return; // its socket is gone: it waits for the next
      if (answer.final && answer.key !== null) this.#tell({ type: 'uplink.written', key: answer.key });
      this.#look();
    });
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
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, lookMs);
  }
}

/** The actor `uplink` of a session: its {@link Uplink}, for as long as the session runs. */
export function uplink(limits: UplinkLimits) {
  return fromCallback<UplinkCommand, undefined>(({ self, system, sendBack, receive }) => {
    const session = parentOf(self) as AnyActorRef;
    const own: Uplink = new Uplink(limits, clockOf(system), (news) => {
      // The session hears no events of its last turn: what its end finds waiting is told beside it.
      if (own.isOver && news.type === 'uplink.told') emitFrom(session, news.fact);
      else sendBack(news);
    });
    uplinks.set(session, own);
    receive((command) => own.obey(command));
    return () => {
      own.end();
      uplinks.delete(session);
    };
  });
}

/** Is it a message that an app may send? Setup and tool answers go out by the session alone, once each. @throws never */
function isForTheApp(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    !Array.isArray(message) &&
    !Object.hasOwn(message, 'setup') &&
    !Object.hasOwn(message, 'toolResponse')
  );
}

/** Which lane a message of the app takes. @throws never */
export function laneOf({ realtimeInput }: JsonObject): Lane {
  const { audio, video, mediaChunks } = (realtimeInput ?? {}) as JsonObject;
  return audio !== undefined || video !== undefined || mediaChunks !== undefined ? 'audio' : 'content';
}

/** JSON, or null for what is none (a circle, a BigInt, a function). @throws never */
function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
