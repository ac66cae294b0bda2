/** What somebody threw, in words. */

/** As `String` has it; of what has none, which anybody may throw, what it is. @throws never */
export function saidOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return `${typeof error} without words`;
  }
}
