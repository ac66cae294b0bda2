/**
 * XState's scheduler, indexed by actor.
 *
 * XState's own scans every delayed event of the system whenever *any* actor stops: 65 µs with 1 000 timers pending, 21 ms with 100 000. Here each
 * actor has its own small table, and a stop touches only that. Delays of `Infinity` never fire, and are not kept.
 */
import type { AnyActorRef, EventObject } from 'xstate';

import { clockOf } from './clock.js';
import { systemOf, type ScheduledEvent, type SystemInternals } from './xstate-internals.js';

/** A delayed event that waits. */
export interface PendingEvent extends ScheduledEvent {
  /** Monotonic ms. */
  readonly dueAt: number;
  readonly timer: unknown;
}

const pendingBySystem = new WeakMap<object, Map<string, Map<string, PendingEvent>>>();

/** Replaces the scheduler of the actor's system; once per system. Events that were already scheduled keep their timers. */
export function indexTimers(actor: AnyActorRef): void {
  const system = systemOf(actor);
  if (pendingBySystem.has(system)) return;
  const clock = clockOf(actor.system);
  const bySource = new Map<string, Map<string, PendingEvent>>();
  pendingBySystem.set(system, bySource);
  const former = system.scheduler;
  let anonymous = 0;

  const forget = (source: AnyActorRef, id: string): PendingEvent | undefined => {
    const own = bySource.get(source.sessionId);
    const entry = own?.get(id);
    if (own === undefined || entry === undefined) return undefined;
    own.delete(id);
    if (own.size === 0) bySource.delete(source.sessionId);
    return entry;
  };
  const clear = ({ timer }: PendingEvent): void => {
    clock.clearTimeout(timer);
  };

  system.scheduler = {
    schedule(source, target, event, delay, id = `anonymous.${anonymous++}`) {
      const earlier = forget(source, id);
      if (earlier !== undefined) clear(earlier);
      if (delay === Infinity) return;
      const fire = (): void => {
        forget(source, id);
        system._relay(source, target, event);
      };
      const dueAt = clock.now() + delay;
      const timer = clock.setTimeout(fire, delay);
      const own = bySource.get(source.sessionId) ?? new Map<string, PendingEvent>();
      own.set(id, { id, event, delay, source, target, startedAt: Date.now(), dueAt, timer });
      bySource.set(source.sessionId, own);
    },
    cancel(source, id) {
      const entry = forget(source, id);
      if (entry !== undefined) clear(entry);
      else if (isAnyScheduled(system)) former.cancel(source, id);
    },
    cancelAll(source) {
      const own = bySource.get(source.sessionId);
      bySource.delete(source.sessionId);
      if (own !== undefined) for (const entry of own.values()) clear(entry);
      if (isAnyScheduled(system)) former.cancelAll(source);
    },
  };
  const formerSnapshot = system.getSnapshot.bind(system);
  system.getSnapshot = () => {
    const scheduled = { ...formerSnapshot()._scheduledEvents };
    for (const [sessionId, own] of bySource) for (const [id, entry] of own) scheduled[`${sessionId}.${id}`] = entry;
    return { _scheduledEvents: scheduled };
  };
}

/** Does an event still wait that was scheduled before the scheduler was replaced? Asked whenever an actor stops, so it must cost nothing. */
function isAnyScheduled({ _snapshot }: SystemInternals): boolean {
  for (const _ in _snapshot._scheduledEvents) return true;
  return false;
}

/** The delayed events that an actor has set and that have not fired. */
export function pendingEvents(source: AnyActorRef): readonly PendingEvent[] {
  return [...(pendingBySystem.get(systemOf(source))?.get(source.sessionId)?.values() ?? [])];
}

/** How many delayed events wait in the whole system. */
export function pendingCount(actor: AnyActorRef): number {
  let count = 0;
  for (const own of pendingBySystem.get(systemOf(actor))?.values() ?? []) count += own.size;
  return count;
}

/** Sets a delayed event again, as after a restore. */
export function reschedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delayMs: number, id: string): void {
  systemOf(source).scheduler.schedule(source, target, event, delayMs, id);
}
