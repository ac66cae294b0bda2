/**
 * A lock as supervised logic: the chart with its place in the queue of a backend.
 *
 *   orchestrator({ actors: { lock: lock(backend, { name: 'invoices' }) }, children: [{ id: 'lock', src: 'lock' }] })
 *
 * The handle that an app holds is in lock-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { lockMachine } from '../../machines/coordination/lock.js';
import type { LockEmitted, LockEvent, PlaceCommand } from '../../machines/coordination/lock-events.js';
import type { Backend } from '../backend/port.js';
import { clockOf } from '../supervision/clock.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { type LockOptions, type LockPlan, planLock } from './lock-options.js';
import { Place } from './lock-place.js';

/** The logic of one owner's part in a lock; it needs no input. */
export type LockLogic = ActorLogic<SnapshotFrom<typeof lockMachine>, LockEvent, undefined, AnyActorRef['system'], LockEmitted>;

/** A running lock. */
export type LockRef = ActorRefFrom<LockLogic>;

/** The place of each lock's actor that has one. */
const places = new WeakMap<AnyActorRef, Place>();
const plans = new WeakMap<object, LockPlan>();
/** Those that were restored in the midst of something, until their place is begun again. */
const restored = new WeakSet<AnyActorRef>();

/** The place of a lock's actor. */
export function placeOf(ref: AnyActorRef): Place | undefined {
  return places.get(ref);
}

/** With what a lock's actor was made; undefined for what runs no `lock()`. */
export function planOf(ref: AnyActorRef): LockPlan | undefined {
  return plans.get((ref as unknown as { logic: object }).logic);
}

/**
 * The logic of one owner's part in a lock: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it gives back what it has,
 * and ends. Its end, whatever it is, gives way to the next in the queue: at once, or when the lease is over. Restored from a snapshot it has nothing.
 * @throws EspalierError `lock/invalid-options`
 */
export function lock(backend: Backend, options: LockOptions): LockLogic {
  const plan = planLock(backend, options);
  const { name, maxGrips } = plan;
  const logic = withInput(lockMachine.provide({ actors: { place: place(plan) } }), { name, maxGrips });
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
function place(plan: LockPlan): ReturnType<typeof fromCallback<PlaceCommand>> {
  return fromCallback<PlaceCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    if (restored.delete(owner)) {
      // Whoever wanted the lock was of another process, and its lease with it.
      sendBack({ type: 'place.lost', reason: 'gone' });
      sendBack({ type: 'place.left', isConfirmed: false, heldMs: 0 });
      return undefined;
    }
    let isRunning = true;
    const made = new Place(plan, clockOf(owner.system), (news) => {
      if (isRunning) sendBack(news);
    });
    places.set(owner, made);
    const crash = (error: unknown): void => {
      if (isRunning) sendBack({ type: 'place.ended', why: String(error) });
    };
    onLoss(self, owner, () => owner.send({ type: 'place.ended', why: 'placeLost' }));
    receive(() => void made.leave().catch(crash));
    made.take().catch(crash);
    return () => {
      isRunning = false;
      made.end();
    };
  });
}
