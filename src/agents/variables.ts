/**
 * Shared variables as supervised logic: the chart with its shelf.
 *
 *   orchestrator({ actors: { shared: variables() }, children: [{ id: 'shared', src: 'shared' }] })
 *
 * The handle that an app holds is in variables-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, type EventObject, fromCallback, type SnapshotFrom } from 'xstate';
import { variablesMachine } from '../../machines/agents/variables.js';
import type { VariablesEmitted, VariablesEvent } from '../../machines/agents/variables-events.js';
import { clockOf } from '../supervision/clock.js';
import { LeftBehind } from '../supervision/left-behind.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { emitFrom, parentOf } from '../supervision/xstate-internals.js';
import { countOn } from './count-on.js';
import { Shelf } from './shelf.js';
import { planVariables, type VariablesOptions, type VariablesPlan } from './variables-options.js';

/** The logic of shared variables; it needs no input. */
export type VariablesLogic = ActorLogic<SnapshotFrom<typeof variablesMachine>, VariablesEvent, undefined, AnyActorRef['system'], VariablesEmitted>;

/** Running shared variables. */
export type VariablesRef = ActorRefFrom<VariablesLogic>;

const shelves = new WeakMap<AnyActorRef, Shelf>();
const left = new LeftBehind<VariablesPlan, number>();

/** The shelf of a running one, or of one that has ended; undefined for one that never ran. */
export function shelfOf(ref: AnyActorRef): Shelf | undefined {
  return shelves.get(ref);
}

/**
 * The logic of shared variables with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it ends at once.
 * Started again, or restored from a snapshot, it has no variables: who defines them defines them anew, and who subscribes subscribes anew. Started again by its
 * supervisor, it goes on counting versions: what was read before is no version after.
 * @throws EspalierError `variables/invalid-options`
 */
export function variables(options: VariablesOptions = {}): VariablesLogic {
  return withInput(variablesMachine.provide({ actors: { shelf: shelf(planVariables(options)) } }), {});
}

/** The actor `shelf` of the chart. */
function shelf(plan: VariablesPlan): ReturnType<typeof fromCallback<EventObject>> {
  return fromCallback<EventObject>(({ self }) => {
    const owner = parentOf(self) as AnyActorRef;
    const versionsFrom = countOn(left, plan, owner, () => made.highest);
    const made: Shelf = new Shelf(plan, { clock: clockOf(self.system), emit: (fact) => emitFrom(owner, fact), versionsFrom });
    shelves.set(owner, made);
    onLoss(self, owner, () => owner.send({ type: 'shelf.ended' }));
    return () => made.close();
  });
}
