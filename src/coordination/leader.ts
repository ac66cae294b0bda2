/**
 * One who takes part in an election, as supervised logic: the chart with its backend.
 *
 *   orchestrator({ actors: { leader: leader({ backend, election: 'planner', id, work }) }, children: [{ id: 'leader', src: 'leader' }] })
 *
 * The handle that an app holds is in leader-handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import type { LeaderEmitted, LeaderEvent } from '../../machines/coordination/leader-events.js';
import { leaderMachine } from '../../machines/coordination/leader.js';
import { withInput } from '../supervision/supervisors.js';
import { type LeaderOptions, planLeader } from './leader-options.js';
import { candidacy, claim, follower } from './leader-parts.js';

/** The logic of one participant; it needs no input. */
export type LeaderLogic = ActorLogic<SnapshotFrom<typeof leaderMachine>, LeaderEvent, undefined, AnyActorRef['system'], LeaderEmitted>;

/** A running participant. */
export type LeaderRef = ActorRefFrom<LeaderLogic>;

/**
 * The logic of one who takes part in an election: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. Stopped, killed or crashed, its work ends with
 * it, and its lease is given back. Restored from a snapshot it stands anew: it leads no more than anybody.
 * @throws EspalierError `leader/invalid-options`
 */
export function leader(options: LeaderOptions): LeaderLogic {
  const plan = planLeader(options);
  const actors = { follower: follower(plan), candidacy: candidacy(plan), claim: claim(plan), work: plan.work as never };
  return withInput(leaderMachine.provide({ actors }), plan.input);
}
