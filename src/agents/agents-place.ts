/** Where agents are in a tree: the room, which is a supervisor of two, the registry of their names and the dynamic supervisor above their charts. */
import type { AnyActorRef } from 'xstate';
import type { AgentSpec } from '../../machines/agents/agent-events.js';
import type { ChildSpec } from '../../machines/supervision/child-spec.js';
import { type Registry, registryHandle } from '../registry/handle.js';
import { supervisorHandle, type SupervisorHandle } from '../supervision/handle.js';
import { actorsBelow } from '../supervision/pool-actor.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { type Ledger, ledgerOf } from './ledger.js';

/** The ids of the room's two. */
export const namesId = 'names';
export const agentsId = 'agents';

/** One room, as those in it and its handle see it. */
export interface Place {
  readonly handle: SupervisorHandle;
  /** Of their names, by which they are found while they run. */
  readonly names: Registry;
  /** Of the dynamic supervisor above all agents, the one that was found last. */
  above: SupervisorHandle | undefined;
  /** Ids that are being registered just now: a supervisor that is busy will know of them in a moment. */
  readonly coming: Set<string>;
  /** All who are registered, as they were last: for those who come after a chart, or after a supervisor of charts. */
  readonly ledger: Ledger;
  /** Over when all of the ledger are there again but those who are awaited; null: nobody else is missing. */
  recovering: Promise<void> | null;
  /** Of the ledger, those who come back only when their former charts have ended; each is there again when its promise settles. */
  readonly awaited: Map<string, Promise<void>>;
}

const places = new WeakMap<AnyActorRef, Place>();

/** The place of a room's actor. */
export function placeOf(room: AnyActorRef): Place {
  const known = places.get(room);
  if (known !== undefined) return known;
  const handle = supervisorHandle(room);
  const names = registryHandle(() => handle.child(namesId));
  const place: Place = { handle, names, above: undefined, coming: new Set(), ledger: ledgerOf(room), recovering: null, awaited: new Map() };
  places.set(room, place);
  return place;
}

/** An agent's chart as a child. */
export function chartOf(spec: AgentSpec): ChildSpec {
  return { id: spec.id, src: 'agent', input: { spec }, restart: 'transient', shutdownMs: 'infinity' };
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
