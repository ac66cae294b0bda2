/** What a subject's process is told to do, one order after the other; each is answered with its figures. */

/** `in`: audio comes from the server. `out`: it is sent. */
export type Way = 'in' | 'out';

export type Order =
  /** Collects all garbage, lets `turns` turns of `count` messages pass unmeasured, and begins to count processor time. */
  | { readonly do: 'prepare'; readonly way: Way; readonly turns: number; readonly count: number }
  /** Lets `count` messages pass, answered with `ms` and `cpuUs`: all that the process has used since the pass before, or since it was prepared. */
  | { readonly do: 'pass'; readonly way: Way; readonly count: number }
  /** `runIn` calls unmeasured, then `count` of them: `p50`, `p99` and `cpuUs` of each, µs. */
  | { readonly do: 'trips'; readonly runIn: number; readonly count: number }
  /** `count` messages, `everyMs` apart, while a tool runs: `p99`, ms. */
  | { readonly do: 'lag'; readonly count: number; readonly everyMs: number }
  /** Closes the session, in order. */
  | { readonly do: 'close' };

/** The figures of an order. */
export type Figures = Readonly<Record<string, number>>;
