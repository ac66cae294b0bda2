/** The slots of a task pool: who is where, and which are free. A slot and its id are used again by the next task, so that nothing is kept of those before. */
import type { ExitReason } from '../../machines/supervision/exit.js';
import { TaskRun, type Settled, type TaskFn, type TaskPlan } from './task-run.js';
import type { TaskPool } from './task-pool.js';

/** A table that has been longer than this gives its memory back once it is empty. */
const mostKept = 1_024;

export class TaskSlots {
  readonly #pool: TaskPool;
  /** By number. An array, for a Map whose keys are deleted and set again is searched through all their former places. */
  #runs: (TaskRun | undefined)[] = [];
  #free: number[] = [];
  size = 0;

  constructor(pool: TaskPool) {
    this.#pool = pool;
  }

  /** Slots that are or were in use. */
  get length(): number {
    return this.#runs.length;
  }

  at(slot: number): TaskRun | undefined {
    return this.#runs[slot];
  }

  all(): TaskRun[] {
    return this.#runs.filter((run) => run !== undefined);
  }

  has(run: TaskRun): boolean {
    return this.#runs[run.slot] === run;
  }

  /** A new run in the slot that was free last. */
  open(fn: TaskFn<unknown>, plan: TaskPlan, settled: Settled | undefined): TaskRun {
    const slot = this.#free.pop() ?? this.#runs.length;
    const run = new TaskRun(this.#pool, slot, fn, plan, settled);
    this.#runs[slot] = run;
    this.size++;
    return run;
  }

  /** The next run of the same task. */
  replace(run: TaskRun, cause: ExitReason): void {
    this.#runs[run.slot] = run.successor(cause);
  }

  /** @param isUsedAgain  false where no task comes any more */
  close({ slot }: TaskRun, isUsedAgain: boolean): void {
    this.#runs[slot] = undefined;
    if (isUsedAgain) this.#free.push(slot);
    this.size--;
    if (this.size > 0 || this.#runs.length <= mostKept) return;
    this.#runs = [];
    this.#free = [];
  }
}
