/** Those who wait for names of one registry: told as soon as a name is given, by their deadlines, or when the registry ends. */
import type { AnyActorRef } from 'xstate';
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import type { Namespace } from './namespace.js';
import { Wait, type WaitForOutcome } from './wait.js';

export class Waits {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #deadlines: DeadlineQueue;
  readonly #idle: (space: Namespace) => void;
  readonly #all = new Set<Wait>();

  /** @param most  how many may wait. @param idle  told of a namespace in which nobody waits any more for a name */
  constructor(clock: Clock, most: number, idle: (space: Namespace) => void) {
    this.#clock = clock;
    this.#most = most;
    this.#deadlines = new DeadlineQueue(clock);
    this.#idle = idle;
  }

  get size(): number {
    return this.#all.size;
  }

  get isFull(): boolean {
    return this.#all.size >= this.#most;
  }

  /** Begins a wait. @param deadlineMs  at least 1; `settle` is called once */
  add(space: Namespace, key: string, deadlineMs: number, signal: AbortSignal | undefined, settle: (outcome: WaitForOutcome) => void): void {
    const wait = new Wait(key, space, this.#clock.now(), signal, (left, reason) => this.#leave(left, reason), settle);
    const waits = space.waits.get(key);
    if (waits === undefined) space.waits.set(key, new Set([wait]));
    else waits.add(wait);
    this.#all.add(wait);
    this.#deadlines.add(wait, deadlineMs);
  }

  /** Somebody has the name. */
  named(space: Namespace, key: string, ref: AnyActorRef, metadata: unknown): void {
    const waits = space.waits.get(key);
    if (waits === undefined) return;
    for (const wait of [...waits]) this.#end(wait, { ok: true, ref, metadata, waitedMs: this.#clock.now() - wait.since });
  }

  /** The registry has ended. */
  close(): void {
    for (const wait of [...this.#all]) this.#leave(wait, 'closed');
  }

  #leave(wait: Wait, reason: 'timeout' | 'cancelled' | 'closed'): void {
    this.#end(wait, { ok: false, reason, waitedMs: this.#clock.now() - wait.since });
  }

  #end(wait: Wait, outcome: WaitForOutcome): void {
    if (!this.#all.delete(wait)) return;
    const { space, key } = wait;
    const waits = space.waits.get(key);
    waits?.delete(wait);
    if (waits?.size === 0) space.waits.delete(key);
    this.#deadlines.remove(wait);
    this.#idle(space);
    wait.end(outcome);
  }
}
