/** What the chart of an application is told, orders and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** What becomes of a service when one that it depends on goes: it is stopped and started again behind that one, or it goes on, degraded. */
export type OnDependencyLoss = 'restart' | 'degrade';

/** One service, as the chart is told of it: each after all that it depends on. */
export interface ServicePlan {
  readonly id: string;
  /** It starts after these, and stops before them. */
  readonly dependsOn: readonly string[];
  /** Those among them without which it is degraded at most. */
  readonly canMiss: readonly string[];
  readonly onDependencyLoss: OnDependencyLoss;
  /** Has it something to flush before it is stopped? */
  readonly flushes: boolean;
  /** How long that may take, ms. */
  readonly flushMs: number;
}

/** Input of the application's machine. */
export interface ApplicationInput {
  readonly services: readonly ServicePlan[];
  /** How often the start of a service is tried before the application fails, at least 1. */
  readonly startAttempts: number;
  /** The pause between two attempts, ms. */
  readonly retryMs: number;
  /** How long an ordered end may take, ms; what runs then is killed. */
  readonly graceMs: number;
  /** Services that had ended in order before, in another process: they are not started again. Default none. */
  readonly ended?: readonly string[];
}

/** Where a service is: it waits for those that it depends on; its supervisor restarts it; `failed`: it will not come back by itself. */
export type Stage = 'waiting' | 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped' | 'failed';

/** A service, and what is known of it. */
export interface Service extends ServicePlan {
  readonly stage: Stage;
  /** Since when, monotonic ms. */
  readonly sinceAt: number;
  /** Why, in words; null where nothing was wrong. */
  readonly why: string | null;
  /** Is it to run? */
  readonly isWanted: boolean;
  /** Is it to be stopped, so that it can be started again? */
  readonly isStale: boolean;
  /** Is it still to be flushed before it is stopped? */
  readonly isUnflushed: boolean;
  /** What it lacks while it runs, by the service monitor. */
  readonly missing: readonly string[];
  /** Starts in a row that failed. */
  readonly failures: number;
}

/** What an application may be told. `at`: monotonic ms. */
export type ApplicationEvent =
  /** Of the actor `keeper`: the tree runs, or runs again, restored. */
  | { readonly type: 'tree.opened'; readonly at: number }
  /** What it was ordered to start or stop, it has, or not: `why`. One that has crashed as it was stopped has ended too, and `why` is not empty. */
  | { readonly type: 'tree.replied'; readonly ok: boolean; readonly why: string; readonly at: number }
  /** A service ended by itself. */
  | {
      readonly type: 'tree.exited';
      readonly id: string;
      readonly why: string;
      readonly isClean: boolean;
      readonly willRestart: boolean;
      readonly at: number;
    }
  /** Its supervisor has started it again. */
  | { readonly type: 'tree.restarted'; readonly id: string; readonly at: number }
  /** By the service monitor: it lacks these; none, where it has recovered. */
  | { readonly type: 'tree.lacked'; readonly id: string; readonly missing: readonly string[]; readonly at: number }
  /** Too many restarts: the tree ends. */
  | { readonly type: 'tree.gaveUp'; readonly id: string; readonly why: string }
  /** It was killed. */
  | { readonly type: 'tree.ended' }
  | { readonly type: 'application.restart'; readonly id: string; readonly at: number }
  | { readonly type: 'application.stop'; readonly graceMs?: number }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  | { readonly type: 'grace.ended' };

/** What the chart orders of the actor `keeper`. */
export type KeeperCommand =
  | { readonly type: 'tree.start'; readonly id: string }
  | { readonly type: 'tree.stop'; readonly id: string }
  | { readonly type: 'tree.close' }
  | { readonly type: 'tree.kill' };

/** What an application emits. */
export type ApplicationEmitted =
  /** All that are still wanted run, for the first time. */
  | { readonly type: 'application.started'; readonly services: number }
  | { readonly type: 'application.serviceStarted'; readonly id: string }
  /** It ended by itself. */
  | { readonly type: 'application.serviceLost'; readonly id: string; readonly why: string; readonly willRestart: boolean }
  | { readonly type: 'application.serviceRestarted'; readonly id: string }
  /** A start failed, for the nth time in a row. */
  | { readonly type: 'application.startFailed'; readonly id: string; readonly why: string; readonly attempt: number }
  /** It was stopped by order: for the end, for a restart, or because a service is gone that it cannot do without. */
  | { readonly type: 'application.serviceStopped'; readonly id: string; readonly why: string }
  /** What a service had was written, or not: `why`. */
  | { readonly type: 'application.flushed'; readonly id: string; readonly ok: boolean; readonly why: string | null }
  | { readonly type: 'application.degraded'; readonly id: string; readonly missing: readonly string[] }
  | { readonly type: 'application.recovered'; readonly id: string }
  /** It stops what runs, in reverse order. */
  | { readonly type: 'application.stopping'; readonly because: 'asked' | 'failed' }
  /** It has failed, and has ended: of which service (null: of none), and why. */
  | { readonly type: 'application.failed'; readonly id: string | null; readonly why: string }
  /** The time for an orderly end was over: what ran was killed. */
  | { readonly type: 'application.killed'; readonly running: readonly string[] };

/** The end to which a failure leads. */
export interface ApplicationFailure {
  readonly id: string | null;
  readonly why: string;
}

/** What an application knows. */
export interface ApplicationContext {
  /** Each after all that it depends on. */
  readonly services: readonly Service[];
  readonly startAttempts: number;
  readonly retryMs: number;
  readonly graceMs: number;
  /** The shortest time that an end was given, ms; null while it is not to end. */
  readonly endWithinMs: number | null;
  /** The latest moment that it was told, monotonic ms. */
  readonly now: number;
  /** Which service is being flushed, started or stopped; null for none. */
  readonly turn: string | null;
  readonly isLeaving: boolean;
  readonly wasUp: boolean;
  readonly failure: ApplicationFailure | null;
  readonly reason: ExitReason;
}
