/** Who was in an actor's place before it and after, and how each ended. */
import type { SceneActor } from './scene.js';

/** The newest first, the actor itself among them; as far as they are remembered. */
export function lineageOf<Actor extends SceneActor>(actors: ReadonlyMap<string, Actor>, actor: Actor): readonly Actor[] {
  const found: Actor[] = [actor];
  const seen = new Set([actor.path]);
  for (let before = actor.replaces; before !== null && !seen.has(before); ) {
    const one = actors.get(before);
    if (one === undefined) break;
    seen.add(before);
    found.push(one);
    before = one.replaces;
  }
  for (let after = actor.replacedBy; after !== null && !seen.has(after); ) {
    const one = actors.get(after);
    if (one === undefined) break;
    seen.add(after);
    found.unshift(one);
    after = one.replacedBy;
  }
  return found;
}
