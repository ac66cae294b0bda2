/**
 * How many permits a key has that adapts to its service: additive increase, multiplicative decrease.
 *
 * Whoever finds the limit of a shared service by trying must give way faster than it takes: only then do several who try at once come to even shares.
 * @see D. Chiu, R. Jain, Analysis of the increase and decrease algorithms for congestion avoidance in computer networks, 1989
 * @see RFC 5681, TCP congestion control
 */

/** The policy of a key that adapts. */
export interface Adaptive {
  /** It backs off no further, at least 1. */
  readonly floor: number;
  /** It climbs no further. */
  readonly ceiling: number;
  /** What is left of a level when it backs off, above 0 and below 1. */
  readonly factor: number;
}

/**
 * The level after a 429.
 * @param level  permits now; null for no limit, which stays
 * @returns a whole number, less by at least one unless the floor is reached; never more than `level`
 * @throws never
 */
export function backedOff(level: number | null, { floor, factor }: Adaptive): number | null {
  if (level === null) return null;
  return Math.min(level, Math.max(floor, Math.min(level - 1, Math.floor(level * factor))));
}

/**
 * The level after as many successes as it has permits.
 * @param level  permits now; null for no limit, and 0 for a key that is shut: both stay
 * @returns one more, or the same where the ceiling is reached
 * @throws never
 */
export function climbed(level: number | null, { ceiling }: Adaptive): number | null {
  return level === null || level === 0 || level >= ceiling ? level : level + 1;
}
