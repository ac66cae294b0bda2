/**
 * Where services are found by name, and how their coming is heard of, without asking again and again: the children of a supervisor by id, or whatever else has
 * names, such as a registry.
 */
import type { AnyActorRef } from 'xstate';
import { incarnationOf, SupervisorHandle } from '../supervision/handle.js';
import { kindOf } from '../supervision/kind.js';
import { parentOf } from '../supervision/xstate-internals.js';

/** Names of actors. */
export interface Whereabouts {
  /** Who goes by that name now. */
  find(name: string): AnyActorRef | undefined;
  /** How often who goes by that name now has been started, from 1: so it is known how many came and went unseen. May be left out. */
  incarnation?(name: string): number | undefined;
  /** Has who went by that name done what he was for, so that nobody lacks him? May be left out: then nobody has. */
  hasServed?(name: string): boolean;
  /** Calls back whenever somebody may have come by a name; by then {@link find} finds him. @returns what ends that */
  heed(came: (name: string) => void): () => void;
}

/** The children of a supervisor, by their ids. */
export function childrenBelow(supervisor: AnyActorRef): Whereabouts {
  const handle = new SupervisorHandle(supervisor);
  return {
    find: (name) => handle.child(name),
    incarnation: (name) => incarnationOf(supervisor, name),
    heed: (came) => {
      const heard = (['child.started', 'child.restarted'] as const).map((type) => supervisor.on(type, ({ id }: { id: string }) => came(id)));
      return () => {
        for (const each of heard) each.unsubscribe();
      };
    },
  };
}

/** The supervisor that an actor is a child of, if it is of one. */
export function supervisorOf(actor: AnyActorRef): AnyActorRef | undefined {
  for (let above = parentOf(actor); above !== undefined; above = parentOf(above)) if (kindOf(above) !== undefined) return above;
  return undefined;
}
