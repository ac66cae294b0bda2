/** A supervisor of agents that comes after another registers all again who are in the ledger of its room, one after the other. */
import type { AnyActorRef } from 'xstate';
import type { AgentsRecovered } from '../../machines/agents/agent-events.js';
import { supervisorHandle } from '../supervision/handle.js';
import { emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { chartOf, type Place, placeOf } from './agents-place.js';

/** Done as the supervisor starts. Restored from a snapshot, it has them. */
export function recover(above: AnyActorRef): void {
  const room = parentOf(parentOf(above) as AnyActorRef) as AnyActorRef;
  const place = placeOf(room);
  const { ledger } = place;
  if (ledger.size === 0) return;
  const handle = supervisorHandle(above);
  const missing = [...ledger.keys()].filter((id) => handle.child(id) === undefined);
  if (missing.length === 0) return;
  const recovering: Promise<void> = registerAll(room, place, above, missing).finally(() => {
    if (place.recovering === recovering) place.recovering = null;
  });
  place.recovering = recovering;
}

async function registerAll(room: AnyActorRef, { ledger }: Place, above: AnyActorRef, ids: readonly string[]): Promise<void> {
  const handle = supervisorHandle(above);
  const told: AgentsRecovered = { type: 'agents.recovered', registered: 0, started: 0, lost: 0 };
  const count = { ...told };
  for (const id of ids) {
    const past = ledger.get(id);
    if (past === undefined) continue;
    const begun = await handle.startChild(chartOf(past.spec));
    // Whoever comes after it does so.
    if (hasStopped(above)) return;
    if (begun.ok) {
      count.registered++;
      if (past.was === 'up') count.started++;
    } else {
      count.lost++;
      ledger.delete(id);
      emitFrom(room, { type: 'agent.unregistered', id } as never);
    }
  }
  emitFrom(room, count);
}
