/** Whether a machine has handled an event. Runs in browsers as well. */
import type { RecordedTransition } from './lines.js';

/**
 * Did the machine not handle the event of this line? It took no edge, goes on as before, and the event is neither its start nor its stop: one that crashed
 * it, or with which it ended, it has handled. Where a bound has left out which edges were taken, there were some.
 */
export function isUnhandled({ taken, left, event, state }: Pick<RecordedTransition, 'taken' | 'left' | 'event' | 'state'>): boolean {
  return taken.length === 0 && left?.taken === undefined && typeof event === 'number' && state.status === 'active';
}
