/** Whom a path means in a scene, where actors are replaced and each run has a path of its own. */
import type { SceneActor } from './scene.js';

const numbered = /#\d+$/u;

/**
 * The actor at a path. A part of the path with `#n` means exactly that one (`#1`: the first, which has no number); one without a number means whoever is
 * in that place: who lives, else the last who did.
 * @returns undefined where nobody is or was
 */
export function actorAt<Actor extends SceneActor>(actors: ReadonlyMap<string, Actor>, path: string): Actor | undefined {
  const asked = path.split('/');
  let found: Actor | undefined;
  for (const actor of actors.values()) {
    const parts = actor.path.split('/');
    if (parts.length !== asked.length || !parts.every((part, index) => isMeant(part, asked[index] as string))) continue;
    if (found === undefined || actor.exit === null || found.exit !== null) found = actor;
  }
  return found;
}

/** The name that tells its runs apart: the id, with the number of its path. */
export function numberedName({ id, path }: SceneActor): string {
  return `${id}${numbered.exec(path)?.[0] ?? ''}`;
}

function isMeant(part: string, asked: string): boolean {
  if (part === asked || `${part}#1` === asked) return true;
  return !numbered.test(asked) && part.startsWith(asked) && /^#\d+$/u.test(part.slice(asked.length));
}
