/**
 * The lane of answers in an uplink: tool responses that wait for a socket, and those that a socket was given and has not confirmed.
 *
 * Reserved are the last answer to a call, and that same answer once more where a resumed conversation or a repeated call needs it: there is one for each
 * call, and none is ever refused. Anything else is *spare*, and the uplink bounds it: parts of answers, and answers that nobody here had asked for.
 */
import { fieldOf, type JsonObject } from '../../machines/live/calls.js';
import type { UplinkCommand } from '../../machines/live/session-events.js';
import type { FunctionResponse } from '../wire/gemini/live.js';
import { type SchedulingPlace, toolResponse } from '../wire/gemini/live.js';
import { jsonOf } from '../option-checks.js';

/** An answer to a call, or a part of one. */
export interface Answer {
  readonly key: number | null;
  /** The call whose last answer this is, once more. */
  readonly again?: number;
  readonly final: boolean;
  readonly isSpare: boolean;
  readonly text: string;
}

/** An answer that a socket was given, and has not confirmed. `isWithdrawn`: the next socket is not to have it. */
export interface Handed {
  readonly answer: Answer;
  isWithdrawn: boolean;
}

/** See above. None of its methods throws. */
export class AnswerLane {
  readonly #place: SchedulingPlace;
  readonly #waiting: Answer[] = [];
  /** In the order in which the present socket was given them. */
  readonly #handed = new Set<Handed>();
  #spareCount = 0;
  #spareBytes = 0;

  /** @param place  where an answer says when the model is to speak of it */
  constructor(place: SchedulingPlace) {
    this.#place = place;
  }

  /** Those that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  get spareCount(): number {
    return this.#spareCount;
  }

  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** What wait and are no call's last answer, for the first time: those that nobody but the uplink knows of. */
  get unownedCount(): number {
    return this.#waiting.filter(({ key, final }) => key === null || !final).length;
  }

  /** The message as the wire has it, JSON. */
  textOf(message: JsonObject): string {
    const responses = responsesIn(message);
    return jsonOf(responses.length === 0 ? message : toolResponse(responses, this.#place)) ?? '{}';
  }

  /** An answer as the session gives it. */
  read({ key, again, final, unasked = false, message }: Extract<UplinkCommand, { type: 'uplink.answer' }>): Answer {
    return { key, ...(again === undefined ? {} : { again }), final, isSpare: !final || unasked, text: this.textOf(message) };
  }

  /** Puts it behind all others. The last answer to a call that waits, to be written once more, is written once. */
  push(answer: Answer): void {
    const { again } = answer;
    if (again !== undefined && this.#waiting.some((other) => other.final && callOf(other) === again)) return;
    this.#waiting.push(answer);
    this.#count(answer, 1);
  }

  /** The next one, which a socket is given now. Undefined where none waits. */
  hand(): Handed | undefined {
    const answer = this.#waiting.shift();
    if (answer === undefined) return undefined;
    this.#count(answer, -1);
    const handed = { answer, isWithdrawn: false };
    this.#handed.add(handed);
    return handed;
  }

  /** @returns false where its socket is gone: it waits for the next one */
  confirm(handed: Handed): boolean {
    return this.#handed.delete(handed);
  }

  /** The socket is gone: what it did not confirm waits again, in order. @returns those that were withdrawn meanwhile */
  takeBack(): readonly Answer[] {
    const handed = [...this.#handed];
    this.#handed.clear();
    const kept = handed.filter(({ isWithdrawn }) => !isWithdrawn).map(({ answer }) => answer);
    // Given more than once, for a call that was repeated, it is written once: the next conversation asks once.
    const isOther = (answer: Answer, others: readonly Answer[]) => !others.some((other) => other.final && callOf(other) === answer.again);
    const again = kept.filter(
      (answer, place) => answer.again === undefined || (isOther(answer, kept.slice(0, place)) && isOther(answer, this.#waiting)),
    );
    this.#waiting.unshift(...again);
    for (const answer of again) this.#count(answer, 1);
    return handed.filter(({ isWithdrawn }) => isWithdrawn).map(({ answer }) => answer);
  }

  /**
   * What of a call's answer waits is not to be written. What a socket was given may be on the wire: its word decides, and where it is lost without one, no
   * other gets it.
   * @returns those that waited
   */
  withdraw(key: number): readonly Answer[] {
    for (const handed of this.#handed) if (callOf(handed.answer) === key) handed.isWithdrawn = true;
    const withdrawn = this.#waiting.filter((answer) => callOf(answer) === key);
    const kept = this.#waiting.filter((answer) => callOf(answer) !== key);
    this.#waiting.splice(0, Infinity, ...kept);
    for (const answer of withdrawn) this.#count(answer, -1);
    return withdrawn;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#spareCount = 0;
    this.#spareBytes = 0;
  }

  #count({ isSpare, text }: Answer, sign: 1 | -1): void {
    if (!isSpare) return;
    this.#spareCount += sign;
    this.#spareBytes += sign * text.length;
  }
}

/** The call that it answers, for the first time or once more. */
export function callOf({ key, again }: Answer): number | null {
  return key ?? again ?? null;
}

function responsesIn(message: JsonObject): readonly FunctionResponse[] {
  const responses = fieldOf(fieldOf(message, 'toolResponse'), 'functionResponses');
  return Array.isArray(responses) ? (responses as readonly FunctionResponse[]) : [];
}
