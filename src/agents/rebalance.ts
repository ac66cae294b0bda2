/** Which tasks should be with somebody else: thought through on paper, so that each moves once at the most. */
import { OrderHeap } from './order-heap.js';
import type { Kind, Seat } from './seat.js';
import type { Task } from './task.js';

/** What an agent would have. */
interface Draft {
  readonly seat: Seat;
  readonly tasks: Set<Task>;
  load: number;
}

/** A task, and who is to have it. */
export interface Move {
  readonly task: Task;
  readonly to: Seat;
}

/**
 * Moves that leave the loads more alike: each goes to the least loaded of those who can do it, as long as that has less with it than the former one had; from
 * one that is beyond a threshold, to anybody who may have more.
 * @param includeBegun  those too that somebody works at
 * @param most  how many tasks may move
 */
export function planMoves(seats: Iterable<Seat>, includeBegun: boolean, most: number): Move[] {
  const drafts = new Map<Seat, Draft>();
  for (const seat of seats) drafts.set(seat, { seat, tasks: new Set(seat.tasks()), load: seat.load });
  const free = new Map<Kind, OrderHeap<Draft>>();
  const freeOf = (kind: Kind): OrderHeap<Draft> => {
    let heap = free.get(kind);
    if (heap === undefined) {
      free.set(kind, (heap = new OrderHeap<Draft>((a, b) => a.load - b.load || a.seat.turn - b.seat.turn)));
      for (const seat of kind.members) place(heap, drafts.get(seat) as Draft);
    }
    return heap;
  };
  const moved = new Map<Task, Draft>();
  const shift = (task: Task, from: Draft, to: Draft): void => {
    for (const [draft, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      if (sign > 0) draft.tasks.add(task);
      else draft.tasks.delete(task);
      draft.load += sign * task.cost;
      for (const kind of draft.seat.kinds) {
        const heap = free.get(kind);
        if (heap !== undefined) place(heap, draft);
      }
    }
    moved.set(task, to);
  };
  // Each step makes the sum of the squares less, so there is a last one.
  for (let isLast = false; !isLast; ) {
    isLast = true;
    for (const from of [...drafts.values()].sort((a, b) => b.load - a.load || a.seat.turn - b.seat.turn)) {
      // What came last has waited least.
      for (const task of [...from.tasks].reverse()) {
        if ((task.isBegun && !includeBegun) || (moved.size >= most && !moved.has(task))) continue;
        const to = freeOf(task.kind).first;
        if (to === undefined || to === from || !(from.seat.isOver || to.load + task.cost < from.load)) continue;
        shift(task, from, to);
        isLast = false;
      }
    }
  }
  return [...moved].filter(([task, to]) => task.seat !== to.seat).map(([task, to]) => ({ task, to: to.seat }));
}

function place(heap: OrderHeap<Draft>, draft: Draft): void {
  if (draft.tasks.size < draft.seat.maxTasks && !draft.seat.isOver && !draft.seat.hasEnded) heap.put(draft);
  else heap.remove(draft);
}
