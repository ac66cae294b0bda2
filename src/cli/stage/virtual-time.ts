/** Has a virtual clock go by itself: from one timer to the next, when all that the last one set off has settled. */
import type { VirtualClock } from '../../testing/virtual-clock.js';
import { pause } from './pause.js';

/**
 * Moves the clock until the signal aborts; never rejects.
 * @param isPaced  does a ms of it take one of the machine's, for people to look on? Else it goes as fast as it may
 */
export async function driveClock(clock: VirtualClock, signal: AbortSignal, isPaced: boolean): Promise<void> {
  while (!signal.aborted) {
    await clock.flush();
    const next = clock.nextAt();
    // In small steps: what comes from outside, as a viewer or Ctrl-C, sets nearer timers meanwhile.
    const step = Math.min(next === undefined ? longestStepMs : next - clock.now(), longestStepMs);
    if (isPaced && step > 0) await pause(step, signal).catch(() => undefined);
    if (next !== undefined || isPaced) await clock.advanceByAsync(step);
  }
}

const longestStepMs = 50;
