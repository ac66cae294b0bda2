/** A bounded stream of tasks over an iterable. @see Elixir Task.Supervisor.async_stream */
import type { AnyActorRef } from 'xstate';

import { Exit } from '../../machines/supervision/exit.js';
import { Slices } from './slices.js';
import type { TaskRefusal } from './task-pool.js';
import { cancelRun, type Settled, type TaskFn, type TaskOutcome, type TaskRun } from './task-run.js';
import { exitReason } from './watch.js';

/** Options of `TaskSupervisor.stream`. */
export interface StreamOptions {
  /** Most tasks at a time; the iterable is read no further. Default 8. */
  readonly maxConcurrency?: number;
  /** Outcomes in the order of the items, or as the tasks end. Default true. */
  readonly ordered?: boolean;
  /** Deadline of each task, ms. Default none. */
  readonly deadlineMs?: number;
  /** What a passed deadline does: its outcome is `timedOut` and the stream goes on, or the stream throws `Exit`. Default `killTask`. */
  readonly onTimeout?: 'killTask' | 'exit';
  /** Ends the stream and its tasks when it aborts. */
  readonly signal?: AbortSignal;
  readonly owner?: AnyActorRef;
  /** Link the tasks to their owner: a crash ends it, and the stream with it. Default true where there is an owner. */
  readonly link?: boolean;
}

/** How one item ended, or why no task could be started for it. */
export type StreamOutcome<Value> = TaskOutcome<Value> | { readonly ok: false; readonly reason: TaskRefusal };

/** Starts a task of the stream, or says why not; its end is told once. */
export type Launch = (fn: TaskFn<unknown>, settled: Settled) => TaskRun | TaskRefusal;

export async function* streamTasks<Item, Value>(
  launch: Launch,
  items: Iterable<Item> | AsyncIterable<Item>,
  fn: (item: Item, scope: Parameters<TaskFn<Value>>[0]) => Value | PromiseLike<Value>,
  options: StreamOptions,
): AsyncGenerator<StreamOutcome<Value>, void, undefined> {
  const { maxConcurrency = 8, ordered = true, onTimeout = 'killTask', signal, owner } = options;
  const isAborted = (): boolean => signal?.aborted === true;
  const source = iteratorOf(items);
  const flights = new Flights<Value>(ordered);
  const slices = new Slices();
  const begin = (item: Item): void => {
    const flight = flights.open();
    const run = launch(
      (scope) => fn(item, scope),
      (outcome) => flights.land(flight, outcome as TaskOutcome<Value>),
    );
    if (typeof run === 'string') flights.land(flight, { ok: false, reason: run });
    else flight.run = run;
  };
  let exhausted = false;
  try {
    for (;;) {
      while (!exhausted && flights.size < maxConcurrency && !isAborted()) {
        if (!slices.hasRoom()) await room(slices);
        const next = source.next();
        const result = isPromise(next) ? await beforeAbort(next, signal) : next;
        if (result === undefined) break;
        if (result.done === true) exhausted = true;
        else begin(result.value);
      }
      if (flights.size === 0) return;
      const outcome = flights.take() ?? (await flights.next());
      if (!slices.hasRoom()) await room(slices);
      if (owner !== undefined && exitReason(owner) !== null) return;
      if (onTimeout === 'exit' && !outcome.ok && outcome.reason === 'timedOut') throw new Exit({ crash: 'timeout' });
      yield outcome;
    }
  } finally {
    slices.clear();
    flights.cancel();
    if (!exhausted) leave(source);
  }
}

/** Awaits one of the event loop's next turns. */
function room(slices: Slices): Promise<void> {
  return new Promise((resolve) => slices.later({ take: resolve }));
}

function isPromise<Item>(next: Item | Promise<Item>): next is Promise<Item> {
  return typeof (next as Partial<Promise<Item>> | null)?.then === 'function';
}
/** The next item, or undefined when the signal aborts while it is awaited. */
async function beforeAbort<Item>(next: Item | Promise<Item>, signal: AbortSignal | undefined): Promise<Item | undefined> {
  if (signal === undefined) return next;
  let stop: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => {
      resolve(undefined);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([next, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

/** Tells a source that no more is wanted. It is not waited for: a generator answers only once its pending item has come, which may be never. */
function leave(source: Iterator<unknown> | AsyncIterator<unknown>): void {
  Promise.resolve(source.return?.()).catch(() => {
    // What a source throws on leaving concerns nobody any more.
  });
}

/** A task on its way, or landed and not taken yet. */
interface Flight<Value> {
  run: TaskRun | undefined;
  outcome: StreamOutcome<Value> | undefined;
  before: Flight<Value> | undefined;
  after: Flight<Value> | undefined;
}

/**
 * The flights of a stream, in the order in which they are to be taken.
 *
 * They are a list of their own making, for there may be a hundred thousand of them, and each costs no more than itself: to find the first of a Set, all that were deleted before it are
 * passed over, and to race promises leaves a reaction per outcome with the slowest.
 */
class Flights<Value> {
  readonly #ordered: boolean;
  /** Those that fly. Where the order of the items counts, those that have landed too. */
  #first: Flight<Value> | undefined;
  #last: Flight<Value> | undefined;
  /** Those that have landed, where the order does not count; those before the next were taken. */
  #landed: StreamOutcome<Value>[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  /** How many were opened and not taken. */
  size = 0;

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  open(): Flight<Value> {
    const flight: Flight<Value> = { run: undefined, outcome: undefined, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = flight;
    else this.#last.after = flight;
    this.#last = flight;
    this.size++;
    return flight;
  }

  land(flight: Flight<Value>, outcome: StreamOutcome<Value>): void {
    flight.outcome = outcome;
    flight.run = undefined;
    if (!this.#ordered) {
      this.#remove(flight);
      this.#landed.push(outcome);
    } else if (flight !== this.#first) return;
    this.#wake?.();
  }

  /** The next outcome, where there is one by now. */
  take(): StreamOutcome<Value> | undefined {
    const outcome = this.#ordered ? this.#first?.outcome : this.#landed[this.#next];
    if (outcome === undefined) return undefined;
    this.size--;
    if (this.#ordered) this.#remove(this.#first as Flight<Value>);
    else if (++this.#next === this.#landed.length) {
      this.#landed = [];
      this.#next = 0;
    }
    return outcome;
  }

  /** The next outcome, when there is one. */
  async next(): Promise<StreamOutcome<Value>> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    return this.take() as StreamOutcome<Value>;
  }

  #remove({ before, after }: Flight<Value>): void {
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  /** Ends those that still fly. */
  cancel(): void {
    for (let flight = this.#first; flight !== undefined; flight = flight.after) {
      if (flight.run !== undefined) cancelRun(flight.run);
    }
  }
}

function iteratorOf<Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
