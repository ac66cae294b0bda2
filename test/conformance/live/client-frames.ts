/**
 * The client's frames of a recording, and which of them a server may still wait for: those that the client can still send.
 *
 * | frame                                  | is over as soon as                                                                         |
 * |----------------------------------------|--------------------------------------------------------------------------------------------|
 * | setup                                  | one is heard                                                                               |
 * | turns, audio, and whatever else        | it is heard, or a socket that died has taken it along: nobody says it again                |
 * | the answer to a call                   | its call is: answered, taken back, or of a conversation that is over. A dead socket is no end of it: it is written again |
 * | a part of one                          | it is heard, or the session refused it, or its call is over; not waited for once its id was taken back |
 * | an answer without an id, or unasked    | as many as were recorded by then are heard, or cannot come: its conversation is over       |
 *
 * So it makes no difference how many frames follow a fault, and what a session loses by itself is never over.
 */
import type { ClientMessage } from '../../../src/wire/gemini/live.js';
import { parseClientMessage } from '../../../src/wire/gemini/live.js';
import type { PeerCalls } from './peer-calls.js';
import type { Session } from './recordings.js';

/** What is said in a frame: all of it, or one of its answers. */
interface Saying {
  /** What says the same has the same key. */
  readonly key: string;
  /** The call that it answers, where that has an id. */
  readonly id: string;
  readonly sort: 'setup' | 'answer' | 'part' | 'other';
}

/** What a recording says in a frame. `nth`: as often has it said the same by then, from 1. */
type Recorded = Saying & { readonly nth: number };

/** See above. None of its methods throws. */
export class ClientFrames {
  readonly #frames: readonly (readonly Recorded[])[];
  /** How often each was heard, or can't come any more. */
  readonly #over = new Map<string, number>();

  constructor(script: Session) {
    this.#frames = recordedOf(script);
  }

  /** Is there anything in this frame of the recording that the client can still say? */
  isDue(frame: number, calls: PeerCalls): boolean {
    return (this.#frames[frame] ?? []).some((one) => this.#isStillToCome(one, calls));
  }

  /** The server hears it. */
  hear(message: ClientMessage): void {
    for (const { key } of sayingsIn(message)) this.#end(key);
  }

  /** A socket had it, and died before the server heard it. */
  lose(message: ClientMessage): void {
    for (const { key, sort } of sayingsIn(message)) if (sort === 'other') this.#end(key);
  }

  /** The session has refused, and told so, a part of the answer to this call, or an answer that nobody had asked for. */
  refusePart(id: string): void {
    this.#end(keyOfAnswer('part', id, ''));
    // That of a call is over with its call, whatever is counted here.
    this.#end(keyOfAnswer('answer', id, ''));
  }

  /** Nobody answers the oldest open call of this name any more, which has no id. */
  dropUnnamed(name: string): void {
    this.#end(keyOfAnswer('answer', '', name));
  }

  #isStillToCome({ id, key, nth, sort }: Recorded, calls: PeerCalls): boolean {
    const isOver = (this.#over.get(key) ?? 0) >= nth;
    const isToCall = id !== '' && calls.wasMade(id);
    if (sort === 'answer') return isToCall ? calls.open.has(id) : !isOver;
    // Without an id nobody knows whose part it is.
    if (sort === 'part') return !isOver && isToCall && calls.open.has(id) && !calls.wasTakenBack(id);
    return !isOver;
  }

  #end(key: string): void {
    this.#over.set(key, (this.#over.get(key) ?? 0) + 1);
  }
}

/** A recording is played with many faults, and read once. */
const recordedBySession = new WeakMap<Session, readonly (readonly Recorded[])[]>();

function recordedOf(script: Session): readonly (readonly Recorded[])[] {
  const known = recordedBySession.get(script);
  if (known !== undefined) return known;
  const counts = new Map<string, number>();
  const frames = script.recording.frames.map(({ from, text }) => {
    const message = from === 'client' ? parseClientMessage(text) : null;
    return (message?.ok === true ? sayingsIn(message.message) : []).map((saying): Recorded => {
      const nth = (counts.get(saying.key) ?? 0) + 1;
      counts.set(saying.key, nth);
      return { ...saying, nth };
    });
  });
  recordedBySession.set(script, frames);
  return frames;
}

function sayingsIn(message: ClientMessage): readonly Saying[] {
  const { setup, toolResponse } = message;
  // What is asked for with it may be another handle.
  if (setup !== undefined) return [{ key: 'setup', id: '', sort: 'setup' }];
  if (toolResponse === undefined) return [{ key: inOrder(message), id: '', sort: 'other' }];
  return toolResponse.functionResponses.map(({ id = '', name = '', willContinue }) => {
    const sort = willContinue === true ? 'part' : 'answer';
    return { key: keyOfAnswer(sort, id, name), id, sort };
  });
}

function keyOfAnswer(sort: 'answer' | 'part', id: string, name: string): string {
  return id === '' ? `${sort} by name ${name}` : `${sort} to ${id}`;
}

/** As JSON, whatever the order in which the fields were written. */
function inOrder(message: object): string {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  return JSON.stringify(message, sorted);
}
