/** Makes a running actor fail, as if its own logic had thrown. */
import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate';

import { hasStopped, logicOf, parentOf } from '../../supervision/xstate-internals.js';

const crashType = 'world.crash';

/**
 * The actor throws `error` while it takes its next event, which is sent to it now; one that is busy fails when it has finished. XState offers no way to
 * do so from outside, so the actor gets logic of its own that throws on this one event and is the former in all else.
 */
export function crashActor(actor: AnyActorRef, error: Error): void {
  if (hasStopped(actor)) return;
  const logic = logicOf(actor);
  const doomed = Object.create(logic, {
    transition: {
      value: (snapshot: never, event: EventObject, scope: never): unknown => {
        if (event.type === crashType) throw error;
        return logic.transition(snapshot, event, scope);
      },
    },
  }) as AnyActorLogic;
  (actor as unknown as { logic: AnyActorLogic }).logic = doomed;
  // A root's crash is the plan's, not the process's.
  if (parentOf(actor) === undefined) actor.subscribe({ error: () => {} });
  (actor as unknown as { _send(event: EventObject): void })._send({ type: crashType });
}
