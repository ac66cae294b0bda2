/**
 * Births and deaths of an actor system, told to whoever listens; and all of its inspection, as long as somebody wants it.
 *
 * XState's own `system.inspect` costs each event 1.7 times its price while anybody is there, and cannot be taken back by who was given as `inspect`. Here
 * an event costs nothing until details are wanted: then the system's own report is heard before it is copied for its inspectors.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';

import { watchedSystemOf } from '../supervision/watched-system.js';
import { hasStopped, systemOf, type SystemInternals } from '../supervision/xstate-internals.js';

/** What a listener is told. It must not throw: it would throw in the midst of the app. */
export interface SystemListener {
  /** An actor is about to start. */
  born(actor: AnyActorRef): void;
  /** An actor has ended. */
  died(actor: AnyActorRef): void;
  /** Something has happened; only while details are wanted. */
  happened(event: InspectionEvent): void;
}

/** A listener at a system. */
export interface Listening {
  /** Are details wanted? */
  details(wanted: boolean): void;
  /** Ends it. Idempotent. */
  stop(): void;
}

class Hooks {
  readonly #system: SystemInternals;
  readonly #listeners = new Set<SystemListener>();
  /** Replaced and not changed: it is gone through for each event. */
  #curious: readonly SystemListener[] = [];
  #undo: (() => void) | undefined;

  constructor(system: SystemInternals) {
    this.#system = system;
    const register = system._register.bind(system);
    const unregister = system._unregister.bind(system);
    system._register = (sessionId, actor) => {
      const registered = register(sessionId, actor);
      for (const listener of this.#listeners) listener.born(actor);
      return registered;
    };
    system._unregister = (actor) => {
      unregister(actor);
      // XState also calls it ahead of time, for one that is about to be stopped.
      if (this.#listeners.size > 0 && hasStopped(actor)) for (const listener of this.#listeners) listener.died(actor);
    };
  }

  /** @param leave  what says that it no longer looks */
  listen(listener: SystemListener, leave: () => void): Listening {
    this.#listeners.add(listener);
    return {
      details: (wanted) => {
        this.#curious = this.#curious.filter((one) => one !== listener);
        if (wanted) this.#curious = [...this.#curious, listener];
        this.#attend();
      },
      stop: () => {
        leave();
        this.#listeners.delete(listener);
        this.#curious = this.#curious.filter((one) => one !== listener);
        this.#attend();
      },
    };
  }

  #attend(): void {
    if (this.#curious.length === 0) this.#undo?.();
    else if (this.#undo === undefined) this.#hear();
  }

  #hear(): void {
    const system = this.#system;
    const send = system._sendInspectionEvent;
    const hear = (event: InspectionEvent): void => {
      const curious = this.#curious;
      for (let index = 0; index < curious.length; index++) (curious[index] as SystemListener).happened(event);
      send(event);
    };
    system._sendInspectionEvent = hear;
    this.#undo = () => {
      this.#undo = undefined;
      // Whoever has put himself before us since keeps us; then nobody is told.
      if (system._sendInspectionEvent === hear) system._sendInspectionEvent = send;
      else this.#undo = () => undefined;
    };
  }
}

const hooksOf = new WeakMap<SystemInternals, Hooks>();

/** Listens to the system of an actor. */
export function listen(actor: AnyActorRef, listener: SystemListener): Listening {
  const system = systemOf(actor);
  const leave = watchedSystemOf(actor).watch();
  let hooks = hooksOf.get(system);
  if (hooks === undefined) {
    hooks = new Hooks(system);
    hooksOf.set(system, hooks);
  }
  return hooks.listen(listener, leave);
}
