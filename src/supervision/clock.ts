/**
 * Where time comes from.
 *
 * XState's `Clock` sets and clears timeouts but cannot tell the time. Ours can, so that facts sent to charts carry `at`. One clock serves a whole
 * actor system: it is given to the root, and every actor below reads it there.
 */
import { createActor, fromTransition, type AnyActorRef } from 'xstate';

import { EspalierError } from '../errors.js';

/** A source of monotonic time and of timeouts. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number;
  /** Calls `fn` once, `ms` milliseconds from now; the result goes to {@link Clock.clearTimeout}. */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
  /**
   * Calls `fn` once, when the present turn of the event loop is over, before any timeout can be due that is set then. Absent where time goes on within a turn,
   * as a virtual clock's does, or where nobody can tell: then what would wait for the end of the turn is done at once.
   */
  afterTurn?(fn: () => void): void;
}

/** The longest delay that a timer of the runtime takes, ms; beyond it Node fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

type Timers = Pick<Clock, 'setTimeout' | 'clearTimeout'>;

/** A timeout that may need several of the runtime's. */
interface LongTimeout {
  id: unknown;
}

/** Timers without a longest delay, on timers with one. */
function withoutLimit({ setTimeout: set, clearTimeout: clear }: Timers): Timers {
  const arm = (timeout: LongTimeout, fn: () => void, ms: number): void => {
    const next = ms > longestTimeoutMs ? () => arm(timeout, fn, ms - longestTimeoutMs) : fn;
    timeout.id = set(next, Math.min(ms, longestTimeoutMs));
  };
  return {
    setTimeout(fn, ms) {
      const timeout: LongTimeout = { id: undefined };
      arm(timeout, fn, ms);
      return timeout;
    },
    clearTimeout(timeout) {
      clear((timeout as LongTimeout | undefined)?.id);
    },
  };
}

/** The machine's own clock: `performance.now()` and the runtime's timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  ...withoutLimit({
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (id) => {
      clearTimeout(id as ReturnType<typeof setTimeout>);
    },
  }),
  // Not in browsers.
  ...(typeof setImmediate === 'function' ? { afterTurn: (fn: () => void) => void setImmediate(fn) } : {}),
};

/** A turn of the event loop that was asked for. */
export interface LaterTurn {
  cancel(): void;
}

/** The runtime's own, as this module found them. There are no immediates in browsers. */
const ownTimeout = globalThis.setTimeout;
const { setImmediate: ownImmediate, clearImmediate: clearOwnImmediate } = globalThis as Partial<typeof globalThis>;

/**
 * Calls once in the next turn of the runtime's own event loop, whatever time it is by anybody's clock and whatever timers somebody has put in the place of the
 * runtime's: it is for those who let others have a turn.
 */
export function laterTurn(act: () => void): LaterTurn {
  if (ownImmediate !== undefined) {
    const turn = ownImmediate(act);
    return { cancel: () => clearOwnImmediate?.(turn) };
  }
  const timer = ownTimeout(act, 0);
  return { cancel: () => clearTimeout(timer) };
}

/** Refuses what cannot tell the time and set timeouts. @throws EspalierError `supervision/invalid-options` */
export function requireClock(clock: Partial<Clock> | null): void {
  const isClock = typeof clock?.now === 'function' && typeof clock.setTimeout === 'function' && typeof clock.clearTimeout === 'function';
  if (!isClock) throw new EspalierError('supervision/invalid-options', { expected: '`clock` with now, setTimeout and clearTimeout', got: clock });
}

/**
 * Has somebody put other timers in the place of the runtime's, as test kits do? Those may vanish with all that they were asked for, so nothing that outlives a test may lean
 * on them.
 */
export function isRuntimeReplaced(): boolean {
  return globalThis.setTimeout !== ownTimeout;
}

const clocks = new WeakMap<object, Clock>();
let defaultClock: unknown;

/** Does a system's clock tell the time, or is it the one that XState takes where it is given none: the runtime's timers, which keep the machine's time? */
export function keepsTime({ _clock: given }: AnyActorRef['system']): boolean {
  if (typeof (given as Partial<Clock>).now === 'function') return true;
  defaultClock ??= createActor(fromTransition((state: null) => state, null)).clock;
  return given === defaultClock;
}

/**
 * The clock of an actor system.
 * @returns the clock that the root was created with; where that cannot tell the time (XState's own default), the machine's monotonic time beside
 *   that clock's timeouts
 */
export function clockOf(system: AnyActorRef['system']): Clock {
  const given = system._clock as Partial<Clock> & Timers;
  if (typeof given.now === 'function') return given as Clock;
  let clock = clocks.get(given);
  if (clock === undefined) {
    const timers: Timers = {
      setTimeout: (fn, ms) => given.setTimeout(fn, ms),
      clearTimeout: (id) => {
        given.clearTimeout(id);
      },
    };
    clock = { now: systemClock.now, ...withoutLimit(timers) };
    clocks.set(given, clock);
  }
  return clock;
}
