/**
 * Creations in doubt, of one logic: what a restart must not ask for once more.
 *
 * A supervisor starts a child again by its logic, and knows nothing of what the last life of it has asked for. So that is remembered here, by the place in the
 * tree: the actor's id and those above it, which are the same after every restart, also of a supervisor in between. It is noted before the request is made,
 * and crossed out only when the server has said what became of it. Whatever ends an actor in between, its place stays in doubt, and creates nothing more.
 */
import type { AnyActorRef } from 'xstate';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { parentOf } from '../supervision/xstate-internals.js';

const unheard = failureOf('killed', 'killed', 'it was ended before the server had answered');
const restored = failureOf('interrupted', 'restored', 'restored from a snapshot: its request is gone');

/** See above. */
export class Creations {
  readonly #doubts = new WeakMap<object, Map<string, StreamFailure>>();

  /** Why a creation must not be asked for: what became of the one before, where that is all that is known of it. */
  doubtOf(interaction: AnyActorRef): StreamFailure | null {
    const earlier = this.#of(interaction).get(placeOf(interaction));
    if (earlier === undefined) return null;
    return { ...earlier, message: `${earlier.message}; at this place of the tree it is not asked for again, whatever restarts it` };
  }

  /** A creation is about to be asked for. */
  begin(interaction: AnyActorRef): void {
    this.doubt(interaction, unheard);
  }

  /** It failed, and nobody knows what it has left behind. */
  doubt(interaction: AnyActorRef, failure: StreamFailure): void {
    this.#of(interaction).set(placeOf(interaction), failure);
  }

  /** It is known what became of it. */
  settle(interaction: AnyActorRef): void {
    this.#of(interaction).delete(placeOf(interaction));
  }

  /** An actor is restored: what it asked for after it was saved, nobody knows. */
  restore(interaction: AnyActorRef, snapshot: unknown): void {
    const { context, output } = (snapshot ?? {}) as { context?: { start?: unknown; id?: unknown }; output?: { end?: { failure?: StreamFailure } } };
    const failure = output?.end?.failure;
    if (context?.start !== 'create' || context.id !== null) return;
    if (output === undefined || failure?.kind === 'creationUnknown') this.doubt(interaction, failure ?? restored);
  }

  #of({ system }: AnyActorRef): Map<string, StreamFailure> {
    let places = this.#doubts.get(system);
    if (places === undefined) {
      places = new Map();
      this.#doubts.set(system, places);
    }
    return places;
  }
}

/** The ids from the root of the tree down to the actor. */
function placeOf(actor: AnyActorRef): string {
  const ids: string[] = [];
  for (let one: AnyActorRef | undefined = actor; one !== undefined; one = parentOf(one)) ids.push(one.id);
  return JSON.stringify(ids.reverse());
}
