/** What the chart of an agent is told and emits; what it is given and remembers. */
import type { Backoff } from '../backoff.js';
import type { Intensity, RestartType, ShutdownMs } from '../supervision/child-spec.js';
import type { ExitReason } from '../supervision/exit.js';

/** An agent as it is registered: JSON, so that it can be saved with the tree. */
export interface AgentSpec {
  /** Its name: of the agent, of its actor, and in the registry. */
  readonly id: string;
  /** Name of its logic. */
  readonly src: string;
  readonly input?: unknown;
  /** What it can do: by these it is found while it runs. */
  readonly capabilities: readonly string[];
  readonly restart: RestartType;
  readonly shutdownMs: ShutdownMs;
  readonly startMs?: number;
  readonly backoff?: Backoff;
  /** Its restarts, and nobody else's. */
  readonly budget: Intensity;
}

/** What may be changed of an agent: all but its name. */
export type AgentChanges = Partial<Omit<AgentSpec, 'id'>>;

/** What is known of an agent whose chart was lost, by which the next one is as it was. */
export interface AgentPast {
  readonly spec: AgentSpec;
  /** Was it to run, to be down, or to be forgotten? */
  readonly was: 'up' | 'down' | 'leaving';
  readonly restarts: number;
  readonly end: AgentContext['end'];
}

/** Input of the agent machine. `past`: of one that was known before. */
export interface AgentInput {
  readonly spec: AgentSpec;
  readonly past?: AgentPast;
}

/** Why something was not done with an agent. */
export type AgentRefusal =
  /** It is on. */
  | 'alreadyRunning'
  /** It is off. */
  | 'notRunning'
  /** It is on its way down. */
  | 'stopping'
  /** It is being started, stopped or updated. */
  | 'busy'
  /** Its start failed; of an update: that of its former self, too. */
  | 'failed'
  /** The changed one could not be started, and its former self runs again. */
  | 'rolledBack'
  /** Somebody stopped it meanwhile. */
  | 'stopped'
  /** Too many wait for it to stop. */
  | 'overloaded';

/** The answer to a call. `why`: of a start that failed, its reason. */
export type AgentResult = { readonly ok: true } | { readonly ok: false; readonly reason: AgentRefusal; readonly why?: unknown };

/** What an agent's chart may be told. `call` is the caller's name of what it asks, under which it is answered. */
export type AgentEvent =
  | { readonly type: 'agent.start'; readonly call: string }
  | { readonly type: 'agent.stop'; readonly call: string }
  | { readonly type: 'agent.update'; readonly call: string; readonly changes: AgentChanges }
  /** It is stopped, and forgotten. */
  | { readonly type: 'agent.unregister' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `keeper`: the agent runs, and has its names. */
  | { readonly type: 'keeper.up' }
  /** It runs, or ran, and is not to: it declined, or its name is another's. */
  | { readonly type: 'keeper.refused'; readonly why: unknown }
  | { readonly type: 'keeper.startFailed'; readonly why: unknown }
  | { readonly type: 'keeper.crashed'; readonly reason: ExitReason; readonly willRestart: boolean }
  /**
   * Nobody keeps the agent any more, and it does not run. `isSpent`: its restarts were too many; `isDone`: the keeper ended by itself, which XState says too,
   * before or after.
   */
  | { readonly type: 'keeper.ended'; readonly reason: ExitReason; readonly isSpent: boolean; readonly isDone: boolean };

/** What an agent's chart emits. `id` is the agent's name. */
export type AgentEmitted =
  | { readonly type: 'agent.registered'; readonly id: string; readonly src: string; readonly capabilities: readonly string[] }
  /** Its chart was lost, and is there again as this. `starting`: it was to run, and is started again. */
  | { readonly type: 'agent.recovered'; readonly id: string; readonly state: 'starting' | 'registered' | 'stopped' | 'failed' }
  | { readonly type: 'agent.started'; readonly id: string }
  | { readonly type: 'agent.startFailed'; readonly id: string; readonly why: unknown }
  | { readonly type: 'agent.crashed'; readonly id: string; readonly reason: ExitReason; readonly willRestart: boolean }
  | { readonly type: 'agent.restarted'; readonly id: string; readonly restarts: number }
  | { readonly type: 'agent.stopped'; readonly id: string; readonly reason: ExitReason }
  | { readonly type: 'agent.failed'; readonly id: string; readonly why: unknown }
  | { readonly type: 'agent.updated'; readonly id: string; readonly isRunning: boolean }
  | { readonly type: 'agent.rolledBack'; readonly id: string; readonly why: unknown }
  | { readonly type: 'agent.unregistered'; readonly id: string }
  | { readonly type: 'agent.answered'; readonly id: string; readonly call: string; readonly outcome: AgentResult };

/** What the room itself emits: those above all agents were lost, and are there again. */
export interface AgentsRecovered {
  readonly type: 'agents.recovered';
  /** How many are registered again. */
  readonly registered: number;
  /** How many of them are started again, since they were to run. */
  readonly started: number;
  /** How many could not be registered again. Each is told by `agent.unregistered`. */
  readonly lost: number;
}

/** What an agent's start is for. */
export interface AgentJob {
  readonly kind: 'start' | 'update' | 'rollBack';
  /** Who is answered; null: nobody asked, it is started again after its chart was lost. */
  readonly call: string | null;
  /** Of an update: what it was before. */
  readonly former: AgentSpec | null;
  /** Of a roll-back: why the changed one could not be started. */
  readonly why: unknown;
}

/** What an agent's chart knows. Whether its actor lives, and between which attempts, its keeper knows. */
export interface AgentContext {
  readonly spec: AgentSpec;
  /** What it is at work on; null: nothing. */
  readonly job: AgentJob | null;
  /** As which it is started once it has stopped, and who asked for that; null: it stays down. */
  readonly next: { readonly spec: AgentSpec; readonly call: string } | null;
  /** Who waits for it to stop. */
  readonly stops: readonly string[];
  /** Why it does not run, or is not to; null: nothing is wrong. */
  readonly failure: { readonly why: unknown } | null;
  /** Since it was registered. */
  readonly restarts: number;
  /** How it came to be down; null: it never ran. */
  readonly end: { readonly status: 'stopped' | 'failed'; readonly why: unknown } | null;
  /** Has XState said that the keeper is done? */
  readonly isKeeperDone: boolean;
  readonly isLeaving: boolean;
  /** What it was to be when its chart was lost; null: it is new, or has gone on as that. */
  readonly was: AgentPast['was'] | null;
  readonly reason: ExitReason;
}
