/**
 * Waiting without polling: a condition is looked at now, and again whenever something changed, until its deadline or until the owner closes.
 * Every timer of the local server lives here, and none outlives `close()`.
 */
import { type Clock, systemClock } from '../../supervision/clock.js';

/** What became of a wait: its value, or why there is none. */
export type Waited<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: 'deadline' | 'closed' };

/** The waits of one owner. */
export class Waits {
  readonly #clock: Clock;
  /** One entry per open wait: look again, or (`closed`) give up. Each removes itself when it settles. */
  readonly #open = new Set<(what: 'changed' | 'closed') => void>();
  #closed = false;

  /** @param clock  default the system's */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Waits until `check` answers anything but undefined. Waits that become true together are settled in the order they were made.
   * @param check       must not throw; may take what it finds
   * @param deadlineMs  from now
   * @returns never rejects
   */
  until<T>(check: () => T | undefined, deadlineMs: number): Promise<Waited<T>> {
    if (this.#closed) return Promise.resolve({ ok: false, reason: 'closed' });
    const now = check();
    if (now !== undefined) return Promise.resolve({ ok: true, value: now });
    return new Promise((resolve) => {
      const settle = (outcome: Waited<T>): void => {
        this.#clock.clearTimeout(timer);
        this.#open.delete(look);
        resolve(outcome);
      };
      const look = (what: 'changed' | 'closed'): void => {
        if (what === 'closed') return settle({ ok: false, reason: 'closed' });
        const value = check();
        if (value !== undefined) settle({ ok: true, value });
      };
      const timer = this.#clock.setTimeout(() => settle({ ok: false, reason: 'deadline' }), deadlineMs);
      this.#open.add(look);
    });
  }

  /** Something changed: every open wait looks again. */
  changed(): void {
    for (const look of this.#open) look('changed');
  }

  /** Ends every open wait with `closed`, and every later one at once. */
  close(): void {
    this.#closed = true;
    for (const look of this.#open) look('closed');
  }
}
