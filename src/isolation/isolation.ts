/**
 * A pool of isolated threads as supervised logic: the chart with its threads.
 *
 *   orchestrator({ actors: { heavy: isolation({ heapMb: 512 }) }, children: [{ id: 'heavy', src: 'heavy' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import { isolationMachine } from '../../machines/isolation/isolation.js';
import type { IsolationEmitted, IsolationEvent } from '../../machines/isolation/isolation-events.js';
import { withInput } from '../supervision/supervisors.js';
import { type IsolationOptions, planIsolation } from './options.js';
import { findSeats } from './peer.js';
import { type FindSeats, threadsActor } from './workshop.js';

/** The logic of one isolation pool; it needs no input. */
export type IsolationLogic = ActorLogic<SnapshotFrom<typeof isolationMachine>, IsolationEvent, undefined, AnyActorRef['system'], IsolationEmitted>;

/** A running isolation pool. */
export type IsolationRef = ActorRefFrom<IsolationLogic>;

/**
 * The logic of an isolation pool with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. Without the package piscina it crashes,
 * `isolation/missing-peer`. Killed, it takes its threads along, and its jobs are cancelled.
 * @throws EspalierError `isolation/invalid-options`
 */
export function isolation(options: IsolationOptions = {}): IsolationLogic {
  return isolationWith(options, (inside) => findSeats(inside));
}

/** The same with threads of a test's own. */
export function isolationWith(options: IsolationOptions, find: FindSeats): IsolationLogic {
  const plan = planIsolation(options);
  return withInput(isolationMachine.provide({ actors: { threads: threadsActor(plan, find) } }), plan.input);
}
