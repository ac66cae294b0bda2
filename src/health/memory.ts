/**
 * What a monitor knows that outlives it: its successor goes on from there, and tells nothing that was told.
 *
 * It is kept by the supervisor's pool under the child's id, and handed on only from one that has ended, to one that runs the same logic. Moments in it are of
 * one clock, since both are of one system. Below one parent at most 1 000 ids are remembered, and those of monitors that run.
 */
import type { AnyActorRef } from 'xstate';
import { exitReason } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';

interface Kept {
  readonly owner: AnyActorRef;
  /** The logic's own, by identity. */
  readonly plan: object;
  readonly memory: unknown;
}

const byOwner = new WeakMap<AnyActorRef, Kept>();
const byPlace = new WeakMap<AnyActorRef, Map<string, Kept>>();

const mostPlaces = 1_000;

/** The memory of a monitor: its own, its predecessor's, or a new one. */
export function memoryOf<Memory extends object>(owner: AnyActorRef, plan: object, make: () => Memory): Memory {
  const own = byOwner.get(owner);
  if (own !== undefined) return own.memory as Memory;
  const parent = parentOf(owner);
  const place = parent === undefined ? new Map<string, Kept>() : (byPlace.get(parent) ?? new Map<string, Kept>());
  const former = place.get(owner.id);
  const isHeir = former !== undefined && former.plan === plan && exitReason(former.owner) !== null;
  const kept: Kept = { owner, plan, memory: isHeir ? former.memory : make() };
  byOwner.set(owner, kept);
  place.delete(owner.id);
  place.set(owner.id, kept);
  forgetOldest(place);
  if (parent !== undefined) byPlace.set(parent, place);
  return kept.memory as Memory;
}

/** Whoever begins is one more at most, so that one is forgotten: who has ended, and began before the others. */
function forgetOldest(place: Map<string, Kept>): void {
  if (place.size <= mostPlaces) return;
  for (const [id, { owner }] of place) if (exitReason(owner) !== null) return void place.delete(id);
}
