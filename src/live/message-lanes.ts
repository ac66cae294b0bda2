/**
 * The messages of the app that wait in an uplink: audio and content, in one order, for the end of an activity must not overtake its audio.
 *
 * An activity that the app delimits itself, and that is open when its socket goes, must begin anew on the next one, which has never heard of it:
 * {@link MessageLanes.repeatStart}.
 */
import { fieldOf, type JsonObject } from '../../machines/live/calls.js';
import { asksForTurn } from '../../machines/live/messages.js';
import type { Lane } from '../../machines/live/session-events.js';

/** A message of the app that waits. */
export interface Waiting {
  readonly text: string;
  readonly lane: Lane;
  /** A `realtimeInput`, which must not pass while the microphone is gated. */
  readonly isInput: boolean;
  /** Does the app say in it that its user begins to speak, or ends? */
  readonly speech: 'starts' | 'ends' | null;
  /** Is it the start of an activity once more, which the app has not sent again? */
  readonly isRepeated: boolean;
  /** Is it what the conversation begins with? */
  readonly isSeed: boolean;
  /** Does it ask the model for a turn? */
  readonly asks: boolean;
}

/** See above. None of its methods throws. */
export class MessageLanes {
  readonly #waiting: Waiting[] = [];
  #audioCount = 0;
  #contentCount = 0;
  #bytes = 0;

  get length(): number {
    return this.#waiting.length;
  }

  get audioCount(): number {
    return this.#audioCount;
  }

  /** But for the start of an activity that is repeated: it takes no room. */
  get contentCount(): number {
    return this.#contentCount;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Does any ask the model for a turn? */
  get asks(): boolean {
    return this.#waiting.some(({ asks }) => asks);
  }

  /** Puts it behind all others. */
  push(message: Waiting): void {
    if (message.speech === 'starts') this.#dropRepeatedStart();
    this.putBack(this.#waiting.length, message);
  }

  /** Puts it in this place, 0 the first. */
  putBack(place: number, message: Waiting): void {
    this.#waiting.splice(place, 0, message);
    this.#count(message, 1);
  }

  /** The place of the next one, −1 where none may pass. */
  next(isGated: boolean): number {
    return this.#waiting.findIndex(({ isInput }) => !(isGated && isInput));
  }

  /** The message in this place, which no longer waits; undefined for −1. */
  take(place: number): Waiting | undefined {
    const [message] = place < 0 ? [] : this.#waiting.splice(place, 1);
    if (message !== undefined) this.#count(message, -1);
    return message;
  }

  /** Puts what a conversation begins with before all else, in the place of what was to begin another. */
  seed(message: JsonObject): void {
    this.take(this.#waiting.findIndex(({ isSeed }) => isSeed));
    this.putBack(0, { ...waitingOf(message, JSON.stringify(message)), isSeed: true, asks: false });
  }

  takeOldestAudio(): void {
    this.take(this.#waiting.findIndex(({ lane }) => lane === 'audio'));
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#audioCount = 0;
    this.#contentCount = 0;
    this.#bytes = 0;
  }

  /** The activity that is open begins anew, before what waits, be that only its end: no server takes an end without a start. Not where a start waits. */
  repeatStart(): void {
    if (this.#waiting.find(({ speech }) => speech !== null)?.speech === 'starts') return;
    const text = JSON.stringify({ realtimeInput: { activityStart: {} } });
    this.putBack(0, { text, lane: 'content', isInput: true, speech: 'starts', isRepeated: true, isSeed: false, asks: false });
  }

  #count({ isRepeated, lane, text }: Waiting, sign: 1 | -1): void {
    if (lane === 'audio') this.#audioCount += sign;
    else if (!isRepeated) this.#contentCount += sign;
    this.#bytes += sign * text.length;
  }

  /** Another begins before anything of it was said on the new socket. */
  #dropRepeatedStart(): void {
    const place = this.#waiting.findIndex(({ isRepeated }) => isRepeated);
    if (place !== -1 && !this.#waiting.slice(place + 1).some(({ isInput }) => isInput)) this.take(place);
  }
}

/** A message of the app as it waits. @param text  the same as JSON. @throws never */
export function waitingOf(message: JsonObject, text: string): Waiting {
  const isInput = Object.hasOwn(message, 'realtimeInput');
  return { text, lane: laneOf(message), isInput, speech: speechOf(message), isRepeated: false, isSeed: false, asks: asksForTurn(message) };
}

/** Is it a message that an app may send? Setup and tool answers go out by the session alone, once each. @throws never */
export function isForTheApp(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    !Array.isArray(message) &&
    !Object.hasOwn(message, 'setup') &&
    !Object.hasOwn(message, 'toolResponse')
  );
}

/** Does the app say in it that its user begins to speak, or ends? @throws never */
export function speechOf(message: JsonObject): Waiting['speech'] {
  const input = fieldOf(message, 'realtimeInput');
  if (fieldOf(input, 'activityEnd') !== undefined) return 'ends';
  return fieldOf(input, 'activityStart') === undefined ? null : 'starts';
}

/** Which lane a message of the app takes. @throws never */
export function laneOf({ realtimeInput }: JsonObject): Lane {
  const { audio, video, mediaChunks } = (realtimeInput ?? {}) as JsonObject;
  return audio !== undefined || video !== undefined || mediaChunks !== undefined ? 'audio' : 'content';
}
