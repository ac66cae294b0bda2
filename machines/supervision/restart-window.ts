/** Restart intensity: how many restarts within how long make a supervisor give up. */

/**
 * Would one more restart be too many?
 * @param restarts   earlier restarts, monotonic ms, newest first
 * @param at         this restart, monotonic ms, same clock
 * @param intensity  how many restarts are allowed within the period; 0 allows none
 * @param periodMs   length of the sliding window
 * @returns true when, with this one, more than `intensity` lie within the window; looks at one entry, however many there are
 * @throws  never
 * @see OTP supervisor.erl add_restart/1 — the window's edge is inclusive
 */
export function exceedsIntensity(restarts: readonly number[], at: number, intensity: number, periodMs: number): boolean {
  if (intensity === 0) return true;
  const earlier = restarts[intensity - 1];
  return earlier !== undefined && at - earlier <= periodMs;
}

/**
 * Adds one restart and forgets those that have left the window.
 * @returns restarts still inside the window, newest first, this one included
 * @throws  never
 */
export function addRestart(restarts: readonly number[], at: number, periodMs: number): readonly number[] {
  let kept = restarts.length;
  while (kept > 0 && at - (restarts[kept - 1] as number) > periodMs) kept--;
  // Not spread: with a hundred of them that takes twenty times as long, and each restart does it.
  return [at].concat(restarts.slice(0, kept));
}
