/** What time it is in the system of an actor. */
import type { AnyActorRef } from 'xstate';

import { clockOf, type Clock } from '../supervision/clock.js';
import { rounded } from './watched.js';

export class SystemTime {
  /** Of the system that was asked for last. */
  #known: { readonly system: AnyActorRef['system']; readonly clock: Clock } | undefined;

  /** Monotonic ms. */
  at({ system }: AnyActorRef): number {
    if (system !== this.#known?.system) this.#known = { system, clock: clockOf(system) };
    return rounded(this.#known.clock.now());
  }

  /** Lets go of the system. */
  forget(): void {
    this.#known = undefined;
  }
}
