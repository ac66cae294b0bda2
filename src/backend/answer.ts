/** One call's answer: given once, by whoever is first: the backend, the signal or the deadline. */
import type { BackendClock, CallOptions } from './port.js';

/** Why whoever called waits no longer. */
export type GivenUp = 'cancelled' | 'late';

export class Answer<Outcome> {
  readonly settled: Promise<Outcome>;
  readonly #clock: BackendClock;
  readonly #signal: AbortSignal | undefined;
  #resolve!: (outcome: Outcome) => void;
  #timer: unknown;
  #onAbort: (() => void) | null = null;
  #isSettled = false;

  constructor(clock: BackendClock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#signal = signal;
    this.settled = new Promise((resolve) => (this.#resolve = resolve));
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Waits, for the signal and the deadline too. @param then  asked once, where one of them comes first */
  wait(withinMs: number, giveUp: (why: GivenUp) => void): void {
    if (this.#isSettled) return;
    this.#timer = this.#clock.setTimeout(() => giveUp('late'), withinMs);
    this.#onAbort = () => giveUp('cancelled');
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The first counts; the others are nobody's. */
  settle(outcome: Outcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (this.#onAbort !== null) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(outcome);
  }
}

/** What a call says of its waiting, with the default filled in. */
export interface PlannedCall {
  readonly signal: AbortSignal | undefined;
  readonly withinMs: number;
}

export function plannedCall({ signal, withinMs }: CallOptions, callMs: number): PlannedCall {
  return { signal, withinMs: withinMs ?? callMs };
}
