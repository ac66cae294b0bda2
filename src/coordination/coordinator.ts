/**
 * A coordinator as supervised logic: a dynamic supervisor whose children are sessions, each of which runs one protocol to its end.
 *
 *   orchestrator({ actors: { coordinator: coordinator({ requests }) }, children: [{ id: 'coordinator', src: 'coordinator', type: 'supervisor' }] })
 *
 * The handle that an app holds is in coordinator-handle.ts.
 */
import type { ActorRefFrom } from 'xstate';
import { dynamicSupervisor, type dynamicSupervisorMachine } from '../supervision/supervisors.js';
import { type CoordinatorOptions, planCoordinator } from './coordinator-options.js';
import { sessionLogic } from './session-actors.js';
import { keepPlan } from './session-ledger.js';

/** The logic of a coordinator; it needs no input. */
export type CoordinatorLogic = typeof dynamicSupervisorMachine;

/** A running coordinator. */
export type CoordinatorRef = ActorRefFrom<CoordinatorLogic>;

/**
 * The logic of a coordinator: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. Sessions never restart it, nor end each other: what crashes in
 * one is tried again there, or fails it. When it ends, however it does, each session that runs fails, `coordinatorLost`, and its questions are taken back; so does
 * one that is restored from a snapshot.
 * @throws EspalierError `coordination/invalid-options`
 */
export function coordinator(options: CoordinatorOptions): CoordinatorLogic {
  const plan = planCoordinator(options);
  // The bound is the ledger's. The supervisor's own is behind it by those sessions that are just ending: what the ledger lets in it would refuse.
  const logic = dynamicSupervisor({ actors: { session: sessionLogic } });
  keepPlan(logic, plan);
  return logic;
}
