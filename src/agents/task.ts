/** What a desk knows of one task, and what is told of it. */
import type { Assignment, AssignRefusal, TaskFailure } from '../../machines/agents/balancer-events.js';
import type { Deadline } from '../supervision/deadlines.js';
import type { PlannedTask } from './balancer-options.js';
import type { Order } from './order-heap.js';
import type { Kind, Seat } from './seat.js';

/** One task, until it has ended. It waits while `seat` is null. */
export interface Task extends PlannedTask, Deadline {
  /** In which order they came. */
  readonly order: number;
  readonly kind: Kind;
  /** Monotonic ms; Infinity: never. */
  readonly endsAt: number;
  readonly askedAt: number;
  seat: Seat | null;
  assignment: Assignment | null;
  assignedAt: number;
  isBegun: boolean;
  /** How many agents have had it because nobody had before, or whoever had was lost. */
  attempts: number;
  /** How many agents were lost with it, by nobody's order: it may be what they died of. */
  losses: number;
  /** Answers whoever assigned it; null: it is answered. */
  answer: ((outcome: AssignOutcome) => void) | null;
  /** Tells its end. */
  readonly settle: (end: TaskEnd) => void;
  readonly ended: Promise<TaskEnd>;
  /** Beside it in the hand of its agent. */
  earlier: Task | null;
  later: Task | null;
  /** Heeds its signal no more. */
  unheed: (() => void) | null;
}

/** Whether somebody has a task. */
export type AssignOutcome =
  | { readonly ok: true; readonly agent: string; readonly assignment: Assignment; readonly ended: Promise<TaskEnd> }
  | { readonly ok: false; readonly reason: AssignRefusal };

interface AnyEnd {
  readonly task: string;
  /** Who had it at the end; null: nobody. */
  readonly agent: string | null;
  /** How many agents have had it, moves by `rebalance` not counted. */
  readonly attempts: number;
  /** Since it was asked for, ms. */
  readonly tookMs: number;
}

/** The one end of a task. */
export type TaskEnd = (AnyEnd & { readonly ok: true }) | (AnyEnd & { readonly ok: false; readonly reason: TaskFailure; readonly error?: unknown });

/** A task that nobody has yet. @param born  what is to be known of it from the first */
export function newTask(
  plan: PlannedTask,
  born: Pick<Task, 'kind' | 'order' | 'askedAt' | 'answer'> & { readonly expired: (task: Task) => void },
): Task {
  let settle: Task['settle'] = () => {};
  const ended = new Promise<TaskEnd>((resolve) => (settle = resolve));
  const task: Task = {
    ...plan,
    ...born,
    ...{ settle, ended, endsAt: plan.deadlineMs === null ? Infinity : born.askedAt + plan.deadlineMs },
    ...{ seat: null, assignment: null, assignedAt: 0, isBegun: false, attempts: 0, losses: 0, dueAt: 0, place: -1 },
    ...{ earlier: null, later: null, unheed: null },
    expired: () => born.expired(task),
  };
  return task;
}

/** Its signal gives it up, until it has ended. */
export function heed(task: Task, signal: AbortSignal, giveUp: () => void): void {
  signal.addEventListener('abort', giveUp, { once: true });
  task.unheed = () => signal.removeEventListener('abort', giveUp);
}

/** Of those that wait: the highest priority, then the oldest. */
export const byPriority: Order<Task> = (a, b) => b.priority - a.priority || a.order - b.order;
