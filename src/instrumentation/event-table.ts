/** The table of all facts that actors of Espalier emit; docs/telemetry.md is made of it. */
import type { EventGroup, EventRow } from './event-row.js';
import { modelEvents } from './model-events.js';
import { serviceEvents } from './service-events.js';
import { supervisionEvents } from './supervision-events.js';
import { telemetryEvents } from './telemetry-events.js';

/** By kind of actor. */
export const eventGroups: readonly EventGroup[] = [...supervisionEvents, ...serviceEvents, ...modelEvents, ...telemetryEvents];

const byMachine = new Map<string, ReadonlyMap<string, EventRow>>();
const byType = new Map<string, EventRow>();
for (const { machines, rows } of eventGroups) {
  for (const machine of machines) byMachine.set(machine, new Map([...(byMachine.get(machine) ?? []), ...Object.entries(rows)]));
  if (machines.length === 0) for (const [type, row] of Object.entries(rows)) byType.set(type, row);
}

/**
 * What the table says of a fact; undefined for one that is an app's own.
 * @param machine  the id of the machine that emits it; null for another actor
 */
export function rowOf(machine: string | null, type: string): EventRow | undefined {
  return machine === null ? byType.get(type) : byMachine.get(machine)?.get(type);
}

/** Every type that a machine of that id emits. */
export function typesOf(machine: string): readonly string[] {
  return [...(byMachine.get(machine)?.keys() ?? [])];
}
