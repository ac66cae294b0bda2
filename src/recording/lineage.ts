/** Who takes whose place: the next actor of an id, below the same parent. */
import type { Watched } from './watched.js';

/** The latest actor of an id below a parent. */
export interface Place {
  path: string;
  readonly run: number;
  /** Null once it has ended: the dead are not kept for their names. */
  holder: Watched | null;
}

/** Of how many ids a parent's last child is remembered. */
const mostIds = 10_000;

/** Takes the place of its id below its parent. @returns the place before it; undefined for the first, and for one without an id of its own */
export function takePlace(watched: Watched, parent: Watched): Place | undefined {
  const { id, sessionId } = watched.actor;
  if (id === sessionId) return undefined;
  const places = (parent.places ??= new Map<string, Place>());
  const former = places.get(id);
  if (former === undefined && places.size >= mostIds) {
    const [oldest] = places.keys();
    if (oldest !== undefined) places.delete(oldest);
  }
  watched.run = (former?.run ?? 0) + 1;
  watched.place = { path: '', run: watched.run, holder: watched };
  places.set(id, watched.place);
  return former;
}
