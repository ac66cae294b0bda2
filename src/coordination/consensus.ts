/**
 * A member of a log whose values many agree on, as supervised logic.
 *
 *   orchestrator({ actors: { plan: consensus(backend, { name: 'plan', id: 'ann', voters: ['ann', 'bob', 'eve'], vote }) }, children: [{ id: 'plan', src: 'plan' }] })
 *
 * The handle that an app holds is in consensus-handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import { consensusMachine } from '../../machines/coordination/consensus.js';
import type { ConsensusEmitted, ConsensusEvent, ConsensusInput } from '../../machines/coordination/consensus-events.js';
import type { Backend } from '../backend/port.js';
import { withInput } from '../supervision/supervisors.js';
import { type ConsensusOptions, type ConsensusPlan, planConsensus } from './consensus-options.js';
import { follower, noteRestored, proposal, scribe, voter } from './consensus-parts.js';

/** The logic of one member; it needs no input. */
export type ConsensusLogic = ActorLogic<SnapshotFrom<typeof consensusMachine>, ConsensusEvent, undefined, AnyActorRef['system'], ConsensusEmitted>;

/** A running member. */
export type ConsensusRef = ActorRefFrom<ConsensusLogic>;

const plans = new WeakMap<object, ConsensusPlan>();

/** With what a member's actor was made; undefined for what runs no `consensus()`. */
export function planOf(ref: AnyActorRef): ConsensusPlan | undefined {
  return plans.get((ref as unknown as { logic: object }).logic);
}

/**
 * The logic of one member: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it has what it proposed aborted, unless that
 * is decided, and ends. Its end, whatever it is, leaves nothing open: at once, or when its lease is over. Restored from a snapshot it goes on to tell decisions where
 * it was, and proposes nothing.
 * @throws EspalierError `consensus/invalid-options`
 */
export function consensus(backend: Backend, options: ConsensusOptions): ConsensusLogic {
  const plan = planConsensus(backend, options);
  const { name, id, voteMs, callMs, retryMs, from } = plan;
  const input: ConsensusInput = { name, id, votes: plan.vote !== null, told: from - 1, voteMs, callMs, retryMs };
  const actors = { follower: follower(plan), voter: voter(plan), scribe: scribe(plan), proposal: proposal(plan) };
  const logic = withInput(consensusMachine.provide({ actors }), input);
  plans.set(logic, plan);
  const { restoreSnapshot } = logic;
  return Object.assign(logic, {
    restoreSnapshot: (...[snapshot, scope]: Parameters<typeof restoreSnapshot>) => {
      const whole = restoreSnapshot(snapshot, scope);
      if (typeof whole.value === 'object' && typeof whole.value.running.proposing === 'object') noteRestored(scope.self);
      return whole;
    },
  });
}
