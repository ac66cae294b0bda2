/** What a desk knows of one agent, of one task, and of those who can do one kind of task; and in which order agents have their turns. */
import type { AnyActorRef } from 'xstate';
import type { Assignment, AssignRefusal, BalanceStrategy, TaskFailure } from '../../machines/agents/balancer-events.js';
import type { Deadline } from '../supervision/deadlines.js';
import type { ExitWatch } from '../supervision/watch.js';
import type { PlannedTask } from './balancer-options.js';
import { type Order, OrderHeap } from './order-heap.js';

/** One agent. */
export interface Seat {
  readonly name: string;
  readonly capabilities: ReadonlySet<string>;
  readonly ref: AnyActorRef | null;
  readonly maxTasks: number;
  readonly tasks: Set<Task>;
  readonly kinds: Set<Kind>;
  readonly measures: Map<string, number>;
  /** Sum of the costs in hand. */
  load: number;
  /** When it had its last turn, or came; of no other agent. */
  turn: number;
  /** What a task took for each unit of its cost, lately, ms; null: none has been done. */
  meanMs: number | null;
  isOver: boolean;
  isGone: boolean;
  watch: ExitWatch | null;
}

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
  /** Answers whoever assigned it; null: it is answered. */
  answer: ((outcome: AssignOutcome) => void) | null;
  /** Tells its end. */
  readonly settle: (end: TaskEnd) => void;
  readonly ended: Promise<TaskEnd>;
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

/** All tasks that ask for the same capabilities, and whoever has those. */
export class Kind {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** Whoever can do them, busy or not. */
  readonly members = new Set<Seat>();
  /** Those of them that may have more, in the orders of the strategy. */
  free: readonly OrderHeap<Seat>[] = [];
  readonly waiting = new OrderHeap<Task>(byPriority);
  /** Tasks that have not ended. */
  tasks = 0;

  constructor(name: string, capabilities: readonly string[]) {
    this.name = name;
    this.capabilities = capabilities;
  }

  suits(seat: Seat): boolean {
    return this.capabilities.every((each) => seat.capabilities.has(each));
  }

  /** Puts all who may have more in order anew. */
  reorder(orders: readonly Order<Seat>[]): void {
    this.free = orders.map((order) => new OrderHeap(order));
    for (const seat of this.members) this.refresh(seat);
  }

  /** Puts an agent where it belongs after it has changed, or out. */
  refresh(seat: Seat): void {
    for (const heap of this.free)
      if (mayHaveMore(seat)) heap.put(seat);
      else heap.remove(seat);
  }

  leave(seat: Seat): void {
    this.members.delete(seat);
    for (const heap of this.free) heap.remove(seat);
  }
}

export function mayHaveMore({ tasks, maxTasks, isOver, isGone }: Seat): boolean {
  return tasks.size < maxTasks && !isOver && !isGone;
}

/** Of those that wait: the highest priority, then the oldest. */
export const byPriority: Order<Task> = (a, b) => b.priority - a.priority || a.order - b.order;

const byTurn: Order<Seat> = (a, b) => a.turn - b.turn;

export const byLoad: Order<Seat> = (a, b) => a.load - b.load || byTurn(a, b);

/** How long one more of cost 1 would have to wait for its end there, ms; of a newcomer nobody knows. */
function expectedMs({ meanMs, load }: Seat): number {
  // Where all took no time, the load still counts.
  return meanMs === null ? Number.MAX_VALUE : (meanMs + 0.001) * (load + 1);
}

/** By strategy; where there are two, the second one is for the turns that are to find something out. */
export const ordersOf: Readonly<Record<BalanceStrategy, readonly Order<Seat>[]>> = {
  roundRobin: [byTurn],
  leastLoaded: [byLoad],
  // What an agent can do besides is what it can do in all, less the same for everybody who is compared.
  capability: [(a, b) => a.load - b.load || a.capabilities.size - b.capabilities.size || byTurn(a, b)],
  weighted: [
    (a, b) => expectedMs(a) - expectedMs(b) || byLoad(a, b),
    (a, b) => Number(a.meanMs !== null) - Number(b.meanMs !== null) || byTurn(a, b),
  ],
};

/** Of what a task took, how much counts against all that came before. */
const newShare = 0.2;

/**
 * Learns from a task that has ended. What fails at once would look quick, and draw to it all that comes: a failure never makes an agent look quicker, and a
 * newcomer that has only failed is none the less one.
 * @param eachMs  what it took for each unit of its cost
 */
export function notePace(seat: Seat, eachMs: number, isDone: boolean): void {
  const { meanMs } = seat;
  if (isDone) seat.meanMs = meanMs === null ? eachMs : meanMs + newShare * (eachMs - meanMs);
  else if (meanMs !== null) seat.meanMs = meanMs + newShare * (Math.max(eachMs, 2 * meanMs + 1) - meanMs);
}
