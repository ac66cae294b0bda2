/** What agents say, looked at before it counts: a report comes from anybody, and may be anything. And whether an end says something of a task. */
import type { AnyActorRef } from 'xstate';
import type { AgentReport, Assignment } from '../../machines/agents/balancer-events.js';
import { exitReason } from '../supervision/watch.js';

/** How a task has ended, by what an agent has sent. What it means cannot be known of one that is none. */
export function reportIn(report: Extract<AgentReport, { type: 'task.completed' }>): { ok: boolean; error: unknown; durationMs: number | undefined } {
  const { error, durationMs } = report;
  const isDone: unknown = report.ok;
  const isTime = typeof durationMs === 'number' && durationMs >= 0 && durationMs < Infinity;
  return { ok: isDone === true, error, durationMs: isTime ? durationMs : undefined };
}

/** The names in what may be an assignment; of one that makes no sense there are none. */
export function namesIn(assignment: unknown): { readonly task: string; readonly agent: string } {
  const { task, agent } = (assignment ?? {}) as Partial<Record<keyof Assignment, unknown>>;
  return { task: nameIn(task), agent: nameIn(agent) };
}

function nameIn(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : '';
}

/** Was it stopped in order, from without? Then what it had in hand is not what it died of. One that gives up by itself may say `shutdown` too. */
export function wasOrdered(ref: AnyActorRef): boolean {
  const { status } = (ref.getSnapshot() ?? {}) as { readonly status?: unknown };
  const reason = exitReason(ref);
  return (reason === 'shutdown' || Array.isArray(reason)) && status !== 'done' && status !== 'error';
}
