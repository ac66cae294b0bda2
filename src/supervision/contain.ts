/**
 * The net beneath: an actor that throws takes its own children with it, at once.
 *
 * XState leaves them running when a guard, an assigner, an entry action or an output throws ("could throw and leave us with orphaned active
 * actors", createActor.ts): nobody owns them any more, and a restarted parent spawns them a second time. A callback that throws in its receiver is
 * never cleaned up (statelyai/xstate#5433). OTP's links guarantee the opposite. Names that the failed transition had registered for actors it never
 * started are freed, so that the restart can take them.
 */
import type { AnyActorRef } from 'xstate';

import { childrenOf, cleanUp, hasStopped, isBelow, isUnstarted, stopActor, systemOf } from './xstate-internals.js';

const contained = new WeakSet<object>();

/** Spreads the net under the actor's whole system; once per system. */
export function contain(actor: AnyActorRef): void {
  const system = systemOf(actor);
  if (contained.has(system)) return;
  contained.add(system);
  const unregister = system._unregister.bind(system);
  system._unregister = (ended) => {
    unregister(ended);
    if (!hasStopped(ended) || (ended.getSnapshot() as { status?: string } | undefined)?.status !== 'error') return;
    for (const named of Object.values(system.getAll())) {
      if (isUnstarted(named) && isBelow(named, ended)) unregister(named);
    }
    for (const child of childrenOf(ended)) stopActor(child);
    cleanUp(ended);
  };
}
