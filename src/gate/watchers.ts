/**
 * Who watches a gate's holders: one actor, under a supervisor of its own.
 *
 * It may be killed, or crash: its supervisor starts another, which looks at everybody who holds or waits, and finds those that have ended meanwhile. The
 * supervisor may be lost too: the gate's chart replaces it, up to its own limit.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import { clockOf } from '../supervision/clock.js';
import { supervisor } from '../supervision/supervisors.js';
import { onExit, onLoss } from '../supervision/watch.js';
import { createChild, hasStopped, parentOf, stopActor } from '../supervision/xstate-internals.js';
import { watchEnd, type Watch } from './owners.js';
import type { PermitTable } from './permits.js';

/** The actor that watches the owners of one table, for as long as it runs. */
export function watcher(table: PermitTable): ReturnType<typeof fromCallback<{ type: 'watcher.none' }>> {
  return fromCallback(() => {
    const watch: Watch = (owner, ended) => watchEnd(owner, ended);
    table.owners.attach(watch);
    return () => table.owners.detach(watch);
  });
}

/** The actor `watchers` of the gate's chart. @param tableOf  the table of a running gate */
export function watchers(tableOf: (gate: AnyActorRef) => PermitTable | undefined): ReturnType<typeof fromCallback<{ type: 'watchers.none' }>> {
  return fromCallback(({ self }) => {
    const gate = parentOf(self) as AnyActorRef;
    const table = tableOf(gate);
    if (table === undefined) return undefined;
    const tell = (): void => {
      if (!hasStopped(gate)) gate.send({ type: 'watchers.ended', at: clockOf(gate.system).now() });
    };
    const logic = supervisor({
      ...{ intensity: 10, periodMs: 5_000, actors: { watcher: watcher(table) } },
      children: [{ id: 'watcher', src: 'watcher', restart: 'permanent', shutdownMs: 'brutalKill' }],
    });
    const ref = createChild(logic, { parent: self, id: 'supervisor' });
    ref.start();
    const below = onExit(ref, tell);
    onLoss(self, gate, tell);
    return () => {
      below.unsubscribe();
      stopActor(ref);
    };
  });
}
