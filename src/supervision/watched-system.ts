/**
 * Is anybody looking at a system of actors? Only while nobody is may work be done whose actors are not made in full.
 *
 * XState says neither that somebody inspects a system nor that he has left. So its `inspect` is taken here, once for each system; whoever inspected
 * before that, or hears a system by other means, is known too.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';

import { isInspected, systemOf, type SystemInternals } from './xstate-internals.js';

/** Somebody whose actors are not made in full while nobody looks. */
export interface Unseen {
  /** Somebody is about to look. */
  seen(): void;
}

/** Who looks at one system. */
export class WatchedSystem {
  #watchers: number;
  readonly #inspect: SystemInternals['inspect'];
  readonly #unseen = new Set<Unseen>();

  constructor(system: SystemInternals) {
    // Who was given to createActor as `inspect` cannot leave.
    this.#watchers = isInspected(system) ? 1 : 0;
    this.#inspect = system.inspect.bind(system);
    system.inspect = (observer) => {
      const leave = this.watch();
      const subscription = this.#inspect(observer);
      return {
        unsubscribe: () => {
          subscription.unsubscribe();
          leave();
        },
      };
    };
  }

  get isWatched(): boolean {
    return this.#watchers > 0;
  }

  /** Somebody begins to look; what was not made in full is made now, before he does. @returns what he leaves with; idempotent */
  watch(): () => void {
    if (this.#watchers === 0) for (const one of this.#unseen) one.seen();
    this.#watchers++;
    let looks = true;
    return () => {
      if (looks) this.#watchers--;
      looks = false;
    };
  }

  /** Inspects for somebody to whom it is all the same whether actors are made in full: none is made so for him. */
  glance(observer: (event: InspectionEvent) => void): { unsubscribe(): void } {
    return this.#inspect(observer);
  }

  join(unseen: Unseen): void {
    this.#unseen.add(unseen);
  }

  leave(unseen: Unseen): void {
    this.#unseen.delete(unseen);
  }
}

const known = new WeakMap<object, WatchedSystem>();

/** Who looks at the system of an actor. */
export function watchedSystemOf(actor: AnyActorRef): WatchedSystem {
  const system = systemOf(actor);
  let watched = known.get(system);
  if (watched === undefined) {
    watched = new WatchedSystem(system);
    known.set(system, watched);
  }
  return watched;
}
