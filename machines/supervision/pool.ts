/**
 * What a supervisor's chart and its pool say to each other. The chart decides, the pool carries: it alone creates, asks, kills and watches the
 * child actors, stamps every fact with the time, and keeps no policy. It is provided by src/supervision/pool.ts.
 */
import { fromCallback, type AnyActorRef } from 'xstate';

import type { InitSpec, ResolvedSpec } from './child-spec.js';
import type { ExitReason } from './exit.js';

/** What a chart orders. `run` counts the incarnations of one child, so that an order for the dead touches no successor. */
export type PoolCommand =
  | { readonly type: 'pool.init'; readonly init: InitSpec }
  | { readonly type: 'pool.start'; readonly id: string; readonly run: number; readonly spec: ResolvedSpec }
  /** Ask to end; one that does not trap exits ends at once. */
  | { readonly type: 'pool.ask'; readonly id: string; readonly run: number; readonly reason: ExitReason }
  | { readonly type: 'pool.kill'; readonly id: string; readonly run: number }
  /** A start took too long: kill it and say that it failed. */
  | { readonly type: 'pool.abandon'; readonly id: string; readonly run: number }
  /** Pass `supervisor.drain` on to every child that handles it. */
  | { readonly type: 'pool.drain' };

/** One end, as the exit report tells it. */
export interface EndedChild {
  readonly id: string;
  readonly reason: ExitReason;
  /** From the request to the end, ms; 0 for one that ended by itself. */
  readonly tookMs: number;
  /** Was it forced? */
  readonly killed: boolean;
  /** The ends of its own children, when it was a supervisor. */
  readonly children?: readonly EndedChild[];
}

/** What a pool reports. `at` is monotonic ms. */
export type PoolFact =
  | { readonly type: 'init.succeeded' }
  | { readonly type: 'init.declined' }
  | { readonly type: 'init.failed'; readonly reason: unknown }
  | { readonly type: 'child.started'; readonly id: string; readonly run: number; readonly at: number; readonly info?: unknown }
  | { readonly type: 'child.declined'; readonly id: string; readonly run: number; readonly at: number }
  | { readonly type: 'child.startFailed'; readonly id: string; readonly run: number; readonly at: number; readonly reason: unknown }
  | ChildExited
  /** These have been asked to finish. */
  | { readonly type: 'pool.draining'; readonly ids: readonly string[] }
  /** A restored tree lives on another clock: add `offsetMs` to every remembered moment. */
  | { readonly type: 'clock.rebased'; readonly offsetMs: number };

/** A child that had started has ended, for whatever cause. */
export interface ChildExited {
  readonly type: 'child.exited';
  readonly id: string;
  readonly run: number;
  readonly at: number;
  readonly reason: ExitReason;
  /** Since it was asked to end, ms; 0 when it was not asked. */
  readonly tookMs: number;
  /** Was it killed by order of its supervisor? */
  readonly killed: boolean;
  /** The ends of its own children, when it was a supervisor. */
  readonly children?: readonly EndedChild[];
}

/** What a dynamic supervisor's pool remembers of one child, so that the chart need not. */
export interface ChildMemory {
  readonly spec: ResolvedSpec;
  /** Restarts since it was last healthy. */
  readonly attempt: number;
  readonly startedAt: number;
  /** Its own restarts within its own budget's window, newest first. */
  readonly restarts: readonly number[];
}

/** What the chart of a dynamic supervisor orders. `id` is the key that the pool gave the child. */
export type DynamicPoolCommand =
  | { readonly type: 'pool.init'; readonly init: InitSpec }
  | { readonly type: 'pool.add'; readonly spec: ResolvedSpec }
  | { readonly type: 'pool.restart'; readonly id: string; readonly attempt?: number; readonly restarts?: readonly number[] }
  /** It will be restarted later: remember this of it. */
  | { readonly type: 'pool.hold'; readonly id: string; readonly attempt: number; readonly restarts: readonly number[] }
  | { readonly type: 'pool.forget'; readonly id: string }
  /** Who is this? Answered `child.found` or `child.missing`; the latter too where an incarnation is meant that has a successor. */
  | { readonly type: 'pool.find'; readonly id: string; readonly run?: number }
  | { readonly type: 'pool.ask'; readonly id: string }
  | { readonly type: 'pool.kill'; readonly id: string }
  | { readonly type: 'pool.abandon' }
  /** Ask all at once, kill each at its own deadline; answered `pool.emptied`. */
  | { readonly type: 'pool.stopAll' }
  | { readonly type: 'pool.drain' }
  | { readonly type: 'pool.list'; readonly call: string; readonly question: 'which' | 'count' };

/** What the pool of a dynamic supervisor reports beside the facts of every pool. */
export type DynamicPoolFact =
  | Exclude<PoolFact, ChildExited>
  | (ChildExited & { readonly memory: ChildMemory })
  | { readonly type: 'child.found'; readonly id: string; readonly status: 'running' | 'restarting'; readonly spec: ResolvedSpec }
  | { readonly type: 'child.missing'; readonly id: string }
  | { readonly type: 'pool.emptied'; readonly ended: readonly (EndedChild & { readonly spec: ResolvedSpec })[] }
  | { readonly type: 'pool.listed'; readonly call: string; readonly question: 'which' | 'count'; readonly which: readonly PooledEntry[] };

/** One child of a dynamic supervisor, as its pool lists it. */
export interface PooledEntry {
  readonly key: string;
  readonly status: 'running' | 'restarting';
  readonly type: 'worker' | 'supervisor';
}

/** What a pool is created with. */
export interface PoolInput {
  /** The supervisor: its provided actors are the logics that children run. */
  readonly supervisor: AnyActorRef;
}

/** Stands where the pool must be provided. */
export const unprovidedPool = fromCallback<PoolCommand | DynamicPoolCommand, PoolInput>(() => {
  throw new Error("this machine needs the actor 'pool': use the supervisor logic of 'espalier', or machine.provide({ actors: { pool } })");
});
