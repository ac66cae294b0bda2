/** The pause before a backend is asked again. */
import type { BackendClock } from '../backend/port.js';

/** Lets time pass: so many ms of that clock, or until the signal aborts. It says nothing of which; whoever pauses looks. */
export function pause(clock: BackendClock, ms: number, signal: AbortSignal | null = null): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
