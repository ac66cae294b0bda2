/** Parts of an answer, given to an uplink that may be full: a function that makes more than its peer takes is held back. */
import type { JsonObject } from '../../machines/live/calls.js';
import { type FunctionResponse, toolResponse } from '../wire/gemini/live.js';
import type { Uplink } from './uplink.js';

/** A part that is to be given, and who gives it. */
export interface PartGift {
  /** Of the session; undefined where it has none (any more), and nobody is held back. */
  uplink(): Uplink | undefined;
  readonly part: FunctionResponse;
  /** Hands it over, at once. */
  give(): void;
  /** Is its call over? */
  isOver(): boolean;
  /** Aborts when it is: nobody waits any longer then. */
  readonly task: { readonly signal: AbortSignal };
}

/**
 * Gives a part once there is room for it, and settles when no answer waits any more: until then no further part is wanted.
 * @throws never
 */
export async function givePart({ uplink, part, give, isOver, task }: PartGift): Promise<void> {
  /** The uplink, where there is cause to wait for it. A task's signal is made when it is looked at, hence last. */
  const heldBy = (isHeld: (own: Uplink) => boolean): Uplink | undefined => {
    const own = uplink();
    return own === undefined || own.isOver || isOver() || !isHeld(own) || task.signal.aborted ? undefined : own;
  };
  const isFull = (own: Uplink) => !own.hasRoomFor(() => answerMessage(part));
  // Nothing may come between the last look and the gift: others wait for the same room.
  for (let own = heldBy(isFull); own !== undefined; own = heldBy(isFull)) await own.room(task.signal);
  give();
  const isWaiting = (own: Uplink) => own.holdsAnswers;
  for (let own = heldBy(isWaiting); own !== undefined; own = heldBy(isWaiting)) await own.room(task.signal);
}

/** An answer, or a part of one, as the uplink gets it from the session. */
export function answerMessage({ id, ...rest }: FunctionResponse): JsonObject {
  return toolResponse([{ ...(id === '' ? {} : { id }), ...rest }]);
}
