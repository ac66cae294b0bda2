/** Who was in an actor's place before it and after, and how each ended. */
import type { ActorView } from './actor-view.js';

/** The newest first, the actor itself among them; as far as they are remembered. */
export function lineageOf(actors: ReadonlyMap<string, ActorView>, actor: ActorView): readonly ActorView[] {
  const found: ActorView[] = [actor];
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
