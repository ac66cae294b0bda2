/** Where agents are in a tree: the room, which is a supervisor of two, the registry of their names and the dynamic supervisor above their charts. */
import type { AnyActorRef } from 'xstate';
import { type Registry, registryHandle } from '../registry/handle.js';
import { supervisorHandle, type SupervisorHandle } from '../supervision/handle.js';
import { actorsBelow } from '../supervision/pool-actor.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';

/** The ids of the room's two. */
export const namesId = 'names';
export const agentsId = 'agents';

/** The namespace in which agents are found by what they can do. */
export const capabilitiesSpace = 'capabilities';

/** One room, as those in it and its handle see it. */
export interface Place {
  readonly handle: SupervisorHandle;
  /** Of their names, by which they are found while they run. */
  readonly names: Registry;
  readonly capabilities: Registry;
  /** Of the dynamic supervisor above all agents, the one that was found last. */
  above: SupervisorHandle | undefined;
  /** Ids that are being registered just now: a supervisor that is busy will know of them in a moment. */
  readonly coming: Set<string>;
}

const places = new WeakMap<AnyActorRef, Place>();

/** The place of a room's actor. */
export function placeOf(room: AnyActorRef): Place {
  const known = places.get(room);
  if (known !== undefined) return known;
  const handle = supervisorHandle(room);
  const names = registryHandle(() => handle.child(namesId));
  const place: Place = { handle, names, capabilities: names.in(capabilitiesSpace), above: undefined, coming: new Set() };
  places.set(room, place);
  return place;
}

/** The room above an agent's chart. */
export function roomOf(agent: AnyActorRef): AnyActorRef {
  // Its pool, the dynamic supervisor, and the pool above that.
  let above: AnyActorRef | undefined = agent;
  for (let steps = 0; steps < 4 && above !== undefined; steps++) above = parentOf(above);
  return above as AnyActorRef;
}

/** The dynamic supervisor above all agents of a room; undefined while none runs. */
export function agentsAbove(place: Place): SupervisorHandle | undefined {
  const ref = place.handle.child(agentsId);
  if (ref === undefined || hasStopped(ref)) return undefined;
  // One handle for all calls: each has listeners of its own.
  if (place.above?.ref !== ref) place.above = supervisorHandle(ref);
  return place.above;
}

/** The charts of all agents below it. */
export function agentsBelow({ ref }: SupervisorHandle): readonly AnyActorRef[] {
  return childrenOf(ref).flatMap((pool) => actorsBelow(pool));
}
