/** What of an actor waits: its queue, and those of its children that are between two attempts. */
import { budgetOf, type SceneBudget } from '../../../src/recording/scene-supervision.js';
import type { ActorView } from './actor-view.js';

/** The budget of a supervisor at a moment, monotonic ms; null for who is none. */
export function budgetAt(actor: ActorView, at: number): SceneBudget | null {
  return actor.logic === 'supervisor' ? budgetOf(actor, at) : null;
}

/** Events and messages that it has not come to. */
export function queueOf(actor: ActorView): number {
  return actor.queue.length + (actor.logic === 'supervisor' ? (budgetOf(actor, 0)?.waiting ?? 0) : 0);
}

/** Children between two attempts: by id, when the next is due, monotonic ms. */
export function retriesOf(actor: ActorView): SceneBudget['retries'] {
  return actor.logic === 'supervisor' ? (budgetOf(actor, 0)?.retries ?? []) : [];
}
