/** When an actor that was created is started. XState tells nobody but who inspects the system. */
import type { AnyActorRef } from 'xstate';
import { watchedSystemOf } from './watched-system.js';

/**
 * Calls `started` once, in the microtask after an actor is started that is not: by then it has begun. Never for one that is stopped before.
 * @returns what takes it back
 */
export function onStart(actor: AnyActorRef, started: () => void): { unsubscribe(): void } {
  let isDue = true;
  const watch = watchedSystemOf(actor).glance((seen) => {
    if (seen.type !== '@xstate.event' || seen.actorRef !== actor || seen.event.type !== 'xstate.init') return;
    watch.unsubscribe();
    void Promise.resolve().then(() => {
      if (isDue) started();
    });
  });
  return {
    unsubscribe: () => {
      isDue = false;
      watch.unsubscribe();
    },
  };
}
