/**
 * Why the signal of a lease aborts, or of who waits for one: its owner is done with it. What the runtime would make of no reason, but made once: for each one of
 * its own it writes down a stack, which costs a tenth of a lock.
 */
export const over = new DOMException('This operation was aborted', 'AbortError');
