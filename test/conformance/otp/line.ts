/** One line of the corpus, as FORMAT.md describes it, and what came of playing it. */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a start function does. @see FORMAT.md §3 "Start actions" */
export type StartAction =
  | string
  | { readonly do: string; readonly delay?: number; readonly reason?: Json; readonly extra?: Json; readonly die_after?: number };

/** How a worker reacts to an exit request. @see FORMAT.md §3 "Stop behaviour" */
export type StopBehaviour = 'prompt' | 'ignore' | { readonly delay?: number; readonly reason?: Json };

/** A child spec of a scenario. Invalid values occur on purpose, so most fields are any JSON. */
export interface Child {
  readonly id?: string;
  readonly type?: Json;
  readonly restart?: Json;
  readonly significant?: Json;
  readonly shutdown?: Json;
  readonly start?: readonly StartAction[];
  readonly stop?: StopBehaviour;
  readonly sup?: Sup;
  readonly no_start?: boolean;
}

/** Supervisor flags of a scenario. */
export interface Sup {
  readonly strategy?: Json;
  readonly intensity?: Json;
  readonly period?: Json;
  readonly auto_shutdown?: Json;
  readonly children?: readonly Child[];
  readonly max_children?: Json;
}

/** A step: `op` and its fields. Each adapter reads the fields of its own ops. */
export interface Step {
  readonly at?: number;
  readonly op: string;
  readonly [field: string]: unknown;
}

/** What is played. */
export interface Scenario {
  readonly kind: string;
  readonly rule?: string;
  readonly quirk?: string;
  readonly top?: Child;
  readonly steps: readonly Step[];
  readonly tail?: number;
}

/** One line of a `.jsonl` file. */
export interface Line {
  readonly name: string;
  readonly scenario: Scenario;
  readonly golden: { readonly [key: string]: Json };
}

/** Where our trace first leaves the golden one. */
export interface Difference {
  /** A place in the golden trace: `intervals[3].events[1]`. */
  readonly at: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** What came of one line. */
export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly difference: Difference }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'skipped'; readonly reason: string };
