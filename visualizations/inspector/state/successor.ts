/** Who stays chosen where the chosen actor is started again. */
import type { Entry } from './entry.js';

/**
 * Whoever has come into the place of an actor by these lines; the actor itself where nobody has.
 * @param actor  its path; it was alive when it was chosen: who looks at one that has ended means that one
 */
export function successorOf(actor: string, entries: readonly Entry[]): string {
  let path = actor;
  // One that joined is told of, and was there before.
  for (const line of entries) if (line.type === '@xstate.actor' && line.from !== 'joined' && line.replaces === path) path = line.actor;
  return path;
}
