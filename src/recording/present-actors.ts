/** Who is there when a recorder is attached to a system that runs. */
import type { AnyActorRef } from 'xstate';
import { actorsBelow } from '../supervision/pool-actor.js';
import { isUnstarted, namedBySystem, parentOf } from '../supervision/xstate-internals.js';

/** Each once, parents before their children. Whom no snapshot lists is found where the system names it, or somebody below it. */
export function presentActors(root: AnyActorRef): Iterable<AnyActorRef> {
  const present = new Set<AnyActorRef>();
  addBelow(present, root);
  for (const named of namedBySystem(root)) {
    const way: AnyActorRef[] = [];
    for (let actor: AnyActorRef | undefined = named; actor !== undefined && !present.has(actor); actor = parentOf(actor)) way.push(actor);
    for (const actor of way.reverse()) if (!isUnstarted(actor)) addBelow(present, actor);
  }
  return present;
}

function addBelow(present: Set<AnyActorRef>, actor: AnyActorRef): void {
  // No recursion: a tree is as deep as it is.
  const todo = [actor];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (present.has(next)) continue;
    present.add(next);
    for (const child of [...actorsBelow(next)].reverse()) if (!isUnstarted(child)) todo.push(child);
  }
}
