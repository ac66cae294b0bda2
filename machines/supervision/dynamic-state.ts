/** What a dynamic supervisor remembers. Of its children only their number: the many live in the pool. */
import {
  defaultIntensity,
  defaultMaxPending,
  problemOfDynamicSupervisor,
  resolveSpec,
  type ChildSpec,
  type DynamicSupervisorInput,
  type InitSpec,
  type Problem,
  type ResolvedSpec,
  type SupervisorBinding,
} from './child-spec.js';
import type { ExitReason } from './exit.js';
import type { ChildExited, ChildMemory, DynamicPoolFact, EndedChild } from './pool.js';
import { shouldRestart } from './restart-policy.js';
import { exceedsIntensity as exceeds } from './restart-window.js';
import { handledAt, type ChildRetry, type SupervisorCall, type SupervisorOrder } from './supervisor-state.js';

export type DynamicExit = ChildExited & { readonly memory: ChildMemory };
export type DynamicMessage = SupervisorCall | SupervisorOrder | ChildRetry | DynamicExit;
export type DynamicEvent = DynamicMessage | DynamicPoolFact;

/** What a dynamic supervisor is at work on. */
export type DynamicJob =
  | { readonly kind: 'startChild'; readonly call: string; readonly spec: ResolvedSpec }
  /** `run`: the incarnation that is meant; null where its actor was none of this supervisor's. */
  | {
      readonly kind: 'terminateChild';
      readonly call: string;
      readonly id: string;
      readonly run: number | null;
      readonly spec: ResolvedSpec | null;
    }
  | { readonly kind: 'restart'; readonly id: string; readonly cause: ExitReason | null; readonly memory: ChildMemory };

export interface DynamicContext {
  readonly intensity: number;
  readonly periodMs: number;
  readonly maxChildren: number | 'infinity';
  readonly template: ResolvedSpec | null;
  readonly maxPending: number;
  readonly init: InitSpec | null;
  readonly problem: Problem | null;
  /** Children that run or are between two attempts. */
  readonly size: number;
  /** Of them, those between two attempts, with what their next attempt needs to know. */
  readonly retrying: Readonly<Record<string, ChildMemory>>;
  /** Restarts within the window, monotonic ms, newest first. */
  readonly restarts: readonly number[];
  /** The latest moment that the pool has told, monotonic ms. */
  readonly now: number;
  readonly mailbox: readonly DynamicMessage[];
  readonly job: DynamicJob | null;
  readonly reason: ExitReason;
  readonly failure: unknown;
  readonly ended: readonly EndedChild[];
  readonly drainMs: number | null;
}

export function initialDynamicContext(input: (DynamicSupervisorInput & SupervisorBinding) | undefined): DynamicContext {
  const options = input ?? {};
  const problem = problemOfDynamicSupervisor(options);
  const { template } = options;
  return {
    intensity: options.intensity ?? defaultIntensity.intensity,
    periodMs: options.periodMs ?? defaultIntensity.periodMs,
    maxChildren: options.maxChildren ?? 'infinity',
    template: problem === null && template !== undefined ? resolveSpec({ ...template, id: template.id ?? 'template' }) : null,
    maxPending: options.maxPending ?? defaultMaxPending,
    init: options.init ?? null,
    problem,
    size: 0,
    retrying: {},
    restarts: [],
    now: 0,
    mailbox: [],
    job: null,
    reason: 'normal',
    failure: null,
    ended: [],
    drainMs: null,
  };
}

/** What a start call asks for: its own spec, or the template with the call's differences laid over it. */
export function specOfCall(context: DynamicContext, spec: Partial<ChildSpec>): ResolvedSpec {
  return resolveSpec({ ...context.template, ...spec } as ChildSpec);
}

/** Will this exit be followed by a restart, as far as the child's own spec goes? */
export function asksForRestart({ memory, reason }: DynamicExit): boolean {
  return shouldRestart(memory.spec.restart, reason);
}

/** Has the child spent a restart budget of its own? */
export function exceedsBudget(context: DynamicContext, message: DynamicExit | ChildRetry): boolean {
  if (message.type === 'child.retry' && message.counted) return false;
  const memory = message.type === 'child.exited' ? message.memory : context.retrying[message.id];
  const budget = memory?.spec.budget;
  return memory !== undefined && budget !== undefined && exceeds(memory.restarts, handledAt(context, message), budget.intensity, budget.periodMs);
}

/** Would one more restart be too many? A retry that was counted when it was scheduled is not counted again. */
export function exceedsIntensity(context: DynamicContext, message: DynamicExit | ChildRetry): boolean {
  if (message.type === 'child.retry' && message.counted) return false;
  return exceeds(context.restarts, handledAt(context, message), context.intensity, context.periodMs);
}

/** `retrying` without one child. */
export function withoutRetry(context: DynamicContext, id: string): Readonly<Record<string, ChildMemory>> {
  return Object.fromEntries(Object.entries(context.retrying).filter(([other]) => other !== id));
}
