/** What all pools have in common as XState logic: a snapshot that holds the pool but shows nothing of it, saving and resuming, and the end. */
import type { ActorLogic, ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate';

import { contain } from './contain.js';
import { indexTimers } from './scheduler.js';
import { onLoss, terminate } from './watch.js';
import { childrenOf, parentOf } from './xstate-internals.js';

export type AnyPoolScope = ActorScope<Snapshot<unknown>, EventObject>;

/** Said by watch.ts: this child has been ended by an exit signal. */
export interface PoolEnded {
  readonly type: 'pool.ended';
  readonly id: string;
  readonly actor: AnyActorRef;
}

/** What a pool must do to be an actor. */
export interface PoolAtWork<Event, Saved> {
  handle(event: Event): void;
  /** Those that it carries now. */
  actors(): readonly AnyActorRef[];
  /** As JSON. */
  persist(): Saved;
  /** Goes on where a saved pool was; called once, when the actor starts. */
  resume(saved: Saved): void;
  /** The supervisor is gone: so is everybody. */
  leave(): void;
}

/** The snapshot of a pool's actor. Serialised, it is the saved pool. */
export type PoolSnapshot<Pool> = Snapshot<undefined> & { readonly pool: Pool };

/** How a pool comes to be: anew, or for a saved one to be resumed. */
export interface PoolMaker<Pool, Input, Saved> {
  create(scope: AnyPoolScope, input: Input): Pool;
  resume(scope: AnyPoolScope, supervisor: AnyActorRef, saved: Saved): Pool;
}

/** The logic of a pool's actor. `events`: those that others may look for. */
export type PoolLogic<Pool, Event extends EventObject, Input> = ActorLogic<PoolSnapshot<Pool>, Event, Input> & { readonly events: readonly string[] };

/** A pool as XState logic. */
export function poolActor<Pool extends PoolAtWork<Event, Saved>, Event extends EventObject, Input, Saved extends object>(
  maker: PoolMaker<Pool, Input, Saved>,
): PoolLogic<Pool, Event, Input> {
  const saved = new WeakMap<object, Saved>();
  const holding = (pool: Pool): PoolSnapshot<Pool> => {
    const snapshot: PoolSnapshot<Pool> = { status: 'active', output: undefined, error: undefined, pool };
    Object.defineProperty(snapshot, 'toJSON', { value: () => ({ status: 'active' }) });
    return snapshot;
  };
  return {
    events: ['pool.ended'],
    getInitialSnapshot: (scope, input) => holding(maker.create(scope as unknown as AnyPoolScope, input)),
    restoreSnapshot(snapshot, scope) {
      const persisted = snapshot as unknown as Saved;
      const pool = maker.resume(scope as unknown as AnyPoolScope, parentOf(scope.self as AnyActorRef) as AnyActorRef, persisted);
      saved.set(pool, persisted);
      return holding(pool);
    },
    start(snapshot, scope) {
      contain(scope.self as AnyActorRef);
      indexTimers(scope.self as AnyActorRef);
      const supervisor = parentOf(scope.self as AnyActorRef);
      // Without its pool it would neither hear of anybody nor end anybody, and never end itself.
      if (supervisor !== undefined) onLoss(scope.self as AnyActorRef, supervisor, () => terminate(supervisor, 'killed'));
      const persisted = saved.get(snapshot.pool);
      saved.delete(snapshot.pool);
      if (persisted !== undefined) snapshot.pool.resume(persisted);
    },
    transition(snapshot, event): PoolSnapshot<Pool> {
      if (event.type === 'xstate.stop') {
        snapshot.pool.leave();
        return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
      }
      snapshot.pool.handle(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot.pool.persist() as unknown as Snapshot<unknown>,
  };
}

/** The actors below one: its children, and those that it carries as a pool. */
export function actorsBelow(actor: AnyActorRef): readonly AnyActorRef[] {
  const { pool } = (actor.getSnapshot() ?? {}) as { pool?: Partial<PoolAtWork<unknown, unknown>> };
  return typeof pool?.actors === 'function' ? [...childrenOf(actor), ...pool.actors()] : childrenOf(actor);
}
