/** What a desk knows of one agent, and of those who can do one kind of task; and in which order agents have their turns. */
import type { AnyActorRef } from 'xstate';
import type { BalanceStrategy } from '../../machines/agents/balancer-events.js';
import type { ExitWatch } from '../supervision/watch.js';
import type { PlannedAgent } from './balancer-options.js';
import type { Columns } from './columns.js';
import { OrderHeap } from './order-heap.js';
import { PlaceHeap, type PlaceOrder } from './place-heap.js';
import { byPriority, type Task } from './task.js';

/** One agent. What it is ordered by is in the columns, at its place. */
export class Seat {
  readonly name: string;
  readonly capabilities: ReadonlySet<string>;
  readonly ref: AnyActorRef | null;
  readonly maxTasks: number;
  readonly place: number;
  readonly kinds: Kind[] = [];
  measures: Map<string, number> | null = null;
  /** Beyond a threshold. */
  isOver = false;
  /** Its actor has ended, which is still to be told here. */
  hasEnded = false;
  isGone = false;
  watch: ExitWatch | null = null;
  /** How many tasks it has in hand. They are a list through themselves: a Set of its own for each agent would be cold whenever it is needed. */
  count = 0;
  #first: Task | null = null;
  #last: Task | null = null;
  readonly columns: Columns;

  constructor({ name, capabilities, ref, maxTasks }: PlannedAgent, columns: Columns, turn: number) {
    this.name = name;
    this.capabilities = new Set(capabilities);
    this.ref = ref;
    this.maxTasks = maxTasks;
    this.columns = columns;
    this.place = columns.enter(this);
    columns.abilities[this.place] = this.capabilities.size;
    columns.turn[this.place] = turn;
  }

  /** Sum of the costs in hand. */
  get load(): number {
    return this.columns.load[this.place] as number;
  }

  get turn(): number {
    return this.columns.turn[this.place] as number;
  }

  /** What a task took for each unit of its cost, lately, and the longer the more of them failed, ms; null: none has been done. */
  get meanMs(): number | null {
    const mean = this.columns.meanMs(this.place);
    return Number.isNaN(mean) ? null : mean;
  }

  get mayHaveMore(): boolean {
    return this.count < this.maxTasks && !this.isOver && !this.hasEnded && !this.isGone;
  }

  /** What it has in hand, in the order in which it came. */
  tasks(): Task[] {
    const all: Task[] = [];
    for (let task = this.#first; task !== null; task = task.later) all.push(task);
    return all;
  }

  measure(measures: Readonly<Record<string, number>>, thresholds: Readonly<Record<string, number>>): void {
    const known = (this.measures ??= new Map<string, number>());
    for (const [measure, value] of Object.entries(measures)) known.set(measure, value);
    this.isOver = [...known].some(([measure, value]) => value > (thresholds[measure] ?? Infinity));
  }

  /** It has a task, and its turn with it. */
  take(task: Task, turn: number): void {
    task.earlier = this.#last;
    if (this.#last === null) this.#first = task;
    else this.#last.later = task;
    this.#last = task;
    this.count++;
    this.columns.turn[this.place] = turn;
    this.#weigh(task.cost);
  }

  drop(task: Task): void {
    const { earlier, later } = task;
    if (earlier === null) this.#first = later;
    else earlier.later = later;
    if (later === null) this.#last = earlier;
    else later.earlier = earlier;
    task.earlier = null;
    task.later = null;
    this.count--;
    this.#weigh(-task.cost);
  }

  /**
   * Learns from a task that has ended. What fails at once would look quick, and draw to it all that comes: a failure never makes an agent look quicker.
   * @param eachMs  what it took for each unit of its cost
   */
  learn(eachMs: number, isDone: boolean): void {
    const { pace, failing, isNew } = this.columns;
    const { place } = this;
    const before = pace[place] as number;
    const failed = failing[place] as number;
    failing[place] = failed + newShare * (Number(!isDone) - failed);
    isNew[place] = 0;
    if (isDone && Number.isNaN(before)) pace[place] = eachMs;
    else if (isDone || eachMs > before) pace[place] = before + newShare * (eachMs - before);
    this.columns.expect(place);
  }

  #weigh(cost: number): void {
    const { load } = this.columns;
    load[this.place] = (load[this.place] as number) + cost;
    this.columns.expect(this.place);
  }
}

/** Of what a task took, how much counts against all that came before. */
const newShare = 0.2;

/** All tasks that ask for the same capabilities, and whoever has those. */
export class Kind {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** Whoever can do them, busy or not. */
  readonly members = new Set<Seat>();
  /** Those of them that may have more, in the orders of the strategy. */
  free: readonly PlaceHeap[] = [];
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
  reorder(orders: readonly PlaceOrder[]): void {
    this.free = orders.map((order) => new PlaceHeap(order));
    for (const seat of this.members) this.refresh(seat);
  }

  /** Puts an agent where it belongs after it has changed, or out. */
  refresh(seat: Seat): void {
    const { mayHaveMore, place } = seat;
    for (const heap of this.free)
      if (mayHaveMore) heap.put(place);
      else heap.remove(place);
  }

  leave(seat: Seat): void {
    this.members.delete(seat);
    for (const heap of this.free) heap.remove(seat.place);
  }
}

/** By strategy, of the agents in these columns; where there are two orders, the second one is for the turns that are to find something out. */
export const ordersOf: Readonly<Record<BalanceStrategy, (columns: Columns) => readonly PlaceOrder[]>> = {
  roundRobin: (columns) => [(a, b) => by(columns.turn, a, b)],
  leastLoaded: (columns) => [(a, b) => by(columns.load, a, b) || by(columns.turn, a, b)],
  // What an agent can do besides is what it can do in all, less the same for everybody who is compared.
  capability: (columns) => [(a, b) => by(columns.load, a, b) || by(columns.abilities, a, b) || by(columns.turn, a, b)],
  weighted: (columns) => [
    (a, b) => by(columns.expected, a, b) || by(columns.load, a, b) || by(columns.turn, a, b),
    (a, b) => by(columns.isNew, b, a) || by(columns.turn, a, b),
  ],
};

/** No difference of the two: of what is infinite there is none. */
function by(column: Float64Array, a: number, b: number): number {
  const one = column[a] as number;
  const other = column[b] as number;
  return one < other ? -1 : one > other ? 1 : 0;
}
