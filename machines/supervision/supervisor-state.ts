/** What a supervisor remembers, and how each message changes it. Pure functions, called from the chart's guards and actions. */
import {
  defaultIntensity,
  defaultMaxPending,
  problemOfSupervisor,
  resolveSpec,
  type AutoShutdown,
  type ChildSpec,
  type InitSpec,
  type Problem,
  type ResolvedSpec,
  type Strategy,
  type SupervisorBinding,
  type SupervisorInput,
} from './child-spec.js';
import type { ExitReason } from './exit.js';
import type { ChildExited, EndedChild, PoolFact } from './pool.js';
import { shouldRestart } from './restart-policy.js';
import { exceedsIntensity as exceeds } from './restart-window.js';

/** One child as its supervisor knows it. */
export interface Child {
  readonly spec: ResolvedSpec;
  /** `restarting`: between two attempts. */
  readonly status: 'down' | 'running' | 'restarting';
  /** Incarnations so far. */
  readonly run: number;
  /** Restarts since it was last healthy; counts the backoff. */
  readonly attempt: number;
  /** When it last started, monotonic ms. */
  readonly startedAt: number;
  /** When its delayed restart is due, monotonic ms; null when none is pending. */
  readonly retryAt: number | null;
  /** Its own restarts within its own budget's window, newest first. */
  readonly restarts: readonly number[];
}

/** A request that is answered by `call.replied`. `call` is the caller's id of it. */
export type SupervisorCall =
  | { readonly type: 'call.startChild'; readonly call: string; readonly spec: ChildSpec }
  | { readonly type: 'call.restartChild'; readonly call: string; readonly id: string }
  /**
   * `by` an id, or by an actor, living or dead: only a templated supervisor makes the difference. `run`: which incarnation the actor was, so that a call
   * that had to wait touches no successor.
   */
  | {
      readonly type: 'call.terminateChild';
      readonly call: string;
      readonly id: string;
      readonly by?: 'id' | 'actor' | 'deadActor';
      readonly run?: number;
    }
  | { readonly type: 'call.deleteChild'; readonly call: string; readonly id: string }
  | { readonly type: 'call.getChildspec'; readonly call: string; readonly id: string }
  | { readonly type: 'call.whichChildren'; readonly call: string }
  | { readonly type: 'call.countChildren'; readonly call: string };

/** Orders to the supervisor itself. */
export type SupervisorOrder =
  /** The parent's exit order: children are stopped, then it exits with `reason`. */
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  | { readonly type: 'supervisor.stop'; readonly reason?: ExitReason }
  /** Refuse new, let drainable children finish, then stop. */
  | { readonly type: 'supervisor.drain'; readonly deadlineMs?: number };

/** Try a failed restart again. `counted`: this attempt is already in the restart window. */
export interface ChildRetry {
  readonly type: 'child.retry';
  readonly id: string;
  readonly at: number;
  readonly counted: boolean;
  /** The exit that began it; null when only starts have failed since. */
  readonly cause: ExitReason | null;
}

/** Whatever may have to wait while the supervisor is busy, in order of arrival. */
export type Message = SupervisorCall | SupervisorOrder | ChildRetry | ChildExited;
export type SupervisorEvent = Message | PoolFact;

/** What the supervisor is at work on. */
export type Job =
  | { readonly kind: 'startChild'; readonly call: string; readonly id: string; readonly fresh: boolean }
  | { readonly kind: 'terminateChild'; readonly call: string; readonly id: string }
  | { readonly kind: 'restart'; readonly id: string; readonly cause: ExitReason | null };

export interface SupervisorContext {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly autoShutdown: AutoShutdown;
  readonly maxPending: number;
  readonly init: InitSpec | null;
  readonly problem: Problem | null;
  /** In start order. */
  readonly children: readonly Child[];
  /** Restarts within the window, monotonic ms, newest first. */
  readonly restarts: readonly number[];
  /** The latest moment that the pool has told, monotonic ms. */
  readonly now: number;
  readonly mailbox: readonly Message[];
  /** The latest; null before the first, and once the supervisor itself stops. */
  readonly job: Job | null;
  /** Still to stop, in this order. */
  readonly toStop: readonly string[];
  /** Still to start, in this order. */
  readonly toStart: readonly string[];
  /** Why it ends, once it does. */
  readonly reason: ExitReason;
  /** Why it could not start. */
  readonly failure: unknown;
  /** Who ended how, in order, since the supervisor's own stop or drain began; empty until then. */
  readonly ended: readonly EndedChild[];
  /** Children that were asked to finish and have not; null until the pool has said who can. */
  readonly draining: readonly string[] | null;
  /** How long a drain may take, ms; null for no limit. */
  readonly drainMs: number | null;
}

export function initialContext(input: (SupervisorInput & SupervisorBinding) | undefined): SupervisorContext {
  const options = input ?? {};
  const problem = problemOfSupervisor(options);
  const children = problem === null ? (options.children ?? []).map((spec) => newChild(spec)) : [];
  return {
    strategy: options.strategy ?? 'oneForOne',
    intensity: options.intensity ?? defaultIntensity.intensity,
    periodMs: options.periodMs ?? defaultIntensity.periodMs,
    autoShutdown: options.autoShutdown ?? 'never',
    maxPending: options.maxPending ?? defaultMaxPending,
    init: options.init ?? null,
    problem,
    children,
    restarts: [],
    now: 0,
    mailbox: [],
    job: null,
    toStop: [],
    toStart: children.map((child) => child.spec.id),
    reason: 'normal',
    failure: null,
    ended: [],
    draining: null,
    drainMs: null,
  };
}

export function newChild(spec: ChildSpec): Child {
  return { spec: resolveSpec(spec), status: 'down', run: 0, attempt: 0, startedAt: 0, retryAt: null, restarts: [] };
}

export function childOf(context: SupervisorContext, id: string | undefined): Child | undefined {
  return id === undefined ? undefined : context.children.find((child) => child.spec.id === id);
}

/** The children with one of them changed. */
export function withChild(context: SupervisorContext, id: string, change: Partial<Child>): readonly Child[] {
  return context.children.map((child) => (child.spec.id === id ? { ...child, ...change } : child));
}

export function withoutChild(context: SupervisorContext, id: string): readonly Child[] {
  return context.children.filter((child) => child.spec.id !== id);
}

/** The children once one of them is down for good: kept as `down`, a temporary one removed. @see OTP supervisor.erl del_child/2 */
export function laidDown(context: SupervisorContext, id: string): readonly Child[] {
  if (childOf(context, id)?.spec.restart === 'temporary') return withoutChild(context, id);
  return withChild(context, id, { status: 'down', retryAt: null });
}

/** Is it a call, which may be refused, and no fact or order, which may not? */
export function isCall(message: { readonly type: string }): message is SupervisorCall {
  return 'call' in message;
}

const calls: ReadonlySet<string> = new Set<SupervisorCall['type']>([
  'call.startChild',
  'call.restartChild',
  'call.terminateChild',
  'call.deleteChild',
  'call.getChildspec',
  'call.whichChildren',
  'call.countChildren',
]);

/** Is it one of the calls that supervisors answer? */
export function isKnownCall(message: { readonly type: string }): boolean {
  return calls.has(message.type);
}

/** Did this incarnation's exit arrive already, while the supervisor was busy? */
export function waitingExit(context: SupervisorContext, id: string): ChildExited | undefined {
  const run = childOf(context, id)?.run;
  return context.mailbox.find((message): message is ChildExited => message.type === 'child.exited' && message.id === id && message.run === run);
}

/** Is it news of the child's living incarnation? */
export function isCurrentExit(context: SupervisorContext, event: ChildExited): boolean {
  const child = childOf(context, event.id);
  return child !== undefined && child.status === 'running' && child.run === event.run;
}

/** What a message is about: the child's status, or `unknown`. */
export function statusOf(context: SupervisorContext, message: SupervisorEvent): Child['status'] | 'unknown' {
  return ('id' in message ? childOf(context, message.id)?.status : undefined) ?? 'unknown';
}

/** Will this exit be followed by a restart, as far as the child's own spec goes? */
export function asksForRestart(context: SupervisorContext, { id, reason }: ChildExited): boolean {
  const child = childOf(context, id);
  return child !== undefined && shouldRestart(child.spec.restart, reason);
}

/** Does the exit of a child that will not be restarted end the supervisor? @see OTP supervisor.erl do_auto_shutdown/2 */
export function endsSupervisor(context: SupervisorContext, exit: ChildExited): boolean {
  if (asksForRestart(context, exit) || childOf(context, exit.id)?.spec.significant !== true) return false;
  if (context.autoShutdown !== 'allSignificant') return context.autoShutdown === 'anySignificant';
  return !context.children.some((child) => child.spec.id !== exit.id && child.spec.significant && child.status !== 'down');
}

/**
 * When a message is handled, monotonic ms: when it was sent, or when the supervisor came to it, having been busy. A restart counts then.
 * @see OTP supervisor.erl add_restart/1, which reads the clock
 */
export function handledAt({ now }: { readonly now: number }, { at }: { readonly at: number }): number {
  return Math.max(at, now);
}

/** Has the child spent a restart budget of its own? */
export function exceedsBudget(context: SupervisorContext, message: ChildExited | ChildRetry): boolean {
  if (message.type === 'child.retry' && message.counted) return false;
  const child = childOf(context, message.id);
  const budget = child?.spec.budget;
  return child !== undefined && budget !== undefined && exceeds(child.restarts, handledAt(context, message), budget.intensity, budget.periodMs);
}

/** Would one more restart be too many? A retry that was counted when it was scheduled is not counted again. */
export function exceedsIntensity(context: SupervisorContext, message: ChildExited | ChildRetry): boolean {
  if (message.type === 'child.retry' && message.counted) return false;
  return exceeds(context.restarts, handledAt(context, message), context.intensity, context.periodMs);
}

/** Everything that runs or is between two attempts, newest first. */
export function stopOrder(context: SupervisorContext): string[] {
  return context.children
    .filter((child) => child.status !== 'down')
    .map((child) => child.spec.id)
    .reverse();
}

/** One line of the exit report. */
export function endedChild(event: ChildExited): EndedChild {
  const { id, reason, tookMs, killed, children } = event;
  return { id, reason, tookMs, killed, ...(children === undefined ? {} : { children }) };
}
