/**
 * Where time comes from.
 *
 * XState's `Clock` sets and clears timeouts but cannot tell the time. Ours can, so that facts sent to charts carry `at`. One clock serves a whole
 * actor system: it is given to the root, and every actor below reads it there.
 */
import type { AnyActorRef } from 'xstate';

/** A source of monotonic time and of timeouts. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number;
  /** Calls `fn` once, `ms` milliseconds from now; the result goes to {@link Clock.clearTimeout}. */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

/** The longest delay that a timer of the runtime takes; beyond it Node fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The machine's own clock: `performance.now()` and the runtime's timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, longestTimeoutMs)),
  clearTimeout: (id) => {
    clearTimeout(id as ReturnType<typeof setTimeout>);
  },
};

/**
 * The clock of an actor system.
 * @returns the clock that the root was created with; where that cannot tell the time (XState's own default), the machine's monotonic time beside
 *   that clock's timeouts
 */
export function clockOf(system: AnyActorRef['system']): Clock {
  const clock = system._clock as Partial<Clock> & Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  if (typeof clock.now === 'function') return clock as Clock;
  return {
    now: systemClock.now,
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    clearTimeout: (id) => {
      clock.clearTimeout(id);
    },
  };
}
