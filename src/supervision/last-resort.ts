/** Where the faults of an app's own callbacks go when nobody is left to hear of them. */

/** Prints what was thrown. Rethrown, it would end the process, and swallowed, it would never be found. @param who  `a listener of 'tool.called'` */
export function printFault(who: string, error: unknown): void {
  try {
    // oxlint-disable-next-line no-console -- the app's bug must be seen somewhere
    console.error(`espalier: ${who} threw`, error);
  } catch {
    // oxlint-disable-next-line no-console -- what was thrown throws where it is read
    console.error(`espalier: ${who} threw what cannot be shown`);
  }
}
