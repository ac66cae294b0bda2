/** What a subject's process is told to do, one order after the other; each is answered with its figures, by the names of the metrics. */

export type Order =
  /** Runs that many tasks, unmeasured: the code is compiled by what it is used for. */
  | { readonly do: 'warm'; readonly count: number }
  /** Opens a supervisor with so many live tasks, and lets `runIn` others pass: `bytes`, measured over at least `bytesOver` live tasks. */
  | { readonly do: 'open'; readonly live: number; readonly bytesOver: number; readonly runIn: number }
  /** `count` tasks, many in flight: `task`, µs. */
  | { readonly do: 'task'; readonly count: number }
  /** `count` tasks, one after the other: the two latencies, µs. */
  | { readonly do: 'latency'; readonly count: number }
  /** `times` forced collections: `collection`, ms. */
  | { readonly do: 'collect'; readonly times: number }
  /** Stops the supervisor and all that lives: `stop-all`, ms. */
  | { readonly do: 'stop'; readonly round: number }
  /** `count` tasks with names of their own: `kept`, bytes. */
  | { readonly do: 'kept'; readonly count: number }
  /** `count` tasks at once: the times for which they hold the loop, ms. */
  | { readonly do: 'burst'; readonly count: number }
  /** `count` crashes among so many siblings: of a task, and of a machine, µs. */
  | { readonly do: 'restart'; readonly siblings: number; readonly count: number };

/** By the name of the metric. A metric that means nothing for a subject, or is not feasible, is missing. */
export type Figures = Readonly<Record<string, number>>;

/** What is told with the figures of any order, ms: how long it took, and how much of that the process waited for a core. */
export const spent = { waitedMs: 'waited ms', tookMs: 'took ms' } as const;

/** The unit of each metric. */
export const units: Readonly<Record<string, string>> = {
  task: 'µs',
  'start-to-entry p50': 'µs',
  'start-to-entry p99': 'µs',
  'end-to-notice p50': 'µs',
  'end-to-notice p99': 'µs',
  bytes: 'bytes',
  collection: 'ms',
  'stop-all': 'ms',
  kept: 'bytes',
  'longest hold, starts': 'ms',
  'longest hold, starts and ends': 'ms',
  'longest hold, all let go in one turn': 'ms',
  'longest hold without collections, starts': 'ms',
  'longest hold without collections, starts and ends': 'ms',
  'restart p50': 'µs',
  'restart p99': 'µs',
  'restart of a machine p50': 'µs',
  'restart of a machine p99': 'µs',
};
