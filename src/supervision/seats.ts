/**
 * Seats of a tree: a supervisor, and an id among its children. Whoever is started there next is the successor of who was there.
 *
 * Pools tell of everybody they are about to start. What waits at a seat is forgotten with the supervisor at the top of its tree, by which nobody comes any more.
 */
import type { AnyActorRef } from 'xstate';
import { kindOf } from './kind.js';
import { onExit } from './watch.js';
import { hasStopped, parentOf } from './xstate-internals.js';

/** By supervisor, then by the id of its child. */
const seats = new WeakMap<AnyActorRef, Map<string, Set<(actor: AnyActorRef | null) => void>>>();
const newcomers = new Set<(actor: AnyActorRef) => void>();

/** Of a pool: this child is about to be started. @throws never */
export function seated(supervisor: AnyActorRef, actor: AnyActorRef): void {
  for (const told of [...(seats.get(supervisor)?.get(actor.id) ?? [])]) told(actor);
  if (newcomers.size > 0) for (const told of [...newcomers]) told(actor);
}

/** Of a pool: this id will not be used again. @throws never */
export function unseated(supervisor: AnyActorRef, id: string): void {
  for (const told of [...(seats.get(supervisor)?.get(id) ?? [])]) told(null);
}

/** How many watch a seat. */
export function watchingSeat(supervisor: AnyActorRef, id: string): number {
  return seats.get(supervisor)?.get(id)?.size ?? 0;
}

/** How many watch for newcomers. */
export function watchingNewcomers(): number {
  return newcomers.size;
}

/** Calls with everybody who is about to be started in any seat of any tree. @returns what ends that. @throws never */
export function onNewcomer(told: (actor: AnyActorRef) => void): () => void {
  newcomers.add(told);
  return () => newcomers.delete(told);
}

function supervisorOver(actor: AnyActorRef): AnyActorRef | undefined {
  const pool = parentOf(actor);
  const supervisor = pool === undefined ? undefined : parentOf(pool);
  const kind = kindOf(supervisor);
  return kind === undefined || kind === 'taskSupervisor' ? undefined : supervisor;
}

/**
 * Watches an actor's seat. Where a supervisor above it is replaced, its seat counts, too: so a branch that is restarted whole has its watches back.
 * @param comes  told of who is about to be started there: nothing of him was missed
 * @returns what ends that; null for an actor that no supervisor would restart
 * @throws never
 */
export function watchSeat(actor: AnyActorRef, comes: (successor: AnyActorRef) => void): (() => void) | null {
  const supervisors: AnyActorRef[] = [];
  const ids: string[] = [];
  for (let [child, above] = [actor, supervisorOver(actor)]; above !== undefined; [child, above] = [above, supervisorOver(above)]) {
    supervisors.unshift(above);
    ids.unshift(child.id);
  }
  const [top] = supervisors;
  if (top === undefined || hasStopped(top)) return null;
  /** What ends the watch of each level. */
  const leaves: (() => void)[] = [];
  const leaveFrom = (level: number): void => {
    for (const leave of leaves.splice(level)) leave();
  };
  const enter = (level: number, supervisor: AnyActorRef): void => {
    leaveFrom(level);
    const told = (who: AnyActorRef | null): void => {
      if (who === null) end();
      else if (level === ids.length - 1) comes(who);
      else enter(level + 1, who);
    };
    leaves[level] = onSeated(supervisor, ids[level] as string, told);
  };
  const end = (): void => {
    leaveFrom(0);
    topEnds.unsubscribe();
  };
  const topEnds = onExit(top, end);
  for (const [level, supervisor] of supervisors.entries()) enter(level, supervisor);
  return end;
}

/**
 * Watches a single seat.
 * @param told  of who is about to be started there; null once the id will not be used again
 * @returns what ends that. @throws never
 */
export function onSeated(supervisor: AnyActorRef, id: string, told: (actor: AnyActorRef | null) => void): () => void {
  const byId = seats.get(supervisor) ?? new Map<string, Set<typeof told>>();
  const own = byId.get(id) ?? new Set();
  seats.set(supervisor, byId.set(id, own.add(told)));
  return () => {
    own.delete(told);
    if (own.size === 0 && byId.get(id) === own) byId.delete(id);
  };
}
