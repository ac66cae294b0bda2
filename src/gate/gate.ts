/**
 * A gate as supervised logic: the chart with its permits and its watchers.
 *
 *   orchestrator({ actors: { models: gate({ permits: 4 }) }, children: [{ id: 'models', src: 'models' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { gateMachine } from '../../machines/gate/gate.js';
import type { GateEmitted, GateEvent, PermitsCommand } from '../../machines/gate/gate-events.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { emitFrom, isHeard, parentOf } from '../supervision/xstate-internals.js';
import { type GateOptions, type GatePlan, planGate } from './options.js';
import { PermitTable } from './permits.js';
import { keepShape } from './shapes.js';
import { watchers } from './watchers.js';

/** The logic of one gate; it needs no input. */
export type GateLogic = ActorLogic<SnapshotFrom<typeof gateMachine>, GateEvent, undefined, AnyActorRef['system'], GateEmitted>;

/** A running gate. */
export type GateRef = ActorRefFrom<GateLogic>;

const tables = new WeakMap<AnyActorRef, PermitTable>();

/** The permits of a gate; of one that has ended too, and undefined for one that never ran. */
export function tableOf(gate: AnyActorRef): PermitTable | undefined {
  return tables.get(gate);
}

/**
 * The logic of a gate with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it ends at once:
 * whoever waits is refused, and permits that are held are void. Restored from a snapshot, it knows the levels of its keys, and nobody holds anything.
 * @throws EspalierError `gate/invalid-options`
 */
export function gate(options: GateOptions = {}): GateLogic {
  const plan = planGate(options);
  const machine = gateMachine.provide({ actors: { permits: permits(plan), watchers: watchers(tableOf) } });
  return withInput(machine, plan.input);
}

/** The actor `permits` of the chart. */
function permits(plan: GatePlan): ReturnType<typeof fromCallback<PermitsCommand>> {
  return fromCallback<PermitsCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const table = new PermitTable(plan, clockOf(self.system), {
      emit: (fact) => emitFrom(owner, fact),
      isHeard: (type) => isHeard(owner, type),
      report: sendBack,
    });
    tables.set(owner, table);
    receive((command) => table.obey(command));
    sendBack({ type: 'permits.opened' });
    onLoss(self, owner, () => owner.send({ type: 'permits.ended' }));
    return () => table.close();
  });
}

const still: Clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} };
keepShape(new PermitTable(planGate({}), still, { emit: () => {}, isHeard: () => false, report: () => {} }));
