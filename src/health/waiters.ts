/** Those who wait until a service is available: bounded, each with a deadline, all told when the table ends. Nobody polls. */
import type { AnyActorRef } from 'xstate';
import type { Clock } from '../supervision/clock.js';
import { type Deadline, DeadlineQueue } from '../supervision/deadlines.js';

/** What became of a wait. `unknown`: there is no such service; `full`: as many wait as may; `closed`: no monitor runs, or it ended meanwhile. */
export type AvailableOutcome =
  | { readonly ok: true; readonly ref: AnyActorRef }
  | { readonly ok: false; readonly reason: 'timeout' | 'cancelled' | 'unknown' | 'full' | 'closed' };

class Waiter implements Deadline {
  dueAt = 0;
  place = -1;
  readonly #end: (outcome: AvailableOutcome) => void;

  constructor(end: (outcome: AvailableOutcome) => void) {
    this.#end = end;
  }

  end(outcome: AvailableOutcome): void {
    this.#end(outcome);
  }

  expired(): void {
    this.#end({ ok: false, reason: 'timeout' });
  }
}

export class Waiters {
  readonly #deadlines: DeadlineQueue;
  readonly #byId = new Map<string, Set<Waiter>>();
  readonly #most: number;
  #count = 0;

  constructor(clock: Clock, most: number) {
    this.#deadlines = new DeadlineQueue(clock);
    this.#most = most;
  }

  /** How many wait. */
  get size(): number {
    return this.#count;
  }

  wait(id: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<AvailableOutcome> {
    if (signal?.aborted === true) return Promise.resolve({ ok: false, reason: 'cancelled' });
    if (this.#count >= this.#most) return Promise.resolve({ ok: false, reason: 'full' });
    return new Promise((resolve) => {
      const cancel = (): void => waiter.end({ ok: false, reason: 'cancelled' });
      const own = this.#byId.get(id) ?? new Set();
      const waiter = new Waiter((outcome) => {
        if (!own.delete(waiter)) return;
        if (own.size === 0) this.#byId.delete(id);
        this.#count--;
        this.#deadlines.remove(waiter);
        signal?.removeEventListener('abort', cancel);
        resolve(outcome);
      });
      own.add(waiter);
      this.#byId.set(id, own);
      this.#count++;
      this.#deadlines.add(waiter, deadlineMs);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  available(id: string, ref: AnyActorRef): void {
    for (const waiter of [...(this.#byId.get(id) ?? [])]) waiter.end({ ok: true, ref });
  }

  close(): void {
    for (const own of [...this.#byId.values()]) for (const waiter of [...own]) waiter.end({ ok: false, reason: 'closed' });
    this.#deadlines.clear();
  }
}
