/** What a balancer's chart is told, orders and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** Who gets the next task, among those who can do it and may have more. */
export type BalanceStrategy =
  /** Whoever has had no turn for longest. */
  | 'roundRobin'
  /** Whoever has the least of cost in hand; among equals, whoever has had no turn for longest. */
  | 'leastLoaded'
  /** Among the least loaded, whoever can do the fewest other things. */
  | 'capability'
  /** Whoever would be done first, by what its tasks took so far; a share of the turns goes to newcomers. */
  | 'weighted';

/** Input of the balancer machine. */
export interface BalancerInput {
  readonly strategy: BalanceStrategy;
}

/** Why nobody has a task. */
export type AssignRefusal =
  /** Nobody here can do it. */
  | 'noSuitableAgent'
  /** Whoever can do it has as much as it may, or is beyond a threshold, and the task does not wait. */
  | 'busy'
  /** There are as many tasks as may be, as many that wait, or as many kinds of them. */
  | 'full'
  /** A task of that id has not ended yet. */
  | 'taken'
  /** Its time for waiting was over, or its deadline. */
  | 'late'
  /** The signal. */
  | 'cancelled'
  /** The balancer drains, has ended, or does not run. */
  | 'closed';

/** Why a task ended without its work. */
export type TaskFailure =
  /** Whoever had it says so. */
  | 'failed'
  /** Whoever had it has ended or was removed, and the policy is to fail. */
  | 'agentLost'
  /** It was lost with so many agents as it may be. */
  | 'spent'
  /** Whoever had it was lost, and nobody else came in time, or could wait for one. */
  | 'noSuitableAgent'
  | 'late'
  | 'cancelled'
  | 'closed';

/** Why a report of an assignment counted for nothing. */
export type ReportRefusal =
  /** The task has gone to another since. */
  | 'stale'
  /** The task has ended already. */
  | 'ended'
  /** Nobody knows of it; or it was long ago. */
  | 'unknown';

/** What a balancer may be told. */
export type BalancerEvent =
  | { readonly type: 'strategy.set'; readonly strategy: BalanceStrategy }
  /** Takes nothing more; ends when all tasks have, at the latest after `deadlineMs`. */
  | { readonly type: 'balancer.drain'; readonly deadlineMs?: number }
  | { readonly type: 'balancer.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `desk`: it runs, and knows nothing yet. */
  | { readonly type: 'desk.opened' }
  /** While draining: the last task has ended. */
  | { readonly type: 'desk.emptied' }
  /** It was ended, by nobody's order here. */
  | { readonly type: 'desk.ended' };

/** What the chart orders of the actor `desk`. */
export type DeskCommand = { readonly type: 'desk.strategy'; readonly strategy: BalanceStrategy } | { readonly type: 'desk.drain' };

/** One go at a task, by one agent. What an agent is told, and says again when it reports. JSON. */
export interface Assignment {
  readonly task: string;
  readonly agent: string;
  /** Of no other go at any task of this balancer. */
  readonly number: number;
}

/** What an agent may tell the actor `desk`, which it is given as `replyTo`. */
export type AgentReport =
  | { readonly type: 'task.begun'; readonly assignment: Assignment }
  /** `durationMs`: where the agent has measured it itself. */
  | {
      readonly type: 'task.completed';
      readonly assignment: Assignment;
      readonly ok: boolean;
      readonly durationMs?: number;
      readonly error?: unknown;
    };

/** Why an agent has a task no more that it was to do. */
export type Withdrawal = 'rebalanced' | 'removed' | 'late' | 'cancelled' | 'closed';

/** What a balancer emits. */
export type BalancerEmitted =
  | { readonly type: 'balancer.strategyChanged'; readonly from: BalanceStrategy; readonly strategy: BalanceStrategy }
  | { readonly type: 'balancer.agentAdded'; readonly agent: string }
  /** `tasks`: how many it had in hand. */
  | { readonly type: 'balancer.agentLost'; readonly agent: string; readonly because: 'ended' | 'removed'; readonly tasks: number }
  /** It was assigned; `attempt` counts from 1. */
  | { readonly type: 'balancer.assigned'; readonly task: string; readonly agent: string; readonly attempt: number }
  | { readonly type: 'balancer.moved'; readonly task: string; readonly from: string; readonly to: string; readonly because: 'lost' | 'rebalanced' }
  | { readonly type: 'balancer.refused'; readonly task: string; readonly reason: AssignRefusal }
  | {
      readonly type: 'balancer.ended';
      readonly task: string;
      readonly agent: string | null;
      readonly outcome: 'done' | TaskFailure;
      readonly tookMs: number;
    }
  | { readonly type: 'balancer.dropped'; readonly task: string; readonly agent: string; readonly reason: ReportRefusal };

/** What a balancer's chart knows. */
export interface BalancerContext extends BalancerInput {
  readonly drainMs: number | null;
  readonly reason: ExitReason;
}
