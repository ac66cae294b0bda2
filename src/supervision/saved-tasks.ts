/** A task pool as it is saved. */
import type { TaskLane } from '../../machines/supervision/task-supervisor.js';
import type { PersistedTimer } from './persistence.js';

/** What a task pool does with tasks: it takes them, waits for the last, ends them, or is over. */
export type TaskPoolMode = 'open' | 'draining' | 'stopping' | 'gone';

/** A task pool, saved: functions cannot be, so only who they were. */
export interface PersistedTaskPool {
  readonly status: 'active';
  /** Monotonic ms, on the clock of the tree that was saved. */
  readonly at: number;
  readonly mode: TaskPoolMode;
  readonly maxChildren: number | 'infinity';
  /** Absent in what was saved before there were lanes. */
  readonly lane?: TaskLane;
  readonly tasks: readonly { readonly id: string; readonly name: string }[];
  readonly timers: readonly PersistedTimer[];
}
