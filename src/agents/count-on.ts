/** Numbers that go on over the restarts of an actor: what somebody still holds of the one before it is none of those that come. */
import type { AnyActorRef } from 'xstate';
import type { LeftBehind } from '../supervision/left-behind.js';
import { onExit } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';

/**
 * The last number of the one before it in its seat; 0 for the first one, and after one that was closed.
 * @param last  of the actor itself, when it ends
 */
export function countOn<Plan extends object>(left: LeftBehind<Plan, number>, plan: Plan, actor: AnyActorRef, last: () => number): number {
  const parent = parentOf(actor);
  if (parent === undefined) return 0;
  const byId = left.at(parent, plan);
  onExit(actor, (reason) => {
    if (reason === 'normal') byId.delete(actor.id);
    else byId.set(actor.id, last());
  });
  return byId.get(actor.id) ?? 0;
}
