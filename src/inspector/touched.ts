/**
 * Which actors something has come to, and how often: the cheapest thing that can be known of a running system.
 *
 * It stands where XState hands events on, and only while somebody looks. There it costs one look into a Map; XState's inspection costs as much again as
 * the event itself.
 */
import type { AnyActorRef } from 'xstate';

import { type SystemInternals, systemOf } from '../supervision/xstate-internals.js';

type Relay = SystemInternals['_relay'];

export class Touched {
  readonly #system: SystemInternals;
  readonly #wake: () => void;
  #counts = new Map<AnyActorRef, number>();
  #isOn = false;
  /** Ours, and the one that it stands before; undefined while it stands nowhere. */
  #relays: { readonly own: Relay; readonly next: Relay } | undefined;

  /** @param wake  called when there is something to take, once until it is taken */
  constructor(actor: AnyActorRef, wake: () => void) {
    this.#system = systemOf(actor);
    this.#wake = wake;
  }

  /** Begins to count. Again: nothing. */
  on(): void {
    this.#isOn = true;
    // It may still stand there, where somebody else has come before it.
    if (this.#relays !== undefined) return;
    const system = this.#system;
    const next = system._relay;
    const own: Relay = (source, target, event) => {
      if (this.#isOn) this.#count(target);
      next.call(system, source, target, event);
    };
    this.#relays = { own, next };
    system._relay = own;
  }

  /** Ends counting, and steps aside where nobody has come before it. */
  off(): void {
    this.#isOn = false;
    this.#counts.clear();
    if (this.#relays === undefined || this.#system._relay !== this.#relays.own) return;
    this.#system._relay = this.#relays.next;
    this.#relays = undefined;
  }

  /** How many events have come to each actor since it was asked before. */
  take(): ReadonlyMap<AnyActorRef, number> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }

  #count(target: AnyActorRef): void {
    const { size } = this.#counts;
    this.#counts.set(target, (this.#counts.get(target) ?? 0) + 1);
    if (size === 0) this.#wake();
  }
}
