/** A bounded stream of tasks over an iterable. @see Elixir Task.Supervisor.async_stream */
import type { AnyActorRef } from 'xstate';

import { Exit } from '../../machines/supervision/exit.js';
import { Slices } from './slices.js';
import type { TaskRefusal } from './task-pool.js';
import type { AsyncOptions, Task, TaskSupervisor } from './tasks.js';
import type { TaskFn, TaskOutcome } from './task-run.js';
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

export async function* streamTasks<Item, Value>(
  tasks: TaskSupervisor,
  items: Iterable<Item> | AsyncIterable<Item>,
  fn: (item: Item, scope: Parameters<TaskFn<Value>>[0]) => Value | PromiseLike<Value>,
  options: StreamOptions,
): AsyncGenerator<StreamOutcome<Value>, void, undefined> {
  const { maxConcurrency = 8, ordered = true, onTimeout = 'killTask', signal, owner } = options;
  const isAborted = (): boolean => signal?.aborted === true;
  const taskOptions: AsyncOptions = {
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    ...(signal === undefined ? {} : { signal }),
    ...(owner === undefined ? {} : { owner, link: options.link ?? true }),
  };
  const source = iteratorOf(items);
  const flying = new Set<Flight<Value>>();
  const landings = new Landings<Value>();
  const slices = new Slices();
  let exhausted = false;
  try {
    for (;;) {
      while (!exhausted && flying.size < maxConcurrency && !isAborted()) {
        await room(slices);
        const next = await beforeAbort(source.next(), signal);
        if (next === undefined) break;
        const { done, value: item } = next;
        if (done === true) exhausted = true;
        else {
          const flight = launch(tasks, (scope: Parameters<TaskFn<Value>>[0]) => fn(item, scope), taskOptions);
          flying.add(flight);
          if (!ordered) landings.await(flight);
        }
      }
      const [first] = flying;
      if (first === undefined) return;
      const { flight, outcome } = ordered ? await first.landed : await landings.next();
      flying.delete(flight);
      await room(slices);
      if (owner !== undefined && exitReason(owner) !== null) return;
      if (onTimeout === 'exit' && !outcome.ok && outcome.reason === 'timedOut') throw new Exit({ crash: 'timeout' });
      yield outcome;
    }
  } finally {
    slices.clear();
    for (const { task } of flying) task?.cancel();
    if (!exhausted) leave(source);
  }
}

/** Awaits the event loop's next turn, where this one has lasted. */
function room(slices: Slices): Promise<void> | undefined {
  if (slices.hasRoom()) return undefined;
  return new Promise((resolve) => slices.later({ take: resolve }));
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

/** A task on its way. */
interface Flight<Value> {
  readonly task: Task<Value> | undefined;
  readonly landed: Promise<Landing<Value>>;
}

interface Landing<Value> {
  readonly flight: Flight<Value>;
  readonly outcome: StreamOutcome<Value>;
}

function launch<Value>(tasks: TaskSupervisor, fn: TaskFn<Value>, options: AsyncOptions): Flight<Value> {
  const started = tasks.async(fn, options);
  const outcome: Promise<StreamOutcome<Value>> = started.ok ? started.task.outcome : Promise.resolve(started);
  const landed = outcome.then((landedWith): Landing<Value> => ({ flight, outcome: landedWith }));
  const flight: Flight<Value> = { task: started.ok ? started.task : undefined, landed };
  return flight;
}

/** Flights as they land. (To race them anew for each would leave a reaction per outcome with the slowest of them.) */
class Landings<Value> {
  #landed: Landing<Value>[] = [];
  /** Those before it were taken. */
  #first = 0;
  #wake: (() => void) | undefined;

  await(flight: Flight<Value>): void {
    void flight.landed.then((landing) => {
      this.#landed.push(landing);
      this.#wake?.();
    });
  }

  /** The next to land, in the order in which they do. */
  async next(): Promise<Landing<Value>> {
    for (;;) {
      const landing = this.#landed[this.#first];
      if (landing !== undefined) {
        this.#first++;
        return landing;
      }
      this.#landed = [];
      this.#first = 0;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function iteratorOf<Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
