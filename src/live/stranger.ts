/**
 * How a session notices that a stranger has ended one of its actors, by an exit signal: XState tells a parent of a child that is done or has thrown, and
 * of no other end. Whoever invoked or spawned the actor ends it by nobody's order, and knows.
 */
import type { AnyActorRef } from 'xstate';
import { onExit, orderOf } from '../supervision/watch.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';

/** Has `tell` called once, with words for people, when anybody but its parent ends the actor, and the parent goes on. */
export function onStranger(actor: AnyActorRef, tell: (parent: AnyActorRef, reason: string) => void): void {
  onExit(actor, () => {
    const parent = parentOf(actor);
    if (orderOf(actor) === undefined || parent === undefined || hasStopped(parent) || !childrenOf(parent).includes(actor)) return;
    tell(parent, `its actor '${actor.id}' was ended from outside`);
  });
}
