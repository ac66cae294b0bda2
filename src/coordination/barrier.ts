/**
 * A barrier as supervised logic: the chart with its place among those who wait.
 *
 *   orchestrator({ actors: { step: barrier(backend, { name: 'step', parties: 3 }) }, children: [{ id: 'step', src: 'step' }] })
 *
 * The handle that an app holds is in barrier-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { barrierMachine } from '../../machines/coordination/barrier.js';
import type { BarrierEmitted, BarrierEvent, BarrierPlaceCommand } from '../../machines/coordination/barrier-events.js';
import type { Backend } from '../backend/port.js';
import { clockOf } from '../supervision/clock.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { type BarrierOptions, type BarrierPlan, planBarrier } from './barrier-options.js';
import { BarrierPlace } from './barrier-place.js';

/** The logic of one participant in a barrier; it needs no input. */
export type BarrierLogic = ActorLogic<SnapshotFrom<typeof barrierMachine>, BarrierEvent, undefined, AnyActorRef['system'], BarrierEmitted>;

/** A running barrier. */
export type BarrierRef = ActorRefFrom<BarrierLogic>;

const plans = new WeakMap<object, BarrierPlan>();
/** Those that were restored while they waited, until their place is begun again. */
const restored = new WeakSet<AnyActorRef>();

/** With what a barrier's actor was made; undefined for what runs no `barrier()`. */
export function planOf(ref: AnyActorRef): BarrierPlan | undefined {
  return plans.get((ref as unknown as { logic: object }).logic);
}

/**
 * The logic of one participant in a barrier: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it takes back an arrival
 * that waits, and ends. Its end, whatever it is, takes it back too: at once, or when the lease is over, unless a generation counts it already. Restored from a
 * snapshot it waits for nothing, and an arrival that waited is refused, `unknown`.
 * @throws EspalierError `barrier/invalid-options`
 */
export function barrier(backend: Backend, options: BarrierOptions): BarrierLogic {
  const plan = planBarrier(backend, options);
  const { name, parties } = plan;
  const logic = withInput(barrierMachine.provide({ actors: { place: place(plan) } }), { name, parties });
  plans.set(logic, plan);
  const { restoreSnapshot } = logic;
  return Object.assign(logic, {
    restoreSnapshot: (...[snapshot, scope]: Parameters<typeof restoreSnapshot>) => {
      const whole = restoreSnapshot(snapshot, scope);
      if (typeof whole.value === 'object') restored.add(scope.self);
      return whole;
    },
  });
}

/** The actor `place` of the chart: as long as it runs, a lease is held or asked for. */
function place(plan: BarrierPlan): ReturnType<typeof fromCallback<BarrierPlaceCommand>> {
  return fromCallback<BarrierPlaceCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    if (restored.delete(owner)) {
      // Whoever waited was of another process, and its lease with it.
      sendBack({ type: 'place.lost', reason: 'gone' });
      sendBack({ type: 'place.left', isCertain: false });
      return undefined;
    }
    let isRunning = true;
    const made = new BarrierPlace(plan, clockOf(owner.system), (news) => {
      if (isRunning) sendBack(news);
    });
    const crash = (error: unknown): void => {
      if (isRunning) sendBack({ type: 'place.ended', why: String(error) });
    };
    onLoss(self, owner, () => owner.send({ type: 'place.ended', why: 'placeLost' }));
    receive(() => void made.withdraw().catch(crash));
    made.take().catch(crash);
    return () => {
      isRunning = false;
      made.end();
    };
  });
}
