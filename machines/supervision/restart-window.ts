/** Restart intensity: how many restarts within how long make a supervisor give up. */

/**
 * Adds one restart and says whether the supervisor must give up.
 * @param restarts   earlier restarts, monotonic ms, newest first
 * @param at         this restart, monotonic ms, same clock
 * @param intensity  how many restarts are allowed within the period; 0 allows none
 * @param periodMs   length of the sliding window
 * @returns restarts still inside the window, this one first; `exceeded` when they are more than `intensity`
 * @throws never
 * @see OTP supervisor.erl add_restart/1 — the window's edge is inclusive
 */
export function addRestart(restarts: readonly number[], at: number, intensity: number, periodMs: number): { restarts: number[]; exceeded: boolean } {
  const kept = [at, ...restarts.filter((earlier) => at - earlier <= periodMs)];
  return { restarts: kept, exceeded: kept.length > intensity };
}
