/** What waits in a system, by who has ordered it: looked up once, for as many actors as are told of at a moment. */
import type { AnyActorRef } from 'xstate';

import { clockOf } from '../supervision/clock.js';
import { pendingEvents, type PendingEvent } from '../supervision/scheduler.js';
import { systemOf } from '../supervision/xstate-internals.js';

type Waiting = Pick<PendingEvent, 'id' | 'event' | 'delay' | 'target' | 'dueAt'>;

/** To be asked within one turn, and then thrown away. */
export class PendingTimers {
  readonly #bySystem = new Map<object, ReadonlyMap<AnyActorRef, readonly Waiting[]>>();

  /** What an actor has ordered and waits for. */
  of(actor: AnyActorRef): readonly Waiting[] {
    const unindexed = this.#unindexed(actor).get(actor);
    const indexed = pendingEvents(actor);
    return unindexed === undefined ? indexed : [...unindexed, ...indexed];
  }

  /** What XState's own scheduler holds: a table of the whole system, by the wall clock. */
  #unindexed(actor: AnyActorRef): ReadonlyMap<AnyActorRef, readonly Waiting[]> {
    const system = systemOf(actor);
    const known = this.#bySystem.get(system);
    if (known !== undefined) return known;
    const made = new Map<AnyActorRef, Waiting[]>();
    this.#bySystem.set(system, made);
    const wallAt = Date.now() - clockOf(actor.system).now();
    for (const { id, event, delay, source, target, startedAt } of Object.values(system._snapshot._scheduledEvents)) {
      if (!Number.isFinite(delay)) continue;
      const own = made.get(source) ?? [];
      own.push({ id, event, delay, target, dueAt: startedAt + delay - wallAt });
      made.set(source, own);
    }
    return made;
  }
}
