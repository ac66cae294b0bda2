/** One who waits for a name: told at once when somebody has it, and in any case by a deadline. */
import type { AnyActorRef } from 'xstate';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Deadline } from '../supervision/deadlines.js';
import type { Namespace } from './namespace.js';
import { duration, requireOptions, requireSignal } from './refusal.js';

/** How long to wait. */
export interface WaitForOptions {
  /** At most so long, ms; 0 does not wait. Default 60 000. */
  readonly deadlineMs?: number;
  /** Its abortion ends the wait. */
  readonly signal?: AbortSignal;
}

/** What came of a wait. */
export type WaitForOutcome =
  | { readonly ok: true; readonly ref: AnyActorRef; readonly metadata: unknown; readonly waitedMs: number }
  /** `full`: as many wait as may. `closed`: the registry has ended, or does not run. */
  | { readonly ok: false; readonly reason: 'timeout' | 'cancelled' | 'full' | 'closed'; readonly waitedMs: number };

const waitKeys = keysOf<WaitForOptions>({ deadlineMs: true, signal: true });

/** @returns the deadline, ms. @throws EspalierError `registry/invalid-options` */
export function requireWait(options: WaitForOptions): number {
  requireOptions('the options of a wait', options, waitKeys);
  requireSignal(options.signal);
  const { deadlineMs = 60_000 } = options;
  if (deadlineMs === 0) return 0;
  return duration('deadlineMs', deadlineMs, 60_000);
}

/** A wait at work. */
export class Wait implements Deadline {
  readonly key: string;
  readonly space: Namespace;
  readonly since: number;
  dueAt = 0;
  place = -1;
  readonly #left: (wait: Wait, reason: 'timeout' | 'cancelled') => void;
  readonly #settle: (outcome: WaitForOutcome) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #cancelled = (): void => this.#left(this, 'cancelled');

  /** @param left  takes it out of its queue: its deadline has passed, or its signal has aborted */
  constructor(
    key: string,
    space: Namespace,
    since: number,
    signal: AbortSignal | undefined,
    left: (wait: Wait, reason: 'timeout' | 'cancelled') => void,
    settle: (outcome: WaitForOutcome) => void,
  ) {
    this.key = key;
    this.space = space;
    this.since = since;
    this.#signal = signal;
    this.#left = left;
    this.#settle = settle;
    signal?.addEventListener('abort', this.#cancelled, { once: true });
  }

  expired(): void {
    this.#left(this, 'timeout');
  }

  /** It is over. */
  end(outcome: WaitForOutcome): void {
    this.#signal?.removeEventListener('abort', this.#cancelled);
    this.#settle(outcome);
  }
}
