/** Who waits for a change of the configuration: in order, each with a deadline, and bounded in number. They outlive the actor that is to serve them. */
import type { CheckFault, Issue, Override } from '../../machines/config/config-events.js';
import type { Clock } from '../supervision/clock.js';
import { type Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import type { Path } from './paths.js';

/** What is asked for. */
export type Wish =
  | { readonly kind: 'update'; readonly changes: readonly Override[] }
  /** Null: all updates. */
  | { readonly kind: 'reset'; readonly path: Path | null }
  | { readonly kind: 'rollback'; readonly version: number };

/** What came of it. `isChanged` false: it was so already, and there is no new version. */
export type ChangeOutcome =
  | { readonly ok: true; readonly version: number; readonly isChanged: boolean }
  | {
      readonly ok: false;
      /** `full`: as many wait as may; `notUpdatable`: the path is none of those that may be updated; `closed`: it has been closed, or nobody knows it yet. */
      readonly reason: Exclude<CheckFault, 'gone'> | 'full' | 'notUpdatable' | 'closed';
      readonly issues: readonly Issue[];
    };

export function refused(reason: Extract<ChangeOutcome, { ok: false }>['reason'], issues: readonly Issue[] = []): ChangeOutcome {
  return { ok: false, reason, issues };
}

export class Request implements Deadline {
  readonly ticket: number;
  readonly wish: Wish;
  /** The version that it is meant for; null is any. */
  readonly expected: number | null;
  readonly #requests: Requests;
  readonly #heard: (outcome: ChangeOutcome) => void;
  dueAt = 0;
  place = -1;

  constructor(requests: Requests, ticket: number, wish: Wish, expected: number | null, heard: (outcome: ChangeOutcome) => void) {
    this.#requests = requests;
    this.ticket = ticket;
    this.wish = wish;
    this.expected = expected;
    this.#heard = heard;
  }

  expired(): void {
    this.settle(refused('timeout'));
  }

  /** Tells the outcome, once. */
  settle(outcome: ChangeOutcome): void {
    if (this.#requests.remove(this)) this.#heard(outcome);
  }
}

export class Requests {
  readonly #most: number;
  readonly #waiting = new Map<number, Request>();
  #clock: Clock;
  #deadlines: DeadlineQueue;
  #last = 0;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
    this.#deadlines = new DeadlineQueue(clock);
  }

  get size(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#most;
  }

  /** Of those who wait, the first first. */
  get tickets(): readonly number[] {
    return [...this.#waiting.keys()];
  }

  find(ticket: number): Request | undefined {
    return this.#waiting.get(ticket);
  }

  add(wish: Wish, expected: number | null, waitMs: number, heard: (outcome: ChangeOutcome) => void): number {
    const request = new Request(this, ++this.#last, wish, expected, heard);
    this.#waiting.set(request.ticket, request);
    this.#deadlines.add(request, waitMs);
    return request.ticket;
  }

  remove(request: Request): boolean {
    this.#deadlines.remove(request);
    return this.#waiting.delete(request.ticket);
  }

  /** From now on by another clock: what is left of each wait is left. */
  move(clock: Clock): void {
    if (clock === this.#clock) return;
    const left = [...this.#waiting.values()].map((request) => [request, Math.max(0, request.dueAt - this.#clock.now())] as const);
    this.#deadlines.clear();
    this.#clock = clock;
    this.#deadlines = new DeadlineQueue(clock);
    for (const [request, ms] of left) this.#deadlines.add(request, ms);
  }

  close(): void {
    for (const request of [...this.#waiting.values()]) request.settle(refused('closed'));
  }
}
