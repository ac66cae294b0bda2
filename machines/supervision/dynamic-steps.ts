/** What a dynamic supervisor does about each message: pure decisions, after OTP's simple_one_for_one and Elixir's DynamicSupervisor. */
import { backoffMs } from '../backoff.js';
import { problemOfSpec } from './child-spec.js';
import { specOfCall, withoutRetry, type DynamicContext, type DynamicEvent, type DynamicExit } from './dynamic-state.js';
import type { ExitReason } from './exit.js';
import type { ChildMemory, DynamicPoolCommand, DynamicPoolFact, EndedChild, PooledEntry } from './pool.js';
import { isExpectedOfAll, isExpectedStop, isReported } from './restart-policy.js';
import { addRestart } from './restart-window.js';
import type { Step } from './step.js';
import type { ChildCount, DynamicEmitted, SupervisorEmitted, WhichChild } from './supervisor-facts.js';
import { endedChild, handledAt, isCall, type ChildRetry, type SupervisorCall, type SupervisorOrder } from './supervisor-state.js';
import { replied } from './supervisor-steps.js';

export type DynamicStep = Step<DynamicContext, DynamicEmitted, DynamicPoolCommand, DynamicEvent>;
type Fact<Type extends DynamicPoolFact['type']> = Extract<DynamicPoolFact, { type: Type }>;
type Call<Type extends SupervisorCall['type']> = Extract<SupervisorCall, { type: Type }>;

// ---- starting

/** Why a start call is refused; undefined when it is not. */
export function refusalOfStart(context: DynamicContext, { spec }: Call<'call.startChild'>): unknown {
  const problem = problemOfSpec(specOfCall(context, spec), 'never');
  if (problem !== null) return problem.term;
  return context.maxChildren !== 'infinity' && context.size >= context.maxChildren ? 'maxChildren' : undefined;
}

export function planStart(context: DynamicContext, { call, spec }: Call<'call.startChild'>): DynamicStep {
  const resolved = specOfCall(context, spec);
  return { changes: { job: { kind: 'startChild', call, spec: resolved } }, orders: [{ type: 'pool.add', spec: resolved }] };
}

export function started(context: DynamicContext, { id, run, at, info }: Fact<'child.started'>): DynamicStep {
  const { job } = context;
  const extra = info === undefined ? {} : { info };
  const facts: SupervisorEmitted[] = [{ type: 'child.started', id, run, ...extra }];
  if (job?.kind === 'restart') facts.push({ type: 'child.restarted', id, run, cause: job.cause, attempt: context.restarts.length, because: id });
  if (job?.kind !== 'startChild') return { changes: { now: at }, facts };
  facts.push(replied(job.call, { ok: true, id, ...extra }));
  return { changes: { size: context.size + 1, now: at }, facts };
}

/** A start that declined keeps nothing, and neither does a restart. */
export function declined(context: DynamicContext, { id, run, at }: Fact<'child.declined'>): DynamicStep {
  const facts: SupervisorEmitted[] = [{ type: 'child.declined', id, run }];
  if (context.job?.kind !== 'startChild') return { changes: { size: context.size - 1, now: at }, facts, orders: [{ type: 'pool.forget', id }] };
  facts.push(replied(context.job.call, { ok: true, declined: true }));
  return { changes: { now: at }, facts, orders: [{ type: 'pool.forget', id }] };
}

/** Elixir tells the reason of a crashed start bare, OTP wrapped in `EXIT`. */
function told(context: DynamicContext, reason: unknown): unknown {
  return context.template === null && Array.isArray(reason) && reason.length === 2 && reason[0] === 'EXIT' ? reason[1] : reason;
}

export function callStartFailed(context: DynamicContext, { id, run, at, reason }: Fact<'child.startFailed'>): DynamicStep {
  if (context.job?.kind !== 'startChild') return {};
  const facts = [{ type: 'child.startFailed' as const, id, run, reason }, replied(context.job.call, { ok: false, reason: told(context, reason) })];
  return { changes: { now: at }, facts, orders: [{ type: 'pool.forget', id }] };
}

// ---- an exit, and what follows from it

function terminated({ id, reason, memory }: DynamicExit): SupervisorEmitted[] {
  return isReported(memory.spec.restart, reason) ? [{ type: 'supervisor.report', context: 'childTerminated', id, reason }] : [];
}

/** It ended and is forgotten. */
export function exited(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { id, run, reason } = event;
  return {
    changes: { size: context.size - 1 },
    facts: [{ type: 'child.exited', id, run, reason, willRestart: false }, ...terminated(event)],
    orders: [{ type: 'pool.forget', id }],
  };
}

/** It ended while the supervisor drains: it belongs in the exit report. */
export function drained(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { changes, ...step } = exited(context, event);
  return { ...step, changes: { ...changes, ended: [...context.ended, endedChild(event)] } };
}

export function budgetSpent(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { facts = [], ...step } = exited(context, event);
  return { ...step, facts: [...facts, { type: 'child.gaveUp', id: event.id, reason: event.reason }] };
}

/** A child whose starts fail has spent its budget, and is forgotten. */
export function retriesSpent(context: DynamicContext, { id, cause }: ChildRetry): DynamicStep {
  return { ...withoutRetries(context, [id]), facts: [{ type: 'child.gaveUp', id, reason: cause }] };
}

export function giveUp(context: DynamicContext, event: DynamicExit | ChildRetry): DynamicStep {
  const { id } = event;
  const ended =
    event.type === 'child.exited' ? exited(context, event) : { changes: { size: context.size - 1 }, orders: [{ type: 'pool.forget' as const, id }] };
  const report: SupervisorEmitted = { type: 'supervisor.report', context: 'shutdown', id, reason: 'reachedMaxRestartIntensity' };
  const reason = event.type === 'child.exited' ? event.reason : event.cause;
  return { ...ended, facts: [...(ended.facts ?? []), report, { type: 'supervisor.gaveUp', id, reason }] };
}

function counted(context: DynamicContext, at: number): readonly number[] {
  return addRestart(context.restarts, at, context.periodMs);
}

/** Must this child wait before it is restarted? ms; 0 when it need not. */
export function delayOf({ id, memory, at }: DynamicExit): number {
  return memory.spec.backoff === undefined ? 0 : backoffMs(memory.spec.backoff, attemptAfter(memory, at), id);
}

function attemptAfter({ spec, attempt, startedAt }: ChildMemory, at: number): number {
  return spec.backoff !== undefined && at - startedAt >= spec.backoff.resetAfterMs ? 1 : attempt + 1;
}

function remembered(context: DynamicContext, event: DynamicExit): ChildMemory {
  const { memory } = event;
  const { budget } = memory.spec;
  const restarts = budget === undefined ? [] : addRestart(memory.restarts, handledAt(context, event), budget.periodMs);
  return { ...memory, restarts, attempt: attemptAfter(memory, event.at) };
}

function hold(id: string, { attempt, restarts }: ChildMemory): Extract<DynamicPoolCommand, { type: 'pool.hold' }> {
  return { type: 'pool.hold', id, attempt, restarts };
}

/** Restarted at once. */
export function planRestart(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { id, run, reason } = event;
  const memory = remembered(context, event);
  return {
    changes: { restarts: counted(context, handledAt(context, event)), job: { kind: 'restart', id, cause: reason, memory } },
    facts: [{ type: 'child.exited', id, run, reason, willRestart: true }, ...terminated(event)],
    orders: [{ ...hold(id, memory), type: 'pool.restart' }],
  };
}

/** Restarted after its backoff; counted now. */
export function planDelayedRestart(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { id, run, reason } = event;
  const at = handledAt(context, event);
  const memory = remembered(context, event);
  const delayMs = delayOf(event);
  return {
    changes: { restarts: counted(context, at), retrying: { ...context.retrying, [id]: memory } },
    facts: [{ type: 'child.exited', id, run, reason, willRestart: true }, ...terminated(event)],
    orders: [hold(id, memory)],
    later: { event: { type: 'child.retry', id, at: at + delayMs, counted: true, cause: reason }, delayMs, id: `retry.${id}` },
  };
}

export function planRetry(context: DynamicContext, retry: ChildRetry): DynamicStep {
  const { id, cause } = retry;
  const at = handledAt(context, retry);
  const known = context.retrying[id] as ChildMemory;
  const { budget } = known.spec;
  const memory = budget === undefined || retry.counted ? known : { ...known, restarts: addRestart(known.restarts, at, budget.periodMs) };
  return {
    changes: {
      restarts: retry.counted ? context.restarts : counted(context, at),
      retrying: withoutRetry(context, id),
      job: { kind: 'restart', id, cause, memory },
    },
    orders: [{ ...hold(id, memory), type: 'pool.restart' }],
  };
}

/**
 * A restart's start failed: it is tried again, by a message to the chart itself that comes after whatever is waiting, and in a turn of its own, so
 * that others are served between two attempts. @see OTP supervisor.erl try_again_restart/1
 */
export function retryLater(context: DynamicContext, { id, run, at, reason }: Fact<'child.startFailed'>): DynamicStep {
  if (context.job?.kind !== 'restart') return {};
  const { cause } = context.job;
  const memory = { ...context.job.memory, attempt: context.job.memory.attempt + 1 };
  const delayMs = memory.spec.backoff === undefined ? 0 : backoffMs(memory.spec.backoff, memory.attempt, id);
  const retry: ChildRetry = { type: 'child.retry', id, at: at + delayMs, counted: false, cause };
  const facts: SupervisorEmitted[] = [
    { type: 'child.startFailed', id, run, reason },
    { type: 'supervisor.report', context: 'startError', id, reason: told(context, reason) },
  ];
  return {
    changes: { retrying: { ...context.retrying, [id]: memory }, now: at },
    facts,
    orders: [hold(id, memory)],
    later: { event: retry, delayMs, id: `retry.${id}` },
  };
}

// ---- stopping

export function planTermination(_context: DynamicContext, { call, id, run }: Call<'call.terminateChild'>): DynamicStep {
  const meant = run === undefined ? {} : { run };
  return { changes: { job: { kind: 'terminateChild', call, id, run: run ?? null, spec: null } }, orders: [{ type: 'pool.find', id, ...meant }] };
}

export function noteFound(context: DynamicContext, { spec }: Fact<'child.found'>): DynamicStep {
  return context.job?.kind === 'terminateChild' ? { changes: { job: { ...context.job, spec } } } : {};
}

/** Without some children that were between two attempts, and whatever was to be tried with them. */
function withoutRetries(context: DynamicContext, ids: readonly string[]): Pick<DynamicStep, 'changes' | 'forget' | 'orders'> {
  return {
    forget: ids.map((id) => `retry.${id}`),
    changes: {
      size: context.size - ids.length,
      retrying: Object.fromEntries(Object.entries(context.retrying).filter(([id]) => !ids.includes(id))),
      mailbox: context.mailbox.filter((message) => !(message.type === 'child.retry' && ids.includes(message.id))),
    },
    orders: ids.map((id) => ({ type: 'pool.forget', id })),
  };
}

/** A child between two attempts is told to stay down. */
export function forgetRetry(context: DynamicContext, { id }: Fact<'child.found'>): DynamicStep {
  return { ...withoutRetries(context, [id]), facts: [replied((context.job as { call: string }).call, { ok: true })] };
}

/** A drain restarts nobody. */
export function forgetRetries(context: DynamicContext): DynamicStep {
  return withoutRetries(context, Object.keys(context.retrying));
}

/** The exit of a child that died while the supervisor was busy, and still waits. */
export function waitingExit(context: DynamicContext, id: string): DynamicExit | undefined {
  return context.mailbox.find((message): message is DynamicExit => message.type === 'child.exited' && message.id === id);
}

/** It was told to stop, but has died already. */
export function passTheDead(context: DynamicContext, { id }: Fact<'child.found'>): DynamicStep {
  const exit = waitingExit(context, id) as DynamicExit;
  // Its exit is older than what has been told since: the time does not go back.
  const { changes: { now: _older, ...changes } = {}, ...step } = stopped(context, exit);
  return { ...step, changes: { ...changes, mailbox: context.mailbox.filter((message) => message !== exit) } };
}

export function stopped(context: DynamicContext, event: DynamicExit): DynamicStep {
  const { id, run, reason, tookMs, killed, memory } = event;
  const facts: SupervisorEmitted[] = [{ type: 'child.stopped', id, run, reason, tookMs, killed }];
  const expected = context.template === null ? isExpectedOfAll(memory.spec, reason, false) : isExpectedStop(memory.spec, reason);
  if (!expected) facts.push({ type: 'supervisor.report', context: 'shutdownError', id, reason });
  facts.push(replied((context.job as { call: string }).call, { ok: true }));
  return { changes: { size: context.size - 1, now: event.at }, facts, orders: [{ type: 'pool.forget', id }] };
}

export function planStop(_context: DynamicContext, event: DynamicEvent): DynamicStep {
  const asked = (event as Partial<Extract<SupervisorOrder, { reason?: ExitReason }>>).reason;
  const reason = event.type === 'supervisor.stop' ? (asked ?? 'normal') : event.type === 'supervisor.shutdown' ? (asked ?? 'shutdown') : 'shutdown';
  return { changes: { reason } };
}

/** All are gone. What was unexpected is reported: of a templated supervisor, equal reasons together. */
export function emptied(context: DynamicContext, { ended }: Fact<'pool.emptied'>): DynamicStep {
  const { template } = context;
  const unexpected = ended.filter(({ spec, reason }) => !isExpectedOfAll(spec, reason, template !== null));
  const stoppedNow: EndedChild[] = ended.map((child) => endedChild({ ...child, type: 'child.exited', run: 0, at: 0 }));
  return {
    changes: { ended: [...context.ended, ...stoppedNow], size: 0 },
    facts: [{ type: 'children.stopped', ended: stoppedNow }, ...shutdownErrors(template?.id, unexpected)],
  };
}

function shutdownErrors(templateId: string | undefined, unexpected: readonly EndedChild[]): SupervisorEmitted[] {
  if (templateId === undefined) return unexpected.map(({ id, reason }) => ({ type: 'supervisor.report', context: 'shutdownError', id, reason }));
  const groups = new Map<string, { reason: ExitReason; count: number }>();
  for (const { reason } of unexpected) {
    const key = JSON.stringify(reason);
    groups.set(key, { reason, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups.values()].map(({ reason, count }) => ({ type: 'supervisor.report', context: 'shutdownError', id: templateId, reason, count }));
}

// ---- questions

export function listed(context: DynamicContext, { call, question, which }: Fact<'pool.listed'>): DynamicStep {
  if (question === 'count') return { facts: [replied(call, { ok: true, count: countOf(context, which) })] };
  return { facts: [replied(call, { ok: true, which: which.map((entry): WhichChild => ({ id: null, ...entry })) })] };
}

function countOf(context: DynamicContext, which: readonly PooledEntry[]): ChildCount {
  const supervisors = which.filter((entry) => entry.type === 'supervisor').length;
  return {
    specs: context.template === null ? which.length : 1,
    active: which.filter((entry) => entry.status === 'running').length,
    supervisors,
    workers: which.length - supervisors,
  };
}

/** Every remembered moment, moved to another clock; calls whose callers are gone with it are dropped. */
export function rebased(context: DynamicContext, offsetMs: number): DynamicStep {
  const moved = (at: number): number => at + offsetMs;
  const movedMemory = (memory: ChildMemory): ChildMemory => ({ ...memory, startedAt: moved(memory.startedAt), restarts: memory.restarts.map(moved) });
  const { job } = context;
  return {
    changes: {
      restarts: context.restarts.map(moved),
      now: moved(context.now),
      retrying: Object.fromEntries(Object.entries(context.retrying).map(([id, memory]) => [id, movedMemory(memory)])),
      job: job?.kind === 'restart' ? { ...job, memory: movedMemory(job.memory) } : job,
      mailbox: context.mailbox
        .filter((message) => !isCall(message))
        .map((message) => ('at' in message ? { ...message, at: moved(message.at) } : message))
        .map((message) => ('memory' in message ? { ...message, memory: movedMemory(message.memory) } : message)),
    },
  };
}
