/** Whom a desk tells what, and what it answers. */
import type { AnyActorRef } from 'xstate';
import type { Assignment, BalancerEmitted, ReportRefusal, Withdrawal } from '../../machines/agents/balancer-events.js';
import type { Clock } from '../supervision/clock.js';

/** What an agent is told of its tasks. */
export type AgentNews =
  | { readonly type: 'task.assigned'; readonly assignment: Assignment; readonly body: unknown; readonly replyTo: AnyActorRef }
  | { readonly type: 'task.withdrawn'; readonly assignment: Assignment; readonly because: Withdrawal };

export type AddOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: 'taken' | 'full' | 'ended' | 'closed' };

export type ReportOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: ReportRefusal };

/** Where a desk tells what has happened. */
export interface DeskWorld {
  readonly clock: Clock;
  readonly self: AnyActorRef;
  /** The last number of an assignment of the desk before it, which somebody may still report of. Default 0. */
  readonly numbersFrom?: number;
  emit(fact: BalancerEmitted): void;
  emptied(): void;
}
