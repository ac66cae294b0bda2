/** What a supervisor does about each message: pure decisions, named after OTP's own where OTP has one. */
import { backoffMs } from '../backoff.js';
import { problemOfSpec } from './child-spec.js';
import type { ExitReason } from './exit.js';
import type { ChildExited, PoolCommand, PoolFact } from './pool.js';
import { isExpectedStop, isReported, restartGroup } from './restart-policy.js';
import { addRestart } from './restart-window.js';
import type { Step } from './step.js';
import type { CallResult, SupervisorEmitted } from './supervisor-facts.js';
import {
  childOf,
  endedChild,
  handledAt,
  isCall,
  laidDown,
  newChild,
  stopOrder,
  waitingExit,
  withChild,
  withoutChild,
  type Child,
  type ChildRetry,
  type SupervisorCall,
  type SupervisorContext,
  type SupervisorEvent,
  type SupervisorOrder,
} from './supervisor-state.js';

export type SupervisorStep = Step<SupervisorContext, SupervisorEmitted, PoolCommand, SupervisorEvent>;
type Fact<Type extends PoolFact['type']> = Extract<PoolFact, { type: Type }>;
type Call<Type extends SupervisorCall['type']> = Extract<SupervisorCall, { type: Type }>;

export function replied(call: string, result: CallResult): SupervisorEmitted {
  return { type: 'call.replied', call, result };
}

export function refused(context: SupervisorContext, event: Call<'call.startChild'>): SupervisorEmitted {
  return replied(event.call, { ok: false, reason: refusalOfStart(context, event) });
}

export function specOf(context: SupervisorContext, { call, id }: Call<'call.getChildspec'>): SupervisorEmitted {
  return replied(call, { ok: true, spec: (childOf(context, id) as Child).spec });
}

// ---- starting

export function startNext(context: SupervisorContext): SupervisorStep {
  const { spec, run } = childOf(context, context.toStart[0]) as Child;
  return {
    changes: { children: withChild(context, spec.id, { run: run + 1 }) },
    orders: [{ type: 'pool.start', id: spec.id, run: run + 1, spec }],
  };
}

export function abandonStart(context: SupervisorContext): SupervisorStep {
  const { spec, run } = childOf(context, context.toStart[0]) as Child;
  return { orders: [{ type: 'pool.abandon', id: spec.id, run }] };
}

export function started(context: SupervisorContext, { id, run, at, info }: Fact<'child.started'>): SupervisorStep {
  const { job } = context;
  const extra = info === undefined ? {} : { info };
  const facts: SupervisorEmitted[] = [{ type: 'child.started', id, run, ...extra }];
  if (job?.kind === 'restart') facts.push({ type: 'child.restarted', id, run, cause: job.cause, attempt: context.restarts.length, because: job.id });
  if (job?.kind === 'startChild') facts.push(replied(job.call, { ok: true, id, ...extra }));
  return {
    changes: { children: withChild(context, id, { status: 'running', startedAt: at, retryAt: null }), toStart: context.toStart.slice(1), now: at },
    facts,
  };
}

export function declined(context: SupervisorContext, { id, run, at }: Fact<'child.declined'>): SupervisorStep {
  const facts: SupervisorEmitted[] = [{ type: 'child.declined', id, run }];
  if (context.job?.kind === 'startChild') facts.push(replied(context.job.call, { ok: true, declined: true }));
  return { changes: { children: laidDown(context, id), toStart: context.toStart.slice(1), now: at }, facts };
}

function startFailed({ id, run, reason }: Fact<'child.startFailed'>): SupervisorEmitted {
  return { type: 'child.startFailed', id, run, reason };
}

function startError({ id, reason }: Fact<'child.startFailed'>): SupervisorEmitted {
  return { type: 'supervisor.report', context: 'startError', id, reason };
}

/** The initial start failed: what has started is stopped again. @see OTP supervisor.erl init_children/2 */
export function abandonTree(context: SupervisorContext, event: Fact<'child.startFailed'>): SupervisorStep {
  return {
    facts: [startFailed(event), startError(event)],
    changes: { failure: ['shutdown', ['failedToStartChild', event.id, event.reason]], toStart: [], toStop: stopOrder(context) },
  };
}

/** @see OTP supervisor.erl handle_start_child/2 */
export function planStart(context: SupervisorContext, event: Call<'call.startChild' | 'call.restartChild'>): SupervisorStep {
  const fresh = event.type === 'call.startChild';
  const id = fresh ? event.spec.id : event.id;
  const children = fresh ? [...context.children, newChild(event.spec)] : context.children;
  return { changes: { children, toStart: [id], job: { kind: 'startChild', call: event.call, id, fresh } } };
}

export function callStartFailed(context: SupervisorContext, event: Fact<'child.startFailed'>): SupervisorStep {
  const { job } = context;
  if (job?.kind !== 'startChild') return {};
  const { spec } = childOf(context, job.id) as Child;
  return {
    changes: { toStart: [], now: event.at, children: job.fresh ? withoutChild(context, job.id) : context.children },
    facts: [startFailed(event), replied(job.call, { ok: false, reason: event.reason, ...(job.fresh ? { child: spec } : {}) })],
  };
}

// ---- stopping

export function planStop(context: SupervisorContext, event: SupervisorEvent): SupervisorStep {
  const asked = (event as Partial<Extract<SupervisorOrder, { reason?: ExitReason }>>).reason;
  const reason = event.type === 'supervisor.stop' ? (asked ?? 'normal') : event.type === 'supervisor.shutdown' ? (asked ?? 'shutdown') : 'shutdown';
  return { changes: { toStop: stopOrder(context), job: null, reason } };
}

export function planTermination(_context: SupervisorContext, { call, id }: Call<'call.terminateChild'>): SupervisorStep {
  return { changes: { toStop: [id], job: { kind: 'terminateChild', call, id } } };
}

/**
 * Who ended how, with one more. Kept while the supervisor itself stops, which is no job: nobody reports what a call or a restart stops, and a supervisor that
 * lives long would remember all of them.
 */
function endedWith(context: SupervisorContext, exit: ChildExited): SupervisorContext['ended'] {
  return context.job === null ? [...context.ended, endedChild(exit)] : context.ended;
}

function stopFacts(context: SupervisorContext, { id, run, reason, tookMs, killed }: ChildExited): SupervisorEmitted[] {
  const facts: SupervisorEmitted[] = [{ type: 'child.stopped', id, run, reason, tookMs, killed }];
  const { spec } = childOf(context, id) as Child;
  if (!isExpectedStop(spec, reason)) facts.push({ type: 'supervisor.report', context: 'shutdownError', id, reason });
  return facts;
}

/** Goes along `toStop` past everybody who needs no asking: those between two attempts, and those who died while the supervisor was busy. */
export function passTheDead(context: SupervisorContext): SupervisorStep {
  let now = context;
  const facts: SupervisorEmitted[] = [];
  for (const id of context.toStop) {
    const exit = waitingExit(now, id);
    if (childOf(now, id)?.status === 'running' && exit === undefined) break;
    if (exit !== undefined) {
      facts.push(...stopFacts(now, exit));
      now = { ...now, mailbox: now.mailbox.filter((message) => message !== exit), ended: endedWith(now, exit) };
    }
    now = { ...now, toStop: now.toStop.slice(1), children: laidDown(now, id) };
  }
  const { toStop, children, mailbox, ended } = now;
  return { changes: { toStop, children, mailbox, ended }, facts };
}

export function askNext(context: SupervisorContext): SupervisorStep {
  const { spec, run } = childOf(context, context.toStop[0]) as Child;
  return { orders: [{ type: 'pool.ask', id: spec.id, run, reason: 'shutdown' }] };
}

export function killNext(context: SupervisorContext): SupervisorStep {
  const { spec, run } = childOf(context, context.toStop[0]) as Child;
  return { orders: [{ type: 'pool.kill', id: spec.id, run }] };
}

export function stopped(context: SupervisorContext, event: ChildExited): SupervisorStep {
  const changes = {
    children: laidDown(context, event.id),
    toStop: context.toStop.slice(1),
    ended: endedWith(context, event),
    now: event.at,
  };
  return { changes, facts: stopFacts(context, event) };
}

// ---- an exit, and what follows from it

function terminated(context: SupervisorContext, { id, reason }: ChildExited): SupervisorEmitted[] {
  const { restart } = (childOf(context, id) as Child).spec;
  return isReported(restart, reason) ? [{ type: 'supervisor.report', context: 'childTerminated', id, reason }] : [];
}

/** It ended and stays down. */
export function exited(context: SupervisorContext, event: ChildExited): SupervisorStep {
  const { id, run, reason } = event;
  return {
    changes: {
      children: laidDown(context, id),
      ...(context.draining === null
        ? {}
        : { draining: context.draining.filter((other) => other !== id), ended: [...context.ended, endedChild(event)] }),
    },
    facts: [{ type: 'child.exited', id, run, reason, willRestart: false }, ...terminated(context, event)],
  };
}

export function budgetSpent(context: SupervisorContext, event: ChildExited): SupervisorStep {
  const { facts = [], ...step } = exited(context, event);
  return { ...step, facts: [...facts, { type: 'child.gaveUp', id: event.id, reason: event.reason }] };
}

/** A child whose starts fail has spent its budget: it stays down, and the rest of its group, which waits for it, is started without it. */
export function groupWithout(context: SupervisorContext, { id, cause }: ChildRetry): SupervisorStep {
  const { toStart = [], ...plan } = planGroup(context, id, cause);
  const waiting = toStart.filter((member) => member !== id && childOf(context, member)?.status === 'down');
  return {
    changes: { ...plan, toStop: [], toStart: waiting, children: laidDown(context, id) },
    facts: [{ type: 'child.gaveUp', id, reason: cause }],
  };
}

/** One restart too many. @see OTP supervisor.erl restart/2 */
export function giveUp(context: SupervisorContext, event: ChildExited | ChildRetry): SupervisorStep {
  const { id } = event;
  const { changes, facts } = event.type === 'child.exited' ? exited(context, event) : { changes: { children: laidDown(context, id) }, facts: [] };
  const report: SupervisorEmitted = { type: 'supervisor.report', context: 'shutdown', id, reason: 'reachedMaxRestartIntensity' };
  const reason = event.type === 'child.exited' ? event.reason : event.cause;
  return { changes: changes ?? {}, facts: [...(facts ?? []), report, { type: 'supervisor.gaveUp', id, reason }] };
}

function idsOf(context: SupervisorContext): string[] {
  return context.children.map((child) => child.spec.id);
}

/** Who else stops, newest first, and who is started, in order. @see OTP supervisor.erl restart/3 */
function planGroup(context: SupervisorContext, id: string, cause: ExitReason | null): Partial<SupervisorContext> {
  const group = restartGroup(context.strategy, idsOf(context), id);
  return {
    toStop: group.filter((member) => member !== id && childOf(context, member)?.status !== 'down').reverse(),
    toStart: group.filter((member) => childOf(context, member)?.spec.restart !== 'temporary'),
    job: { kind: 'restart', id, cause },
  };
}

function counted(context: SupervisorContext, id: string, at: number): SupervisorContext {
  const child = childOf(context, id) as Child;
  const { budget } = child.spec;
  const restarts = budget === undefined ? [] : addRestart(child.restarts, at, budget.periodMs);
  return { ...context, restarts: addRestart(context.restarts, at, context.periodMs), children: withChild(context, id, { restarts }) };
}

/** The latest moment at which a member of the child's group is due; overlapping delays are merged into it. */
export function groupRetryAt(context: SupervisorContext, id: string): number {
  return Math.max(...restartGroup(context.strategy, idsOf(context), id).map((member) => childOf(context, member)?.retryAt ?? 0));
}

/** A child ended and is to run again: at once, or after its backoff. */
export function planRestart(context: SupervisorContext, event: ChildExited): SupervisorStep {
  const { id, run, reason } = event;
  const at = handledAt(context, event);
  const { backoff } = (childOf(context, id) as Child).spec;
  const { startedAt, attempt: earlier } = childOf(context, id) as Child;
  const attempt = backoff !== undefined && event.at - startedAt >= backoff.resetAfterMs ? 1 : earlier + 1;
  const dueAt = Math.max(at + (backoff === undefined ? 0 : backoffMs(backoff, attempt, id)), groupRetryAt(context, id));
  const delayMs = dueAt - at;
  const now = counted(context, id, at);
  const children = withChild(now, id, { attempt, status: delayMs > 0 ? 'restarting' : 'down', retryAt: delayMs > 0 ? dueAt : null });
  return {
    changes: { ...planGroup(context, id, reason), restarts: now.restarts, children },
    facts: [{ type: 'child.exited', id, run, reason, willRestart: true }, ...terminated(context, event)],
    ...(delayMs > 0 ? { later: { event: { type: 'child.retry', id, at: dueAt, counted: true, cause: reason }, delayMs, id: `retry.${id}` } } : {}),
  };
}

export function planRetry(context: SupervisorContext, retry: ChildRetry): SupervisorStep {
  const { id, cause } = retry;
  const now = retry.counted ? context : counted(context, id, handledAt(context, retry));
  return { changes: { ...planGroup(context, id, cause), restarts: now.restarts, children: withChild(now, id, { status: 'down', retryAt: null }) } };
}

export function waitForGroup(context: SupervisorContext, event: ChildRetry): SupervisorStep {
  const at = groupRetryAt(context, event.id);
  return {
    changes: { children: withChild(context, event.id, { retryAt: at }) },
    later: { event: { ...event, at }, delayMs: at - handledAt(context, event), id: `retry.${event.id}` },
  };
}

/**
 * A restart's start failed: it is tried again, by a message to the chart itself that comes after whatever is waiting, and in a turn of its own, so
 * that others are served between two attempts. @see OTP supervisor.erl try_again_restart/1
 */
export function retryLater(context: SupervisorContext, event: Fact<'child.startFailed'>): SupervisorStep {
  const { id, at } = event;
  const { spec, attempt } = childOf(context, id) as Child;
  const delayMs = spec.backoff === undefined ? 0 : backoffMs(spec.backoff, attempt + 1, id);
  const cause = context.job?.kind === 'restart' ? context.job.cause : null;
  const retry: ChildRetry = { type: 'child.retry', id, at: at + delayMs, counted: false, cause };
  const children = withChild(context, id, { status: 'restarting', attempt: attempt + 1, retryAt: delayMs > 0 ? at + delayMs : null });
  return {
    changes: { children, toStart: [], now: at },
    facts: [startFailed(event), startError(event)],
    later: { event: retry, delayMs, id: `retry.${id}` },
  };
}

/** A child between two attempts is told to stay down. */
export function forgetRetry(context: SupervisorContext, { id, call }: Call<'call.terminateChild'>): SupervisorStep {
  return { forget: [`retry.${id}`], changes: { children: laidDown(context, id) }, facts: [replied(call, { ok: true })] };
}

/** The call's own words for why it is refused, in OTP's order. */
export function refusalOfStart(context: SupervisorContext, { spec }: Call<'call.startChild'>): unknown {
  const problem = problemOfSpec(spec, context.autoShutdown);
  if (problem !== null) return problem.term;
  const child = childOf(context, spec.id);
  if (child === undefined) return undefined;
  return child.status === 'running' ? ['alreadyStarted', spec.id] : 'alreadyPresent';
}

/** Every remembered moment, moved to another clock; calls whose callers are gone with it are dropped. */
export function rebased(context: SupervisorContext, offsetMs: number): SupervisorStep {
  const moved = (at: number): number => at + offsetMs;
  return {
    changes: {
      restarts: context.restarts.map(moved),
      now: moved(context.now),
      children: context.children.map((child) => ({
        ...child,
        startedAt: moved(child.startedAt),
        retryAt: child.retryAt === null ? null : moved(child.retryAt),
        restarts: child.restarts.map(moved),
      })),
      mailbox: context.mailbox
        .filter((message) => !isCall(message))
        .map((message) => ('at' in message ? { ...message, at: moved(message.at) } : message)),
    },
  };
}
