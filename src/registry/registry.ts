/**
 * A registry as supervised logic: the chart with its names.
 *
 *   orchestrator({ actors: { names: registry({ names: { mail: 'mail' } }), mail }, children: [{ id: 'names', src: 'names' }, { id: 'mail', src: 'mail' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { registryMachine } from '../../machines/registry/registry.js';
import type { RegistryEmitted, RegistryEvent } from '../../machines/registry/registry-events.js';
import { clockOf } from '../supervision/clock.js';
import { LeftBehind } from '../supervision/left-behind.js';
import { withInput } from '../supervision/supervisors.js';
import { onExit, onLoss } from '../supervision/watch.js';
import { emitFrom, parentOf } from '../supervision/xstate-internals.js';
import { planRegistry, type RegistryOptions, type RegistryPlan } from './options.js';
import { NameTable } from './table.js';

/** The logic of one registry; it needs no input. */
export type RegistryLogic = ActorLogic<SnapshotFrom<typeof registryMachine>, RegistryEvent, undefined, AnyActorRef['system'], RegistryEmitted>;

/** A running registry. */
export type RegistryRef = ActorRefFrom<RegistryLogic>;

const tables = new WeakMap<AnyActorRef, NameTable>();

/** Tables that outlive a registry: for the next one in its seat. */
const left = new LeftBehind<RegistryPlan, NameTable>();

/** The names of a registry; of one that has ended too, and undefined for one that never ran. */
export function tableOf(registry: AnyActorRef): NameTable | undefined {
  return tables.get(registry);
}

/**
 * The logic of a registry with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it ends at once.
 * Restarted by its supervisor, it knows whom its predecessor knew, as far as they live. Restored from a snapshot it knows nobody but its planned names.
 * @throws EspalierError `registry/invalid-options`
 */
export function registry(options: RegistryOptions = {}): RegistryLogic {
  const plan = planRegistry(options);
  return withInput(registryMachine.provide({ actors: { names: names(plan) } }), plan.input);
}

/** The actor `names` of the chart: while it runs, owners are watched. */
function names(plan: RegistryPlan): ReturnType<typeof fromCallback<{ type: 'names.none' }>> {
  return fromCallback<{ type: 'names.none' }>(({ self, sendBack }) => {
    const owner = parentOf(self) as AnyActorRef;
    const table = tables.get(owner) ?? begin(owner, plan);
    sendBack({ type: 'names.opened', ...table.open(owner, (fact) => emitFrom(owner, fact)) });
    onLoss(self, owner, () => owner.send({ type: 'names.ended', at: clockOf(owner.system).now() }));
    return () => table.detach();
  });
}

/** The table of a registry that begins: its predecessor's, where there was one. */
function begin(owner: AnyActorRef, plan: RegistryPlan): NameTable {
  const parent = parentOf(owner);
  const byId = parent === undefined ? undefined : left.at(parent, plan);
  const table = byId?.get(owner.id) ?? new NameTable(plan, clockOf(owner.system));
  byId?.delete(owner.id);
  tables.set(owner, table);
  onExit(owner, (reason) => {
    table.suspend(owner);
    if (reason === 'normal' || byId === undefined) table.clear();
    else byId.set(owner.id, table);
  });
  return table;
}
