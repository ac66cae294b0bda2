/** Whether the app is over, and how: its root has ended, which no connection tells. */
import { gaveUpText, reasonText } from '../../../src/recording/exports/story.js';
import { type ActorView, hasEnded } from './actor-view.js';
import type { Moment } from './moment.js';

/** How the app has ended, in words; null while a root lives, and while none is known. */
export function appEndOf(moment: Moment): string | null {
  const known = ends.get(moment);
  if (known?.structure === moment.structure) return known.words;
  const words = endOf(moment.actors);
  ends.set(moment, { structure: moment.structure, words });
  return words;
}

/** How many live. Of an app that is over nobody does, whose end was not told, too. */
export function livingOf(moment: Moment): number {
  const known = living.get(moment);
  if (known?.structure === moment.structure) return known.count;
  const count = appEndOf(moment) === null ? [...moment.actors.values()].filter((actor) => !hasEnded(actor)).length : 0;
  living.set(moment, { structure: moment.structure, count });
  return count;
}

const living = new WeakMap<Moment, { readonly structure: number; readonly count: number }>();

/** Asked in each frame, and found out again only when somebody began or ended. */
const ends = new WeakMap<Moment, { readonly structure: number; readonly words: string | null }>();

function endOf(actors: ReadonlyMap<string, ActorView>): string | null {
  let last: ActorView | null = null;
  for (const actor of actors.values()) {
    if (actor.parent !== null) continue;
    if (!hasEnded(actor)) return null;
    last = actor;
  }
  if (last === null) return null;
  return last.gaveUp === null ? `ended: ${last.exit === null ? last.status : reasonText(last.exit.reason)}` : `gave up: ${gaveUpText(last.gaveUp)}`;
}
