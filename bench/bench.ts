/** What the door (main.ts) knows of a benchmark. */
import type { Limit } from './limits.js';
import type { Row } from './rounds.js';

export interface BenchOptions {
  readonly rounds: number;
  /** Tiny sizes: proves that everything runs, measures nothing worth quoting. */
  readonly smoke: boolean;
  /** Only these subjects; all when absent. */
  readonly only?: readonly string[];
  /** Says what is being measured now; for people who wait. */
  progress(step: string): void;
}

export interface BenchResult {
  readonly rows: Row[];
  /** What a reader of the table must know: subjects that were skipped and why, sizes that are not feasible. */
  readonly notes: string[];
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Names of all subjects, the peers' too. */
  readonly subjects: readonly string[];
  readonly limits: readonly Limit[];
  run(options: BenchOptions): Promise<BenchResult>;
}
