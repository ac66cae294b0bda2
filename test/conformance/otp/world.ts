/**
 * The world of one line: virtual time, start plans counted over the whole scenario, and a bound on everything.
 *
 * Nothing here waits for real time. A line that never settles runs into the bound: timers are no longer set, starts never answer, and the
 * inspector throws, which wedges whatever loops (XState: an actor whose inspector throws processes no further event).
 */
import { createActor, fromTransition, type AnyActorRef, type InspectionEvent } from 'xstate';

import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { StartAction } from './line.js';
import { normalAction, type NormalAction, type StartPlans } from './worker.js';

/** Thrown when a line takes more steps than any honest one. */
export class Unsettled extends Error {
  override readonly name = 'Unsettled';
}

/** Inspection events, timers and start attempts that one line may use. The busiest line of the public sets uses 1 500. */
export const defaultSteps = 50_000;

/** A virtual clock that stops setting timers once `spend` says no. */
class BoundedClock extends VirtualClock {
  readonly #spend: () => boolean;

  constructor(spend: () => boolean) {
    super();
    this.#spend = spend;
  }

  override setTimeout(fn: () => void, ms: number): unknown {
    return this.#spend() ? super.setTimeout(fn, ms) : undefined;
  }
}

export class World implements StartPlans {
  readonly clock: VirtualClock;
  readonly #attempts = new Map<string, number>();
  #left: number;

  /** @param steps  the bound, see {@link defaultSteps} */
  constructor(steps = defaultSteps) {
    this.#left = steps;
    this.clock = new BoundedClock(() => this.#spend());
  }

  #spend(): boolean {
    return --this.#left >= 0;
  }

  take(path: string, plan: readonly StartAction[] = ['ok']): NormalAction {
    const attempt = this.#attempts.get(path) ?? 0;
    this.#attempts.set(path, attempt + 1);
    if (!this.#spend()) return normalAction('hang');
    return normalAction(plan[Math.min(attempt, plan.length - 1)] ?? 'ok');
  }

  /** Hands inspection events on, as long as the bound allows. @throws {Unsettled} beyond it, on purpose: see above */
  inspect(observe: (event: InspectionEvent) => void = () => undefined): (event: InspectionEvent) => void {
    return (event) => {
      this.assertBound();
      this.#spend();
      observe(event);
    };
  }

  /** @throws {Unsettled} when the bound is spent */
  assertBound(): void {
    if (this.#left < 0) throw new Unsettled('the line does not settle: it spent every step it was given');
  }

  /** Lets everything run that needs no time. */
  async flush(): Promise<void> {
    await this.clock.flush();
    await this.clock.flush();
    this.assertBound();
  }

  /** Moves time to `ms` (absolute), running what is due on the way and what follows from it. */
  async advanceTo(ms: number): Promise<void> {
    await this.flush();
    for (let due = this.clock.nextAt(); due !== undefined && due <= ms; due = this.clock.nextAt()) {
      this.clock.advanceTo(due);
      await this.flush();
    }
    this.clock.advanceTo(ms);
    await this.flush();
  }

  /**
   * Runs time until `pending` settles.
   * @throws {Unsettled} when no timer is left that could settle it
   */
  async settle<T>(pending: Promise<T>): Promise<T> {
    let settled = false;
    const seen = pending.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (;;) {
      await this.flush();
      if (settled) break;
      const due = this.clock.nextAt();
      if (due === undefined) throw new Unsettled('a result that never comes: nothing is left that could bring it');
      await this.advanceTo(due);
    }
    await seen;
    return pending;
  }

  /** A root actor that does nothing: whatever the scenario calls "the driver". Its children's ends are none of its business. */
  driver(): AnyActorRef {
    const driver = createActor(
      fromTransition((state: null) => state, null),
      { clock: this.clock, inspect: this.inspect() },
    );
    driver.start();
    return driver;
  }
}
