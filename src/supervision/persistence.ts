/**
 * Delayed events, saved and set again: XState persists an actor's state but not the timers that wait in it (`after`, delayed `raise` and `sendTo`).
 *
 * Each pool saves the timers of its supervisor and of everything below its children; a supervisor below leaves its own to its own pool.
 */
import type { AnyActorRef, EventObject } from 'xstate';

import { pendingEvents, reschedule } from './scheduler.js';
import { childrenOf, hasStopped } from './xstate-internals.js';

/** A delayed event of an actor that is saved. Actors are named by the way down from a root; the empty way is the root itself. */
export interface PersistedTimer {
  readonly source: readonly string[];
  /** Null: the root's parent. */
  readonly target: readonly string[] | null;
  readonly id: string;
  readonly event: EventObject;
  readonly remainingMs: number;
}

/** Does a pool below save this actor's timers itself? */
function hasPool(actor: AnyActorRef): boolean {
  return childrenOf(actor).some((child) => child.id === 'pool' && 'pool' in ((child.getSnapshot() ?? {}) as object));
}

/** The actors from a root down, by their way; nothing of or below a supervisor. */
function waysBelow(root: AnyActorRef): Map<AnyActorRef, readonly string[]> {
  const ways = new Map<AnyActorRef, readonly string[]>();
  const visit = (actor: AnyActorRef, way: readonly string[]): void => {
    if (hasPool(actor)) return;
    ways.set(actor, way);
    for (const child of childrenOf(actor)) visit(child, [...way, child.id]);
  };
  visit(root, []);
  return ways;
}

/** The timers that wait in a root and below. Those for somebody elsewhere are left out. */
export function timersBelow(root: AnyActorRef, now: number): PersistedTimer[] {
  const ways = waysBelow(root);
  return [...ways].flatMap(([actor, source]) =>
    pendingEvents(actor).flatMap(({ id, event, dueAt, target: to }) => {
      const target = to === root._parent ? null : ways.get(to);
      return target === undefined ? [] : [{ source, target, id, event, remainingMs: Math.max(0, dueAt - now) }];
    }),
  );
}

/** The timers of one actor to itself. */
export function timersOf(actor: AnyActorRef, now: number): PersistedTimer[] {
  return pendingEvents(actor)
    .filter(({ target }) => target === actor)
    .map(({ id, event, dueAt }) => ({ source: [], target: [], id, event, remainingMs: Math.max(0, dueAt - now) }));
}

/**
 * Sets saved timers again, below a root that has been restored and started. Not those to an actor that has ended as it was started: nobody would clear them.
 * @param offsetMs  added to the `at` of events that carry one; for a supervisor's own, whose moments are those of the clock it was saved on
 */
export function restoreTimers(root: AnyActorRef, timers: readonly PersistedTimer[], offsetMs = 0): void {
  for (const { source, target, id, event, remainingMs } of timers) {
    const from = follow(root, source);
    const to = target === null ? root._parent : follow(root, target);
    if (from !== undefined && to !== undefined && !hasStopped(to)) reschedule(from, to, movedBy(event, offsetMs), remainingMs, id);
  }
}

function follow(root: AnyActorRef, way: readonly string[]): AnyActorRef | undefined {
  let actor: AnyActorRef | undefined = root;
  for (const id of way) actor = actor === undefined ? undefined : childrenOf(actor).find((child) => child.id === id);
  return actor;
}

function movedBy(event: EventObject & { readonly at?: unknown }, offsetMs: number): EventObject {
  const moved: EventObject & { at?: unknown } = { ...event };
  if (offsetMs !== 0 && typeof moved.at === 'number') moved.at += offsetMs;
  return moved;
}
