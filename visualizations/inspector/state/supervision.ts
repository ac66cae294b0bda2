/** What of an actor waits: its queue, and those of its children that are between two attempts. */
import { gaveUpText, reasonText } from '../../../src/recording/exports/story.js';
import { budgetOf, type SceneBudget } from '../../../src/recording/scene-supervision.js';
import { type ActorView, hasFailed } from './actor-view.js';

/** The budget of a supervisor at a moment, monotonic ms; of one that has ended, as it was then. Null for who is none. */
export function budgetAt(actor: ActorView, at: number): SceneBudget | null {
  return actor.logic === 'supervisor' ? budgetOf(actor, Math.min(at, actor.exit?.at ?? at)) : null;
}

/** What a row says in a chip of what went wrong: that a supervisor gave up, or that an actor runs again since the one before has crashed or was killed. */
export function troubleOf(actor: ActorView, actors: ReadonlyMap<string, ActorView>): string | null {
  if (actor.gaveUp !== null) return `gave up: ${gaveUpText(actor.gaveUp)}`;
  const former = actor.replaces === null ? undefined : actors.get(actor.replaces);
  if (former === undefined || !(hasFailed(former) || former.exit?.reason === 'killed')) return null;
  const why =
    former.gaveUp === null ? reasonText(former.exit?.reason ?? former.status).replace(/^crash: /u, '') : `gave up: ${gaveUpText(former.gaveUp)}`;
  return `↻ ${actor.run - 1} · ${why}`;
}

/** Events and messages that it has not come to. */
export function queueOf(actor: ActorView): number {
  return actor.queue.length + (actor.logic === 'supervisor' ? (budgetOf(actor, 0)?.waiting ?? 0) : 0);
}

/** Children between two attempts: by id, when the next is due, monotonic ms. */
export function retriesOf(actor: ActorView): SceneBudget['retries'] {
  return actor.logic === 'supervisor' ? (budgetOf(actor, 0)?.retries ?? []) : [];
}
